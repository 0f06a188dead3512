"""Physical quantities of many fitted spectra at once: capacitances, thicknesses, resistances per area and electrode.

What is an electrode's: arcs (a resistor beside a constant phase element or a capacitor, a ZARC, a Havriliak-Negami
arc). What is the whole cell's: resistors in series, diffusion. Where two electrodes are said to be identical, an arc
measured is two in series, R = 2 R_e and C = C_e/2, unless it stands within sym(...), whose parameters are of one
electrode already.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

import numpy as np

from mossy.analysis import impedance_physics as physics
from mossy.analysis.circuits.fit import CircuitFit, Fitted
from mossy.analysis.circuits.form import fitted_form
from mossy.analysis.circuits.text import leaves, parse
from mossy.analysis.measured import Measured

_NOTHING = Fitted(np.nan, np.nan, "")


class Stated(Protocol):
    """What a person states of the cell."""

    @property
    def permittivity(self) -> float | None:
        """Relative permittivity of the film."""

    @property
    def symmetry(self) -> str | None:
        """How the two electrodes relate: a key of `impedance_physics.SYMMETRIES`."""


def quantities_of(fits: list[CircuitFit], areas: np.ndarray, stated: Stated) -> dict[str, Measured]:
    """Derived by row (NaN where there is none): name -> values with errors. `areas`, m2, NaN where unknown."""
    found: dict[str, Measured] = {}
    area = Measured(areas, 0.0 * areas, "m^2", ("the electrode's area as given",))
    known = bool(np.isfinite(areas).any())
    arcs = {pair for text in {fit.circuit for fit in fits} for pair in fitted_form(text).arcs.values()}
    for resistor, other in sorted(arcs):
        capacity = _capacitance(fits, resistor, other)
        share = _share(fits, resistor, stated)
        kind = "through_film_capacitance" if other.startswith("Q") else "capacitance"
        found[f"{other}_{kind}_farad"] = _scaled(capacity, 1.0 / share, stated)
        if stated.permittivity is not None and known:
            words = (f"permittivity {stated.permittivity:g} as given",)
            permittivity = Measured(stated.permittivity, 0.0, "1", words)
            electrode = _scaled(capacity, 1.0 / share, stated)
            found[f"{other}_film_thickness_metre"] = _rowwise(physics.film_thickness, electrode, permittivity, area)
    if known:
        for name in sorted({name for fit in fits for name, each in fit.parameters.items() if each.unit == "ohm"}):
            share = _share(fits, name, stated) if _of_electrode(fits, name) else np.ones(len(fits))
            each = stated.symmetry is not None and _of_electrode(fits, name)
            ending = "per_electrode_ohm_cm2" if each else "ohm_cm2"
            found[f"{name}_{ending}"] = _per_area(fits, name, areas, share, stated.symmetry if each else None)
    return found


def _of_electrode(fits: list[CircuitFit], name: str) -> bool:
    """Whether a resistance is of an arc."""
    label = name.partition(".")[0]
    texts = {fit.circuit for fit in fits}
    resistors = {resistor for text in texts for resistor, _ in fitted_form(text).arcs.values()}
    return label in resistors or label[:1] in ("Z", "H")


def _share(fits: list[CircuitFit], label: str, stated: Stated) -> np.ndarray:
    """What part of a measured resistance is one electrode's, by row; all of it within sym(...)."""
    share = 1.0 if stated.symmetry is None else physics.SYMMETRIES[stated.symmetry]
    return np.array([1.0 if label.partition(".")[0] in _within_sym(fit.circuit) else share for fit in fits])


def _within_sym(text: str) -> set[str]:
    """The labels of a circuit that stand within sym(...)."""
    found: set[str] = set()
    waiting = [parse(text)]
    while waiting:
        tree = waiting.pop()
        if getattr(tree, "kind", "") == "sym":
            found |= {leaf.label for leaf in leaves(tree)}
        waiting += getattr(tree, "parts", ())
    return found


def _capacitance(fits: list[CircuitFit], resistor: str, other: str) -> Measured:
    """The capacitance of an arc as measured, by row; through the film where it is a constant phase element's."""
    if other.startswith("C"):
        pairs = [fit.parameters.get(other, _NOTHING) for fit in fits]
        values, errors = (np.array([getattr(each, part) for each in pairs]) for part in ("value", "standard_error"))
        return Measured(values, errors, "F", ("the capacitor of the circuit",))
    names = [resistor, f"{other}.Q", f"{other}.alpha"]
    values, covariance = np.full((len(fits), 3), np.nan), np.full((len(fits), 3, 3), np.nan)
    for row, fit in enumerate(fits):
        if set(names) <= set(fit.parameters):
            places = [fit.names.index(name) for name in names]
            values[row] = fit.values[places]
            covariance[row] = fit.covariance[np.ix_(places, places)]
    good = np.isfinite(values).all(axis=1) & np.isfinite(covariance).all(axis=(1, 2))
    inside = [
        Measured(values[good, k], np.sqrt(covariance[good, k, k]), unit) for k, unit in enumerate(("ohm", "F", "1"))
    ]
    whole, errors = np.full((2, len(fits)), np.nan)
    assumptions: tuple[str, ...] = ()
    if good.any():
        got = physics.through_film_capacitance(inside[0], inside[1], inside[2], covariance=covariance[good])
        whole[good], errors[good], assumptions = got.value, got.standard_error, got.assumptions
    return Measured(whole, errors, "F", assumptions)


def _rowwise(law: Callable[..., Measured], *arguments: Measured) -> Measured:
    """A law on rows of which some are unknown."""
    arrays = [each for each in arguments if np.ndim(each.value)]
    good = np.all([np.isfinite(each.value) & np.isfinite(each.standard_error) for each in arrays], axis=0)
    whole, errors = np.full((2, len(good)), np.nan)
    given = [
        replace(each, value=each.value[good], standard_error=each.standard_error[good]) if np.ndim(each.value) else each
        for each in arguments
    ]
    got = law(*given) if good.any() else None
    if got is not None:
        whole[good], errors[good] = got.value, got.standard_error
    return Measured(whole, errors, got.unit if got else "m", got.assumptions if got else ())


def _scaled(measured: Measured, factor: np.ndarray, stated: Stated) -> Measured:
    """A measured capacitance as one electrode's."""
    said = (f"{stated.symmetry}: of one electrode",) if stated.symmetry is not None else ()
    return replace(
        measured,
        value=measured.value * factor,
        standard_error=measured.standard_error * factor,
        assumptions=(*measured.assumptions, *said),
    )


def _per_area(
    fits: list[CircuitFit], name: str, areas: np.ndarray, share: np.ndarray, symmetry: str | None
) -> Measured:
    """A resistance per area, ohm cm2."""
    pairs = [fit.parameters.get(name, _NOTHING) for fit in fits]
    values, errors = (np.array([getattr(each, part) for each in pairs]) for part in ("value", "standard_error"))
    factor = share * areas * 1e4
    whose = f"of one electrode: {symmetry}" if symmetry is not None else "of the whole cell, or as the circuit has it"
    return Measured(values * factor, errors * factor, "ohm*cm^2", (whose, "the electrode's area as given"))
