import numpy as np
import pytest

from emotions import encoders, extra_data
from emotions.errors import InputError
from emotions.extra_data import Extra
from tests.conftest import LABELS, small_comments, write_csv


@pytest.fixture
def read(tiny_encoder, tmp_path):
    tokenizer = encoders.load_tokenizer(tiny_encoder).backend_tokenizer

    def read(comments, label_names=LABELS, own_texts=()):
        path = write_csv(tmp_path / "extra.csv", comments)
        return extra_data.read(path, label_names, own_texts, tokenizer, 32)

    return read


def test_comments_come_back_tokenised_with_the_labels_in_the_order_of_the_data(read):
    comments = small_comments(8)
    order = tuple(reversed(LABELS))
    found = read(comments, order)
    assert len(found.tokens) == 8 and found.label_names == order
    assert list(zip(found.ids.to_pylist(), found.texts.to_pylist(), strict=True)) == [
        comment[:2] for comment in comments
    ]
    assert found.labels.tolist() == [[int(name in names) for name in order] for _, _, names in comments]


def test_comments_that_the_data_has_itself_are_left_out(read):
    comments = small_comments(8)
    own = [comments[2][1].upper(), f"  {comments[5][1]}\n", "another text"]
    found = read(comments, own_texts=iter(own))
    kept = [names for index, (_, _, names) in enumerate(comments) if index not in (2, 5)]
    assert found.ids.to_pylist() == [comment for index, (comment, _, _) in enumerate(comments) if index not in (2, 5)]
    assert found.labels.tolist() == [[int(name in names) for name in LABELS] for names in kept]


def test_nothing_is_left_of_the_data_itself(read):
    comments = small_comments(8)
    found = read(comments, own_texts=[text for _, text, _ in comments])
    assert len(found.ids) == len(found.tokens) == 0 and found.labels.shape == (0, 4)


def test_there_are_none_in_a_file_with_other_labels(read):
    assert read(small_comments(8), ("anger", "joy", "envy")) is None


def test_of_data_with_parts_the_training_part_is_learned_from(tiny_encoder, tmp_path):
    tokenizer = encoders.load_tokenizer(tiny_encoder).backend_tokenizer
    (tmp_path / "emotions.txt").write_text("\n".join(LABELS))
    for number, part in enumerate(("train", "dev", "test")):
        (tmp_path / f"{part}.tsv").write_text(f"happy {part}\t{number}\tc{number}\n")
    found = extra_data.read(tmp_path, LABELS, [], tokenizer, 32)
    assert len(found.tokens) == 1 and found.ids.to_pylist() == ["c0"] and found.labels.tolist() == [[1, 0, 0, 0]]


def test_a_file_that_is_missing_is_named(tmp_path):
    with pytest.raises(InputError, match=r"extra\.csv does not exist"):
        extra_data.read(tmp_path / "extra.csv", LABELS, [], None, 32)


def test_what_a_label_lacks_to_the_minimum_is_spread_over_the_comments_with_it():
    own = np.repeat(np.eye(3, dtype=np.uint8), [0, 3, 6], axis=0)
    labels = np.array([[1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 1, 1], [0, 1, 0], [0, 1, 0], [0, 0, 0]], np.uint8)
    # The first label lacks five and has one comment; the second lacks two and has four; the third lacks none.
    np.testing.assert_allclose(extra_data.needed(labels, own, 5), [1, 0.5, 0, 0.5, 0.5, 0.5, 0])
    assert not extra_data.needed(labels, own, 0).any()
    assert extra_data.needed(labels[:0], own, 5).shape == (0,)


def test_logits_are_shifted_by_the_log_odds_of_what_is_drawn():
    own, labels = np.repeat(np.eye(2, dtype=np.uint8), [3, 9], axis=0), np.repeat(np.eye(2, dtype=np.uint8), 6, axis=0)
    extra = extra_data.plan(labels, own, 12, minimum=6)
    np.testing.assert_allclose(extra.chances, np.repeat([0.5, 0], 6))
    assert extra.positions.tolist() == list(range(12, 24))
    assert extra.shift[0] > 0 > extra.shift[1] and np.isfinite(extra.shift).all()


def test_every_epoch_draws_others_by_their_chances():
    chances = np.repeat([0.0, 0.1, 0.4], 100)
    extra = Extra(np.arange(300), np.zeros(2, np.float32), chances)
    drawn = [extra.draw(1, epoch) for epoch in range(1, 201)]
    assert {len(each) for each in drawn} == {50} and all(len(set(each)) == 50 for each in drawn)
    counts = np.bincount(np.concatenate(drawn), minlength=300).reshape(3, 100).mean(axis=1) / 200
    np.testing.assert_allclose(counts, [0, 0.1, 0.4], atol=0.02)
    assert (extra.draw(1, 7) == drawn[6]).all()
    assert (extra.draw(2, 7) != drawn[6]).any()


def test_comments_that_are_all_needed_are_all_drawn_and_others_never():
    extra = Extra(np.arange(6), np.zeros(2, np.float32), np.array([1.0, 0, 1, 1, 0, 1]))
    assert extra.draw(1, 1).tolist() == [0, 2, 3, 5]


@pytest.mark.parametrize("count", [0, 3])
def test_where_nothing_is_lacking_there_is_no_plan(count):
    own = np.ones((9, 2), np.uint8)
    assert extra_data.plan(own[:count], own, 9, minimum=9) is None
