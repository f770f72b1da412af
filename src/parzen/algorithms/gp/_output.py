"""From losses to what a Gaussian process can model.

Losses of trainings have long tails: a few runs that diverged would take all of the model's attention.  The power transform
of Yeo and Johnson 2000, "A new family of power transformations to improve normality or symmetry", equation (2.1), with
its parameter by maximum likelihood, pulls them in and leaves the order as it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from parzen._typing import FloatArray

__all__ = ["Output", "fit_output"]

_LEAST, _MOST = -2.0, 4.0
_FEW = 8
_ENOUGH = 500
"""Losses that tell the shape of thousands: of more, so many that are spread evenly over their ranks."""
_GRID = np.linspace(_LEAST, _MOST, 25)
_FAR = 100.0
"""Where the worst loss occurs more than once, losses are cut off that lie farther from the best quarter than so many times
what that quarter spans.  Programs return 1e10, say, whenever a training fails; beside it all others would look the same."""
_HUGE = 2.0**1000
"""Losses beyond are taken as this, so that millions of them have a sum, and any two a difference: `sys.float_info.max`
is what some programs return when all is lost."""


@dataclass(frozen=True, slots=True)
class Output:
    """A map from losses to values of mean 0 and variance 1.

    Attributes:
        most: greater losses count as this.
        centre, scale: of the losses.
        power: lambda of the transform; 1 leaves the standardised losses as they are.
        shift, spread: mean and standard deviation behind the transform.
    """

    most: float
    centre: float
    scale: float
    power: float
    shift: float
    spread: float

    def __call__(self, losses: FloatArray) -> FloatArray:
        """`(n,)` losses -> `(n,)` values."""
        y = (np.clip(losses, -_HUGE, self.most) - self.centre) / self.scale
        return (_yeo_johnson(y, self.power) - self.shift) / self.spread

    def inverse(self, values: FloatArray) -> FloatArray:
        """`(n,)` values -> `(n,)` losses; values that no loss has become the nearest that one has."""
        z = np.asarray(values) * self.spread + self.shift
        below = 2.0 - self.power
        with np.errstate(over="ignore"):
            positive = np.expm1(_log1p_over(z, self.power))
            negative = np.expm1(_log1p_over(-z, below))
            y = np.where(z >= 0.0, positive, -negative)
            losses = np.clip(y, -_HUGE, _HUGE) * self.scale + self.centre
        return np.asarray(np.clip(losses, -_HUGE, self.most))

    def deviations(self, losses: FloatArray, deviations: FloatArray) -> FloatArray:
        """`(n,)` standard deviations of the values, given those of the losses.

        By the values one deviation above and below: a slope at a loss that is far out says nothing about its noise.
        """
        return np.asarray(0.5 * (self(losses + deviations) - self(losses - deviations)))


def fit_output(losses: FloatArray) -> Output:
    """The transform that makes finite losses `(n,)` look most like draws of one normal."""
    losses = np.clip(losses, -_HUGE, _HUGE)
    low, quarter = np.quantile(losses, [0.0, 0.25], method="lower").tolist()
    penalty = quarter > low and int((losses == losses.max()).sum()) > 1
    most = quarter + _FAR * (quarter - low) if penalty else _HUGE
    losses = np.minimum(losses, most)
    high = float(losses.max())
    centre = float(np.mean(losses))
    width = max(0.5 * (high - low), 1e-300)
    scale = float(np.std((losses - centre) / width)) * width if high > low else 1.0
    scale = max(scale, 1e-300)
    y = (losses - centre) / scale
    power = 1.0
    if high > low:
        power = _most_likely(y)
        # With a handful of losses the likelihood runs away: the extreme is no evidence of anything.
        if len(losses) < _FEW and not _LEAST < power < _MOST:
            power = 1.0
    z = _yeo_johnson(y, power)
    spread = float(np.std(z))
    return Output(most, centre, scale, power, float(np.mean(z)), spread if spread > 1e-12 else 1.0)


def _most_likely(y: FloatArray) -> float:
    """Lambda in [-2, 4] of the greatest profile likelihood: on a grid, then on a finer one around the best."""
    if len(y) > _ENOUGH:
        y = np.sort(y)[np.linspace(0, len(y) - 1, _ENOUGH).astype(np.intp)]
    grid = _GRID
    for _ in range(3):
        likelihood = _log_likelihood(y, grid)
        k = int(np.argmax(likelihood))
        best = float(grid[k])
        grid = np.linspace(grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)], 9)
    return best


def _log_likelihood(y: FloatArray, powers: FloatArray) -> FloatArray:
    """`(p,)` of standardised losses `(n,)`, for each lambda `(p,)`."""
    z = np.stack([_yeo_johnson(y, float(power)) for power in powers])
    variance = np.maximum(z.var(axis=1), 1e-300)
    jacobian = float((np.sign(y) * np.log1p(np.abs(y))).sum())
    return np.asarray(-0.5 * len(y) * np.log(variance) + (powers - 1.0) * jacobian)


def _yeo_johnson(y: FloatArray, power: float) -> FloatArray:
    magnitude = np.log1p(np.abs(y))
    above, below = y >= 0.0, 2.0 - power
    positive = np.expm1(power * magnitude) / power if abs(power) > 1e-8 else magnitude
    negative = np.expm1(below * magnitude) / below if abs(below) > 1e-8 else magnitude
    return np.asarray(np.where(above, positive, -negative))


def _log1p_over(z: FloatArray, power: float) -> FloatArray:
    """log(1 + power z) / power, of z >= 0; where the power is negative, z ends at -1/power."""
    z = np.maximum(z, 0.0)
    if abs(power) <= 1e-8:
        return z
    return np.asarray(np.log1p(np.maximum(power * z, -1.0 + 1e-12)) / power)
