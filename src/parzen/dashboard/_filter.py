"""Conditions on trials as people write them: `lr < 0.1 and opt == adam`, computed on whole columns.

    or       ::= and ("or" and)*
    and      ::= not ("and"? not)*
    not      ::= "not" not | "(" or ")" | comparison | word
    comparison ::= operand (op operand)+          op is < <= > >= == = !=
    operand  ::= label | `label with spaces` | number | "text" | word

A chain such as `0.001 < lr <= 0.1` means what it means in Python.  A word by itself is looked for in option names, states,
rules, workers and errors.  Nothing of it is ever evaluated as a program.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from parzen._typing import BoolArray, FloatArray
from parzen._wording import plain, quoted
from parzen.dashboard._answers import Problem, is_whole
from parzen.plots._axes import option_text
from parzen.trials import History, State

__all__ = ["FIELDS", "matching", "option_names"]

LONGEST, DEEPEST = 1000, 40

_TOKEN = re.compile(
    r"""\s*(?:(?P<op><=|>=|==|!=|<|>|=)|(?P<paren>[()])|`(?P<tick>[^`]*)`|"(?P<double>[^"]*)"|'(?P<single>[^']*)'"""
    r"""|(?P<word>[^\s<>=!()`"',]+)|(?P<comma>,))"""
)
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "=": operator.eq,
    "!=": operator.ne,
}

FIELDS: Mapping[str, Callable[[History], FloatArray]] = {
    "number": lambda history: np.arange(len(history), dtype=np.float64),
    "loss": lambda history: history.reported(1.0) * history.losses,
    "seconds": lambda history: history.seconds,
    "attempt": lambda history: history.attempts.astype(np.float64),
    "started": lambda history: history.started_at,
    "finished": lambda history: history.finished_at,
    "gain": lambda history: history.gains,
}
"""Numbers of every trial that conditions may name beside the parameters, which come first where names collide."""
_TEXTS = ("state", "rule", "worker", "error")


@dataclass(frozen=True, slots=True)
class _Token:
    kind: str  # "op", "paren", "quoted", "name" (in back-ticks), "word"
    text: str


@dataclass(frozen=True, slots=True)
class _Operand:
    """A side of a comparison: numbers, or an index into a few texts; a constant has a `word`.

    `called` is the column of the texts; `closed` says that no other text can ever come into it.
    """

    numbers: FloatArray | None = None
    codes: Any = None  # (n,) of places in `texts`; -1 for none
    texts: tuple[str, ...] = ()
    word: str | None = None
    number: float | None = None
    called: str = ""
    closed: bool = False


def matching(history: History, text: str) -> BoolArray:
    """`(n,)` which trials meet a condition; all of them where it is empty.

    Raises:
        Problem: it cannot be read; the sentence says where and what would do.
    """
    if not text.strip():
        return np.ones(len(history), dtype=bool)
    if len(text) > LONGEST:
        raise Problem(f"a condition has at most {LONGEST} characters, this one has {len(text)}")
    return _Reader(history, _tokens(text)).all()


def _tokens(text: str) -> list[_Token]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or match.end() == at:
            raise Problem(f"the condition cannot be read from {quoted(text[at:], 20)} on")
        at = match.end()
        kind = str(match.lastgroup)
        if kind == "comma":
            continue
        kind = {"double": "quoted", "single": "quoted", "tick": "name"}.get(kind, kind)
        found.append(_Token(kind, str(match[match.lastgroup or 0])))
    return found


_LONG = 400
"""Characters of an option, as many as the table has of it."""


def option_names(history: History, j: int) -> tuple[str, ...]:
    """What the options of column `j` are called."""
    distribution = history.space.distributions[j]
    size = distribution.size if distribution is not None else None
    return tuple(plain(option_text(history.space, j, float(code)), _LONG) for code in range(size or 0))


