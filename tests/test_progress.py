"""Progress: a bar on a terminal, now and then a line elsewhere, and nothing on standard output."""

import time
from types import SimpleNamespace

import pytest

from emotions import progress


@pytest.mark.parametrize(("note", "shown"), [("loss 0.1234", "loss 0.1234, "), ("", "")])
def test_a_log_gets_a_line_every_fifteen_seconds_with_rate_and_time_left(monkeypatch, capsys, note, shown):
    clock = SimpleNamespace(now=100.0)
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: clock.now))
    with progress.Progress("epoch 1/3", 2_000) as counter:
        for _ in range(8):
            clock.now += 5
            counter.add(125, note)
    assert capsys.readouterr() == (
        "",
        f"epoch 1/3: 375 of 2,000 comments, {shown}25 comments/s, 01:05 left\n"
        f"epoch 1/3: 750 of 2,000 comments, {shown}25 comments/s, 00:50 left\n",
    )


def test_a_terminal_gets_a_bar_that_is_gone_in_the_end(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    with progress.Progress("epoch 1/3", 10) as counter:
        time.sleep(0.2)  # a bar is drawn ten times a second at most
        counter.add(4, "loss 0.5")
    drawings = capsys.readouterr().err.split("\r")
    assert "epoch 1/3:  40%" in drawings[-3] and "4/10" in drawings[-3] and "loss 0.5" in drawings[-3]
    assert (drawings[-2].strip(), drawings[-1]) == ("", "")
