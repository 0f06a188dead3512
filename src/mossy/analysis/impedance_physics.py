"""Physical quantities out of impedance parameters, each with propagated error, its assumptions, or why it is not given.

What goes in and what comes out are `Measured` values in SI units. Errors are propagated to first order,
var f = sum_ij df/dx_i df/dx_j cov(x_i, x_j), with the exact derivatives of the laws; assumptions are handed on, so that
a result lists all that it rests on.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mossy.backend import jax, jnp
from mossy.errors import InputError, suggest
from mossy.laws import impedance_physics as laws

SYMMETRIES = {
    "identical electrodes": 0.5,
    "counter electrode without resistance": 1.0,
    "reference electrode": 1.0,
}
"""Share of a measured resistance that is one electrode's, by what must be stated about the other."""


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
        _check(name, given, *(limits or {}).get(name, (0.0, np.inf)))
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


def _check(name: str, given: Measured, above: float, most: float) -> None:
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


_UNIT_INTERVAL = (0.0, 1.0)
_AREA = "the flat area carries an even current"


def through_film_capacitance(
    resistance: Measured, constant_phase: Measured, exponent: Measured, *, covariance: Any = None
) -> Measured:
    """Capacitance of an arc R || Q whose time constants are spread through a film (`laws.through_film_capacitance`), F.

    `covariance` of (R, Q, a) from the fit: Q and a are nearly always tightly correlated, and without it the error comes
    out several times too large.

    >>> arc = Measured(1.462e5, 1.250e4, "ohm"), Measured(6.515e-11, 1.168e-11, "S*s^a"), Measured(0.8382, 0.0139)
    >>> print(through_film_capacitance(*arc).to("pF"))  # as if independent
    6.99311 +/- 2.2 pF
    """
    inputs = {"resistance": resistance, "constant_phase": constant_phase, "exponent": exponent}
    text = "time constants distributed through the film: C = Q^(1/a) R^(1/a - 1) (Hsu and Mansfeld)"
    independent = () if covariance is not None else ("errors of R, Q and a taken as independent",)
    return propagate(
        laws.through_film_capacitance,
        inputs,
        "F",
        text,
        *independent,
        covariance=covariance,
        limits={"exponent": _UNIT_INTERVAL},
    )


def surface_capacitance(
    series_resistance: Measured,
    resistance: Measured | None,
    constant_phase: Measured,
    exponent: Measured,
    *,
    covariance: Any = None,
) -> Measured:
    """Capacitance of R_u + (R || Q) with time constants spread along the surface (`laws.surface_capacitance`), F.

    `resistance` None: a blocking electrode. `covariance` of (R_u, R, Q, a), or (R_u, Q, a) where it blocks.

    >>> blocking = Measured(5.0, 0.1, "ohm"), None, Measured(2e-5, 1e-6, "S*s^a"), Measured(0.9, 0.005)
    >>> print(surface_capacitance(*blocking).to("uF"))
    7.18763 +/- 0.57 uF
    """
    inputs = {"series_resistance": series_resistance}
    inputs |= {} if resistance is None else {"resistance": resistance}
    inputs |= {"constant_phase": constant_phase, "exponent": exponent}
    text = "time constants distributed along the surface: C = Q^(1/a) (1/R_u + 1/R)^((a - 1)/a) (Brug)"
    independent = () if covariance is not None else ("errors of R_u, R, Q and a taken as independent",)

    def law(resistance: Any = jnp.inf, **others: Any) -> Any:
        return laws.surface_capacitance(resistance=resistance, **others)

    limits = {"exponent": _UNIT_INTERVAL}
    return propagate(law, inputs, "F", text, *independent, covariance=covariance, limits=limits)


def film_thickness(
    capacitance: Measured, relative_permittivity: Measured, area: Measured, *, covariance: Any = None
) -> Measured:
    """Thickness of a film from its capacitance, eps_0 eps_r A/C, m.

    >>> print(film_thickness(Measured(1e-6, 1e-7, "F"), Measured(10.0, 2.0), Measured(1e-4, 0.0, "m^2")).to("nm"))
    8.85419 +/- 2 nm
    """
    inputs = {"capacitance": capacitance, "relative_permittivity": relative_permittivity, "area": area}
    text = "a dense film of even thickness over the area given (a rough surface makes it look thinner)"
    return propagate(laws.film_thickness, inputs, "m", text, covariance=covariance)


def relative_permittivity(
    capacitance: Measured, thickness: Measured, area: Measured, *, covariance: Any = None
) -> Measured:
    """Relative permittivity of a film or pellet of known thickness, C L/(eps_0 A)."""
    inputs = {"capacitance": capacitance, "thickness": thickness, "area": area}
    text = "the capacitance is that of the film alone, without strays or electrodes"
    return propagate(laws.relative_permittivity, inputs, "1", text, covariance=covariance)


