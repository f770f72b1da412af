"""The engines of other projects keep every promise of the kit, each on the real thing.

Run with `-m engines`; each is skipped with a reason where its package is not installed.
"""

from __future__ import annotations

import concurrent.futures
import itertools
import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from parzen import State, Study, hp, minimize
from parzen.errors import ExecutorError
from parzen.run.executors import Executor, executor_of
from parzen.testing._executors import EXECUTOR_CASES, _Subject
from parzen.trials import History

# Their warnings are theirs: sockets left open, deprecations of each other.
pytestmark = [pytest.mark.engines, pytest.mark.timeout(600), pytest.mark.filterwarnings("ignore")]


def _pool() -> Iterator[Callable[[], Any]]:
    yield lambda: concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("spawn"))


def _joblib() -> Iterator[Callable[[], Any]]:
    joblib = pytest.importorskip("joblib")
    yield lambda: joblib.Parallel(n_jobs=2)


def _loky() -> Iterator[Callable[[], Any]]:
    loky = pytest.importorskip("loky")
    yield lambda: loky.get_reusable_executor(2)
    loky.get_reusable_executor().shutdown(kill_workers=True)


def _dask() -> Iterator[Callable[[], Any]]:
    distributed = pytest.importorskip("distributed")
    with (
        distributed.LocalCluster(2, threads_per_worker=1, processes=True, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):

        def ready() -> Any:
            client.wait_for_workers(2, timeout=60)
            return client

        yield ready


def _ray() -> Iterator[Callable[[], Any]]:
    ray = pytest.importorskip("ray")
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    yield lambda: ray
    ray.shutdown()


def _spark() -> Iterator[Callable[[], Any]]:
    sql = pytest.importorskip("pyspark.sql")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    os.environ.update(PYSPARK_PYTHON=sys.executable, SPARK_LOCAL_IP="127.0.0.1")
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    session = builder.config("spark.ui.showConsoleProgress", "false").getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield lambda: session
    session.stop()


def _submitit() -> Iterator[Callable[[], Any]]:
    submitit = pytest.importorskip("submitit")
    with tempfile.TemporaryDirectory() as folder:
        yield lambda: executor_of(submitit.LocalExecutor(folder), 2)


ENGINES = {
    "a pool of processes": _pool,
    "joblib": _joblib,
    "loky": _loky,
    "dask": _dask,
    "ray": _ray,
    "spark": _spark,
    "submitit": _submitit,
}
POOLS = ("a pool of processes", "loky", "submitit")


@pytest.fixture(scope="module", params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Iterator[Callable[[], Any]]:
    """Gives what `executor=` takes."""
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        yield from ENGINES[request.param]()


@pytest.mark.parametrize("case", EXECUTOR_CASES)
def test_an_engine_keeps_its_promise(engine: Callable[[], Any], case: str) -> None:
    """Each promise of the protocol holds on each engine."""
    EXECUTOR_CASES[case](_Subject(engine, channel=True, mortal=True))


# Of the others, which are pools, whoever made one has said how many it runs.
@pytest.mark.parametrize("engine", [name for name in ENGINES if name not in POOLS], indirect=True)
def test_no_more_trials_run_at_once_than_a_user_says(engine: Callable[[], Any]) -> None:
    """Though the engine has room for two, and though trials are short, so that it would be given the next ones early."""
    given = engine()
    assert not isinstance(given, (concurrent.futures.Executor, Executor))

    def objective(config: Any) -> dict[str, Any]:
        begun = time.time()
        time.sleep(0.1)
        return {"loss": config["x"], "begun": begun, "ended": time.time()}

    result = minimize(
        objective, {"x": hp.float("x", 0, 1)}, 6, executor=given, parallel=1, algorithm="random", seed=1, progress=False
    )
    times = sorted((trial.extra["begun"], trial.extra["ended"]) for trial in result.trials)

    assert len(times) == 6
    assert all(ended <= begun for (_, ended), (begun, _) in itertools.pairwise(times))


@pytest.mark.parametrize("what", ["client", "cluster"])
def test_a_dask_cluster_that_is_closed_during_a_run_is_told(what: str) -> None:
    """The error says what to do, in a line; trials that were running wait for the next run."""
    distributed = pytest.importorskip("distributed")
    cluster = distributed.LocalCluster(1, threads_per_worker=1, processes=False, dashboard_address=None)
    client = distributed.Client(cluster)

    def close(history: History, elapsed: float) -> str | None:
        if len(history) == 3:
            {"client": client, "cluster": cluster}[what].close()
        return None

    study = Study({"x": hp.float("x", 0, 1)}, algorithm="random")
    try:
        with pytest.raises(ExecutorError, match=r"closed during the run.*Client\(") as caught:
            study.run(lambda config: config["x"], 50, executor=client, stop=close, progress=False)
    finally:
        client.close()
        cluster.close()

    assert "\n" not in str(caught.value)
    assert study.history.count(State.RUNNING) == 0


def test_mpi_keeps_every_promise(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """A driver and two workers, each a rank; `mpiexec` is the one beside this Python, or that of the path."""
    pytest.importorskip("mpi4py")
    beside = Path(sys.executable).with_name("mpiexec")
    mpiexec = str(beside) if beside.exists() else shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("there is no mpiexec: pip install mpich")
    program = Path(__file__).resolve().parent / "programs" / "mpi_kit.py"
    starter = "import os, sys; os.execv(sys.argv[1], sys.argv[1:])"
    ranks = (mpiexec, "-n", "3", sys.executable, "-m", "mpi4py.futures", program)
    done = run_python("-c", starter, *ranks, options=(), env={"FI_PROVIDER": "tcp"})

    assert done.returncode == 0, f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
    assert "kept every promise" in done.stdout
