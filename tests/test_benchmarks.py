"""The benchmarks: turns are fair, the limit counts what torch counts, and one command gives the table."""

import json
import sys

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import BertConfig, BertModel

from benchmarks import scale, speed, turns
from emotions import corpus
from emotions.batches import Tokens
from emotions.model import EmotionClassifier
from tests.conftest import ROOT
from tests.project import Project


def test_contenders_take_turns_after_a_warm_up():
    order = []
    seconds = turns.take_turns({name: lambda name=name: order.append(name) for name in "ABC"}, repeats=2)
    assert "".join(order) == "ABC" * 3
    assert {name: runs.shape for name, runs in seconds.items()} == {"A": (2,), "B": (2,), "C": (2,)}
    assert all((runs > 0).all() for runs in seconds.values())


def test_spread_shows_the_median_between_least_and_most():
    assert turns.spread(np.array([3.0, 1.0, 9.0])) == "3 (1 to 9)"
    assert turns.spread(np.array([1.0, 2.0]), 2) == "1.50 (1.00 to 2.00)"


def test_limit_counts_the_operations_that_torch_counts():
    config = BertConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=24, vocab_size=50)
    config._attn_implementation = "eager"
    encoder = BertModel(config, add_pooling_layer=False).eval()
    lengths = np.array([3, 7])
    work = _Work(encoder, Tokens(np.ones(10, np.int32), np.array([0, 3, 10])))
    counted = 0
    for length in lengths:
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            encoder(torch.ones(1, length, dtype=torch.int64))
        counted += counter.get_total_flops()
    assert speed._flops(work) == counted


class _Work:
    def __init__(self, encoder, tokens):
        self._encoder, self.tokens = encoder, tokens

    def our_model(self):
        return EmotionClassifier(self._encoder, ("joy",), "mean", 0.0, 128)


def test_one_command_compares_all_contenders(workspace):
    project = Project(workspace)
    project("python stages/preprocess.py")
    shown = project(f"python {ROOT}/benchmarks/speed.py --comments 40 --repeats 1 --json speed.json")
    found = json.loads((workspace / "speed.json").read_text(encoding="utf-8"))
    assert found["comments"] == 40
    limits = {"limit": 3, "limit, without frozen layers": 2}  # in passes; of the encoder's two layers one is frozen
    assert set(found["training"]) == {"gflop_per_second", "notebook", "Trainer", speed.STAGE, *limits}
    whole, learned = (found["training"][name][0] * passes for name, passes in limits.items())
    assert whole == pytest.approx(learned, rel=1e-3)
    assert set(found["prediction"]) == {"gflop_per_second", "notebook", speed.STAGE, "limit"}
    assert all(value > 0 for part in ("training", "prediction") for runs in found[part].values() for value in runs)
    assert shown.count("| Trainer | ") == 1 and shown.count("| notebook | ") == 2


def test_no_comments_are_refused(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["speed.py", "--comments", "0"])
    with pytest.raises(speed.errors.InputError, match="should be 1 or more"):
        speed.main()


def test_one_command_measures_how_the_stages_grow(tmp_path):
    shown = Project(tmp_path)(f"python {ROOT}/benchmarks/scale.py --times 0.02 0.04 --json scale.json")
    runs = json.loads((tmp_path / "scale.json").read_text(encoding="utf-8"))["runs"]
    assert [run["rows"] for run in runs] == [4_224, 8_449] and shown.count("| split | ") == 2
    assert all(run[stage]["peak_bytes"] > 1e8 for run in runs for stage in ("preprocess", "split"))
    assert (tmp_path / "scale.png").exists() and not list(ROOT.glob(".partial-scale-*"))


def test_repeated_data_has_new_comments_with_as_many_raters_as_the_raw_release(tmp_path):
    source = tmp_path / "source.csv"
    source.write_text("id,text,example_very_unclear,anger,joy\na,x,FALSE,0,1\nb,y,FALSE,1,0\n")
    scale.repeat([source], 18, tmp_path / "data.csv")
    judgements = corpus.read(tmp_path / "data.csv")
    assert judgements.ids.to_pylist() == ["a-0", "b-0"] * 4 + ["a-1", "b-1"] * 4 + ["a-2", "b-2"]
    assert judgements.texts.to_pylist()[6:10] == ["x 0", "y 0", "x 1", "y 1"]