class _Reader:
    """A recursive descent over the tokens, in which every step gives a mask of all trials."""

    def __init__(self, history: History, tokens: list[_Token]) -> None:
        self.history, self.tokens, self.at, self.depth = history, tokens, 0, 0

    def all(self) -> BoolArray:
        mask = self.either()
        if self.at < len(self.tokens):
            raise Problem(f"the condition ends before {quoted(self.tokens[self.at].text, 20)}: join with and, or")
        return mask

    def peek(self) -> _Token | None:
        return self.tokens[self.at] if self.at < len(self.tokens) else None

    def takes(self, *words: str) -> bool:
        token = self.peek()
        if token is None or token.kind not in ("word", "paren") or token.text.lower() not in words:
            return False
        self.at += 1
        return True

    def either(self) -> BoolArray:
        mask = self.both()
        while self.takes("or"):
            mask = mask | self.both()
        return mask

    def both(self) -> BoolArray:
        mask = self.single()
        while True:
            token = self.peek()
            if token is None or (token.kind in ("word", "paren") and token.text.lower() in ("or", ")")):
                return mask
            self.takes("and")
            mask = mask & self.single()

    def single(self) -> BoolArray:
        self.depth += 1
        if self.depth > DEEPEST:
            raise Problem(f"the condition is nested deeper than {DEEPEST}")
        try:
            if self.takes("not"):
                return ~self.single()
            if self.takes("("):
                mask = self.either()
                if not self.takes(")"):
                    raise Problem("a parenthesis is not closed")
                return mask
            return self.comparison()
        finally:
            self.depth -= 1

    def comparison(self) -> BoolArray:
        token, left = self.operand()
        mask: BoolArray | None = None
        while (after := self.peek()) is not None and after.kind == "op":
            self.at += 1
            _, right = self.operand()
            held = self.compared(left, after.text, right)
            mask = held if mask is None else mask & held
            left = right
        return self.found(token.text) if mask is None else mask

    def operand(self) -> tuple[_Token, _Operand]:
        token = self.peek()
        if token is None or token.kind in ("op", "paren"):
            what = "its end" if token is None else repr(token.text)
            raise Problem(f"a name or a value is missing before {what}, as in lr < 0.1")
        self.at += 1
        return token, self.meaning(token)

    def meaning(self, token: _Token) -> _Operand:
        history, space, text = self.history, self.history.space, token.text
        if token.kind == "quoted":
            return _Operand(word=text)
        if text in space.column:
            j = space.column[text]
            values = history.values[:, j]
            if not space.is_choice(j):
                return _Operand(numbers=values)
            names = option_names(history, j)
            codes = np.where(np.isnan(values), -1, values).astype(np.int64)
            return _Operand(codes=codes, texts=names, called=text, closed=bool(names))
        if token.kind == "name":
            known = ", ".join(plain(label, 30) for label in space.labels[:12]) or "none"
            raise Problem(f"there is no parameter {quoted(text, 40)}; there are {known}")
        if text in FIELDS:
            return _Operand(numbers=FIELDS[text](history))
        if text in _TEXTS:
            return self.text_column(text)
        try:
            return _Operand(number=float(text), word=text)
        except ValueError:
            return _Operand(word=text)

    def text_column(self, name: str) -> _Operand:
        history, n = self.history, len(self.history)
        if name == "state":
            names = tuple(state.name for state in State)
            return _Operand(codes=history.state.astype(np.int64), texts=names, word=name, called=name, closed=True)
        texts: list[str]
        if name == "rule":
            texts = [history.source(i) for i in range(n)]
        elif name == "worker":
            texts = [history.worker(i) or "" for i in range(n)]
        else:
            texts = ["" if (error := history.error(i)) is None else str(error) for i in range(n)]
        places: dict[str, int] = {}
        codes = np.array([places.setdefault(one, len(places)) for one in texts], dtype=np.int64)
        return _Operand(codes=codes, texts=tuple(places), word=name, called=name)

    def compared(self, left: _Operand, op: str, right: _Operand) -> BoolArray:
        act = _OPERATORS[op]
        if left.codes is not None and right.codes is not None:
            # In `state == error` the second is a word, whatever else it may stand for.
            if right.word is not None:
                return self.options(left, op, right, turned=False)
            if left.word is not None:
                return self.options(right, op, left, turned=True)
            raise Problem("two columns of texts cannot be compared with each other")
        for column, other, turned in ((left, right, False), (right, left, True)):
            if column.codes is None:
                continue
            if other.word is None:
                raise Problem("a column of texts is compared with a text, as in opt == adam")
            return self.options(column, op, other, turned=turned)
        a = left.numbers if left.numbers is not None else left.number
        b = right.numbers if right.numbers is not None else right.number
        if a is None or b is None:
            word = left.word if a is None else right.word
            names = [*map(str, self.history.space.labels[:8]), "loss", "state", "number"]
            raise Problem(
                f"{quoted(str(word), 40)} is neither a number nor a parameter; there are "
                + ", ".join(plain(name, 30) for name in names)
            )
        with np.errstate(invalid="ignore"):
            mask = np.broadcast_to(np.asarray(act(a, b)), (len(self.history),))
        known = ~np.isnan(np.broadcast_to(np.asarray(a, float), mask.shape)) & ~np.isnan(
            np.broadcast_to(np.asarray(b, float), mask.shape)
        )
        return np.asarray(mask & known)  # where there is no value, nothing is said about it

    def options(self, column: _Operand, op: str, other: _Operand, *, turned: bool) -> BoolArray:
        """Texts: equal without regard to case, or as numbers where both are.

        A comparison that no trial can ever meet is a slip of whoever wrote it, and an empty table would not say so.
        """
        act, word = _OPERATORS[op], str(other.word)
        equal = op in ("==", "=", "!=")
        if not equal and (other.number is None or not any(_number(text) is not None for text in column.texts)):
            name = plain(column.called, 40)
            what = f"{quoted(word, 40)} is no number" if other.number is None else f"{name} has no numbers"
            raise Problem(f"{what}, and texts have no order: compare {name} by == or !=")
        held = np.zeros(len(column.texts) + 1, dtype=bool)  # the last place is for none
        for place, text in enumerate(column.texts):
            if equal:
                same = text.lower() == word.lower() or (_number(text) is not None and _number(text) == other.number)
                held[place] = same == (op != "!=")
                continue
            a, b = _number(text), other.number
            if a is not None and b is not None:
                held[place] = act(b, a) if turned else act(a, b)
        # Of those that there are one is the word, or else all of them were told from it.
        if equal and column.closed and bool(held[:-1].all() if op == "!=" else not held.any()):
            known = ", ".join(plain(text, 30) for text in column.texts[:12]) + (" …" if len(column.texts) > 12 else "")
            raise Problem(f"{plain(column.called, 40)} is never {quoted(word, 40)}; there are {known}")
        return np.asarray(held[column.codes])

    def found(self, word: str) -> BoolArray:
        """Trials in which a word is anywhere."""
        history, low = self.history, word.lower()
        mask = np.zeros(len(history), dtype=bool)
        columns = [self.text_column(name) for name in _TEXTS]
        for j, label in enumerate(history.space.labels):
            if history.space.is_choice(j):
                columns.append(self.meaning(_Token("name", label)))
        for column in columns:
            has = np.array([low in text.lower() for text in column.texts] + [False], dtype=bool)
            mask |= has[column.codes]
        if is_whole(word.lstrip("#")):
            number = int(word.lstrip("#"))
            if number < len(history):
                mask[number] = True
        return mask


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
