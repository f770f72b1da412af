"""Live trainings with scikit-learn on its bundled data, cross-validated, each well under 0.3 s on one thread.

Splits and models are seeded, so the loss is a function of the configuration.
"""

from __future__ import annotations

import functools
import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.spaces import Config, Params, category, integer, real
from benchmarks.quality.tasks._task import Skipped, Task

__all__ = ["load"]

_WORST = {"error": 1.0, "log loss": 10.0, "1 - R2": 2.0}
"""Where a loss is cut off: what a diverged model costs is no information about the others."""


@functools.cache
def _data(name: str, rows: int) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Standardised features `(rows, d)` and targets, the rows in a seeded random order."""
    from sklearn import datasets

    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))[:rows]
    x, y = np.asarray(x, dtype=np.float64)[order], np.asarray(y)[order]
    spread = x.std(axis=0)
    return (x - x.mean(axis=0)) / np.where(spread > 0, spread, 1.0), y


def _svm(config: Config) -> Any:
    from sklearn.svm import SVC

    return SVC(**config, max_iter=20_000)


def _forest(config: Config) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(**config, random_state=0)


def _boosting(config: Config) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(**config, early_stopping=False, random_state=0)


def _logistic(config: Config) -> Any:
    # By stochastic gradient: saga needs seconds for the same.
    from sklearn.linear_model import SGDClassifier

    return SGDClassifier(loss="log_loss", learning_rate="adaptive", max_iter=30, random_state=0, **config)


def _model(config: Config) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor
    from sklearn.linear_model import ElasticNet
    from sklearn.neighbors import KNeighborsRegressor
    from sklearn.svm import SVR

    makers = {"svr": SVR, "extra trees": ExtraTreesRegressor, "knn": KNeighborsRegressor, "elastic net": ElasticNet}
    settings = {name.split(":")[1]: value for name, value in config.items() if ":" in name}
    if config["model"] == "extra trees":
        settings["random_state"] = 0
    return makers[config["model"]](**settings)


@dataclass(frozen=True, slots=True)
class _Training:
    """Data, model and measure of one task."""

    data: str
    rows: int
    folds: int
    measure: str
    make: Callable[[Config], Any]
    params: Params


def _under(parent: str, *options: str) -> tuple[str, tuple[Any, ...]]:
    return parent, options


_TRAININGS: Mapping[str, _Training] = {
    "svm-digits": _Training(
        "digits",
        600,
        3,
        "error",
        _svm,
        (
            category("kernel", ("linear", "rbf", "poly", "sigmoid")),
            real("C", 1e-3, 1e3, log=True),
            real("gamma", 1e-5, 1e1, log=True, when=_under("kernel", "rbf", "poly", "sigmoid")),
            integer("degree", 2, 5, when=_under("kernel", "poly")),
            real("coef0", -1.0, 1.0, when=_under("kernel", "poly", "sigmoid")),
        ),
    ),
    "forest-diabetes": _Training(
        "diabetes",
        442,
        3,
        "1 - R2",
        _forest,
        (
            integer("n_estimators", 5, 50, log=True),
            integer("max_depth", 1, 20),
            real("max_features", 0.1, 1.0),
            integer("min_samples_leaf", 1, 50, log=True),
            integer("min_samples_split", 2, 50, log=True),
            category("bootstrap", (True, False)),
        ),
    ),
    "boosting-breast_cancer": _Training(
        "breast_cancer",
        569,
        3,
        "log loss",
        _boosting,
        (
            real("learning_rate", 1e-2, 1.0, log=True),
            integer("max_iter", 5, 60, log=True),
            integer("max_leaf_nodes", 2, 32, log=True),
            integer("min_samples_leaf", 1, 100, log=True),
            real("l2_regularization", 1e-6, 1e2, log=True),
            integer("max_bins", 8, 255, log=True),
        ),
    ),
    "logistic-digits": _Training(
        "digits",
        600,
        3,
        "log loss",
        _logistic,
        (
            category("penalty", ("l2", "l1", "elasticnet")),
            real("l1_ratio", 0.0, 1.0, when=_under("penalty", "elasticnet")),
            real("alpha", 1e-6, 1e1, log=True),
            real("eta0", 1e-4, 1e0, log=True),
            category("average", (True, False)),
            category("fit_intercept", (True, False)),
        ),
    ),
    "model-diabetes": _Training(
        "diabetes",
        442,
        5,
        "1 - R2",
        _model,
        (
            category("model", ("svr", "extra trees", "knn", "elastic net")),
            real("svr:C", 1e-2, 1e4, log=True, when=_under("model", "svr")),
            real("svr:gamma", 1e-5, 1e1, log=True, when=_under("model", "svr")),
            real("svr:epsilon", 1e-2, 1e2, log=True, when=_under("model", "svr")),
            integer("trees:n_estimators", 5, 50, log=True, when=_under("model", "extra trees")),
            integer("trees:max_depth", 1, 20, when=_under("model", "extra trees")),
            real("trees:max_features", 0.1, 1.0, when=_under("model", "extra trees")),
            integer("knn:n_neighbors", 1, 60, log=True, when=_under("model", "knn")),
            category("knn:weights", ("uniform", "distance"), when=_under("model", "knn")),
            integer("knn:p", 1, 3, when=_under("model", "knn")),
            real("net:alpha", 1e-4, 1e2, log=True, when=_under("model", "elastic net")),
            real("net:l1_ratio", 0.0, 1.0, when=_under("model", "elastic net")),
        ),
    ),
}


def _measure(kind: str, model: Any, x: NDArray[np.float64], y: NDArray[Any]) -> float:
    if kind == "error":
        return float(np.mean(model.predict(x) != y))
    if kind == "log loss":
        from sklearn.metrics import log_loss

        return float(log_loss(y, model.predict_proba(x), labels=model.classes_))
    return float(np.mean((model.predict(x) - y) ** 2) / np.var(y))


def _loss(training: _Training, config: Config) -> float:
    """Mean over the folds of a seeded split; a training that fails or diverges costs the worst."""
    from sklearn.model_selection import KFold, StratifiedKFold

    x, y = _data(training.data, training.rows)
    kind = KFold if training.measure == "1 - R2" else StratifiedKFold
    losses = []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")  # not converged, overflow: the loss tells
        for train, test in kind(training.folds, shuffle=True, random_state=0).split(x, y):
            model = training.make(dict(config))
            try:
                model.fit(x[train], y[train])
                loss = _measure(training.measure, model, x[test], y[test])
            except ValueError:  # weights overflowed
                loss = math.nan
            losses.append(loss)
    mean, worst = float(np.mean(losses)), _WORST[training.measure]
    return min(mean, worst) if math.isfinite(mean) else worst


@dataclass(frozen=True, slots=True)
class _Loss:
    name: str

    def __call__(self, configs: Sequence[Mapping[str, Any]]) -> NDArray[np.float64]:
        return np.array([_loss(_TRAININGS[self.name], dict(config)) for config in configs])


def load(suite: str, _data: Path) -> list[Task]:
    """The tasks of this suite; raises `Skipped` where scikit-learn is absent."""
    try:
        import sklearn  # noqa: F401 - asked for here, so that a missing one is a reason and not a traceback later
    except ImportError:
        raise Skipped("scikit-learn is not installed") from None
    return [Task(f"live/{name}", suite, training.params, _Loss(name)) for name, training in _TRAININGS.items()]
