"""What a peak fit found: components with errors, curves, correlations, and what must be said about them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from mossy.errors import InputError, suggest


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error: `statistical` (noise) and `choices` (of background, ends and shape) together."""

    value: float
    statistical: float
    choices: float = 0.0

    @property
    def standard_error(self) -> float:
        """sqrt(statistical^2 + choices^2); infinite where the data do not determine the value.

        >>> Estimate(10.0, 3.0, 4.0).standard_error
        5.0
        """
        return math.hypot(self.statistical, self.choices)

    def as_dict(self) -> dict[str, float | None]:
        """Plain numbers; None for an infinite error."""
        parts = {"standard_error": self.standard_error, "statistical": self.statistical, "choices": self.choices}
        return {"value": self.value} | {key: each if math.isfinite(each) else None for key, each in parts.items()}


@dataclass(frozen=True)
class FittedComponent:
    """One line (or doublet). Energies and widths in eV, area (of both lines of a doublet) in the fit's `unit`.

    `upper_limit`: with 95 % probability the area is below; given where the area is not three standard errors above 0.
    `width` is the FWHM of the line itself, Gaussian and Lorentzian together (without the tail of a metallic line).
    """

    name: str
    level: str | None
    """As in "S 2p", or "S 2p3/2" for one line of a doublet"""
    shape: str
    area: Estimate
    position: Estimate
    width: Estimate
    gaussian_width: Estimate
    lorentzian_width: Estimate
    asymmetry: Estimate
    splitting: Estimate
    ratio: Estimate
    fraction: Estimate
    upper_limit: float | None
    curve: np.ndarray

    @property
    def determined(self) -> bool:
        """Whether the area is known to better than half of itself."""
        return self.area.value > 0.0 and self.area.standard_error < 0.5 * self.area.value

    def as_dict(self) -> dict[str, Any]:
        """Plain values, without the curve."""
        names = ("area", "position", "width", "gaussian_width", "lorentzian_width", "asymmetry", "splitting", "ratio")
        estimates = {name: getattr(self, name).as_dict() for name in (*names, "fraction")}
        limit = self.upper_limit if self.upper_limit is None or math.isfinite(self.upper_limit) else None
        about = {"name": self.name, "level": self.level, "shape": self.shape, "upper_limit": limit}
        return about | {"determined": self.determined} | estimates


@dataclass(frozen=True)
class Choice:
    """The same components under another background, other ends or another line shape; `kept`: whether it counts."""

    family: str
    label: str
    reduced_chi_squared: float
    kept: bool
    areas: np.ndarray
    """(m,), unit of the fit"""


