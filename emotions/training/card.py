"""The model card: a model folder's description, for people and, in the hub's metadata, for tools."""

from pathlib import Path
from string import Template

from huggingface_hub import EvalResult, ModelCardData

from emotions.core.params import Params
from emotions.model.classifier import Classifier

CARD = Template("""---
$metadata
---

# $name

Labels a text with any of $count labels: $labels.

Fine-tuned from `$encoder` on $train_comments comments of `$data`, cut off after $max_length tokens. thresholds.json
holds the probability from which each label is predicted, and one for all labels.

$validation

```python
from transformers import pipeline

classify = pipeline("text-classification", model="model", top_k=None, truncation=True)
print(classify("I am so happy and excited today!"))
```

The scores are probabilities, one for each label. The model repeats the judgements of the people who labelled its data,
with their culture and their errors: fit for research and for aggregates, not for decisions about a person.
""")
# Licences of the encoders that `emotions.data.encoders` pins, as their publishers state them.
LICENCES = {
    "sentence-transformers/all-MiniLM-L6-v2": "apache-2.0",
    "google-bert/bert-base-uncased": "apache-2.0",
    "FacebookAI/roberta-base": "mit",
    "distilbert/distilbert-base-uncased": "apache-2.0",
}
# Figures of metrics/train.json: the hub's type of metric and a title.
METRICS = {
    "validation_f1_micro": ("f1", "F1, micro"),
    "validation_f1_macro": ("f1", "F1, macro"),
    "validation_average_precision_macro": ("average_precision", "Average precision, macro"),
    "validation_loss": ("loss", "Binary cross-entropy"),
}


def write(params: Params, classifier: Classifier, metrics: dict) -> str:
    """Return the card, Markdown with the hub's metadata.

    Args:
        params: Of the run.
        classifier: Trained.
        metrics: As in metrics/train.json.
    """
    source = Path(params.data).stem
    shown = {name: titles for name, titles in METRICS.items() if name in metrics}
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type=source,
            dataset_name=source,
            dataset_split="validation",
            metric_type=kind,
            metric_name=f"{title} (validation)",
            metric_value=metrics[name],
        )
        for name, (kind, title) in shown.items()
    ]
    metadata = ModelCardData(
        model_name="emotions",
        license=LICENCES.get(params.encoder, "unknown"),
        base_model=None if Path(params.encoder).is_dir() else params.encoder,
        tags=["multi-label-classification"],
        pipeline_tag="text-classification",
        library_name="transformers",
        eval_results=results or None,
    )
    rows = "\n".join(f"| {title} | {metrics[name]} |" for name, (_, title) in shown.items())
    return CARD.substitute(
        metadata=metadata.to_yaml(),
        name="Emotion classifier",
        count=len(classifier.label_names),
        labels=", ".join(classifier.label_names),
        encoder=params.encoder,
        data=params.data,
        train_comments=metrics["train_comments"],
        max_length=params.max_length,
        validation=(
            f"On {metrics['validation_comments']} validation comments, with thresholds chosen on other comments than "
            f"those scored:\n\n| | |\n| --- | --- |\n{rows}"
            if rows
            else "There was no validation part: every threshold is 0.5, and how good the model is was not measured."
        ),
    )
