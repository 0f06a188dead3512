"""What grows on the metal, how fast, and what it costs in resistance and capacitance."""

from __future__ import annotations

from mossy.backend import jax, jnp
from mossy.laws.constants import FARADAY, GAS, VACUUM_PERMITTIVITY, Real

MONOLAYER = 1e-10
"""m: thinner films dissolve in proportion to what is left."""


def solvent_diffusion(
    thickness: Real,
    potential: Real,
    *,
    solvent_diffusivity: Real,
    solvent_concentration: Real,
    reduction_potential: Real,
    temperature: Real = 298.15,
) -> Real:
    """Side current density of solvent that diffuses through the film and is reduced at the metal|film interface.

        j = (F D c/L) / (1 + exp(F (phi - U)/(R T)))

    The solvent meets the electrons at the bottom of the film: the metal ions that the reaction binds come from the
    metal beside it, so the ionic current through the film is the whole external current, and the charge-transfer
    current at the metal is smaller than the external one by j.

    Arguments: `thickness` L, m, > 0; `potential` phi of the metal against a reference electrode of the same metal, V
    (0 on metal at rest); `solvent_diffusivity` D in the film, m2/s; `solvent_concentration` c at its outer side,
    mol/m3; `reduction_potential` U on the same scale, V; `temperature` T, K. Result: A/m2 of electrons, positive, one
    electron a solvent molecule.
    Validity: diffusion through the film is slow against the reaction; quasi-steady profile; the Fermi factor (this
    library's choice) only switches the reaction off above U.
    Limits: F D c/L far below U, half of it at U, 0 far above; L grows with the square root of time.
    Source: H. J. Ploehn, P. Ramadass, R. E. White, J. Electrochem. Soc. 151 (2004) A456; compared with the other
    mechanisms by F. Single, A. Latz, B. Horstmann, ChemSusChem 11 (2018) 1950, doi 10.1002/cssc.201800077, who find
    that its independence of the potential does not fit graphite.

    >>> film = dict(solvent_diffusivity=2.5e-22, solvent_concentration=2636.0, reduction_potential=0.4)
    >>> f"{solvent_diffusion(5e-9, 0.0, **film):.6e}"
    '1.271676e-05'
    """
    reduced = jax.nn.sigmoid(jnp.asarray(FARADAY * (reduction_potential - potential) / (GAS * temperature)))
    return FARADAY * solvent_diffusivity * solvent_concentration / thickness * reduced


def reaction_limited(
    thickness: Real,
    potential: Real,
    *,
    side_exchange_current_density: Real,
    side_symmetry: Real,
    reduction_potential: Real,
    temperature: Real = 298.15,
) -> Real:
    """Side current density limited by the reduction itself, at the metal|film interface.

        j = j0 exp(-alpha F (phi - U)/(R T))

    Arguments: `thickness` L is not used; `potential` phi of the metal against the electrolyte beside it, on the scale
    of the metal, V; `side_exchange_current_density` j0 at phi = U, A/m2; `side_symmetry` alpha; `reduction_potential`
    U, V; `temperature` T, K. Result: A/m2 of electrons, positive.
    Validity: far below U, where the backward reaction is negligible (a film that is oxidised is another law).
    Limits: independent of L, so L grows in proportion to time; ten times faster every 118 mV at alpha = 1/2, 25 degC.
    Source: the Tafel limit; reaction-limited growth of V. Sulzer et al., PyBaMM, doi 10.5334/jors.309.

    >>> law = dict(side_exchange_current_density=1.5e-7, side_symmetry=0.5, reduction_potential=0.4)
    >>> f"{reaction_limited(5e-9, 0.4, **law):.3e}"
    '1.500e-07'
    """
    drive = FARADAY * (reduction_potential - potential) / (GAS * temperature)
    return side_exchange_current_density * jnp.exp(side_symmetry * drive) + 0.0 * thickness


