"""The steady current fraction of a symmetric cell after a small step of voltage, after Bruce, Evans and Vincent."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from mossy.analysis.measured import Measured, check_input, not_given, propagate
from mossy.errors import InputError
from mossy.laws import impedance_physics as laws

LINEAR = 0.0105
"""Largest step, V, for which the theory holds (10 mV, and what a potentiostat adds to it)."""
_STILL, _TOO_FAR = 0.01, 0.1
_HALF, _UNLIKELY = 6, 4.0
"""Points that half of the early record must hold to be compared with all of it; errors from which on it tells."""
_ONE_ERROR = 0.841344746
"""The normal distribution at one standard error."""
_FORM = 1e-6
"""Part of the current that the form it is extrapolated with leaves open."""
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
        check_input(name, each, *_INTERFACES.get(name, (0.0, np.inf)))
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
    (I_0 exp(a^2 t) erfc(a sqrt t), semi-infinite diffusion behind an ohmic resistance, over the first 40 % of the fall)
    unless a bulk resistance is given for Ohm's law; the steady one is the limit of the last exponential of the fall.
    Flags: an early current that does not follow diffusion (what I_0 moves by is then part of its error); a current
    still 1 % above its limit, or rising; beyond 10 % the fraction is not given.
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
        first, more = _initial(t, size, float(steady.value))
        flags += more
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


def _initial(t: np.ndarray, size: np.ndarray, steady: float) -> tuple[Measured, list[str]]:
    """(current at t = 0, flags), from I_0 exp(a^2 t) erfc(a sqrt t) while diffusion has barely reached across.

    The form is exact for an ohmic resistance in series with semi-infinite diffusion of the salt: the step's transform
    V/s/(R + w/sqrt s) is V/R times that of exp(a^2 t) erfc(a sqrt t), a = w/R. Over the first 40 % of the fall it
    differs from finite diffusion by less than 1e-4 of the fall.
    """
    count = _fallen_by(size, float(size[0]), steady)
    for _ in range(2):  # from the second on the window is the fit's: ended by a noisy point it would bend the fit
        value, error, fitted = _extrapolated(t, size, count)
        count = _fallen_by(fitted, value, steady)
    value, error, _ = _extrapolated(t, size, count)
    model = _misfit(t[:count], size[:count], value, error) if count >= 2 * _HALF else 0.0
    flags = []
    if model:
        flags.append(
            f"the early current does not follow diffusion: halves of it extrapolate to the step by up to {model:.2g} A "
            f"from {value:.5g} A; look at settling_time, or give bulk_resistance"
        )
    text = "initial current: I_0 exp(a^2 t) erfc(a sqrt t) over the first 40 % of the fall"
    return Measured(value, math.hypot(error, model), "A", (text,)), flags


def _misfit(t: np.ndarray, size: np.ndarray, value: float, error: float) -> float:
    """How far I_0, A, moves with only the first or the last half of the points; 0 where the noise explains it."""
    half, moves = len(t) // 2, [0.0]
    for part in (slice(None, half), slice(half, None)):
        other, its_error, _ = _extrapolated(t[part], size[part], len(t[part]))
        moves += [abs(other - value)] if abs(other - value) > _UNLIKELY * math.hypot(its_error, error) else []
    return max(moves)


def _fallen_by(size: np.ndarray, first: float, steady: float) -> int:
    """How many points hold the first 40 % of the fall from `first` to `steady`, A."""
    count = int(np.count_nonzero(np.minimum.accumulate(size - steady >= 0.6 * (first - steady))))
    if count < 5:
        raise InputError(
            f"the first 40 % of the fall holds {count} points, too few to extrapolate to the step",
            key="current",
            remedy="sample faster after the step, or give bulk_resistance for Ohm's law",
        )
    return count


def _extrapolated(t: np.ndarray, size: np.ndarray, count: int) -> tuple[float, float, np.ndarray]:
    """(I_0, its standard error, the curve at every time), A: I_0 exp(a^2 t) erfc(a sqrt t) through the first `count`.

    The error is that of least squares, times the quantile of Student's t that holds 68.3 % at these few points.
    """
    from scipy.optimize import least_squares
    from scipy.special import erfcx, stdtrit

    every, scale = np.sqrt(t / t[count - 1]), float(size[0])
    root, measured = every[:count], size[:count] / scale

    def residuals(at: np.ndarray) -> np.ndarray:
        return np.asarray(at[0] * erfcx(at[1] * root) - measured)

    def slopes(at: np.ndarray) -> np.ndarray:
        shape = erfcx(at[1] * root)
        steep = root * (2.0 * at[1] * root * shape - 2.0 / math.sqrt(math.pi))
        return np.stack([shape, at[0] * steep], axis=1)

    start = (1.0, min(max(1.0 - measured[-1], 0.0), 0.9))
    found = least_squares(residuals, start, slopes, bounds=([0.0, -2.0], [np.inf, 20.0]), xtol=1e-12, ftol=1e-12)
    freedom = count - 2
    noise = max(2.0 * float(found.cost) / freedom, _FORM**2)
    variance = noise * float(np.linalg.pinv(found.jac.T @ found.jac)[0, 0])
    error = scale * math.sqrt(variance) * float(stdtrit(freedom, _ONE_ERROR))
    return scale * float(found.x[0]), error, scale * found.x[0] * erfcx(found.x[1] * every)


__all__ = ["LINEAR", "SteadyCurrent", "bruce_vincent", "current_fraction"]
