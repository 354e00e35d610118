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
RAW = (
    "text,id,author,subreddit,link_id,parent_id,created_utc,rater_id,example_very_unclear,anger,joy\n"
    "so kind,a,me,nrl,t3_x,t1_y,1548381039.0,1,False,0,1\n"
    "argh,b,you,nrl,t3_x,t1_z,1548381040.0,37,True,1,0\n"
)
OFFICIAL = {"train.tsv": "so kind\t5,15\ta\n", "dev.tsv": "why\t7\tb\n", "test.tsv": "fine\t27\tc\nhm\t27\td\n"}
# What a reader that guesses types would take for a number, a date, a truth value or nothing.
WORDS = ["NA", "N/A", "#N/A", "null", "NULL", "None", "nan", "NaN", "123", "007", "1e5", "true", "2020-01-01", "-"]


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
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


@pytest.mark.parametrize(
    "content",
    [
        GOOD,
        RAW,
        "\ufeff" + GOOD,
        GOOD.replace("\n", "\r\n"),
        "\ufeff" + RAW.replace("\n", "\r\n"),
        GOOD.removesuffix("\n"),
        GOOD + "\n\n",
        '"' + GOOD.strip().replace(",", '","').replace("\n", '"\n"') + '"',
        "text,rater_id,id,example_very_unclear,anger,joy\nso kind,1,a,false,0,1\nargh,2,b,true,1,0\n",
    ],
)
def test_a_csv_file_gives_its_rows(tmp_path: Path, content: str):
    rows = read(write(tmp_path, {"data.csv": content}) / "data.csv")
    assert (rows.ids, rows.texts) == (["a", "b"], ["so kind", "argh"])
    assert rows.labels.tolist() == [[0, 1], [1, 0]]
    assert rows.unclear == [False, True]
    assert rows.label_names == ("anger", "joy")
    assert rows.parts is None


@pytest.mark.parametrize("change", [str, lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), str.strip])
def test_official_files_give_their_labels_and_parts(tmp_path: Path, change):
    rows = read(write(tmp_path, {name: change(content) for name, content in OFFICIAL.items()}))
    assert (rows.ids, rows.texts) == (
        ["a", "b", "c", "d"],
        ["so kind", "why", "fine", "hm"],
    )
    given = [[rows.label_names[index] for index in np.flatnonzero(row)] for row in rows.labels]
    assert given == [["caring", "gratitude"], ["curiosity"], ["neutral"], ["neutral"]]
    assert rows.parts == ["train", "validation", "test", "test"]
    assert len(rows.label_names) == 28 and not any(rows.unclear)


@pytest.mark.parametrize("names", ["mild\nhot\n", "mild\r\nhot", "\ufeffmild\nhot\n"])
def test_emotions_txt_beside_the_official_files_names_the_labels(tmp_path: Path, names: str):
    files = {"train.tsv": "x\t0,1\ta\n", "dev.tsv": "y\t1\tb\n", "test.tsv": "z\t0\tc\n", "emotions.txt": names}
    rows = read(write(tmp_path, files))
    assert rows.label_names == ("mild", "hot")
    assert rows.labels.tolist() == [[1, 1], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('"commas, so many"', "commas, so many"),
        ('"two\nlines"', "two\nlines"),
        ('"""quoted"" she said"', '"quoted" she said'),
        ('5" of rain', '5" of rain'),
        (" größe \U0001f642 ", " größe \U0001f642 "),
        *((word, word) for word in [*WORDS, "'tis"]),
        ('"NA"', "NA"),
    ],
)
def test_a_text_or_id_stays_as_it_stands(tmp_path: Path, field: str, text: str):
    rows = read(write(tmp_path, {"data.csv": f"{HEADER}{field},{field},FALSE,0,1\n"}) / "data.csv")
    assert (rows.ids, rows.texts) == ([text], [text])
    (tmp_path / "data.csv").unlink()
    rows = read(write(tmp_path, {**OFFICIAL, "train.tsv": f"{field}\t0\t{field}\n"}))
    assert (rows.ids[0], rows.texts[0]) == (text, text)


