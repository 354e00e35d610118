"""The training loop: it learns, gives the same weights each time, and stops with a reason when it cannot go on."""

import warnings
from copy import deepcopy
from itertools import pairwise

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from safetensors.torch import save

from emotions.core.errors import InputError
from emotions.training import loop, optimizer
from emotions.training.accelerator import choose_precision
from tests.conftest import needs_gpu, small_params
from tests.training.conftest import NONE, TARGETS, TRAIN

# On the GPU where there is one.
every_precision = pytest.mark.parametrize("precision", ["fp32", "bf16", pytest.param("fp16", marks=needs_gpu)])


def fp16_on_a_cpu(accelerator: Accelerator) -> None:
    """Bring accelerate to train in fp16 with a gradient scaler where it would refuse: on a CPU."""
    accelerator.state._mixed_precision = "fp16"
    accelerator.native_amp = True
    accelerator.scaler = torch.amp.GradScaler("cpu", init_scale=2.0**8)


def weights_of(trained) -> bytes:
    return save({name: tensor.cpu() for name, tensor in trained[0].model.state_dict().items()})


@every_precision
def test_the_loss_falls_and_the_model_ends_in_fp32(train, precision):
    classifier, run = train(precision=precision, epochs=12, lr=3e-3)
    losses = [row["train_loss"] for row in run.epochs]
    assert losses[-1] < 0.7 * losses[0] and run.epochs[-1]["validation_loss"] < run.epochs[0]["validation_loss"]
    assert {parameter.dtype for parameter in classifier.model.parameters()} == {torch.float32}
    ids = torch.tensor([[2, 5, 3]], device=classifier.model.device)
    inside = []
    classifier.model.classifier.register_forward_hook(lambda *call: inside.append(call[-1].dtype))
    with torch.no_grad():
        assert classifier.model.eval()(ids).logits.dtype == torch.float32
    assert inside == [torch.float32]  # no autocast is left around the model


