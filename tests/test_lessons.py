"""What is learned beside the labels: beliefs of the model itself, comments of another origin, second opinions."""

import numpy as np
import torch

from emotions import batches, lessons, training
from emotions.extra_data import Extra
from emotions.opinions import Opinions
from emotions.training_state import Run
from tests.conftest import COMMENTS, LABELS, NONE, RECIPE, TARGETS, TRAIN, VALIDATION


def test_targets_move_from_the_labels_towards_what_the_model_believed_an_epoch_before(train, monkeypatch):
    learned, real = [], lessons.binary_cross_entropy_with_logits

    def note(logits, target, weight=None, reduction="mean"):
        if logits.requires_grad:
            learned.append((logits.detach().clone(), target.clone()))
        return real(logits, target, weight, reduction=reduction)

    monkeypatch.setattr(lessons, "binary_cross_entropy_with_logits", note)
    # The whole part in one batch, and a model that learns next to nothing, so that its belief stays what it was.
    train(epochs=3, batch_size=40, lr=1e-30, head_lr=1e-30, dropout=0.0, self_distillation=0.6)
    for (logits, target), trust in zip(learned, (0.0, 0.3, 0.6), strict=True):
        belief = logits.sigmoid()
        # The comments come in another order each epoch: what is certain is every target's distance from its belief.
        labels = (target > belief).float() if trust else target
        assert sorted(labels.sum(dim=1).tolist()) == sorted(TARGETS[TRAIN].sum(axis=1).tolist())
        assert torch.allclose(target, (1 - trust) * labels + trust * belief, atol=1e-3)


def test_self_distillation_is_what_makes_the_second_epoch_differ(train):
    (_, with_beliefs), (_, without) = train(self_distillation=0.5), train(self_distillation=0.0)
    first, second = zip(with_beliefs.epochs, without.epochs, strict=True)
    assert first[0] == first[1]
    assert second[0]["validation_loss"] != second[1]["validation_loss"]


def test_what_is_frequent_in_extra_comments_alone_is_not_taken_for_frequent(train):
    angry = np.repeat([40, 44], 20)
    no_shift, angrier = np.zeros(4, np.float32), np.array([8, 0, 0, 0], np.float32)
    full, tenth = np.ones(len(angry)), np.full(len(angry), 0.1)
    extras = (None, Extra(angry, no_shift, full), Extra(angry, no_shift, tenth), Extra(angry, angrier, full))
    calm = [1, 2, 3, 5, 6, 7]  # of the validation comments, those without anger
    found = [train(extra=extra, epochs=4)[1].validation_logits[calm, 0].mean() for extra in extras]
    alone, misled, less, told = found
    assert misled > less > alone
    assert misled > told


def test_an_epoch_learns_from_a_part_of_the_extra_comments_and_believes_labels_before_it_met_one(train, monkeypatch):
    runs, collated = [], []

    class Watched(Run):
        def __init__(self, accelerator, model, optimizer, schedule, beliefs):
            runs.append(beliefs.clone())
            super().__init__(accelerator, model, optimizer, schedule, beliefs)

    collate = batches.collate
    monkeypatch.setattr(training, "Run", Watched)
    monkeypatch.setattr(batches, "collate", lambda *given: (collated.extend(given[1]), collate(*given))[1])
    positions, extra = np.arange(32), Extra(np.arange(32, 40), np.zeros(4, np.float32), np.full(8, 0.25))
    train(positions, NONE, extra=extra, epochs=2, self_distillation=0.5)
    assert runs[0].tolist() == TARGETS[:40].tolist()
    _, *epochs = np.split(np.array(collated), [len(collated) - 68, len(collated) - 34])  # after the trial of memory
    drawn = [[position for position in epoch if position >= 32] for epoch in epochs]
    assert [sorted(epoch) for epoch in drawn] == [sorted(32 + extra.draw(RECIPE.seed, epoch)) for epoch in (1, 2)]
    assert all(sorted(position for position in epoch if position < 32) == list(range(32)) for epoch in epochs)


def test_a_head_of_its_own_learns_the_opinions_and_goes_when_training_ends(train):
    # They say the opposite of the labels, which stay what the model's own head learns; and are in another order.
    values, rows = np.where(TARGETS, 0.1, 0.8).astype(np.float16)[::-1], np.arange(48)[::-1]
    heads = []

    def prepare(model):
        add = model.add_opinion_head
        model.add_opinion_head = lambda frequencies: (add(frequencies), heads.append(model.opinion_head))

    positions = np.random.default_rng(1).permutation(48)[:40]
    model, history = train(positions, epochs=12, lr=1e-2, opinions=Opinions(values, rows), prepare=prepare, dropout=0.0)
    assert model.opinion_head is None and not [name for name in model.state_dict() if "opinion" in name]
    assert history.validation_logits.shape == (len(VALIDATION), len(LABELS))
    assert history.epochs[-1]["train_loss"] < 0.7 * history.epochs[0]["train_loss"]
    model.eval()
    tokens, _ = batches.tokenise(model.backend_tokenizer, [text for _, text, _ in COMMENTS], 32)
    with torch.no_grad():
        inputs = batches.collate(tokens, positions, model.tokenizer.pad_token_id)
        device = model.head.weight.device
        opinions = heads[0](model.pool(**{name: tensor.to(device) for name, tensor in inputs.items()})).sigmoid()
    expected = np.where(TARGETS, 0.1, 0.8)[positions]
    assert np.abs(opinions.cpu().numpy() - expected).mean() < 0.5 * np.abs(expected - expected.mean(axis=0)).mean()


def test_comments_without_an_opinion_and_a_weight_of_none_change_nothing(train):
    none, half = Opinions(TARGETS.astype(np.float16), np.full(48, -1)), np.where(np.arange(48) % 2, np.arange(48), -1)
    some = Opinions(TARGETS.astype(np.float16), half)

    def learned(**given) -> torch.Tensor:
        return torch.cat([one.flatten() for one in train(**given)[0].encoder.state_dict().values()])

    plain = learned()
    assert torch.allclose(learned(opinions=none), plain, atol=1e-6)
    assert torch.allclose(learned(opinions=some, opinion_weight=0.0), plain, atol=1e-6)
    assert not torch.allclose(learned(opinions=some), plain, atol=1e-3)
