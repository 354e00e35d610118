"""Which comment goes where: no leak, labels in proportion, the same for the same seed."""

import numpy as np
import pytest
from sklearn.model_selection import train_test_split

from emotions.core.errors import InputError
from emotions.data import splitting
from tests.data.conftest import leaks


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


@pytest.mark.parametrize(("test_size", "validation_size"), [(0.2, 0.1), (0.2, 0), (0.1, 0.5), (0.5, 0.25)])
def test_every_part_has_its_share_of_comments_and_labels_and_no_text_of_another(test_size, validation_size):
    texts, labels = corpus()
    parts = splitting.grouped(texts, labels, test_size, validation_size, seed=42)
    assert not leaks(texts, parts)
    rest = 1 - test_size
    shares = {"train": rest * (1 - validation_size), "validation": rest * validation_size, "test": test_size}
    for part, share in shares.items():
        assert np.abs(labels[parts == part].sum(axis=0) - share * labels.sum(axis=0)).max() <= 3
        assert (parts == part).mean() == pytest.approx(share, abs=0.02)
    assert set(parts) == {part for part, share in shares.items() if share}


@pytest.mark.parametrize(("split", "data"), [(splitting.grouped, corpus()), (splitting.rows, (1500,))])
def test_the_seed_alone_decides(split, data):
    one, same, other = (split(*data, 0.2, 0.1, seed) for seed in (7, 7, 8))
    assert (one == same).all() and (one != other).any()


@pytest.mark.parametrize(("count", "validation_size"), [(10, 0), (101, 0.1), (3603, 0.5)])
def test_rows_is_the_split_of_scikit_learn(count: int, validation_size: float):
    train, test = train_test_split(np.arange(count), test_size=0.2, random_state=42)
    parts = splitting.rows(count, 0.2, validation_size, seed=42)
    assert np.flatnonzero(parts == "test").tolist() == sorted(test)
    assert (parts == "validation").sum() == np.ceil(validation_size * len(train))
    with pytest.raises(InputError, match=r"^1 comments cannot be split: [^\n]*$"):
        splitting.rows(1, 0.2, validation_size, seed=42)


def test_a_split_that_is_too_small_is_an_error():
    def check(parts: str, validation: bool = True) -> None:
        labels = np.array([[1, 0], [1, 1], [1, 0], [1, 1]], np.uint8)
        splitting.check(np.array(parts.split()), labels, ("joy", "fear"), validation)

    check("train train test test", validation=False)
    for parts, empty in [("test test test test", "train"), ("train train test test", "validation")]:
        with pytest.raises(InputError, match=rf"^the split leaves no comment for {empty}: use more comments, or "):
            check(parts)
    for parts, part in [("train test test validation", "train"), ("train train test validation", "test")]:
        with pytest.raises(InputError, match=rf"'fear', on 2 of all comments, is on none for {part}; .*min_votes$"):
            check(parts)
