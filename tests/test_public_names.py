"""The names that parzen promises: a name that comes or goes is a change somebody should have meant."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import get_origin

import pytest

import parzen
from parzen.log import Storage

PROMISED = {
    "parzen": (
        "Ctrl Domain Evaluation FMinIter History JOB_STATES JOB_STATE_DONE JOB_STATE_ERROR JOB_STATE_NEW "
        "JOB_STATE_RUNNING ParzenError Result STATUS_FAIL STATUS_NEW STATUS_OK STATUS_RUNNING STATUS_STRINGS "
        "STATUS_SUSPENDED Space SpaceError SparkTrials State StopStudy StorageError Study Trial TrialPruned Trials "
        "algobase algorithms analysis anneal atpe base criteria early_stop errors exceptions fmin fmin_pass_expr_memo_ctrl "
        "graph_viz hp install_as_hyperopt load_trials minimize mix partial plotting plots progress pruners pyll pyll_utils rand "
        "rdists space_eval spark std_out_err_redirect_tqdm stopping tpe trials_from_docs utils vectorize"
    ),
    "parzen.algorithms": (
        "AdaptiveTPE Algorithm Anneal Ask Auto CMAES Evolution GP Grid Mix Pick Proposal QMC Random TPE algorithm_named algorithm_noted is_own note_of proposal_of "
        "repeats row_key seen unseen_point"
    ),
    "parzen.analysis": (
        "Dependence Finding Importance Importances Interaction Noise RandomSearch Range Region Source Why doctor fanova "
        "history_of noise_of partial_dependence ped_anova random_search region scored why"
    ),
    "parzen.cli": "main",
    "parzen.errors": (
        "AlgorithmError AllTrialsFailed AlreadyFinished AlreadyImported BadDistribution BadLabel Conflict CorruptLog DuplicateLabel "
        "ExecutorError InvalidLoss InvalidResult MissingDependency NotPicklable ObjectiveError ObjectiveMemory ObjectiveTimeout OutOfSpace ParzenError SchemaTooNew SpaceError "
        "SpaceExhausted SpaceMismatch StopStudy StorageError StudyError StudyExists StudyNotFound TooLarge TrialPruned "
        "Unavailable UnknownLabel UnsupportedSpace"
    ),
    "parzen.feedback": (
        "Bar BarPanel Best Chance Feedback Lines Live Notebook Overview Progress Reporter RunInfo Silent Summary Watch "
        "WatchPanel chance_of_help feedback_for in_notebook overview_of"
    ),
    "parzen.hp": (
        "around bool call categorical choice float int lognormal loguniform normal option ordinal pchoice qlognormal "
        "qloguniform qnormal quniform randint uniform uniformint"
    ),
    "parzen.hyperopt": (
        "Ctrl Domain FMinIter JOB_STATES JOB_STATE_DONE JOB_STATE_ERROR JOB_STATE_NEW JOB_STATE_RUNNING STATUS_FAIL "
        "STATUS_NEW STATUS_OK STATUS_RUNNING STATUS_STRINGS STATUS_SUSPENDED SparkTrials Trials algobase anneal "
        "atpe base criteria early_stop exceptions fmin fmin_pass_expr_memo_ctrl graph_viz hp load_trials mix "
        "partial plotting progress pyll pyll_utils rand rdists space_eval spark std_out_err_redirect_tqdm tpe "
        "trials_from_docs utils vectorize"
    ),
    "parzen.integrations": "MLflowTracker OptunaSampler TensorBoardTracker Tracker WandbTracker",
    "parzen.log": "Beat CHECKPOINTS Claim DRAWS OBJECTIVE PROPOSAL Storage Stream Subscriber generator trial_seed",
    "parzen.plots": (
        "Axis Band Bars Cells Chart Colours Line Mark NAMES Panel Paths Plot Plots Points Rule SCALE Spans THEMES Words"
    ),
    "parzen.dashboard": "Dashboard serve",
    "parzen.programs": "Program read_space",
    "parzen.pruners": "ASHA Hyperband Median Patient Pruner Threshold pruner_named",
    "parzen.report": "report_html write_report",
    "parzen.run": (
        "ALGORITHM BY_HAND EXHAUSTED Evaluation Fleet Interrupts Keeper LEASE LossReached NoProgress Objective Plan Presence Seen StopRule Timeout "
        "TrialsDone any_of attachment_key attachments_keeper checked_count checked_seconds drive fleet_of loss_of outcome_of "
        "present recomputed release_abandoned run runs_here start_trials step_of wants_evaluation "
        "worst_of"
    ),
    "parzen.space": (
        "Apply Around Categorical Distribution Grid Literal LogNormal LogUniform Normal Opaque Ordinal Points Quantized Sampled Space "
        "Uniform as_apply build label_of ndtr ndtr_of ndtri scope"
    ),
    "parzen.stopping": "LossReached NoProgress StopRule Timeout TrialsDone",
    "parzen.storages": "MemoryStorage open_storage",
    "parzen.study": "Replay Result Study TrialView minimize",
    "parzen.testing": "FakeClock check_algorithm check_executor check_pruner check_storage",
    "parzen.trials": (
        "BY_HAND EARLIER EVENT_KINDS FINISHED LOST MEMO_LIMIT Asked Entry Event Finished Header History Note Noted Outcome "
        "Released Report Reported Requested Retracted Started State Trial TrialError Unknown Wishes checksum event_from_json "
        "event_to_json exactly header_from_json header_to_json is_by_hand note_event pack storable unpack"
    ),
}
# Attributes of the front doors that are not part of `import *`.
BY_NAME_ONLY = {"ipy", "mongoexp", "sklearn"}
INIT = Path(parzen.__file__)


@pytest.mark.parametrize("module", PROMISED)
def test_a_folder_has_the_names_that_it_promises(module: str) -> None:
    """`__all__` is the list above, no more and no less."""
    assert sorted(importlib.import_module(module).__all__) == sorted(PROMISED[module].split())


@pytest.mark.parametrize("module", PROMISED)
def test_every_promised_name_is_there(module: str) -> None:
    """Every name resolves, `dir` lists it, and a wrong one is an AttributeError."""
    loaded = importlib.import_module(module)
    for name in loaded.__all__:
        getattr(loaded, name)

    assert set(loaded.__all__) <= set(dir(loaded))
    assert not hasattr(loaded, "no_such_name")


def test_every_public_folder_is_listed_here() -> None:
    """A new public module has to be promised on purpose."""
    found = {f"parzen.{info.name}" for info in pkgutil.iter_modules(parzen.__path__) if not info.name.startswith("_")}

    assert found == set(PROMISED) - {"parzen"}


def test_a_star_import_gives_what_is_promised() -> None:
    """`from parzen import *` brings all of it."""
    namespace: dict[str, object] = {}
    exec("from parzen import *", namespace)  # a star is only allowed at the top of a module

    assert set(PROMISED["parzen"].split()) <= set(namespace)


def _names_for_type_checkers() -> set[str]:
    tree = ast.parse(INIT.read_text(encoding="utf-8"))
    (block,) = (
        node
        for node in tree.body
        if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )
    return {
        alias.asname or alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names
    }


def test_the_front_door_says_the_same_three_times() -> None:
    """What type checkers see, what the loader knows and what `__all__` lists are one list."""
    promised = set(PROMISED["parzen"].split())

    assert _names_for_type_checkers() == promised | BY_NAME_ONLY
    assert set(parzen._HOMES) == promised | BY_NAME_ONLY
    assert set(parzen.__all__) == promised


def test_the_doors_names_stay_the_doors_own_after_everything_was_imported(
    run_python: Callable[..., subprocess.CompletedProcess[str]],
) -> None:
    """`parzen.fmin` is the function, whatever modules of that name have been imported since."""
    done = run_python(
        "-c",
        "import importlib, pkgutil, types, parzen\n"
        "def load(package):\n"
        "    for info in pkgutil.walk_packages(package.__path__, package.__name__ + '.'):\n"
        "        if not info.name.endswith('.__main__'):  # that one runs\n"
        "            importlib.import_module(info.name)\n"
        "load(parzen)\n"
        "import parzen.hyperopt.fmin\n"
        "for name in sorted(parzen.hyperopt._HOMES) + ['fmin']:\n"
        "    value = getattr(parzen.hyperopt, name)\n"
        "    assert getattr(parzen, name) is value, name\n"
        "    home = parzen.hyperopt._HOMES.get(name, '')\n"
        "    assert isinstance(value, types.ModuleType) == home.endswith(':'), name\n"
        "assert isinstance(parzen.fmin, types.FunctionType), parzen.fmin\n"
        "assert isinstance(parzen.space_eval, types.FunctionType)\n"
        "assert isinstance(parzen.Trials, type)\n"
        "assert parzen.minimize is parzen.study.minimize\n",
    )

    assert done.returncode == 0, done.stderr


def _documented() -> list[tuple[str, str]]:
    cases = []
    for module, names in PROMISED.items():
        loaded = importlib.import_module(module)
        for name in names.split():
            try:
                thing = getattr(loaded, name)
            except (ImportError, AttributeError):  # another test says so, and names it
                continue
            if get_origin(thing) is not None:  # an alias of a type, a class to Python 3.10, has no docstring
                continue
            if inspect.ismodule(thing) or inspect.isfunction(thing) or inspect.isclass(thing):
                cases.append((module, name))
    return cases


@pytest.mark.parametrize(("module", "name"), _documented())
def test_every_promised_function_class_and_module_says_what_it_is(module: str, name: str) -> None:
    """Each has a docstring, and so do its public methods and properties."""
    thing = getattr(importlib.import_module(module), name)

    assert inspect.getdoc(thing)
    if inspect.isclass(thing) and thing.__module__.startswith("parzen"):
        for key, member in vars(thing).items():
            if not key.startswith("_") and (inspect.isfunction(member) or isinstance(member, property)):
                # What a protocol says of a method need not be said again.
                said = inspect.getdoc(getattr(thing, key)) or inspect.getdoc(getattr(Storage, key, None))

                assert said, f"{name}.{key}"
