"""Draws the regret curves: per suite, the median over tasks and seeds, and the band between the quartiles.

    python -m benchmarks.quality.curves [--optimisers A B ...] [--out docs/images/quality.svg]

Normalised regret as in `report`, from 1 to 200 evaluations: 1 is random search's median, 0 the best known, shown from a
thousandth.  A curve ends where its runs do.  Needs matplotlib.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality import records, scoring
from benchmarks.quality.comparison import References, Runs, best_known
from benchmarks.quality.run import RESULTS
from benchmarks.quality.tasks import SUITES

__all__ = ["main", "quartiles", "regret_curve"]

_OUT = Path(__file__).parents[2] / "docs" / "images" / "quality.svg"
_SHOWN = ("parzen-auto", "parzen-tpe", "optuna-tpe", "optuna-gp", "optuna-cmaes", "smac", "hebo", "ax")
_SHOWN += ("hyperopt-tpe", "nevergrad", "random")
# Okabe and Ito's colours can be told apart by everybody; ours are drawn thicker, the heavy ones dashed.
_COLOURS = (
    "#000000",
    "#D55E00",
    "#0072B2",
    "#56B4E9",
    "#009E73",
    "#CC79A7",
    "#8C6D31",
    "#7B4173",
    "#E69F00",
    "#999933",
)
_DASHED = {"optuna-gp", "smac", "hebo", "ax"}
_GREY = "#999999"
# Evenly in the logarithm: nobody sees more points, and the file stays small.
_BUDGETS = np.unique([*np.round(np.geomspace(1, 200, 48)).astype(int), 25, 50, 100])


def regret_curve(
    losses: Sequence[float], reference: scoring.Reference, best: float, budgets: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Normalised regret `(len(budgets),)` of one run after each number of evaluations; NaN beyond its end."""
    so_far = np.fmin.accumulate(np.asarray(losses, dtype=np.float64))
    floor = min(best, reference.best)
    reached = budgets <= len(so_far)
    at = np.minimum(budgets, len(so_far)) - 1
    span = np.maximum(reference.random_median[budgets - 1] - floor, 1e-12)
    return np.where(reached, np.maximum(so_far[at] - floor, 0.0) / span, np.nan)


def quartiles(
    runs: Runs, references: References, best: dict[str, float], optimiser: str, suite: str | None
) -> NDArray[np.float64] | None:
    """25, 50 and 75 % `(3, budgets)` over the runs of an optimiser in a suite; None where it has none.

    NaN from where fewer than half of its runs go on, so that the end of a curve is not about other tasks.
    """
    curves = [
        regret_curve(run.losses, references[task], best[task], _BUDGETS)
        for (name, task, _), run in runs.items()
        if name == optimiser and task in references and (suite is None or task.split("/", maxsplit=1)[0] == suite)
    ]
    if not curves:
        return None
    table = np.array(curves)
    enough = np.isfinite(table).mean(axis=0) >= 0.5
    out = np.full((3, len(_BUDGETS)), np.nan)
    out[:, enough] = np.nanquantile(table[:, enough], [0.25, 0.5, 0.75], axis=0)
    return np.maximum(out, scoring.FLOOR)


def _draw(runs: Runs, optimisers: Sequence[str], out: Path) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    import matplotlib.pyplot as plt

    mpl.rcParams.update({"svg.hashsalt": "parzen", "svg.fonttype": "none", "font.size": 8, "path.simplify": True})
    references, best = scoring.read_references(), best_known(runs)
    colours = iter(_COLOURS)
    styles = {name: _GREY if name == "random" else next(colours) for name in optimisers}
    figure, axes = plt.subplots(2, 3, figsize=(11, 6.6), sharex=True, sharey=True, layout="constrained")
    for axis, suite in zip(axes.flat, [None, *SUITES], strict=True):
        for name in optimisers:
            curve = quartiles(runs, references, best, name, suite)
            if curve is None:
                continue
            ours = name.startswith("parzen-")
            line = "--" if name in _DASHED else "-"
            axis.plot(_BUDGETS, curve[1], line, color=styles[name], lw=2.2 if ours else 1.2, label=name)
            axis.fill_between(_BUDGETS, curve[0], curve[2], color=styles[name], alpha=0.14 if ours else 0.07, lw=0)
        axis.set(xscale="log", yscale="log", ylim=(scoring.FLOOR, 4), xlim=(1, 200), title=suite or "all suites")
        axis.set_xticks([1, 5, 10, 25, 50, 100, 200], labels=["1", "5", "10", "25", "50", "100", "200"])
        axis.minorticks_off()
        axis.axhline(1.0, color=_GREY, lw=0.6, ls=":")
        axis.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("evaluations")
    figure.supylabel("normalised regret: median, quartiles (1: random search's median)")
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, columnspacing=1.2)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, metadata={"Date": None})
    plt.close(figure)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if there is nothing to draw."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--optimisers", nargs="+", help="default: those of the report that have runs")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--out", type=Path, default=_OUT)
    options = parser.parse_args(arguments)
    runs = records.read(options.results)
    there = {key[0] for key in runs}
    optimisers = [name for name in options.optimisers or _SHOWN if name in there]
    if not optimisers:
        print(f"no runs in {options.results}")
        return 1
    _draw(runs, optimisers, options.out)
    print(f"{options.out}: {options.out.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
