"""The two scripts that stand for a person's own code in the demo: one trains, the other uses what was trained."""

TRAIN = '''\
"""Train classifiers of handwritten digits and save each run in a folder of its own."""

import json
from pathlib import Path

from podium.demo import train

runs = Path(__file__).parent / "runs"
trained = {
    "1": train.softmax("digits", c=0.001),
    "2": train.softmax("digits", c=0.01),
    "3": train.softmax("digits", c=0.1),
    "4": train.perceptron("digits", hidden=64),
}
known = {}
for name, model in trained.items():
    train.save(model, runs / name)
    params = {key: value for key, value in model.config.items() if key in ("c", "hidden", "seed")}
    known[name] = {"params": params, "metrics": model.metrics}
    facts = " ".join(f"{key}={value}" for key, value in (params | model.metrics).items())
    print(f"runs/{name}  {model.config['kind']:10}  {facts}")
(runs / "runs.json").write_text(json.dumps(known, indent=2), encoding="utf-8")
'''

MEASURE = '''\
"""Load a model from a folder and measure it on the digits that it was not trained on."""

import sys
from pathlib import Path

from podium.demo import train

metrics = train.measure(Path(sys.argv[1]))
print(" ".join(f"{name}={value}" for name, value in metrics.items()))
'''
