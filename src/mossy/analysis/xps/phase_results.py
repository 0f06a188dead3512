"""What a phase fit tells: amounts with errors and limits, layers, curves, and what cannot be told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri


@dataclass(frozen=True)
class Amount:
    """`value` with one standard error in `unit`; `upper_limit` (95 %) where it is less than two errors above zero."""

    value: float
    standard_error: float
    unit: str
    upper_limit: float | None = None

    def __str__(self) -> str:
        if self.upper_limit is not None:
            return f"below {self.upper_limit:.2g} {self.unit}"
        return f"{self.value:.3g} ± {self.standard_error:.1g} {self.unit}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "value": self.value,
            "standard_error": self.standard_error,
            "unit": self.unit,
            "upper_limit": self.upper_limit,
        }


@dataclass(frozen=True)
class FittedLayer:
    """One layer, outermost first. `amounts` are mole fractions in it, `volume_fractions` alike; `thickness_over_path`
    is over the mean free path of C 1s electrons, None for what has no end; `thickness` in nm only where a scale is
    known; `assumed_path` that mean free path, nm, as assumed.
    """

    name: str
    amounts: dict[str, Amount]
    volume_fractions: dict[str, Amount]
    thickness_over_path: Amount | None
    thickness: Amount | None
    assumed_path: float

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "name": self.name,
            "amounts": {name: each.as_dict() for name, each in self.amounts.items()},
            "volume_fractions": {name: each.as_dict() for name, each in self.volume_fractions.items()},
            "thickness_over_path": self.thickness_over_path.as_dict() if self.thickness_over_path else None,
            "thickness": self.thickness.as_dict() if self.thickness else None,
            "assumed_path_nm": self.assumed_path,
        }


@dataclass(frozen=True, eq=False)
class PhaseComponent:
    """One line of a phase in a region: position, eV, area (counts eV; both lines of a doublet) and curve (counts)."""

    phase: str
    orbital: str
    environment: str
    domain: str
    position: float
    area: float
    curve: np.ndarray

    @property
    def label(self) -> str:
        """As people name it."""
        return f"{self.phase} {self.orbital} ({self.environment})"


@dataclass(frozen=True, eq=False)
class FittedRegion:
    """One region: counts measured and modelled over rising binding `energy`, eV; `background`; `residual` over its
    expected error; its components; the Gaussian `width`, eV.
    """

    name: str
    energy: np.ndarray
    measured: np.ndarray
    modelled: np.ndarray
    background: np.ndarray
    residual: np.ndarray
    components: tuple[PhaseComponent, ...]
    width: float

    @property
    def chi_squared(self) -> float:
        """Sum of the squared residuals."""
        return float(self.residual @ self.residual)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        keys = ("energy", "measured", "modelled", "background", "residual")
        return {
            "name": self.name,
            "width": self.width,
            **{key: getattr(self, key).tolist() for key in keys},
            "components": [
                {
                    **{key: getattr(each, key) for key in ("phase", "orbital", "environment", "position", "area")},
                    "curve": each.curve.tolist(),
                }
                for each in self.components
            ],
        }


@dataclass(frozen=True, eq=False, repr=False)
class PhaseFit:
    """All core levels of one sample by its phases.

    `amounts`: mole fraction of each phase in the film (all layers with something beneath them; a film without end: in
    it). `areal_amounts`: nmol/cm2, only where a scale is known. `layers`, `regions`, `shifts` of the electrical domains
    (eV) and `patches` (part of the area) as fitted; `parameters` all of them, in the order of `covariance`.
    `indistinguishable`: groups of phases whose amounts the data trade one for the other. `flags`: what to look at
    before believing it, of which `faults` say that something is wrong with this fit or its data; `notes`: what was
    assumed. `status`: "done", "poor fit" (reduced chi squared above 5 where the errors of the counts are known), "not
    converged" (then there are no amounts), "refused" (why: in `faults`). `amounts` are empty too where the film has
    several layers and the bottom of one is not seen: then there are those of each layer.
    `chi_squared` of the counts, without priors; `points` of them; `evaluations` of the model.
    """

    status: str
    amounts: dict[str, Amount] = field(default_factory=dict)
    areal_amounts: dict[str, Amount] = field(default_factory=dict)
    layers: tuple[FittedLayer, ...] = ()
    regions: tuple[FittedRegion, ...] = ()
    shifts: dict[str, Amount] = field(default_factory=dict)
    patches: dict[str, Amount] = field(default_factory=dict)
    parameters: dict[str, Amount] = field(default_factory=dict)
    covariance: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    amounts_covariance: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))
    indistinguishable: tuple[tuple[str, ...], ...] = ()
    flags: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    chi_squared: float = np.nan
    points: int = 0
    degrees_of_freedom: float = np.nan
    evaluations: int = 0

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {each}" for name, each in self.amounts.items())
        return f"PhaseFit({shown}; reduced chi squared {self.reduced_chi_squared:.2f}; {self.status})"

    @property
    def reduced_chi_squared(self) -> float:
        """chi squared over the degrees of freedom (points less what the data, not the priors, determine)."""
        return self.chi_squared / self.degrees_of_freedom

    @property
    def correlations(self) -> np.ndarray:
        """Of the amounts, in their order; NaN where one has no error."""
        return _correlations(self.amounts_covariance)

    @property
    def parameter_correlations(self) -> np.ndarray:
        """Of all parameters, in their order; NaN for what is fixed."""
        return _correlations(self.covariance)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "status": self.status,
            "amounts": {name: each.as_dict() for name, each in self.amounts.items()},
            "areal_amounts": {name: each.as_dict() for name, each in self.areal_amounts.items()},
            "layers": [each.as_dict() for each in self.layers],
            "regions": [each.as_dict() for each in self.regions],
            "shifts": {name: each.as_dict() for name, each in self.shifts.items()},
            "patches": {name: each.as_dict() for name, each in self.patches.items()},
            "parameters": {name: each.as_dict() for name, each in self.parameters.items()},
            "correlations": [[_or_none(each) for each in row] for row in self.correlations],
            "indistinguishable": [list(each) for each in self.indistinguishable],
            "flags": list(self.flags),
            "faults": list(self.faults),
            "notes": list(self.notes),
            "chi_squared": _or_none(self.chi_squared),
            "reduced_chi_squared": _or_none(self.reduced_chi_squared),
            "points": self.points,
        }


def _or_none(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None


def _correlations(covariance: np.ndarray) -> np.ndarray:
    errors = np.sqrt(np.diagonal(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: np.ndarray = covariance / np.outer(errors, errors)
    return np.where(np.outer(errors > 0.0, errors > 0.0), found, np.nan)


def refused(reason: str) -> PhaseFit:
    """The fit of what cannot be fitted, which says why."""
    return PhaseFit(status="refused", flags=(reason,), faults=(reason,))


def limited(value: float, error: float, unit: str, most: float = np.inf) -> Amount:
    """An amount between zero and `most`: its 95 % limit where it is less than two errors above zero.

    The limit is that of a normal distribution about the value, cut at both ends.

    >>> limited(0.3, 2.0, "mole fraction", 1.0).upper_limit < 1.0
    True
    """
    if error <= 0.0 or value >= 2.0 * error:
        return Amount(value, error, unit)
    centre = value / error
    beyond = float(ndtr(centre - most / error))
    limit = float(error * (centre - ndtri(beyond + 0.05 * (ndtr(centre) - beyond))))
    return Amount(value, error, unit, min(limit, most))


def indistinguishable(names: Sequence[str], values: np.ndarray, covariance: np.ndarray) -> tuple[tuple[str, ...], ...]:
    """Groups of amounts that the data exchange: directions of the posterior wider than `_WIDE`, in which members rise
    against others.
    """
    if len(names) < 2:
        return ()
    variances, directions = np.linalg.eigh(covariance)
    groups = []
    for variance, direction in zip(variances[::-1], directions.T[::-1], strict=True):
        members = np.flatnonzero(np.abs(direction) > _MEMBER)
        total = float(np.sum(values[members]))
        against = len(members) > 1 and direction[members].min() < 0.0 < direction[members].max()
        if against and np.sqrt(variance) > max(_WIDE, _PART * total):
            groups.append(tuple(names[int(each)] for each in members))
    return tuple(dict.fromkeys(groups))


_MEMBER, _WIDE, _PART = 0.35, 0.05, 0.35