def conductivity(resistance: Measured, thickness: Measured, area: Measured, *, covariance: Any = None) -> Measured:
    """Conductivity of a sample, L/(R A), S/m.

    >>> pellet = Measured(2.1e-3, 1e-5, "m"), Measured(5.0265e-5, 1e-6, "m^2")
    >>> print(conductivity(Measured(1.462e5, 1.250e4, "ohm"), *pellet).to("S/cm"))
    2.85763e-06 +/- 2.5e-07 S/cm
    """
    inputs = {"resistance": resistance, "thickness": thickness, "area": area}
    text = "referred to the thickness of the whole sample"
    return propagate(laws.conductivity, inputs, "S/m", _AREA, text, covariance=covariance)


def per_electrode(resistance: Measured, area: Measured, *, symmetry: str | None = None) -> Measured:
    """Resistance times area of one electrode of a cell, ohm m2, under a stated symmetry.

    Arguments: `resistance` of the arc as measured, ohm; `area` of one electrode, m2; `symmetry`, a key of `SYMMETRIES`.
    Raises InputError without one: a two-electrode measurement holds the sum of both electrodes and no more.

    >>> one = per_electrode(Measured(120.0, 2.0, "ohm"), Measured(1e-4, 0.0, "m^2"), symmetry="identical electrodes")
    >>> print(one.to("ohm*cm^2"))
    60 +/- 1 ohm*cm^2
    """
    if symmetry not in SYMMETRIES:
        raise InputError(
            f"the symmetry {symmetry!r} does not tell how the two electrodes share a resistance",
            key="symmetry",
            remedy=suggest(str(symmetry), SYMMETRIES),
        )
    share = SYMMETRIES[symmetry]
    inputs = {"resistance": resistance, "area": area}
    return propagate(lambda resistance, area: share * resistance * area, inputs, "ohm*m^2", symmetry, _AREA)


def porous_film(
    area: Measured,
    *,
    liquid_conductance: Measured | None = None,
    liquid_conductivity: Measured | None = None,
    capacitance: Measured | None = None,
    solid_permittivity: Measured | None = None,
    tortuosity: Measured | None = None,
) -> dict[str, Measured]:
    """What the branches of a porous film determine of its shape, and what they do not.

    Arguments: `area`, m2; `liquid_conductance`, S, of the branch whose activation energy is the liquid's;
    `liquid_conductivity`, S/m, of the liquid there; `capacitance`, F, of the solid part and `solid_permittivity`;
    `tortuosity` of the channels, where it is stated. Result: "liquid_factor" eps/(tau L), 1/m; "solid_factor"
    (1 - eps)/L, 1/m; "thickness" L, m; "porosity" eps; those that cannot be had have the value None and the reason.
    A pair of activation energies tells the branches apart, and nothing of the shape.

    >>> shape = porous_film(Measured(1e-4, 0.0, "m^2"))
    >>> print(shape["thickness"])
    not given: eps, tau and L enter only as eps/(tau L) and (1 - eps)/L: it needs both and a stated tortuosity
    """
    channels = "parallel channels through the whole film beside a dense solid"
    liquid = _factor(
        laws.porous_liquid_factor,
        {"conductance": liquid_conductance, "liquid_conductivity": liquid_conductivity, "area": area},
        "eps/(tau L) needs the conductance of the liquid branch and the conductivity of the liquid in it",
        channels,
        "the liquid in the channels conducts as in bulk",
    )
    solid = _factor(
        laws.porous_solid_factor,
        {"capacitance": capacitance, "relative_permittivity": solid_permittivity, "area": area},
        "(1 - eps)/L needs the geometric capacitance and the permittivity of the solid",
        channels,
        "the capacitance is the solid's alone",
    )
    found = {"liquid_factor": liquid, "solid_factor": solid}
    if tortuosity is None or liquid.value is None or solid.value is None:
        reason = "eps, tau and L enter only as eps/(tau L) and (1 - eps)/L: it needs both and a stated tortuosity"
        return found | {"thickness": not_given("m", reason), "porosity": not_given("1", reason)}
    inputs = {
        "area": area,
        "conductance": liquid_conductance,
        "liquid_conductivity": liquid_conductivity,
        "capacitance": capacitance,
        "relative_permittivity": solid_permittivity,
        "tortuosity": tortuosity,
    }
    known = {name: each for name, each in inputs.items() if each is not None}
    texts = (*liquid.assumptions, *solid.assumptions, "the tortuosity stated")
    return found | {
        "thickness": propagate(_shape(laws.porous_film_thickness), known, "m", *texts),
        "porosity": propagate(_shape(laws.porous_film_porosity), known, "1", *texts),
    }


