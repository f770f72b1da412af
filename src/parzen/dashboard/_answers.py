"""How the server answers: JSON that any text survives, and refusals in a sentence."""

from __future__ import annotations

import json
import math
from typing import Any

from starlette.responses import Response

__all__ = ["Problem", "answer", "is_whole", "plain_json", "refusal"]


class Problem(Exception):
    """Something that the person at the page should read: what was expected, what came, what to do.

    Args:
        sentence: the text.
        status: of HTTP.
        facts: further members of the answer, such as the `label` that is to blame.
    """

    def __init__(self, sentence: str, status: int = 400, **facts: Any) -> None:  # whatever JSON takes
        super().__init__(sentence)
        self.status, self.facts = status, facts


def is_whole(text: str) -> bool:
    """Whether a text is a whole number that a place may have: `isdigit` alone takes "²" for one, and `int` does not."""
    return text.isascii() and text.isdigit() and len(text) <= 12


def plain_json(value: Any) -> str:  # anything JSON takes
    """As ASCII, so that lone surrogates in labels survive; NaN and infinities, which JSON has not, become null."""
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False, separators=(",", ":"))


def _finite(value: Any) -> Any:  # the same shape
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(one) for one in value]
    return value


def answer(value: Any, status: int = 200) -> Response:  # anything JSON takes
    """A value as an answer."""
    return Response(plain_json(value), status, media_type="application/json")


def refusal(status: int, sentence: str, **facts: Any) -> Response:  # as `Problem`
    """Why not, as JSON: pages show it, and whoever opens the address by hand can read it."""
    return answer({"error": sentence, **facts}, status)
