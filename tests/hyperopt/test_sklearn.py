"""HyperoptSearchCV as scikit-learn sees it."""

from __future__ import annotations

import subprocess
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parzen.hyperopt import STATUS_FAIL, Trials, hp, rand, tpe

pytest.importorskip("sklearn")

from sklearn.base import clone
from sklearn.linear_model import Ridge, RidgeClassifier
from sklearn.utils import estimator_checks

from parzen.hyperopt.sklearn import HyperoptSearchCV

SPACE = {"alpha": hp.uniform("alpha", 0, 1)}
DRAWN = np.random.default_rng(0).normal(size=(40, 3))
X, Y = DRAWN, DRAWN @ np.array([1.0, 2.0, 3.0])


def _search(**settings: Any) -> HyperoptSearchCV:
    return HyperoptSearchCV(Ridge(), SPACE, **{"max_evals": 6, "random_state": 1, "algo": rand.suggest, **settings})


@pytest.mark.slow
@pytest.mark.parametrize("estimator", [Ridge(), RidgeClassifier()])
def test_it_is_an_estimator_in_every_way_that_scikit_learn_checks(estimator: Any) -> None:
    """All of `check_estimator`."""
    search = HyperoptSearchCV(estimator, SPACE, max_evals=3, random_state=42)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn warns of what it skips and of data that it made ill on purpose
        estimator_checks.check_estimator(search)


def test_its_results_are_those_of_a_search() -> None:
    """One row for each candidate, in order of the trials; the best one is refitted."""
    search = _search(return_train_score=True).fit(X, Y)

    results = search.cv_results_
    assert [params["alpha"] for params in results["params"]] == search.trials_.vals["alpha"]
    assert results["mean_test_score"].tolist() == [-loss for loss in search.trials_.losses()]
    assert "mean_train_score" in results
    assert search.best_params_ == search.trials_.argmin
    assert search.predict(X).shape == (40,)


def test_the_same_seed_proposes_the_same_and_a_clone_does_too() -> None:
    """An integer or a Generator."""
    search = _search(algo=tpe.suggest)
    first, second = search.fit(X, Y).trials_.vals, clone(search).fit(X, Y).trials_.vals

    assert first == second
    assert _search(random_state=np.random.default_rng(1)).fit(X, Y).best_score_ <= 1


def test_a_warm_start_goes_on_with_the_documents() -> None:
    """`max_evals` is the total; too low a one says so instead of breaking."""
    search = _search(warm_start=True).fit(X, Y)
    with pytest.raises(ValueError, match=r"leaves no candidate.*evaluated 6"):
        search.fit(X, Y)
    search.set_params(max_evals=8).fit(X, Y)

    assert len(search.trials_) == 8
    assert len(search.cv_results_["params"]) == 2
    given = Trials()
    assert _search(warm_start=True, trials=given).fit(X, Y).trials_ is given
    assert _search(trials=given).fit(X, Y).trials_ is not given


def test_a_candidate_that_cannot_be_fitted_does_not_end_the_search() -> None:
    """It is a failed trial; only when none works, or on demand, is it an error."""
    space = {"alpha": hp.choice("alpha", [1.0, -1.0])}
    search = HyperoptSearchCV(Ridge(), space, 8, algo=rand.suggest, random_state=0).fit(X, Y)

    assert STATUS_FAIL in search.trials_.statuses()
    assert search.best_params_ == {"alpha": 1.0}
    with pytest.raises(ValueError, match="alpha"):
        search.set_params(error_score="raise").fit(X, Y)
    with pytest.raises(ValueError, match="All the 5 fits failed"):
        HyperoptSearchCV(Ridge(), {"alpha": hp.uniform("alpha", -2, -1)}, 2, random_state=0).fit(X, Y)


def test_with_several_metrics_refit_names_the_one_that_counts() -> None:
    """Both are in the results."""
    several = _search(scoring=["r2", "neg_mean_squared_error"], refit="neg_mean_squared_error").fit(X, Y)

    assert several.trials_.losses() == [-x for x in several.cv_results_["mean_test_neg_mean_squared_error"]]
    assert "mean_test_r2" in several.cv_results_


def test_a_space_that_gives_no_dict_is_named() -> None:
    """Parameters have names."""
    with pytest.raises(ValueError, match="dicts from parameter"):
        HyperoptSearchCV(Ridge(), hp.uniform("alpha", 0, 1), 2).fit(X, Y)


def test_without_scikit_learn_the_error_names_the_extra(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """It is an ImportError, as programs expect."""
    done = run_python(
        "-c",
        "import sys\nsys.modules['sklearn'] = None\n"
        "try:\n    import parzen.hyperopt.sklearn\nexcept ImportError as error:\n    print(error)",
    )

    assert "pip install parzen[sklearn]" in done.stdout