def _factor(law: Callable[..., Any], inputs: dict[str, Measured | None], reason: str, *texts: str) -> Measured:
    known = {name: each for name, each in inputs.items() if each is not None}
    return propagate(law, known, "1/m", *texts) if len(known) == len(inputs) else not_given("1/m", reason)


def _shape(law: Callable[..., Any]) -> Callable[..., Any]:
    """A law of both factors as one of what was measured, so that the common area counts once in the error."""

    def of_measured(
        area: Any,
        conductance: Any,
        liquid_conductivity: Any,
        capacitance: Any,
        relative_permittivity: Any,
        tortuosity: Any,
    ) -> Any:
        liquid = laws.porous_liquid_factor(conductance, liquid_conductivity, area)
        solid = laws.porous_solid_factor(capacitance, relative_permittivity, area)
        return law(liquid, solid, tortuosity)

    return of_measured


LINEAR = 0.0105
"""Largest step, V, for which the theory holds (10 mV, and what a potentiostat adds to it)."""
_STILL, _TOO_FAR = 0.01, 0.1
_NONE_ALLOWED = (-1e-300, math.inf)
_INTERFACES = {
    "initial_resistance": _NONE_ALLOWED,
    "steady_resistance": _NONE_ALLOWED,
    "interface_resistance": _NONE_ALLOWED,
}


@dataclasses.dataclass(frozen=True, eq=False)
class SteadyCurrent:
    """What a potentiostatic step on a symmetric cell tells: `transference_number` only where it may be called that."""

    current_fraction: Measured
    newman_number: Measured
    transference_number: Measured
    initial_current: Measured
    steady_current: Measured
    flags: tuple[str, ...] = ()


def current_fraction(
    voltage: Measured,
    steady_current: Measured,
    resistance_before: Measured,
    resistance_after: Measured,
    *,
    initial_current: Measured | None = None,
    bulk_resistance: Measured | None = None,
    ideal_dilute: bool = False,
    highest_voltage: float = 0.025,
    covariance: Any = None,
) -> SteadyCurrent:
    """Steady current fraction rho = I_ss (dV - I_0 R_0)/(I_0 (dV - I_ss R_ss)) = 1/(1 + Ne), with its error.

    Arguments: `voltage` dV, V; `steady_current` I_ss, A; `resistance_before` R_0 and `resistance_after` R_ss of both
    interfaces, ohm; either `initial_current` I_0, A, as measured, or `bulk_resistance` R_b, ohm, which gives it by
    Ohm's law, dV/(R_b + R_0); `ideal_dilute`: the caller states an ideal dilute binary electrolyte, whose transference
    number rho is; `highest_voltage`, V, above which a step is refused; `covariance` of (dV, I_ss, R_0, R_ss, I_0 or
    R_b). Raises InputError where a value is not above zero, or an interface takes up the whole voltage.
    Source: `laws.bruce_vincent_fraction`, `laws.initial_current`, `laws.steady_current_fraction`.

    >>> step, currents = Measured(10e-3, 5e-5, "V"), (Measured(10.78e-6, 5e-8, "A"), Measured(17.54e-6, 1e-7, "A"))
    >>> interfaces = Measured(243.0, 2.0, "ohm"), Measured(250.0, 2.0, "ohm")
    >>> print(current_fraction(step, currents[0], *interfaces, initial_current=currents[1]).current_fraction)
    0.48274 +/- 0.0066 1
    """
    inputs = {
        "voltage": voltage,
        "steady_current": steady_current,
        "initial_resistance": resistance_before,
        "steady_resistance": resistance_after,
    }
    flags = _voltage_flags(voltage, highest_voltage)
    law: Callable[..., Any]
    if initial_current is not None and bulk_resistance is None:
        law, first, text = laws.bruce_vincent_fraction, initial_current, "initial current as measured"
        inputs["initial_current"] = initial_current
    elif bulk_resistance is not None and initial_current is None:
        law, text = _fraction_by_ohm, "initial current by Ohm's law, dV/(R_b + R_0)"
        inputs["bulk_resistance"] = bulk_resistance
        parts = {"voltage": voltage, "bulk_resistance": bulk_resistance, "interface_resistance": resistance_before}
        first = propagate(laws.initial_current, parts, "A", text, limits=_INTERFACES)
    else:
        raise InputError(
            "the initial current must come from one place", remedy="give either initial_current or bulk_resistance"
        )
    for name, each in inputs.items():
        _check(name, each, *_INTERFACES.get(name, (0.0, np.inf)))
    _interface_takes_all("resistance_before", voltage, first, resistance_before)
    _interface_takes_all("resistance_after", voltage, steady_current, resistance_after)
    assumptions = ("binary electrolyte between two electrodes of the same metal", "interfaces follow Ohm's law", text)
    fraction = propagate(law, inputs, "1", *assumptions, covariance=covariance, limits=_INTERFACES)
    if np.any(fraction.value > 1.0 + 2.0 * fraction.standard_error):
        flags.append("the current fraction is above 1: the resistances or the initial current do not belong together")
    newman = propagate(laws.newman_number, {"current_fraction": fraction}, "1")
    named = not_given(
        "1",
        "a steady current fraction is a transference number only in an ideal dilute electrolyte, which was not stated",
    )
    if ideal_dilute:
        stated = (*fraction.assumptions, "ideal dilute electrolyte, as stated")
        named = dataclasses.replace(fraction, assumptions=stated)
    return SteadyCurrent(fraction, newman, named, first, steady_current, tuple(flags))