def reaction_diffusion(
    thickness: Real,
    potential: Real,
    *,
    reaction_rate_constant: Real,
    solvent_diffusivity: Real,
    solvent_concentration: Real,
    side_symmetry: Real,
    reduction_potential: Real,
    temperature: Real = 298.15,
) -> Real:
    """Side current density of solvent that diffuses through the film and reacts at a finite rate (Deal and Grove).

        j = F c k'/(1 + L k'/D),    k' = k exp(-alpha F (phi - U)/(R T))

    It reacts at the metal|film interface. Arguments: `thickness` L, m; `potential` phi, V; `reaction_rate_constant` k
    at phi = U, m/s; `solvent_diffusivity` D, m2/s; `solvent_concentration` c outside, mol/m3; `side_symmetry` alpha;
    `reduction_potential` U, V; `temperature` T, K. Result: A/m2, positive, one electron a molecule.
    Limits: F c k' on a thin film (linear growth), F D c/L on a thick one (square root of time); see
    `growth_integrals.linear_parabolic_thickness`. No singularity at L = 0.
    Source: X. G. Yang, Y. Leng, G. Zhang, S. Ge, C. Y. Wang, J. Power Sources 360 (2017) 28, doi
    10.1016/j.jpowsour.2017.05.110; B. E. Deal, A. S. Grove, J. Appl. Phys. 36 (1965) 3770.

    >>> law = dict(reaction_rate_constant=1e-12, solvent_diffusivity=2e-18, solvent_concentration=4541.0)
    >>> f"{reaction_diffusion(5e-9, 0.0, side_symmetry=0.5, reduction_potential=0.0, **law):.6e}"
    '4.370473e-04'
    """
    drive = FARADAY * (reduction_potential - potential) / (GAS * temperature)
    rate = reaction_rate_constant * jnp.exp(side_symmetry * drive)
    return FARADAY * solvent_concentration * rate / (1.0 + thickness * rate / solvent_diffusivity)


def electron_migration(
    thickness: Real,
    potential: Real,
    *,
    electron_conductivity: Real,
    reduction_potential: Real,
    temperature: Real = 298.15,
) -> Real:
    """Side current density of electrons that drift through the film to react at the film|electrolyte interface.

        j = kappa_e max(U - phi, 0)/L

    The metal ions the film binds come from the electrolyte: the film carries the external current less j as ions.
    Arguments: `thickness` L, m, > 0; `potential` phi of the metal against the electrolyte outside, V;
    `electron_conductivity` kappa_e, S/m; `reduction_potential` U, V. `temperature` is not used. Result: A/m2.
    Limits: 0 at and above U; L^2 = L0^2 + 2 V kappa_e (U - phi) t/(n z F).
    Source: the ohmic limit in P. Keil, A. Jossen, J. Electrochem. Soc. 164 (2017) A6066; electron-migration growth of
    PyBaMM, doi 10.5334/jors.309.

    >>> f"{electron_migration(5e-9, 0.0, electron_conductivity=8.95e-14, reduction_potential=0.4):.3e}"
    '7.160e-06'
    """
    return electron_conductivity * jnp.maximum(reduction_potential - potential, 0.0) / thickness


def interstitial_diffusion(
    thickness: Real,
    potential: Real,
    *,
    interstitial_diffusivity: Real,
    interstitial_concentration: Real,
    temperature: Real = 298.15,
    charge_number: Real = 1,
) -> Real:
    """Side current density of neutral metal interstitials that diffuse out to react at the film|electrolyte interface.

        j = (z F D c/L) exp(-z F phi/(R T))

    Arguments: `thickness` L, m, > 0; `potential` phi of the metal against the ions at the metal|film interface, V (0 on
    metal at rest, less its overpotential when it plates); `interstitial_diffusivity` D, m2/s;
    `interstitial_concentration` c in equilibrium with the metal, mol/m3; `temperature` T, K; `charge_number` z of the
    metal's ion. Result: A/m2.
    Validity: dilute interstitials, none left at the outer side, quasi-steady profile.
    Limits: L grows with the square root of time; e times slower every R T/(z F) of potential.
    Source: F. Single, A. Latz, B. Horstmann, ChemSusChem 11 (2018) 1950, doi 10.1002/cssc.201800077.

    >>> law = dict(interstitial_diffusivity=1e-20, interstitial_concentration=15.0)
    >>> f"{interstitial_diffusion(5e-9, 0.0, **law):.6e}"
    '2.894560e-06'
    """
    decay = jnp.exp(-charge_number * FARADAY * potential / (GAS * temperature))
    return charge_number * FARADAY * interstitial_diffusivity * interstitial_concentration / thickness * decay


