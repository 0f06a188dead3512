"""How fast metal plates and strips at a given overpotential."""

from __future__ import annotations

import math

import numpy as np

from mossy.backend import jax, jnp
from mossy.laws.constants import FARADAY, GAS, Real

# A depleted surface may be handed over slightly below zero by a step of an integrator: the powers below need a floor.
_SMALLEST_RATIO = 1e-12


def butler_volmer(
    overpotential: Real,
    exchange_current_density: Real,
    *,
    symmetry: Real = 0.5,
    temperature: Real = 298.15,
    charge_number: Real = 1,
    concentration_ratio: Real = 1.0,
    metal_activity: Real = 1.0,
) -> Real:
    """Butler-Volmer kinetics of a metal electrode: the current density that plates (positive) or strips (negative).

        J = J0 (c_s/c_ref)^(1-a) [exp(a u) - a_M exp(-(1-a) u)],    u = z F eta/(R T)

    The concentration stands before both exponentials because eta is measured against a reference electrode of the same
    metal in the local solution: the equilibrium is eta = 0 at every concentration, and a further Nernst term would
    count it twice.

    Arguments: `overpotential` eta, V, positive drives plating; `exchange_current_density` J0, A/m2, at c_ref on bulk
    metal; `symmetry` a of the cathodic direction, 0 to 1; `temperature` T, K; `charge_number` z of the ion;
    `concentration_ratio` c_s/c_ref of the salt at the surface (floored at 1e-12); `metal_activity` a_M, 1 on metal,
    0 where none is left to strip. Result: A/m2.
    Validity: one rate-determining step, |eta| small against the reorganisation energy; for z > 1 the z electrons are
    lumped into one step of symmetry a.
    Limits: slope J0 z F/(R T) at eta = 0; Tafel slopes R T/(a z F) and R T/((1-a) z F); J = 0 at
    eta = (R T/(z F)) ln a_M; J >= 0 where a_M = 0.
    Source: J. Newman and K. E. Thomas-Alyea, Electrochemical Systems, 3rd edition, Wiley, 2004, chapter 8.

    >>> round(float(butler_volmer(0.05, 10.0)), 6)
    22.680546
    """
    u = charge_number * FARADAY * overpotential / (GAS * temperature)
    salt = jnp.maximum(concentration_ratio, _SMALLEST_RATIO) ** (1 - symmetry)
    forward, backward = jnp.exp(symmetry * u), jnp.exp((symmetry - 1) * u)
    return exchange_current_density * salt * (forward - metal_activity * backward)


def two_step(
    overpotential: Real,
    exchange_current_density: Real,
    *,
    second_step_ratio: Real,
    symmetry: Real = 0.5,
    temperature: Real = 298.15,
    charge_number: Real = 2,
    concentration_ratio: Real = 1.0,
    metal_activity: Real = 1.0,
) -> Real:
    """A divalent ion that takes its electrons one after the other: M2+ + e -> M+ on the surface, M+ + e -> M.

        v1 = J1 [exp(a u) - x exp(-(1-a) u)],   v2 = J2 [x exp(a u) - a_M exp(-(1-a) u)],   u = F eta/(R T)
        J  = v1 + v2 = 2 v1,  x from v1 = v2;   J0 = 2 J1 J2/(J1 + J2),   J2 = `second_step_ratio` J1

    Arguments: as `butler_volmer`; `exchange_current_density` J0 of the whole reaction; `second_step_ratio` J2/J1;
    `symmetry` a of both steps; `charge_number` must be 2. Result: A/m2.
    Validity: little M+ on the surface, always steady (no capacitance of its own).
    Limits: slope 2 J0 F/(R T) at eta = 0, as for one step of two electrons; far from it Tafel slopes R T/(a F) and
    R T/((2-a) F) where the first step is slow, R T/((1+a) F) and R T/((1-a) F) where the second is.
    Source: K. J. Vetter, Electrochemical Kinetics, Academic Press, 1967; J. O'M. Bockris and A. K. N. Reddy, Modern
    Electrochemistry 2A, 2nd edition, Kluwer, 2000, chapter 7.

    >>> round(float(two_step(0.05, 10.0, second_step_ratio=100.0)), 4)
    26.1419
    """
    u = FARADAY * overpotential / (GAS * temperature)
    forward, backward = jnp.exp(symmetry * u), jnp.exp((symmetry - 1.0) * u)
    first = 0.5 * exchange_current_density * (1.0 + second_step_ratio) / second_step_ratio
    second = first * second_step_ratio
    salt = jnp.maximum(concentration_ratio, _SMALLEST_RATIO) ** (1 - symmetry)
    # v1 = v2 solved for x, and x put back
    net = forward * forward - metal_activity * backward * backward
    return 2.0 * salt * first * second * net / (first * backward + second * forward) + 0.0 * charge_number


