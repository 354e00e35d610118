"""The training loop: it learns, gives the same weights each time, and stops with a reason when it cannot go on."""

import warnings
from itertools import pairwise

import numpy as np
import pytest
import torch
from safetensors.torch import save

from emotions import encoders, memory, training
from emotions.errors import InputError
from emotions.model import EmotionClassifier
from emotions.opinions import Opinions
from tests.conftest import LABELS, NONE, RECIPE, TARGETS, needs_gpu

# On the GPU where there is one.
every_precision = pytest.mark.parametrize("precision", ["fp32", "bf16", pytest.param("fp16", marks=needs_gpu)])


@every_precision
def test_the_loss_falls_and_the_model_stays_in_fp32(train, precision):
    model, history = train(precision=precision, epochs=6, lr=1e-2)
    losses = [row["train_loss"] for row in history.epochs]
    assert losses[-1] < 0.7 * losses[0] and history.epochs[-1]["validation_loss"] < history.epochs[0]["validation_loss"]
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    ids = torch.tensor([[2, 5, 3]], device=model.head.weight.device)
    model.eval()
    assert torch.equal(model(ids, torch.ones_like(ids)), EmotionClassifier.forward(model, ids, torch.ones_like(ids)))


@every_precision
def test_two_runs_give_the_same_bytes_and_another_seed_gives_others(train, precision):
    first, again, other = (save(train(seed=seed, precision=precision)[0].state_dict()) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@needs_gpu
def test_gradients_that_overflow_in_fp16_skip_a_step_and_its_place_in_the_schedule(train):
    def repeated(history) -> int:
        rates = [row["lr"] for row in history.steps]
        return sum(rate == after for rate, after in pairwise(rates))

    calls = []

    def spoil(gradient):
        calls.append(gradient)
        # Two are of the trial of memory, and the first ones may overflow by themselves.
        return gradient * float("inf") if len(calls) == 12 else gradient

    _, clean = train(precision="fp16", epochs=4)
    model, history = train(precision="fp16", epochs=4, prepare=lambda model: model.head.weight.register_hook(spoil))
    assert len(calls) == 22 and repeated(history) == repeated(clean) + 1
    assert all(parameter.isfinite().all() for parameter in model.parameters())
    assert all(np.isfinite(row["loss"]) for row in history.steps)


@needs_gpu
def test_a_step_without_padding_gives_the_gpu_its_work_and_does_not_wait_for_it(train, monkeypatch):
    monkeypatch.setattr(training, "ROWS_PER_EPOCH", 1)

    def waits(comments: int) -> int:
        # Batches of one comment have no padding; of a mask transformers asks a GPU whether it masks anything.
        opinions = Opinions(TARGETS.astype(np.float16), np.arange(48))
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                train(np.arange(comments), NONE, precision="bf16", batch_size=1, opinions=opinions)
            finally:
                torch.cuda.set_sync_debug_mode("default")
        return sum("synchronizing CUDA operation" in str(one.message) for one in told)

    # Starting, saving and writing rows does wait, and as often in both. The second has 40 steps more.
    few, many = waits(20), waits(40)
    assert few > 0 and many - few < 10


def test_the_history_has_the_mean_losses_of_rows_of_steps_and_of_epochs(train, monkeypatch):
    monkeypatch.setattr(training, "ROWS_PER_EPOCH", 2)
    # 13 steps an epoch, of 3 comments each, that learn next to nothing.
    positions = np.arange(39)
    _, history = train(positions, positions, batch_size=3, lr=1e-30, head_lr=1e-30)
    assert [row["step"] for row in history.steps] == [6, 12, 13, 18, 24, 26]
    assert [(row["epoch"], row["step"]) for row in history.epochs] == [(1, 13), (2, 26)]
    weighted = np.average([row["loss"] for row in history.steps[:3]], weights=[6, 6, 1])
    assert history.epochs[0]["train_loss"] == pytest.approx(weighted)
    belief = 1 / (1 + np.exp(-history.validation_logits.astype(float)))
    expected = -np.log(np.where(TARGETS[positions], belief, 1 - belief)).mean()
    assert history.epochs[1]["validation_loss"] == pytest.approx(expected, rel=1e-5)
    # Dropout is all the difference.
    assert history.epochs[1]["train_loss"] == pytest.approx(expected, rel=0.05)


def test_validation_can_be_left_out_and_has_no_influence_on_what_is_learned(train):
    (model, history), (other, _) = train(validation=NONE), train()
    assert history.validation_logits is None
    assert [row["validation_loss"] for row in history.epochs] == [None, None]
    assert save(model.state_dict()) == save(other.state_dict())


def test_the_learning_rate_rises_and_then_falls_to_almost_nothing(train):
    _, history = train(epochs=4, warmup=0.25)
    rates = [row["lr"] for row in history.steps]
    # 20 steps, 5 of them to warm up.
    assert rates[:5] == pytest.approx([1e-3 * step / 5 for step in range(5)])
    assert rates[5:] == pytest.approx([1e-3 * step / 15 for step in range(15, 0, -1)])


def test_the_head_has_its_own_learning_rate_and_only_matrices_decay(tiny_encoder):
    model = EmotionClassifier(encoders.load_encoder(tiny_encoder, 0.1), LABELS, "mean", 0.1, max_length=32)
    groups = training._parameter_groups(model, RECIPE)
    found = {id(one): (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}
    assert sum(len(group["params"]) for group in groups) == len(found) == len(list(model.parameters()))
    for name, parameter in model.named_parameters():
        lr = 1e-2 if name.startswith("head.") else 1e-3
        spared = name.endswith(".bias") or "LayerNorm" in name
        assert found[id(parameter)] == (lr, 0.0 if spared else 0.01), name


@pytest.mark.parametrize(("step", "epoch"), [(1, 1), (7, 1), (10, 1), (28, 2)])
def test_a_loss_that_is_no_number_stops_training_with_its_step(train, monkeypatch, step, epoch):
    monkeypatch.setattr(training, "ROWS_PER_EPOCH", 2)
    calls = []

    def spoil(model, inputs, logits):
        calls.append(model.training)
        return logits * float("nan") if sum(calls) == step else logits

    # 14 steps an epoch, looked at after every 7.
    with pytest.raises(InputError, match=rf"^the loss is nan at step {step} \(epoch {epoch}\): lower lr or head_lr$"):
        train(batch_size=3, prepare=lambda model: model.register_forward_hook(spoil))


@pytest.mark.parametrize(
    ("embeddings", "layers", "frozen"),
    [
        (False, 0, ()),
        (True, 0, ("embeddings.",)),
        (True, 1, ("embeddings.", "encoder.layer.0.")),
        (False, 2, ("encoder.layer.0.", "encoder.layer.1.")),
    ],
)
def test_what_is_frozen_stays_what_it_was_and_all_else_is_learned(train, tiny_encoder, embeddings, layers, frozen):
    model, _ = train(freeze_embeddings=embeddings, freeze_layers=layers)
    before, after = encoders.load_encoder(tiny_encoder).state_dict(), model.encoder.state_dict()
    same = {name for name in after if torch.equal(after[name].cpu(), before[name])}
    expected = {name for name in after if name.startswith(frozen)}
    assert len(expected) == 5 * embeddings + 16 * layers
    # A key's bias cancels out in the softmax of attention.
    assert same - expected <= {name for name in after if name.endswith("key.bias")} and expected <= same


@pytest.mark.parametrize(("fitting", "pieces"), [(5, 2), (3, 4), (1, 8)])
def test_a_batch_that_does_not_fit_is_computed_in_pieces_to_the_same_end(train, capsys, monkeypatch, fitting, pieces):
    monkeypatch.setattr(memory, "TELLING", {"cuda", "cpu"})

    def refuse(model, arguments, inputs):
        if model.training and len(inputs["input_ids"]) > fitting:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    given = {"dropout": 0.0, "epochs": 3, "opinions": Opinions(TARGETS.astype(np.float16), np.arange(48) % 24)}
    whole, _ = train(**given)
    assert "pieces" not in capsys.readouterr().out
    cut, _ = train(**given, prepare=lambda model: model.register_forward_pre_hook(refuse, with_kwargs=True))
    assert f"computed in {pieces} pieces" in capsys.readouterr().out
    for (name, one), other in zip(whole.state_dict().items(), cut.state_dict().values(), strict=True):
        assert torch.allclose(one, other, atol=1e-4), name


def test_a_comment_that_does_not_fit_alone_ends_the_run(train, monkeypatch):
    monkeypatch.setattr(memory, "TELLING", {"cuda", "cpu"})

    def refuse(model, arguments):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with pytest.raises(InputError, match="one comment alone does not fit in the device's memory"):
        train(prepare=lambda model: model.encoder.register_forward_pre_hook(refuse))


@pytest.mark.parametrize(
    ("gpu", "bf16", "asked", "expected"),
    [
        (False, False, "auto", "fp32"),
        (False, True, "auto", "bf16"),
        (False, True, "fp32", "fp32"),
        (False, False, "bf16", "bf16"),
        (True, True, "auto", "bf16"),
        (True, False, "auto", "fp16"),
        (True, True, "fp16", "fp16"),
        (True, True, "fp32", "fp32"),
    ],
)
def test_the_precision_is_what_was_asked_for_or_what_the_device_does_well(monkeypatch, gpu, bf16, asked, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: {"avx512_f": True, "avx512_bf16": bf16})
    # A GPU that emulates bf16 says that it has it when emulation counts.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)
    assert training.choose_precision(asked) == expected


def test_fp16_without_a_gpu_is_refused(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match="precision fp16 needs a GPU, and there is none here: use auto"):
        training.choose_precision("fp16")
