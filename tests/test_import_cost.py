"""`import parzen` loads numpy and nothing else that is heavy; what a search does not use, it does not load.

Which modules are loaded is held here; how long that takes is measured by benchmarks/overhead.py.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable

import pytest

HEAVY = ("scipy", "sqlalchemy", "rich", "pandas", "IPython", "click", "cloudpickle", "sklearn", "matplotlib")
REPORT = f"import sys, json; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
PROGRAMS = {
    "the import": "import parzen",
    "the import as Hyperopt": "import parzen as hyperopt",
    "a search in memory": (
        "import parzen; from parzen import hp\n"
        "parzen.minimize(lambda c: c['x'] ** 2, {'x': hp.float('x', -1, 1), 'n': hp.int('n', 1, 9),"
        " 'k': hp.choice('k', [1, {'s': hp.normal('s', 0, 1)}])}, trials=40, seed=1, algorithm='tpe', progress=False)"
    ),
    "ask and tell": (
        "import parzen; from parzen import hp\n"
        "study = parzen.Study({'x': hp.float('x', -1, 1)}, seed=1, algorithm='tpe')\n"
        "for _ in range(30):\n    trial = study.ask()\n    study.tell(trial, trial.params['x'] ** 2)"
    ),
    "a quiet fmin": (
        "import parzen as hyperopt; hp = hyperopt.hp\n"
        "hyperopt.fmin(lambda x: x ** 2, hp.uniform('x', -1, 1), algo=hyperopt.tpe.suggest, max_evals=30,"
        " rstate=1, verbose=False)"
    ),
    "lines in a pipe": (
        "import parzen; from parzen import hp\n"
        "parzen.minimize(lambda x: x ** 2, hp.float('x', -1, 1), trials=5, seed=1, algorithm='random')"
    ),
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_only_what_is_used_is_loaded(run_python: Callable[..., subprocess.CompletedProcess[str]], program: str) -> None:
    """None of the heavy packages is imported by a program that does not need it."""
    done = run_python("-c", f"{PROGRAMS[program]}\n{REPORT}")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == []


def test_the_default_loads_scipy_a_piece_a_trial(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Nothing of it at the first trial, all of it when the model begins; scipy.stats, which is the slow part, never."""
    done = run_python(
        "-c",
        "import sys, parzen; from parzen import hp\n"
        "study = parzen.Study({'x': hp.float('x', -1, 1)}, seed=1)\n"
        "known, loaded = set(), []\n"
        "for _ in range(12):\n"
        "    trial = study.ask()\n"
        "    loaded.append(len(set(sys.modules) - known) if any(m.startswith('scipy') for m in sys.modules) else 0)\n"
        "    known = set(sys.modules)\n"
        "    study.tell(trial, trial.params['x'] ** 2)\n"
        "print([n > 20 for n in loaded], loaded[0], 'scipy.optimize' in sys.modules, 'scipy.stats' in sys.modules)",
    )
    pieces, rest = done.stdout.split("] ")

    assert pieces.startswith("[False, True, "), done.stderr
    assert "True" not in pieces.split(", ")[5:], done.stdout  # the process itself is small
    assert rest.split() == ["0", "True", "False"]


def test_the_import_leaves_the_process_alone(run_python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """Importing parzen installs no handler, starts no thread, draws from no global generator and sets no option."""
    done = run_python(
        "-c",
        "import logging, random, signal, threading, warnings, numpy as np\n"
        "def state():\n"
        "    return (threading.active_count(), [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)],\n"
        "            random.getstate(), np.random.get_state()[1].tolist(), np.geterr(), np.get_printoptions(),\n"
        "            list(logging.getLogger().handlers), list(warnings.filters))\n"
        "before = state()\n"
        "import parzen, parzen.hp, parzen.stopping, parzen.errors, parzen.algorithms, parzen.hyperopt\n"
        "assert state() == before",
    )

    assert done.returncode == 0, done.stderr
