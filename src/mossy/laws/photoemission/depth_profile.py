"""What sputtering shows of a layered film: how deep, how blurred, and what the beam makes of it. Depths in nm."""

from __future__ import annotations

import math

from mossy.backend import jax, jnp
from mossy.errors import InputError
from mossy.laws.constants import FARADAY, Real

_SHARPEST = 1e-6
"""nm: where a length of 0 is asked for."""
_LARGEST = 500.0
"""Of an exponent whose exponential is taken for 0."""


def sputtered_depth(time: Real, *, ion_current_density: Real, yield_per_ion: Real, atomic_density: Real) -> Real:
    """The depth that singly charged ions have removed: z = Y j t/(e n).

    Arguments: `time` t, s; `ion_current_density` j, A/m2; `yield_per_ion` Y, atoms an ion (rarely known for a film: a
    profile's depth scale is that of its calibration, often Ta2O5 or SiO2); `atomic_density` n of all atoms, mol/m3.
    Result: nm. Validity: one material, no redeposition.
    Source: S. Hofmann, Rep. Prog. Phys. 61 (1998) 827, doi 10.1088/0034-4885/61/7/002.

    >>> round(float(sputtered_depth(60.0, ion_current_density=0.1, yield_per_ion=1.0, atomic_density=1e5)), 3)
    0.622
    """
    return 1e9 * yield_per_ion * ion_current_density * time / (FARADAY * atomic_density)


def _normal(x: jax.Array) -> jax.Array:
    return 0.5 * jax.lax.erfc(-x / math.sqrt(2.0))


def _tail(depth: jax.Array, length: jax.Array, roughness: jax.Array) -> jax.Array:
    """exp(-z/l + s^2/(2 l^2)) Phi(z/s - s/l): an exponential tail of unit height, smeared by a Gaussian."""
    lag = roughness / length - depth / roughness
    before = lag > 5.0  # there the exponential overflows; Phi's continued fraction takes over
    power = jnp.where(before, 0.0, roughness * (0.5 * roughness / length - depth / roughness) / length)
    behind = jnp.exp(jnp.clip(power, -_LARGEST, _LARGEST)) * _normal(-jnp.where(before, 0.0, lag))
    steep = jnp.where(before, lag, 10.0)
    fraction = steep
    for order in range(30, 0, -1):
        fraction = steep + order / fraction
    gauss = jnp.exp(-jnp.minimum(0.5 * jnp.where(before, depth / roughness, 0.0) ** 2, _LARGEST))
    return jnp.where(before, gauss / (math.sqrt(2.0 * math.pi) * fraction), behind)


def _scaled(depth: Real, lengths: tuple[Real, Real, Real]) -> tuple[jax.Array, ...]:
    """The depth behind the front of the mixed zone, and the three lengths, none of them 0."""
    mixing, roughness, escape = (jnp.maximum(jnp.asarray(length, dtype=float), _SHARPEST) for length in lengths)
    behind = jnp.asarray(depth, dtype=float) + mixing
    return behind, mixing, roughness, escape


def depth_response(
    depth: Real, *, mixing: Real, roughness: Real, information_depth: Real, emission_angle: Real = 0.0
) -> jax.Array:
    """The signal of a thin layer, `depth` beyond the layer's own: mixing, roughness and information depth (MRI).

        g = [T(v, w) + T(-v, l)]/(w + l),   v = z + w,   T(v, a) = exp(-v/a + s^2/(2 a^2)) Phi(v/s - s/a)

    the convolution of exp(-(z + w)/w)/w for z > -w (complete mixing over w), exp(z/l)/l for z < 0 (escape) and a
    Gaussian of s. Arguments: `depth` z sputtered beyond the layer, nm (negative before it is reached); `mixing` w,
    `roughness` s (standard deviation) and `information_depth` lambda, nm, >= 0, with l = lambda cos(emission_angle);
    `emission_angle` from the normal, rad. Result: 1/nm, area 1. Validity: lengths that do not change with depth,
    a layer deeper than w. Limits: a Gaussian for w = lambda = 0; a spike 1e-6 nm wide where all are 0.
    Source: S. Hofmann, Surf. Interface Anal. 21 (1994) 673, doi 10.1002/sia.740210912 (doi unverified); the closed form
    is derived here.

    >>> round(float(depth_response(0.0, mixing=1.0, roughness=0.5, information_depth=2.0)), 6)
    0.136602
    """
    escape = information_depth * jnp.cos(emission_angle)
    behind, mixing, roughness, escape = _scaled(depth, (mixing, roughness, escape))
    return (_tail(behind, mixing, roughness) + _tail(-behind, escape, roughness)) / (mixing + escape)


