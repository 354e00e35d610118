"""Texts to predict on: every accepted file, what is said about the rest, and reading piece by piece."""

import io
import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions import texts
from emotions.errors import InputError

ODD = ["NA", "null", "None", "nan", "123", "007", "true", "2020-01-01"]


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


def fault(file: str) -> str:
    """Return what is said about a file, which is one line that begins with its name."""
    with pytest.raises(InputError) as caught:
        list(texts.read(file))
    message = str(caught.value)
    assert "\n" not in message and message.startswith(file)
    return message.removeprefix(file)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "so kind\nargh\n", ["so kind", "argh"]),
        ("a.txt", "\ufeffso kind\r\nargh", ["so kind", "argh"]),
        ("a.txt", "größe, \u2028 \x0b\n", ["größe, \u2028 \x0b"]),
        ("a.log", "\n".join(ODD), ODD),
        ("a.csv", "id,text\n1,so kind\n2,argh\n", ["so kind", "argh"]),
        ("a.csv", "\ufefftext,id\r\nso kind,1\r\nargh,2", ["so kind", "argh"]),
        ("a.csv", 'text\n"two\nlines, ""quoted"""\n', ['two\nlines, "quoted"']),
        ("a.csv", "\n".join(["text", *ODD]), ODD),
        ("A.CSV", "id,text\n1,so kind\n", ["so kind"]),
    ],
)
def test_a_file_gives_its_texts_as_they_stand(tmp_path: Path, name: str, content: str, expected: list[str]):
    assert list(texts.read(write(tmp_path / name, content))) == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())], ids=str)
def test_a_parquet_file_gives_its_texts_as_they_stand(tmp_path: Path, kind: pa.DataType):
    pq.write_table(pa.table({"id": range(len(ODD)), "text": pa.array(ODD).cast(kind)}), tmp_path / "a.parquet")
    assert list(texts.read(str(tmp_path / "a.parquet"))) == ODD


def test_standard_input_gives_its_lines(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("größe\nNA\n".encode()), encoding="ascii"))
    assert list(texts.read("-")) == ["größe", "NA"]


def test_a_fault_in_standard_input_is_named_with_its_line(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"so kind\ncaf\xe9\n")))
    with pytest.raises(InputError, match=r"^standard input, line 2: byte 0xe9 is not UTF-8$"):
        list(texts.read("-"))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "so kind\n\nargh\n", ["line 2 is empty", "should be a comment"]),
        ("a.txt", "so kind\n \t\n", ["line 2 is empty", "should be a comment"]),
        ("a.txt", b"so kind\ncaf\xe9\n", ["line 2", "0xe9", "not UTF-8"]),
        ("a.txt", b"\xef\xbb\xbfcaf\xe9\n", ["line 1", "0xe9", "not UTF-8"]),
        ("a.txt", "so kind\n".encode("utf-16"), ["line 1", "0xff", "not UTF-8"]),
        ("a.csv", "", ["is empty"]),
        ("a.csv", "id,comment\n1,x\n", ["no column text"]),
        ("a.csv", "id,text\n1,x\n2\n", ["no valid CSV", "#3", "Expected 2 columns, got 1"]),
        ("a.csv", "id,text\n1,x\n2,\n", ["row 3", "should be a comment"]),
        ("a.csv", 'id,text\n1,x\n2,"  "\n', ["row 3", "should be a comment"]),
        ("a.csv", b"id,text\n1,x\n2,caf\xe9\n", ["#3", "UTF"]),
        ("a.csv", 'id,text\n1,x\n2,"never closed\n3,y\n', ["row 3"]),
        ("a.parquet", b"", ["no valid parquet file"]),
        ("a.parquet", "id,text\n1,x\n", ["no valid parquet file"]),
    ],
)
def test_a_fault_is_named_with_its_place(tmp_path: Path, name: str, content: str | bytes, said: list[str]):
    message = fault(write(tmp_path / name, content))
    assert all(part in message for part in said), message


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"comment": ["x"]}, ["no column text"]),
        ({"text": ["x", None]}, ["row 2", "None", "should be a comment"]),
        ({"text": ["x", " \n"]}, ["row 2", "should be a comment"]),
        ({"text": [1, 2]}, ["row 1", "should be a comment"]),
    ],
)
def test_a_fault_in_a_parquet_file_is_named_with_its_row(tmp_path: Path, columns: dict, said: list[str]):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    message = fault(str(tmp_path / "a.parquet"))
    assert all(part in message for part in said), message


def test_a_damaged_parquet_file_is_refused(tmp_path: Path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"text": ["so kind"] * 100}), path)
    content = path.read_bytes()
    path.write_bytes(content[:4] + bytes(40) + content[44:])
    assert "no valid parquet file" in fault(str(path))


@pytest.mark.parametrize("name", ["nowhere.txt", "nowhere.csv", "."])
def test_a_file_that_does_not_exist_is_named_with_the_remedy(name: str):
    assert "does not exist: --file should name a text, CSV or parquet file" in fault(name)


@pytest.mark.parametrize("name", ["a.txt", "a.csv", "a.parquet"])
def test_texts_come_before_the_whole_file_is_read(tmp_path: Path, name: str):
    many = [f"so kind of you, number {number}" for number in range(200_000)]
    if name == "a.parquet":
        pq.write_table(pa.table({"text": [*many, ""]}), tmp_path / name)
    else:
        write(tmp_path / name, "\n".join(["text", *many, '""' if name == "a.csv" else "", ""]))
    reader = texts.read(str(tmp_path / name))
    if name == "a.txt":
        assert next(reader) == "text"
    assert list(itertools.islice(reader, 3)) == many[:3]
    # The last text is empty. A fault so far down, told only when it is reached, shows that reading goes along.
    last = "line 200002" if name == "a.txt" else "row 200002" if name == "a.csv" else "row 200001"
    with pytest.raises(InputError, match=last):
        list(reader)


@pytest.mark.parametrize(("count", "lengths"), [(0, []), (2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_pieces_are_of_one_size_but_for_the_last(count: int, lengths: list[int]):
    given = [str(number) for number in range(count)]
    pieces = list(texts.pieces(given, 3))
    assert [len(piece) for piece in pieces] == lengths
    assert [text for piece in pieces for text in piece] == given


def test_a_piece_comes_as_soon_as_it_is_full():
    assert next(texts.pieces(map(str, itertools.count()), 3)) == ["0", "1", "2"]
