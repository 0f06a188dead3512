"""The binding-energy scale: which line is taken for known, the shift that follows, and why it may be wrong."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from mossy.analysis.xps.peaks_results import Estimate, PeakFit
from mossy.errors import InputError, suggest
from mossy.materials.photoemission import film, photoemission_phases
from mossy.materials.photoemission import lines as phase_lines
from mossy.records import Photoemission


@dataclass(frozen=True)
class Reference:
    """A line taken for known: binding energy and its standard error, eV; `domain`: "metal" is at the Fermi level."""

    name: str
    level: str
    binding_energy: float
    standard_error: float
    domain: str
    source: str
    risks: tuple[str, ...] = ()


_CARBON = (
    "adventitious carbon is unreliable on interphases: its C 1s differs by some tenths of an eV from surface to "
    "surface, and hydrocarbons of the film itself are not adventitious",
)
_ISO = "ISO 15472, monochromatic Al Ka; M. P. Seah, I. S. Gilmore, G. Beamson, Surf. Interface Anal. 26 (1998) 642"
REFERENCES = {
    each.name: each
    for each in (
        Reference("C 1s", "C 1s", 284.8, 0.2, "film", "convention for adventitious carbon; error chosen", _CARBON),
        Reference("Au 4f7/2", "Au 4f", 83.96, 0.02, "metal", _ISO),
        Reference("Ag 3d5/2", "Ag 3d", 368.21, 0.02, "metal", _ISO),
        Reference("Cu 2p3/2", "Cu 2p", 932.62, 0.02, "metal", _ISO),
    )
}
"""The usual references by name; any line of the phase library is one too ("LiF F 1s")."""
_FLOATING = (
    "one shift holds for one electrical domain only: with metallic Li, Na or K present the film above it may float by "
    "up to several eV against the metal, which is at the Fermi level (Oswald et al., Batteries 4 (2018) 36, "
    "doi 10.3390/batteries4030036)"
)
_CHARGING = (
    "a shift corrects uniform charging; charge that differs over the spot or from layer to layer widens and splits "
    "lines instead"
)
_LARGE = 5.0
_USUAL_CHARGING = 2.0
"""eV"""
_TWICE = 0.01


@dataclass(frozen=True)
class Calibration:
    """`shift`, eV, is added to binding energies; `risks` are to be read before it is."""

    reference: Reference
    component: str
    measured: Estimate
    shift: Estimate
    risks: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "reference": self.reference.name,
            "reference_electronvolt": self.reference.binding_energy,
            "reference_error_electronvolt": self.reference.standard_error,
            "reference_source": self.reference.source,
            "domain": self.reference.domain,
            "component": self.component,
            "measured": self.measured.as_dict(),
            "shift": self.shift.as_dict(),
            "risks": list(self.risks),
        }

    def text(self) -> str:
        """A line and the risks, for a terminal."""
        one, other = self.shift, self.reference
        head = (
            f"{one.value:+.2f} +- {one.standard_error:.2f} eV, so that {self.component} is {other.name} at "
            f"{other.binding_energy:g} eV"
        )
        return "\n".join([head, *(f"! {risk}" for risk in self.risks)])


def reference_named(name: str, binding_energy: float | None = None) -> Reference:
    """A reference: one of `REFERENCES`, or a phase and one of its levels; `binding_energy` replaces its own, eV.

    >>> reference_named("Au 4f7/2").binding_energy, reference_named("LiF F 1s").binding_energy
    (83.96, 685.05)
    >>> reference_named("C 1s", 285.0).binding_energy
    285.0
    """
    found = REFERENCES.get(name) or _of_phase(name)
    if binding_energy is None:
        return found
    if not (math.isfinite(binding_energy) and binding_energy > 0.0):
        problem = f"a reference of {binding_energy} eV"
        raise InputError(problem, key="binding_energy", remedy="give its binding energy in eV")
    return Reference(
        found.name, found.level, binding_energy, found.standard_error, found.domain, "as given", found.risks
    )


def _of_phase(name: str) -> Reference:
    phase_name, _, level = name.strip().partition(" ")
    try:
        phase = film(phase_name)
        found = [line for line in phase_lines(phase_name, level) if line.known] if level else []
    except InputError:
        found = []
    if not found:
        fluorides = [f"{each} F 1s" for each in photoemission_phases() if each.endswith("F")]
        remedy = f"{suggest(name, [*REFERENCES, *fluorides])} (or a phase and its level)"
        raise InputError(f"no reference is called '{name}'", key="reference", remedy=remedy)
    if len(found) > 1:
        several = ", ".join(f"{line.environment} at {line.binding_energy:g} eV" for line in found)
        problem = f"{phase.name} has several lines of {level}: {several}"
        raise InputError(problem, key="reference", remedy="give the binding energy of the one that is meant")
    line = found[0]
    source = line.source if line.status == "verified" else f"{line.source} ({line.status})"
    risk = f"the position of {line.label} is itself referred to {line.charge_reference}"
    risks = (risk,) if line.charge_reference else ()
    spread = float(line.spread or 0.0)
    return Reference(f"{phase.name} {level}", line.orbital, line.position, spread, phase.domain, source, risks)


def allowed_shift(reference: Reference) -> float:
    """How far, eV, a line may be from a reference and still be taken for it without being named.

    Usual charging (2 eV) and a standard error of the reference.

    >>> round(allowed_shift(reference_named("Au 4f7/2")), 2)
    2.02
    """
    return _USUAL_CHARGING + reference.standard_error


def calibrate(
    fit: PeakFit, reference: str, component: str | None = None, binding_energy: float | None = None
) -> Calibration:
    """The shift that puts a component of a fit on its reference.

    `component`: which; may be left out where the fit has only one and its shift is no more than `allowed_shift`.
    `binding_energy`: another value for the reference, eV. The error holds that of the measured position and that of the
    reference. A line whose area is not determined is refused.

    >>> import numpy as np
    >>> import polars as pl
    >>> from mossy.analysis.xps.peaks import fit_peaks
    >>> energy = np.linspace(280.0, 292.0, 121)
    >>> counts = 1e4 * np.exp(-((energy - 286.1) ** 2)) + 100.0
    >>> table = pl.DataFrame({"binding_energy_electronvolt": energy, "intensity_counts": counts})
    >>> record = Photoemission(table, {"region": "C 1s"})
    >>> found = calibrate(fit_peaks(record, "C-C 285.5 l=0!", "linear"), "C 1s")
    >>> print(found.text().splitlines()[0])
    -1.30 +- 0.20 eV, so that C-C is C 1s at 284.8 eV
    >>> round(float(calibrated(record, found).table["binding_energy_electronvolt"][0]), 2)
    278.7
    """
    known = reference_named(reference, binding_energy)
    named = component is not None
    if component is None:
        if len(fit.components) > 1:
            problem = f"{fit.region} has {len(fit.components)} components"
            raise InputError(problem, key="component", remedy=f"say which is {known.name}: {', '.join(fit.names)}")
        component = fit.names[0]
    line = fit[component]
    if line.level is not None and line.level.split("/")[0][: len(known.level)] != known.level:
        problem = f"'{component}' belongs to {line.level}, the reference to {known.level}"
        raise InputError(problem, key="reference", remedy="take a reference of the same level")
    if line.area.value <= 0.0 or not math.isfinite(line.position.standard_error):
        problem = f"'{component}' was not seen, so it has no position"
        raise InputError(problem, key="component", remedy="take another line as the reference")
    if not line.determined:
        problem = (
            f"the area of '{component}' is not determined ({line.area.value:.3g} +- {line.area.standard_error:.2g})"
        )
        raise InputError(problem, key="component", remedy="take a stronger line as the reference")
    measured = line.position
    error = math.hypot(measured.standard_error, known.standard_error)
    shift = Estimate(known.binding_energy - measured.value, error)
    if not named and abs(shift.value) > allowed_shift(known):
        problem = (
            f"'{component}' at {measured.value:.2f} eV is {shift.value:+.2f} eV off {known.name} at "
            f"{known.binding_energy:g} eV, more than the {allowed_shift(known):.1f} eV of usual charging: it may be "
            "another line"
        )
        raise InputError(problem, key="component", remedy=f"if it is the line, say so: component='{component}'")
    return Calibration(known, component, measured, shift, tuple(_risks(known, shift)))


def _risks(reference: Reference, shift: Estimate) -> list[str]:
    told = list(reference.risks)
    if abs(shift.value) > _LARGE:
        told.append(f"a shift of {shift.value:+.1f} eV is large: is the line the one it is taken for?")
    if reference.domain == "metal":
        told.append("the reference is at the Fermi level: films that do not conduct are not put right by it")
    return [*told, _FLOATING, _CHARGING]


def calibrated(record: Photoemission, calibration: Calibration) -> Photoemission:
    """The record with its binding energies shifted; `charge_correction_electronvolt` holds the sum of all shifts.

    Kinetic energies and the positions of a fit that came with the file stay as they were measured.
    """
    import polars as pl

    shift, before = calibration.shift.value, float(record.metadata.get("charge_correction_electronvolt", 0.0))
    table = record.table.with_columns(pl.col("binding_energy_electronvolt") + shift)
    told = list(record.metadata.get("warnings", []))
    if abs(before) > _TWICE:
        told.append(f"{before:+.3g} eV had been added to the binding energies already; now another {shift:+.3g} eV")
    metadata = record.metadata | {"charge_correction_electronvolt": before + shift}
    return Photoemission(table, metadata | ({"warnings": told} if told else {}))