@dataclass(frozen=True)
class PeakFit:
    """The fit of one region. Curves are over `energy` (rising binding energies), in the record's own intensity."""

    region: str
    background_name: str
    unit: str
    energy: np.ndarray
    measured: np.ndarray
    modelled: np.ndarray
    background: np.ndarray
    residuals: np.ndarray
    """(measured - modelled)/error"""
    components: tuple[FittedComponent, ...]
    reduced_chi_squared: float
    degrees_of_freedom: int
    errors_known: bool
    """False: the noise was taken from the scatter, so that chi squared says nothing"""
    losses: Estimate | None
    """Amplitude of the losses: 1/eV for Shirley; 1 is the universal cross section for Tougaard"""
    parameter_names: tuple[str, ...]
    """Areas by component, then the free parameters"""
    correlations: np.ndarray
    area_covariance: np.ndarray
    """(m, m), unit squared, with choices where these were asked for"""
    uncertainty: str
    choices: tuple[Choice, ...] = ()
    status: str = "done"
    flags: tuple[str, ...] = ()
    """All that must be said before the numbers are used, the gravest first"""
    faults: tuple[str, ...] = ()
    """Those of `flags` that say that something is wrong with this fit or its data, without mere caveats"""
    poor: bool = False
    """Whether more is left than noise and 2 % of the lines' height (`peaks_misfit`): quote no area without saying so"""
    unexplained: float = 0.0
    """The integral of what is left beyond noise, in `unit`"""
    notes: tuple[str, ...] = ()
    excitation_energy: float | None = None
    seconds: float | None = None
    """At each energy, all sweeps together"""
    transmission: np.ndarray | None = None

    def __repr__(self) -> str:
        areas = ", ".join(
            f"{each.name} {each.area.value:.4g} +- {_short(each.area.standard_error)}" for each in self.components
        )
        return f"PeakFit({self.region}, {self.status}{', poor' * self.poor}: {areas} {self.unit})"

    @property
    def names(self) -> tuple[str, ...]:
        """The components' names."""
        return tuple(each.name for each in self.components)

    def __getitem__(self, name: str) -> FittedComponent:
        """The component of a name."""
        for each in self.components:
            if each.name == name:
                return each
        raise InputError(f"no component is called '{name}'", key=self.region, remedy=suggest(name, self.names))

    @property
    def area(self) -> Estimate:
        """The areas of all components together, with their correlations."""
        total = sum(each.area.value for each in self.components)
        variance = float(self.area_covariance.sum())
        return Estimate(total, math.sqrt(max(variance, 0.0)) if math.isfinite(variance) else math.inf)

    def correlation(self, first: str, second: str) -> float:
        """Of two parameters by name: "C-O area", "C-O.position", "shared gaussian_width"..."""
        for name in (first, second):
            if name not in self.parameter_names:
                raise InputError(f"no parameter is called '{name}'", remedy=suggest(name, self.parameter_names))
        rows = [self.parameter_names.index(name) for name in (first, second)]
        return float(self.correlations[rows[0], rows[1]])

    def as_dict(self) -> dict[str, Any]:
        """Everything but the curves, as JSON can hold it."""
        return {
            "region": self.region,
            "background": self.background_name,
            "unit": self.unit,
            "components": [each.as_dict() for each in self.components],
            "losses": None if self.losses is None else self.losses.as_dict(),
            "reduced_chi_squared": self.reduced_chi_squared,
            "degrees_of_freedom": self.degrees_of_freedom,
            "errors_known": self.errors_known,
            "uncertainty": self.uncertainty,
            "choices": [
                {"family": each.family, "label": each.label, "kept": each.kept}
                | {"reduced_chi_squared": each.reduced_chi_squared, "areas": each.areas.tolist()}
                for each in self.choices
            ],
            "correlations": {
                f"{first}, {second}": float(self.correlations[i, j])
                for i, first in enumerate(self.parameter_names)
                for j, second in enumerate(self.parameter_names[:i])
                if abs(self.correlations[i, j]) > 0.5
            },
            "poor": self.poor,
            "unexplained": self.unexplained,
            "status": self.status,
            "flags": list(self.flags),
            "faults": list(self.faults),
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """A table for a terminal."""
        lines = [f"{self.region}: {len(self.components)} components, background {self.background_name}"]
        chi = f"reduced chi squared {self.reduced_chi_squared:.2f}" if self.errors_known else "noise from the scatter"
        lines.append(f"{chi}, {self.status}; errors: {self.uncertainty}")
        lines.append(f"{'component':20s}{'eV':>9s}{'+-':>7s}{'FWHM':>7s}{'area':>12s}{'+-':>10s}{'%':>7s}")
        for each in self.components:
            errors = [_short(item) for item in (each.position.standard_error, each.area.standard_error)]
            lines.append(
                f"{each.name:20s}{each.position.value:9.2f}{errors[0]:>7s}{each.width.value:7.2f}"
                f"{each.area.value:12.5g}{errors[1]:>10s}{100.0 * each.fraction.value:7.1f}"
            )
        return "\n".join([*lines, *(f"! {flag}" for flag in self.flags), *(f"- {note}" for note in self.notes)])


def _short(error: float) -> str:
    return f"{error:.2g}" if math.isfinite(error) and error < 1e4 else f"{error:.0f}" if math.isfinite(error) else "?"


def fractions(areas: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each area over their sum, and the standard errors, with correlations. Equal errors' noise cancels in the sum.

    >>> share, error = fractions(np.array([1.0, 3.0]), np.diag([0.01, 0.01]))
    >>> share.tolist(), error.round(4).tolist()
    ([0.25, 0.75], [0.0198, 0.0198])
    """
    total = areas.sum()
    if total <= 0.0:
        return np.zeros_like(areas), np.full_like(areas, np.inf)
    share = areas / total
    by = (np.eye(len(areas)) - share[:, None]) / total
    bad = ~np.isfinite(np.diag(covariance))
    variance = np.diag(by @ np.where(np.isfinite(covariance), covariance, 0.0) @ by.T)
    return share, np.where(bad | bad.any(), np.inf, np.sqrt(np.maximum(variance, 0.0)))
