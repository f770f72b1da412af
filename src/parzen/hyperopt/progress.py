"""What may show how far a search is: context managers under Hyperopt's names.

Each takes `initial` and `total` and gives an object with `update(n)` and an attribute `postfix` that may be set.  Give
one, or your own, to `fmin(show_progressbar=...)`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from parzen._lazy import require

__all__ = ["default_callback", "no_progress_callback", "tqdm_progress_callback"]


@contextmanager
def tqdm_progress_callback(initial: int, total: int) -> Iterator[Any]:  # tqdm ships no types
    """A bar of tqdm; what the objective prints meanwhile goes above it.

    Args:
        initial: trials that have ended before.
        total: how many there are to be; `sys.maxsize` and more for no limit.

    Raises:
        MissingDependency: tqdm is not installed.
    """
    tqdm = require("tqdm", "parzen[hyperopt]")
    from parzen.hyperopt.std_out_err_redirect_tqdm import std_out_err_redirect_tqdm

    with (
        std_out_err_redirect_tqdm() as stdout,
        tqdm.tqdm(
            total=None if total is None or total >= sys.maxsize else total,
            initial=initial,
            file=stdout,
            postfix={"best loss": "?"},
            dynamic_ncols=True,
            unit="trial",
        ) as bar,
    ):
        yield bar


class _Nothing:
    """Takes what a bar is told."""

    postfix: Any = None

    def update(self, n: int) -> None:
        """So many more have ended."""


@contextmanager
def no_progress_callback(initial: int, total: int) -> Iterator[Any]:
    """Shows nothing."""
    yield _Nothing()


@contextmanager
def default_callback(initial: int, total: int) -> Iterator[Any]:
    """What a search shows by default: `fmin` takes parzen's own feedback for it.  Entered by hand it is tqdm's bar."""
    with tqdm_progress_callback(initial=initial, total=total) as bar:
        yield bar