def marcus_hush_chidsey(
    overpotential: Real,
    exchange_current_density: Real,
    *,
    reorganisation_energy: Real,
    temperature: Real = 298.15,
    charge_number: Real = 1,
    concentration_ratio: Real = 1.0,
    metal_activity: Real = 1.0,
) -> Real:
    """Marcus-Hush-Chidsey kinetics of a metal electrode: Butler-Volmer near equilibrium, a plateau far from it.

        J = J0 (c_s/c_ref)^(1/2) [k(u) - a_M k(-u)]/k(0),    u = z F eta/(R T),  L = reorganisation energy/(R T)
        k(u) = integral over x of exp(-(x - L + u)^2/(4 L))/(1 + exp(x))

    Arguments: as `butler_volmer` (its symmetry is 1/2 here, falling with |eta|); `reorganisation_energy` in J/mol
    (1 eV is 96485.33 J/mol). Result: A/m2, finite at every overpotential.
    Validity: reorganisation energies of 2 to 1000 R T, where the quadrature is right to 1e-12 of its value; one
    electron in the elementary step.
    Limits: k(u) = exp(u) k(-u) exactly; k(u -> infinity) = sqrt(4 pi L); Butler-Volmer with a = 1/2 as L -> infinity.
    Source: C. E. D. Chidsey, Science 251 (1991) 919, doi 10.1126/science.251.4996.919; written in units of R T by
    Y. Zeng, R. B. Smith, P. Bai, M. Z. Bazant, J. Electroanal. Chem. 735 (2014) 77,
    doi 10.1016/j.jelechem.2014.09.038, whose closed form is off by up to 8 % and is not used here.

    TRAP: here J0 is the exchange current density, the slope at eta = 0 times R T/(z F) for large L. The `j0` of
    PyBaMM's MarcusHushChidsey is a prefactor, j0 sqrt(pi L) tanh(u/2) erfc(...): its exchange current density is
    0.328 j0 at L = 8, 0.2105 j0 at 10 and 0.0207 j0 at 20. Do not carry one into the other.

    >>> thermal = GAS * 298.15  # J/mol
    >>> round(float(marcus_hush_chidsey(4 * thermal / FARADAY, 1.0, reorganisation_energy=10 * thermal)), 10)
    5.4396631717
    """
    u = charge_number * FARADAY * overpotential / (GAS * temperature)
    width = jnp.asarray(reorganisation_energy / (GAS * temperature))
    plates = u > 0
    size = jnp.where(plates, u, -u)  # not abs: its second derivative at 0 would be lost
    rate = _marcus_integral(size, width) / _marcus_integral(jnp.zeros_like(width), width)
    salt = jnp.sqrt(jnp.maximum(concentration_ratio, _SMALLEST_RATIO))
    uphill = jnp.exp(-size)  # k(-|u|)/k(|u|): with it nothing overflows
    net = jnp.where(plates, 1.0 - metal_activity * uphill, uphill - metal_activity)
    return exchange_current_density * salt * rate * net


def _fermi_nodes(step: float, scale: float, width: float) -> tuple[np.ndarray, np.ndarray]:
    """Nodes x and weights of the trapezoidal rule in arcsinh(x/scale) for 1/(1 + e^x) - erfc(x/width)/2, -26 < x < 48.

    The limits hold e^x down to 1e-11 on the left and e^(-x/2), the slowest decay met (u = 0), on the right.
    """
    first, last = (scale * math.asinh(end / scale) for end in (-26.0, 48.0))
    u = step * np.arange(math.floor(first / step), math.ceil(last / step) + 1)
    x = scale * np.sinh(u / scale)
    tail = np.array([1 / (1 + math.exp(abs(y))) - math.erfc(abs(y) / width) / 2 for y in x])
    return x, step * np.cosh(u / scale) * np.copysign(tail, x * tail)


_STEP_WIDTH = 4 / math.sqrt(math.pi)  # erfc(x/width)/2 then has the Fermi function's value and slope at x = 0
_NODES, _WEIGHTS = _fermi_nodes(step=0.6, scale=5.0, width=_STEP_WIDTH)


def _marcus_integral(u: jax.Array, width: jax.Array) -> jax.Array:
    """k(u) of `marcus_hush_chidsey` for u >= 0: an error-function step in closed form, and the rest from 46 nodes.

    The rest decays like exp(-|x|) and is analytic up to x = i pi, so the trapezoidal rule, stretched by arcsinh to
    spend few nodes on the tail, is right to 1e-13 from a reorganisation energy of 2 R T upwards.
    """
    centre = width - u
    step = jnp.sqrt(math.pi * width) * jax.lax.erfc(centre / jnp.sqrt(4 * width + _STEP_WIDTH**2))
    gauss = jnp.exp(-((_NODES - centre[..., None]) ** 2) / (4 * width[..., None]))
    return step + gauss @ _WEIGHTS
