"""The first program: find the lowest point of a function of two numbers."""

import parzen
from parzen import hp


def objective(config):
    return (config["x"] - 2) ** 2 + config["penalty"]


space = {"x": hp.float("x", -10, 10), "penalty": hp.categorical("penalty", [0, 1, 5])}
result = parzen.minimize(objective, space, trials=50)
print(result.best.config, result.best.loss)
