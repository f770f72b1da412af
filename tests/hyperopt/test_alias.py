"""`parzen.install_as_hyperopt()`: programs that import Hyperopt get parzen, here and in their children.

Each test runs in a fresh interpreter, because the alias stays for the life of a process.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable

import pytest

Run = Callable[..., subprocess.CompletedProcess[str]]
INSTALL = "import parzen, sys\nparzen.install_as_hyperopt()\n"


def _passes(run_python: Run, program: str) -> str:
    done = run_python("-c", program)

    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_kind_of_import_gives_parzens_own_modules(run_python: Run) -> None:
    """Packages, modules and names, loaded before the alias or after, are the same objects by both names."""
    _passes(
        run_python,
        "import parzen.hyperopt.pyll.stochastic\n"  # some are there before
        + INSTALL
        + "import hyperopt, hyperopt.pyll.base, hyperopt.early_stop as early_stop, hyperopt.hp\n"
        "from hyperopt.exceptions import AllTrialsFailed\n"
        "from hyperopt.pyll.stochastic import sample\n"
        "assert hyperopt is parzen.hyperopt\n"
        "assert hyperopt.pyll.base is parzen.pyll.base is sys.modules['parzen.hyperopt.pyll.base']\n"
        "assert early_stop is parzen.early_stop\n"
        "assert hyperopt.hp is parzen.hp is sys.modules['hyperopt.hp']\n"
        "assert AllTrialsFailed is parzen.exceptions.AllTrialsFailed is parzen.errors.AllTrialsFailed\n"
        "assert sample is parzen.pyll.stochastic.sample\n"
        "assert hyperopt.base.Trials is parzen.Trials\n"
        "assert hyperopt.pyll.Apply is hyperopt.pyll.base.Apply\n",
    )


def test_fmin_is_a_function_and_a_module(run_python: Run) -> None:
    """As an attribute the function, in `sys.modules` the module, whichever way it is imported."""
    _passes(
        run_python,
        INSTALL + "import types\n"
        "from hyperopt.fmin import space_eval\n"
        "import hyperopt.fmin\n"
        "from hyperopt import fmin\n"
        "import parzen.hyperopt.fmin, importlib\n"
        "assert isinstance(fmin, types.FunctionType)\n"
        "assert hyperopt.fmin is fmin is parzen.fmin is parzen.hyperopt.fmin\n"
        "module = importlib.import_module('hyperopt.fmin')\n"
        "assert isinstance(module, types.ModuleType)\n"
        "assert module is importlib.import_module('parzen.hyperopt.fmin')\n"
        "assert module.space_eval is space_eval\n",
    )


def test_modules_keep_what_importlib_wrote_into_them(run_python: Run) -> None:
    """`__spec__`, `__name__` and `__package__` remain those of parzen, so that pickles and reloads find their way."""
    _passes(
        run_python,
        INSTALL + "import hyperopt.early_stop, hyperopt.pyll.stochastic, hyperopt.hp, pickle\n"
        "for name, module in list(sys.modules.items()):\n"
        "    if name.startswith('hyperopt'):\n"
        "        assert module.__name__.startswith('parzen.'), name\n"
        "        assert module.__spec__.name == module.__name__, (name, module.__spec__)\n"
        "assert b'parzen' in pickle.dumps(hyperopt.Trials())\n",
    )


def test_it_may_be_installed_often_and_from_many_threads(run_python: Run) -> None:
    """There is one finder, and one entry in each path."""
    _passes(
        run_python,
        "import parzen, os, sys, threading\n"
        "start = threading.Barrier(8)\n"
        "def install():\n"
        "    start.wait()\n"
        "    parzen.install_as_hyperopt()\n"
        "    import hyperopt.pyll.base\n"
        "    assert hyperopt.pyll.base is parzen.pyll.base\n"
        "threads = [threading.Thread(target=install) for _ in range(8)]\n"
        "[thread.start() for thread in threads], [thread.join() for thread in threads]\n"
        "parzen.install_as_hyperopt()\n"
        "folders = [path for path in sys.path if path.endswith('_as_hyperopt')]\n"
        "assert len(folders) == 1\n"
        "assert os.environ['PYTHONPATH'].split(os.pathsep).count(folders[0]) == 1\n"
        "assert len([f for f in sys.meta_path if type(f).__module__.startswith('parzen')]) == 1\n",
    )


def test_another_hyperopt_is_not_shoved_aside(run_python: Run) -> None:
    """If something called hyperopt is loaded, nothing is changed and the error says what to do."""
    said = _passes(
        run_python,
        "import os, sys, types, parzen\n"
        "sys.modules['hyperopt'] = types.ModuleType('hyperopt')\n"
        "before = list(sys.meta_path), list(sys.path), dict(os.environ)\n"
        "try:\n"
        "    parzen.install_as_hyperopt()\n"
        "except ImportError as error:\n"
        "    assert isinstance(error, parzen.ParzenError)\n"
        "    print(error)\n"
        "assert before == (list(sys.meta_path), list(sys.path), dict(os.environ))\n",
    )

    assert "before anything imports hyperopt" in said
    assert "parzen.install_as_hyperopt()" in said


def test_what_does_not_exist_is_not_found(run_python: Run) -> None:
    """A wrong name is an ordinary ModuleNotFoundError or ImportError, and other packages are left alone."""
    _passes(
        run_python,
        INSTALL + "import importlib.util\n"
        "assert importlib.util.find_spec('hyperopt.no_such_module') is None\n"
        "assert importlib.util.find_spec('hyperopt.pyll').name\n"
        "try:\n    import hyperopt.no_such_module\n"
        "except ModuleNotFoundError as error:\n    assert error.name == 'hyperopt.no_such_module'\n"
        "try:\n    from hyperopt import no_such_name\n"
        "except ImportError:\n    pass\n"
        "assert importlib.util.find_spec('hyperoptimal') is None\n",
    )


def test_it_says_which_hyperopt_it_is(run_python: Run) -> None:
    """`hyperopt.__version__` and the metadata agree."""
    _passes(
        run_python,
        INSTALL + "import hyperopt, importlib.metadata\n"
        "assert hyperopt.__version__ == importlib.metadata.version('hyperopt') == '0.3.0'\n",
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver", "fork"])
def test_processes_of_multiprocessing_find_it(run_python: Run, tmp_path, method: str) -> None:
    """Whichever way they start; what they send back is of the parent's classes."""
    program = tmp_path / "program.py"
    program.write_text(
        "import multiprocessing, sys\n"
        "def work():\n"
        "    import hyperopt.tpe\n"
        "    from hyperopt.fmin import space_eval\n"
        "    assert space_eval.__module__ == 'parzen.hyperopt.fmin'\n"
        "    return hyperopt.Trials(exp_key='child')\n"
        "if __name__ == '__main__':\n"
        "    import parzen\n"
        "    parzen.install_as_hyperopt()\n"
        f"    with multiprocessing.get_context({method!r}).Pool(1) as pool:\n"
        "        trials = pool.apply(work)\n"
        "    assert type(trials) is parzen.Trials\n"
        "    assert trials._exp_key == 'child'\n",
        encoding="utf-8",
    )
    done = run_python(program, options=())

    assert done.returncode == 0, done.stderr


