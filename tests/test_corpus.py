"""Reading data: every accepted format, and what is said about every fault."""

from pathlib import Path

import numpy as np
import pytest

from emotions import corpus
from emotions.errors import InputError

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
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def fault(path: Path) -> str:
    """Return what is said about data, which is one line that names its file or folder."""
    with pytest.raises(InputError) as caught:
        corpus.read(path)
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
        "\n".join(",".join(f'"{field}"' for field in line.split(",")) for line in GOOD.splitlines()),
        "text,rater_id,id,example_very_unclear,anger,joy\nso kind,1,a,false,0,1\nargh,2,b,true,1,0\n",
    ],
    ids=["plain", "raw", "bom", "crlf", "raw bom crlf", "no last line end", "blank lines", "quoted", "order and case"],
)
def test_a_csv_file_gives_its_judgements(tmp_path: Path, content: str):
    judgements = corpus.read(write(tmp_path, {"data.csv": content}) / "data.csv")
    assert (judgements.ids, judgements.texts) == (["a", "b"], ["so kind", "argh"])
    assert judgements.labels.tolist() == [[0, 1], [1, 0]]
    assert judgements.unclear.tolist() == [False, True]
    assert judgements.label_names == ("anger", "joy")
    assert judgements.parts is None


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ('"commas, so many"', "commas, so many"),
        ('"two\nlines"', "two\nlines"),
        ('"""quoted"" she said"', '"quoted" she said'),
        ('5" of rain', '5" of rain'),
        ("'tis", "'tis"),
        (" padded ", " padded "),
        ("größe \U0001f642", "größe \U0001f642"),
        *((word, word) for word in WORDS),
        ('"NA"', "NA"),
    ],
)
def test_a_text_stays_as_it_stands(tmp_path: Path, field: str, text: str):
    files = {"data.csv": f"{HEADER}a,{field},FALSE,0,1\nb,argh,FALSE,1,0\n"}
    assert corpus.read(write(tmp_path, files) / "data.csv").texts == [text, "argh"]
    files = {**OFFICIAL, "train.tsv": f"{field}\t0\ta\n"}
    assert corpus.read(write(tmp_path / "official", files)).texts[0] == text


@pytest.mark.parametrize("comment", WORDS)
def test_an_id_stays_as_it_stands(tmp_path: Path, comment: str):
    files = {"data.csv": f"{HEADER}{comment},so kind,FALSE,0,1\n"}
    assert corpus.read(write(tmp_path, files) / "data.csv").ids == [comment]


def test_a_file_of_several_megabytes_keeps_its_order(tmp_path: Path):
    texts = [f'line one of {number}\n"line two"' for number in range(60_000)]
    rows = (f'c{n},"{text.replace(chr(34), 2 * chr(34))}",FALSE,{n % 2},1\n' for n, text in enumerate(texts))
    judgements = corpus.read(write(tmp_path, {"data.csv": HEADER + "".join(rows)}) / "data.csv")
    assert judgements.texts == texts
    assert judgements.ids == [f"c{number}" for number in range(60_000)]
    assert judgements.labels[:, 0].tolist() == [0, 1] * 30_000


def test_a_folder_of_csv_files_is_one_data_set(tmp_path: Path):
    folder = write(tmp_path, {"raw_2.csv": RAW, "raw_1.csv": RAW.replace(",0,1", ",1,1"), "raw_1.csv.dvc": "outs:"})
    judgements = corpus.read(folder)
    assert judgements.ids == ["a", "b", "a", "b"]
    assert judgements.labels.tolist() == [[1, 1], [1, 0], [0, 1], [1, 0]]
    assert judgements.unclear.tolist() == [False, True, False, True]


@pytest.mark.parametrize("change", [str, lambda t: "\ufeff" + t, lambda t: t.replace("\n", "\r\n"), str.strip])
def test_official_files_give_their_labels_and_parts(tmp_path: Path, change):
    judgements = corpus.read(write(tmp_path, {name: change(content) for name, content in OFFICIAL.items()}))
    assert (judgements.ids, judgements.texts) == (["a", "b", "c", "d"], ["so kind", "why", "fine", "hm"])
    assert judgements.label_names == corpus.GOEMOTIONS_LABELS and len(judgements.label_names) == 28
    given = [[judgements.label_names[index] for index in np.flatnonzero(row)] for row in judgements.labels]
    assert given == [["caring", "gratitude"], ["curiosity"], ["neutral"], ["neutral"]]
    assert judgements.parts.tolist() == ["train", "validation", "test", "test"]
    assert not judgements.unclear.any()


