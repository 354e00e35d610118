"""Long steps print plain lines where there is no terminal."""

import time

from emotions.core import progress


def test_lines_come_now_and_then_and_end_without_one(capsys, monkeypatch):
    monkeypatch.setattr(progress, "SECONDS", 0.05)
    with progress.bar("predicting", 4_000) as shown:
        for _ in range(4):
            time.sleep(0.03)
            shown.set_postfix_str("loss 0.5", refresh=False)
            shown.update(1_000)
    lines = capsys.readouterr().err.splitlines()
    assert 1 <= len(lines) <= 3
    assert all(line.startswith("predicting: ") and " of 4000 comments, loss 0.5, " in line for line in lines)


def test_a_quick_or_silent_step_prints_nothing(capsys, monkeypatch):
    with progress.bar("predicting", 10) as shown:
        shown.update(10)
    monkeypatch.setattr(progress, "SECONDS", 0.0)
    with progress.bar("predicting", 10, silent=True) as shown:
        shown.update(10)
    assert capsys.readouterr().err == ""