def electron_tunnelling(
    thickness: Real,
    potential: Real,
    *,
    side_exchange_current_density: Real,
    side_symmetry: Real,
    inverse_tunnelling_length: Real,
    temperature: Real = 298.15,
) -> Real:
    """Side current density of electrons that tunnel through the film to react at the film|electrolyte interface.

        j = j0 exp(-alpha F phi/(R T)) exp(-beta L)

    Arguments: `thickness` L, m; `potential` phi of the metal against the electrolyte outside, V;
    `side_exchange_current_density` j0 through no film at phi = 0, A/m2; `side_symmetry` alpha;
    `inverse_tunnelling_length` beta, 1/m; `temperature` T, K. Result: A/m2.
    Limits: logarithmic growth, L = ln(exp(beta L0) + beta V j t/(n z F))/beta; not singular at L = 0.
    Source: M. Tang, S. Lu, J. Newman, J. Electrochem. Soc. 159 (2012) A1775, doi 10.1149/2.025211jes.

    >>> law = dict(side_exchange_current_density=1.5e-7, side_symmetry=0.5, inverse_tunnelling_length=1e9)
    >>> f"{electron_tunnelling(1e-9, 0.0, **law):.6e}"
    '5.518192e-08'
    """
    transferred = jnp.exp(-side_symmetry * FARADAY * potential / (GAS * temperature))
    return side_exchange_current_density * transferred * jnp.exp(-inverse_tunnelling_length * thickness)


def diffusion_migration_crossover(
    thickness: Real,
    potential: Real,
    *,
    side_exchange_current_density: Real,
    side_symmetry: Real,
    interstitial_diffusivity: Real,
    interstitial_concentration: Real,
    ion_conductivity: Real,
    tunnelling_length: Real,
    film_current_density: Real,
    temperature: Real = 298.15,
) -> Real:
    """Side current density across reaction, diffusion and migration of the electrons a film carries as neutral metal.

        j      = j0 exp(-alpha e) (1 + m)/(1 + m + L_a/L_d),   e = F phi/(R T),   L_a = max(L - L_t, 0)
        L_d    = F D c/j0 exp(-(1 - alpha) e)
        m      = J L_a F/(2 R T kappa), not below -1

    It reacts at the film|electrolyte interface. Arguments: `thickness` L, m; `potential` phi of the metal against the
    ions at the metal|film interface, V; `side_exchange_current_density` j0, A/m2; `side_symmetry` alpha;
    `interstitial_diffusivity` D, m2/s; `interstitial_concentration` c, mol/m3; `ion_conductivity` kappa of the film,
    S/m; `tunnelling_length` L_t that electrons pass freely, m; `film_current_density` J of ions, A/m2, > 0 plates;
    `temperature` T, K. Result: A/m2, >= 0.
    Validity: monovalent metals. Limits: j0 exp(-alpha e) on films thinner than L_t (linear growth); F D c/L_a exp(-e)
    on thicker ones at rest (square root); under plating current linear again, because the field drags electrons along;
    under stripping slower, 0 at m = -1.
    Source: L. von Kolzenberg, A. Latz, B. Horstmann, ChemSusChem 13 (2020) 3901, doi 10.1002/cssc.202000867, eq. 19.

    >>> law = dict(side_exchange_current_density=1e-3, side_symmetry=0.22, interstitial_diffusivity=1e-20)
    >>> law |= dict(interstitial_concentration=15.0, ion_conductivity=1e-7, tunnelling_length=2.05e-9)
    >>> f"{diffusion_migration_crossover(50e-9, 0.0, film_current_density=0.0, **law):.6e}"
    '3.017400e-07'
    """
    scaled = FARADAY * potential / (GAS * temperature)
    apparent = jnp.maximum(thickness - tunnelling_length, 0.0)
    dragged = film_current_density * apparent * FARADAY / (2.0 * GAS * temperature * ion_conductivity)
    carried = jnp.maximum(1.0 + dragged, 0.0)
    supply = FARADAY * interstitial_diffusivity * interstitial_concentration * jnp.exp(-(1.0 - side_symmetry) * scaled)
    reaction = side_exchange_current_density * jnp.exp(-side_symmetry * scaled)
    hindered = apparent * side_exchange_current_density / supply
    return reaction * carried / (carried + hindered + jnp.where(carried + hindered > 0.0, 0.0, 1.0))


