"""The same program in the way that many are written: the objective keeps its own tally and prints as it goes."""

import random

import parzen as hyperopt

eval_num = 0
best_loss = None
best_hyperparams = None


def objective(hyperparams):
    global eval_num
    global best_loss
    global best_hyperparams

    eval_num += 1
    (learning_rate, max_init_x) = hyperparams
    x = random.uniform(-max_init_x, max_init_x)
    for _ in range(10):
        gradient = 2 * x
        x = x - learning_rate * gradient
    l = x**2

    print(eval_num, l, hyperparams)

    if best_loss is None or l < best_loss:
        best_loss = l
        best_hyperparams = hyperparams
    return {"loss": l, "status": hyperopt.STATUS_OK}


hyperopt.fmin(
    objective,
    space=[
        hyperopt.hp.choice("learning_rate", [1.0, 0.1, 0.01]),
        hyperopt.hp.choice("max_init_x", [10.0, 1.0]),
    ],
    algo=hyperopt.tpe.suggest,
    max_evals=10,
)
print(best_loss, best_hyperparams)
