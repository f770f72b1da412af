"""Puts the table of faults into docs/reliability.md: python tests/faults/table.py LINES PAGE."""

from __future__ import annotations

import json
import sys
from pathlib import Path

BEGIN, END = "<!-- table: written by .ci/full faults -->", "<!-- end of the table -->"


def table(lines: list[str]) -> str:
    """The rows of all tests, those of one fault and store added up."""
    rows: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        fault, store, *numbers = json.loads(line)
        total = rows.setdefault((fault, store), [0] * len(numbers))
        for place, number in enumerate(numbers):
            total[place] += number
    made = ["| fault | store | tries | trials | lost | doubled |", "|---|---|---|---|---|---|"]
    for (fault, store), numbers in sorted(rows.items()):
        made.append(f"| {fault} | {store} | {' | '.join(map(str, numbers))} |")
    return "\n".join(made)


def main() -> None:
    lines, page = Path(sys.argv[1]), Path(sys.argv[2])
    before, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    made = table(lines.read_text(encoding="utf-8").splitlines())
    page.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
