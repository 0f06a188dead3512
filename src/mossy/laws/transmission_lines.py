"""Impedances of distributed layers in closed form: finite diffusion, porous and mossy layers, mixed conductors, cells.

Each is a function of the angular frequency (or of the admittance of the wall), then of keyword parameters in SI units
per area of electrode; where a law has no length or conductivity of its own, any consistent unit of resistance will do.
All are finite, with finite derivatives, from the shortest to the longest lines that double precision can hold.
"""

from __future__ import annotations

from typing import Any

from mossy.backend import jnp


def _tanh_and_sech(square: Any) -> tuple[Any, Any]:
    """(tanh(s)/s, 1/cosh(s)) of s^2 = `square`, real part of s >= 0: series below 1, decaying exponentials above."""
    square = jnp.asarray(square, dtype=complex)
    small = jnp.abs(square) < 1.0
    low, high = jnp.where(small, square, 0.0), jnp.sqrt(jnp.where(small, 1.0, square))
    cosine = sine = jnp.ones_like(low)
    for k in range(9, 0, -1):
        cosine = 1.0 + low * cosine / (2 * k * (2 * k - 1))
        sine = 1.0 + low * sine / (2 * k * (2 * k + 1))
    once, twice = jnp.exp(-high), jnp.exp(-2.0 * high)
    tanh = jnp.where(small, sine / cosine, (1.0 - twice) / ((1.0 + twice) * high))
    return tanh, jnp.where(small, 1.0 / cosine, 2.0 * once / (1.0 + twice))


def warburg_short_impedance(angular_frequency: Any, *, resistance: Any, time_constant: Any) -> Any:
    """Impedance of diffusion through a layer whose far side stays at one concentration.

        Z = R tanh(s)/s,   s = sqrt(i omega tau),   tau = L^2/D

    Arguments: `angular_frequency` omega, rad/s; `resistance` R at zero frequency, ohm m2 (or ohm); `time_constant`
    tau, s. Result: as R. Limits: R at low, R/sqrt(i omega tau) at high frequency.
    Source: finite-length diffusion as in A. Lasia, Electrochemical Impedance Spectroscopy and its Applications
    (Springer, 2014), ch. 4 (from memory).

    >>> round(float(warburg_short_impedance(1e-9, resistance=3.0, time_constant=1.0).real), 9)
    3.0
    """
    return resistance * _tanh_and_sech(1j * angular_frequency * time_constant)[0]


def warburg_open_impedance(angular_frequency: Any, *, resistance: Any, time_constant: Any) -> Any:
    """Impedance of diffusion into a layer whose far side lets nothing through.

        Z = R coth(s)/s,   s = sqrt(i omega tau),   tau = L^2/D

    Arguments: `angular_frequency` omega, rad/s; `resistance` R, ohm m2 (or ohm); `time_constant` tau, s. Result: as R.
    Limits: R/3 + R/(i omega tau) at low, R/sqrt(i omega tau) at high frequency.
    Source: as `warburg_short_impedance`.

    >>> round(float(warburg_open_impedance(1e-4, resistance=3.0, time_constant=1.0).real), 6)
    1.0
    """
    square = 1j * angular_frequency * time_constant
    return resistance / (square * _tanh_and_sech(square)[0])


def de_levie_impedance(wall_admittance: Any, *, rail_resistance: Any) -> Any:
    """Impedance of pores whose walls take part all along, in a metal without resistance.

        Z = sqrt(R/Y) coth(sqrt(R Y))

    Arguments: `wall_admittance` Y of all walls, S/m2 (or S), an array over frequency; `rail_resistance` R of the
    electrolyte from the mouths to the ends of the pores, ohm m2 (or ohm). Result: as R.
    Validity: pores much longer than wide, no salt gradients, ends that do not react.
    Limits: R/3 + 1/Y for R Y << 1; sqrt(R/Y), half the angle of 1/Y, for R Y >> 1.
    Source: R. de Levie, Electrochim. Acta 8 (1963) 751, doi 10.1016/0013-4686(63)80042-0.

    >>> round(float(de_levie_impedance(1e-6, rail_resistance=3.0).real) - 1e6, 4)
    1.0
    """
    return 1.0 / (wall_admittance * _tanh_and_sech(rail_resistance * wall_admittance)[0])


