"""`scope`: the symbols that a graph may name.

`scope.int(node)` makes a node, `@scope.define` adds a symbol; what the symbols compute is in `_symbols`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from parzen.space._draws import DRAWS
from parzen.space._graph import Apply, as_apply
from parzen.space._symbols import FUNCTIONS

__all__ = ["PyllImportError", "Scope", "SymbolTableEntry", "scope"]

F = TypeVar("F", bound=Callable[..., Any])


class PyllImportError(ImportError):
    """`scope.inject` or `scope.import_` was asked for a symbol that nobody has defined."""


@dataclass(frozen=True)
class SymbolTableEntry:
    """A symbol: calling it makes a node.

    Attributes:
        apply_name: the symbol.
        o_len: how many items its results have, where that is known.
        pure: whether equal arguments always give equal results.
    """

    apply_name: str
    o_len: int | None = None
    pure: bool = False

    def __call__(self, *args: object, **kwargs: object) -> Apply:
        named = [(key, as_apply(value)) for key, value in kwargs.items()]
        return Apply(self.apply_name, [as_apply(arg) for arg in args], named, self.o_len, self.pure)


@dataclass(frozen=True)
class PartialSymbolTableEntry(SymbolTableEntry):
    """A symbol with all its arguments but the last."""

    args: tuple[Any, ...] = ()
    kwargs: tuple[tuple[str, Any], ...] = ()

    def __call__(self, *args: object, **kwargs: object) -> Apply:
        if len(args) != 1 or kwargs:
            raise NotImplementedError(
                f"a partial {self.apply_name!r} takes one argument, got {len(args) + len(kwargs)}"
            )
        return super().__call__(*self.args, *args, **dict(self.kwargs))


class Scope:
    """The symbols that a graph may name."""

    def __init__(self) -> None:
        self._impls = FUNCTIONS  # under the name by which programs know it
        self._entries = {name: SymbolTableEntry(name, _LENGTHS.get(name), name not in _IMPURE) for name in FUNCTIONS}
        self.stochastic = set(DRAWS)
        """Symbols that draw; under `hyperopt_param` they are columns, elsewhere they are drawn anew for each trial."""

    def function(self, name: str) -> Callable[..., Any] | None:
        """What a symbol computes; None where it is unknown."""
        return FUNCTIONS.get(name)

    # --- symbols of the user's ---

    def define(self, f: F, o_len: int | None = None, pure: bool = False, *, name: str | None = None) -> F:
        """Make a function a symbol of the same name; use as a decorator.

        Args:
            f: the function; the same one, of the same place, may be defined again.
            o_len: how many items it returns, if always as many.
            pure: whether equal arguments always give equal results.
            name: of the symbol; None for the function's.

        Raises:
            ValueError: the name is taken by another function.
        """
        key = name or f.__name__
        if (key in FUNCTIONS and not _same(FUNCTIONS[key], f)) or hasattr(Scope, key):
            raise ValueError(
                f"scope has a symbol {key!r} already; give the function another name, or undefine it first"
            )
        FUNCTIONS[key] = f
        self._entries[key] = SymbolTableEntry(key, o_len, pure)
        return f

    def define_if_new(self, f: F, o_len: int | None = None, pure: bool = False) -> F:
        """`define`, unless the name is taken."""
        return f if f.__name__ in FUNCTIONS else self.define(f, o_len, pure)

    def define_pure(self, f: F) -> F:
        """`define` a function whose equal arguments always give equal results."""
        return self.define(f, pure=True)

    def define_info(self, o_len: int | None = None, pure: bool = False) -> Callable[[F], F]:
        """`define` as a decorator that says how many items the function returns, or whether it is pure."""
        return lambda f: self.define(f, o_len, pure)

    def undefine(self, f: Callable[..., Any] | str) -> None:
        """Take a symbol back."""
        name = f if isinstance(f, str) else f.__name__
        del FUNCTIONS[name]
        self._entries.pop(name, None)
        self.stochastic.discard(name)

    def inject(self, *args: str, **kwargs: str) -> dict[str, Any]:
        """Symbols by name: `inject("int", choose="one_of")` is `{"int": scope.int, "choose": scope.one_of}`.

        Raises:
            PyllImportError: one of them is unknown.
        """
        wanted = {**{name: name for name in args}, **kwargs}
        for symbol in wanted.values():
            if not hasattr(self, symbol):
                raise PyllImportError(f"scope has no symbol {symbol!r}; add it with @scope.define")
        return {name: getattr(self, symbol) for name, symbol in wanted.items()}

    def import_(self, _globals: dict[str, Any], *args: str, **kwargs: str) -> None:
        """Put what `inject` gives into a module's globals."""
        _globals.update(self.inject(*args, **kwargs))

    # --- words that make several nodes ---

    def one_of(self, *args: object) -> Apply:
        """One of the arguments, drawn without a label."""
        return self.switch(self.randint(len(args)), *args)

    def choice(self, args: Iterable[object]) -> Apply:
        """One of these, drawn without a label."""
        return self.one_of(*args)

    def kwswitch(self, kw: object, **kwargs: object) -> Apply:
        """The option of the name that `kw` comes to; only that one is evaluated."""
        names = tuple(sorted(kwargs))
        return self.switch(self.call_method_pure(names, "index", kw), *(kwargs[name] for name in names))

    def __getattr__(self, name: str) -> Callable[..., Apply]:
        if name.startswith("__") or name not in FUNCTIONS:
            raise AttributeError(f"scope has no symbol {name!r}; add it with @scope.define")
        return self._entries.get(name) or SymbolTableEntry(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *FUNCTIONS]


def _same(a: Callable[..., Any], b: Callable[..., Any]) -> bool:
    return a is b or (
        getattr(a, "__qualname__", None) is not None
        and (a.__module__, a.__qualname__) == (b.__module__, getattr(b, "__qualname__", None))
    )


def _partial(name: Any, *args: Any, **kwargs: Any) -> SymbolTableEntry:
    symbol = name.apply_name if isinstance(name, SymbolTableEntry) else name
    return PartialSymbolTableEntry(symbol, args=args, kwargs=tuple(kwargs.items()))


_IMPURE = {*DRAWS, "call", "call_method", "callpipe1", "curtime", "map", "partial", "pdb_settrace", "rng_from_seed"}
_LENGTHS = {"curtime": 2}
FUNCTIONS["partial"] = _partial

scope = Scope()
