"""`import hyperopt` in tasks of Ray."""

import os

import ray

import parzen


def look():
    """Where `hyperopt` leads, and a loss computed with it."""
    import hyperopt
    from hyperopt.fmin import space_eval
    from hyperopt.pyll import stochastic

    space = {"x": hyperopt.hp.uniform("x", 0, 1)}
    trials = hyperopt.Trials()
    best = hyperopt.fmin(
        lambda c: c["x"], space, algo=hyperopt.tpe.suggest, max_evals=5, trials=trials, rstate=1, verbose=False
    )
    assert 0 <= stochastic.sample(space)["x"] <= 1
    assert space_eval(space, best)["x"] == best["x"]
    return hyperopt.__name__, trials


OPTIONS = {"num_cpus": 1, "include_dashboard": False, "configure_logging": False, "log_to_driver": False}

# A cluster that ran before anybody thought of parzen.
ray.init(**OPTIONS)
parzen.install_as_hyperopt()
hook = {"worker_process_setup_hook": "parzen.install_as_hyperopt"}
name, _ = ray.get(ray.remote(look).options(runtime_env={"env_vars": {"PYTHONPATH": os.environ["PYTHONPATH"]}}).remote())
assert name == "parzen.hyperopt"
ray.shutdown()
ray.init(**OPTIONS, runtime_env=hook)
assert ray.get(ray.remote(look).remote())[0] == "parzen.hyperopt"
ray.shutdown()

# One that is started afterwards inherits the environment.
ray.init(**OPTIONS)
name, trials = ray.get(ray.remote(look).remote())
assert name == "parzen.hyperopt"
assert type(trials) is parzen.Trials
assert len(trials) == 5
ray.shutdown()
