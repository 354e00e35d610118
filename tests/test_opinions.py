"""Second opinions: the file that they come in, and which of them are learned from."""

import numpy as np
import pyarrow as pa
import pytest

from emotions import corpus, opinions
from emotions.errors import InputError
from tests.conftest import LABELS, ROOT

HEADER = f"id,{','.join(LABELS)}\n"


@pytest.fixture
def read(tmp_path):
    def read(content: str, label_names=LABELS):
        (tmp_path / "opinions.csv").write_text(content)
        return opinions.read(tmp_path / "opinions.csv", label_names)

    return read


def test_opinions_come_back_by_id_in_the_order_of_the_labels_and_empty_ones_are_zero(read):
    table = read(HEADER + "a1,0.9,,0.2,\n007,,1,,0\n", tuple(reversed(LABELS)))
    assert list(table.index) == ["a1", "007"]
    np.testing.assert_allclose(table.to_numpy(), [[0, 0.2, 0, 0.9], [0, 0, 1, 0]], atol=1e-3)


def test_those_of_the_comments_to_learn_from_are_used_and_no_others(read):
    table = read(HEADER + "c,0.5,,,\nb,,0.5,,\na,,,0.5,\n")
    ids = pa.chunked_array([["a", "x"], ["c", "b", "a"]])
    found = opinions.of(table, ids, np.array([0, 1, 2, 4]))
    nan = [np.nan] * 4
    np.testing.assert_array_equal(found, [[0, 0, 0.5, 0], nan, [0.5, 0, 0, 0], nan, [0, 0, 0.5, 0]])
    assert opinions.of(table, ids, np.array([1])) is None


def test_opinions_on_other_labels_are_not_used_and_that_is_said(read, capsys):
    table = read("id,anger,envy\na,0.5,\n")
    assert "opinions.csv has other labels than the data, and nothing is learned from it" in capsys.readouterr().out
    assert opinions.of(table, pa.chunked_array([["a"]]), np.arange(1)) is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "a,0.5,,,\nb,,1.5,,\n", r"opinions\.csv, id 'b': joy is '1\.5', but should be from 0 to 1"),
        (HEADER + "a,-1,,,\n", "id 'a': anger is '-1'"),
        (HEADER + "a,,,,likely\n", "id 'a': neutral is 'likely'"),
        (HEADER + "a,,,nan,\n", "id 'a': surprise is 'nan'"),
        (HEADER + "a,,,,\na,,,,\n", "the id 'a' comes twice"),
        ("name,joy\na,0.5\n", "should be a CSV file with the columns id and labels"),
        (HEADER + 'a,"0.5,,,\n', "should be a CSV file with the columns id and labels"),
        ("", "should be a CSV file with the columns id and labels"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_what_is_wrong(read, content, message):
    with pytest.raises(InputError, match=message):
        read(content)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv does not exist: name a file of opinions, or set opinion_weight"):
        opinions.read(tmp_path / "none.csv", LABELS)
    (tmp_path / "bytes.csv").write_bytes(b"id,\xff\xfe\n")
    with pytest.raises(InputError, match=r"bytes\.csv should be a CSV file"):
        opinions.read(tmp_path / "bytes.csv", LABELS)


def test_the_repositorys_own_are_on_its_corpora_and_on_goemotions():
    table = opinions.read(ROOT / "data" / "opinions.csv", corpus.GOEMOTIONS_LABELS)
    assert (table.max(axis=1) >= 0.1).all()
    for name in ("comments.csv", "replies.csv"):
        ids = corpus.read(ROOT / "data" / name).ids.to_pylist()
        assert table.index.isin(ids).sum() > 0.99 * len(ids)
    assert table.index.str.fullmatch("e[0-9a-z]{6}").sum() > 38_000
