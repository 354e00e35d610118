"""The train stage on small data: what it learns from beside the data's own labels."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import torch

from emotions.model import EmotionClassifier
from tests.conftest import set_params, small_comments, write_csv, write_opinions
from tests.test_stages import STAGES, run


def test_extra_data_is_learned_too_less_what_the_data_has_itself(workspace, capsys):
    run(*STAGES)
    assert "learning from" not in capsys.readouterr().out
    alone = EmotionClassifier.from_pretrained("model").head.weight
    comments = small_comments()
    others = [(f"f{name}", f"{text} again", labels) for name, text, labels in comments[:24]]
    write_csv(workspace / "data" / "extra.csv", others + comments[24:])
    set_params(workspace, extra_data="data/extra.csv")
    own = json.loads(Path("metrics/train.json").read_text())["train_comments"]
    run("train")
    told = capsys.readouterr().out
    assert "learning from 24 comments of data/extra.csv, too" in told
    assert f": {own + 24} comments, 2 epochs" in told
    assert not torch.equal(EmotionClassifier.from_pretrained("model").head.weight, alone)
    assert json.loads(Path("metrics/train.json").read_text())["extra_comments"] == 24
    set_params(workspace, label_minimum=0)
    run("train")
    assert "learning from" not in capsys.readouterr().out
    assert torch.equal(EmotionClassifier.from_pretrained("model").head.weight, alone)


def test_files_with_other_labels_are_not_learned_from_and_that_is_said(workspace, capsys):
    set_params(workspace, label_minimum=0)
    run(*STAGES)
    alone = EmotionClassifier.from_pretrained("model").head.weight
    files = {"extra_data": "data/extra.csv", "opinions": "data/opinions.csv"}
    Path(files["extra_data"]).write_text("id,text,example_very_unclear,envy,pride\nc1,hello,FALSE,1,0\n")
    Path(files["opinions"]).write_text("id,envy\nc1,0.5\n")
    set_params(workspace, label_minimum=800, opinion_weight=1, **files)
    run("train")
    told = capsys.readouterr().out
    for path in files.values():
        assert f"{path} has other labels than the data, and nothing is learned from it" in told
    assert torch.equal(EmotionClassifier.from_pretrained("model").head.weight, alone)


def test_second_opinions_on_training_comments_are_learned_and_no_others(workspace, capsys):
    run(*STAGES)
    assert "second opinions" not in capsys.readouterr().out
    alone = EmotionClassifier.from_pretrained("model").head.weight
    parts = pq.read_table("data/splits/split.parquet").to_pandas().set_index("id")["part"]
    comments = small_comments()
    others = [comment for comment in comments if parts[comment[0]] != "train"]
    known = [comment for comment in comments if parts[comment[0]] == "train"][:30]
    set_params(workspace, opinions="data/opinions.csv", opinion_weight=1)

    learned = []
    for chosen in (others, known, known + others):
        write_opinions(workspace / "data" / "opinions.csv", chosen)
        run("train")
        learned.append(EmotionClassifier.from_pretrained("model").head.weight)
    assert (
        capsys.readouterr().out.count("learning from second opinions on 30 of all these, too: data/opinions.csv") == 2
    )
    assert json.loads(Path("metrics/train.json").read_text())["second_opinions"] == 30
    assert torch.equal(learned[0], alone) and not torch.equal(learned[1], alone)
    assert torch.equal(learned[1], learned[2])
