"""Second opinions: the file that they come in, and which of them are learned from."""

import numpy as np
import pyarrow as pa
import pytest

from emotions import corpus, opinions
from emotions.errors import InputError
from emotions.opinions import Opinions
from tests.conftest import LABELS, ROOT

HEADER = f"id,{','.join(LABELS)}\n"
IDS = ("a", "x"), ("c", "b", "a")
TEXTS = ("What a day", "None"), ("A day at sea", "Tea?", "What a day")


@pytest.fixture
def read(tmp_path):
    """Read a file's opinions on five comments in two pieces."""

    def read(content: str | bytes, label_names=LABELS) -> Opinions:
        path = tmp_path / "opinions.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        pieces = [(pa.chunked_array([ids]), pa.chunked_array([texts])) for ids, texts in zip(IDS, TEXTS, strict=True)]
        return opinions.read(path, label_names, iter(pieces))

    return read


def test_opinions_are_found_by_id_in_the_order_of_the_labels_and_empty_ones_are_zero(read, monkeypatch):
    monkeypatch.setattr(corpus, "BLOCK", 64)  # in several pieces, as larger files come
    found = read(HEADER + "other,,,,1\nc,0.9,,0.2,\nb,,1,,0\na,0.5,,,0.25\n", tuple(reversed(LABELS)))
    values, known = found.at(np.array([4, 1, 2, 3, 0]))
    assert known.tolist() == [True, False, True, True, True] and found.count == 4
    expected = [[0.25, 0, 0, 0.5], [0, 0.2, 0, 0.9], [0, 0, 1, 0], [0.25, 0, 0, 0.5]]
    np.testing.assert_allclose(values[[0, 2, 3, 4]], expected, atol=1e-3)


def test_an_opinion_on_another_text_with_the_same_id_is_none(read):
    digests = [opinions.digest("what  a DAY"), opinions.digest("Coffee?"), ""]
    rows = [f"{name},{digest},0.5,,,\n" for name, digest in zip("abc", digests, strict=True)]
    found = read(HEADER.replace("id,", "id,text_digest,") + "".join(rows))
    assert found.at(np.arange(5))[1].tolist() == [True, False, True, False, True]


def test_those_of_the_comments_to_learn_from_are_kept_and_no_others(read):
    found = read(HEADER + "a,0.5,,,\nb,,0.5,,\n").only(np.array([0, 1, 2]))
    assert found.at(np.arange(5))[1].tolist() == [True, False, False, False, False]


def test_the_mean_is_of_the_comments_that_have_one_by_their_weights(read):
    found = read(HEADER + "a,0.5,,,1\nc,1,,,\n")
    # Both with the id a count 1, and c counts 4.
    mean = found.mean(np.arange(5), np.array([1, 5, 4, 5, 1]))
    np.testing.assert_allclose(mean, [5 / 6, 0, 0, 2 / 6], atol=1e-3)
    assert found.mean(np.array([1, 3]), np.ones(2)).tolist() == [0, 0, 0, 0]


def test_there_are_none_in_a_file_with_other_labels(read):
    assert read("id,anger,envy\na,0.5,\n") is None


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (HEADER + "a,0.5,,,\nb,,1.5,,\n", r"opinions\.csv, row 3: joy is '1\.5', but should be from 0 to 1, or empty"),
        (HEADER + "a,-1,,,\n", "row 2: anger is '-1'"),
        (HEADER + "a,,,,likely\n", "row 2: neutral is 'likely'"),
        (HEADER + "a,,,nan,\n", "row 2: surprise is 'nan'"),
        (HEADER + "a,,,,\nb,,,,\na,,,,\n", "the id 'a' comes twice"),
        (HEADER + "a,,,,\nb,0.5\n", r"opinions\.csv: row 3: Expected 5 columns, got 2"),
        (HEADER + "a,,,,,\n", "Expected 5 columns, got 6"),
        ("name,joy\na,0.5\n", "the header should be id and the labels, each once"),
        ("id,joy,joy\na,0.5,\n", "the header should be id and the labels, each once"),
        (HEADER + 'a,"0.5,,,\n', "row 2: Expected 5 columns, got 2"),
        (HEADER, "holds no comments"),
        ("", r"opinions\.csv is empty"),
        (b"id,\xff\xfe\na,1\n", "is not UTF-8"),
    ],
)
def test_a_file_that_is_wrong_is_told_with_what_is_wrong(read, content, message):
    with pytest.raises(InputError, match=message):
        read(content)


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv does not exist: name a CSV file of opinions"):
        opinions.read(tmp_path / "none.csv", LABELS, [])


def test_the_repositorys_own_are_on_all_comments_of_its_corpora_and_on_goemotions():
    path = ROOT / "data" / "opinions.csv"
    for name in ("comments.csv", "replies.csv"):
        own = corpus.read(ROOT / "data" / name)
        found = opinions.read(path, corpus.GOEMOTIONS_LABELS, [(own.ids, own.texts)])
        assert found.count == len(own.ids)
        # Raters' labels and these are about the same comments.
        values, _ = found.at(np.arange(len(own.ids)))
        assert values[own.labels > 0].mean() > 5 * values[own.labels == 0].mean()
    assert (found.values.max(axis=1) >= 0.1).all()
    assert len(found.values) > 61_000
