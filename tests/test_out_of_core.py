"""Data spread over many shares on disk is merged as data in memory is, and takes no more memory when there is more."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emotions import corpus, files, out_of_core, votes
from emotions.errors import InputError
from emotions.judgements import join
from tests.conftest import ROOT

HEADER = "id,text,example_very_unclear,anger,joy,fear\n"


def write(folder: Path, count: int = 400) -> Path:
    """Two raw files; the raters of a comment stand far apart, and in both."""
    random = np.random.default_rng(3)
    folder.mkdir()
    for name in ("a.csv", "b.csv"):
        lines = [
            f'c{number},"so ""kind"",\nnumber {number}",{bool(random.random() < 0.1)},'
            + ",".join(str(int(vote)) for vote in random.random(3) < 0.3)
            for number in random.integers(0, count // 3, count)
        ]
        (folder / name).write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    return folder


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, shares and windows so small that a small file has many of each."""
    monkeypatch.setattr(corpus, "BLOCK", 300)
    monkeypatch.setattr(out_of_core, "SHARE", 2_000)
    monkeypatch.setattr(out_of_core, "WINDOW", 50)


@pytest.mark.parametrize("min_votes", [0, 1, 2])
def test_many_shares_give_what_one_merge_in_memory_gives(tmp_path: Path, small: None, min_votes: int):
    data = write(tmp_path / "raw")
    whole = corpus.read(data)
    expected = votes.merge(whole, min_votes)
    with files.scratch(tmp_path / "out.parquet") as folder:
        merged = out_of_core.merge(data, min_votes, folder)
        assert len(list(folder.iterdir())) > 5
        pieces = list(merged.pieces)
    assert len(pieces) > 3
    found = join(pieces)
    assert found.ids.to_pylist() == whole.ids.take(expected.rows).to_pylist()
    assert found.texts.to_pylist() == whole.texts.take(expected.rows).to_pylist()
    np.testing.assert_array_equal(found.labels, expected.labels, strict=True)
    assert (merged.unclear, merged.merged, merged.unlabelled) == (
        expected.unclear, expected.merged, expected.unlabelled,
    )  # fmt: skip
    assert (merged.rows, merged.kept, merged.label_names) == (800, len(expected.rows), ("anger", "joy", "fear"))


def test_finished_data_keeps_its_parts(tmp_path: Path, small: None):
    for name in corpus.PARTS:
        rows = [f"text {number}\t{number % 28}\t{name}{number}\n" for number in range(100)]
        (tmp_path / name).write_text("".join(rows))
    (tmp_path / "scratch").mkdir()
    found = join(list(out_of_core.merge(tmp_path, 3, tmp_path / "scratch").pieces))
    whole = corpus.read(tmp_path)
    assert found.ids.to_pylist() == whole.ids.to_pylist() and found.parts.tolist() == whole.parts.tolist()


def test_an_id_with_two_texts_far_apart_is_told_as_in_memory(tmp_path: Path, small: None):
    data = write(tmp_path / "raw")
    with (data / "b.csv").open("a") as file:
        file.writelines(f"c{number},another text,FALSE,0,1,0\n" for number in (7, 3, 5, 11))
    with pytest.raises(InputError, match=r"b\.csv: the id 'c7' comes with two texts, 'so .kind.") as told:
        corpus.read(data)
    with files.scratch(tmp_path / "out") as folder, pytest.raises(InputError) as again:
        out_of_core.merge(data, 1, folder)
    assert str(again.value) == str(told.value)


def test_an_id_that_comes_twice_in_finished_data_is_told(tmp_path: Path, small: None):
    for name in corpus.PARTS:
        (tmp_path / name).write_text("".join(f"text {number}\t1\t{name}{number}\n" for number in range(100)))
    with (tmp_path / "test.tsv").open("a") as file:
        file.write("text 8\t1\ttrain.tsv8\n")
    with files.scratch(tmp_path / "out") as folder, pytest.raises(InputError, match=r"'train\.tsv8' comes twice"):
        out_of_core.merge(tmp_path, 1, folder)


def test_no_comment_left_is_told_of_all_shares_together(tmp_path: Path, small: None):
    data = write(tmp_path / "raw")
    unclear = int(corpus.read(data).unclear.sum())
    with files.scratch(tmp_path / "out") as folder, pytest.raises(InputError) as told:
        out_of_core.merge(data, 99, folder)
    assert f"no comment is left of 800 rows, {unclear} of them unclear" in str(told.value)


PEAK = """
import resource, sys
from pathlib import Path
from emotions import out_of_core
out_of_core.SHARE = 1 << 20
kept = sum(len(piece.ids) for piece in out_of_core.merge("data.csv", 1, Path(sys.argv[1])).pieces)
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
        done = subprocess.run(
            [sys.executable, "-c", PEAK, f"scratch-{times}"],
            cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        kept, peak = map(int, done.stdout.split())
        assert kept == 15_000 * times
        peaks.append(peak * 1024)
    size = (tmp_path / "data.csv").stat().st_size
    assert size > 50e6 and peaks[1] - peaks[0] < 0.6 * size
