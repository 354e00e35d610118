"""The model card: a model folder's description, for people and, in the hub's metadata, for tools."""

from pathlib import Path
from string import Template

from huggingface_hub import ModelCardData

from emotions.core.params import Params
from emotions.model.classifier import Classifier

CARD = Template("""---
$metadata
---

# Emotion classifier

Labels a text with any of $count labels: $labels.

Fine-tuned from `$encoder` on $train_comments comments of `$data`, cut off after $max_length tokens. thresholds.json
holds the probability from which each label is predicted, and one for all labels. On $validation_comments validation
comments, with thresholds chosen on other comments than those scored:

| | |
| --- | --- |
$rows

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


def write(params: Params, classifier: Classifier, metrics: dict) -> str:
    """Return the card of a trained classifier, Markdown with the hub's metadata; metrics: as in metrics/train.json."""
    metadata = ModelCardData(
        license=LICENCES.get(params.encoder, "unknown"),
        base_model=None if Path(params.encoder).is_dir() else params.encoder,
        tags=["multi-label-classification"],
        pipeline_tag="text-classification",
        library_name="transformers",
    )
    shown = [name for name in metrics if name.startswith("validation_") and name != "validation_comments"]
    return CARD.substitute(
        params.model_dump() | metrics,
        metadata=metadata.to_yaml(),
        count=len(classifier.label_names),
        labels=", ".join(classifier.label_names),
        rows="\n".join(f"| {name.removeprefix('validation_').replace('_', ' ')} | {metrics[name]} |" for name in shown),
    )
