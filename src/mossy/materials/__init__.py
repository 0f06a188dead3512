"""Materials with sourced values: every number carries its unit, where it comes from and whether that was checked."""

from mossy.materials.catalogue import Value, names
from mossy.materials.describe import describe, native_films
from mossy.materials.electrodes import Metal, Substrate, electrode, film_defaults, metal, substrate
from mossy.materials.electrolytes import Electrolyte, PropertySpec, electrolyte
from mossy.materials.formulas import composition, molar_mass
from mossy.materials.phases import Phase, phase, phases_of
from mossy.materials.photoemission import (
    CoreLine,
    FilmPhase,
    Orbital,
    Separation,
    SurveyLine,
    film,
    lines,
    orbital,
    overlaps,
    photoemission_phases,
    survey_lines,
)
from mossy.materials.reductions import Molecule, Reduction, balanced, molecule, reduction, reductions_of

__all__ = [
    "CoreLine",
    "Electrolyte",
    "FilmPhase",
    "Metal",
    "Molecule",
    "Orbital",
    "Phase",
    "PropertySpec",
    "Reduction",
    "Separation",
    "Substrate",
    "SurveyLine",
    "Value",
    "balanced",
    "composition",
    "describe",
    "electrode",
    "electrolyte",
    "film",
    "film_defaults",
    "lines",
    "metal",
    "molar_mass",
    "molecule",
    "names",
    "native_films",
    "orbital",
    "overlaps",
    "phase",
    "phases_of",
    "photoemission_phases",
    "reduction",
    "reductions_of",
    "substrate",
    "survey_lines",
]
