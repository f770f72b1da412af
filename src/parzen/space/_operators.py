"""Python's operators on nodes: each makes a node.

Comparing for equality is not among them: nodes compare by identity, so that they can be keys and be looked for in lists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from parzen.space._graph import Apply

__all__ = ["Operators"]


class Operators:
    """The operators of a class whose `_node(symbol, *arguments)` makes a node."""

    @staticmethod
    def _node(name: str, *args: object) -> Apply:
        raise NotImplementedError

    def __add__(self, other: object) -> Apply:
        return self._node("add", self, other)

    def __radd__(self, other: object) -> Apply:
        return self._node("add", other, self)

    def __sub__(self, other: object) -> Apply:
        return self._node("sub", self, other)

    def __rsub__(self, other: object) -> Apply:
        return self._node("sub", other, self)

    def __mul__(self, other: object) -> Apply:
        return self._node("mul", self, other)

    def __rmul__(self, other: object) -> Apply:
        return self._node("mul", other, self)

    def __truediv__(self, other: object) -> Apply:
        return self._node("truediv", self, other)

    def __rtruediv__(self, other: object) -> Apply:
        return self._node("truediv", other, self)

    def __floordiv__(self, other: object) -> Apply:
        return self._node("floordiv", self, other)

    def __rfloordiv__(self, other: object) -> Apply:
        return self._node("floordiv", other, self)

    def __mod__(self, other: object) -> Apply:
        return self._node("mod", self, other)

    def __rmod__(self, other: object) -> Apply:
        return self._node("mod", other, self)

    def __pow__(self, other: object) -> Apply:
        return self._node("pow", self, other)

    def __rpow__(self, other: object) -> Apply:
        return self._node("pow", other, self)

    def __neg__(self) -> Apply:
        return self._node("neg", self)

    def __abs__(self) -> Apply:
        return self._node("abs", self)

    def __lt__(self, other: object) -> Apply:
        return self._node("lt", self, other)

    def __le__(self, other: object) -> Apply:
        return self._node("le", self, other)

    def __gt__(self, other: object) -> Apply:
        return self._node("gt", self, other)

    def __ge__(self, other: object) -> Apply:
        return self._node("ge", self, other)
