"""Which comment goes where: no leak, labels in proportion, the same for the same seed."""

from collections import defaultdict

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from emotions import splitting
from emotions.errors import InputError

SIZES = [(0.2, 0.1), (0.2, 0), (0.1, 0.5), (0.5, 0.25)]


def corpus(count: int = 1500) -> tuple[list[str], np.ndarray]:
    """Comments with labels of very different frequency; a third of the texts come back in other case or spacing."""
    random = np.random.default_rng(1)
    labels = random.random((count, 6)) < [0.5, 0.3, 0.1, 0.05, 0.02, 0.01]
    labels[~labels.any(axis=1), 0] = True
    texts = [f"Comment number {number}" for number in range(count)]
    spellings = [str.upper, lambda text: f"  {text}\n", lambda text: text.replace(" ", "\t"), str]
    for number, origin in enumerate(random.integers(0, count, count // 3)):
        texts[number] = spellings[number % 4](texts[origin])
    return texts, labels.astype(np.uint8)


@pytest.mark.parametrize("seed", range(5))
def test_equal_texts_up_to_case_and_white_space_never_cross_parts(seed: int):
    texts, labels = corpus()
    where = defaultdict(set)
    for text, part in zip(texts, splitting.grouped(texts, labels, 0.2, 0.1, seed), strict=True):
        where[" ".join(text.lower().split())].add(part)
    assert len(where) < len(texts)
    assert all(len(parts) == 1 for parts in where.values())


@pytest.mark.parametrize(("test_size", "validation_size"), SIZES)
def test_every_part_has_its_share_of_the_comments_and_of_every_label(test_size: float, validation_size: float):
    texts, labels = corpus()
    parts = splitting.grouped(texts, labels, test_size, validation_size, seed=42)
    rest = 1 - test_size
    shares = {"train": rest * (1 - validation_size), "validation": rest * validation_size, "test": test_size}
    for part, share in shares.items():
        # Every label has a count of its own to meet, and so has the part: a few comments of slack are what is left.
        assert np.abs(labels[parts == part].sum(axis=0) - share * labels.sum(axis=0)).max() <= 3
        assert (parts == part).sum() == pytest.approx(share * len(texts), abs=0.02 * len(texts))
    assert set(parts) == {part for part, share in shares.items() if share}


def test_one_text_over_and_over_stays_in_one_part():
    parts = splitting.grouped(["same"] * 10 + ["other", "third"], np.ones((12, 2), np.uint8), 0.2, 0.1, seed=42)
    assert len(set(parts[:10])) == 1


SPLITS = {
    "grouped": lambda seed: splitting.grouped(*corpus(), 0.2, 0.1, seed),
    "rows": lambda seed: splitting.rows(1500, 0.2, 0.1, seed),
}


@pytest.mark.parametrize("split", SPLITS.values(), ids=SPLITS)
def test_the_seed_alone_decides(split):
    assert (split(7) == split(7)).all()
    assert (split(7) != split(8)).any()


@pytest.mark.parametrize("validation_size", [0, 0.1, 0.5])
@pytest.mark.parametrize("count", [10, 101, 3603])
def test_rows_test_part_is_that_of_scikit_learn(count: int, validation_size: float):
    train, test = train_test_split(np.arange(count), test_size=0.2, random_state=42)
    parts = splitting.rows(count, 0.2, validation_size, seed=42)
    assert np.flatnonzero(parts == "test").tolist() == sorted(test)
    assert np.flatnonzero(parts != "test").tolist() == sorted(train)


def test_rows_validation_part_is_a_fraction_of_the_rest():
    parts = splitting.rows(1000, 0.2, 0.1, seed=42)
    assert [(parts == part).sum() for part in splitting.PARTS] == [720, 80, 200]
    parts = splitting.rows(1000, 0.2, 0, seed=42)
    assert [(parts == part).sum() for part in splitting.PARTS] == [800, 0, 200]


@pytest.mark.parametrize(("count", "validation_size"), [(1, 0), (2, 0.1)])
def test_too_few_rows_are_an_error_that_says_how_many(count: int, validation_size: float):
    with pytest.raises(InputError, match=r"^1 comments cannot be split[^\n]*$"):
        splitting.rows(count, 0.2, validation_size, seed=42)


def test_official_is_the_datas_own_split():
    parts = np.array(["test", "train", "validation"])
    assert splitting.official(parts).tolist() == parts.tolist()


def test_official_needs_data_with_parts():
    with pytest.raises(InputError, match=r"^split official needs [^\n]*train\.tsv[^\n]*grouped or rows$"):
        splitting.official(None)


LABELS = np.array([[1, 0], [1, 1], [1, 0], [1, 1]], np.uint8)


@pytest.mark.parametrize(
    ("parts", "validation"),
    [("train train validation test", True), ("train train test test", False), ("validation train train test", True)],
)
def test_a_split_that_can_be_learned_and_judged_is_accepted(parts: str, validation: bool):
    splitting.check(np.array(parts.split()), LABELS, ("joy", "fear"), validation)


@pytest.mark.parametrize(
    ("parts", "validation", "said"),
    [
        ("test test test test", False, ["no comment for train", "other sizes"]),
        ("train train test test", True, ["no comment for validation", "other sizes"]),
        ("train train train train", False, ["no comment for test", "other sizes"]),
        ("train test test test", False, ["'fear'", "on 2 of all comments", "none for train", "lower min_votes"]),
        ("train train test train", False, ["'fear'", "on 2 of all comments", "none for test", "lower min_votes"]),
    ],
)
def test_a_split_that_is_too_small_is_an_error(parts: str, validation: bool, said: list[str]):
    with pytest.raises(InputError) as caught:
        splitting.check(np.array(parts.split()), LABELS, ("joy", "fear"), validation)
    message = str(caught.value)
    assert all(part in message for part in said) and "\n" not in message
