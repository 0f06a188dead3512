"""A non-negative distribution of relaxation times at one given smoothing, with the scores by which it is judged.

The sum that is minimised is that of `mossy.analysis.drt`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import linalg, optimize
from scipy.linalg import lapack

from mossy.analysis.spectra import Spectrum

FINEST = 1e-4
"""Noise relative to |Z| that every spectrum is taken to have at least: without any, every detail would count."""
RESISTANCE, INDUCTANCE, CAPACITANCE, DIFFUSION, FIXED = range(5)
"""Places of what is no relaxation among the columns, and of the first relaxation."""
_PIVOTS, _PATIENCE = 80, 10


@dataclass(frozen=True, eq=False)
class Problem:
    """Weighted real `rows`, two a point, scaled `columns` (R, L, C, A, gamma...) and what a unit of each stands for."""

    rows: np.ndarray
    measured: np.ndarray
    gram: np.ndarray
    target: np.ndarray
    penalty: np.ndarray
    unit: np.ndarray
    tau: np.ndarray
    step: float


@dataclass(frozen=True, eq=False)
class Trial:
    """A solution at one lambda: columns `present`, `values`, `free` where above zero, and its scores, with `FINEST`
    noise added to `squares` and `left_out`. `evidence` is -2 ln of the Gaussian one over the free columns (D. J. C.
    MacKay, Neural Comput. 4 (1992) 415, doi 10.1162/neco.1992.4.3.415) less a constant.
    """

    regularisation: float
    present: np.ndarray
    values: np.ndarray
    free: np.ndarray
    squares: float
    bend: float
    freedom: float
    left_out: float
    evidence: float

    @property
    def cross_validation(self) -> float:
        """Generalised: the squares over the squared degrees of freedom."""
        return self.squares / self.freedom**2


def weighted_problem(spectrum: Spectrum, tau: np.ndarray) -> Problem:
    """The least squares of a distribution at time constants tau, s, evenly spaced in ln tau, weighted by 1/|Z|."""
    s = 1j * spectrum.angular_frequency[:, None]
    top, bottom = np.abs(s).max(), np.abs(s).min()
    step = float(np.log(tau[1] / tau[0]))
    scale = float(np.median(spectrum.modulus))
    fixed = [np.ones_like(s), s / top, bottom / s, np.sqrt(bottom / s)]
    columns = scale * np.concatenate([*fixed, step / (1.0 + s * tau)], axis=1)
    unit = scale * np.concatenate([[1.0, 1.0 / top, bottom, np.sqrt(bottom)], np.ones(len(tau))])
    weighted = columns / spectrum.modulus[:, None]
    rows = np.stack([weighted.real, weighted.imag], axis=1).reshape(-1, columns.shape[1])
    direction = spectrum.impedance / spectrum.modulus
    measured = np.stack([direction.real, direction.imag], axis=1).ravel()
    bends = np.diff(np.eye(len(tau)), n=2, axis=0) / step**1.5
    penalty = np.zeros((len(unit), len(unit)))
    penalty[FIXED:, FIXED:] = bends.T @ bends
    return Problem(rows, measured, rows.T @ rows, rows.T @ measured, penalty, unit, tau, step)


def solve(problem: Problem, present: np.ndarray, regularisation: float, start: np.ndarray) -> Trial:
    """The non-negative solution at one lambda, over the columns `present`, from those of `start`; with its scores."""
    matrix = problem.gram + regularisation * problem.penalty
    values, free, factor = _non_negative(matrix, problem.target, present, start & present)
    residual = problem.measured - problem.rows @ values
    hat = linalg.solve_triangular(factor, problem.rows[:, free].T, lower=True, check_finite=False)
    freedom = max(len(residual) - float((hat**2).sum()), 1e-3 * len(residual))
    pairs = hat.reshape(len(hat), -1, 2)
    blocks = (1.0 + 1e-9) * np.eye(2) - np.einsum("kia,kib->iab", pairs, pairs)
    left_out = np.linalg.solve(blocks, residual.reshape(-1, 2, 1))
    bend = float(values @ problem.penalty @ values)
    squares = float(residual @ residual) + len(residual) * FINEST**2
    bends = max(int(free[FIXED:].sum()) - 2, 0)
    evidence = len(residual) * np.log(squares + regularisation * bend) - bends * np.log(regularisation)
    evidence += 2.0 * float(np.log(np.diag(factor)).sum())
    return Trial(
        regularisation=regularisation,
        present=present,
        values=values,
        free=free,
        squares=squares,
        bend=bend,
        freedom=freedom,
        left_out=float((left_out**2).sum()) + len(residual) * FINEST**2,
        evidence=float(evidence),
    )


def _steadied(matrix: np.ndarray) -> np.ndarray:
    """With a trace of the diagonal added, because columns of neighbouring tau are almost equal."""
    return np.asarray(matrix + 1e-13 * np.trace(matrix) * np.eye(len(matrix)))


def _non_negative(
    matrix: np.ndarray, target: np.ndarray, present: np.ndarray, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The minimum of x'Mx/2 - t'x over x >= 0, which x are free, and the Cholesky factor among these, by block
    principal pivoting (L. F. Portugal, J. J. Júdice, L. N. Vicente, Math. Comput. 63 (1994) 625, doi
    10.1090/S0025-5718-1994-1250776-4); should rounding make it go in circles, by the method of Lawson and Hanson.
    """
    steadied = _steadied(matrix)
    tolerance = 1e-10 * float(np.abs(target).max())
    free, fewest, patience = start.copy(), len(target) + 1, _PATIENCE
    for _ in range(_PIVOTS):
        values, factor = _among(steadied, target, free)
        slope = steadied @ values - target
        wrong = present & np.where(free, values < -1e-9 * np.abs(values).max(), slope < -tolerance)
        count = int(wrong.sum())
        if not count:
            return np.maximum(values, 0.0), free, factor
        fewest, patience = (count, _PATIENCE) if count < fewest else (fewest, patience - 1)
        free = free ^ wrong if patience > 0 else free ^ (np.arange(len(free)) == np.flatnonzero(wrong)[-1])
    places = np.flatnonzero(present)
    root = linalg.cholesky(steadied[np.ix_(places, places)], lower=True, check_finite=False)
    whitened = linalg.solve_triangular(root, target[places], lower=True, check_finite=False)
    free = np.zeros(len(target), dtype=bool)
    free[places] = optimize.nnls(root.T, whitened, maxiter=30 * len(places))[0] > 0.0
    values, factor = _among(steadied, target, free)
    return np.maximum(values, 0.0), free, factor


def _among(matrix: np.ndarray, target: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The solution with only some columns free, and the lower Cholesky factor of their matrix."""
    places = np.flatnonzero(free)
    values = np.zeros(len(target))
    if not len(places):
        return values, np.zeros((0, 0))
    factor, solution, _ = lapack.dposv(matrix[np.ix_(places, places)], target[places], lower=1)
    values[places] = solution
    return values, np.tril(factor)


def inverse_among(problem: Problem, trial: Trial, among: np.ndarray) -> np.ndarray:
    """The inverse of the normal matrix among some columns, zero elsewhere."""
    chosen = np.ix_(among, among)
    matrix = _steadied(problem.gram + trial.regularisation * problem.penalty)
    factor = linalg.cholesky(matrix[chosen], lower=True, check_finite=False)
    root = linalg.solve_triangular(factor, np.eye(len(factor)), lower=True, check_finite=False)
    found = np.zeros_like(problem.gram)
    found[chosen] = root.T @ root
    return found
