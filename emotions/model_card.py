"""The model card: what a model folder says of itself."""

from string import Template

from emotions.model import EmotionClassifier

CARD = Template("""---
tags:
- emotion
- multi-label-classification
language: en
base_model: $encoder
---

# Emotion classifier

Gives a comment any of $count labels: $labels.

Fine-tuned from `$encoder` ($pooling pooling) on the $train_comments training comments of `$data`, cut off at
$max_length tokens. Its thresholds are in emotions.json: one for all labels ($threshold), and one for each.

$validation

Load it with `EmotionClassifier.from_pretrained`, or ask it with `python -m emotions predict "text"`. It repeats the
judgements of those who labelled its data, with their culture and their errors: fit for research and for aggregates,
not for decisions about a person.
""")


def write(encoder: str, data: str, model: EmotionClassifier, metrics: dict) -> str:
    """Return the card, Markdown with the hub's metadata, for `metrics` as in metrics/train.json."""
    shown = [name for name in metrics if name.startswith("validation_") and name != "validation_comments"]
    rows = "\n".join(f"| {name.removeprefix('validation_').replace('_', ' ')} | {metrics[name]} |" for name in shown)
    return CARD.substitute(
        metrics,
        encoder=encoder,
        data=data,
        count=len(model.label_names),
        labels=", ".join(model.label_names),
        pooling=model.pooling,
        max_length=model.max_length,
        threshold=model.thresholds.common,
        validation=(
            f"They were chosen on {metrics['validation_comments']} validation comments, on which the model has\n\n"
            f"| | |\n| --- | --- |\n{rows}"
            if rows
            else "No validation part was kept: nothing was chosen, and nothing is known of how good it is."
        ),
    )
