"""Prints the metrics of a model on labelled data."""

import json
import tempfile
from argparse import Namespace
from pathlib import Path

import numpy as np

from emotions.core.errors import InputError
from emotions.data import raters
from emotions.metrics import scores
from emotions.model.classifier import Classifier
from emotions.model.prediction import predict_texts


def run(arguments: Namespace) -> None:
    """Print the metrics, or raise `InputError` if data and model are faulty, missing or do not fit each other."""
    if arguments.min_votes < 0:
        raise InputError(f"--min-votes should be 0 or more, but is {arguments.min_votes}")
    labels, probabilities = [], []
    with tempfile.TemporaryDirectory() as folder:
        merged = raters.merge(arguments.data, arguments.min_votes, Path(folder))
        classifier = Classifier.load(arguments.model)
        if odd := set(merged.label_names) ^ set(classifier.label_names):
            raise InputError(f"{arguments.data} and {arguments.model} differ in the labels {', '.join(sorted(odd))}")
        order = [merged.label_names.index(name) for name in classifier.label_names]
        for piece in merged.pieces:
            members = np.ones(len(piece.ids), bool)
            if arguments.part:
                if piece.parts is None:
                    raise InputError(f"{arguments.data} has no parts of its own: omit --part to score all of it")
                members = piece.parts.to_numpy() == arguments.part
            labels.append(piece.labels[members][:, order])
            probabilities.append(predict_texts(classifier, piece.texts.filter(members).to_pylist()))
    thresholds = classifier.thresholds.choose(arguments.threshold)
    metrics = scores.score(np.concatenate(labels), np.concatenate(probabilities), thresholds)
    print(json.dumps(metrics) if arguments.json else "\n".join(f"{name:<24} {metrics[name]}" for name in metrics))
