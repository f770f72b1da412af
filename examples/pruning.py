"""How fast does a linear model learn to read digits, if bad trainings are ended early?

The objective reports after each epoch and asks whether to go on.  `pruner="asha"` lets the best third go on at the epochs
1, 3, 9 and 27.  Needs scikit-learn.
"""

import sys

import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import train_test_split

import parzen
from parzen import hp

SPACE = {
    "alpha": hp.float("alpha", 1e-7, 1e-1, log=True),
    "eta0": hp.float("eta0", 1e-6, 1.0, log=True),
    "power_t": hp.float("power_t", 0.05, 0.9),
    "penalty": hp.categorical("penalty", ["l2", "l1"]),
    "average": hp.bool("average"),
}
EPOCHS = 30
X, Y = load_digits(return_X_y=True)
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(X / 16.0, Y, train_size=800, random_state=0, stratify=Y)


def error(config, evaluation):
    """Share of digits that are read wrong after the last epoch, from 0 to 1."""
    model = SGDClassifier(learning_rate="invscaling", random_state=0, **config)
    order, wrong = np.random.default_rng(0), 1.0
    for epoch in range(1, EPOCHS + 1):
        rows = order.permutation(len(X_TRAIN))
        model.partial_fit(X_TRAIN[rows], Y_TRAIN[rows], classes=range(10))
        wrong = 1.0 - model.score(X_TEST, Y_TEST)
        evaluation.report(epoch, wrong)
        if evaluation.should_stop():
            break
    return wrong


if __name__ == "__main__":
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    result = parzen.minimize(error, SPACE, trials=trials, seed=1, pruner="asha")
    epochs = sum(len(trial.reports) for trial in result.trials)
    print(
        f"{epochs} epochs instead of {trials * EPOCHS}; read wrong: {result.best.loss:.2%}, with {result.best.config}"
    )
