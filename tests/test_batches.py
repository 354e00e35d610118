"""Tokens and batches: nothing lost, nothing twice, no padding that is not needed."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from emotions import batches
from emotions.encoders import load_tokenizer
from tests.conftest import needs_gpu, small_comments

TEXTS = [text for _, text, _ in small_comments(25)]


@pytest.fixture
def tokenizer(tiny_encoder):
    return load_tokenizer(tiny_encoder)


@pytest.fixture(autouse=True)
def small_pools(monkeypatch):
    """Several in an epoch, though these are small."""
    monkeypatch.setattr(batches, "POOL", 5)


def epoch_of(count: int, seed: int = 1, epoch: int = 1) -> list[np.ndarray]:
    return batches.shuffled(np.random.default_rng(count).integers(3, 40, count), 8, seed, epoch)


@pytest.mark.parametrize("count", [1, 7, 8, 9, 400, 1003])
def test_an_epoch_has_each_comment_exactly_once_in_full_batches(count):
    found = epoch_of(count)
    assert sorted(np.concatenate(found)) == list(range(count))
    assert sorted(map(len, found))[1:] == [8] * (len(found) - 1)


def test_the_order_depends_on_seed_and_epoch_alone():
    orders = {}
    for seed, epoch in [(1, 1), (1, 2), (2, 1), (2, 2)] * 2:
        order = np.concatenate(epoch_of(500, seed, epoch)).tolist()
        np.random.seed(3)
        assert orders.setdefault((seed, epoch), order) == order
    assert len(set(map(tuple, orders.values()))) == 4


@pytest.mark.parametrize("max_length", [3, 6, 9, 64])
@pytest.mark.parametrize("count", [0, 1, 10, 25])
def test_tokens_are_the_tokenizers_own_and_texts_that_are_cut_are_counted(tokenizer, monkeypatch, count, max_length):
    monkeypatch.setattr(batches, "CHUNK", 10)
    tokens, truncated = batches.tokenise(tokenizer.backend_tokenizer, TEXTS[:count], max_length)
    found = [tokens.ids[start:end].tolist() for start, end in pairwise(tokens.offsets)]
    full = [tokenizer(text).input_ids for text in TEXTS[:count]]
    # What is cut off keeps the token that ends every comment.
    assert found == [ids if len(ids) <= max_length else [*ids[: max_length - 1], ids[-1]] for ids in full]
    assert truncated == sum(len(ids) > max_length for ids in full)
    assert len(tokens) == count and tokens.lengths.tolist() == [len(ids) for ids in found]
    if not truncated:
        decoded = [tokenizer.decode(ids, skip_special_tokens=True) for ids in found]
        assert decoded == [text.lower() for text in TEXTS[:count]]


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
    tokens, _ = batches.tokenise(tokenizer.backend_tokenizer, TEXTS, 64)
    inputs = batches.collate(tokens, np.array(positions), pad_id=77)
    ids = [tokenizer(TEXTS[position]).input_ids for position in positions]
    longest = max(map(len, ids))
    assert inputs["input_ids"].tolist() == [one + [77] * (longest - len(one)) for one in ids]
    assert ("attention_mask" in inputs) == padded
    if padded:
        assert inputs["attention_mask"].tolist() == [[1] * len(one) + [0] * (longest - len(one)) for one in ids]
    assert {tensor.dtype for tensor in inputs.values()} == {torch.int64}


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=needs_gpu)])
def test_arrays_of_every_kind_come_to_the_device_as_they_are(device):
    for kind in (np.int64, np.uint8, np.float16, np.float32, bool):
        array = np.arange(12).reshape(3, 4).astype(kind)
        for part in (array, array[::-1], array[1::2, ::3], array[:0]):
            found = batches.on_device(part, device)
            assert found.device.type == device and found.cpu().numpy().dtype == kind
            assert found.tolist() == part.tolist()
