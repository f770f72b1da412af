"""The neutral space description: the same problem for every library."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from benchmarks.quality import spaces
from parzen.space import Space

PARAMS = (
    spaces.real("x", -1.0, 2.0),
    spaces.real("lr", 1e-5, 1e-1, log=True),
    spaces.integer("n", 1, 4),
    spaces.integer("units", 1, 256, log=True),
    spaces.ordered("batch", (16, 32, 64)),
    spaces.category("booster", ("linear", "tree", "dart")),
    spaces.integer("depth", 1, 15, when=("booster", ("tree", "dart"))),
    spaces.real("drop", 0.0, 1.0, when=("booster", ("dart",))),
)


def test_a_value_survives_the_way_to_the_unit_cube_and_back() -> None:
    """`from_unit` undoes `to_unit`, exactly for all but floats."""
    rng = np.random.default_rng(1)
    for _ in range(100):
        config = spaces.sample(PARAMS, rng)
        for param in PARAMS:
            if param.name in config:
                value = config[param.name]
                expected = pytest.approx(value, rel=1e-12, abs=1e-12) if param.kind == "float" else value

                assert spaces.from_unit(param, spaces.to_unit(param, value)) == expected


def test_only_active_parameters_are_in_a_configuration() -> None:
    """A child is there exactly when its parent has one of the options it hangs on."""
    rng = np.random.default_rng(2)
    for _ in range(200):
        config = spaces.sample(PARAMS, rng)

        assert ("depth" in config) == (config["booster"] in {"tree", "dart"})
        assert ("drop" in config) == (config["booster"] == "dart")


def test_end_points_of_an_integer_are_as_likely_as_the_others() -> None:
    """Four values share 4 000 draws within five standard deviations."""
    rng = np.random.default_rng(3)
    counts = Counter(spaces.sample(PARAMS, rng)["n"] for _ in range(4000))

    assert sorted(counts) == [1, 2, 3, 4]
    assert all(abs(count - 1000) < 140 for count in counts.values())


def test_a_parzen_space_has_a_column_per_parameter_and_makes_the_same_configurations() -> None:
    """A child of two branches is one column, and a decoded configuration holds what is active and nothing else."""
    space = Space(spaces.parzen_space(PARAMS))
    rng = np.random.default_rng(4)

    assert space.d == len(PARAMS)
    for _ in range(50):
        flat = spaces.flatten(space.decode(space.sample(rng), 0))
        expected = {param.name for param in PARAMS if param.active(flat)}

        assert set(flat) == expected


def test_codes_and_unrounded_integers_of_a_peer_become_real_values() -> None:
    """Positions become options, numbers are rounded and held within their bounds."""
    raw = {"x": 2.0, "lr": 0.2, "n": 0.0, "units": 17.0, "batch": 2.0, "booster": {"booster": 1, "depth": 16.0}}

    assert spaces.settle(PARAMS, raw) == {
        "x": 2.0,
        "lr": 0.1,
        "n": 1,
        "units": 17,
        "batch": 64,
        "booster": "tree",
        "depth": 15,
    }
