"""A Gaussian process on transformed losses: its likelihood, fit and predictions.

Rasmussen and Williams 2006, "Gaussian processes for machine learning": likelihood (5.8) and its gradient (5.9), prediction
(2.25) and (2.26).  The mean is one unknown constant, taken at its most likely value.

The hyperparameters theta are logs: of the variances s^2, of the noise and v^2 of the trend, and of one length for each
column of the kernel.  They have priors, and the most probable theta is used.  The prior of the lengths grows with the square root
of the number of columns (Hvarfner, Hellsten and Nardi 2024, "Vanilla Bayesian optimization performs great in high
dimensions", arXiv 2402.02229); its centre is one lower than published, which is better at a hundred evaluations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack
from scipy.optimize import minimize

from parzen._typing import FloatArray
from parzen.algorithms.gp._kernel import Encoding, Inputs, matern, mismatch, squared_distances

__all__ = ["LENGTHS", "NOISE", "Model", "Prior", "fit", "start"]

_VARIANCE, NOISE, _TREND, LENGTHS = 0, 1, 2, 3  # places in theta
_MEAN_PRECISION = 0.1  # of the constant mean's prior, N(0, 10)
_JITTER = 1e-10
_BAD = 1e10  # value of the objective where the covariance is not positive definite


@dataclass(frozen=True, slots=True)
class Prior:
    """Normal priors and bounds of theta.

    Attributes:
        centre, scale: `(t,)` means and standard deviations.
        bounds: pairs of the least and the greatest.
    """

    centre: FloatArray
    scale: FloatArray
    bounds: tuple[tuple[float, float], ...]

    @classmethod
    def of(cls, lengths: int) -> Prior:
        """For a kernel with that many lengths."""
        length = math.sqrt(2.0) + 0.5 * math.log(max(lengths, 1)) - 1.0
        centre = np.array([0.0, -6.0, -2.0, *[length] * lengths])
        scale = np.array([1.0, 2.0, 1.5, *[math.sqrt(3.0)] * lengths])
        noise, length_range = (math.log(1e-6), math.log(2.0)), (math.log(0.02), math.log(60.0))
        bounds = ((-5.0, 5.0), noise, (-8.0, 4.0), *[length_range] * lengths)
        return cls(centre, scale, bounds)

    def allows(self, theta: FloatArray) -> bool:
        """Whether a fit under this prior can have found that theta, up to its rounding."""
        low, high = np.array(self.bounds).T
        return theta.shape == low.shape and bool(((theta >= low - 1e-3) & (theta <= high + 1e-3)).all())


def start(prior: Prior) -> FloatArray:
    """`(t,)` where a fit begins that knows nothing."""
    low, high = np.array(prior.bounds).T
    return np.asarray(np.minimum(np.maximum(prior.centre, low), high))


class _Objective:
    """The negative log posterior of theta, with its gradient.

    Args:
        encoding: of the space.
        inputs: `n` rows.
        z: `(n,)` transformed losses.
        noise: `(n,)` known variances of them, on top of what is learnt.
        prior: of theta.
    """

    def __init__(self, encoding: Encoding, inputs: Inputs, z: FloatArray, noise: FloatArray, prior: Prior) -> None:
        self.encoding, self.inputs, self.z, self.noise, self.prior = encoding, inputs, z, noise, prior
        self._gram = inputs.trend @ inputs.trend.T
        # One column for each category that occurs: then pairs that agree are one matrix product.
        n, q = inputs.codes.shape
        blocks, self._starts = [np.zeros((n, 0))], np.zeros(q, dtype=np.intp)
        for c in range(q):
            self._starts[c] = sum(block.shape[1] for block in blocks)
            found, which = np.unique(inputs.codes[:, c], return_inverse=True)
            blocks.append((which.reshape(-1)[:, None] == np.arange(len(found))).astype(np.float64))
        self._one_hot = np.concatenate(blocks, axis=1)
        self._category = np.repeat(np.arange(q), [block.shape[1] for block in blocks[1:]])

    def __call__(self, theta: FloatArray) -> tuple[float, FloatArray]:
        encoding, x, n = self.encoding, self.inputs.features, len(self.z)
        variance, noise = math.exp(theta[_VARIANCE]), math.exp(theta[NOISE])
        inverse = np.exp(-theta[LENGTHS:])
        ordered, rates = inverse[: encoding.n_ordered], inverse[encoding.n_ordered :] ** 2
        scaled = x * ordered[encoding.owner]
        value, slope = matern(squared_distances(scaled, scaled))
        agree: float | FloatArray = variance
        if encoding.n_named:
            weighted = self._one_hot * rates[self._category]
            agree = variance * np.exp(np.minimum(weighted @ self._one_hot.T - rates.sum(), 0.0))
        covariance = value * agree
        trend = math.exp(theta[_TREND]) * self._gram
        full = covariance + trend
        full.flat[:: n + 1] += noise + self.noise + _JITTER * variance
        root, info = lapack.dpotrf(full, lower=1, clean=0, overwrite_a=1)
        if info:
            return _BAD, np.zeros(len(theta))
        log_determinant = 2.0 * math.fsum(np.log(np.diagonal(root)).tolist())
        precision, _ = lapack.dpotri(root, lower=1, overwrite_c=1)
        precision = np.tril(precision)
        precision += np.tril(precision, -1).T
        ones = precision.sum(axis=1)
        mean = float(ones @ self.z) / (float(ones.sum()) + _MEAN_PRECISION)
        alpha = precision @ self.z - mean * ones
        fitted = float((self.z - mean) @ alpha) + _MEAN_PRECISION * mean * mean
        apart = (theta - self.prior.centre) / self.prior.scale
        total = 0.5 * (fitted + log_determinant + float(apart @ apart))

        gradient = apart / self.prior.scale
        precision -= np.outer(alpha, alpha)  # (5.9): half the trace of this times each derivative of the covariance
        gradient[NOISE] += 0.5 * noise * float(np.trace(precision))
        gradient[_VARIANCE] += 0.5 * _JITTER * variance * float(np.trace(precision))
        gradient[_TREND] += 0.5 * float(np.vdot(precision, trend))
        both = precision * covariance
        gradient[_VARIANCE] += 0.5 * float(both.sum())
        # sum_ab W_ab (x_a - x_b)^2 for all features by two products, without an array of n x n x p.
        w = precision * slope
        w *= agree
        squares = 2.0 * ((scaled * scaled).T @ w.sum(axis=1) - (scaled * (w @ scaled)).sum(axis=0))
        lengths = gradient[LENGTHS:]
        np.add.at(lengths, encoding.owner, 0.5 * squares)
        if encoding.n_named:
            same = (self._one_hot * (both @ self._one_hot)).sum(axis=0)
            lengths[encoding.n_ordered :] += rates * (float(both.sum()) - np.add.reduceat(same, self._starts))
        return total, gradient


def fit(
    encoding: Encoding,
    inputs: Inputs,
    z: FloatArray,
    noise: FloatArray,
    prior: Prior,
    starts: list[FloatArray],
    iterations: int,
) -> FloatArray:
    """`(t,)` the most probable theta that is found from any of the starts, each `(t,)`.

    Args:
        encoding: of the space.
        inputs: `n` rows.
        z: `(n,)` transformed losses.
        noise: `(n,)` known variances.
        prior: of theta.
        starts: where to begin; the best end is taken.
        iterations: at most, of each.
    """
    objective = _Objective(encoding, inputs, z, noise, prior)
    best, found = math.inf, starts[0]
    for theta in starts:
        ended = minimize(
            objective,
            theta,
            jac=True,
            method="L-BFGS-B",
            bounds=prior.bounds,
            options={"maxiter": iterations, "maxcor": 8, "gtol": 1e-2, "ftol": 2e-7},
        )
        if float(ended.fun) < best:
            best, found = float(ended.fun), ended.x
    return np.asarray(found, dtype=np.float64)


class Model:
    """The process given theta and the data.

    Args:
        encoding: of the space.
        theta: `(t,)` logs of the hyperparameters.
        inputs: `n` rows.
        z: `(n,)` transformed losses.
        noise: `(n,)` known variances.

    Attributes:
        mean: the constant.
        inverse_lengths: `(lengths,)` of ordered columns, then of categories.
    """

    def __init__(self, encoding: Encoding, theta: FloatArray, inputs: Inputs, z: FloatArray, noise: FloatArray) -> None:
        self.encoding, self.inputs = encoding, inputs
        self.variance, self.noise, self._trend = np.exp(theta[:LENGTHS]).tolist()
        self.inverse_lengths = np.exp(-theta[LENGTHS:])
        self._per_feature = self.inverse_lengths[: encoding.n_ordered][encoding.owner]
        self._rates = self.inverse_lengths[encoding.n_ordered :] ** 2
        self._scaled = inputs.features * self._per_feature
        covariance = self.covariance(inputs)[0]
        n = len(z)
        jitter = _JITTER * self.variance
        while True:
            full = covariance.copy()
            full.flat[:: n + 1] += self.noise + noise + jitter
            root, info = lapack.dpotrf(full, lower=1, clean=1, overwrite_a=1)
            if not info:
                break
            jitter = max(10.0 * jitter, 1e-8)
        precision, _ = lapack.dpotri(root, lower=1)
        precision = np.tril(precision)
        self._precision = precision + np.tril(precision, -1).T
        ones = self._precision.sum(axis=1)
        self.mean = float(ones @ z) / (float(ones.sum()) + _MEAN_PRECISION)
        self._alpha = self._precision @ z - self.mean * ones

    def covariance(self, inputs: Inputs) -> tuple[FloatArray, FloatArray]:
        """`(m, n)` with the data, and the slope of the first term of (1): times variance and categories."""
        value, slope = matern(squared_distances(inputs.features * self._per_feature, self._scaled))
        agree: float | FloatArray = self.variance
        if self.encoding.n_named:
            agree = self.variance * np.exp(-mismatch(inputs.codes, self.inputs.codes, self._rates))
        return value * agree + self._trend * (inputs.trend @ self.inputs.trend.T), slope * agree

    def _prior_variance(self, inputs: Inputs) -> FloatArray:
        return np.asarray(self.variance + self._trend * np.einsum("ij,ij->i", inputs.trend, inputs.trend))

    def predict(self, inputs: Inputs) -> tuple[FloatArray, FloatArray]:
        """`(m,)` means and standard deviations of the noiseless function."""
        k, _ = self.covariance(inputs)
        mean = self.mean + k @ self._alpha
        variance = self._prior_variance(inputs) - np.einsum("ij,ij->i", k @ self._precision, k)
        return mean, np.sqrt(np.maximum(variance, 1e-12))

    def predict_with_gradient(self, unit: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Means and deviations `(m,)` as `predict`, and their derivatives `(m, o)` by the ordered coordinates."""
        inputs = self.encoding.inputs(unit)
        k, slope = self.covariance(inputs)
        solved = k @ self._precision
        mean = self.mean + k @ self._alpha
        variance = self._prior_variance(inputs) - np.einsum("ij,ij->i", solved, k)
        deviation = np.sqrt(np.maximum(variance, 1e-12))
        # dk/dx = -slope (x - x_i) / l^2 in each feature.
        scaled = inputs.features * self._per_feature

        def pulled(weights: FloatArray) -> FloatArray:
            w = slope * weights
            by_feature = -(scaled * w.sum(axis=1)[:, None] - w @ self._scaled) * self._per_feature
            by_trend = self._trend * (np.atleast_2d(weights) @ self.inputs.trend)
            return self.encoding.gradient(unit, by_feature) + self.encoding.trend_gradient(unit, by_trend)

        own = self.encoding.trend_gradient(unit, self._trend * inputs.trend)  # half of what the prior's variance does
        return mean, deviation, pulled(self._alpha), (own - pulled(solved)) / deviation[:, None]
