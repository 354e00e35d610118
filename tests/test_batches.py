"""Tokens and batches: nothing lost, nothing twice, no padding that is not needed."""

import numpy as np
import pytest
import torch

from emotions import batches
from emotions.encoders import load_tokenizer
from tests.conftest import small_comments

TEXTS = [text for _, text, _ in small_comments(25)]


@pytest.fixture
def tokenizer(tiny_encoder):
    return load_tokenizer(tiny_encoder)


def some_lengths(count: int) -> np.ndarray:
    return np.random.default_rng(count).integers(3, 40, count)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 400, 1003])
def test_an_epoch_has_each_comment_exactly_once_in_full_batches(count):
    epoch = batches.shuffled(some_lengths(count), 8, seed=1, epoch=1)
    assert sorted(np.concatenate(epoch)) == list(range(count))
    assert sorted(map(len, epoch))[1:] == [8] * (len(epoch) - 1)


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed: int, epoch: int) -> list[int]:
        return np.concatenate(batches.shuffled(some_lengths(500), 8, seed, epoch)).tolist()

    first = order(1, 1)
    np.random.seed(3)
    torch.manual_seed(3)
    assert order(1, 1) == first
    assert len({tuple(order(seed, epoch)) for seed, epoch in [(1, 1), (1, 2), (2, 1), (2, 2)]}) == 4


def test_batches_hold_comments_of_like_length_in_no_order_of_length():
    lengths = np.where(np.arange(800) % 2, 5, 50)
    epoch = [lengths[batch] for batch in batches.shuffled(lengths, 8, seed=1, epoch=1)]
    mixed = sum(len(set(batch)) > 1 for batch in epoch)
    changes = sum(one.max() != other.max() for one, other in zip(epoch, epoch[1:], strict=False))
    assert mixed <= 2 and changes > 20


@pytest.mark.parametrize("count", [0, 1, 9, 200])
def test_prediction_goes_once_from_the_shortest_comment_to_the_longest(count):
    lengths = some_lengths(count)
    found = list(batches.by_length(lengths, 8))
    order = np.concatenate([*found, np.zeros(0, int)]).astype(int)
    assert sorted(order) == list(range(count)) and max(map(len, found), default=0) <= 8
    assert (np.diff(lengths[order]) >= 0).all()


@pytest.mark.parametrize("chunk", [10_000, 25, 10, 1])
def test_tokens_are_the_tokenizers_own_however_many_texts_there_are(tokenizer, monkeypatch, chunk):
    monkeypatch.setattr(batches, "CHUNK", chunk)
    tokens, truncated = batches.tokenise(tokenizer, TEXTS, 64)
    found = [tokens.ids[start:end].tolist() for start, end in zip(tokens.offsets, tokens.offsets[1:], strict=False)]
    assert found == [tokenizer(text).input_ids for text in TEXTS]
    assert [tokenizer.decode(ids, skip_special_tokens=True) for ids in found] == [text.lower() for text in TEXTS]
    assert tokens.lengths.tolist() == [len(ids) for ids in found] and len(tokens) == 25 and truncated == 0


def test_no_texts_give_no_tokens(tokenizer):
    tokens, truncated = batches.tokenise(tokenizer, [], 64)
    assert (len(tokens), len(tokens.ids), truncated) == (0, 0, 0)


@pytest.mark.parametrize("max_length", [3, 6, 9, 64])
def test_texts_that_are_cut_off_are_counted_and_keep_their_special_tokens(tokenizer, max_length):
    full = [len(tokenizer(text).input_ids) for text in TEXTS]
    tokens, truncated = batches.tokenise(tokenizer, TEXTS, max_length)
    assert truncated == sum(length > max_length for length in full)
    assert tokens.lengths.tolist() == [min(length, max_length) for length in full]
    assert (tokens.ids[tokens.offsets[1:] - 1] == tokenizer.sep_token_id).all()


@pytest.mark.parametrize("positions", [[4], [0, 1, 2], [24, 3, 3, 11]])
def test_a_batch_is_as_long_as_its_longest_comment_and_padded_on_the_right(tokenizer, positions):
    tokens, _ = batches.tokenise(tokenizer, TEXTS, 64)
    inputs = batches.collate(tokens, np.array(positions), pad_id=77)
    ids = [tokenizer(TEXTS[position]).input_ids for position in positions]
    longest = max(map(len, ids))
    assert inputs["input_ids"].tolist() == [one + [77] * (longest - len(one)) for one in ids]
    assert inputs["attention_mask"].tolist() == [[1] * len(one) + [0] * (longest - len(one)) for one in ids]
    assert {tensor.dtype for tensor in inputs.values()} == {torch.int64}
