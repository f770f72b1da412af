"""Ray Tune's `HyperOptSearch`: given points, a nested space, save and restore, and Ray's own words for a space."""

import pathlib
import sys

import parzen

parzen.install_as_hyperopt()

import ray
from hyperopt import hp
from ray import tune
from ray.tune.search.hyperopt import HyperOptSearch

FOLDER = pathlib.Path(sys.argv[1])
SPACE = {
    "x": hp.uniform("x", -3, 3),
    "model": hp.choice(
        "kind",
        [
            {"name": "net", "layers": hp.randint("layers", 1, 4), "rate": hp.loguniform("rate", -5, 0)},
            {"name": "tree", "layers": 1},
        ],
    ),
}
POINTS = [{"x": 1.0, "kind": 1}, {"x": 0.5, "kind": 0, "layers": 2, "rate": 0.01}]


def objective(config):
    """Lowest at x = 1; looks at where `hyperopt` leads in a worker."""
    import hyperopt.pyll.base

    assert hyperopt.__name__ == "parzen.hyperopt"
    assert isinstance(config["model"]["layers"], int)
    tune.report({"loss": (config["x"] - 1) ** 2 + config["model"].get("rate", 0.5)})


def run(name, searcher, trainable, **tuner):
    """The results of a run in which nothing went wrong."""
    grid = tune.Tuner(
        trainable,
        tune_config=tune.TuneConfig(search_alg=searcher, num_samples=8, max_concurrent_trials=2),
        run_config=tune.RunConfig(name=name, storage_path=str(FOLDER), verbose=0),
        **tuner,
    ).fit()
    assert not grid.errors, grid.errors
    assert len(grid) == 8
    return grid


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, configure_logging=False)
searcher = HyperOptSearch(
    SPACE, metric="loss", mode="min", points_to_evaluate=POINTS, n_initial_points=4, random_state_seed=1
)
grid = run("nested", searcher, objective)
configs = [result.config for result in grid]
assert configs[0]["x"] == 1.0, configs[0]
assert configs[0]["model"] == {"name": "tree", "layers": 1}, configs[0]
assert configs[1]["model"]["layers"] == 2, configs[1]
assert len(searcher._hpopt_trials.trials) == 8
assert isinstance(searcher._hpopt_trials, parzen.Trials)

# The searcher by itself.
searcher.save(str(FOLDER / "searcher.pkl"))
again = HyperOptSearch(SPACE, metric="loss", mode="min")
again.restore(str(FOLDER / "searcher.pkl"))
assert len(again._hpopt_trials.trials) == 8
assert again.suggest("next") == searcher.suggest("next")

# The whole experiment.
restored = tune.Tuner.restore(str(FOLDER / "nested"), trainable=objective)
assert len(restored.get_results()) == 8
assert len(restored.fit()) == 8

words = {
    "a": tune.quniform(0, 10, 2),
    "b": {"c": tune.randint(2, 9), "d": tune.choice(["u", {"e": tune.uniform(0, 1)}])},
    "f": tune.loguniform(1e-3, 1),
    "g": tune.qrandint(1, 10, 3),
    "h": tune.randn(0, 1),
    "i": tune.lograndint(1, 100),
}
flat = HyperOptSearch(metric="loss", mode="min", n_initial_points=3)
for result in run("words", flat, lambda config: {"loss": config["a"] + config["b"]["c"]}, param_space=words):
    assert result.config["a"] % 2 == 0
    assert 2 <= result.config["b"]["c"] < 9
    assert 1e-3 <= result.config["f"] <= 1
ray.shutdown()
