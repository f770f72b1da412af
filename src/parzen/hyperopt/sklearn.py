"""Hyperopt's search as an estimator of scikit-learn.

`HyperoptSearchCV` is to `GridSearchCV` what `fmin` is to a loop over a grid: the candidates are proposed one at a time, by
an algorithm that has seen the scores of the earlier ones.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import numpy as np

from parzen.errors import AllTrialsFailed, MissingDependency
from parzen.hyperopt.base import STATUS_FAIL, STATUS_OK, Trials
from parzen.hyperopt.fmin import fmin

try:
    from sklearn.model_selection._search import BaseSearchCV
except ImportError as missing:
    raise MissingDependency(
        "HyperoptSearchCV needs scikit-learn, which is not installed: pip install parzen[sklearn]", module="sklearn"
    ) from missing

__all__ = ["HyperoptSearchCV"]

_ALL_FAILED = "All the "
"""How scikit-learn begins its error when no fit of a batch worked: here a batch is one candidate, which may fail."""


class HyperoptSearchCV(BaseSearchCV):  # type: ignore[misc]  # scikit-learn has no types
    """Search the parameters of an estimator with cross-validation.

        search = HyperoptSearchCV(Ridge(), {"alpha": hp.loguniform("alpha", -5, 5)}, max_evals=50, random_state=1)
        search.fit(X, y).best_params_

    Arguments that are not listed mean what they mean in `GridSearchCV`; so do `cv_results_`, `best_params_`,
    `best_estimator_` and all the rest.

    Args:
        estimator: what to fit.
        space: a search space whose configurations are dicts from parameter of the estimator to value.
        max_evals: total number of candidates in `trials_`.
        trials: documents that a warm start begins with; None for none.
        algo: a suggest function; None is parzen's choice.
        warm_start: a further `fit` goes on with `trials_` of the one before; give it a larger `max_evals`. `cv_results_`
            and what follows from it are of the candidates of the last `fit`.
        scoring: as in `GridSearchCV`; with several metrics `refit` names the one that is optimised.
        verbose: 0 is quiet; else scikit-learn tells what it fits, and the search how it goes.
        show_progressbar: as in `fmin`; None is as `verbose` says.
        random_state: an integer or `numpy.random.Generator`; None for something else each time.
        error_score: a candidate none of whose fits worked is a failed trial, and the search goes on, unless it is "raise".

    Attributes:
        trials_: the documents.
    """

    _required_parameters = ("estimator", "space", "max_evals")

    def __init__(
        self,
        estimator: Any,
        space: Any,
        max_evals: int,
        trials: Trials | None = None,
        algo: Any = None,
        warm_start: bool = False,
        scoring: Any = None,
        n_jobs: int | None = None,
        refit: Any = True,
        cv: Any = None,
        verbose: int = 0,
        pre_dispatch: int | str = "2*n_jobs",
        random_state: Any = None,
        error_score: Any = np.nan,
        return_train_score: bool = False,
        *,
        show_progressbar: Any = None,
    ) -> None:
        super().__init__(
            estimator=estimator,
            scoring=scoring,
            n_jobs=n_jobs,
            refit=refit,
            cv=cv,
            verbose=verbose,
            pre_dispatch=pre_dispatch,
            error_score=error_score,
            return_train_score=return_train_score,
        )
        self.space = space
        self.max_evals = max_evals
        self.trials = trials
        self.algo = algo
        self.warm_start = warm_start
        self.random_state = random_state
        self.show_progressbar = show_progressbar

    def fit(self, X: Any, y: Any = None, groups: Any = None, **fit_params: Any) -> HyperoptSearchCV:  # noqa: N803  # scikit-learn's
        """Search, and fit the best on all the data if `refit` says so.

        Args:
            X: `(n, d)` what to learn from; whatever the estimator takes.
            y: `(n,)` or `(n, m)` what to learn; None where there is nothing.
            groups: `(n,)` of the samples, for splitters that look at them.
            fit_params: for the estimator's `fit`.

        Raises:
            ValueError: no candidate could be fitted, or `max_evals` leaves none to try.
        """
        if groups is not None:
            fit_params["groups"] = groups
        super().fit(X, y, **fit_params)
        return self

    def __sklearn_tags__(self) -> Any:  # scikit-learn's record; before 1.6 there was none
        from sklearn.utils import get_tags

        tags = super().__sklearn_tags__()
        # What the estimator takes and BaseSearchCV forgets to say.
        tags.target_tags.multi_output = get_tags(self.estimator).target_tags.multi_output
        return tags

    def _run_search(self, evaluate_candidates: Any) -> None:
        """Let `fmin` propose; scikit-learn calls this, and collects what `evaluate_candidates` was asked."""
        metric = f"mean_test_{self.refit if isinstance(self.refit, str) else 'score'}"
        failure: ValueError | None = None
        scored = 0

        def objective(params: Any) -> dict[str, Any]:
            nonlocal failure, scored
            if not isinstance(params, dict):
                raise ValueError(
                    f"the space of HyperoptSearchCV gives dicts from parameter to value, got {params!r:.80}"
                )
            try:
                results = evaluate_candidates([params])
            except ValueError as error:
                if self.error_score == "raise" or not str(error).lstrip().startswith(_ALL_FAILED):
                    raise
                failure = error
                return {"status": STATUS_FAIL, "params": params, "error": str(error)[:2000]}
            scored += 1
            if metric not in results:
                raise ValueError(
                    f"with several metrics refit names the one to optimise, got {self.refit!r:.80}; there are "
                    + ", ".join(sorted(key[10:] for key in results if key.startswith("mean_test_")))
                )
            score = float(results[metric][-1])
            status = STATUS_FAIL if math.isnan(score) else STATUS_OK
            return {"status": status, "loss": -score, "params": params}

        if not (self.warm_start and hasattr(self, "trials_")):
            self.trials_ = self.trials if self.warm_start and self.trials is not None else Trials()
        before = len(self.trials_)
        with contextlib.suppress(
            AllTrialsFailed
        ):  # not one score is a number: what is raised below, or by refit, says why
            fmin(
                objective,
                self.space,
                algo=self.algo,
                max_evals=self.max_evals,
                trials=self.trials_,
                rstate=self.random_state,
                verbose=bool(self.verbose),
                show_progressbar=self.verbose if self.show_progressbar is None else self.show_progressbar,
            )
        if not scored:
            raise failure or ValueError(
                f"max_evals={self.max_evals!r} leaves no candidate to try: it is the total, and earlier fits have "
                f"evaluated {before}; raise it, with set_params(max_evals=...)"
            )
