"""Random streams depend on (seed, number, purpose) and on nothing else."""

from __future__ import annotations

import pickle

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from parzen.log._seeds import generator, trial_seed

FIRST = [7188743297179735319, 3274173472452974378, 117982960919950740]
DRAWS = [0.7201913464182582, 0.6976434250913308]


def test_the_seeds_of_trials_are_what_they_have_always_been():
    """Stored studies are resumed with them: these numbers must never change."""
    assert [trial_seed(0, n) for n in range(3)] == FIRST
    assert generator(FIRST[0], 0).random(2).tolist() == DRAWS


@given(st.integers(0, 2**200), st.integers(0, 2**40))
def test_a_seed_has_63_bits(seed, number):
    """It fits a signed column of any database."""
    assert 0 <= trial_seed(seed, number) < 2**63
    assert trial_seed(seed, number) == trial_seed(seed, number)


def test_trials_and_studies_have_seeds_of_their_own():
    """300 studies of 300 trials, small seeds and seeds of 128 bits: no two alike."""
    rng = np.random.default_rng(0)
    studies = [*range(200), *(int.from_bytes(rng.bytes(16), "big") for _ in range(100))]
    seeds = {trial_seed(seed, number) for seed in studies for number in range(300)}

    assert len(seeds) == 300 * 300


def test_neighbouring_trials_draw_independently():
    """First draws of 20 000 trials: uniform, and uncorrelated with the next trial's, the next study's and the next purpose's."""
    draws = np.array([generator(trial_seed(1, n), 0).random() for n in range(20_000)])
    study = np.array([generator(trial_seed(2, n), 0).random() for n in range(20_000)])
    purpose = np.array([generator(trial_seed(1, n), 1).random() for n in range(20_000)])
    counts, _ = np.histogram(draws, bins=20, range=(0, 1))
    chi2 = float((((counts - 1000) ** 2) / 1000).sum())

    assert chi2 < 60  # 19 degrees of freedom: the chance is 4e-6
    for other in (draws[1:], study[:-1], purpose[:-1]):
        assert abs(np.corrcoef(draws[:-1], other)[0, 1]) < 0.04  # 5.6 standard errors


def test_a_generator_is_made_anew_each_time():
    """No stream is carried from one use to the next."""
    assert generator(7, 1).random(5).tolist() == generator(7, 1).random(5).tolist()
    assert generator(7, 1).random() != generator(7, 2).random()


def test_a_generator_can_be_sent_away_split_and_asked_for_its_beginning():
    """As any of numpy's: a copy draws the same, and children differ from each other and are the same each time."""
    rng = generator(7, 1)
    again = pickle.loads(pickle.dumps(rng))
    first, second = rng.spawn(2)
    third = rng.spawn(1)[0]
    drawn = [child.random() for child in (first, second, third)]

    assert again.random(3).tolist() == rng.random(3).tolist()
    assert len(set(drawn)) == 3
    assert drawn == [child.random() for child in generator(7, 1).spawn(3)]
    assert (
        np.random.MT19937(rng.bit_generator.seed_seq).random_raw()
        != np.random.MT19937(generator(7, 2).bit_generator.seed_seq).random_raw()
    )
