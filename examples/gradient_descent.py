"""A program written for Hyperopt, of which only the import was changed.

Ten steps of gradient descent on x² from a random start: which learning rate, and which range of starts, is best?
"""

import random

import parzen as hyperopt


def objective(hyperparams):
    learning_rate, max_init_x = hyperparams
    x = random.uniform(-max_init_x, max_init_x)
    for _ in range(10):
        gradient = 2 * x
        x = x - learning_rate * gradient
    l = x**2
    return {"loss": l, "status": hyperopt.STATUS_OK}


best = hyperopt.fmin(
    objective,
    space=[
        hyperopt.hp.choice("learning_rate", [1.0, 0.1, 0.01]),
        hyperopt.hp.choice("max_init_x", [10.0, 1.0]),
    ],
    algo=hyperopt.tpe.suggest,
    max_evals=10,
)
print(best)