def test_a_file_of_several_megabytes_keeps_its_order(tmp_path: Path):
    ids = [f"c{number}" for number in range(60_000)]
    lines = (f'{name},"line one of {name}\n""line two""",FALSE,{n % 2},1\n' for n, name in enumerate(ids))
    rows = read(write(tmp_path, {"data.csv": HEADER + "".join(lines)}) / "data.csv")
    assert rows.ids == ids
    assert rows.texts == [f'line one of {name}\n"line two"' for name in ids]
    assert rows.labels[:, 0].tolist() == [0, 1] * 30_000


@pytest.mark.parametrize("block", [200, 333, 1 << 20])
def test_the_size_of_the_blocks_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int):
    ids = [f"c{number % 40}" for number in range(120)]
    texts = [f'line one of {name}\n"line two", größe' for name in ids]
    quoted = (text.replace('"', '""') for text in texts)
    lines = "".join(
        f'{name},"{text}",{n % 7 == 0},{n % 2},1\n\n' for n, (name, text) in enumerate(zip(ids, quoted, strict=True))
    )
    folder = write(tmp_path, {"a.csv": HEADER + lines, "b.csv": HEADER + lines})
    monkeypatch.setattr(formats, "BLOCK", block)
    assert (len(list(formats.find(folder).blocks())) > 2) is (block < 1000)
    rows = read(folder)
    assert (rows.ids, rows.texts) == (ids * 2, texts * 2)
    assert rows.labels[:, 0].tolist() == [0, 1] * 120
    assert np.flatnonzero(rows.unclear).tolist() == [n + start for start in (0, 120) for n in range(0, 120, 7)]
    for fault_in, said in [
        ("c1,,FALSE,0,1\n", "row 122: the text is empty"),
        ("c1,x,FALSE,0,7\n", "row 122: joy is '7', but should be 0 or 1"),
        ("c1,x,FALSE,0\n", "row 122: Expected 5 columns, got 4"),
        ("c1,other,FALSE,0,1\n", "b.csv: the id 'c1' comes with two texts"),
    ]:
        (folder / "b.csv").write_text(HEADER + lines + fault_in, encoding="utf-8")
        assert said in fault(folder)


