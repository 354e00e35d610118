"""Tokens and batches: nothing lost, nothing twice, no padding that is not needed."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from emotions.data import tokens
from emotions.data.encoders import load_tokenizer
from emotions.model import batches
from emotions.model.batches import FILLER, LengthGroupedSampler
from tests.conftest import small_comments

TEXTS = [text for _, text, _ in small_comments(25)]


@pytest.fixture
def tokenizer(tiny_encoder):
    return load_tokenizer(tiny_encoder)


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    """Several pools in an epoch, though these epochs are small."""
    monkeypatch.setattr(batches, "POOL", 5)


def sampler(count: int, accumulation: int = 1, seed: int = 1) -> LengthGroupedSampler:
    return LengthGroupedSampler(np.random.default_rng(count).integers(3, 40, count), 8, accumulation, seed)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 400, 1003])
@pytest.mark.parametrize("accumulation", [1, 4])
def test_an_epoch_has_each_row_exactly_once_in_full_batches(count, accumulation):
    found = list(sampler(count, accumulation))
    assert len(found) == len(sampler(count, accumulation)) and {len(batch) for batch in found} == {8 // accumulation}
    rows = [row for batch in found for row in batch]
    assert sorted(row for row in rows if row != FILLER) == list(range(count))
    assert rows.count(FILLER) == -count % 8


def test_accumulation_cuts_the_same_batches_into_pieces():
    pieces = list(sampler(403, accumulation=4))
    joined = [[row for piece in pieces[start : start + 4] for row in piece] for start in range(0, len(pieces), 4)]
    assert joined == list(sampler(403))


def test_the_order_depends_on_seed_and_epoch_alone():
    orders = {}
    for seed, epoch in [(1, 1), (1, 2), (2, 1), (2, 2)] * 2:
        one = sampler(500, seed=seed)
        one.epoch = epoch
        order = [row for batch in one for row in batch]
        np.random.seed(3)
        assert orders.setdefault((seed, epoch), order) == order
    assert len(set(map(tuple, orders.values()))) == 4


def test_batches_group_comments_of_like_length():
    one = sampler(400)
    spread = [np.ptp(one.lengths[batch]) for batch in one]
    assert np.mean(spread) < 0.4 * np.ptp(one.lengths)


@pytest.mark.parametrize("max_length", [3, 6, 9, 64])
@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_tokens_are_the_tokenizers_own_and_texts_cut_off_are_counted(tokenizer, monkeypatch, count, max_length):
    monkeypatch.setattr(tokens, "CHUNK", 10)
    found, truncated = tokens.tokenise(tokenizer.backend_tokenizer, TEXTS[:count], max_length)
    ids = [found.ids[start:end].tolist() for start, end in pairwise(found.offsets)]
    full = [tokenizer(text).input_ids for text in TEXTS[:count]]
    # A truncated comment keeps its last special token.
    assert ids == [one if len(one) <= max_length else [*one[: max_length - 1], one[-1]] for one in full]
    assert truncated == sum(len(one) > max_length for one in full)
    assert len(found) == count and found.lengths.tolist() == [len(one) for one in ids]


@pytest.mark.parametrize("lengths", [[], [5], [3, 9, 3, 3, 20, 9, 3], list(range(2, 40)) * 20])
def test_batches_for_prediction_have_no_padding_and_not_too_many_tokens(lengths):
    lengths = np.array(lengths, np.int64)
    found = list(batches.of_equal_length(lengths, tokens=10))
    assert sorted(np.concatenate([[], *found])) == list(range(len(lengths)))
    for batch in found:
        assert len(set(lengths[batch])) == 1 and (lengths[batch].sum() <= 10 or len(batch) == 1)
    assert [lengths[batch[0]] for batch in found] == sorted(lengths[batch[0]] for batch in found)


@pytest.mark.parametrize(
    ("positions", "padded"), [([4], False), ([0, 1], False), ([0, 1, 2], True), ([24, 3, 3, 11], True)]
)
def test_a_batch_is_as_long_as_its_longest_comment_and_padded_on_the_right(tokenizer, positions, padded):
    found, _ = tokens.tokenise(tokenizer.backend_tokenizer, TEXTS, 64)
    inputs = batches.collate(found, np.array(positions), pad_id=77)
    ids = [tokenizer(TEXTS[position]).input_ids for position in positions]
    longest = max(map(len, ids))
    assert inputs["input_ids"].tolist() == [one + [77] * (longest - len(one)) for one in ids]
    assert ("attention_mask" in inputs) == padded
    if padded:
        assert inputs["attention_mask"].tolist() == [[1] * len(one) + [0] * (longest - len(one)) for one in ids]
    assert {tensor.dtype for tensor in inputs.values()} == {torch.int64}


def test_a_filler_has_no_weight_and_adds_no_length(tokenizer):
    found, _ = tokens.tokenise(tokenizer.backend_tokenizer, TEXTS, 64)
    labels = np.eye(25, 4, dtype=np.uint8)
    rows = batches.TrainingRows(found, labels, positions=np.arange(5, 25), pad_id=0)
    batch, alone = rows.__getitems__([3, 7, FILLER]), rows.__getitems__([3, 7])
    assert batch["weight"].tolist() == [1, 1, 0] and batch["row"].tolist() == [3, 7, FILLER]
    assert torch.equal(batch["labels"][:2], torch.from_numpy(labels[[8, 12]]).float())
    assert torch.equal(batch["input_ids"][:2], alone["input_ids"])
