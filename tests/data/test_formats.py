"""Reading data: every accepted format, and one line for every fault."""

import csv
from pathlib import Path

import numpy as np
import pytest

from emotions.core.errors import InputError
from emotions.data import formats
from tests.data.conftest import merge, read

HEADER = "id,text,example_very_unclear,anger,joy\n"
GOOD = HEADER + "a,so kind,FALSE,0,1\nb,argh,TRUE,1,0\n"
QUOTED = '"' + GOOD.strip().replace(",", '","').replace("\n", '"\n"') + '"\n\n\n'
RAW = (
    "text,id,author,subreddit,link_id,parent_id,created_utc,rater_id,example_very_unclear,anger,joy\n"
    "so kind,a,me,nrl,t3_x,t1_y,1548381039.0,1,False,0,1\n"
    "argh,b,you,nrl,t3_x,t1_z,1548381040.0,37,True,1,0\n"
)
OFFICIAL = {"train.tsv": "so kind\t5,15\ta\n", "dev.tsv": "why\t7\tb\n", "test.tsv": "fine\t27\tc\nhm\t27\td\n"}
# What a reader that guesses types would take for a number, a date, a truth value or nothing.
WORDS = ["NA", "N/A", "#N/A", "null", "NULL", "None", "nan", "NaN", "123", "007", "1e5", "true", "2020-01-01", "-"]


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def fault(path: Path) -> str:
    """Return the error about data: one line that names its file or folder."""
    with pytest.raises(InputError) as caught:
        merge(path)
    message = str(caught.value)
    assert "\n" not in message and str(path) in message
    return message


@pytest.mark.parametrize("content", [GOOD.removesuffix("\n"), "\ufeff" + RAW.replace("\n", "\r\n"), QUOTED])
def test_a_csv_file_gives_its_rows(tmp_path: Path, content: str):
    rows = read(write(tmp_path, {"data.csv": content}) / "data.csv")
    assert (rows.ids, rows.texts) == (["a", "b"], ["so kind", "argh"])
    assert rows.labels.tolist() == [[0, 1], [1, 0]]
    assert rows.unclear == [False, True]
    assert rows.label_names == ("anger", "joy") and set(rows.parts) == {None}


@pytest.mark.parametrize("change", [str, lambda t: "\ufeff" + t.replace("\n", "\r\n"), str.strip])
def test_official_files_give_their_labels_and_parts(tmp_path: Path, change):
    rows = read(write(tmp_path, {name: change(content) for name, content in OFFICIAL.items()}))
    assert (rows.ids, rows.texts) == (["a", "b", "c", "d"], ["so kind", "why", "fine", "hm"])
    assert rows.label_names == formats.GOEMOTIONS_LABELS and not any(rows.unclear)
    assert [np.flatnonzero(row).tolist() for row in rows.labels] == [[5, 15], [7], [27], [27]]
    assert rows.parts == ["train", "validation", "test", "test"]
    names = change("\n".join(f"label{number}" for number in range(28)) + "\n")
    assert read(write(tmp_path, {"emotions.txt": names})).label_names == tuple(f"label{n}" for n in range(28))


def test_a_text_or_id_stays_as_it_stands(tmp_path: Path):
    same = [*WORDS, "'tis", '5" of rain', " größe \U0001f642 "]
    fields = [*same, '"commas, so many"', '"two\nlines"', '"""quoted"" she said"', '"NA"']
    expected = [*same, "commas, so many", "two\nlines", '"quoted" she said', "NA"]
    lines = "".join(f"{field},{field},FALSE,0,1\n" for field in fields)
    rows = read(write(tmp_path / "csv", {"data.csv": HEADER + lines}))
    assert (rows.ids, rows.texts) == (expected, expected)
    lines = "".join(f"{field}\t0\t{field}\n" for field in fields)
    rows = read(write(tmp_path / "tsv", {**OFFICIAL, "train.tsv": lines}))
    assert rows.ids[: len(expected)] == rows.texts[: len(expected)] == expected


