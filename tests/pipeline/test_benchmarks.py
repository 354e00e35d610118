"""The benchmarks: turns are fair, the limit counts every product, and one command gives each table."""

import json
from types import SimpleNamespace

import numpy as np
from transformers import BertConfig, BertForSequenceClassification

from benchmarks import scale, sharing, speed, turns
from emotions.data.tokens import Tokens
from stages import preprocess
from tests.conftest import ROOT
from tests.project import Project


def test_contenders_take_turns_after_a_warm_up_without_showing_what_they_print(capsys):
    order = []
    seconds = turns.take_turns({name: lambda name=name: print(order.append(name)) for name in "ABC"}, repeats=2)
    assert "".join(order) == "ABC" * 3 and capsys.readouterr().out == ""
    assert {name: runs.shape for name, runs in seconds.items()} == {"A": (2,), "B": (2,), "C": (2,)}
    assert all((runs > 0).all() for runs in seconds.values())


def test_spread_shows_the_median_between_least_and_most():
    assert turns.spread(np.array([3.0, 1.0, 9.0])) == "3 (1 to 9)"
    assert turns.spread([1.0, 2.0], 2) == "1.50 (1.00 to 2.00)"


def test_limits_count_every_product_and_none_for_what_is_frozen():
    sizes = {"hidden_size": 16, "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 24}
    model = BertForSequenceClassification(BertConfig(vocab_size=50, num_labels=5, **sizes))
    lengths = np.array([3, 7, 3])
    work = SimpleNamespace(ours=SimpleNamespace(model=model), settings=SimpleNamespace(freeze_embeddings=False))
    work.tokens = Tokens(np.ones(13, np.int32), np.array([0, *lengths.cumsum()]))
    # A product of a token with an (m, n) matrix is 2 m n; attention multiplies it with all keys and with all values.
    layer = 13 * 2 * (4 * 16 * 16 + 2 * 16 * 24) + 4 * 16 * (lengths**2).sum()
    # The head sees the first token of each comment.
    head = 3 * 2 * (16 * 16 + 16 * 5)
    forward = 3 * layer + head
    # Backwards each product is made for both of its factors.
    assert speed.count_flops(work) == (3 * forward, forward)
    # The inputs of query, key and value in the first layer need no gradient then.
    work.settings.freeze_embeddings = True
    assert speed.count_flops(work) == (3 * forward - 13 * 2 * 3 * 16 * 16, forward)


def test_one_command_compares_all_contenders(workspace):
    preprocess.main()
    shown = Project(workspace)(f"python {ROOT}/benchmarks/speed.py --comments 40 --repeats 1 --json speed.json")
    found = json.loads((workspace / "speed.json").read_text(encoding="utf-8"))
    assert found["comments"] == 40 and found["precision"] == "fp32"
    assert set(found["training"]) == {"gflop_per_second", "notebook", "Trainer", speed.OURS, "limit"}
    assert set(found["prediction"]) == {"gflop_per_second", "notebook", speed.OURS, "limit"}
    assert all(value > 0 for part in ("training", "prediction") for runs in found[part].values() for value in runs)
    assert shown.count("| Trainer | ") == 1 and shown.count("| notebook | ") == 2


def test_both_openmp_settings_take_turns_alone_and_side_by_side(tmp_path, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(sharing, "speeds", lambda *call: calls.append(call) or [10.0] * call[0])
    monkeypatch.setattr("sys.argv", ["sharing.py", "--repeats", "2", "--json", str(tmp_path / "sharing.json")])
    sharing.main()
    assert calls == [(runs, 640, count) for count in sharing.SPIN_COUNTS.values() for runs in (1, 2)] * 2
    rows = [f"| {name} | 10 (10 to 10) | 10 (10 to 10) |" for name in ("libgomp's default", "this repository")]
    assert capsys.readouterr().out.splitlines()[2:] == rows
    found = json.loads((tmp_path / "sharing.json").read_text(encoding="utf-8"))
    assert found["this repository"] == {"alone": [10.0] * 2, "side by side": [10.0] * 4}


def test_two_trainings_run_side_by_side(workspace):
    preprocess.main()
    assert all(speed > 0 for speed in sharing.speeds(2, 8, "300000"))


def test_one_command_measures_the_stages_on_more_data(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["scale.py", "--times", "0.01", "--json", str(tmp_path / "scale.json")])
    scale.main()
    (run,) = json.loads((tmp_path / "scale.json").read_text(encoding="utf-8"))["runs"]
    assert run["rows"] == 2112 and all(run[stage][0] > 0 and run[stage][1] > 0.05 for stage in ("preprocess", "split"))
    assert capsys.readouterr().out.count("| 2,112 | ") == 2


def test_repeated_data_has_new_comments_with_as_many_raters_as_the_raw_release(tmp_path):
    (tmp_path / "source.csv").write_text("id,text,joy\na,x,1\nb,y,0\n")
    scale.repeat((tmp_path / "source.csv",), 11, tmp_path / "data.csv")
    lines = (tmp_path / "data.csv").read_text().splitlines()
    assert lines == ["id,text,joy", *["a-0,x 0,1", "b-0,y 0,0"] * 4, "a-1,x 1,1", "b-1,y 1,0", "a-1,x 1,1"]
