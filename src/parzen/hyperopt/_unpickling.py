"""A reader of pickles that makes what trial documents are made of, and nothing else.

A pickle may name any callable to be called, and give any state to any object that is reachable while it is read.  So the
file gets stand-ins for everything that it can name: what they make is checked, and none of them takes a state that
would change it for the rest of the program.  numpy's own `dtype` and `ndarray` stay out of reach, because their states
can say where in memory an object is.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import io
import math
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = ["Saved", "read_inert", "read_saved"]

_TRIALS = {("parzen.hyperopt.base", "Trials"), ("hyperopt.base", "Trials")}
_OTHER_NAMES = {"__builtin__": "builtins", "copy_reg": "copyreg"}
"""Python 2's names, which protocols 0 to 2 write."""


class Saved:
    """What stands for a `Trials` while a file is read: it takes the state, and does nothing with it."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        self.state = state


class _SON(dict[Any, Any]):
    """pymongo's dict that keeps an order, as a dict."""

    def __setstate__(self, state: Any) -> None:
        """The order is kept anyway."""


class _Name:
    """What stands for something that a file names: `make` is called instead of it."""

    __slots__ = ("make", "real")

    def __init__(self, real: Any, make: Callable[..., Any] | None = None) -> None:
        self.real = real
        self.make = make

    def __call__(self, *args: Any) -> Any:
        if self.make is None:
            raise pickle.UnpicklingError(f"it calls {self.real!r}, which pickles of trial documents do not")
        return self.make(*args)

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError(f"it changes {self.real!r}, which pickles do not")


# --- numpy ------------------------------------------------------------------------------------------------------