@every_precision
def test_two_runs_give_the_same_bytes_and_another_seed_gives_others(train, precision):
    first, again, other = (weights_of(train(seed=seed, precision=precision)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.parametrize("adapt", [fp16_on_a_cpu, pytest.param(lambda accelerator: None, marks=needs_gpu)])
def test_gradients_that_overflow_in_fp16_skip_a_step_and_its_place_in_the_schedule(train, adapt):
    calls = []

    def spoil(gradient):
        calls.append(gradient)
        return gradient * float("inf") if len(calls) == 10 else gradient

    given = {"precision": "fp32" if adapt is fp16_on_a_cpu else "fp16", "epochs": 4, "adapt": adapt}
    _, clean = train(**given)
    classifier, run = train(**given, prepare=lambda model: model.classifier.weight.register_hook(spoil))
    # Steps that did not move the learning rate.
    skipped, of_clean = (sum(row["lr"] == after["lr"] for row, after in pairwise(one.steps)) for one in (run, clean))
    assert len(calls) == 20 and skipped == of_clean + 1
    assert all(parameter.isfinite().all() for parameter in classifier.model.parameters())
    assert all(np.isfinite(row["loss"]) for row in run.steps)
    assert run.epochs[-1]["train_loss"] < run.epochs[0]["train_loss"]


def test_the_scaler_scales_the_gradients_and_clipping_sees_them_unscaled(train):
    norms, scaled = [], []

    def adapt(accelerator):
        fp16_on_a_cpu(accelerator)
        clip = accelerator.clip_grad_norm_
        accelerator.clip_grad_norm_ = lambda *arguments: norms.append(clip(*arguments))

    train(adapt=adapt, prepare=lambda model: model.classifier.bias.register_hook(scaled.append), dropout=0.0)
    assert len(norms) == len(scaled) == 10
    # The gradient of one small tensor alone exceeds the norm of all, since only it is still multiplied by 256.
    assert all(0 < float(norm) < float(gradient.norm()) for norm, gradient in zip(norms, scaled, strict=True))


@needs_gpu
def test_a_step_without_padding_does_not_wait_for_the_gpu(train, monkeypatch):
    monkeypatch.setattr(loop, "ROWS_PER_EPOCH", 1)

    def waits(comments: int) -> int:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            # Batches of one comment have no padding; of a mask transformers asks whether it hides anything.
            train(np.arange(comments), NONE, precision="bf16", batch_size=1)
        return sum("synchronizing CUDA operation" in str(one.message) for one in caught)

    # Starting and writing rows does wait, and equally often in both. The second has 40 steps more.
    torch.cuda.set_sync_debug_mode("warn")
    try:
        few, many = waits(20), waits(40)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert few > 0 and many - few < 10


def test_the_history_has_the_mean_losses_of_rows_and_epochs(train, monkeypatch):
    monkeypatch.setattr(loop, "ROWS_PER_EPOCH", 2)
    # 13 steps of 3 comments per epoch, the last one with a filler, that learn next to nothing.
    positions = np.arange(38)
    _, run = train(positions, positions, batch_size=3, lr=1e-30, head_lr=1e-30, dropout=0.0)
    assert [row["step"] for row in run.steps] == [6, 12, 13, 18, 24, 26]
    assert [(row["epoch"], row["step"]) for row in run.epochs] == [(1, 13), (2, 26)]
    belief = 1 / (1 + np.exp(-run.logits.numpy().astype(float)))
    expected = -np.log(np.where(TARGETS[positions], belief, 1 - belief)).mean()
    losses = [row[name] for row in run.epochs for name in ("train_loss", "validation_loss")]
    assert losses == pytest.approx([expected] * 4, rel=1e-5)
    assert np.mean([row["loss"] for row in run.steps]) == pytest.approx(expected, rel=0.2)


def test_validation_can_be_left_out_and_does_not_influence_training(train):
    without, with_validation = train(validation=NONE), train()
    assert without[1].logits is None
    assert [row["validation_loss"] for row in without[1].epochs] == [None, None]
    assert weights_of(without) == weights_of(with_validation)


def test_the_learning_rate_rises_and_then_falls_to_almost_nothing(train):
    _, run = train(epochs=4, warmup=0.25)
    rates = [row["lr"] for row in run.steps]
    # 20 steps, 5 of them to warm up.
    assert rates[:5] == pytest.approx([1e-3 * step / 5 for step in range(5)])
    assert rates[5:] == pytest.approx([1e-3 * step / 15 for step in range(15, 0, -1)])


@pytest.mark.parametrize("accumulation", [2, 8])
def test_accumulated_gradients_end_where_whole_batches_do(train, accumulation):
    whole, run = train(dropout=0.0, epochs=3)
    pieces, run_of_pieces = train(dropout=0.0, epochs=3, accumulation=accumulation)
    assert [row["step"] for row in run.steps] == [row["step"] for row in run_of_pieces.steps]
    for name, tensor in whole.model.state_dict().items():
        assert torch.allclose(tensor, pieces.model.state_dict()[name], atol=1e-4), name


def test_self_distillation_mixes_earlier_predictions_into_the_targets(train, monkeypatch):
    losses, seen = loop._losses, []
    monkeypatch.setattr(loop, "_losses", lambda logits, target: seen.append(target) or losses(logits, target))
    train(epochs=3, self_distillation=0.6, lr=1e-30, head_lr=1e-30, dropout=0.0, validation=NONE)
    targets = seen[::2]  # every other call has the labels alone
    mixed = [bool(((target > 0) & (target < 1)).any()) for target in targets]
    assert mixed == [False] * 5 + [True] * 10
    # A label's weight in the target of a model that learns nothing: 1 - .3 + .3 p, then 1 - .6 + .6 p.
    second, third = (torch.cat(targets[start : start + 5]).sort(dim=0).values for start in (5, 10))
    labels = torch.from_numpy(TARGETS[TRAIN]).float().sort(dim=0).values
    torch.testing.assert_close((third - labels).abs().sum(), 2 * (second - labels).abs().sum(), rtol=1e-2, atol=0)


@pytest.mark.parametrize("step", [1, 7, 10, 28])
def test_a_loss_that_is_not_finite_stops_training_with_its_steps(train, monkeypatch, step):
    monkeypatch.setattr(loop, "ROWS_PER_EPOCH", 2)
    calls = []

    def spoil(model, arguments, output):
        calls.append(model.training)
        if sum(calls) == step:
            output.logits = output.logits * float("nan")
        return output

    last = -(-step // 7) * 7  # 14 steps per epoch, looked at after every 7
    with pytest.raises(
        InputError, match=f"^the loss is not finite in steps {last - 6} to {last}: lower lr or head_lr$"
    ):
        train(batch_size=3, prepare=lambda model: model.register_forward_hook(spoil))


def test_a_batch_that_does_not_fit_in_memory_names_the_parameters(train):
    def refuse(model, arguments):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    with pytest.raises(InputError, match=r"device's memory: lower batch_size \(8\) or raise accumulation \(1\)"):
        train(prepare=lambda model: model.bert.register_forward_pre_hook(refuse))


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_embeddings_stay_as_they_were_and_everything_else_learns(train, tiny_encoder, frozen):
    before = {}
    classifier, _ = train(freeze_embeddings=frozen, prepare=lambda model: before.update(deepcopy(model.state_dict())))
    after = classifier.model.state_dict()
    same = {name for name in after if torch.equal(after[name].cpu(), before[name])}
    embeddings = {name for name in after if ".embeddings." in name}
    assert len(embeddings) == 5 and (embeddings <= same) is frozen
    # A key's bias cancels out in the softmax of attention.
    assert same - embeddings <= {name for name in after if name.endswith("key.bias")}


def test_the_head_has_its_own_learning_rate_and_only_matrices_decay(small_classifier):
    groups = optimizer.create(small_classifier.model, small_params(), fused=True).param_groups
    found = {id(one): (group["lr"], group["weight_decay"]) for group in groups for one in group["params"]}
    assert len(found) == len(list(small_classifier.model.parameters()))
    for name, parameter in small_classifier.model.named_parameters():
        lr = 1e-2 if name.startswith("classifier.") else 1e-3
        spared = name.endswith(".bias") or "LayerNorm" in name
        assert found[id(parameter)] == (lr, 0.0 if spared else 0.01), name


@pytest.mark.parametrize(("gpu", "bf16", "fits"), [(False, True, "fp32"), (True, True, "bf16"), (True, False, "fp16")])
def test_the_precision_is_the_wanted_one_or_fits_the_device(monkeypatch, gpu, bf16, fits):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    # A GPU that emulates bf16 says that it has it when emulation counts.
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation=True: bf16 or including_emulation)
    assert choose_precision("auto") == fits
    for wanted in ("fp32", "bf16", "fp16") if gpu else ("fp32", "bf16"):
        assert choose_precision(wanted) == wanted