def two_rail_impedance(
    wall_admittance: Any, *, first_resistance: Any, second_resistance: Any, end_admittance: Any = 0.0
) -> Any:
    """Impedance of a layer of two conductors that exchange all along: in through one at the front, out of the other.

        Z = R1 R2/R + (R1^2 (1 + R Y_e f) + R2^2 + 2 R1 R2/cosh(s))/(R^2 (Y f + Y_e))
        R = R1 + R2,   s = sqrt(R Y),   f = tanh(s)/s

    Arguments: `wall_admittance` Y between the two, the whole, S/m2, an array over frequency; `first_resistance` R1 of
    the rail in which the current enters at the front, `second_resistance` R2 of that through which it leaves at the
    back, ohm m2; `end_admittance` Y_e, S/m2, from the first rail's back end to the second rail. Result: ohm m2.
    Validity: R > 0; Y or Y_e not 0. Limits: `de_levie_impedance` for R2 = Y_e = 0; R1 R2/R for Y without bound and
    R1 + 1/Y_e for Y = 0; symmetric in R1 and R2 for Y_e = 0.
    Source: G. Paasch, K. Micka, P. Gersdorf, Electrochim. Acta 38 (1993) 2653, doi 10.1016/0013-4686(93)85083-B;
    J. Bisquert and others, J. Phys. Chem. B 104 (2000) 2287, doi 10.1021/jp993148h; the reacting end is derived here.

    >>> round(float(two_rail_impedance(1e12, first_resistance=2.0, second_resistance=3.0).real), 5)
    1.2
    """
    r = first_resistance + second_resistance
    tanh, sech = _tanh_and_sech(r * wall_admittance)
    straight = first_resistance**2 * (1.0 + r * end_admittance * tanh) + second_resistance**2
    crossing = 2.0 * first_resistance * second_resistance * sech
    exchange = (straight + crossing) / (r**2 * (wall_admittance * tanh + end_admittance))
    return first_resistance * second_resistance / r + exchange


def covered_metal_impedance(
    angular_frequency: Any,
    *,
    film_resistance: Any,
    film_capacity: Any,
    film_exponent: Any,
    charge_transfer_resistance: Any,
    double_layer_capacitance: Any,
) -> Any:
    """Impedance of metal under a film: the film, then the charge transfer beneath it, per area of metal.

        Z = R_f/(1 + R_f Q (i omega)^n) + R_ct/(1 + i omega R_ct C_dl)

    Arguments: `angular_frequency` omega, rad/s; `film_resistance` R_f and `charge_transfer_resistance` R_ct, ohm m2;
    `film_capacity` Q, S s^n/m2; `film_exponent` n, 1; `double_layer_capacitance` C_dl, F/m2. Result: ohm m2.
    Limits: R_f + R_ct at low frequency, 0 at high.
    Source: two arcs in series as in M. E. Orazem, B. Tribollet, Electrochemical Impedance Spectroscopy (Wiley, 2008;
    from memory).

    >>> arcs = dict(film_resistance=2.0, film_capacity=1e-2, film_exponent=0.9, double_layer_capacitance=0.1)
    >>> round(float(covered_metal_impedance(1e-9, charge_transfer_resistance=1.0, **arcs).real), 6)
    3.0
    """
    phase = angular_frequency**film_exponent * jnp.exp(0.5j * jnp.pi * film_exponent)
    film = film_resistance / (1.0 + film_resistance * film_capacity * phase)
    transfer = 1j * angular_frequency * charge_transfer_resistance * double_layer_capacitance
    return film + charge_transfer_resistance / (1.0 + transfer)


