"""Hypothesis strategies for spaces, rows, events and whole logs.

`spaces()` draws what users write: nested data with the twelve of Hyperopt and our own, conditionals, shared nodes,
dependent bounds and arithmetic.  `logs()` draws entries that a study could have written, late ones and retractions
included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st

from parzen import hp
from parzen.space import Space, scope
from parzen.trials import (
    Asked,
    Event,
    Finished,
    Header,
    Noted,
    Outcome,
    Released,
    Reported,
    Requested,
    Retracted,
    Started,
    State,
    TrialError,
    Unknown,
)

# --- labels and constants ---------------------------------------------------------------------------------------

texts = st.text(st.characters(), max_size=12)
"""Any text, lone surrogates included: labels, names, reasons."""

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(-5, 5),
    st.sampled_from([math.inf, -math.inf, "adam", "", b"raw", (1, 2), 1j, len, dict, math.nan]),
)
"""Constants as options are, JSON or not."""


def unlike(values: Sequence[Any]) -> bool:
    """Whether no two values are equal and of one type, so that each can be told from the rest."""
    return all(
        type(a) is not type(b) or not (a == b or (a != a and b != b)) for i, a in enumerate(values) for b in values[:i]
    )


options = st.lists(scalars, min_size=1, max_size=5).filter(unlike)


# --- single parameters ------------------------------------------------------------------------------------------

_moderate = st.floats(-100, 100).map(lambda x: round(x, 3))
_widths = st.floats(0.1, 50).map(lambda x: round(x, 3))
_quanta = st.sampled_from([0.1, 0.25, 0.5, 1, 2, 3.0])


def _ours(label: str) -> st.SearchStrategy[Any]:
    whole = st.tuples(st.integers(1, 20), st.integers(0, 40), st.integers(1, 3), st.booleans())
    return st.one_of(
        st.tuples(_moderate, _widths).map(lambda t: hp.float(label, t[0], t[0] + t[1])),
        st.tuples(_widths, _widths).map(lambda t: hp.float(label, t[0], t[0] + t[1], log=True)),
        st.tuples(_moderate, st.integers(1, 12), _quanta).map(
            lambda t: hp.float(label, t[0], t[0] + t[1] * t[2], step=t[2])
        ),
        st.tuples(_widths, st.integers(1, 12), _quanta).map(
            lambda t: hp.float(label, t[0], t[0] + t[1] * t[2], step=t[2], log=True)
        ),
        whole.map(lambda t: hp.int(label, t[0], t[0] + max(t[1], t[2]), step=t[2], log=t[3])),
        st.integers(-20, 20).map(lambda a: hp.int(label, a, a)),
        options.map(lambda items: hp.categorical(label, items)),
        options.map(lambda items: hp.ordinal(label, items)),
        st.just(label).map(hp.bool),
    )


def _theirs(label: str) -> st.SearchStrategy[Any]:
    bounds = st.tuples(_moderate, _widths, _quanta)
    logs = st.tuples(st.floats(-3, 3), st.floats(0.1, 3), _quanta)
    return st.one_of(
        bounds.map(lambda t: hp.uniform(label, t[0], t[0] + t[1])),
        bounds.map(lambda t: hp.quniform(label, t[0], t[0] + t[1], t[2])),
        bounds.map(lambda t: hp.normal(label, t[0], t[1])),
        bounds.map(lambda t: hp.qnormal(label, t[0], t[1], t[2])),
        logs.map(lambda t: hp.loguniform(label, t[0], t[0] + t[1])),
        logs.map(lambda t: hp.qloguniform(label, t[0], t[0] + t[1], t[2])),
        logs.map(lambda t: hp.lognormal(label, t[0], t[1])),
        logs.map(lambda t: hp.qlognormal(label, t[0], t[1], t[2])),
        st.integers(1, 9).map(lambda n: hp.randint(label, n)),
        st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda t: hp.randint(label, t[0], t[0] + t[1])),
        st.tuples(st.integers(-9, 9), st.integers(1, 9)).map(lambda t: hp.uniformint(label, t[0], t[0] + t[1])),
        options.map(lambda items: hp.pchoice(label, [(1 / len(items), item) for item in items])),
    )


def parameters(label: str) -> st.SearchStrategy[Any]:
    """One labelled node of any family."""
    return st.one_of(_ours(label), _theirs(label))


# --- whole spaces -----------------------------------------------------------------------------------------------

_ARITHMETIC: Sequence[Callable[[Any], Any]] = (
    lambda node: node * 2,
    lambda node: node + 1,
    lambda node: 10 - node,
    lambda node: -node,
    lambda node: node / 4,
)


@st.composite
def spaces(draw: st.DrawFn, size: int = 6) -> Any:
    """Nested data with at most about `size` labelled parameters."""
    count = 0
    shared: list[Any] = []

    def label() -> str:
        nonlocal count
        count += 1
        return f"p{count}"

    def numeric() -> Any:
        return draw(st.sampled_from([hp.uniform, hp.float]))(label(), 0.5, 4.0)

    def leaf() -> Any:
        kind = draw(st.integers(0, 9))
        if count >= size or kind == 0:
            return draw(scalars)
        if kind == 1:
            return draw(st.sampled_from(_ARITHMETIC))(numeric())
        if kind == 2:
            top = numeric()
            shared.append(top)
            return [top, hp.uniform(label(), -1.0, top)]
        if kind == 3 and shared:
            return draw(st.sampled_from(shared))
        if kind == 4:
            return scope.int(hp.quniform(label(), 1, 9, 2))
        node = draw(parameters(label()))
        if draw(st.booleans()):
            shared.append(node)
        return node

    def value(depth: int) -> Any:
        kind = draw(st.integers(0, 5)) if depth < 3 else 5
        inner = draw(st.integers(1, 3))
        if kind == 0:
            return {f"k{i}": value(depth + 1) for i in range(inner)}
        if kind == 1:
            return [value(depth + 1) for _ in range(inner)]
        if kind == 2:
            return tuple(value(depth + 1) for _ in range(inner))
        if kind == 3 and count < size:
            name = label()
            # The number tells the options apart; without it two of them may look the same from outside.
            return hp.choice(name, [{"kind": i, "of": value(depth + 1)} for i in range(inner)])
        return leaf()

    return value(0)


@st.composite
def spaces_with_rows(draw: st.DrawFn, n: int = 5) -> tuple[Any, Space, np.ndarray[Any, Any]]:
    """What a user wrote, its `Space`, and quantiles `(n, d)`, the ends of [0, 1] among them."""
    data = draw(spaces().filter(lambda data: data is not None))
    space = Space(data)
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    unit = rng.random((n, space.d))
    unit[0], unit[1] = 0.0, 1.0
    return data, space, unit


# --- events -----------------------------------------------------------------------------------------------------

numbers = st.one_of(st.floats(-1e9, 1e9), st.sampled_from([math.inf, -math.inf, math.nan, 0.0, -0.0, 5e-324]))
times = st.floats(0, 4e9)
counts = st.integers(0, 2**31)
metrics = st.dictionaries(texts, numbers, max_size=3)
json_values = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), texts
    ),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=6,
)

errors = st.builds(TrialError, texts, texts, texts)
finished_states = st.sampled_from([State.OK, State.FAILED, State.PRUNED, State.ERROR, State.CANCELLED])
outcomes = st.builds(
    Outcome,
    state=finished_states,
    metrics=metrics,
    variance=st.none() | numbers,
    constraints=st.lists(numbers, max_size=2).map(tuple),
    extra=st.dictionaries(texts, json_values, max_size=2),
    error=st.none() | errors,
    seconds=st.none() | times,
)

events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Asked,
        number=counts,
        values=st.lists(numbers, max_size=4).map(tuple),
        source=texts,
        seed=st.integers(0, 2**63 - 1),
        saw=counts,
        at=times,
        gain=st.none() | numbers,
        memo=json_values,
        space=st.integers(0, 3),
    ),
    st.builds(Started, counts, counts, texts, times),
    st.builds(Reported, counts, counts, numbers, metrics, times),
    st.builds(Finished, counts, counts, outcomes, times),
    st.builds(Released, counts, counts, texts, times),
    st.builds(Requested, texts, st.none() | counts, json_values, times),
    st.builds(Retracted, counts, texts, times),
    st.builds(Noted, texts, json_values, times),
)
"""Every kind, each field of its whole range."""

headers = st.builds(
    Header,
    uid=texts,
    name=texts,
    created=times,
    seed=st.integers(0, 2**128),
    metrics=st.dictionaries(texts, st.sampled_from(["minimize", "maximize"]), max_size=2),
    objectives=st.lists(texts, min_size=1, max_size=2).map(tuple),
    space=json_values,
    noisy=st.booleans(),
)


@st.composite
def logs(draw: st.DrawFn, space: Space, most: int = 30) -> list[Event]:
    """Events that a study of this space could have in its log, those of workers given up for lost included."""
    log: list[Event] = []
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    asked = 0
    for step in range(draw(st.integers(0, most))):
        at = float(step)
        kind = draw(st.integers(0, 7))
        if kind <= 1 or not asked:
            row = space.sample(rng).values[0]
            log.append(Asked(asked, tuple(row.tolist()), "test", int(rng.integers(2**62)), len(log), at))
            asked += 1
            continue
        number, attempt = draw(st.integers(0, asked - 1)), draw(st.integers(1, 3))
        loss = draw(st.one_of(st.integers(-3, 3).map(float), numbers))
        if kind <= 3:
            log.append(Started(number, attempt, f"w{attempt}", at))
        elif kind == 4:
            log.append(Reported(number, attempt, at, {"loss": loss}, at))
        elif kind == 5:
            state = draw(st.sampled_from([State.OK, State.OK, State.OK, State.FAILED, State.ERROR, State.PRUNED]))
            log.append(Finished(number, attempt, Outcome(state, {"loss": loss}), at))
        elif kind == 6:
            log.append(Released(number, attempt, "test", at))
        else:
            rare: Sequence[Event] = (
                Retracted(number, "test", at),
                Requested("budget", None, draw(st.integers(0, 99)), at),
                Noted("remark", draw(texts), at),
                Unknown("later", "{}", at),
            )
            log.append(draw(st.sampled_from(rare)))
    return log
