"""Algorithms by name: parzen's own, and those of installed packages."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import parzen
from parzen import hp
from parzen.algorithms import Algorithm, Auto, Random, algorithm_named
from parzen.errors import AlgorithmError

PROGRAM = '''
from dataclasses import dataclass
from parzen.algorithms import Random

@dataclass(frozen=True)
class Wave:
    """Random search under another name."""

    height: float = 1.0

    def suggest(self, space, history, ask):
        return Random().suggest(space, history, ask)

TALL = Wave(9.0)
NUMBER = 3
'''


def _install(where: Path, package: str, entries: str, program: str = PROGRAM) -> None:
    """A distribution as an installer leaves it: a module, and its metadata beside it."""
    module = package.replace("-", "_")
    (where / f"{module}.py").write_text(program, encoding="utf-8")
    metadata = where / f"{module}-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text(f"[parzen.algorithms]\n{entries}\n", encoding="utf-8")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that packages are installed in."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_an_installed_package_adds_an_algorithm_by_name(place: Path) -> None:
    """Its class is called without arguments; the search that it makes says so."""
    _install(place, "wave-search", "wave = wave_search:Wave")
    result = parzen.minimize(
        lambda p: p["x"], {"x": hp.float("x", 0.0, 1.0)}, 5, algorithm="wave", seed=1, progress=False
    )

    assert type(result.study.algorithm).__name__ == "Wave"
    assert isinstance(algorithm_named("wave"), Algorithm)
    assert len(result.trials) == 5


def test_an_entry_point_may_be_a_record(place: Path) -> None:
    """With settings of its own."""
    _install(place, "tall-waves", "tall = tall_waves:TALL")

    assert repr(algorithm_named("tall")) == "Wave(height=9.0)"


def test_nothing_is_imported_before_somebody_says_the_name(
    place: Path, run_python: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Not by other names, nor by listing what there is."""
    _install(place, "quiet-waves", "quiet = quiet_waves:Wave", 'raise RuntimeError("was imported")')
    done = run_python(
        "-c",
        f"import sys; sys.path.insert(0, {str(place)!r})\n"
        "from parzen.algorithms import algorithm_named\n"
        "algorithm_named('tpe')\n"
        "assert 'importlib.metadata' not in sys.modules, 'packages were looked through for a name of our own'\n"
        "try:\n"
        "    algorithm_named('queit')\n"
        "except Exception as error:\n"
        "    assert 'qmc, quiet, random' in str(error), error\n",
    )

    assert done.returncode == 0, done.stderr


def test_our_own_names_come_first(place: Path) -> None:
    """A package cannot change what `auto` or `random` mean."""
    _install(place, "greedy", "auto = greedy:Wave\nrandom = greedy:Wave")

    assert algorithm_named(None) == Auto()
    assert algorithm_named("random") == Random()
    assert "greedy" not in sys.modules


def test_two_packages_with_one_name_are_an_error_that_names_both(place: Path) -> None:
    """Neither wins by chance."""
    _install(place, "first-pack", "twice = first_pack:Wave")
    _install(place, "second-pack", "twice = second_pack:Wave")

    with pytest.raises(AlgorithmError, match="called 'twice', by the packages first-pack and second-pack"):
        algorithm_named("twice")


def test_a_package_that_cannot_be_loaded_is_an_error_that_says_why(place: Path) -> None:
    """Its own exception is the cause."""
    _install(place, "broken-pack", "broken = broken_pack:Wave", "import no_such_module_at_all")

    with pytest.raises(
        AlgorithmError, match="'broken' of the package broken-pack, broken_pack:Wave, cannot be loaded"
    ) as caught:
        algorithm_named("broken")
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


@pytest.mark.parametrize(
    ("attribute", "sentence"),
    [
        ("NUMBER", "is 3, which has no suggest"),
        ("Missing", "cannot be loaded: AttributeError"),
    ],
)
def test_what_is_no_algorithm_is_refused(place: Path, attribute: str, sentence: str) -> None:
    """Before a study is made with it."""
    _install(place, f"odd-{attribute.lower()}", f"odd = odd_{attribute.lower()}:{attribute}")

    with pytest.raises(AlgorithmError, match=sentence):
        algorithm_named("odd")


def test_an_unknown_name_lists_what_there_is() -> None:
    """Our own, at least."""
    with pytest.raises(
        AlgorithmError, match="no algorithm is called 'tep'; there are anneal, atpe, auto, cmaes, evolution"
    ):
        algorithm_named("tep")