def depth_resolution(
    depth: Real, *, mixing: Real, roughness: Real, information_depth: Real, emission_angle: Real = 0.0
) -> jax.Array:
    """The signal of a material that begins at an interface, `depth` beyond it: the integral of `depth_response`.

        F = Phi(v/s) - [w T(v, w) - l T(-v, l)]/(w + l)

    Arguments and validity: as `depth_response`. Result: 0 far before the interface, 1 far beyond.
    Limits: Phi(z/s) for w = lambda = 0; 1 - exp(-(z + w)/w) for z > -w where mixing is alone; exp(z/l) before an
    interface that only the information depth blurs.

    >>> round(float(depth_resolution(0.0, mixing=1.0, roughness=0.0, information_depth=0.0)), 6)
    0.632121
    """
    escape = information_depth * jnp.cos(emission_angle)
    behind, mixing, roughness, escape = _scaled(depth, (mixing, roughness, escape))
    losses = mixing * _tail(behind, mixing, roughness) - escape * _tail(-behind, escape, roughness)
    return _normal(behind / roughness) - losses / (mixing + escape)


def depth_profile(
    depths: Real,
    *,
    thicknesses: Real,
    fractions: Real,
    mixing: Real,
    roughness: Real,
    information_depth: Real,
    emission_angle: Real = 0.0,
) -> jax.Array:
    """What a stack of layers shows at each sputtered depth: I(z) = X_1 + sum (X_(k+1) - X_k) F(z - z_k).

    Arguments: `depths` z (n,), nm; `thicknesses` (layers - 1,), nm, from the vacuum inwards, the substrate has none;
    `fractions` X of something (a phase, an element) in each layer (..., layers); the rest as `depth_response`.
    Result: (..., n), unit of X. Validity: the first layer is taken to reach to where it is out of sight, so the first
    w + lambda of a real profile, where the mixed zone builds up, differ.
    Limits: X itself where all lengths are 0; X where all layers are alike; the integral over z of a buried layer is
    its thickness times its excess.
    Source: as `depth_response`.

    >>> film = dict(thicknesses=jnp.array([5.0]), fractions=jnp.array([1.0, 0.0]))
    >>> blur = dict(mixing=1.0, roughness=0.5, information_depth=2.0)
    >>> depth_profile(jnp.array([0.0, 5.0, 10.0]), **film, **blur).round(3).tolist()
    [0.907, 0.139, 0.001]
    """
    thicknesses = jnp.atleast_1d(jnp.asarray(thicknesses, dtype=float))
    fractions = jnp.asarray(fractions, dtype=float)
    if fractions.ndim == 0 or fractions.shape[-1] != thicknesses.shape[-1] + 1:
        given = fractions.shape[-1] if fractions.ndim else 1
        problem = f"{given} fractions for {thicknesses.shape[-1]} layers and a substrate"
        raise InputError(problem, key="fractions", remedy=f"give {thicknesses.shape[-1] + 1}, the substrate's last")
    beyond = jnp.asarray(depths, dtype=float) - jnp.cumsum(thicknesses)[:, None]
    blur = dict(mixing=mixing, roughness=roughness, information_depth=information_depth)
    steps = depth_resolution(beyond, **blur, emission_angle=emission_angle)
    return fractions[..., :1] + jnp.diff(fractions, axis=-1) @ steps


def beam_damage(
    fluence: Real, *, rate: Real, parent: Real, product: Real = 0.0, formed: Real = 1.0
) -> tuple[Real, Real]:
    """First-order damage by photons, electrons or ions: dN/dPhi = -k N, and `formed` units of product from each.

        N = N0 exp(-k Phi),   M = M0 + f N0 (1 - exp(-k Phi))

    Arguments: `fluence` Phi and `rate` k in inverse units (1/m2 and m2, or s and 1/s); `parent` N0 and `product` M0 at
    the start, any one unit; `formed` f formula units of product a unit of parent (Li2CO3 -> Li2O: 1; LiPF6 -> LiF: 1).
    Result: parent and product. Limits: linear at first; f N0 + M0 of product at last.
    Source: first-order kinetics; for films on lithium see Gao et al., ACS Appl. Mater. Interfaces (2024),
    doi 10.1021/acsami.4c17553.

    >>> parent, product = beam_damage(1.0, rate=1.0, parent=1.0)
    >>> round(float(parent), 6), round(float(product), 6)
    (0.367879, 0.632121)
    """
    gone = -jnp.expm1(-rate * fluence)
    return parent * (1.0 - gone), product + formed * parent * gone