_UNITS = frozenset(["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "fs", "as"])


class _DType:
    """What stands for a `numpy.dtype`: kind, size and byte order, from which numpy makes its own."""

    def __init__(self, text: str, align: Any = False, copy: Any = False) -> None:
        if not (isinstance(text, str) and re.fullmatch(r"[biufcSUmM][0-9]{0,9}|O8?", text, re.ASCII)):
            raise pickle.UnpicklingError(f"it holds an array of dtype {text!r:.40}, which trial documents do not")
        self.text, self.order = text, "="

    def __setstate__(self, state: Any) -> None:
        order, subdtype, names, fields = state[1:5]
        if order not in ("<", ">", "|", "=") or (subdtype, names, fields) != (None, None, None):
            raise pickle.UnpicklingError("it holds an array with fields, which trial documents do not")
        self.order = order
        if len(state) > 8 and self.text[0] in "mM":  # the unit of times
            unit, count, *_ = state[8][1]
            unit = unit.decode("ascii") if isinstance(unit, bytes) else unit
            if unit in _UNITS and type(count) is int and 0 < count < 2**31:
                self.text = f"{self.text[0]}8[{count}{unit}]"
            elif unit != "generic":
                raise pickle.UnpicklingError(f"it holds times in {unit!r:.40}")

    def real(self) -> np.dtype[Any]:
        made = np.dtype(self.text)
        native = "<" if sys.byteorder == "little" else ">"
        return made if self.order in ("|", "=", native) else made.newbyteorder("S")

    def values(self, raw: Any) -> np.ndarray[Any, Any]:
        """The values in these bytes, in one row."""
        dtype = self.real()
        if dtype.hasobject or not isinstance(raw, (bytes, bytearray)):
            raise pickle.UnpicklingError("it holds an array of objects that are no list, which could be anywhere")
        if not raw:
            return np.empty(0, dtype)
        if dtype.kind == "b":
            return np.array(np.frombuffer(raw, np.uint8), bool)
        if dtype.kind == "U" and (np.frombuffer(raw, np.dtype("u4").newbyteorder(dtype.byteorder)) > 0x10FFFF).any():
            raise pickle.UnpicklingError("it holds text of characters that do not exist")
        return np.array(np.frombuffer(raw, dtype))


class _Array:
    """What stands for an array from `_reconstruct` until all is read."""

    state: Any = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, fortran, content = state
        if not isinstance(dtype, _DType):
            raise pickle.UnpicklingError("it holds an array without dtype")
        if dtype.text[0] == "O" and not (type(content) is list and len(content) == math.prod(_shape(shape))):
            raise pickle.UnpicklingError("it holds an array of objects that are no list, which could be anywhere")
        if dtype.text[0] != "O":
            content = _frombuffer(content, dtype, shape, "F" if fortran else "C")
        self.state = shape, content


def _shape(shape: Any) -> tuple[int, ...]:
    if type(shape) is tuple and all(type(length) is int and length >= 0 for length in shape):
        return shape
    raise pickle.UnpicklingError(f"it holds an array of shape {shape!r:.80}")


def _frombuffer(raw: Any, dtype: Any, shape: Any, order: Any, axes: Any = None) -> Any:
    flat: Any = dtype.values(raw)
    if order == "K" and axes is not None:
        return flat.reshape(_shape(shape)).transpose(axes)
    return flat.reshape(_shape(shape), order=order)


def _scalar(dtype: Any, raw: Any = b"") -> Any:
    if not raw and dtype.text[0] in "SU":
        return dtype.real().type()
    (value,) = dtype.values(raw)
    return value


# --- Python -----------------------------------------------------------------------------------------------------


def _encode(text: str, encoding: str) -> bytes:
    """`codecs.encode`, by which protocol 2 writes bytes: as text with that encoding."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it holds text in {encoding!r}, which pickles are not made of")
    return text.encode("latin1")


def _reconstructor(cls: Any, base: Any, state: Any) -> Any:
    """Protocols 0 and 1 make objects by it."""
    if cls is Saved:
        return Saved()
    if cls is _SON:
        return _SON(_listed(dict)(state))
    raise pickle.UnpicklingError("it makes an object that trial documents do not hold")


def _listed(cls: Any) -> Callable[..., Any]:
    """A collection from a list or dict only: of a range it could take all of the memory."""

    def make(items: Any = ()) -> Any:
        if not isinstance(items, (list, tuple, dict)):
            raise pickle.UnpicklingError(f"it makes a {cls.__name__} of a {type(items).__name__}")
        return cls(items)

    return make


def _bytearray(content: bytes | str = b"", encoding: str = "latin-1") -> bytearray:
    if isinstance(content, str) and encoding == "latin-1":
        content = content.encode(encoding)
    if not isinstance(content, bytes):
        raise pickle.UnpicklingError(f"it makes a bytearray of a {type(content).__name__}")
    return bytearray(content)


def _defaultdict(factory: Any = None) -> Any:
    return collections.defaultdict(factory.real if isinstance(factory, _Name) else None)


def _datetime(*args: Any) -> datetime.datetime:
    made = datetime.datetime(*args)  # noqa: DTZ001  # as it was
    return made.replace()  # which looks at the fields: raw bytes go past that


def _fraction(numerator: Any, denominator: Any = 1) -> fractions.Fraction:
    if isinstance(numerator, str):
        if not re.fullmatch(r"-?[0-9]+(/[0-9]+)?", numerator):  # an exponent could ask for a number without end
            raise pickle.UnpicklingError(f"it holds a fraction {numerator!r:.40}")
        return fractions.Fraction(numerator)
    return fractions.Fraction(int(_of(int, numerator)), int(_of(int, denominator)))


def _of(cls: type, value: Any) -> Any:
    if type(value) is not cls:
        raise pickle.UnpicklingError(f"it holds a {type(value).__name__} where a {cls.__name__} belongs")
    return value


def _names() -> dict[tuple[str, str], _Name]:
    """Module and name -> what stands for it."""
    names = {
        ("datetime", "datetime"): _Name(datetime.datetime, _datetime),
        ("datetime", "timedelta"): _Name(datetime.timedelta, datetime.timedelta),
        ("datetime", "timezone"): _Name(datetime.timezone, datetime.timezone),
        ("collections", "OrderedDict"): _Name(collections.OrderedDict, _listed(collections.OrderedDict)),
        ("collections", "defaultdict"): _Name(collections.defaultdict, _defaultdict),
        ("decimal", "Decimal"): _Name(decimal.Decimal, lambda text: decimal.Decimal(_of(str, text))),
        ("fractions", "Fraction"): _Name(fractions.Fraction, _fraction),
        ("copyreg", "_reconstructor"): _Name("copyreg._reconstructor", _reconstructor),
        ("_codecs", "encode"): _Name("codecs.encode", _encode),
        ("numpy", "dtype"): _Name(np.dtype, _DType),
        ("numpy", "ndarray"): _Name(np.ndarray),
        ("builtins", "complex"): _Name(complex, lambda real, imag: complex(_of(float, real), _of(float, imag))),
        ("builtins", "slice"): _Name(slice, slice),
        ("builtins", "range"): _Name(range, range),
        ("builtins", "xrange"): _Name(range, range),  # protocols 0 to 2 call these three as Python 2 did
        ("builtins", "long"): _Name(int),
        ("builtins", "unicode"): _Name(str),
        ("builtins", "bytearray"): _Name(bytearray, _bytearray),
        ("builtins", "bytes"): _Name(bytes, lambda: b""),
        **{("builtins", cls.__name__): _Name(cls, _listed(cls)) for cls in (set, frozenset)},
        **{("builtins", cls.__name__): _Name(cls) for cls in (object, list, dict, tuple, int, float, str, bool)},
    }
    for core in ("numpy.core", "numpy._core"):  # of numpy 1 and 2
        names[f"{core}.multiarray", "_reconstruct"] = _Name("numpy's _reconstruct", lambda *args: _Array())
        names[f"{core}.multiarray", "scalar"] = _Name("numpy's scalar", _scalar)
        names[f"{core}.numeric", "_frombuffer"] = _Name("numpy's _frombuffer", _frombuffer)
    return names


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._names = _names()

    def find_class(self, module: str, name: str) -> Any:
        module = _OTHER_NAMES.get(module, module)
        if (module, name) in _TRIALS:
            return Saved
        if (module, name) == ("bson.son", "SON"):
            return _SON
        if (module, name) in self._names:
            return self._names[module, name]
        raise pickle.UnpicklingError(f"it holds {module}.{name}, which trial documents are not made of")


def read_saved(data: bytes) -> Any:
    """What a pickle holds; a `Saved` where it is a `Trials`.

    Raises:
        Exception: of any kind; it is damaged, or holds what is not made.
    """
    read = _real(_Reader(io.BytesIO(data)).load(), {})
    if isinstance(read, Saved):
        read.state = _real(read.state, {})
    return read


def _real(value: Any, known: dict[int, tuple[Any, Any]]) -> Any:
    """The same without stand-ins; what is shared stays shared.

    Args:
        known: id -> the value itself, which must live as long as its id is looked at, and what it became.
    """
    kind = type(value)
    if kind is _Name:
        return value.real
    if kind is _DType:
        return value.real()
    if kind not in (dict, list, tuple, set, frozenset, collections.OrderedDict, collections.defaultdict, _SON, _Array):
        return value
    if id(value) in known:
        return known[id(value)][1]
    made: Any = value
    if kind is _Array:
        shape, content = value.state
        made = content
        if type(content) is list:
            flat = np.empty(len(content), object)
            made = flat.reshape(shape)
            known[id(value)] = value, made
            for i, item in enumerate(content):
                flat[i] = _real(item, known)
    elif kind is list:
        known[id(value)] = value, value
        value[:] = [_real(item, known) for item in value]
    elif kind in (tuple, set, frozenset):
        made = kind(_real(item, known) for item in value)
    else:
        made = {} if kind is _SON else value
        known[id(value)] = value, made
        for key, item in list(value.items()):
            made[key] = _real(item, known)
    known[id(value)] = value, made
    return made


# --- what only running foreign code could bring back ------------------------------------------------------------


class _Inert:
    """What stands for anything at all: it takes everything, and does nothing."""

    state: Any = None

    def __new__(cls, *_: Any, **__: Any) -> _Inert:
        return object.__new__(_Inert)

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __call__(self, *_: Any, **__: Any) -> _Inert:
        return _Inert()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def append(self, value: Any) -> None:
        """Nothing."""

    def extend(self, values: Any) -> None:
        """Nothing."""

    def add(self, value: Any) -> None:
        """Nothing."""


class _InertReader(pickle._Unpickler):
    """Python's own one in Python, for which a class may be any object."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file)
        self._names = _names()

    def find_class(self, module: str, name: str) -> Any:
        module = _OTHER_NAMES.get(module, module)
        return _SON if (module, name) == ("bson.son", "SON") else self._names.get((module, name)) or _Inert()


def read_inert(data: bytes) -> Any:
    """The state of a `Trials` of any class in a pickle, with `_Inert` in the place of what is not made.

    Raises:
        Exception: of any kind; it is damaged.
    """
    return _InertReader(io.BytesIO(data)).load().state
