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
# Rows of four comments: id, unclear, labels of anger, joy, fear.
ROWS = [
    ("b", False, (1, 0, 0)),
    ("a", False, (0, 1, 1)),
    ("b", False, (1, 1, 0)),
    ("c", True, (0, 0, 1)),
    ("a", True, (0, 1, 0)),
    ("d", False, (0, 0, 0)),
    ("a", False, (0, 0, 1)),
    ("b", False, (1, 0, 0)),
]


def write(path: Path, rows: list) -> Path:
    lines = [f"{name},text {name},{unclear},{','.join(map(str, labels))}\n" for name, unclear, labels in rows]
    path.write_text(HEADER + "".join(lines))
    return path


@pytest.mark.parametrize(
    ("min_votes", "kept", "joined", "unlabelled"),
    [
        (0, [("b", [1, 0, 0]), ("a", [0, 1, 1]), ("b", [1, 1, 0]), ("a", [0, 0, 1]), ("b", [1, 0, 0])], 0, 1),
        (1, [("b", [1, 1, 0]), ("a", [0, 1, 1])], 3, 1),
        (2, [("b", [1, 0, 0]), ("a", [0, 0, 1])], 3, 1),
        (3, [("b", [1, 0, 0])], 3, 2),
    ],
)
def test_a_comment_keeps_the_labels_on_which_enough_clear_raters_agree(tmp_path, min_votes, kept, joined, unlabelled):
    found = merge(write(tmp_path / "data.csv", ROWS), min_votes)
    assert list(zip(found.ids, found.labels.tolist(), strict=True)) == kept
    assert found.texts == [f"text {name}" for name, _ in kept] and found.parts is None
    counts = found.counts
    assert (counts.unclear, counts.merged, counts.unlabelled) == (2, joined, unlabelled)
    assert counts.unclear + counts.merged + counts.unlabelled + counts.kept == counts.rows == len(ROWS)


def test_hundreds_of_raters_of_one_comment_are_counted(tmp_path):
    rows = [("a", False, (1, 0, 0))] * 257 + [("a", False, (0, 1, 0))]
    assert merge(write(tmp_path / "data.csv", rows), min_votes=2).labels.tolist() == [[1, 0, 0]]


@pytest.mark.parametrize(("rows", "min_votes"), [(ROWS, 4), (ROWS[3:5], 1), (ROWS[5:6], 0)])
def test_no_comment_left_is_an_error_that_names_min_votes(tmp_path, rows: list, min_votes: int):
    unclear = sum(row[1] for row in rows)
    message = rf"^no comment is left of {len(rows)} rows, {unclear} of them unclear: none has a label with min_votes "
    with pytest.raises(InputError, match=rf"{message}{min_votes}(; lower it)?$"):
        merge(write(tmp_path / "data.csv", rows), min_votes)


@pytest.fixture
def large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two raw files read in many blocks; the raters of a comment stand far apart, and in both."""
    monkeypatch.setattr(formats, "BLOCK", 300)
    monkeypatch.setattr(raters, "PIECE", 50)
    random = np.random.default_rng(3)
    folder = tmp_path / "raw"
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        lines = [
            f'c{number},"so ""kind"",\nnumber {number}",{bool(random.random() < 0.1)},'
            + ",".join(str(int(vote)) for vote in random.random(3) < 0.3)
            for number in random.integers(0, 133, 400)
        ]
        (folder / name).write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("min_votes", [1, 2])
def test_many_blocks_give_what_counting_in_memory_gives(large: Path, min_votes: int):
    rows = read(large)
    votes: dict[str, np.ndarray] = {}
    for name, unclear, labels in zip(rows.ids, rows.unclear, rows.labels, strict=True):
        votes[name] = votes.get(name, 0) + labels * (not unclear)
    expected = {name: (count >= min_votes).astype(int).tolist() for name, count in votes.items()}
    expected = {name: labels for name, labels in expected.items() if any(labels)}
    found = merge(large, min_votes)
    assert dict(zip(found.ids, found.labels.tolist(), strict=True)) == expected
    assert found.ids == list(expected)  # in order of first appearance
    assert all(text == f'so "kind",\nnumber {name[1:]}' for name, text in zip(found.ids, found.texts, strict=True))


def test_one_row_per_rater_keeps_every_row_in_order(large: Path):
    rows = read(large)
    kept = [row for row in range(800) if not rows.unclear[row] and rows.labels[row].any()]
    found = merge(large, 0)
    assert found.ids == [rows.ids[row] for row in kept]
    np.testing.assert_array_equal(found.labels, rows.labels[kept])


def write_official(folder: Path) -> None:
    for name in formats.PARTS:
        lines = [f"text {number}\t{number % 28},3\t{name}{number}\n" for number in range(100)]
        (folder / name).write_text("".join(lines))


@pytest.mark.parametrize("min_votes", [0, 1, 3])
def test_data_with_its_own_parts_is_kept_as_it_is(tmp_path: Path, min_votes: int):
    write_official(tmp_path)
    found, whole = merge(tmp_path, min_votes), read(tmp_path)
    assert (found.ids, found.texts, found.parts) == (whole.ids, whole.texts, whole.parts)
    np.testing.assert_array_equal(found.labels, whole.labels)
    assert set(found.parts) == {"train", "validation", "test"}


def test_an_id_with_two_texts_far_apart_is_refused_with_the_first_of_them(large: Path):
    with (large / "b.csv").open("a") as file:
        file.writelines(f"c{number},another text,FALSE,0,1,0\n" for number in (7, 3, 5, 11))
    with pytest.raises(InputError, match=r"b\.csv: the id 'c7' comes with two texts, 'so .kind.+ and 'another text'"):
        merge(large)


def test_an_id_that_comes_twice_in_data_with_parts_is_refused(tmp_path: Path):
    write_official(tmp_path)
    with (tmp_path / "test.tsv").open("a") as file:
        file.write("text 8\t1\ttrain.tsv8\n")
    with pytest.raises(InputError, match=r"'train\.tsv8' comes twice"):
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
        with (tmp_path / "data.csv").open("w") as file:
            file.write(HEADER)
            for number in range(15_000 * times):
                file.write(f"c{number},{'so many words ' * 12}{number},FALSE,0,1,0\n")
        (tmp_path / f"scratch-{times}").mkdir()
        command = [sys.executable, "-c", PEAK, f"scratch-{times}"]
        done = subprocess.run(command, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True)
        kept, peak = map(int, done.stdout.split())
        assert kept == 15_000 * times
        peaks.append(peak * 1024)
    size = (tmp_path / "data.csv").stat().st_size
    assert size > 50e6 and peaks[1] - peaks[0] < 5 * size