def test_a_folder_of_csv_files_is_one_data_set(tmp_path: Path):
    folder = write(tmp_path, {"raw_2.csv": RAW, "raw_1.csv": RAW.replace(",0,1", ",1,1"), "raw_1.csv.dvc": "outs:"})
    rows = read(folder)
    assert rows.ids == ["a", "b", "a", "b"]
    assert rows.labels.tolist() == [[1, 1], [1, 0], [0, 1], [1, 0]]
    assert rows.unclear == [False, True, False, True]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty"),
        (HEADER, "holds no comments"),
        (HEADER.strip(), "holds no comments"),
        ("id,text,anger\na,x,1\n", "lacks the column 'example_very_unclear'; it should be id, text"),
        ("id,example_very_unclear,anger\na,FALSE,1\n", "lacks the column 'text'; it should be id, text"),
        (GOOD.replace(",", ";"), "lacks the column 'id'; it should be id, text"),
        ("id,text,example_very_unclear\na,x,FALSE\n", "two label columns should follow"),
        (GOOD.replace("joy", "anger"), "the column 'anger' twice"),
        (",id,text,example_very_unclear,joy\n0,a,x,FALSE,1\n", "unknown column ''"),
        ("id,text,score,example_very_unclear,joy\na,x,3,FALSE,1\n", "unknown column 'score'"),
        (GOOD.replace("joy", "author"), "'author' stands among the labels"),
        (GOOD.replace("joy", ""), "'' stands among the labels"),
        (GOOD + "c,x,FALSE,1\n", "row 4: Expected 5 columns, got 4"),
        (GOOD + "c,x,y,FALSE,1,0\n", "row 4: Expected 5 columns, got 6"),
        (HEADER + 'c,"x\ny",FALSE,1\n', "row 2: Expected 5 columns, got 4"),
        (GOOD + 'c,"never closed,FALSE,1,0\nd,x,FALSE,1,0\n', "row 4"),
        *((f"{GOOD}c,x,FALSE,0,{v}\n", f"row 4: joy is {v!r}, but should be 0 or 1") for v in ["2", "1.0", "", "NA"]),
        (f'{HEADER}c,x,FALSE,0,"a\nb"\n', r"row 2: joy is 'a\nb', but should be 0 or 1"),
        (HEADER.replace("joy", '"jo\ny"') + "c,x,FALSE,0,2\n", "but should be 0 or 1"),
        (GOOD + "c,x,maybe,1,0\n", "but should be FALSE or TRUE"),
        *((f"{GOOD}c,{text},FALSE,1,0\n", "row 4: the text is empty") for text in ["", '""', "  ", '"\n"', "\u00a0"]),
        (GOOD + ",x,FALSE,1,0\n", "row 4: the id is empty"),
        (GOOD + "\n\nc,,FALSE,1,0\n", "row 4: the text is empty"),
        (GOOD.encode() + b"c,caf\xe9,FALSE,1,0\n", "line 4: byte 0xe9 is not UTF-8; save it as UTF-8"),
        (GOOD.encode().replace(b"joy", b"jo\xff"), "line 1: byte 0xff is not UTF-8; save it as UTF-8"),
        (GOOD + "a,so mean,FALSE,1,0\n", "the id 'a' comes with two texts, 'so kind' and 'so mean'"),
    ],
)
def test_a_fault_in_a_csv_file_is_reported_with_its_place(tmp_path: Path, content: str | bytes, said: str):
    assert said in fault(write(tmp_path, {"data.csv": content}) / "data.csv")


def test_a_quote_that_is_never_closed_is_reported_with_its_row_in_a_large_file_too(tmp_path: Path):
    content = GOOD + 'c,"never closed,FALSE,1,0\n' + "d,x,FALSE,1,0\n" * 200_000
    assert "row 4" in fault(write(tmp_path, {"data.csv": content}) / "data.csv")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds neither CSV files nor train.tsv, dev.tsv and test.tsv"),
        ({"train.tsv.dvc": "x", "dev.tsv.dvc": "x"}, "get them with `dvc update "),
        ({"goemotions_1.csv.dvc": "x"}, "get them with `dvc update "),
        ({**OFFICIAL, "data.csv": GOOD}, "both train.tsv and data.csv: keep one format"),
        ({"a.csv": GOOD, "b.csv": HEADER}, "b.csv holds no comments"),
        ({"a.csv": GOOD, "b.csv": GOOD.replace("joy", "fear")}, "b.csv: the label columns differ from those of "),
        ({"a.csv": GOOD, "b.csv": GOOD.replace("argh", "oh")}, "b.csv: the id 'b' comes with two texts, 'argh' and"),
        ({"train.tsv": "x\t0\ta\n"}, "dev.tsv does not exist: the folder should hold train.tsv, dev.tsv, test.tsv"),
        ({**OFFICIAL, "dev.tsv": ""}, "dev.tsv is empty"),
        *(
            ({**OFFICIAL, "dev.tsv": f"hm\t1\te\nhm\t{indices}\tf\n"}, f"dev.tsv, row 2: label index {wrong!r}, but")
            for indices, wrong in [("28", "28"), ("3,-1", "-1"), ("joy", "joy"), ("", ""), ("1,", ""), ("1.5", "1.5")]
        ),
        ({**OFFICIAL, "dev.tsv": "text\tlabels\tid\nhm\t5\ta\n"}, "row 1: label index 'labels', but should be 0 to 27"),
        ({**OFFICIAL, "emotions.txt": "mild\nhot\n"}, "train.tsv, row 1: label index '5', but should be 0 to 1"),
        ({**OFFICIAL, "dev.tsv": "hm\t5\ta\nhm\t5\n"}, "dev.tsv: row 2: Expected 3 columns, got 2"),
        ({**OFFICIAL, "dev.tsv": "hm\t5\ta\tx\n"}, "dev.tsv: row 1: Expected 3 columns, got 4"),
        ({**OFFICIAL, "dev.tsv": "hm\t5\te\n\t5\tf\n"}, "dev.tsv, row 2: the text is empty"),
        ({**OFFICIAL, "dev.tsv": "hm\t5\te\nhm\t5\t\n"}, "dev.tsv, row 2: the id is empty"),
        ({**OFFICIAL, "dev.tsv": b"hm\t5\te\ncaf\xe9\t5\tf\n"}, "dev.tsv, line 2: byte 0xe9 is not UTF-8; save it as"),
        ({**OFFICIAL, "dev.tsv": "hm\t5\ta\n"}, "dev.tsv: the id 'a' comes with two texts, 'so kind' and 'hm'"),
        ({**OFFICIAL, "dev.tsv": "so kind\t5\ta\n"}, "the id 'a' comes twice; each comment should stand in one part"),
        ({**OFFICIAL, "dev.tsv": "hm\t5\te\nhm\t5\te\n"}, "the id 'e' comes twice; each comment should stand in one"),
        ({**OFFICIAL, "emotions.txt": b"caf\xe9\n"}, "emotions.txt, line 1: byte 0xe9 is not UTF-8; save it as"),
        ({**OFFICIAL, "emotions.txt": ""}, "at least two labels"),
        ({**OFFICIAL, "emotions.txt": "joy\n" * 28}, "'joy' twice"),
    ],
)
def test_a_fault_in_a_folder_is_reported_with_its_place(tmp_path: Path, files: dict[str, str | bytes], said: str):
    assert said in fault(write(tmp_path, files))