def mossy_layer_impedance(
    angular_frequency: Any,
    *,
    pore_resistance: Any,
    metal_resistance: Any,
    roughness: Any,
    base_area: Any,
    film_resistance: Any,
    film_capacity: Any,
    film_exponent: Any,
    charge_transfer_resistance: Any,
    double_layer_capacitance: Any,
) -> Any:
    """Impedance of mossy metal on dense metal: the electrolyte in its pores, its strands, and all their surface.

    `two_rail_impedance` with Y = S y and Y_e = S_b y, y the admittance of `covered_metal_impedance`.

    Arguments: `angular_frequency`, rad/s; `pore_resistance` R1 of the electrolyte through the layer and
    `metal_resistance` R2 of the strands (0 for sound metal), ohm m2 of electrode; `roughness` S, m2 of strands' and
    `base_area` S_b, m2 of dense metal's surface, each per m2 of electrode; the rest as `covered_metal_impedance`, per
    m2 of metal. Result: ohm m2 of electrode.
    Validity: strands connected to the dense metal; one film everywhere; no salt gradients.
    Limits: 1/(y (S + S_b)) where the pores do not resist.
    Source: the two-rail line (see there) with a film in series with the charge transfer as its branch.

    >>> metal = dict(film_resistance=1e-2, film_capacity=1e-2, film_exponent=1.0, charge_transfer_resistance=0.0)
    >>> layer = dict(pore_resistance=1e-9, metal_resistance=0.0, roughness=9.0, base_area=1.0)
    >>> round(float(mossy_layer_impedance(1e-3, **layer, **metal, double_layer_capacitance=0.1).real), 6)
    0.001
    """
    interface = covered_metal_impedance(
        angular_frequency,
        film_resistance=film_resistance,
        film_capacity=film_capacity,
        film_exponent=film_exponent,
        charge_transfer_resistance=charge_transfer_resistance,
        double_layer_capacitance=double_layer_capacitance,
    )
    return two_rail_impedance(
        roughness / interface,
        first_resistance=pore_resistance,
        second_resistance=metal_resistance,
        end_admittance=base_area / interface,
    )


def dead_metal_impedance(
    angular_frequency: Any,
    *,
    pore_resistance: Any,
    metal_resistance: Any,
    roughness: Any,
    film_resistance: Any,
    film_capacity: Any,
    film_exponent: Any,
    charge_transfer_resistance: Any,
    double_layer_capacitance: Any,
) -> Any:
    """Impedance of a layer of dead metal: ions pass in its pores, and through the metal where its surface lets them.

        Z = R1 R2/R + (R1^2/R) tanh(s)/s,   R = R1 + R2,   s = sqrt(R S y/4)

    Arguments: `angular_frequency`, rad/s; `pore_resistance` R1 and `metal_resistance` R2 across the layer, ohm m2 of
    electrode; `roughness` S, m2 of dead metal's surface per m2; the rest as `covered_metal_impedance`, of admittance
    y, per m2 of metal. Result: ohm m2 of electrode, of the layer alone.
    Validity: the dead metal hangs together across the layer and touches no live metal. Limits: R1 at low frequency if
    the surface blocks; R1 R2/R at high.
    Source: the two-rail line with both ends of one rail open, derived here as the half of `mixed_conductor_impedance`.

    >>> metal = dict(film_resistance=1e9, film_capacity=1e-2, film_exponent=1.0, charge_transfer_resistance=0.0)
    >>> layer = dict(pore_resistance=1e-3, metal_resistance=0.0, roughness=9.0)
    >>> round(float(dead_metal_impedance(1e-6, **layer, **metal, double_layer_capacitance=0.1).real), 6)
    0.001
    """
    interface = covered_metal_impedance(
        angular_frequency,
        film_resistance=film_resistance,
        film_capacity=film_capacity,
        film_exponent=film_exponent,
        charge_transfer_resistance=charge_transfer_resistance,
        double_layer_capacitance=double_layer_capacitance,
    )
    r = pore_resistance + metal_resistance
    tanh = _tanh_and_sech(0.25 * r * roughness / interface)[0]
    return pore_resistance * (metal_resistance + pore_resistance * tanh) / r


