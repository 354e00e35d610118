"""The model card: what a model folder says of itself, to people and, in the hub's metadata, to tools."""

from pathlib import Path
from string import Template

from huggingface_hub import EvalResult, ModelCardData

from emotions.model import EmotionClassifier

CARD = Template("""---
$metadata
---

# Emotion classifier

Gives a comment any of $count labels: $labels.

Fine-tuned from `$encoder` ($pooling pooling) on the $train_comments training comments of `$data`$extra, cut off
at $max_length tokens.$second The model's thresholds are in emotions.json: one for all labels ($threshold), and one for
each.

$validation

## Use

$use

Load it with `EmotionClassifier.from_pretrained`, or ask it with `python -m emotions predict "text"`. It repeats the
judgements of those who labelled its data, with their culture and their errors: fit for research and for aggregates,
not for decisions about a person.

## License

$terms
""")
STOCK = Template("""Without this repository, with `transformers` alone:

```python
from transformers import pipeline

classify = pipeline("text-classification", model="model", top_k=None, truncation=True)
print(classify("I am so happy and excited today!"))
```

The scores are this model's probabilities, in batches too. Keep `truncation=True`: it cuts a comment off where training
did. $averaging""")
# What a reader of config.json would stumble over.
AVERAGING = """The encoder's last layer was added to average over the tokens; it needs fp32 or bf16: in fp16 all
scores are nan."""
NOT_STOCK = """`transformers` has no classifier of this encoder and pooling: its Auto classes load the encoder alone.
`python -m emotions export` writes the whole model in ONNX, for use without this repository."""
# Licenses of the weights that `emotions.encoders` pins, as their publishers state them.
LICENSES = {
    "sentence-transformers/all-MiniLM-L6-v2": "apache-2.0",
    "google-bert/bert-base-uncased": "apache-2.0",
    "FacebookAI/roberta-base": "mit",
    "distilbert/distilbert-base-uncased": "apache-2.0",
}
# The corpora of this repository; the second is synthetic.
OWN = COMMENTS, REPLIES = "comments.csv", "replies.csv"
# The second opinions of this repository.
OPINIONS = "opinions.csv"
GOEMOTIONS = "google-research-datasets/go_emotions"
# The names that metrics/train.json gives to what the hub calls otherwise.
METRICS = {
    "validation_f1_micro": ("f1", "F1, micro"),
    "validation_f1_macro": ("f1", "F1, macro"),
    "validation_average_precision_macro": ("average_precision", "average precision, macro"),
    "validation_loss": ("loss", "binary cross-entropy"),
}


def write(encoder: str, data: str, extra_data: str, opinions: str, model: EmotionClassifier, metrics: dict) -> str:
    """Return the card, Markdown with the hub's metadata, for `metrics` as in metrics/train.json.

    encoder: a model id on the hub, or a folder. data, extra_data: a file or folder each; one whose name starts with
    goemotions holds GoEmotions, and those of `OWN` are this repository's. opinions: a file;
    one named `OPINIONS` is this repository's, too.
    """
    extra = metrics["extra_comments"]
    sources = [data, extra_data] if extra else [data]
    shown = [name for name in metrics if name.startswith("validation_") and name != "validation_comments"]
    rows = "\n".join(f"| {name.removeprefix('validation_').replace('_', ' ')} | {metrics[name]} |" for name in shown)
    averaging = AVERAGING if model.pooling in ("mean", "attention") else ""
    return CARD.substitute(
        metrics,
        metadata=_metadata(encoder, sources, model, metrics).to_yaml(),
        encoder=encoder,
        data=data,
        extra=(
            f" and {extra} {'synthetic ' if Path(extra_data).name == REPLIES else ''}comments of `{extra_data}`"
            if extra
            else ""
        ),
        second=(
            " In training a second head learned second opinions"
            f"{' of a language model' if Path(opinions).name == OPINIONS else ''} on {metrics['second_opinions']} of "
            f"these comments (`{opinions}`)."
            if metrics["second_opinions"]
            else ""
        ),
        count=len(model.label_names),
        labels=", ".join(model.label_names),
        pooling=model.pooling,
        max_length=model.max_length,
        threshold=model.thresholds.common,
        validation=(
            f"They were chosen on {metrics['validation_comments']} validation comments. There the model has the "
            "following; F1 is with the thresholds of the labels, or with one for all (global), always chosen on other "
            f"comments than those judged.\n\n| | |\n| --- | --- |\n{rows}"
            if rows
            else "No validation part was kept: nothing was chosen, and nothing is known of how good it is."
        ),
        use=(STOCK.substitute(averaging=averaging) if model.has_stock_form else NOT_STOCK).strip(),
        terms=_terms(encoder, [*sources, opinions] if metrics["second_opinions"] else sources),
    )


def _metadata(encoder: str, sources: list[str], model: EmotionClassifier, metrics: dict) -> ModelCardData:
    source = Path(sources[0]).name
    goemotions = source.startswith("goemotions")
    of_goemotions = any(Path(name).name.startswith("goemotions") for name in sources)
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=GOEMOTIONS if goemotions else source,
            dataset_name=source,
            dataset_split="validation",
            metric_type=kind,
            metric_name=f"{name} (validation)",
            metric_value=metrics[key],
        )
        for key, (kind, name) in METRICS.items()
        if key in metrics
    ]
    return ModelCardData(
        model_name="emotions",
        tags=["emotion", "multi-label-classification"],
        language="en" if goemotions or source in OWN else None,
        license=LICENSES.get(encoder, "unknown"),
        base_model=None if Path(encoder).is_dir() else encoder,
        datasets=[GOEMOTIONS] if of_goemotions else None,
        pipeline_tag="text-classification",
        library_name="transformers" if model.has_stock_form else None,
        eval_results=results or None,
    )


def _terms(encoder: str, sources: list[str]) -> str:
    """Say what the weights are made of, and on which terms."""
    license = LICENSES.get(encoder)
    terms = [
        f"The weights are those of `{encoder}`, changed, and keep its license, {license}."
        if license
        else f"The weights are those of `{encoder}`, changed, and keep its license, which is not known here."
    ]
    for source in sources:
        name = Path(source).name
        if name.startswith("goemotions"):
            terms.append(
                "The comments are from GoEmotions (Demszky et al., [arXiv 2005.00547]"
                "(https://arxiv.org/abs/2005.00547)), CC BY 4.0: name it where you pass the model on."
            )
        elif name in OWN:
            terms.append(f"The comments of `{source}` are under the MIT license.")
        elif name == OPINIONS:
            terms.append(f"The opinions of `{source}` are under the MIT license.")
        else:
            terms.append(f"Whether `{source}` sets terms of its own, its owner knows.")
    return " ".join(terms)
