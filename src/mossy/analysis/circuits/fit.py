"""What a fitted circuit is: values with errors, what the data cannot tell, and how well it fits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mossy.analysis.circuits.form import fitted_form
from mossy.analysis.spectra import Spectrum
from mossy.backend import jnp
from mossy.errors import InputError, suggest


@dataclass(frozen=True)
class Fitted:
    """A parameter: `value` and `standard_error` in `unit` (SI; infinite where the data do not determine it), the
    `relative_error`, and what is to be said about it.
    """

    value: float
    standard_error: float
    unit: str
    note: str = ""

    @property
    def relative_error(self) -> float:
        """standard error/|value|."""
        return self.standard_error / abs(self.value) if self.value else np.inf

    @property
    def determined(self) -> bool:
        """Whether its standard error is below its value."""
        return bool(self.standard_error < abs(self.value))


@dataclass(frozen=True, eq=False, repr=False)
class CircuitFit:
    """One spectrum fitted by one circuit.

    `chi_squared` is the weighted sum of squares; `degrees_of_freedom` two a point less the free parameters;
    `residuals` (complex, Z measured less modelled over |Z|) and `model` (ohm) at the spectrum's frequencies;
    `covariance` of the parameters in their order. `aic` and `bic` compare circuits fitted to the same spectrum with
    the same weighting. `noise_ratio` is the root mean square residual over the noise that the Kramers-Kronig test
    finds: near 1 where the circuit says all the data do, above where it lacks something. `status`: "done", "not
    converged", or "refused" with the reason in `flags`.
    """

    circuit: str
    parameters: dict[str, Fitted]
    chi_squared: float
    degrees_of_freedom: int
    residuals: np.ndarray
    model: np.ndarray
    covariance: np.ndarray
    absolute_weights: bool
    aic: float
    bic: float
    noise_ratio: float
    status: str
    flags: tuple[str, ...]
    spectrum: Spectrum | None = None
    validity: Any = None
    problem: Any = field(default=None, repr=False)

    def __repr__(self) -> str:
        shown = ", ".join(
            f"{name}={each.value:.4g}+-{each.standard_error:.1g}" for name, each in self.parameters.items()
        )
        return f"CircuitFit({self.circuit}: {shown}; {self.status})"

    @property
    def reduced_chi_squared(self) -> float:
        """chi squared over the degrees of freedom."""
        return self.chi_squared / self.degrees_of_freedom if self.degrees_of_freedom > 0 else np.nan

    @property
    def names(self) -> list[str]:
        """The names of the parameters in the order of the covariance."""
        return list(self.parameters)

    @property
    def values(self) -> np.ndarray:
        """The values in the order of `names`."""
        return np.array([each.value for each in self.parameters.values()])

    @property
    def correlations(self) -> np.ndarray:
        """The correlation matrix; NaN for what is not determined or fixed."""
        errors = np.sqrt(np.diagonal(self.covariance))
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(np.isfinite(self.covariance), self.covariance / np.outer(errors, errors), np.nan)

    @property
    def relative_rms(self) -> float:
        """Root mean square of |Z - Z model|/|Z|."""
        return float(np.sqrt(np.mean(np.abs(self.residuals) ** 2))) if len(self.residuals) else np.nan

    def impedance(self, frequency: Any) -> np.ndarray:
        """The fitted circuit's Z, ohm, at each `frequency`, Hz."""
        omega = jnp.asarray(2.0 * np.pi * np.atleast_1d(np.asarray(frequency, dtype=float)))
        return np.asarray(fitted_form(self.circuit).given.impedance(omega, jnp.asarray(self.values)))

    def profile(self, name: str, values: Any = None) -> tuple[np.ndarray, np.ndarray]:
        """(values of one parameter, chi squared with all others fitted again there): its profile likelihood.

        Without `values`, 21 from three standard errors below to three above. The 95 % interval is where chi squared
        stays below its least times 1 + 3.84/degrees of freedom (or plus 3.84, where weights are absolute).
        """
        from mossy.analysis.circuits.results import profile

        if name not in self.parameters:
            problem = f"'{name}' is no parameter of {self.circuit}"
            raise InputError(problem, key="profile", remedy=suggest(name, self.parameters))
        return profile(self, name, values)


def refused(circuit: str, reason: str, spectrum: Spectrum | None = None) -> CircuitFit:
    """The fit of a spectrum that cannot be fitted, which says why."""
    given = fitted_form(circuit).given
    unknown = {each.name: Fitted(np.nan, np.inf, each.spec.unit) for each in given.parameters}
    count = len(unknown)
    nothing = np.zeros(0, dtype=complex)
    return CircuitFit(
        circuit=circuit,
        parameters=unknown,
        chi_squared=np.nan,
        degrees_of_freedom=0,
        residuals=nothing,
        model=nothing,
        covariance=np.full((count, count), np.inf),
        absolute_weights=False,
        aic=np.inf,
        bic=np.inf,
        noise_ratio=np.nan,
        status="refused",
        flags=(reason,),
        spectrum=spectrum,
    )
