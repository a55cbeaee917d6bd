"""
Small classifiers, trained on data sets that scikit-learn ships, and saved without pickle.

The same call gives the same bytes. A saved model is a folder with ``model.safetensors`` and ``config.json``, and what
is needed to measure it again stands in its configuration.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    import numpy as np

    Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

Dataset = Literal["digits", "wine", "iris", "breast_cancer"]

WEIGHTS = "model.safetensors"
CONFIG = "config.json"
HELD_OUT = 0.3
"""The share of a data set that no model is trained on, and that all are measured on."""


@dataclass(frozen=True)
class Trained:
    """A model: its tensors by name, how to run it, and what it reached on the examples held out."""

    tensors: Mapping[str, Array]
    config: Mapping[str, Any]
    metrics: Mapping[str, float]


@dataclass(frozen=True)
class _Split:
    """A data set, cut in two: examples are rows, labels count from 0."""

    seen: Array
    seen_labels: Array
    held: Array
    held_labels: Array


def softmax(dataset: Dataset, *, c: float, seed: int = 0) -> Trained:
    """Train a softmax regression; the smaller ``c``, the stronger the regularisation (L2)."""
    from sklearn.linear_model import LogisticRegression

    split = _split(dataset, seed)
    mean, scale = _standard(split.seen)
    fitted = LogisticRegression(C=c, max_iter=5000).fit((split.seen - mean) / scale, split.seen_labels)
    config = {"kind": "softmax", "dataset": dataset, "seed": seed, "c": c}
    return _trained(config, mean, scale, [(fitted.coef_.T, fitted.intercept_)])


def perceptron(dataset: Dataset, *, hidden: int, seed: int = 0) -> Trained:
    """Train a network with one hidden layer of ``hidden`` units."""
    from sklearn.neural_network import MLPClassifier

    split = _split(dataset, seed)
    mean, scale = _standard(split.seen)
    network = MLPClassifier((hidden,), alpha=0.01, max_iter=2000, random_state=seed)
    fitted = network.fit((split.seen - mean) / scale, split.seen_labels)
    config = {"kind": "perceptron", "dataset": dataset, "seed": seed, "hidden": hidden}
    return _trained(config, mean, scale, list(zip(fitted.coefs_, fitted.intercepts_, strict=True)))


def save(trained: Trained, folder: Path) -> None:
    """Write a model into a folder, which is made."""
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file(dict(trained.tensors), folder / WEIGHTS)
    text = json.dumps(trained.config, indent=2, sort_keys=True) + "\n"
    (folder / CONFIG).write_text(text, encoding="utf-8", newline="")


def measure(folder: Path) -> dict[str, float]:
    """Load a saved model and measure it on the examples that were held out when it was trained."""
    from safetensors.numpy import load_file

    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    return _metrics(load_file(folder / WEIGHTS), _split(config["dataset"], config["seed"]))


def _trained(config: Mapping[str, Any], mean: Array, scale: Array, layers: list[tuple[Array, Array]]) -> Trained:
    import numpy as np

    tensors = {"mean": mean, "scale": scale}
    for number, (weight, bias) in enumerate(layers):
        tensors |= {f"layers.{number}.weight": weight, f"layers.{number}.bias": bias}
    single = {name: np.ascontiguousarray(values, dtype=np.float32) for name, values in tensors.items()}
    return Trained(single, config, _metrics(single, _split(config["dataset"], config["seed"])))


@cache
def _split(dataset: Dataset, seed: int) -> _Split:
    from sklearn import datasets
    from sklearn.model_selection import train_test_split

    examples, labels = getattr(datasets, f"load_{dataset}")(return_X_y=True)
    seen, held, seen_labels, held_labels = train_test_split(
        examples, labels, test_size=HELD_OUT, random_state=seed, stratify=labels
    )
    return _Split(seen, seen_labels, held, held_labels)


def _standard(examples: Array) -> tuple[Array, Array]:
    """Give the mean and the spread of each column; a column without spread is left as it is."""
    spread = examples.std(axis=0)
    spread[spread == 0] = 1
    return examples.mean(axis=0), spread


def _metrics(tensors: Mapping[str, Array], split: _Split) -> dict[str, float]:
    import numpy as np

    chances = _chances(tensors, split.held)
    right = chances.argmax(axis=1) == split.held_labels
    surprise = -np.log(np.maximum(chances[np.arange(len(right)), split.held_labels], 1e-12))
    return {"accuracy": round(float(right.mean()), 4), "log_loss": round(float(surprise.mean()), 4)}


def _chances(tensors: Mapping[str, Array], examples: Array) -> Array:
    """Run a model: the probability of each class, one row an example."""
    import numpy as np

    values = (examples - tensors["mean"]) / tensors["scale"]
    count = sum(name.endswith(".weight") for name in tensors)
    for number in range(count):
        values = values @ tensors[f"layers.{number}.weight"] + tensors[f"layers.{number}.bias"]
        if number < count - 1:
            values = np.maximum(values, 0)
    if values.shape[1] == 1:  # two classes: scikit-learn keeps the odds of the second only
        values = np.hstack([np.zeros_like(values), values])
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    chances: Array = powers / powers.sum(axis=1, keepdims=True)
    return chances
