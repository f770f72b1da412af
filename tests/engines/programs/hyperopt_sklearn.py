"""`HyperoptEstimator` of hyperopt-sklearn."""

import numpy as np

import parzen

parzen.install_as_hyperopt()

import hyperopt
from hpsklearn import HyperoptEstimator, any_preprocessing, decision_tree_classifier, k_neighbors_classifier
from hyperopt import tpe
from sklearn.datasets import load_iris
from sklearn.model_selection import train_test_split

x, y = load_iris(return_X_y=True)
train, test, train_y, test_y = train_test_split(x, y, test_size=0.3, random_state=1)

estimator = HyperoptEstimator(
    classifier=hyperopt.hp.choice("model", [k_neighbors_classifier("knn"), decision_tree_classifier("tree")]),
    preprocessing=any_preprocessing("pre"),
    algo=tpe.suggest,
    max_evals=6,
    trial_timeout=60,
    seed=np.random.default_rng(3),
)
estimator.fit(train, train_y)

assert isinstance(estimator.trials, parzen.Trials)
assert len(estimator.trials.trials) == 6
assert estimator.score(test, test_y) > 0.8
assert "learner" in estimator.best_model()

# One component alone, random search and a refit.
single = HyperoptEstimator(
    classifier=k_neighbors_classifier("k"), preprocessing=[], algo=hyperopt.rand.suggest, max_evals=3
)
single.fit(train, train_y)
assert single.score(test, test_y) > 0.8