METAL_FILM, FILM_ELECTROLYTE = "metal|film", "film|electrolyte"
REACTS_AT = {
    "reaction_limited": METAL_FILM,
    "solvent_diffusion": METAL_FILM,
    "reaction_diffusion": METAL_FILM,
    "electron_migration": FILM_ELECTROLYTE,
    "interstitial_diffusion": FILM_ELECTROLYTE,
    "electron_tunnelling": FILM_ELECTROLYTE,
    "diffusion_migration_crossover": FILM_ELECTROLYTE,
}
"""Where each law reacts: at metal|film the film carries the external current as ions, else that less the law's own."""
DIFFUSES_MOLECULES = ("solvent_diffusion", "reaction_diffusion")
"""Laws of a flux of molecules, one electron for each; a cell multiplies it by those that its `reduction` takes."""
POTENTIAL_AT = {**REACTS_AT, "interstitial_diffusion": METAL_FILM, "diffusion_migration_crossover": METAL_FILM}
"""Where the potential that drives each law is taken, of the metal against the ions there.

Electrons that migrate or tunnel react with what is outside the film. Neutral interstitials are in equilibrium with the
metal's own overpotential and feel no field; where electrons are dragged, the law has the field's part itself.
"""


def dissolution_rate(thickness: Real, dissolution_velocity: Real, saturation: Real = 0.0) -> Real:
    """How fast a film dissolves: k_d (1 - s), in proportion to the thickness below one monolayer.

        -dL/dt = k_d max(1 - s, 0) min(L/L_m, 1),   L_m = 0.1 nm

    Arguments: `thickness` L, m; `dissolution_velocity` k_d into the pure electrolyte, m/s; `saturation` s of the
    electrolyte with the dissolved film, 0 to 1. Result: m/s, >= 0.
    Limits: against parabolic growth, dL/dt = B/L - k_d, the film is steady at L_ss = B/k_d and the loss of charge,
    first with the square root of time, goes on in proportion to it (`growth_integrals.dissolving_thickness`).
    Source: R. Mogensen, D. Brandell, R. Younesi, ACS Energy Lett. 1 (2016) 1173, doi 10.1021/acsenergylett.6b00491
    (that sodium's film dissolves); the zeroth-order law is this library's choice.

    >>> float(dissolution_rate(5e-9, 1e-15)), float(dissolution_rate(0.0, 1e-15))
    (1e-15, 0.0)
    """
    present = jnp.clip(thickness / MONOLAYER, 0.0, 1.0)
    return dissolution_velocity * jnp.maximum(1.0 - saturation, 0.0) * present


def halide_corrosion_rate(thickness: Real, corrosion_rate_constant: Real, halide_concentration: Real) -> Real:
    """How fast halide ions eat a blocking film away: -dL/dt = k c_X L.

    Arguments: `thickness` L, m; `corrosion_rate_constant` k, m3/(mol s); `halide_concentration` c_X in the electrolyte,
    mol/m3. Result: m/s.
    Validity: attack all through the film, as of chloride on the oxide film of magnesium. Limits: exponential decay
    without growth; against growth B/L a steady thickness sqrt(B/(k c_X)).
    Source: this library's closure; that chloride keeps magnesium open: D. Aurbach and others, Nature 407 (2000) 724,
    doi 10.1038/35037553.

    >>> f"{halide_corrosion_rate(5e-9, 1e-8, 100.0):.1e}"
    '5.0e-15'
    """
    return corrosion_rate_constant * jnp.maximum(halide_concentration, 0.0) * thickness