def test_programs_that_are_started_find_it(run_python: Run) -> None:
    """A fresh interpreter, with nothing but the environment."""
    _passes(
        run_python,
        INSTALL + "import subprocess\n"
        "child = 'import hyperopt.pyll.base, hyperopt, parzen, sys;'\\\n"
        "    'assert hyperopt is parzen.hyperopt is sys.modules[\"hyperopt\"];'\\\n"
        "    'assert hyperopt.pyll.base is parzen.pyll.base; print(hyperopt.fmin.__module__)'\n"
        "out = subprocess.run([sys.executable, '-c', child], check=True, capture_output=True, text=True).stdout\n"
        "assert out.strip() == 'parzen.hyperopt.fmin', out\n",
    )


def test_a_child_finds_parzen_where_its_parent_did(run_python: Run) -> None:
    """Also if the parent had it on a `sys.path` of its own making."""
    _passes(
        run_python,
        INSTALL + "import os, subprocess\n"
        "shim = next(path for path in sys.path if path.endswith('_as_hyperopt'))\n"
        "import numpy\n"
        "site = os.path.dirname(os.path.dirname(numpy.__file__))\n"
        "child = f'import sys; sys.path[1:1] = [{shim!r}]; sys.path.append({site!r})\\nimport hyperopt; print(hyperopt.__name__)'\n"
        "out = subprocess.run([sys.executable, '-S', '-E', '-c', child], check=True, capture_output=True, text=True).stdout\n"
        "assert out.strip() == 'parzen.hyperopt', out\n",
    )