@pytest.mark.parametrize("block", [200, 333, 1 << 20])
def test_the_size_of_the_blocks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int):
    monkeypatch.setattr(formats, "BLOCK", block)
    ids = [f"c{number % 40}" for number in range(120)]
    lines = "".join(
        f'{name},"line one of {name}\n""line two"", größe",{n % 7 == 0},{n % 2},1\n\n' for n, name in enumerate(ids)
    )
    folder = write(tmp_path, {"b.csv": HEADER + lines, "a.csv": HEADER + lines, "a.csv.dvc": "outs:"})
    assert (len(list(formats.find(folder).blocks())) > 2) is (block < 1000)
    rows = read(folder)
    assert (rows.ids, rows.texts) == (ids * 2, [f'line one of {name}\n"line two", größe' for name in ids] * 2)
    assert rows.labels[:, 0].tolist() == [0, 1] * 120
    assert np.flatnonzero(rows.unclear).tolist() == [n + start for start in (0, 120) for n in range(0, 120, 7)]
    for fault_in, said in [
        ("c1,,FALSE,0,1\n", "b.csv, row 122: the text is empty"),
        ("c1,x,FALSE,0\n", "b.csv: row 122: Expected 5 columns, got 4"),
        ("c1,other,FALSE,0,1\n", "b.csv: the id 'c1' comes twice, with 'line one of c1"),
    ]:
        (folder / "b.csv").write_text(HEADER + lines + fault_in, encoding="utf-8")
        assert said in fault(folder)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *((content, "holds no comments") for content in ("", HEADER, HEADER.strip())),
        (GOOD.replace(",", ";"), "lacks the column 'id'; it should be id, text"),
        ("id,text,example_very_unclear,joy\na,x,FALSE,1\n", "two label columns should follow"),
        (GOOD.replace("joy", "anger"), "column 'anger' twice"),
        ("id,text,score,example_very_unclear,joy\na,x,3,FALSE,1\n", "column 'score' does not belong before"),
        (GOOD.replace("joy", "author"), "column 'author' does not belong after"),
        (GOOD.replace("joy", ""), "column '' does not belong after"),
        (GOOD + 'c,"never closed,FALSE,1,0\n' + "d,x,FALSE,1,0\n" * 200_000, "a quote may not be closed"),
        *((f"{GOOD}c,x,FALSE,0,{v}\n", f"row 4: joy is {v!r}, but should be 0 or 1") for v in ["2", "1.0", "", "NA"]),
        (GOOD + "c,x,maybe,1,0\n", "but should be FALSE or TRUE"),
        *((f"{GOOD}c,{text},FALSE,1,0\n", "row 4: the text is empty") for text in ["", '""', "  ", '"\n"', "\u00a0"]),
        (GOOD + ",x,FALSE,1,0\n", "row 4: the id is empty"),
        (GOOD.encode() + b"c,caf\xe9,FALSE,1,0\n", "line 4: byte 0xe9 is not UTF-8; save it as UTF-8"),
        (GOOD.encode().replace(b"joy", b"jo\xff"), "line 1: byte 0xff is not UTF-8; save it as UTF-8"),
        (GOOD + "a,so mean,FALSE,1,0\n", "the id 'a' comes twice, with 'so kind' and 'so mean'; give each text"),
    ],
)
def test_a_fault_in_a_csv_file_is_reported_with_its_place(tmp_path: Path, content: str | bytes, said: str):
    assert said in fault(write(tmp_path, {"data.csv": content}) / "data.csv")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds neither CSV files nor train.tsv, dev.tsv, test.tsv"),
        ({"goemotions_1.csv.dvc": "x"}, "get them with `dvc update "),
        ({**OFFICIAL, "data.csv": GOOD}, "both train.tsv and data.csv: keep one format"),
        ({"a.csv": GOOD, "b.csv": GOOD.replace("joy", "fear")}, "b.csv: the label columns differ from those of "),
        ({"train.tsv": "x\t0\ta\n"}, "holds train.tsv, but should hold all of train.tsv, dev.tsv, test.tsv"),
        *(
            ({**OFFICIAL, "dev.tsv": f"hm\t1\te\nhm\t{indices}\tf\n"}, f"dev.tsv, row 2: label index {wrong!r}, but")
            for indices, wrong in [("28", "28"), ("3,-1", "-1"), ("joy", "joy"), ("", ""), ("1,", ""), ("1.5", "1.5")]
        ),
        ({**OFFICIAL, "dev.tsv": "hm\t5\te\n\t5\tf\n"}, "dev.tsv, row 2: the text is empty"),
        ({**OFFICIAL, "emotions.txt": "mild\nhot\n"}, "train.tsv, row 1: label index '5', but should be 0 to 1"),
        ({**OFFICIAL, "emotions.txt": b"caf\xe9\n"}, "emotions.txt, line 1: byte 0xe9 is not UTF-8; save it as"),
        ({**OFFICIAL, "emotions.txt": ""}, "at least two labels"),
        ({**OFFICIAL, "emotions.txt": "joy\n" * 28}, "'joy' twice"),
    ],
)
def test_a_fault_in_a_folder_is_reported_with_its_place(tmp_path: Path, files: dict[str, str | bytes], said: str):
    assert said in fault(write(tmp_path, files))


def test_a_path_that_is_no_data_is_reported_with_the_remedy(tmp_path: Path):
    assert "does not exist: name a CSV file or a folder" in fault(tmp_path / "data.csv")
    assert "name the folder with train.tsv" in fault(write(tmp_path, OFFICIAL) / "dev.tsv")


def hostile(random: np.random.Generator) -> str:
    """Return a CSV file in which anything can be wrong with quotes, delimiters and line ends."""
    pieces = ["a", "b c", ",", '"', '""', "\n", "\r\n", "'", "größe", "\U0001f642", " ", "\t", ";"]
    rows = [HEADER.strip()]
    for number in range(random.integers(1, 8)):
        text = "".join(random.choice(pieces, random.integers(1, 6)))
        field = text if random.random() < 0.1 else f'"{text.replace(chr(34), chr(34) * 2)}"'
        rows.append(f"c{number},{field},FALSE,0,1{random.choice(['', ',', ',x'], p=[0.94, 0.03, 0.03])}")
    end = random.choice(["\n", "\r\n", "\n\n"])
    return end.join(rows) + random.choice(["", end])


def test_a_hundred_hostile_files_are_read_as_the_standard_library_reads_them_or_refused(tmp_path: Path):
    random, refused = np.random.default_rng(7), 0
    for number in range(150):
        path = write(tmp_path, {f"{number}.csv": hostile(random)}) / f"{number}.csv"
        expected = None
        try:
            with path.open(encoding="utf-8", newline="") as file:
                expected = [row for row in csv.reader(file, strict=True) if row][1:]
        except csv.Error as error:
            if "expected after" in str(error):
                continue  # text after a closing quote, which Arrow takes as part of the field
        try:
            rows = read(path)
        except InputError:
            refused += 1
        else:
            assert expected is not None and all(len(row) == 5 for row in expected), path.read_text()
            assert [list(pair) for pair in zip(rows.ids, rows.texts, strict=True)] == [row[:2] for row in expected]
    assert 20 < refused < 120
