"""The space as algorithms, logs and people use it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from parzen._typing import JSON, BoolArray, Config, FloatArray, Params
from parzen.errors import BadDistribution, CorruptLog, OutOfSpace, SpaceError, UnknownLabel
from parzen.space._columns import Columns
from parzen.space._compile import compile_nodes, reachable
from parzen.space._evaluation import WHOLE, Evaluator
from parzen.space._graph import Apply
from parzen.space._layout import Condition, lay_out
from parzen.space._nodes import Const, Node, Param, Switch, lost_names
from parzen.space._points import Points
from parzen.space._rows import all_rows, imply_branches
from parzen.space._single import Single
from parzen.space._wording import in_html, in_words, option_name
from parzen.space.distributions import Distribution, LogNormal, LogUniform, Normal, Uniform

__all__ = ["Space"]


class Space:
    """What may be tried: nested Python data with draws in it, turned into columns.

    Built from the data as it is at that moment.  `d` is the number of columns, one for each labelled parameter, in order
    of first appearance, a parent always before what hangs on it.

    Args:
        data: nested dicts, lists, tuples and `hp` nodes; anything else is a constant.

    Raises:
        SpaceError: the space makes no sense; the text names the label and the fault.
    """

    def __init__(self, data: Any) -> None:  # whatever a user's space is made of
        if data is None or (callable(data) and not isinstance(data, Apply)):
            raise SpaceError(f"the space is {data!r:.80}: give a mapping, a list or a node of parzen.hp")
        self._set_up(compile_nodes(data))

    @classmethod
    def from_nodes(cls, nodes: Sequence[Node]) -> Space:
        """A space from its compiled form, whose root is the last node."""
        space = cls.__new__(cls)
        space._set_up(nodes)
        return space

    def _set_up(self, nodes: Sequence[Node]) -> None:
        self.nodes = tuple(nodes)
        layout = lay_out(self.nodes)
        self._layout = layout
        params = [self.nodes[place] for place in layout.places]
        self.labels: tuple[str, ...] = tuple(p.label for p in params if isinstance(p, Param))
        self.distributions: tuple[Distribution | None, ...] = tuple(
            p.distribution for p in params if isinstance(p, Param)
        )
        self.conditions: tuple[Condition, ...] = layout.conditions
        self.column: dict[str, int] = {label: j for j, label in enumerate(self.labels)}
        self.conditional = any(condition != ((),) for condition in self.conditions)
        # Every configuration has a column of which no two draws are the same.
        self.unrepeatable = any(
            condition == ((),) and isinstance(distribution, (Uniform, LogUniform, Normal, LogNormal))
            for condition, distribution in zip(self.conditions, self.distributions, strict=True)
        )
        self.dependent = any(distribution is None for distribution in self.distributions)
        fixed = [distribution for distribution in self.distributions if distribution is not None]
        self.has_draws = bool(layout.draws)
        self._columns = None if self.dependent else Columns(fixed)
        self._column_at = {place: j for j, place in enumerate(layout.places)}
        self._evaluator = Evaluator(self.nodes, layout.places, self.distributions)
        self._single = Single(self.distributions, self.conditions, self.distribution, self._bounded)
        self._json: JSON = None

    @property
    def d(self) -> int:
        """Number of columns."""
        return len(self.labels)

    @property
    def missing(self) -> tuple[str, ...]:
        """Names of the objects and functions that a stored space could not hold; empty where it is whole."""
        return lost_names(self.nodes)

    # --- drawing ------------------------------------------------------------------------------------------------

    def sample(self, rng: np.random.Generator, n: int = 1) -> Points:
        """`n` independent draws from the prior."""
        return self.from_unit(rng.random((n, self.d)))

    def from_unit(self, unit: FloatArray) -> Points:
        """Points at these quantiles of the prior.

        Args:
            unit: `(n, d)` in [0, 1]; what stands in columns that turn out inactive is not looked at.
        """
        if self.dependent or len(unit) == 1:
            rows = np.array([self._single.from_unit(row) for row in unit.tolist()]).reshape(len(unit), self.d)
            return Points(rows, rows == rows)
        assert self._columns is not None
        values = self._columns.from_unit(unit)
        active = self.active(values)
        if self.conditional:
            values[~active] = np.nan
        return Points(values, active)

    def to_unit(self, points: Points) -> FloatArray:
        """`(n, d)` quantiles of the points under the prior.

        NaN where inactive, and where a stored space has lost the function that computes a parameter's bounds.
        """
        values = points.values
        if self._columns is not None and len(values) != 1:
            return self._columns.to_unit(values)
        return np.array([self._single.to_unit(row) for row in values.tolist()]).reshape(values.shape)

    def quantiles(self, values: Sequence[float]) -> list[float]:
        """The coordinates of one row of `d` values; see `to_unit`."""
        return self._single.to_unit(values)

    def active(self, values: FloatArray) -> BoolArray:
        """Which columns of rows `(n, d)` are active, given the values of the columns that they hang on."""
        active = np.ones(values.shape, dtype=bool)
        if not self.conditional:
            return active
        for j, condition in enumerate(self.conditions):
            if condition == ((),):
                continue
            any_of = np.zeros(len(values), dtype=bool)
            for conjunction in condition:
                all_of = np.ones(len(values), dtype=bool)
                for column, code in conjunction:
                    all_of &= active[:, column] & (values[:, column] == code)
                any_of |= all_of
            active[:, j] = any_of
        return active

    def is_active(self, j: int, values: FloatArray) -> bool:
        """Whether column `j` is active in one row whose inactive columns are NaN, and of which only the columns before `j` are looked at."""
        return any(all(values[column] == code for column, code in conj) for conj in self.conditions[j])

    def distribution(self, j: int, values: FloatArray) -> Distribution:
        """The distribution of column `j` in a row `(d,)`; only the columns before `j` are looked at.

        Raises:
            BadDistribution: it is computed from earlier columns, and their values make no sense of it.
        """
        fixed = self.distributions[j]
        if fixed is not None:
            return fixed
        computed = self._bounded(j, values)
        if computed is None:
            raise BadDistribution(
                f"parameter {self.labels[j]!r}: a file cannot hold what computes its bounds; load the study with space=",
                label=self.labels[j],
            )
        return computed

    def _bounded(self, j: int, values: FloatArray) -> Distribution | None:
        return self._evaluator.bounded(self._layout.places[j], values)

    def outside(self, values: FloatArray) -> str | None:
        """Why rows `(n, d)` cannot be of this space, in a phrase; None where they can.

        Distributions whose bounds are computed are not asked: a row's own values decide about them when it is decoded.
        """
        rightly, j = True, -1
        if self._columns is None or len(values) == 1:
            for row in values.tolist():
                j, rightly = self._single.outside(row)
                if j >= 0:
                    break
        else:
            wrong = np.isnan(values) == self.active(values)
            rightly = not wrong.any()
            j = self._columns.outside(values) if rightly else int(np.flatnonzero(wrong.any(axis=0))[0])
        if not rightly:
            label = self.labels[j]
            return f"parameter {label!r} has a value though it is inactive, or none though it is active"
        return None if j < 0 else f"{values[:, j].tolist()} for parameter {self.labels[j]!r}, which is {self._what(j)}"

    def _what(self, j: int) -> str:
        distribution = self.distributions[j]
        return "computed" if distribution is None else distribution.describe()

    # --- decoding -----------------------------------------------------------------------------------------------

    def decode(self, points: Points, i: int = 0, rng: Callable[[], np.random.Generator] | None = None) -> Config:
        """The nested values that the objective receives for row `i`.

        Args:
            points: rows of this space.
            i: which one.
            rng: makes the trial's own Generator, for unlabelled draws; called only where the space has any.
        """
        generator = rng() if rng is not None and self._layout.draws else None
        return self._evaluator.value(len(self.nodes) - 1, self._evaluator.memo(points.values[i]), generator)

    def params(self, points: Points, i: int = 0, rng: Callable[[], np.random.Generator] | None = None) -> Params:
        """Label to real value, of the active parameters of row `i`; arguments as for `decode`."""
        row, evaluator = points.values[i], self._evaluator
        memo = evaluator.memo(row)
        if self._layout.draws and rng is not None:  # in the order of `decode`, so that the draws are the same
            evaluator.value(len(self.nodes) - 1, memo, rng())
        result: Params = {}
        for j in np.flatnonzero(points.active[i]).tolist():
            switch = self.switch(j)
            place = self._layout.places[j] if switch is None else switch.options[int(row[j])]
            result[self.labels[j]] = evaluator.value(place, memo, None)
        return result

    def is_choice(self, j: int) -> bool:
        """Whether column `j` holds the code of an option, not a number."""
        return self._layout.switches[j] >= 0

    def switch(self, j: int) -> Switch | None:
        """The node whose option column `j` chooses; None where it holds a number."""
        node = self.nodes[self._layout.switches[j]] if self.is_choice(j) else None
        return node if isinstance(node, Switch) else None

    def param(self, j: int) -> Param:
        """The node of column `j`."""
        node = self.nodes[self._layout.places[j]]
        assert isinstance(node, Param)
        return node

    def option(self, j: int, code: float) -> str:
        """A short name for a value of column `j`: of an option, what a person would call it."""
        return option_name(self, j, code)

    # --- encoding -----------------------------------------------------------------------------------------------

    def encode(self, config: Config) -> Points:
        """The row that decodes to a configuration.

        Raises:
            OutOfSpace: none does, or it cannot be known because a value was computed by a function without an inverse.
        """
        from parzen.space._encoding import row_of_config

        return self.completed(row_of_config(self, config))

    def code(self, label: str, value: Any) -> float:
        """What column `label` holds for a real value: the code of the option, or the number itself.

        Raises:
            UnknownLabel, OutOfSpace: as `encode_params`.
        """
        from parzen.space._encoding import value_of_option

        self._check_labels((label,))
        j = self.column[label]
        if not self.is_choice(j):
            return plain_number(label, value)
        row = np.full(self.d, np.nan)
        value_of_option(self, j, value, row, is_given=lambda _: True)
        return float(row[j])

    def _check_labels(self, labels: Iterable[str]) -> None:
        for label in labels:
            if label not in self.column:
                raise UnknownLabel(
                    f"the space has no parameter {label!r}; it has {', '.join(map(repr, self.labels)) or 'none'}",
                    label=label,
                )

    def encode_params(self, params: Mapping[str, Any], unit: FloatArray | None = None) -> Points:
        """The row with these values of parameters.

        Args:
            params: label -> real value; those of inactive parameters are not looked at and may be left out.  A parameter
                of a branch implies the branch, where nothing else is said about it.
            unit: `(d,)` quantiles for active parameters that are left out.

        Raises:
            UnknownLabel: a label is not in the space.
            OutOfSpace: a value cannot have come from its parameter, or an active one is missing and `unit` is None.
        """
        return self.completed(self.given(params), unit)

    def given(self, params: Mapping[str, Any]) -> FloatArray:
        """`(d,)`: the values that these parameters give, codes for categories; NaN for the columns that they leave open.

        Raises:
            UnknownLabel, OutOfSpace: as `encode_params`; whether a number fits its parameter is for `completed` to say.
        """
        from parzen.space._encoding import value_of_option

        self._check_labels(params)
        row = np.full(self.d, np.nan)
        for label, value in params.items():
            j = self.column[label]
            if self.is_choice(j):
                value_of_option(self, j, value, row, is_given=params.__contains__)
        for label, value in params.items():
            j = self.column[label]
            if not self.is_choice(j):
                row[j] = plain_number(label, value)
        imply_branches(self, row)
        return row

    def completed(self, given: FloatArray, unit: FloatArray | None = None) -> Points:
        """A row of which some values are known, with inactive columns emptied and the rest checked.

        Args:
            given: `(d,)` as the user sees them, codes for categories; NaN where unknown.
            unit: `(d,)` quantiles for active columns that are unknown.

        Raises:
            OutOfSpace: a value cannot have come from its parameter, or an active one is missing and `unit` is None.
        """
        row = np.full(self.d, np.nan)
        for j, label in enumerate(self.labels):
            if not self.is_active(j, row):
                continue
            distribution = self.distribution(j, row)
            if given[j] == given[j]:
                try:
                    row[j] = distribution.nearest(float(given[j]))
                except BadDistribution as error:
                    raise OutOfSpace(f"parameter {label!r}: {error}", label=label) from None
            elif unit is None:
                raise OutOfSpace(f"parameter {label!r} is active, but no value was given for it", label=label)
            else:
                row[j] = distribution.from_unit(unit[j : j + 1])[0]
        return Points(row[None, :], ~np.isnan(row)[None, :])

    # --- whole and part -----------------------------------------------------------------------------------------

    def enumerate(self) -> Iterator[FloatArray] | None:
        """All rows `(d,)` of a finite space, each once; None where a column has no finite list of values.

        The rows are made one after the other; a space may have more of them than anybody can wait for.
        """
        if any(dist is not None and dist.size is None for dist in self.distributions):
            return None
        return all_rows(self)

    def fix(self, params: Mapping[str, Any]) -> Space:
        """The same space with some parameters held at a value; their columns are gone.

        Args:
            params: label -> real value.

        Raises:
            UnknownLabel, OutOfSpace: as `encode_params`.
        """
        nodes = list(self.nodes)
        self._check_labels(params)
        for label, value in params.items():
            j = self.column[label]
            place = self._layout.places[j]
            x = self.code(label, value)
            if self.is_choice(j):
                nodes[place] = Const(int(x))
                continue
            distribution = self.distributions[j]
            if distribution is None:
                param = nodes[place]
                assert isinstance(param, Param)
                whole = param.family in WHOLE
                if not math.isfinite(x) or (whole and x != math.floor(x)):
                    raise OutOfSpace(
                        f"parameter {label!r}: {value!r:.80} is not a value of {param.family}", label=label
                    )
                nodes[place] = Const(int(x) if whole else x)
                continue
            try:
                nodes[place] = Const(distribution.value(distribution.nearest(x)))
            except BadDistribution as error:
                raise OutOfSpace(f"parameter {label!r}: {error}", label=label) from None
        return Space.from_nodes(reachable(nodes, len(nodes) - 1))

    # --- text ---------------------------------------------------------------------------------------------------

    def to_json(self) -> JSON:
        """The space as JSON: what a study's header keeps, and what two spaces are compared by."""
        if self._json is None:
            from parzen.space._codec import space_to_json

            self._json = space_to_json(self.nodes)
        return self._json

    @classmethod
    def from_json(cls, text: JSON) -> Space:
        """A space from `to_json`.  Options that JSON cannot say come back as named place-holders.

        Raises:
            CorruptLog: it is damaged.
        """
        from parzen.space._codec import nodes_from_json

        nodes = nodes_from_json(text)
        try:
            return cls.from_nodes(nodes)
        except SpaceError as error:
            raise CorruptLog(f"the space of a study cannot be read: {error}") from error

    def differences(self, other: Space) -> list[str]:
        """What is not the same in another space, a sentence each; empty where nothing differs."""
        from parzen.space._codec import differences

        return differences(self, other)

    def __repr__(self) -> str:
        return in_words(self)

    def _repr_html_(self) -> str:
        return in_html(self)


def plain_number(label: str, value: Any) -> float:
    """A parameter's value as a float.

    Raises:
        OutOfSpace: it is not a number.
    """
    try:
        if isinstance(value, (str, bytes, complex)) or (isinstance(value, np.ndarray) and value.ndim):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise OutOfSpace(f"parameter {label!r} is a number, got {value!r:.80}", label=label) from None
    if number != number:  # which stands for "not given" in a row
        raise OutOfSpace(f"parameter {label!r} is a number, got NaN", label=label)
    return number