@pytest.mark.parametrize("names", ["mild\nhot\n", "mild\r\nhot\r\n", "mild\nhot", "\ufeffmild\nhot\n"])
def test_emotions_txt_beside_the_official_files_names_the_labels(tmp_path: Path, names: str):
    files = {"train.tsv": "x\t0,1\ta\n", "dev.tsv": "y\t1\tb\n", "test.tsv": "z\t0\tc\n", "emotions.txt": names}
    judgements = corpus.read(write(tmp_path, files))
    assert judgements.label_names == ("mild", "hot")
    assert judgements.labels.tolist() == [[1, 1], [0, 1], [1, 0]]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", ["is empty"]),
        ("\ufeff", ["mpty"]),
        (HEADER, ["holds no comments"]),
        (HEADER.strip(), ["holds no comments"]),
        ("id,text,anger\na,x,1\n", ["lacks the column 'example_very_unclear'", "should be id, text"]),
        ("id,example_very_unclear,anger\na,FALSE,1\n", ["lacks the column 'text'", "should be id, text"]),
        ("text,example_very_unclear,anger\na,FALSE,1\n", ["lacks the column 'id'", "should be id, text"]),
        (GOOD.replace(",", ";"), ["lacks the column 'id'", "should be id, text"]),
        ("id,text,example_very_unclear\na,x,FALSE\n", ["no label column"]),
        (GOOD.replace("joy", "anger"), ["'anger' twice"]),
        (GOOD.replace("id,text", "text,text"), ["'text' twice"]),
        (",id,text,example_very_unclear,joy\n0,a,x,FALSE,1\n", ["unknown column ''", "labels should follow"]),
        ("id,text,score,example_very_unclear,joy\na,x,3,FALSE,1\n", ["unknown column 'score'", "labels should follow"]),
        (GOOD.replace("joy", "author"), ["'author'", "among the labels"]),
        (GOOD.replace("joy", ""), ["''", "among the labels"]),
        (GOOD + "c,x,FALSE,1\n", ["row 4", "Expected 5 columns, got 4"]),
        (GOOD + "c,x,y,FALSE,1,0\n", ["row 4", "Expected 5 columns, got 6"]),
        (HEADER + 'c,"x\ny",FALSE,1\n', ["row 2", "Expected 5 columns, got 4"]),
        (GOOD + 'c,"never closed,FALSE,1,0\nd,x,FALSE,1,0\n', ["row 4"]),
        (GOOD + 'c,"never closed,FALSE,1,0\n' + "d,x,FALSE,1,0\n" * 100_000, ["row 4"]),
        *(
            (f"{GOOD}c,x,FALSE,0,{v}\n", ["row 4", f"joy is {v!r}", "0 or 1"])
            for v in ("2", "-1", "1.0", "", "NA", "x")
        ),
        (f'{HEADER}c,x,FALSE,0,"a\nb"\n', ["row 2", "joy is", "0 or 1"]),
        (HEADER.replace("joy", '"jo\ny"') + "c,x,FALSE,0,2\n", ["row 2", "0 or 1"]),
        (GOOD + "c,x,maybe,1,0\n", ["row 4", "example_very_unclear", "FALSE or TRUE"]),
        *((f"{GOOD}c,{text},FALSE,1,0\n", ["row 4", "text is empty"]) for text in ("", '""', "  ", '"\n"', "\u00a0")),
        (GOOD + ",x,FALSE,1,0\n", ["row 4", "id is empty"]),
        (GOOD + "\n\nc,,FALSE,1,0\n", ["row 6", "text is empty"]),
        (GOOD.encode() + b"c,caf\xe9,FALSE,1,0\n", ["line 4", "0xe9", "UTF-8"]),
        (GOOD.encode().replace(b"joy", b"jo\xff"), ["line 1", "0xff", "UTF-8"]),
        (GOOD.encode("utf-16"), ["line 1", "UTF-8"]),
        (GOOD + "a,so mean,FALSE,1,0\n", ["'a'", "two texts", "'so kind'", "'so mean'"]),
    ],
)
def test_a_fault_in_a_csv_file_is_named_with_its_place(tmp_path: Path, content: str | bytes, said: list[str]):
    message = fault(write(tmp_path, {"data.csv": content}) / "data.csv")
    assert all(part in message for part in said), message


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("dev.tsv", "", ["is empty"]),
        *(
            ("dev.tsv", f"why\t7\tb\nhm\t{indices}\te\n", ["row 2", f"label index {wrong!r}", "0 to 27"])
            for indices, wrong in [("28", "28"), ("3,-1", "-1"), ("joy", "joy"), ("", ""), ("1,", ""), ("1.5", "1.5")]
        ),
        ("train.tsv", "text\tlabels\tid\nso kind\t5\ta\n", ["row 1", "label index 'labels'"]),
        ("train.tsv", "so kind\t5\ta\nhm\t5\n", ["row 2", "Expected 3 columns, got 2"]),
        ("test.tsv", "fine\t27\tc\tx\n", ["row 1", "Expected 3 columns, got 4"]),
        ("test.tsv", "fine,27,c\n", ["row 1", "Expected 3 columns, got 1"]),
        ("test.tsv", "fine\t27\tc\n\t27\td\n", ["row 2", "text is empty"]),
        ("test.tsv", "fine\t27\tc\nhm\t27\t\n", ["row 2", "id is empty"]),
        ("test.tsv", b"fine\t27\tc\ncaf\xe9\t27\td\n", ["line 2", "0xe9", "UTF-8"]),
        ("test.tsv", "fine\t27\ta\n", ["'a'", "two texts", "'so kind'", "'fine'"]),
        ("emotions.txt", b"caf\xe9\n", ["0xe9", "UTF-8"]),
        ("emotions.txt", "", ["empty"]),
        ("emotions.txt", "joy\n" * 28, ["'joy'", "twice"]),
    ],
)
def test_a_fault_in_an_official_file_is_named_with_its_place(
    tmp_path: Path, name: str, content: str | bytes, said: list[str]
):
    message = fault(write(tmp_path, {**OFFICIAL, name: content}))
    assert all(part in message for part in [name, *said]), message


