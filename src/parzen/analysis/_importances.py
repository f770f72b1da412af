"""Which parameters matter, as records, greatest first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from parzen._typing import JSON
from parzen._wording import plain
from parzen.errors import UnknownLabel

__all__ = ["Importance", "Importances", "Interaction"]


@dataclass(frozen=True, slots=True)
class Importance:
    """How much one parameter matters by itself.

    Attributes:
        label: of the parameter.
        value: share of the variance that it explains alone, from 0 to 1, where it is active.
        low, high: of an interval that holds nine tenths of what other trials of this study would have given.
        floor: what a parameter without any effect reaches, in nineteen of twenty studies of this size.
        trials: in how many it was active.
    """

    label: str
    value: float
    low: float
    high: float
    floor: float
    trials: int

    @property
    def matters(self) -> bool:
        """Whether it is more than chance."""
        return self.value > self.floor


@dataclass(frozen=True, slots=True)
class Interaction:
    """How much two parameters matter together, beyond what each does alone; attributes as of `Importance`."""

    labels: tuple[str, str]
    value: float
    low: float
    high: float
    floor: float
    trials: int

    @property
    def matters(self) -> bool:
        """Whether it is more than chance."""
        return self.value > self.floor


@dataclass(frozen=True, slots=True)
class Importances:
    """Which parameters matter, the greatest first.

    Attributes:
        method: "ped-anova" or "fanova".
        of: whose variance is shared out, in words.
        parameters: one for each column of the space.
        interactions: of pairs of the greatest parameters.
        trials: how many were looked at.
        explained: share of the variance that the model predicts on trials that it has not seen, from 0 to 1; None where
            the method has no model.
    """

    method: str
    of: str
    parameters: tuple[Importance, ...]
    interactions: tuple[Interaction, ...]
    trials: int
    explained: float | None = None

    def __getitem__(self, label: str) -> Importance:
        for one in self.parameters:
            if one.label == label:
                return one
        raise UnknownLabel(f"there is no parameter {label!r:.80} among these importances", label=label)

    def __iter__(self) -> Iterator[Importance]:
        return iter(self.parameters)

    def __len__(self) -> int:
        return len(self.parameters)

    @property
    def rest(self) -> float:
        """Share of the variance that neither single parameters nor the pairs looked at explain."""
        alone, together = (sum(one.value for one in some) for some in (self.parameters, self.interactions))
        return max(1.0 - alone - together, 0.0)

    def to_json(self) -> Mapping[str, JSON]:
        """All of it as JSON."""

        def numbers(one: Importance | Interaction) -> dict[str, JSON]:
            return {name: getattr(one, name) for name in ("value", "low", "high", "floor", "trials", "matters")}

        return {
            "method": self.method,
            "of": self.of,
            "trials": self.trials,
            "explained": self.explained,
            "parameters": [{"label": one.label, **numbers(one)} for one in self.parameters],
            "interactions": [{"labels": list(one.labels), **numbers(one)} for one in self.interactions],
            "rest": self.rest,
        }

    def __repr__(self) -> str:
        lines = [f"Importances by {self.method}, from {self.trials} trials, of {self.of}"]
        if self.explained is not None:
            lines.append(f"  the model predicts {self.explained:.0%} of the variance on trials that it has not seen")
        for one in self.parameters:
            chance = "" if one.matters else "  (no more than chance)"
            lines.append(f"  {one.value:6.1%}  {one.low:.1%} to {one.high:.1%}  {plain(one.label, 40)}{chance}")
        for pair in self.interactions:
            if pair.matters:
                names = " × ".join(plain(label, 40) for label in pair.labels)
                lines.append(f"  {pair.value:6.1%}  {pair.low:.1%} to {pair.high:.1%}  {names}")
        lines.append(f"  {self.rest:6.1%}  the rest: other interactions, and noise")
        return "\n".join(lines)
