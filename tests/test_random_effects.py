"""Laws through values of known covariance: intervals that cover, unbiased variances, identities of least squares."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from mossy.analysis.random_effects import random_effects
from mossy.errors import InputError


def vectors(spectra, variances, size, seed, batch=1):
    """(values, covariances, design, theta, effects): each parameter a line in a coordinate, correlated errors."""
    rng, width = np.random.default_rng(seed), len(variances)
    coordinate = np.linspace(-1.0, 1.0, spectra)
    design = np.zeros((spectra, width, 2 * width))
    for k in range(width):
        design[:, k, 2 * k], design[:, k, 2 * k + 1] = 1.0, coordinate
    theta = rng.normal(size=2 * width)
    correlation = 0.5 + 0.5 * np.eye(width)
    covariances = size**2 * correlation * np.linspace(0.5, 2.0, spectra)[:, None, None]
    effects = design @ theta + rng.normal(size=(batch, spectra, width)) * np.sqrt(variances)
    noise = np.einsum("sij,bsj->bsi", np.linalg.cholesky(covariances), rng.normal(size=(batch, spectra, width)))
    return effects + noise, covariances, design, theta, effects


@pytest.mark.parametrize("spectra", [7, 20])
@pytest.mark.parametrize("variances", [(0.0, 0.0), (0.04, 0.01), (1.0, 0.0)])
def test_intervals_of_the_law_cover_the_truth(spectra, variances):
    values, covariances, design, theta, _ = vectors(spectra, variances, 0.2, 11, batch=1000)
    found = random_effects(values, covariances, design)
    low, high = found.interval()
    held = np.mean((low < theta) & (theta < high))
    # 4,000 intervals, 0.35 % of standard deviation; variances ending at 0 make them a little conservative
    assert 0.94 < held < 0.975
    assert found.converged.mean() > 0.99


def test_variances_are_unbiased_where_they_are_well_above_0():
    values, covariances, design, *_ = vectors(15, (1.0, 0.3), 0.2, 12, batch=2000)
    found = random_effects(values, covariances, design)
    # 13 degrees of freedom: 0.39 of itself each, 2,000 draws: 0.9 %
    assert found.variances.mean(axis=0) == pytest.approx([1.0, 0.3], rel=0.035)


@pytest.mark.parametrize("variance", [0.0, 0.04, 1.0])
def test_shrunk_spectra_are_nearer_the_truth_and_their_errors_right(variance):
    values, covariances, design, _, effects = vectors(20, (variance, variance), 0.3, 13, batch=500)
    found = random_effects(values, covariances, design)
    assert np.mean((found.estimates - effects) ** 2) < np.mean((values - effects) ** 2)
    standard = (found.estimates - effects) / np.sqrt(np.diagonal(found.estimate_covariances, axis1=-2, axis2=-1))
    held = np.mean(np.abs(standard) < 1.96)
    # the errors are right to first order in that of T: conservative at T = 0, a little short where T is as the errors
    assert 0.92 < held < 1.0


def test_held_variances_give_generalised_least_squares():
    values, covariances, design, *_ = vectors(6, (0.1, 0.2), 0.2, 14)
    found = random_effects(values[0], covariances, design, variances=(0.1, 0.2))
    total = np.zeros((12, 12))
    for k in range(6):
        total[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = covariances[k] + np.diag([0.1, 0.2])
    x, weight = design.reshape(12, 4), np.linalg.inv(total)
    phi = np.linalg.inv(x.T @ weight @ x)
    assert found.coefficients == pytest.approx(phi @ x.T @ weight @ values[0].ravel(), rel=1e-10)
    assert found.covariance == pytest.approx(phi, rel=1e-9)
    assert found.variances == pytest.approx([0.1, 0.2])


def test_no_other_variances_have_a_larger_restricted_likelihood():
    values, covariances, design, *_ = vectors(9, (0.1, 0.02), 0.2, 15)
    found = random_effects(values[0], covariances, design)

    def objective(roots):
        return -float(random_effects(values[0], covariances, design, variances=roots**2).log_likelihood)

    other = minimize(objective, np.array([0.5, 0.5]), method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10})
    assert float(found.log_likelihood) >= -other.fun - 1e-7
    assert found.variances == pytest.approx(other.x**2, rel=1e-2, abs=1e-6)


def test_large_variances_leave_the_spectra_and_none_put_them_on_the_law():
    values, covariances, design, *_ = vectors(8, (0.1, 0.1), 0.2, 16)
    free = random_effects(values[0], covariances, design, variances=(1e8, 1e8))
    tied = random_effects(values[0], covariances, design, variances=(0.0, 0.0))
    assert free.estimates == pytest.approx(values[0], abs=1e-7)
    assert tied.estimates == pytest.approx(design @ tied.coefficients, rel=1e-12)


def test_a_parameter_of_infinite_variance_counts_as_not_measured():
    values, covariances, design, *_ = vectors(8, (0.1, 0.1), 0.2, 17)
    values, covariances = values[0].copy(), covariances.copy()
    covariances[2, 1, :], covariances[2, :, 1] = 1e12 * np.array([0.0, 1.0]), 1e12 * np.array([0.0, 1.0])
    nearly = random_effects(values, covariances, design)
    covariances[2, 1, 1] = np.inf
    values[2, 1] = np.nan
    gone = random_effects(values, covariances, design)
    assert gone.coefficients == pytest.approx(nearly.coefficients, rel=1e-5)
    assert gone.variances == pytest.approx(nearly.variances, rel=1e-4, abs=1e-7)
    assert gone.estimates[2, 1] == pytest.approx(nearly.estimates[2, 1], rel=1e-5)
    assert gone.freedom == nearly.freedom - 1


def test_a_batch_is_its_problems_one_by_one():
    values, covariances, design, *_ = vectors(6, (0.1, 0.0), 0.2, 18, batch=4)
    together = random_effects(values, covariances, design)
    for k in range(4):
        alone = random_effects(values[k], covariances, design)
        assert together.coefficients[k] == pytest.approx(alone.coefficients, rel=1e-9)
        assert together.estimates[k] == pytest.approx(alone.estimates, rel=1e-9)
        assert together.p_value[k] == pytest.approx(float(alone.p_value), rel=1e-9)


def test_what_determines_no_law_is_refused():
    values, covariances, design, *_ = vectors(6, (0.1, 0.1), 0.2, 19)
    with pytest.raises(InputError, match="do not determine"):
        random_effects(values[0], covariances, np.repeat(design[:1], 6, axis=0))
    with pytest.raises(InputError, match="negative eigenvalue"):
        random_effects(values[0], -covariances, design)
    with pytest.raises(InputError, match="belong together"):
        random_effects(values[0], covariances[:4], design)
    with pytest.raises(InputError, match="not finite"):
        random_effects(np.where(values[0] > 1e9, 0.0, np.nan), covariances, design)
