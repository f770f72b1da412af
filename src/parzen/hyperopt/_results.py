"""What an objective may return in Hyperopt, and parzen's core does not take as it is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from parzen.hyperopt._states import STATUS_FAIL, STATUS_NEW, STATUS_OK, STATUS_RUNNING, STATUS_SUSPENDED

__all__ = ["Unfinished", "as_core_takes_it"]


class Unfinished(dict[str, Any]):
    """A result with a status of a trial that has not ended: the core is told "fail", the document what was returned."""

    def __init__(self, result: Mapping[str, Any]) -> None:
        super().__init__({**result, "status": STATUS_FAIL})
        self.returned = dict(result)


def as_core_takes_it(result: Any) -> Any:
    """The result, with what Hyperopt converts converted: pairs to a mapping, a loss that is text to a number."""
    if isinstance(result, (list, tuple)) and result:
        try:
            result = dict(result)
        except (TypeError, ValueError):
            return result
    if not isinstance(result, Mapping):
        return result
    status = result.get("status")
    if status == STATUS_OK and isinstance(result.get("loss"), str):
        try:
            return {**result, "loss": float(result["loss"])}
        except ValueError:
            return result
    if isinstance(status, str) and status in (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED):
        return Unfinished(result)
    return result
