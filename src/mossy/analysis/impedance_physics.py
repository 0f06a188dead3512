"""Physical quantities out of impedance parameters, each with propagated error, its assumptions, or why it is not given.

What goes in and what comes out are `mossy.analysis.measured.Measured` values in SI units.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mossy.analysis.measured import Measured, not_given, propagate
from mossy.backend import jnp
from mossy.errors import InputError, suggest
from mossy.laws import impedance_physics as laws

SYMMETRIES = {
    "identical electrodes": 0.5,
    "counter electrode without resistance": 1.0,
    "reference electrode": 1.0,
}
"""Share of a measured resistance that is one electrode's, by what must be stated about the other."""
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
