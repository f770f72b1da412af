"""Documents as MongoDB's format BSON would have them.

Hyperopt holds documents to it wherever pymongo is installed, be it used or not: what is inserted becomes a copy of plain
Python numbers, text and lists.  Programs have learnt to live with either, so either is as there; and with
`base.have_bson = False`, which they set where their documents hold more.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

import numpy as np

from parzen.hyperopt.exceptions import InvalidTrial

__all__ = ["SONify", "assert_encodable", "installed"]


def installed() -> bool:
    """Whether pymongo is; there is another package `bson` as well, which is not meant."""
    return find_spec("pymongo") is not None and find_spec("bson") is not None


def _wanted() -> bool:
    # Programs set the flag on the module where Hyperopt has it; that module imports this one, so it is looked up.
    base = sys.modules.get("parzen.hyperopt.base")
    return bool(getattr(base, "have_bson", False))


def SONify(arg: Any, memo: Any = None) -> Any:  # noqa: N802  # Hyperopt's own spelling
    """A copy of what BSON can say: numpy's scalars become Python's, arrays lists; the object itself without pymongo.

    Args:
        arg: nested mappings, lists and tuples of numbers, text, bytes, times and None.
        memo: has no effect.

    Raises:
        TypeError: something in it is of another type.
    """
    return _plain(arg) if _wanted() else arg


_PLAIN = (str, bytes, float, int, type(None), datetime.datetime)


def _plain(arg: Any) -> Any:
    if isinstance(arg, np.generic):  # before the others: numpy's float64 is a float as well
        return _plain(arg.item()) if not isinstance(arg, np.void) else _refuse(arg)
    if isinstance(arg, _PLAIN):
        return arg
    if isinstance(arg, (list, tuple)):
        items = [_plain(item) for item in arg]
        return type(arg)(*items) if hasattr(arg, "_fields") else type(arg)(items)
    if isinstance(arg, Mapping):
        return {_plain(key): _plain(value) for key, value in arg.items()}
    if isinstance(arg, np.ndarray):
        return _plain(arg.tolist())
    if type(arg).__module__.split(".")[0] == "bson":  # ObjectId and its kin
        return arg
    return _refuse(arg)


def _refuse(arg: object) -> Any:
    raise TypeError(
        f"a trial document with {arg!r:.80} of type {type(arg).__name__} cannot be kept as BSON, which pymongo being "
        "installed asks for: put it into trial_attachments, or set hyperopt.base.have_bson = False"
    )


def assert_encodable(document: Mapping[str, Any]) -> None:
    """Nothing, where pymongo is not installed or not wanted.

    Raises:
        InvalidTrial: BSON cannot say it.
    """
    if not _wanted():
        return
    from bson import BSON  # type: ignore[import-not-found,unused-ignore]  # comes with pymongo, which may be absent

    try:
        try:
            BSON.encode(document)
        except Exception:  # numpy's numbers, in a document that a suggest function has made
            BSON.encode(_plain(document))
    except Exception as error:  # its own errors, and those of Python's encoder
        raise InvalidTrial(
            f"the trial document cannot be written as BSON ({error}); set hyperopt.base.have_bson = False to keep it",
            document,
        ) from error
