"""Growth laws integrated at constant potential: the thickness of a film after a time, in closed form.

With `growth` B = V j L/(n z F) in m2/s for a law whose j goes as 1/L, and `velocity` w = V j/(n z F) in m/s for
one whose j at no thickness is finite; `initial_thickness` L0 in m, `time` t in s; results in m.
"""

from __future__ import annotations

from mossy.backend import jax, jnp
from mossy.laws.constants import Real


def parabolic_thickness(time: Real, initial_thickness: Real, growth: Real) -> Real:
    """dL/dt = B/L: L = sqrt(L0^2 + 2 B t), for solvent or interstitial diffusion and for electron migration.

    Limits: L0 at t = 0; proportional to sqrt(t) when L >> L0. Source: G. Tammann, Z. anorg. Chem. 111 (1920) 78.

    >>> growth = 9.585e-5 * 2.5e-22 * 2636.0 / 2  # V D c/n of `interphase.solvent_diffusion`
    >>> round(float(parabolic_thickness(365.25 * 86400, 5e-9, growth)) * 1e9, 12)
    44.925945038919
    """
    return jnp.sqrt(initial_thickness**2 + 2.0 * growth * time)


def linear_parabolic_thickness(time: Real, initial_thickness: Real, velocity: Real, growth: Real) -> Real:
    """dL/dt = w/(1 + L w/B), so L + L^2 w/(2B) = L0 + L0^2 w/(2B) + w t: reaction, then diffusion.

    Limits: L0 + w t while L << B/w; `parabolic_thickness` when L >> B/w.
    Source: B. E. Deal, A. S. Grove, J. Appl. Phys. 36 (1965) 3770, doi 10.1063/1.1713945.

    >>> w, B = 9.585e-5 / 2 * 4541 * 1e-12 * jnp.exp(0.2 / 25.692579121e-3), 9.585e-5 / 2 * 4541 * 2e-18
    >>> round(float(linear_parabolic_thickness(86400.0, 5e-9, w, B)) * 1e9, 3)
    273.478
    """
    start = initial_thickness + initial_thickness**2 * velocity / (2.0 * growth)
    root = jnp.sqrt(1.0 + 2.0 * velocity / growth * (start + velocity * time))
    return 2.0 * (start + velocity * time) / (1.0 + root)


def logarithmic_thickness(time: Real, initial_thickness: Real, velocity: Real, inverse_length: Real) -> Real:
    """dL/dt = w exp(-beta L): L = ln(exp(beta L0) + beta w t)/beta, for electron tunnelling.

    Limits: L0 + w exp(-beta L0) t at first, ln(beta w t)/beta at last.
    Source: N. F. Mott, Trans. Faraday Soc. 35 (1939) 1175; N. Cabrera, N. F. Mott, Rep. Prog. Phys. 12 (1949) 163.

    >>> w = 9.585e-5 * 1.5e-7 / (2 * 96485.33212)
    >>> round(float(logarithmic_thickness(365.25 * 86400, 0.0, w, 1e10)) * 1e9, 12)
    0.319917710234
    """
    grown = inverse_length * velocity * time * jnp.exp(-inverse_length * initial_thickness)
    return initial_thickness + jnp.log1p(grown) / inverse_length


def dissolving_thickness(time: Real, initial_thickness: Real, growth: Real, dissolution_velocity: Real) -> Real:
    """dL/dt = B/L - k_d, for parabolic growth against dissolution.

        l = 1 + W0[-(1 - l0) exp(-(1 - l0) - t/t*)],   l = L/L_ss,   L_ss = B/k_d,   t* = L_ss/k_d

    Validity: L0 up to L_ss (above it W0's argument is positive and the same formula holds).
    Limits: `parabolic_thickness` for t << t*; L_ss for t >> t*. W0 by Newton's method on p = 1 + W0 (from its series).
    Source: separation of variables; W0 is Lambert's function (R. M. Corless et al., Adv. Comput. Math. 5 (1996) 329).

    >>> [round(float(dissolving_thickness(1.0, start, 1.0, 1.0)), 10) for start in (0.0, 0.1)]
    [0.8414056604, 0.8424122374]
    """
    steady = growth / dissolution_velocity
    first, elapsed = initial_thickness / steady, time * dissolution_velocity / steady
    # l + ln(1 - l) = l0 + ln(1 - l0) - tau; with m = 1 - l: ln m - m = ln m0 - m0 - tau, solved for m by Newton
    missing = 1.0 - first
    argument = jnp.asarray(missing) * jnp.exp(first - elapsed)  # m exp(1 - m) = argument
    guess = 1.0 - jnp.sqrt(jnp.clip(2.0 * (1.0 - argument), 0.0, None)) + (1.0 - argument) * (2.0 / 3.0)
    guess = jnp.where(argument > 0.7, guess, argument * 0.5)

    def newton(_: int, m: jax.Array) -> jax.Array:
        value, slope = m * jnp.exp(1.0 - m) - argument, (1.0 - m) * jnp.exp(1.0 - m)
        return m - value / jnp.where(jnp.abs(slope) < 1e-150, 1.0, slope)

    return steady * (1.0 - jax.lax.fori_loop(0, 60, newton, guess))


def depletion_time(amount: Real, growth: Real, amount_per_thickness: Real, initial_thickness: Real = 0.0) -> Real:
    """When a parabolic film has consumed an additive: t = ((L0 + N/p)^2 - L0^2)/(2 B).

    Arguments: `amount` N per area, mol/m2; `amount_per_thickness` p that the film takes up, mol/m3.
    Limits: N^2/(2 B p^2) without an initial film. Source: `parabolic_thickness` inverted.

    >>> depletion_time(2.0, 0.5, 1.0)
    4.0
    """
    return ((initial_thickness + amount / amount_per_thickness) ** 2 - initial_thickness**2) / (2.0 * growth)