def fracture_rate(surface_velocity: Real, fracture_length: Real, cracked_fraction: Real) -> Real:
    """How fast the movement of the metal under a film tears it: da/dt = (|v|/l) (1 - a).

    Arguments: `surface_velocity` v of a dense metal surface, V |J|/(z F), m/s; `fracture_length` l, m: the movement
    that would tear a film all over; `cracked_fraction` a of the area, where the metal is fresh. Result: 1/s.
    Validity: a mean over the electrode; plating and stripping tear alike. Limits: a stroke h << l exposes h/l; without
    healing a = 1 - exp(-h/l).
    Source: this library's closure for fresh surface in proportion to the volume change.

    >>> f"{fracture_rate(1.3495e-9, 1e-4, 0.0):.4e}"
    '1.3495e-05'
    """
    return jnp.abs(surface_velocity) / fracture_length * (1.0 - cracked_fraction)


def pilling_bedworth_ratio(film_molar_volume: Real, metal_per_formula: Real, metal_molar_volume: Real) -> Real:
    """Volume of a film over that of the metal it consumed, V_film/(n V_metal).

    Arguments: `film_molar_volume` of a formula unit and `metal_molar_volume`, m3/mol; `metal_per_formula` n. Result: 1.
    Validity: a criterion of volume only. Limits: below 1 a film that grows in the metal's footprint cannot cover it; 1
    or more can.
    Source: N. B. Pilling, R. E. Bedworth, J. Inst. Met. 29 (1923) 529.

    >>> round(pilling_bedworth_ratio(14.837e-6, 2, 13.021e-6), 3)  # Li2O on lithium
    0.57
    """
    return film_molar_volume / (metal_per_formula * metal_molar_volume)


def film_growth_rate(
    side_current_density: Real, film_molar_volume: Real, metal_per_formula: Real, charge_number: Real = 1
) -> Real:
    """Faraday's law for a film: dL/dt = V j/(n z F).

    Arguments: `side_current_density` j, A/m2; `film_molar_volume` V of a formula unit, m3/mol; `metal_per_formula` n
    metal atoms in it; `charge_number` z of each. Result: m/s.
    Validity: a dense film, every electron of j binds a 1/z of a metal atom in it.
    Limits: the metal in the film, L n/V, holds exactly the charge passed.
    Source: M. Faraday's laws of electrolysis.

    >>> f"{film_growth_rate(1e-5, 9.585e-5, 2):.6e}"
    '4.967076e-15'
    """
    return film_molar_volume * side_current_density / (metal_per_formula * charge_number * FARADAY)


def film_resistance(thickness: Real, conductivity: Real) -> Real:
    """Ohmic resistance of a film, R = L/sigma.

    Arguments: `thickness` L, m; ionic `conductivity` sigma, S/m. Result: ohm m2 (1e-4 ohm m2 is 1 ohm cm2).
    Validity: a dense, uniform film, thin against the electrode. Limits: 0 for no film.
    Source: Ohm's law.

    >>> round(film_resistance(20e-9, 5e-6) * 1e4, 6)  # ohm cm2
    40.0
    """
    return thickness / conductivity


def film_capacitance(thickness: Real, relative_permittivity: Real) -> Real:
    """Geometric capacitance of a film, C = eps0 eps_r/L.

    Arguments: `thickness` L, m, > 0; `relative_permittivity` eps_r. Result: F/m2 (0.01 F/m2 is 1 uF/cm2).
    Validity: a dense, uniform dielectric film. Limits: times `film_resistance` it is eps0 eps_r/sigma at every L.
    Source: the parallel-plate capacitor.

    >>> round(film_capacitance(20e-9, 10.0) * 100, 6)  # uF/cm2
    0.442709
    """
    return VACUUM_PERMITTIVITY * relative_permittivity / thickness
