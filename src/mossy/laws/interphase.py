"""What grows on the metal, how fast, and what it costs in resistance and capacitance."""

from __future__ import annotations

from mossy.backend import jax, jnp
from mossy.laws.constants import FARADAY, GAS, VACUUM_PERMITTIVITY, Real


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


def solvent_diffusion_thickness(
    time: Real,
    initial_thickness: Real,
    *,
    solvent_diffusivity: Real,
    solvent_concentration: Real,
    film_molar_volume: Real,
    metal_per_formula: Real,
    charge_number: Real = 1,
) -> Real:
    """Thickness of a film that grows by `solvent_diffusion` far below the reduction potential, in closed form.

        L(t) = sqrt(L0^2 + 2 V D c t/(n z))

    Arguments: `time` t, s; `initial_thickness` L0, m; the others as in `solvent_diffusion` and `film_growth_rate`.
    Result: m.
    Limits: L0 at t = 0; proportional to sqrt(t) when L >> L0.
    Source: the integral of the two laws named.

    >>> film = dict(solvent_diffusivity=2.5e-22, solvent_concentration=2636.0, film_molar_volume=9.585e-5)
    >>> round(float(solvent_diffusion_thickness(365.25 * 86400, 5e-9, metal_per_formula=2, **film)) * 1e9, 9)
    44.925945039
    """
    growth = film_molar_volume * solvent_diffusivity * solvent_concentration / (metal_per_formula * charge_number)
    return jnp.sqrt(initial_thickness**2 + 2 * growth * time)


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
