"""All plots of one study, as methods: `result.plot.history()`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from parzen.analysis import Source, history_of
from parzen.plots._contour import contour_chart
from parzen.plots._convergence import convergence_chart
from parzen.plots._curves import curves_chart
from parzen.plots._edf import edf_chart
from parzen.plots._history import history_chart
from parzen.plots._importance import importances_chart
from parzen.plots._parallel import parallel_chart
from parzen.plots._plot import Plot
from parzen.plots._rank import rank_chart
from parzen.plots._slice import slice_chart
from parzen.plots._thinning import Kept
from parzen.plots._timeline import timeline_chart
from parzen.trials import History

__all__ = ["NAMES", "Plots"]


class Plots:
    """The plots of a study, each of the trials as they are when it is called.

    Args:
        source: a study, a result or a history.
        name: of the study, where several are in one plot.
        keep: numbers of trials that are drawn in any case, where not all are.
    """

    def __init__(self, source: Source, name: str = "this study", keep: Kept = ()) -> None:
        self._source, self._name, self._keep = source, name, keep

    @property
    def _history(self) -> History:
        return history_of(self._source)

    def history(self) -> Plot:
        """Losses over the trials' numbers, with the best so far and the noise."""
        return Plot(history_chart(self._history, self._keep))

    def slice(self, labels: Sequence[str] | None = None) -> Plot:
        """Losses over each parameter; without `labels` those that matter most, up to twelve."""
        return Plot(slice_chart(self._history, labels, keep=self._keep))

    def contour(self, x: str | None = None, y: str | None = None) -> Plot:
        """Losses over two parameters, blank where nothing was tried; by default the two that matter most."""
        return Plot(contour_chart(self._history, x, y, keep=self._keep))

    def parallel(self, labels: Sequence[str] | None = None) -> Plot:
        """Parallel coordinates: a line for each trial through its parameters, below the axis where one is inactive."""
        return Plot(parallel_chart(self._history, labels, keep=self._keep))

    def importances(self, method: str = "ped-anova") -> Plot:
        """Which parameters matter, with intervals; `method` is "ped-anova" or "fanova" (which needs scikit-learn)."""
        return Plot(importances_chart(self._history, method))

    def rank(self, labels: Sequence[str] | None = None) -> Plot:
        """Where good trials are, for each pair of up to four parameters."""
        return Plot(rank_chart(self._history, labels, keep=self._keep))

    def edf(self, **others: Source) -> Plot:
        """Which share of the trials is how good; `others` are studies to compare with, by name."""
        return Plot(edf_chart(self._with(others)))

    def timeline(self) -> Plot:
        """When each worker was busy with which trial."""
        return Plot(timeline_chart(self._history, self._keep))

    def curves(self) -> Plot:
        """Learning curves: what trials reported on the way, and where they were pruned."""
        return Plot(curves_chart(self._history, self._keep))

    def convergence(self, random: Source | None = None, **others: Source) -> Plot:
        """The best so far against random search: estimated, or `random`, a study that made one; `others` as for `edf`."""
        made = None if random is None else history_of(random)
        return Plot(convergence_chart(self._with(others), made))

    def _with(self, others: Mapping[str, Source]) -> dict[str, History]:
        return {self._name: self._history, **{name: history_of(other) for name, other in others.items()}}

    def named(self, name: str) -> Callable[..., Plot]:
        """The method of that name (raises `ValueError` where there is no such plot)."""
        if name not in NAMES:
            raise ValueError(f"there is no plot {name!r:.80}; there are {', '.join(NAMES)}")
        method: Any = getattr(self, name)
        return method  # type: ignore[no-any-return]  # each of NAMES is one

    def __repr__(self) -> str:
        return f"<Plots of {self._name!r}: {', '.join(NAMES)}>"


NAMES = ("history", "convergence", "slice", "contour", "parallel", "importances", "rank", "edf", "timeline", "curves")
"""The plots that there are, in the order in which a report shows them."""
