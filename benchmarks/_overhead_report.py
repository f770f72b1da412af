"""What `overhead` measured, as Markdown and as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

__all__ = ["BEGIN", "END", "Case", "Medians", "in_block", "stored", "tables"]

BEGIN, END = "<!-- overhead:begin -->", "<!-- overhead:end -->"
"""Around the tables in `README.md`."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Attributes:
        kind: "import"; "first" and "model", the entry of the first and of the 31st trial; "trial" and "largest", the mean
            and the largest of a window; "memory".
        library: name.
        algorithm: "tpe", "random", "auto", or "" for imports.
        space: name, or "" for imports.
        count: trials in the history before the window, or that memory is divided by; 0 for the other kinds.
    """

    kind: str
    library: str
    algorithm: str = ""
    space: str = ""
    count: int = 0


Medians = Mapping[Case, float]
"""CPU seconds; bytes a trial for "memory"."""

_TITLES = {
    "tpe": "TPE",
    "random": "random search",
    "auto": "`auto` and, of Optuna, GPSampler",
}


def tables(known: Medians, libraries: Sequence[str]) -> list[str]:
    """The report in Markdown, a line each."""
    return [
        *_imports(known, libraries),
        *_first_suggestions(known, libraries),
        *_trials(known, libraries),
        *_largest(known),
        *_growth(known, libraries),
        *_memory(known, libraries),
    ]


def _imports(known: Medians, libraries: Sequence[str]) -> list[str]:
    base = Case("import", "numpy")
    cases = [case for case in (Case("import", library) for library in ("numpy", *libraries)) if case in known]
    body = ([case.library, _figure(known, case), _ratio(known, case, base, 2)] for case in cases)
    return _table("Import, CPU seconds in a fresh interpreter", ["", "seconds", "/ numpy"], body)


def _first_suggestions(known: Medians, libraries: Sequence[str]) -> list[str]:
    title = "First suggestion, CPU seconds of a fresh interpreter with everything imported"
    rows: dict[tuple[str, str], list[str]] = {}
    for algorithm in ("tpe", "auto"):
        for library in libraries:
            cases = [
                c
                for kind in ("first", "model")
                for c in known
                if (c.kind, c.library, c.algorithm) == (kind, library, algorithm)
            ]
            if cases:
                rows[library, algorithm] = [f"{library}, {algorithm}", *(_figure(known, case) for case in cases)]
    return _table(title, ["", "entry of the first trial", "entry of the 31st"], rows.values())


def _trials(known: Medians, libraries: Sequence[str]) -> Iterator[str]:
    measured = dict.fromkeys((c.algorithm, c.space) for c in known if c.kind == "trial")
    for algorithm, space in sorted(measured, key=lambda pair: list(_TITLES).index(pair[0])):
        counts = sorted({c.count for c in known if (c.kind, c.algorithm, c.space) == ("trial", algorithm, space)})
        here = [name for name in libraries if any(Case("trial", name, algorithm, space, n) in known for n in counts)]
        peers = [name for name in here if name != "parzen"]
        body = []
        for count in counts:
            cases = {name: Case("trial", name, algorithm, space, count) for name in here}
            own = Case("trial", "parzen", algorithm, space, count)
            row = [str(count), *(_figure(known, case, 1e3) for case in cases.values())]
            body.append(row + [_ratio(known, cases[peer], own, 1) for peer in peers])
        title = f"A trial of {_TITLES[algorithm]}, {space}, CPU milliseconds; ratios: a peer's time over parzen's"
        yield from _table(title, ["n", *here, *(f"{peer} / parzen" for peer in peers)], body)


def _largest(known: Medians) -> list[str]:
    cases = [c for c in known if (c.kind, c.library, c.algorithm) == ("largest", "parzen", "auto")]
    spaces, counts = dict.fromkeys(c.space for c in cases), sorted({c.count for c in cases})
    body = (
        [space, *(_figure(known, Case("largest", "parzen", "auto", space, count), 1e3) for count in counts)]
        for space in spaces
    )
    title = "The largest single trial of 20 by `auto`, CPU milliseconds, after n trials"
    return _table(title, ["", *map(str, counts)], body)


def _growth(known: Medians, libraries: Sequence[str]) -> list[str]:
    """t ~ n^exponent between 1 000 trials and the most there are."""
    body = []
    for algorithm, space in dict.fromkeys((c.algorithm, c.space) for c in known if c.kind == "trial"):
        for library in libraries:
            first = Case("trial", library, algorithm, space, 1000)
            later = [
                c.count
                for c in known
                if (c.kind, c.library, c.algorithm, c.space) == ("trial", library, algorithm, space)
            ]
            last = Case("trial", library, algorithm, space, max(later, default=0))
            if first in known and last.count > 1000:
                exponent = math.log(known[last] / known[first]) / math.log(last.count / 1000)
                body.append([f"{library}, {algorithm}, {space}", str(last.count), f"{exponent:.2f}"])
    title = "Growth: the exponent e of n^e, from 1 000 trials to the most that were measured"
    return _table(title, ["", "up to n", "exponent"], body)


def _memory(known: Medians, libraries: Sequence[str]) -> list[str]:
    cases = [case for library in libraries for case in known if (case.kind, case.library) == ("memory", library)]
    own = {case.space: case for case in cases if case.library == "parzen"}
    body = []
    for case in cases:
        ratio = _ratio(known, case, own[case.space], 1) if case.space in own else ""
        body.append([case.library, case.space, str(case.count), f"{known[case]:.0f}", ratio])
    title = "Memory, bytes that the process grew by for each trial of random search"
    return _table(title, ["", "space", "trials", "bytes a trial", "/ parzen"], body)


def _table(title: str, head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """A titled table; nothing where it would be empty."""
    rows = [list(row) for row in body]
    if not rows:
        return []
    lines = [list(head), ["---"] * len(head), *rows]
    return [f"### {title}", "", *("| " + " | ".join(line) + " |" for line in lines), ""]


def _figure(known: Medians, case: Case, scale: float = 1.0) -> str:
    return f"{scale * known[case]:.3g}" if case in known else ""


def _ratio(known: Medians, over: Case, under: Case, digits: int) -> str:
    return f"{known[over] / known[under]:.{digits}f}" if over in known and under in known else ""


# --- where it goes --------------------------------------------------------------------------------------------------


def stored(about: Mapping[str, object], figures: Mapping[Case, Sequence[float]], missing: Mapping[Case, str]) -> str:
    """Everything as JSON: the value of every round, and why there are none."""
    measured = [{**asdict(case), "values": list(values)} for case, values in figures.items()]
    absent = [{**asdict(case), "reason": reason} for case, reason in missing.items()]
    return json.dumps({**about, "figures": measured, "missing": absent}, indent=1) + "\n"


def in_block(page: Path, text: str) -> None:
    """Put a text between the two marks of a page, instead of what is there.

    Raises:
        ValueError: the page has not both marks.
    """
    whole = page.read_text(encoding="utf-8")
    if BEGIN not in whole or END not in whole:
        raise ValueError(f"{page.name} has no {BEGIN} … {END} to write between")
    before, after = whole.split(BEGIN)[0], whole.split(END)[1]
    page.write_text(f"{before}{BEGIN}\n{text.strip()}\n{END}{after}", encoding="utf-8")
