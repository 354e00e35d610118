"""Texts to predict on: every accepted file, what is said about the rest, and reading piece by piece."""

import io
import itertools
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from emotions import texts
from emotions.errors import InputError

# What a reader that guesses types would take for a number, a date, a truth value or nothing.
WORDS = ["NA", "null", "None", "nan", "123", "007", "true", "2020-01-01"]


def write(path: Path, content: str | bytes | dict) -> str:
    """Write text, bytes, or columns as parquet; return the path."""
    if isinstance(content, dict):
        pq.write_table(pa.table(content), path)
    else:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.txt", "\ufeffso kind\r\nargh", ["so kind", "argh"]),
        ("a.txt", "größe, \u2028 \x0b\n", ["größe, \u2028 \x0b"]),
        ("a.log", "\n".join(WORDS), WORDS),
        ("a.csv", "\ufefftext,id\r\nso kind,1\r\nargh,2", ["so kind", "argh"]),
        ("a.csv", 'text\n"two\nlines, ""quoted"""\n', ['two\nlines, "quoted"']),
        ("a.csv", "\n".join(["text", *WORDS]), WORDS),
        ("A.CSV", "id,text\n1,so kind\n", ["so kind"]),
        ("a.parquet", {"id": range(len(WORDS)), "text": WORDS}, WORDS),
        ("a.parquet", {"text": pa.array(WORDS, pa.large_string()).dictionary_encode()}, WORDS),
    ],
)
def test_a_file_gives_its_texts_as_they_stand(tmp_path: Path, name: str, content: str | dict, expected: list[str]):
    assert list(texts.read(write(tmp_path / name, content))) == expected


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.txt", "so kind\n \t\n", ["line 2 is empty", "should be a comment"]),
        ("a.txt", b"so kind\ncaf\xe9\n", ["line 2", "0xe9", "not UTF-8"]),
        ("a.txt", b"\xef\xbb\xbfcaf\xe9\n", ["line 1", "0xe9", "not UTF-8"]),
        ("a.csv", "", ["is empty"]),
        ("a.csv", "id,comment\n1,x\n", ["no column text"]),
        ("a.csv", "id,text\n1,x\n2\n", ["row 3", "1 columns", "2"]),
        ("a.csv", 'id,text\n1,x\n2,"  "\n', ["row 3", "should be a comment"]),
        ("a.csv", b"id,text\n1,x\n2,caf\xe9\n", ["line 3", "0xe9", "UTF-8"]),
        ("a.csv", 'id,text\n1,x\n2,"never closed\n3,y\n', ["quote not closed"]),
        ("a.parquet", b"", ["no valid parquet file"]),
        ("a.parquet", b"PAR1" + bytes(100) + b"PAR1", ["no valid parquet file"]),
        ("a.parquet", {"comment": ["x"]}, ["no column text"]),
        ("a.parquet", {"text": ["x", None]}, ["row 2", "None", "should be a comment"]),
        ("a.parquet", {"text": ["x", " \n"]}, ["row 2", "should be a comment"]),
        ("a.parquet", {"text": [1, 2]}, ["row 1", "should be a comment"]),
    ],
)
def test_a_fault_is_told_with_its_place(tmp_path: Path, name: str, content: str | bytes | dict, said: list[str]):
    with pytest.raises(InputError) as caught:
        list(texts.read(write(tmp_path / name, content)))
    message = str(caught.value)
    assert "\n" not in message and all(part in message for part in [name, *said]), message


def test_standard_input_gives_its_lines_until_a_fault(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO("größe\nNA\n".encode() + b"caf\xe9"), "ascii"))
    lines = texts.read("-")
    assert [next(lines), next(lines)] == ["größe", "NA"]
    with pytest.raises(InputError, match=r"^standard input, line 3: byte 0xe9 is not UTF-8; save it as UTF-8$"):
        next(lines)


def test_a_file_that_does_not_exist_is_told_with_the_remedy():
    with pytest.raises(InputError, match=r"^nowhere\.csv does not exist: --file should name a text, CSV or parquet "):
        list(texts.read("nowhere.csv"))


@pytest.mark.parametrize(("name", "last"), [("a.txt", " "), ("a.csv", "one,column too many")])
def test_texts_come_before_the_whole_file_is_read(tmp_path: Path, name: str, last: str):
    many = [f"so kind of you - number {number}" for number in range(200_000)]
    reader = texts.read(write(tmp_path / name, "\n".join(["text", *many, last]) + "\n"))
    assert many[10] in itertools.islice(reader, 100)
    # That the fault at the end is told only when it is reached shows that reading goes along.
    with pytest.raises(InputError, match="200002"):
        list(reader)


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (2, [2]), (3, [3]), (7, [3, 3, 1])])
def test_pieces_are_of_one_size_but_for_the_last(count: int, sizes: list[int]):
    pieces = list(texts.pieces(map(str, range(count)), 3))
    assert [len(piece) for piece in pieces] == sizes
    assert [text for piece in pieces for text in piece] == [str(number) for number in range(count)]


def test_a_piece_comes_as_soon_as_it_is_full():
    assert next(texts.pieces(map(str, itertools.count()), 3)) == ["0", "1", "2"]
