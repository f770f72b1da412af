"""Which model, and which of its settings, tells three kinds of wine apart best?

A conditional space: each model has parameters of its own, and only those of the model that was drawn are searched.
The study is kept in wine.db.  Stop the program whenever you like; run again, it goes on where it was.
"""

import sys

from sklearn.datasets import load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import StratifiedKFold, cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import parzen
from parzen import hp

SPACE = hp.choice(
    "model",
    [
        {
            "kind": "svm",
            "C": hp.float("C", 1e-2, 1e3, log=True),
            "gamma": hp.float("gamma", 1e-4, 1e1, log=True),
            "scale": hp.bool("scale"),
        },
        {
            "kind": "forest",
            "n_estimators": hp.int("n_estimators", 5, 60, log=True),
            "max_depth": hp.int("max_depth", 1, 12),
            "max_features": hp.float("max_features", 0.1, 1.0),
        },
        {
            "kind": "knn",
            "n_neighbors": hp.int("n_neighbors", 1, 40),
            "weights": hp.categorical("weights", ["uniform", "distance"]),
            "p": hp.float("p", 1.0, 3.0),
        },
    ],
)
X, Y = load_wine(return_X_y=True)
FOLDS = StratifiedKFold(5, shuffle=True, random_state=0)


def model(config):
    """The scikit-learn model that a configuration describes."""
    settings = {name: value for name, value in config.items() if name != "kind"}
    if config["kind"] == "svm":
        scale = settings.pop("scale")
        return make_pipeline(StandardScaler() if scale else None, SVC(**settings))
    if config["kind"] == "forest":
        return RandomForestClassifier(**settings, random_state=0)
    return make_pipeline(StandardScaler(), KNeighborsClassifier(**settings))


def error(config):
    """Share of wines that five-fold cross-validation gets wrong, from 0 to 1."""
    return 1.0 - cross_val_score(model(config), X, Y, cv=FOLDS).mean()


if __name__ == "__main__":
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    result = parzen.minimize(error, SPACE, trials=trials, seed=1, storage="wine.db")
    print(f"wrong in cross-validation: {result.best.loss:.2%}, with {result.best.config}")
