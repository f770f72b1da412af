"""What a search gives back."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, overload

from parzen._html import cell, facts
from parzen._lazy import require
from parzen.errors import AllTrialsFailed
from parzen.study._cells import utf8
from parzen.study._watching import overview
from parzen.trials import History, State, Trial

if TYPE_CHECKING:
    import pandas

    from parzen.plots import Plots
    from parzen.study._study import Study

__all__ = ["Result", "TrialView", "best_of"]


class TrialView(Sequence[Trial]):
    """All trials of a history, in order of their numbers; each is made when it is looked at."""

    def __init__(self, history: History) -> None:
        self._history = history

    def __len__(self) -> int:
        return len(self._history)

    @overload
    def __getitem__(self, index: int) -> Trial: ...
    @overload
    def __getitem__(self, index: slice) -> list[Trial]: ...
    def __getitem__(self, index: int | slice) -> Trial | list[Trial]:
        if isinstance(index, slice):
            return [self._history.trial(i) for i in range(*index.indices(len(self)))]
        return self._history.trial(index + len(self) if index < 0 else index)

    def __iter__(self) -> Iterator[Trial]:
        return iter(self._history)

    def __repr__(self) -> str:
        tally = self._history.tally
        return f"<{len(self)} trials{': ' + tally if tally else ''}>"


def best_of(history: History) -> Trial:
    """The best trial.

    Raises:
        AllTrialsFailed: none has a finite loss; the text says what happened instead.
    """
    best = history.best
    if best is not None:
        return best
    if not len(history):
        raise AllTrialsFailed("there is no best trial: no trial has been run")
    from parzen.feedback._facts import commonest, commonest_said  # not before something is wrong

    text, failures = (
        f"there is no best trial: none of {len(history)} has a finite loss ({history.tally})",
        commonest(history),
    )
    if failures is not None:
        example, others = failures[2], failures[-1]
        text += f"; most often {commonest_said(failures)}" + (
            f", and {others} other kinds of failure" if others else ""
        )
        folder = history.extras(example).get("folder")
        if isinstance(folder, str):  # of a program of any language
            text += f". To see it for yourself: command.txt, output.txt and errors.txt in {folder} are of that trial"
        else:
            text += (
                ". To see it for yourself, call the objective with the configuration of that trial, "
                f"trials[{example}].config; trials[{example}].error has the traceback, if it raised"
            )
    raise AllTrialsFailed(text)


def _cell(value: Any) -> Any:  # an option may be anything
    return utf8(value) if isinstance(value, str) else value


def _shown(value: object) -> str:
    """A short `repr`, whatever the value is: configurations may be too deep for one, and options' own may raise."""
    try:
        text = repr(value)
    except Exception:
        return f"<{type(value).__name__} that cannot be shown>"
    return text if len(text) <= 500 else text[:499] + "…"


class Result:
    """What `minimize` and `Study.run` give back; it shows the study as it is now.

    Attributes:
        study: to go on with.
        stopped_by: "trials", "timeout", "interrupt", "request", "space exhausted", "callback", or what a stop rule said.
        signal: the number of the signal that interrupted it, if one did.
    """

    def __init__(self, study: Study, stopped_by: str, signal: int | None = None) -> None:
        self.study = study
        self.stopped_by = stopped_by
        self.signal = signal

    @property
    def history(self) -> History:
        """The columns: `history.values`, `history.losses` (always to be minimised) and more."""
        return self.study.history

    @property
    def best(self) -> Trial:
        """The trial with the best loss (raises `AllTrialsFailed` where there is none)."""
        return best_of(self.history)

    @property
    def recommended(self) -> Trial:
        """The trial to go on with where losses are noisy (raises `AllTrialsFailed` where there is none).

        Of many noisy losses the least was luck as well.  A Gaussian process is fitted to all trials, which tells noise
        from differences, and the trial whose loss it expects to be least is this one.  What is exact, because the process
        finds no noise or the objective returned a `loss_variance` that is small, is expected to be what was measured; where all
        is exact it is `best`.  It takes from some milliseconds to a second, each time.
        """
        from parzen.analysis import noise_of  # loads scipy

        best, noise = self.best, noise_of(self.history)
        return best if noise is None or noise.recommended == best.number else self.trials[noise.recommended]

    @property
    def trials(self) -> TrialView:
        """All trials, in order of their numbers."""
        return TrialView(self.history)

    @property
    def plot(self) -> Plots:
        """Plots: `result.plot.history()`, `.slice()`, `.importances()` and others; see `parzen.plots.Plots`."""
        return self.study.plot

    def report(self, path: str | os.PathLike[str], *, plots: bool = True) -> None:
        """Write one self-contained HTML file about the study: question, answer, confidence, plots, table, failures.

        Args:
            path: of the file.
            plots: False leaves the pictures out, and needs no matplotlib.

        Raises:
            MissingDependency: matplotlib is not installed: `pip install "parzen[plots]"`, or say `plots=False`.
        """
        self.study.write_report(path, plots=plots)

    def to_pandas(self) -> pandas.DataFrame:
        """A row for each trial: number, state, loss, seconds, a column for each parameter, further metrics.

        Lone surrogates, which no column of text can hold where pandas uses Arrow, are spelled as escapes.

        Raises:
            MissingDependency: pandas is not installed.
        """
        pd: Any = require("pandas", "pandas")  # an optional package
        columns = {label: utf8(f"param_{label}") for label in self.history.space.labels}
        base = ["number", "state", "loss", "seconds", *columns.values()]
        rows = []
        for trial in self.trials:
            row: dict[str, Any] = {
                "number": trial.number,
                "state": trial.state.name,
                "loss": float("nan") if trial.loss is None else trial.loss,
                "seconds": float("nan") if trial.seconds is None else trial.seconds,
            }
            row.update({column: _cell(trial.params.get(label)) for label, column in columns.items()})
            numbers = {k: x for k, x in trial.extra.items() if isinstance(x, (int, float)) and not isinstance(x, bool)}
            numbers.update({k: x for k, x in trial.metrics.items() if k != self.history.objectives[0]})
            row.update({utf8(f"metric_{name}"): x for name, x in numbers.items()})
            error = None if trial.error is None else utf8(str(trial.error))
            rows.append({**row, "source": utf8(trial.source), "error": error})
        frame: pandas.DataFrame = pd.DataFrame(rows) if rows else pd.DataFrame(columns=[*base, "source", "error"])
        return frame

    def _facts(self) -> list[tuple[str, str]]:
        history = self.history
        facts = []
        if history.best_number is not None:
            best = self.best
            facts += [
                ("best loss", f"{best.loss!r} (trial {best.number})"),
                ("best config", _shown(best.config)),
            ]
        else:
            facts.append(("best loss", "none: no trial has a finite loss"))
        ok, bad = history.count(State.OK), history.count(State.FAILED, State.ERROR)
        facts.append(
            ("trials", f"{ok} ok, {bad} failed" + (f", {n} pruned" if (n := history.count(State.PRUNED)) else ""))
        )
        facts.append(("stopped by", self.stopped_by))
        facts.append(("study", f"{self.study.name!r} in {self.study.location}"))
        return facts

    def __repr__(self) -> str:
        return "Result\n" + "\n".join(f"  {name:<12} {value}" for name, value in self._facts())

    def _repr_html_(self) -> str:
        from parzen.feedback._page import curve_svg

        rows = [(name, cell(value)) for name, value in self._facts()]
        return facts(rows, "Result") + curve_svg(overview(self.study))
