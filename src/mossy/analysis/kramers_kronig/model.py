"""The linear circuit of the Kramers-Kronig test fitted to many spectra at once, and the number of its relaxations.

The circuit and its sources are those of `mossy.analysis.kramers_kronig`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIXED = 4
"""Columns before the relaxations: R, L, C and the diffusion element."""
SHARE_OUT = 0.2
"""Part of the points that may be left out as outliers."""
_BEYOND = 0.25
"""Decades by which the fastest relaxation lies above the highest frequency."""


@dataclass(frozen=True, eq=False)
class Batch:
    """Spectra on one frequency grid, a row each: `sigma` weights (ohm), `kept` points that count."""

    omega: np.ndarray
    time: np.ndarray
    impedance: np.ndarray
    sigma: np.ndarray
    kept: np.ndarray

    def take(self, rows: np.ndarray) -> Batch:
        """These spectra of the batch."""
        return Batch(self.omega, self.time, self.impedance[rows], self.sigma[rows], self.kept[rows])

    @property
    def weights(self) -> np.ndarray:
        """1/sigma, 1/ohm; 0 for points left out."""
        return np.where(self.kept, 1.0 / self.sigma, 0.0)


@dataclass(frozen=True, eq=False)
class Solution:
    """`basis`: orthonormal, of the weighted columns; `residual`: weighted, (rows, points, 2); `model`: ohm."""

    basis: np.ndarray
    residual: np.ndarray
    model: np.ndarray
    freedom: np.ndarray

    @property
    def leverage(self) -> np.ndarray:
        """The hat matrix's 2 x 2 block of each point."""
        rows, length, width = self.basis.shape
        halves = self.basis.reshape(rows, length // 2, 2, width)
        return np.einsum("bikp,bilp->bikl", halves, halves)


def _sizes(omega: np.ndarray) -> np.ndarray:
    """Numbers of elements to choose among: from one a decade to almost five, fewer than the points."""
    decades, distinct = float(np.log10(omega.max() / omega.min())), len(np.unique(omega))
    most = max(1, min(int(np.ceil(4.5 * decades)) + 2, int((1.0 - SHARE_OUT) * distinct) - 2))
    fewest = min(most, max(1.0, 0.8 * decades))
    return np.unique(np.round(np.geomspace(fewest, most, 7)).astype(int))


def _columns(omega: np.ndarray, elements: int) -> np.ndarray:
    """R, L, C, the diffusion element and the relaxations, complex (points, elements + 4), each at most 1."""
    top, bottom, s = omega.max(), omega.min(), 1j * omega[:, None]
    fixed = [np.ones_like(s), s / top, bottom / s, np.sqrt(bottom / s)]
    tau = np.geomspace(10.0**-_BEYOND / top, 1.0 / bottom, elements) if elements > 1 else 1.0 / np.sqrt([top * bottom])
    return np.concatenate([*fixed, 1.0 / (1.0 + s * tau)], axis=1)


def real_rows(values: np.ndarray) -> np.ndarray:
    """Complex (..., points, columns) as real (..., 2 points, columns), the two parts of a point together."""
    parts = np.stack([values.real, values.imag], axis=-2)
    return parts.reshape(*values.shape[:-2], 2 * values.shape[-2], values.shape[-1])


def solve(batch: Batch, elements: int) -> Solution:
    """Weighted least squares by QR; points left out are predicted."""
    columns = real_rows(_columns(batch.omega, elements))
    weights = np.repeat(batch.weights, 2, axis=1)
    basis, triangle = np.linalg.qr(columns * weights[:, :, None])
    measured = real_rows(batch.impedance[:, :, None])[..., 0] * weights
    inner = np.einsum("bij,bi->bj", basis, measured)
    residual = (measured - np.einsum("bij,bj->bi", basis, inner)).reshape(*batch.impedance.shape, 2)
    model = batch.impedance - (residual[..., 0] + 1j * residual[..., 1]) * batch.sigma
    if not batch.kept.all():
        for row in np.flatnonzero(~batch.kept.all(axis=1)):
            values = np.linalg.lstsq(triangle[row], inner[row], rcond=None)[0]
            left_out = ~batch.kept[row]
            model[row, left_out] = (_columns(batch.omega, elements) @ values)[left_out]
    return Solution(basis, residual, model, 2 * batch.kept.sum(axis=1) - basis.shape[2])


def choose(batch: Batch) -> np.ndarray:
    """The number of elements of least generalised cross-validation, by spectrum.

    The last entry of the triangle, the measured values being the last column, is the norm of the residual.
    """
    sizes = _sizes(batch.omega)
    weights = np.repeat(batch.weights, 2, axis=1)
    measured = (real_rows(batch.impedance[:, :, None])[..., 0] * weights)[:, :, None]
    rows = 2.0 * batch.kept.sum(axis=1)
    scores = []
    for size in sizes:
        columns = real_rows(_columns(batch.omega, int(size)))
        augmented = np.concatenate([columns * weights[:, :, None], measured], axis=2)
        triangle = np.asarray(np.linalg.qr(augmented, mode="r"))
        scores.append(triangle[:, -1, -1] ** 2 / (1.0 - columns.shape[1] / rows) ** 2)
    return sizes[np.argmin(scores, axis=0)]
