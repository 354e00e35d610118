"""Merging raters: which comments stay, with which labels, in which order, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emotions.core.errors import InputError
from emotions.data import formats, raters
from tests.conftest import environment
from tests.data.conftest import merge, read

HEADER = "id,text,example_very_unclear,anger,joy,fear\n"
# Rows of four comments: id, text, unclear, labels of anger, joy, fear.
ROWS = ["b,B,F,1,0,0", "a,A,F,0,1,1", "b,B,F,1,1,0", "c,C,T,0,0,1", "a,A,T,0,1,0", "d,D,F,0,0,0", "a,A,F,0,0,1"]


def write(path: Path, rows: list[str]) -> Path:
    path.write_text(HEADER + "\n".join(rows).replace("F", "FALSE").replace("T", "TRUE"))
    return path


@pytest.mark.parametrize(
    ("min_votes", "kept", "joined", "unlabelled"),
    [
        (0, [("b", [1, 0, 0]), ("a", [0, 1, 1]), ("b", [1, 1, 0]), ("a", [0, 0, 1])], 0, 1),
        (1, [("b", [1, 1, 0]), ("a", [0, 1, 1])], 2, 1),
        (2, [("b", [1, 0, 0]), ("a", [0, 0, 1])], 2, 1),
    ],
)
def test_a_comment_keeps_the_labels_on_which_enough_clear_raters_agree(tmp_path, min_votes, kept, joined, unlabelled):
    found = merge(write(tmp_path / "data.csv", ROWS), min_votes)
    assert list(zip(found.ids, found.labels.tolist(), strict=True)) == kept
    assert found.texts == [name.upper() for name, _ in kept] and found.parts is None
    counts = found.counts
    assert (counts.unclear, counts.merged, counts.unlabelled) == (2, joined, unlabelled)
    assert counts.unclear + counts.merged + counts.unlabelled + counts.kept == counts.rows == len(ROWS)


@pytest.mark.parametrize(("rows", "unclear", "min_votes"), [(ROWS, 2, 4), (ROWS[3:5], 2, 1), (ROWS[5:6], 0, 0)])
def test_no_comment_left_is_an_error_that_names_min_votes(tmp_path, rows: list[str], unclear: int, min_votes: int):
    message = rf"^no comment is left of {len(rows)} rows, {unclear} of them unclear: none has a label with min_votes "
    with pytest.raises(InputError, match=rf"{message}{min_votes}(; lower it)?$"):
        merge(write(tmp_path / "data.csv", rows), min_votes)


@pytest.mark.parametrize("min_votes", [0, 1, 2])
def test_many_blocks_give_what_counting_in_memory_gives(tmp_path, monkeypatch, min_votes: int):
    monkeypatch.setattr(formats, "BLOCK", 300)
    monkeypatch.setattr(raters, "PIECE", 50)
    random = np.random.default_rng(3)
    for file in ("a.csv", "b.csv"):
        names, unclear, labels = random.integers(0, 133, 400), random.random(400) < 0.1, random.random((400, 3)) < 0.3
        rows = zip(names, np.where(unclear, "T", "F"), labels.astype(int), strict=True)
        write(tmp_path / file, [f'c{name},"so ""kind"",\n{name}",{odd},{a},{b},{c}' for name, odd, (a, b, c) in rows])
    rows = read(tmp_path)
    votes: dict[tuple, np.ndarray] = {}
    for number, (name, unclear, labels) in enumerate(zip(rows.ids, rows.unclear, rows.labels, strict=True)):
        key = (name, min_votes or number)
        votes[key] = votes.get(key, 0) + labels * (not unclear)
    expected = {key: (count >= max(min_votes, 1)).astype(int).tolist() for key, count in votes.items()}
    found = merge(tmp_path, min_votes)
    # In order of first appearance.
    kept = [(name, labels) for (name, _), labels in expected.items() if any(labels)]
    assert list(zip(found.ids, found.labels.tolist(), strict=True)) == kept
    assert found.texts == [f'so "kind",\n{name[1:]}' for name in found.ids]


@pytest.mark.parametrize("min_votes", [0, 3])
def test_data_with_its_own_parts_is_kept_as_it_is_and_has_no_id_twice(tmp_path: Path, min_votes: int):
    for name in formats.PARTS:
        lines = [f"text {number}\t{number % 28},3\t{name}{number}\n" for number in range(100)]
        (tmp_path / name).write_text("".join(lines))
    found, whole = merge(tmp_path, min_votes), read(tmp_path)
    assert (found.ids, found.texts, found.parts) == (whole.ids, whole.texts, whole.parts)
    np.testing.assert_array_equal(found.labels, whole.labels)
    with (tmp_path / "test.tsv").open("a") as file:
        file.write("text 8\t1\ttrain.tsv8\n")
    with pytest.raises(InputError, match=r"test\.tsv: the id 'train\.tsv8' comes twice, .*in one part, once$"):
        merge(tmp_path)


PEAK = """
import resource, sys
from pathlib import Path
from emotions.data import raters
raters.MEMORY = "200MB"
kept = sum(len(piece.ids) for piece in raters.merge("data.csv", 1, Path(sys.argv[1])).pieces)
print(kept, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in other units elsewhere")
def test_twenty_times_the_data_takes_little_more_memory(tmp_path: Path):
    peaks = []
    for times in (1, 20):
        rows = [f"c{number},{'so many words ' * 12}{number},F,0,1,0" for number in range(15_000 * times)]
        size = write(tmp_path / "data.csv", rows).stat().st_size
        (tmp_path / f"scratch-{times}").mkdir()
        command = [sys.executable, "-c", PEAK, f"scratch-{times}"]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
        kept, peak = map(int, done.stdout.split())
        assert kept == 15_000 * times
        peaks.append(peak * 1024)
    assert size > 50e6 and peaks[1] - peaks[0] < 5 * size