def _interface_takes_all(name: str, voltage: Measured, current: Measured, resistance: Measured) -> None:
    if np.any(current.value * resistance.value >= voltage.value):
        raise InputError(
            f"{resistance} takes up the whole {voltage} at {current}",
            key=name,
            remedy="it must be the interfaces' alone, without the electrolyte's",
        )


def _fraction_by_ohm(
    voltage: Any, steady_current: Any, initial_resistance: Any, steady_resistance: Any, bulk_resistance: Any
) -> Any:
    first = laws.initial_current(voltage, bulk_resistance, initial_resistance)
    return laws.bruce_vincent_fraction(voltage, first, steady_current, initial_resistance, steady_resistance)


def _voltage_flags(voltage: Measured, highest: float) -> list[str]:
    if voltage.value is None or not np.all(np.isfinite(voltage.value)) or np.any(np.asarray(voltage.value) <= 0.0):
        raise InputError(f"{voltage.value} V is no step", key="voltage", remedy="give the size of the step, above 0 V")
    size = float(np.max(voltage.value))
    if size > highest:
        raise InputError(
            f"a step of {1e3 * size:.4g} mV is above {1e3 * highest:g} mV, where the salt profile is no longer linear",
            key="voltage",
            remedy="measure with 10 mV or less, or raise highest_voltage knowingly",
        )
    return [f"the step of {1e3 * size:.4g} mV is above 10 mV"] if size > LINEAR else []


def bruce_vincent(
    time: Any,
    current: Any,
    voltage: Measured,
    resistance_before: Measured,
    resistance_after: Measured,
    *,
    bulk_resistance: Measured | None = None,
    settling_time: float = 0.0,
    ideal_dilute: bool = False,
    highest_voltage: float = 0.025,
) -> SteadyCurrent:
    """Steady current fraction from the current after a small step: `current_fraction` of what the record shows.

    Arguments: `time` since the step, s, rising; `current`, A, of either sign; `voltage`, `resistance_before`,
    `resistance_after`, `bulk_resistance`, `ideal_dilute`, `highest_voltage` as `current_fraction`; `settling_time`, s:
    what comes before is the charging of the interfaces and is left out. The initial current is extrapolated to t = 0
    (I_0 + b sqrt t + c t over the first 40 % of the fall) unless a bulk resistance is given for Ohm's law; the steady
    one is the limit of the last exponential of the fall.
    Flags: a current still 1 % above its limit, or rising; beyond 10 % the fraction is not given.
    Raises InputError for fewer than 10 points, times that do not rise, a current that changes sign.
    """
    t, size = _record(time, current)
    keep = t >= settling_time
    if np.count_nonzero(keep) < 10:
        raise InputError(
            f"{np.count_nonzero(keep)} points after {settling_time:g} s", key="time", remedy="give at least 10"
        )
    t, size = t[keep], size[keep]
    steady, remaining, flags = _steady(t, size)
    first = None
    if bulk_resistance is None:
        first = _initial(t, size, float(steady.value))
    found = current_fraction(
        voltage,
        steady,
        resistance_before,
        resistance_after,
        initial_current=first,
        bulk_resistance=bulk_resistance,
        ideal_dilute=ideal_dilute,
        highest_voltage=highest_voltage,
    )
    found = dataclasses.replace(found, flags=(*found.flags, *flags))
    if remaining > _TOO_FAR:
        nothing = not_given("1", f"no steady state: the current ends {100 * remaining:.0f} % above its limit")
        return dataclasses.replace(found, current_fraction=nothing, newman_number=nothing, transference_number=nothing)
    return found


