"""The benchmarks: turns are fair, the limit counts what torch counts, and one command gives the table."""

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
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


def test_limits_count_every_product_and_none_for_what_is_frozen():
    config = BertConfig(hidden_size=16, num_hidden_layers=3, num_attention_heads=2, intermediate_size=24, vocab_size=50)
    model = EmotionClassifier(BertModel(config), ("joy",), "mean", 0.0, 128)
    lengths = np.array([3, 7, 3])
    flops = speed._flops(
        SimpleNamespace(
            our_model=lambda: model,
            settings=SimpleNamespace(freeze_embeddings=True, freeze_layers=1),
            tokens=Tokens(np.ones(13, np.int32), np.array([0, *lengths.cumsum()])),
        )
    )
    # A product of a token with an (m, n) matrix is 2 m n; attention multiplies it with all keys and with all values.
    layer = 13 * 2 * (4 * 16 * 16 + 2 * 16 * 24) + 4 * 16 * (lengths**2).sum()
    assert flops["predicting"] == 3 * layer
    # Backwards each product is made for both of its factors.
    assert flops["training"] == 9 * layer
    # Of the second layer, the first that learns, the inputs of query, key and value need no gradient.
    assert flops["training what learns"] == layer + 6 * layer - 13 * 2 * 3 * 16 * 16


def test_one_command_compares_all_contenders(workspace):
    project = Project(workspace)
    project("python stages/preprocess.py")
    shown = project(f"python {ROOT}/benchmarks/speed.py --comments 40 --repeats 1 --json speed.json")
    found = json.loads((workspace / "speed.json").read_text(encoding="utf-8"))
    assert found["comments"] == 40
    limits = {"limit", "limit, without frozen layers"}
    assert set(found["training"]) == {"gflop_per_second", "notebook", "Trainer", speed.STAGE, *limits}
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
