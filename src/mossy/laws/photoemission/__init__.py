"""Photoemission: how intense, how wide and on what background the lines of a layered film are.

Energies in eV, lengths in nm, densities in g/cm3, widths as full widths at half maximum, angles in radians: the
field's units, here as well as at the border. Layers are counted from the vacuum inwards; the last is the substrate.
"""

from mossy.laws.photoemission.backgrounds import linear_basis, shirley, tougaard
from mossy.laws.photoemission.depth_profile import (
    beam_damage,
    depth_profile,
    depth_resolution,
    depth_response,
    sputtered_depth,
)
from mossy.laws.photoemission.faddeeva import faddeeva
from mossy.laws.photoemission.ionisation import (
    asymmetry_factor,
    cross_section_cant,
    dipole_asymmetry_cant,
    dipole_asymmetry_cant_s,
    polarised_asymmetry_factor,
)
from mossy.laws.photoemission.layers import (
    coarse_mosaic,
    fine_mosaic_path,
    layer_intensity,
    overlayer_ratio,
    overlayer_thickness,
    with_pores,
)
from mossy.laws.photoemission.line_shapes import (
    asymmetric_lorentzian,
    gaussian_lorentzian,
    voigt,
    with_satellites,
)
from mossy.laws.photoemission.mean_free_path import (
    attenuation_length_s3,
    attenuation_length_s4,
    inelastic_mean_free_path,
    seah_s1,
    seah_s2,
)
from mossy.laws.photoemission.metallic_line import doniach_sunjic

__all__ = [
    "asymmetric_lorentzian",
    "asymmetry_factor",
    "attenuation_length_s3",
    "attenuation_length_s4",
    "beam_damage",
    "coarse_mosaic",
    "cross_section_cant",
    "depth_profile",
    "depth_resolution",
    "depth_response",
    "dipole_asymmetry_cant",
    "dipole_asymmetry_cant_s",
    "doniach_sunjic",
    "faddeeva",
    "fine_mosaic_path",
    "gaussian_lorentzian",
    "inelastic_mean_free_path",
    "layer_intensity",
    "linear_basis",
    "overlayer_ratio",
    "overlayer_thickness",
    "polarised_asymmetry_factor",
    "seah_s1",
    "seah_s2",
    "shirley",
    "sputtered_depth",
    "tougaard",
    "voigt",
    "with_pores",
    "with_satellites",
]