def _record(time: Any, current: Any) -> tuple[np.ndarray, np.ndarray]:
    t, size = np.asarray(time, dtype=float), np.asarray(current, dtype=float)
    if t.ndim != 1 or t.shape != size.shape or not (np.all(np.isfinite(t)) and np.all(np.isfinite(size))):
        raise InputError(
            f"times {t.shape} and currents {size.shape} are no finite arrays of one length", remedy="give both"
        )
    if t.size and (t[0] < 0.0 or np.any(np.diff(t) <= 0.0)):
        raise InputError("the times do not rise from the step on", key="time", remedy="count from the step, at 0 s")
    sign = np.sign(np.median(size)) if size.size else 1.0
    if np.any(sign * size <= 0.0):
        raise InputError("the current changes its sign", key="current", remedy="cut the record to one step")
    return t, sign * size


def _steady(t: np.ndarray, size: np.ndarray) -> tuple[Measured, float, list[str]]:
    """(limit of the current, how far it ends above it, flags), by an exponential averaged over its time constants."""
    end = float(np.mean(size[-max(3, len(t) // 20) :]))
    late = np.maximum.accumulate(size - end <= 0.1 * max(float(size[0]) - end, 0.0))
    late[-max(6, len(t) // 4) :] = True
    x, y = t[late] - t[late][0], size[late]
    constants = np.geomspace(x[-1] / 30.0, 3.0 * x[-1], 120)
    for _ in range(2):  # the second time over those alone that the noise allows
        values, variances, falls, misfits = _exponentials(x, y, constants)
        noise = max(float(misfits.min()) / (len(x) - 3), (1e-12 * end) ** 2)
        likely = np.flatnonzero(misfits - misfits.min() < 30.0 * noise)
        low, high = max(likely[0] - 1, 0), min(likely[-1] + 1, len(constants) - 1)
        weights = np.exp(-0.5 * (misfits - misfits.min()) / noise)
        constants = np.geomspace(constants[low], constants[high], len(constants))
    weights /= weights.sum()
    limit = float(weights @ values)
    error = float(np.sqrt(weights @ (noise * variances + (values - limit) ** 2)))
    remaining = float(weights @ falls) / limit if limit > 0.0 else np.inf
    flags = []
    if remaining > _STILL:
        flags.append(f"still falling: the current ends {100 * remaining:.1f} % above its limit")
    if remaining < -_STILL:
        flags.append(f"the current rises at the end, {-100 * remaining:.1f} % short of its limit: short or area growth")
        return Measured(end, abs(remaining) * end, "A", ("steady current: where the record ends",)), remaining, flags
    text = "steady current: limit of the last exponential of the fall"
    return Measured(limit if limit > 0.0 else end, error, "A", (text,)), remaining, flags


def _exponentials(
    x: np.ndarray, y: np.ndarray, constants: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """(limit, its variance for unit noise, what is left at the end, sum of squares) of y = a + b exp(-x/constant)."""
    columns = np.stack([np.ones((len(constants), len(x))), np.exp(-x / constants[:, None])], axis=-1)
    covariance = np.linalg.pinv(np.swapaxes(columns, 1, 2) @ columns)
    fitted = np.einsum("cpq,cnq,n->cp", covariance, columns, y)
    misfits = np.sum((y - np.einsum("cnp,cp->cn", columns, fitted)) ** 2, axis=1)
    return fitted[:, 0], covariance[:, 0, 0], fitted[:, 1] * columns[:, -1, 1], misfits


def _initial(t: np.ndarray, size: np.ndarray, steady: float) -> Measured:
    """The current at t = 0, from I_0 + b sqrt t + c t while salt diffusion has barely reached across."""
    early = np.minimum.accumulate(size - steady >= 0.6 * (size[0] - steady))
    count = int(np.count_nonzero(early))
    if count < 5:
        raise InputError(
            f"the first 40 % of the fall holds {count} points, too few to extrapolate to the step",
            key="current",
            remedy="sample faster after the step, or give bulk_resistance for Ohm's law",
        )
    root = np.sqrt(t[early])
    columns = np.stack([np.ones_like(root), root, root**2], axis=1)
    covariance = np.linalg.pinv(columns.T @ columns)
    fitted = covariance @ columns.T @ size[early]
    noise = np.sum((size[early] - columns @ fitted) ** 2) / (count - 3)
    text = "initial current: I_0 + b sqrt(t) + c t over the first 40 % of the fall"
    return Measured(float(fitted[0]), float(np.sqrt(noise * covariance[0, 0])), "A", (text,))
