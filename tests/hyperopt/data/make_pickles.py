"""Writes the pickles of this folder; run it with a Python that has the Hyperopt in question.

    PYTHON_WITH_HYPEROPT tests/hyperopt/data/make_pickles.py NAME PROTOCOL

NAME.pickle is a `Trials` after a short search on a conditional space, by pickle with that protocol, or by cloudpickle, as
`trials_save_file` has it, where PROTOCOL is "cloudpickle".  Where pymongo is installed documents hold plain numbers, else
numpy's scalars.  hyperopt-0.2.7-pymongo (4) is by 0.2.7 with pymongo, hyperopt-0.2.7-p2 (2) by 0.2.7 without, and
hyperopt-0.3.0-cloudpickle by 0.3.0 without and numpy 2.
"""

import datetime
import pickle
import sys
from pathlib import Path

import numpy as np
from hyperopt import STATUS_FAIL, STATUS_OK, Trials, fmin, hp, rand

SPACE = {"x": hp.uniform("x", -1, 1), "c": hp.choice("c", [0, hp.randint("k", 5)])}


def objective(config):
    if config["x"] > 0.5:
        return {"status": STATUS_FAIL, "why": "too large"}
    return {
        "status": STATUS_OK,
        "loss": config["x"] ** 2 + config["c"],
        "when": datetime.datetime(2020, 1, 2, 3, 4, 5),
        "array": np.arange(3.0),
        "more": {"scalar": np.float32(1.5), "set": {1, 2}},
        "attachments": {"blob": b"123"},
    }


def main(name, protocol):
    trials = Trials()
    fmin(objective, SPACE, rand.suggest, 8, trials=trials, rstate=np.random.default_rng(1), show_progressbar=False)
    if protocol == "cloudpickle":
        import cloudpickle

        data = cloudpickle.dumps(trials)
    else:
        data = pickle.dumps(trials, protocol=int(protocol))
    Path(__file__).with_name(f"{name}.pickle").write_bytes(data)


if __name__ == "__main__":
    main(*sys.argv[1:])
