"""The peers' environments: makes them, and says which interpreter an optimiser runs on.

    python -m benchmarks.quality.peers FOLDER [basic nevergrad smac hebo ax]

Each `requirements/NAME.txt` becomes an environment FOLDER/NAME of its own, since their needs exclude each other and must
not shape ours.  The runs then take `--peers FOLDER`; or `--peer-python NAME=PATH` for one environment, or
`--peer-python PATH` for all peers.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

__all__ = ["ENVIRONMENTS", "add_arguments", "main", "python_of"]

_REQUIREMENTS = Path(__file__).parent / "requirements"

ENVIRONMENTS = ("basic", "nevergrad", "smac", "hebo", "ax")
"""Names of the environments, cheap ones first."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options by which a command is told where the peers are."""
    parser.add_argument("--peers", type=Path, help="folder of environments that this module made")
    parser.add_argument(
        "--peer-python",
        nargs="+",
        default=[],
        metavar="[NAME=]PATH",
        help="interpreter of one environment, or of all peers",
    )


def python_of(environment: str | None, options: argparse.Namespace) -> str:
    """The interpreter for an environment; this one, where nothing was said or the optimiser is no peer."""
    if environment is None:
        return sys.executable
    given = dict(text.split("=", 1) if "=" in text else ("", text) for text in options.peer_python)
    if environment in given:
        return given[environment]
    if options.peers is not None and (made := options.peers / environment / "bin" / "python").exists():
        # Not resolved: the link is what makes it the environment's interpreter.
        return str(made.absolute())
    return given.get("", sys.executable)


def main(arguments: Sequence[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ENVIRONMENTS)}; default: all")
    options = parser.parse_args(arguments)
    if unknown := set(options.names) - set(ENVIRONMENTS):
        parser.error(f"no environment is called {', '.join(sorted(unknown))}; there are {', '.join(ENVIRONMENTS)}")
    for name in options.names or ENVIRONMENTS:
        venv.create(options.folder / name, with_pip=True)
        pip = [str(options.folder / name / "bin" / "python"), "-m", "pip", "install"]
        # In two steps: what the benchmark itself needs must not make the resolver give up a pin of the peer.
        for requirements in (f"{name}.txt", "tasks.txt"):
            subprocess.run([*pip, "-r", str(_REQUIREMENTS / requirements)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
