"""The tree of errors: each also is the builtin that it promises, and carries its facts."""

from __future__ import annotations

import pickle

import pytest

from parzen import errors

PARENTS = {
    "SpaceError": ("ParzenError", ValueError),
    "DuplicateLabel": ("SpaceError", ValueError),
    "BadLabel": ("SpaceError", TypeError),
    "BadDistribution": ("SpaceError", ValueError),
    "UnknownLabel": ("SpaceError", ValueError),
    "OutOfSpace": ("SpaceError", ValueError),
    "ObjectiveError": ("ParzenError", Exception),
    "InvalidResult": ("ObjectiveError", ValueError),
    "InvalidLoss": ("ObjectiveError", ValueError),
    "ObjectiveTimeout": ("ObjectiveError", TimeoutError),
    "ObjectiveMemory": ("ObjectiveError", MemoryError),
    "AlgorithmError": ("ParzenError", Exception),
    "SpaceExhausted": ("AlgorithmError", Exception),
    "UnsupportedSpace": ("AlgorithmError", ValueError),
    "StudyError": ("ParzenError", Exception),
    "StudyNotFound": ("StudyError", LookupError),
    "StudyExists": ("StudyError", Exception),
    "SpaceMismatch": ("StudyError", ValueError),
    "AllTrialsFailed": ("StudyError", Exception),
    "AlreadyFinished": ("StudyError", ValueError),
    "StorageError": ("ParzenError", Exception),
    "Conflict": ("StorageError", Exception),
    "Unavailable": ("StorageError", OSError),
    "CorruptLog": ("StorageError", ValueError),
    "SchemaTooNew": ("StorageError", Exception),
    "TooLarge": ("StorageError", ValueError),
    "ExecutorError": ("ParzenError", Exception),
    "NotPicklable": ("ExecutorError", TypeError),
    "MissingDependency": ("ParzenError", ImportError),
    "AlreadyImported": ("ParzenError", ImportError),
}
SIGNALS = {"TrialPruned", "StopStudy"}


def test_the_tree_is_complete():
    """Every public class is in the table above."""
    assert set(errors.__all__) == {*PARENTS, *SIGNALS, "ParzenError"}


@pytest.mark.parametrize("name", PARENTS)
def test_an_error_is_its_parent_and_its_builtin(name):
    """So that `except ValueError` and `except parzen.ParzenError` both catch it."""
    parent, builtin = PARENTS[name]
    cls = getattr(errors, name)

    assert cls.__mro__[1] is getattr(errors, parent)
    assert issubclass(cls, builtin)
    assert issubclass(cls, errors.ParzenError)
    assert cls.__doc__


@pytest.mark.parametrize("name", PARENTS)
def test_an_error_keeps_its_text_and_its_facts(name):
    """Also on the way to another process and back."""
    error = getattr(errors, name)("what came and what to do", label="x", number=3)
    again = pickle.loads(pickle.dumps(error))

    for one in (error, again):
        assert type(one) is type(error)
        assert str(one) == "what came and what to do"
        assert (one.label, one.number) == ("x", 3)


@pytest.mark.parametrize("name", sorted(SIGNALS))
def test_a_signal_is_no_error_of_ours(name):
    """`except ParzenError` around an objective must not swallow it."""
    assert not issubclass(getattr(errors, name), errors.ParzenError)


def test_facts_that_were_not_given_have_a_default():
    """Reading them never fails."""
    assert errors.SpaceError("x").label is None
    assert errors.SpaceMismatch("x").differences == ()
    assert (errors.ObjectiveError("x").number, errors.ObjectiveError("x").params) == (None, None)