def test_a_label_index_beyond_emotions_txt_is_out_of_range(tmp_path: Path):
    message = fault(write(tmp_path, {**OFFICIAL, "train.tsv": "x\t1\ta\n", "emotions.txt": "mild\nhot\n"}))
    assert "dev.tsv, row 1" in message and "0 to 1" in message


@pytest.mark.parametrize("name", ["train.tsv", "dev.tsv"])
def test_an_id_twice_in_official_files_is_refused(tmp_path: Path, name: str):
    message = fault(write(tmp_path, {**OFFICIAL, name: OFFICIAL[name] + "so kind\t5\ta\n"}))
    assert "the id 'a' comes twice" in message and "one part" in message


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, ["neither CSV files nor train.tsv, dev.tsv and test.tsv"]),
        ({"notes.md": "x"}, ["neither CSV files nor train.tsv, dev.tsv and test.tsv"]),
        ({"train.tsv.dvc": "x", "dev.tsv.dvc": "x", "test.tsv.dvc": "x"}, ["neither", "`dvc update", "*.dvc`"]),
        ({"goemotions_1.csv.dvc": "x"}, ["neither", "`dvc update", "*.dvc`"]),
        ({**OFFICIAL, "data.csv": GOOD}, ["both train.tsv and data.csv", "one format"]),
        (
            {"train.tsv": "x\t0\ta\n", "test.tsv": "y\t0\tb\n"},
            ["dev.tsv does not exist", "train.tsv, dev.tsv, test.tsv"],
        ),
        ({"a.csv": GOOD, "b.csv": GOOD.replace("joy", "fear")}, ["b.csv", "label columns differ", "a.csv"]),
        ({"a.csv": GOOD, "b.csv": GOOD.replace("argh", "oh")}, ["b.csv", "'b'", "two texts", "'argh'", "'oh'"]),
        ({"a.csv": GOOD, "b.csv": HEADER}, ["b.csv holds no comments"]),
    ],
    ids=[
        "empty",
        "other files",
        "tsv.dvc",
        "csv.dvc",
        "both",
        "no dev",
        "labels differ",
        "two texts",
        "one without comments",
    ],
)
def test_a_fault_in_a_folder_is_named_with_the_remedy(tmp_path: Path, files: dict[str, str], said: list[str]):
    message = fault(write(tmp_path, files))
    assert all(part in message for part in said), message


def test_data_that_does_not_exist_is_named_with_the_remedy(tmp_path: Path):
    assert "does not exist: `data` should name a CSV file or a folder" in fault(tmp_path / "data.csv")
