"""Values with standard errors, units and the assumptions they rest on, and how laws carry these on.

Errors are propagated to first order, var f = sum_ij df/dx_i df/dx_j cov(x_i, x_j), with the exact derivatives of the
laws; assumptions are handed on, so that a result lists all that it rests on.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.errors import InputError


@dataclasses.dataclass(frozen=True, eq=False)
class Measured:
    """A value (a number or an array) with its standard error, unit and assumptions; or None and the reason for it.

    >>> print(Measured(1.46e5, 1.2e4, "ohm"))
    146000 +/- 12000 ohm
    """

    value: Any
    standard_error: Any = 0.0
    unit: str = "1"
    assumptions: tuple[str, ...] = ()
    reason: str = ""

    def __str__(self) -> str:
        if self.value is None:
            return f"not given: {self.reason}"
        if np.ndim(self.value):
            return f"{self.value} +/- {self.standard_error} {self.unit}"
        return f"{self.value:.6g} +/- {float(f'{self.standard_error:.2g}'):.6g} {self.unit}"

    def to(self, unit: str) -> Measured:
        """The same in another unit.

        >>> print(Measured(0.012, 0.001, "ohm*m^2").to("ohm*cm^2"))
        120 +/- 10 ohm*cm^2
        """
        from mossy.units import convert

        if self.value is None:
            return dataclasses.replace(self, unit=unit)
        factor = convert(1.0, self.unit, unit)
        return dataclasses.replace(
            self, value=self.value * factor, standard_error=self.standard_error * factor, unit=unit
        )


def not_given(unit: str, reason: str, assumptions: tuple[str, ...] = ()) -> Measured:
    """A quantity that the measurement does not determine."""
    return Measured(None, np.nan, unit, assumptions, reason)


def propagate(
    law: Callable[..., Any],
    inputs: dict[str, Measured],
    unit: str,
    *assumptions: str,
    covariance: Any = None,
    limits: dict[str, tuple[float, float]] | None = None,
) -> Measured:
    """A law of measured values with its error to first order.

    Arguments: `law(**values)`, elementwise; `inputs`, by the law's argument names; `unit` of the result;
    `assumptions` of the law, added to those of the inputs; `covariance` (n, n) or (..., n, n) of the inputs in their
    order, or None for independent errors from the inputs' own; `limits`: of an input, (above, up to).
    Raises InputError for a value that is not finite or outside its limits, and an input that is itself not given.

    >>> double = propagate(lambda a, b: a * b, {"a": Measured(2.0, 0.1), "b": Measured(3.0, 0.0)}, "1")
    >>> round(double.value, 6), round(double.standard_error, 6)
    (6.0, 0.3)
    """
    for name, given in inputs.items():
        check_input(name, given, *(limits or {}).get(name, (0.0, np.inf)))
    names = list(inputs)
    values = [jnp.asarray(inputs[name].value, dtype=float) for name in names]
    shape = np.broadcast_shapes(*(each.shape for each in values))
    values = [jnp.broadcast_to(each, shape) for each in values]

    def ordered(*each: Any) -> Any:
        return law(**dict(zip(names, each, strict=True)))

    slopes = []
    for place in range(len(names)):
        tangents = [jnp.ones(shape) if k == place else jnp.zeros(shape) for k in range(len(names))]
        value, slope = jax.jvp(ordered, tuple(values), tuple(tangents))
        slopes.append(np.asarray(slope))
    gradient = np.stack(slopes, axis=-1)
    matrix = _covariance(inputs, shape, covariance)
    variance = np.einsum("...i,...ij,...j->...", gradient, matrix, gradient)
    error = np.sqrt(np.maximum(variance, 0.0))
    result = np.asarray(value)
    stated = tuple(dict.fromkeys([*assumptions, *(text for each in inputs.values() for text in each.assumptions)]))
    return Measured(result if shape else float(result), error if shape else float(error), unit, stated)


def check_input(name: str, given: Measured, above: float, most: float) -> None:
    """Refuses a value that is not given, not above `above`, or above `most`, and an error that is none."""
    if given.value is None:
        raise InputError(f"it is not given: {given.reason}", key=name, remedy="give a value that was measured")
    value, error = np.asarray(given.value, dtype=float), np.asarray(given.standard_error, dtype=float)
    if not np.all(np.isfinite(value)) or np.any(value <= above) or np.any(value > most):
        bound = f"above {above:g}" + (f" and at most {most:g}" if np.isfinite(most) else "")
        raise InputError(f"{given.value} {given.unit} is not finite and {bound}", key=name, remedy="look at the fit")
    if np.any(np.isnan(error)) or np.any(error < 0.0):
        raise InputError(f"its standard error {given.standard_error} is not 0 or more", key=name, remedy="give it")


def _covariance(inputs: dict[str, Measured], shape: tuple[int, ...], covariance: Any) -> np.ndarray:
    count = len(inputs)
    if covariance is None:
        errors = [np.broadcast_to(np.asarray(each.standard_error, dtype=float), shape) for each in inputs.values()]
        return np.stack(errors, axis=-1)[..., None] ** 2 * np.eye(count)
    matrix = np.asarray(covariance, dtype=float)
    if matrix.shape[-2:] != (count, count):
        order = ", ".join(inputs)
        raise InputError(f"its shape is {matrix.shape}", key="covariance", remedy=f"give {count} x {count}: {order}")
    return matrix


__all__ = ["Measured", "check_input", "not_given", "propagate"]