def mixed_conductor_film_impedance(
    angular_frequency: Any,
    *,
    passing_resistance: Any,
    blocked_resistance: Any,
    chemical_capacitance: Any,
    passing_impedance: Any = 0.0,
    blocked_admittance: Any = 0.0,
) -> Any:
    """Impedance of a film of two carriers between metal, open to both, and an electrolyte that lets one of them pass.

        Z = R_p R_b/R + (f (R_p^2 + R_b^2 z y)/R + z)/(1 + y z + y R f)
        R = R_p + R_b,   f = tanh(s)/s,   s = sqrt(i omega C R)

    Arguments: `angular_frequency` omega, rad/s; `passing_resistance` R_p (ions in an interphase) and
    `blocked_resistance` R_b (electrons) across the film, ohm m2; `chemical_capacitance` C of the film, F/m2;
    `passing_impedance` z of the passing carrier's step into the electrolyte, ohm m2; `blocked_admittance` y of the
    other's, S/m2 (0: blocked; i omega C: a capacitor). Result: ohm m2.
    Validity: electroneutral, so dielectric displacement left out: chemical much above geometric capacitance.
    Limits: R_p + z at low frequency where y = 0; z y/(y + 1/z) aside R_p R_b/R at high; s^2 = i omega L^2/D with the
    chemical diffusivity D = L^2/(R C).
    Source: the circuit of J. Jamnik, J. Maier, Phys. Chem. Chem. Phys. 3 (2001) 1668, doi 10.1039/b100180i; the
    formula is derived here from its two rails (see `mixed_conductor_impedance`).

    >>> film = dict(passing_resistance=2.0, blocked_resistance=6.0, chemical_capacitance=1.0)
    >>> [round(float(mixed_conductor_film_impedance(w, **film).real), 6) for w in (1e-9, 1e15)]
    [2.0, 1.5]
    """
    r = passing_resistance + blocked_resistance
    tanh = _tanh_and_sech(1j * angular_frequency * chemical_capacitance * r)[0]
    both = passing_impedance * blocked_admittance
    gained = tanh * (passing_resistance**2 + blocked_resistance**2 * both) / r + passing_impedance
    parallel = passing_resistance * blocked_resistance / r
    return parallel + gained / (1.0 + both + blocked_admittance * r * tanh)


def mixed_conductor_impedance(
    angular_frequency: Any,
    *,
    passing_resistance: Any,
    blocked_resistance: Any,
    chemical_capacitance: Any,
    passing_impedance: Any = 0.0,
    blocked_admittance: Any = 0.0,
) -> Any:
    """Impedance of a mixed conductor between two like electrodes that let one carrier pass: two films of half of it.

        Z = R_inf + (R_0 - R_inf) tanh(s)/s,   s = sqrt(i omega C R/4) = sqrt(i omega L^2/(4 D))      (z = y = 0)
        R_inf = R_p R_b/(R_p + R_b),   R_0 = R_p,   R = R_p + R_b,   D = L^2/(R C)

    Arguments: as `mixed_conductor_film_impedance`, of the whole sample; `passing_impedance` and `blocked_admittance`
    of each electrode. Metal contacts on an oxide block its ions: electrons are the passing carrier. Result: ohm m2.
    Validity and source: as there. With the anion of an electrolyte as the blocked carrier it is the polarisation of
    `symmetric_cell_impedance`.
    Limits: R_0 + 2 z at low frequency where y = 0, R_inf at high where z = 0.

    >>> sample = dict(passing_resistance=2.0, blocked_resistance=6.0, chemical_capacitance=1.0)
    >>> [round(float(mixed_conductor_impedance(w, **sample).real), 6) for w in (1e-9, 1e15)]
    [2.0, 1.5]
    """
    return 2.0 * mixed_conductor_film_impedance(
        angular_frequency,
        passing_resistance=0.5 * passing_resistance,
        blocked_resistance=0.5 * blocked_resistance,
        chemical_capacitance=0.5 * chemical_capacitance,
        passing_impedance=passing_impedance,
        blocked_admittance=blocked_admittance,
    )


