"""Impedances of interphases whose layers conduct side by side or one after the other, without exchange between them.

Each is a function of the angular frequency, then of keyword parameters in SI units per area of electrode.
"""

from __future__ import annotations

from typing import Any

from mossy.laws.constants import VACUUM_PERMITTIVITY


def dense_layer_impedance(angular_frequency: Any, *, thickness: Any, conductivity: Any, permittivity: Any) -> Any:
    """Impedance of a dense layer that conducts and polarises.

        Z = d/(sigma + i omega eps_0 eps_r)

    Arguments: `angular_frequency` omega, rad/s; `thickness` d, m; `conductivity` sigma, S/m; `permittivity` eps_r,
    relative. Result: ohm m2. Limits: d/sigma at low frequency, the capacitor eps_0 eps_r/d at high.
    Source: a parallel-plate capacitor that leaks.

    >>> round(float(dense_layer_impedance(1.0, thickness=2e-9, conductivity=1e-7, permittivity=10.0).real), 6)
    0.02
    """
    return thickness / (conductivity + 1j * angular_frequency * VACUUM_PERMITTIVITY * permittivity)


def porous_interphase_impedance(
    angular_frequency: Any,
    *,
    thickness: Any,
    porosity: Any,
    tortuosity: Any,
    liquid_conductivity: Any,
    solid_conductivity: Any,
    solid_permittivity: Any,
    passivation_thickness: Any,
    passivation_conductivity: Any,
    passivation_permittivity: Any,
) -> Any:
    """Impedance of an interphase with channels of liquid beside its solid, a thin dense layer closing their ends.

        1/Z = (1 - eps)/Z_s + eps/(tau L/sigma_l + Z_p)
        Z_s = L/(sigma_s + i omega eps_0 eps_s),   Z_p = d/(sigma_p + i omega eps_0 eps_p)

    Arguments: `angular_frequency` omega, rad/s; `thickness` L, m; `porosity` eps and `tortuosity` tau of the channels,
    1; `liquid_conductivity` sigma_l, `solid_conductivity` sigma_s, S/m; `solid_permittivity` eps_s, relative;
    `passivation_thickness` d, m, `passivation_conductivity` sigma_p, S/m, `passivation_permittivity` eps_p, of the
    layer at the ends of the channels, d much less than L. Result: ohm m2.
    Validity: no exchange through the walls of the channels (`porous_layer.porous_layer_impedance` has it).
    Limits: `dense_layer_impedance` for eps = 0; solid and liquid side by side for d = 0.
    Source: this library's reading of the circuit of K. Lim, J. Popovic, J. Maier, J. Mater. Chem. A 11 (2023) 5725,
    doi 10.1039/D2TA09189E: channels parallel to the more resistive solid, a passivation layer where they end (read in
    the abstract; the volume and page, and the parameters in terms of eps and tau, not checked against the paper).

    >>> solid = dict(thickness=1e-8, solid_conductivity=1e-8, solid_permittivity=10.0, porosity=0.1)
    >>> shut = dict(passivation_thickness=1e-9, passivation_conductivity=1e-8, passivation_permittivity=10.0)
    >>> z = porous_interphase_impedance(1e-3, **solid, **shut, tortuosity=2.0, liquid_conductivity=1.0)
    >>> round(float(z.real), 6)  # 1/(0.9 + 1.0)
    0.526316
    """
    solid = dense_layer_impedance(
        angular_frequency, thickness=thickness, conductivity=solid_conductivity, permittivity=solid_permittivity
    )
    passivation = dense_layer_impedance(
        angular_frequency,
        thickness=passivation_thickness,
        conductivity=passivation_conductivity,
        permittivity=passivation_permittivity,
    )
    return 1.0 / ((1.0 - porosity) / solid + porosity / (tortuosity * thickness / liquid_conductivity + passivation))


def two_layer_interphase_impedance(
    angular_frequency: Any,
    *,
    inner_thickness: Any,
    inner_conductivity: Any,
    inner_permittivity: Any,
    outer_thickness: Any,
    porosity: Any,
    tortuosity: Any,
    liquid_conductivity: Any,
    solid_conductivity: Any,
    solid_permittivity: Any,
) -> Any:
    """Impedance of a dense inner layer on the metal, in series with a porous outer layer that it closes altogether.

    `dense_layer_impedance` (inner) + `porous_interphase_impedance` without passivation (outer). For an inner layer
    that conducts electrons as well, add `mixed_conductor_film_impedance` to the outer layer instead.

    Arguments: `angular_frequency`, rad/s; `inner_thickness`, m, `inner_conductivity`, S/m, `inner_permittivity`,
    relative; `outer_thickness`, m, and the rest of the outer layer, see `porous_interphase_impedance`. Result: ohm m2.
    Source: the dense and the porous layer of E. Peled, J. Electrochem. Soc. 126 (1979) 2047, doi 10.1149/1.2128859,
    and later work, in series.

    >>> inner = dict(inner_thickness=2e-9, inner_conductivity=1e-7, inner_permittivity=10.0)
    >>> outer = dict(outer_thickness=1e-8, porosity=0.5, tortuosity=2.0, liquid_conductivity=1.0)
    >>> solid = dict(solid_conductivity=1e-8, solid_permittivity=10.0)
    >>> round(float(two_layer_interphase_impedance(1.0, **inner, **outer, **solid).real), 6)
    0.02
    """
    inner = dense_layer_impedance(
        angular_frequency,
        thickness=inner_thickness,
        conductivity=inner_conductivity,
        permittivity=inner_permittivity,
    )
    return inner + porous_interphase_impedance(
        angular_frequency,
        thickness=outer_thickness,
        porosity=porosity,
        tortuosity=tortuosity,
        liquid_conductivity=liquid_conductivity,
        solid_conductivity=solid_conductivity,
        solid_permittivity=solid_permittivity,
        passivation_thickness=0.0,
        passivation_conductivity=1.0,
        passivation_permittivity=0.0,
    )
