"""What a Gaussian process believes of a study, for people to look at.

The same process that proposes trials, fitted anew and without a look at the log's memos, so that the view of a study does
not depend on which algorithm made it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from parzen._typing import FloatArray, IntArray
from parzen.algorithms._form import form_of
from parzen.algorithms._threads import one_blas_thread
from parzen.algorithms.gp._kernel import Encoding
from parzen.algorithms.gp._model import NOISE, Model, Prior, fit, start
from parzen.algorithms.gp._output import Output, fit_output
from parzen.algorithms.gp._process import _COLUMNS, _SUBSET, _subset, known_noise
from parzen.trials import History

__all__ = ["Belief"]

_LEAST = 4
"""Losses below which a process says nothing that its prior does not."""
_CHUNK = 2000


@dataclass(frozen=True, slots=True)
class Belief:
    """A process that is fitted to losses.

    Attributes:
        numbers: `(m,)` of the trials that it has seen.
        noise: standard deviation of one loss around what is expected of it, in transformed losses.
    """

    numbers: IntArray
    noise: float
    _model: Model
    _encoding: Encoding
    _output: Output

    @classmethod
    def of(cls, history: History, *, everywhere: bool = False) -> Belief | None:
        """The belief after a history; None where there are too few losses, or too many columns to learn from.

        Args:
            history: of the study.
            everywhere: beyond 200 losses, see an even choice of all; else the best, what is near the best, and the newest.
        """
        encoding = Encoding(form_of(history.space, history))
        scored = np.flatnonzero(history.ok & np.isfinite(history.losses))
        if len(scored) < _LEAST or not 0 < encoding.lengths <= _COLUMNS:
            return None
        prior = Prior.of(encoding.lengths)
        chosen, most = scored, sum(_SUBSET)
        with one_blas_thread():
            if len(scored) > most:
                even = scored[np.linspace(0, len(scored) - 1, most).astype(np.intp)]
                chosen = even if everywhere else _subset(encoding, history, scored, start(prior))
            output = fit_output(history.losses[chosen])
            z = output(history.losses[chosen])
            noise = known_noise(output, history, chosen)
            inputs = encoding.inputs(history.unit[chosen])
            theta = fit(encoding, inputs, z, noise, prior, [start(prior)], 50)
            model = Model(encoding, theta, inputs, z, noise)
        variance = math.exp(float(theta[NOISE])) + float(np.median(noise))
        return cls(chosen.astype(np.int64), math.sqrt(variance), model, encoding, output)

    def expect(self, unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Mean and standard deviation `(m,)` of the transformed losses without noise, of rows `(m, d)` of quantiles."""
        means, deviations = [np.zeros(0)], [np.zeros(0)]
        with one_blas_thread():
            for first in range(0, len(unit), _CHUNK):
                mean, deviation = self._model.predict(self._encoding.inputs(unit[first : first + _CHUNK]))
                means.append(mean)
                deviations.append(deviation)
        return np.concatenate(means), np.concatenate(deviations)

    def noise_at(self, history: History, numbers: IntArray) -> FloatArray:
        """Standard deviation `(m,)` of the transformed loss of each trial: what is learnt, and what it said of itself."""
        return np.asarray(np.sqrt(self._model.noise + known_noise(self._output, history, numbers)))

    def losses(self, z: FloatArray) -> FloatArray:
        """Transformed losses as losses, to be minimised."""
        return self._output.inverse(z)

    def transformed(self, losses: FloatArray) -> FloatArray:
        """Losses as transformed ones."""
        return self._output(losses)