def symmetric_cell_impedance(
    angular_frequency: Any,
    *,
    electrolyte_resistance: Any,
    diffusion_resistance: Any,
    thickness: Any,
    salt_diffusivity: Any,
    interface_admittance: Any,
) -> Any:
    """Impedance of two like electrodes of the cation's metal in a salt solution.

        Z = R_u + 2/Y + R_d tanh(s)/s,   s = sqrt(i omega L^2/(4 D))

    Arguments: `angular_frequency` omega, rad/s; `electrolyte_resistance` R_u without concentration gradients and
    `diffusion_resistance` R_d that they add in the steady state, ohm m2; `thickness` L between the electrodes, m;
    `salt_diffusivity` D, m2/s (for a soaked separator the effective one over the porosity); `interface_admittance` Y
    of each electrode, S/m2, an array over frequency. Result: ohm m2.
    Validity: small signals, no convection, one salt. Limits: R_u + R_d + 2/Y at low, R_u + 2/Y at high frequency.
    Source: D. R. Franceschetti, J. R. Macdonald, R. P. Buck, J. Electrochem. Soc. 138 (1991) 1368, on such
    impedances in supported and unsupported cells; the formula follows here from `mixed_conductor_impedance`, with the
    anions as the blocked carrier.

    >>> cell = dict(electrolyte_resistance=1.0, diffusion_resistance=2.0, thickness=1e-4, salt_diffusivity=1e-10)
    >>> round(float(symmetric_cell_impedance(1e-9, **cell, interface_admittance=0.5).real), 6)
    7.0
    """
    time_constant = thickness**2 / (4.0 * salt_diffusivity)
    polarisation = warburg_short_impedance(
        angular_frequency, resistance=diffusion_resistance, time_constant=time_constant
    )
    return electrolyte_resistance + 2.0 / interface_admittance + polarisation


def constriction_resistance(radius: Any, *, contacts: Any, conductivity: Any, other_conductivity: Any = jnp.inf) -> Any:
    """Resistance of squeezing the current through round contacts, beyond that of the layers themselves.

        R = psi(e) (1/sigma_1 + 1/sigma_2)/(4 a n),   e = sqrt(pi n) a
        psi = 1 - 1.40978 e + 0.34406 e^3 + 0.0435 e^5 + 0.02271 e^7

    Arguments: `radius` a of each contact, m; `contacts` n, 1/m2; `conductivity` sigma_1 and `other_conductivity`
    sigma_2 of the bodies on either side, S/m (infinite: a metal beside a solid electrolyte). Result: ohm m2.
    Validity: equal contacts spread evenly, potential even over each, bodies thicker than the distance of contacts;
    current through the gaps left out, so frequencies at which their capacitance does not pass it.
    Limits: per contact 1/(4 sigma_1 a) + 1/(4 sigma_2 a), that is Holm's 1/(2 sigma a) for two like bodies, where
    the contacts are far apart (e -> 0); 0 where they cover all (e = 1, to 5e-4).
    Source: R. Holm, Electric Contacts, 4th ed. (Springer, 1967); psi, the disc at the end of a cylinder, as known from
    the heat-transfer literature (M. M. Yovanovich and others; coefficients from memory), within 1e-4 of a direct
    solution up to e = 0.7 and 4e-4 up to 0.9, by this library's tests.

    >>> far = constriction_resistance(1e-6, contacts=1.0, conductivity=0.1, other_conductivity=0.1)
    >>> round(float(far * 0.2 * 1e-6), 5)  # of 2 sigma a R, one contact a square metre
    1.0
    """
    share = jnp.sqrt(jnp.pi * contacts) * radius
    alone = 1.0 - 1.40978 * share + 0.34406 * share**3 + 0.0435 * share**5 + 0.02271 * share**7
    return alone * (1.0 / conductivity + 1.0 / other_conductivity) / (4.0 * radius * contacts)
