"""Which comment goes where: no leak, labels in proportion, the same for the same seed."""

from collections import defaultdict

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from emotions.core.errors import InputError
from emotions.data import splitting


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


@pytest.mark.parametrize("seed", range(3))
def test_equal_texts_up_to_case_and_white_space_never_cross_parts(seed: int):
    texts, labels = corpus()
    where = defaultdict(set)
    for text, part in zip(texts, splitting.grouped(texts, labels, 0.2, 0.1, seed), strict=True):
        where[" ".join(text.lower().split())].add(part)
    assert len(where) < len(texts)
    assert all(len(parts) == 1 for parts in where.values())


@pytest.mark.parametrize(("test_size", "validation_size"), [(0.2, 0.1), (0.2, 0), (0.1, 0.5), (0.5, 0.25)])
def test_every_part_has_its_share_of_comments_and_of_every_label(test_size: float, validation_size: float):
    texts, labels = corpus()
    parts = splitting.grouped(texts, labels, test_size, validation_size, seed=42)
    rest = 1 - test_size
    shares = {"train": rest * (1 - validation_size), "validation": rest * validation_size, "test": test_size}
    for part, share in shares.items():
        assert np.abs(labels[parts == part].sum(axis=0) - share * labels.sum(axis=0)).max() <= 3
        assert (parts == part).mean() == pytest.approx(share, abs=0.02)
    assert set(parts) == {part for part, share in shares.items() if share}


@pytest.mark.parametrize("kind", ["grouped", "rows"])
def test_the_seed_alone_decides(kind: str):
    def split(seed: int) -> np.ndarray:
        data = corpus() if kind == "grouped" else (1500,)
        return getattr(splitting, kind)(*data, 0.2, 0.1, seed)

    assert (split(7) == split(7)).all() and (split(7) != split(8)).any()


@pytest.mark.parametrize("validation_size", [0, 0.1, 0.5])
@pytest.mark.parametrize("count", [10, 101, 3603])
def test_rows_is_the_split_of_scikit_learn(count: int, validation_size: float):
    train, test = train_test_split(np.arange(count), test_size=0.2, random_state=42)
    parts = splitting.rows(count, 0.2, validation_size, seed=42)
    assert np.flatnonzero(parts == "test").tolist() == sorted(test)
    assert np.flatnonzero(parts != "test").tolist() == sorted(train)
    assert (parts == "validation").sum() == np.ceil(validation_size * len(train))


@pytest.mark.parametrize(("count", "validation_size"), [(1, 0), (2, 0.1)])
def test_too_few_rows_are_an_error_that_says_how_many(count: int, validation_size: float):
    with pytest.raises(InputError, match=r"^1 comments cannot be split[^\n]*$"):
        splitting.rows(count, 0.2, validation_size, seed=42)


def test_official_is_the_datas_own_split_or_an_error():
    parts = np.array(["test", "train", "validation"])
    assert splitting.official(parts).tolist() == parts.tolist()
    with pytest.raises(InputError, match=r"^split official needs [^\n]*train\.tsv[^\n]*grouped or rows$"):
        splitting.official(None)


def check(parts: str, validation: bool) -> None:
    """Check a split of four comments: all are joy, the second and the fourth fear too."""
    labels = np.array([[1, 0], [1, 1], [1, 0], [1, 1]], np.uint8)
    splitting.check(np.array(parts.split()), labels, ("joy", "fear"), validation)


@pytest.mark.parametrize("parts", ["train train test test", "validation train train test"])
def test_a_split_that_can_be_learned_and_judged_is_accepted(parts: str):
    check(parts, validation="validation" in parts)


@pytest.mark.parametrize(
    ("parts", "validation", "said"),
    [
        ("test test test test", False, r"no comment for train: use more comments, or other sizes"),
        ("train train test test", True, r"no comment for validation: use more comments, or other sizes"),
        ("train train train train", False, r"no comment for test: use more comments, or other sizes"),
        ("train test test test", False, r"'fear', on 2 of all comments, is on none for train; .* lower min_votes"),
        ("train train test train", False, r"'fear', on 2 of all comments, is on none for test; .* lower min_votes"),
    ],
)
def test_a_split_that_is_too_small_is_an_error(parts: str, validation: bool, said: str):
    with pytest.raises(InputError, match=rf"^the split [^\n]*{said}$"):
        check(parts, validation)
