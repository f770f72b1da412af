"""A search space as a picture: which parameter hangs on which choice, in the language of graphviz."""

from __future__ import annotations

from typing import Any

from parzen.space import Space

__all__ = ["dot_hyperparameters"]


def dot_hyperparameters(expr: Any) -> str:  # whatever a user's space is made of
    """The text of a directed graph: a box for each parameter, an ellipse for each value that others hang on.

    Arrows go from what is drawn first to what is drawn then.  A condition is named after the nearest choice only, because
    that one hangs on the choices above it itself.

        open("space.dot", "w").write(dot_hyperparameters(space))     # then: dot -Tpng space.dot > space.png

    Args:
        expr: a search space: a node, or nested dicts, lists and tuples with nodes in them.

    Raises:
        SpaceError: the space makes no sense.
    """
    space = expr if isinstance(expr, Space) else Space(expr)
    lines: dict[str, None] = {}  # in order, and each once
    for label, condition in zip(space.labels, space.conditions, strict=True):
        lines[f"{_quoted(label)} [ shape=box];"] = None
        for conjunction in condition:
            terms = [(space.labels[column], f"{space.labels[column]}={code}") for column, code in conjunction]
            if not terms:
                continue
            whole = " & ".join(term for _, term in terms)
            for parent, term in terms:
                lines[f"{_quoted(term)} [ shape=ellipse];"] = None
                lines[f"{_quoted(parent)} -> {_quoted(term)};"] = None
                if term != whole:
                    lines[f"{_quoted(whole)} [ shape=ellipse];"] = None
                    lines[f"{_quoted(term)} -> {_quoted(whole)};"] = None
            lines[f"{_quoted(whole)} -> {_quoted(label)};"] = None
    return "\n".join(["digraph {", *lines, "}", ""])


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