def test_data_that_does_not_exist_is_reported_with_the_remedy(tmp_path: Path):
    assert "does not exist: name a CSV file or a folder" in fault(tmp_path / "data.csv")


def hostile(random: np.random.Generator) -> str:
    """Return a CSV file in which anything can be wrong with quotes, delimiters and line ends."""
    pieces = ["a", "b c", ",", '"', '""', "\n", "\r\n", "'", "größe", "\U0001f642", " ", "\t", ";"]
    end = random.choice(["\n", "\r\n"])
    lines = [HEADER.strip()]
    for number in range(random.integers(1, 8)):
        text = "".join(random.choice(pieces, random.integers(1, 6)))
        kind = random.integers(0, 10)
        field = f'"{text.replace(chr(34), chr(34) * 2)}"' if kind else text
        extra = {1: ",x", 2: ","}.get(int(random.integers(0, 30)), "")
        lines.append(f"c{number},{field},FALSE,0,1{extra}")
        if random.integers(0, 20) == 0:
            lines.append("")
    return ("\ufeff" if random.integers(0, 8) == 0 else "") + end.join(lines) + end * int(random.integers(0, 2))


def test_a_hundred_hostile_files_are_read_as_the_standard_library_reads_them_or_refused(tmp_path: Path):
    random, refused = np.random.default_rng(7), 0
    for number in range(150):
        path = tmp_path / f"{number}.csv"
        path.write_bytes(hostile(random).encode())
        try:
            with path.open(encoding="utf-8-sig", newline="") as file:
                expected = [row for row in csv.reader(file, strict=True) if row][1:]
        except csv.Error as error:
            if "expected after" in str(error):
                continue  # text after a closing quote, which Arrow takes as part of the field
            expected = None
        try:
            rows = read(path)
        except InputError:
            refused += 1
            continue
        assert expected is not None and all(len(row) == 5 for row in expected), path.read_text()
        assert [[name, text] for name, text in zip(rows.ids, rows.texts, strict=True)] == [row[:2] for row in expected]
    assert 20 < refused < 120
