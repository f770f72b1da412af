"""Prints what the runs say, in Markdown.

    python -m benchmarks.quality.report [--optimisers A B ...] [--budgets 25 50 100 200] [--ours parzen-auto]
        [--subset heavy] [--tasks-too] [--readme] [--json FILE]

**All suites, and each**: of the optimisers that have runs on all tasks, on the (task, seed) pairs that all of them have.
`mean`: normalised regret (0 = best known, 1 = random search's median at that budget) averaged over seeds, then over
tasks.  `geo`: geometric mean over tasks of the per-task means, floored at 1e-3.  `rank`: mean rank among the rows, with a
95 % bootstrap interval.  `beats`: share of paired runs with the smaller loss.

**Duels**: ours against each other optimiser, on the tasks that the other one has, so that a peer that is too slow for
all tasks costs the others nothing.  The share of runs that ours wins and the gap between the mean regrets, with 95 %
bootstrap intervals; `behind` in a suite means that the peer is significantly ahead there.  Nothing is corrected for
looking at many peers, which makes `behind` easier to get.

**Worse than random search**: a one-sided sign test for each task, Holm-corrected.

`--readme` writes the short form of it into `benchmarks/README.md`, and the outline into `docs/how-good.md`, between their
markers.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality import readme, records, scoring
from benchmarks.quality.comparison import (
    Duel,
    References,
    Row,
    Runs,
    best_known,
    compare,
    complete,
    duel,
    worse_than_random,
)
from benchmarks.quality.run import RESULTS
from benchmarks.quality.tasks import SUBSETS

__all__ = ["main", "markdown", "percent"]

_BUDGETS = (25, 50, 100, 200)


@dataclass(frozen=True, slots=True)
class _Report:
    """What all tables are made from."""

    runs: Runs
    references: References
    best: dict[str, float]
    optimisers: Sequence[str]
    ours: str
    subset: str | None

    @property
    def suites(self) -> list[str]:
        """In the order of their names."""
        return sorted({task.split("/")[0] for _, task, _ in self.runs})

    def counts(self, task: str, suite: str | None, subset: str | None = None) -> bool:
        """Whether a task belongs into a table."""
        subset = subset or self.subset
        return (suite is None or task.split("/", maxsplit=1)[0] == suite) and (
            subset is None or task in SUBSETS[subset]
        )

    def rows(self, optimisers: Sequence[str], budget: int, suite: str | None, subset: str | None = None) -> list[Row]:
        """Of one table."""
        if not optimisers:
            return []
        return compare(
            *(self.runs, self.references, optimisers, budget), lambda task: self.counts(task, suite, subset), self.best
        )

    def duel(self, other: str, budget: int, suite: str | None) -> Duel | None:
        """Ours against another."""
        return duel(
            *(self.runs, self.references, self.ours, other, budget), lambda task: self.counts(task, suite), self.best
        )


def markdown(head: Iterable[str], body: Iterable[Iterable[str]]) -> list[str]:
    """The lines of a table, and an empty one."""
    cells = list(head)
    rule = ["---"] * len(cells)
    return ["| " + " | ".join(line) + " |" for line in [cells, rule, *map(list, body)]] + [""]


def _show(title: str, rows: Sequence[Row], *, wins: bool = True, tasks_too: bool = False) -> list[str]:
    names = [row.optimiser for row in rows]
    body = [
        [
            row.optimiser,
            f"{row.mean:.3f}",
            f"{row.geometric:.3f}",
            f"{row.rank:.2f} ({row.interval[0]:.2f} to {row.interval[1]:.2f})",
            *("" if name == row.optimiser else f"{100 * row.wins[name]:.0f} %" for name in names if wins),
        ]
        for row in rows
    ]
    lines = [f"### {title}: {len(rows[0].tasks)} tasks, {rows[0].runs} paired runs", ""]
    lines += markdown(["", "mean", "geo", "rank", *(f"beats {name}" for name in names if wins)], body)
    if tasks_too:
        by_task = [[task, *(f"{row.tasks[task]:.3f}" for row in rows)] for task in rows[0].tasks]
        lines += markdown(["task", *names], by_task)
    return lines


def _suites(report: _Report, budget: int) -> list[str]:
    """One table with a column per suite: mean regret and mean rank of the complete ones."""
    names = complete(report.runs, report.optimisers, budget)
    overall = report.rows(names, budget, None)
    if not overall:
        return []
    by_suite = {suite: {row.optimiser: row for row in report.rows(names, budget, suite)} for suite in report.suites}
    shown = {suite: rows for suite, rows in by_suite.items() if rows}
    body = [
        [
            row.optimiser,
            *(f"{rows[row.optimiser].mean:.3f} / {rows[row.optimiser].rank:.2f}" for rows in shown.values()),
        ]
        for row in overall
    ]
    head = ["mean / rank", *(f"{suite} ({len(next(iter(rows.values())).tasks)})" for suite, rows in shown.items())]
    return [f"### By suite after {budget}", "", *markdown(head, body)]


def percent(interval: tuple[float, float]) -> str:
    """An interval of shares, without the sign."""
    return f"{100 * interval[0]:.0f} to {100 * interval[1]:.0f}"


def _duels(report: _Report, budget: int) -> list[str]:
    """Ours against each, over all suites, and the share won per suite."""
    others = [name for name in report.optimisers if name != report.ours]
    fought = {name: d for name in others if (d := report.duel(name, budget, None)) is not None}
    if not fought:
        return []
    body = [
        [
            name,
            f"{d.tasks}",
            f"{d.runs[0]} / {d.runs[1]}",
            f"{100 * d.wins:.0f} % ({percent(d.wins_interval)})",
            d.by_wins,
            f"{d.means[0]:.3f} / {d.means[1]:.3f}",
            f"{d.gap:+.3f} ({d.gap_interval[0]:+.3f} to {d.gap_interval[1]:+.3f})",
            d.by_regret,
        ]
        for name, d in sorted(fought.items(), key=lambda item: item[1].wins)
    ]
    head = ["against", "tasks", "runs", "won", "so", "mean regret", "gap", "so"]
    lines = [f"### {report.ours} against each after {budget}, on the other's tasks", "", *markdown(head, body)]
    cells = {
        name: [report.duel(name, budget, suite) for suite in report.suites]
        for name in sorted(fought, key=lambda name: fought[name].wins)
    }
    body = [
        [name, *("" if d is None else f"{100 * d.wins:.0f} % ({percent(d.wins_interval)}) {d.by_wins}" for d in duels)]
        for name, duels in cells.items()
    ]
    lines += [
        f"### Runs that {report.ours} wins after {budget}, by suite",
        "",
        *markdown(["against", *report.suites], body),
    ]
    behind = [f"{name} on {suite}" for name, duels in cells.items() for suite, d in zip(report.suites, duels, strict=True)
              if d is not None and d.by_wins == "behind"]  # fmt: skip
    lines += [f"Significantly ahead of {report.ours}: {', '.join(behind) if behind else 'none, on no suite'}.", ""]
    return lines


def _worse(report: _Report, names: Sequence[str], budgets: Sequence[int], level: float = 0.01) -> list[str]:
    """One row per optimiser: on how many tasks it is worse than random search, and where it comes closest."""
    body = []
    for name in names:
        cells = []
        for budget in budgets:
            rows = worse_than_random(
                report.runs, report.references, name, budget, lambda task: report.counts(task, None)
            )
            worse = [row.task for row in rows if row.adjusted < level]
            least = (
                f"; least p {rows[0].p:.2g} ({rows[0].above} of {rows[0].runs} above, {rows[0].task})" if rows else ""
            )
            cells.append("" if not rows else f"{', '.join(worse) or 'none'} of {len(rows)}{least}")
        body.append([name, *cells])
    title = f"### Worse than random search on which task (one-sided, {100 * level:.0f} %, Holm over tasks)"
    return [title, "", *markdown(["", *(f"after {budget}" for budget in budgets)], body)]


def _full(report: _Report, budgets: Sequence[int], tasks_too: bool) -> tuple[list[str], list[dict[str, Any]]]:
    """Everything, and the numbers behind it."""
    lines: list[str] = []
    stored: list[dict[str, Any]] = []
    for budget in budgets:
        names = complete(report.runs, report.optimisers, budget)
        for suite in [None, *report.suites]:
            rows = report.rows(names, budget, suite)
            if rows:
                lines += _show(f"{suite or 'All suites'} after {budget}", rows, tasks_too=tasks_too)
                stored.append({"budget": budget, "suite": suite, "rows": [asdict(row) for row in rows]})
        lines += _heavy(report, budget, wins=True)
        lines += _duels(report, budget)
    lines += _worse(report, report.optimisers, budgets)
    return lines, stored


def _heavy(report: _Report, budget: int, *, wins: bool) -> list[str]:
    """A table of everybody on the tasks and seeds that even the incomplete ones have, if there are such."""
    everybody = [
        name
        for name in report.optimisers
        if any(o == name and len(run.losses) >= budget for (o, _, _), run in report.runs.items())
    ]
    if everybody == complete(report.runs, everybody, budget):
        return []
    rows = report.rows(everybody, budget, None, "heavy")
    return _show(f"Everybody after {budget}, on what all have of the heavy subset", rows, wins=wins) if rows else []


def _short(report: _Report, budgets: Sequence[int]) -> list[str]:
    """What the README shows."""
    lines: list[str] = []
    for budget in budgets:
        rows = report.rows(complete(report.runs, report.optimisers, budget), budget, None)
        if rows:
            lines += _show(f"All suites after {budget}", rows, wins=False)
    for budget in budgets[-2:]:
        lines += _suites(report, budget)
        lines += _heavy(report, budget, wins=False)
        lines += _duels(report, budget)
    return lines + _worse(report, [name for name in report.optimisers if name.startswith("parzen-")], budgets[-2:])


def _outline(report: _Report, budgets: Sequence[int]) -> list[str]:
    """Two tables for those who want to know no more: mean regrets, and what ours wins against each."""
    means = {
        budget: {
            row.optimiser: row for row in report.rows(complete(report.runs, report.optimisers, budget), budget, None)
        }
        for budget in budgets
    }
    shown = [budget for budget in budgets if means[budget]]
    names = sorted(
        {name for budget in shown for name in means[budget]},
        key=lambda name: means[shown[-1]][name].mean if name in means[shown[-1]] else means[shown[0]][name].mean,
    )
    body = [
        [name, *(f"{means[budget][name].mean:.2f}" if name in means[budget] else "" for budget in shown)]
        for name in names
    ]
    tasks = [len(next(iter(means[budget].values())).tasks) for budget in shown]
    head = ["mean regret", *(f"after {budget} ({n} tasks)" for budget, n in zip(shown, tasks, strict=True))]
    lines = markdown(head, body)
    others = [name for name in report.optimisers if name != report.ours and not name.startswith("parzen-")]
    fought = {name: {b: d for b in shown if (d := report.duel(name, b, None)) is not None} for name in others}
    body = [
        [
            name,
            *(
                f"{100 * duels[b].wins:.0f} % ({percent(duels[b].wins_interval)}), {duels[b].tasks} tasks"
                if b in duels
                else ""
                for b in shown
            ),
        ]
        for name, duels in sorted(fought.items(), key=lambda item: min((d.wins for d in item[1].values()), default=2.0))
        if duels
    ]
    return [*lines, *markdown([f"runs that {report.ours} wins against", *(f"after {b}" for b in shown)], body)]


def _facts(report: _Report) -> list[str]:
    """Of each optimiser: version, seeds, and CPU time of a run of 100 evaluations."""
    body = []
    for name in report.optimisers:
        mine = [run for (o, _, _), run in report.runs.items() if o == name]
        lengths = sorted({len(run.losses) for run in mine})
        seconds = sum(run.seconds for run in mine) / sum(len(run.losses) for run in mine)
        body.append(
            [
                name,
                ", ".join(sorted({run.version for run in mine})),
                f"{len({run.task for run in mine})}",
                f"{len(mine)}",
                f"{lengths[0]} to {lengths[-1]}",
                f"{1000 * seconds:.0f}",
            ]
        )
    head = ["", "version", "tasks", "runs", "evaluations", "CPU ms per evaluation, objective included"]
    return ["### The runs", "", *markdown(head, body)]


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns 1 if there is nothing to compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--optimisers", nargs="+", help="default: all that have runs")
    parser.add_argument("--ours", default="parzen-auto", help="who is compared with each other one by one")
    parser.add_argument("--budgets", nargs="+", type=int, default=_BUDGETS)
    parser.add_argument("--subset", choices=list(SUBSETS), help="only these tasks")
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--tasks-too", action="store_true", help="also a regret per task")
    parser.add_argument(
        "--readme", action="store_true", help="write the short forms into benchmarks/README.md and docs/how-good.md"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    runs = records.read(options.results)
    optimisers = options.optimisers or sorted({key[0] for key in runs})
    absent = [name for name in optimisers if not any(key[0] == name for key in runs)]
    if absent or not optimisers:
        print(f"no runs of {', '.join(absent) or 'anybody'} in {options.results}")
        return 1
    report = _Report(runs, scoring.read_references(), best_known(runs), optimisers, options.ours, options.subset)
    if options.readme:
        readme.write("quality", [*_facts(report), *_short(report, options.budgets)])
        readme.write("outline", _outline(report, options.budgets), readme.HOW_GOOD)
        return 0
    lines, stored = _full(report, options.budgets, options.tasks_too)
    print("\n".join([*_facts(report), *lines]))
    if options.json:
        options.json.write_text(json.dumps(stored, indent=1) + "\n")
    return 0 if stored else 1


if __name__ == "__main__":
    raise SystemExit(main())
