"""What the doctor says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from parzen._typing import JSON

__all__ = ["Finding"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing about a study that somebody should know.

    Attributes:
        kind: "bound", "scale", "dead option", "dead parameter", "failing zone", "luck", "constant", or "too little" where
            there are too few trials to say more.
        labels: of the parameters that it is about.
        sentence: what is the matter.
        advice: what to do about it.
        evidence: the numbers behind it, as JSON.
    """

    kind: str
    labels: tuple[str, ...]
    sentence: str
    advice: str
    evidence: Mapping[str, JSON] = field(default_factory=dict)

    def to_json(self) -> Mapping[str, JSON]:
        """All of it as JSON."""
        names = ("kind", "labels", "sentence", "advice", "evidence")
        return {name: getattr(self, name) for name in names}

    def __str__(self) -> str:
        return f"{self.kind}: {self.sentence} {self.advice}"
