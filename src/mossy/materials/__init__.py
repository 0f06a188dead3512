"""Materials with sourced values: every number carries its unit, where it comes from and whether that was checked."""

from mossy.materials.catalogue import Value, names
from mossy.materials.describe import describe
from mossy.materials.electrodes import Metal, Substrate, electrode, film_defaults, metal, substrate
from mossy.materials.electrolytes import Electrolyte, PropertySpec, electrolyte

__all__ = [
    "Electrolyte",
    "Metal",
    "PropertySpec",
    "Substrate",
    "Value",
    "describe",
    "electrode",
    "electrolyte",
    "film_defaults",
    "metal",
    "names",
    "substrate",
]
