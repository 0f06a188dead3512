"""Intensities of the lines of a layered film, exactly attenuated, and the thickness of a single overlayer.

Every function is for one kinetic energy: the paths are those of that line's electrons. Lengths in nm (only ratios of
lengths matter but for the intensities themselves), angles in radians from the surface normal.
"""

from __future__ import annotations

from mossy.backend import jax, jnp
from mossy.errors import InputError
from mossy.laws.constants import Real

_NEWTON_STEPS = 30


def fine_mosaic_path(fractions: Real, paths: Real) -> Real:
    """The path in a mixture whose grains are small against it: 1/lambda = sum f_i/lambda_i.

    Arguments: `fractions` of the volume, adding up to 1, and `paths`, nm, along the last axis. Result: nm.
    Limits: lambda of phases that are alike; coarse grains need `coarse_mosaic`.
    Source: the chances of a collision in a length add up.

    >>> float(fine_mosaic_path(jnp.array([0.5, 0.5]), jnp.array([2.0, 6.0])))
    3.0
    """
    return 1.0 / jnp.sum(jnp.asarray(fractions) / jnp.asarray(paths), axis=-1)


def coarse_mosaic(fractions: Real, intensities: Real) -> Real:
    """Patches wide against the film's thickness, each a stack of its own: I = sum f_i I_i.

    Arguments: `fractions` of the area (patches,); `intensities` (patches, ...), of each patch alone.
    Validity: emission near the normal, no shadows between patches of different height.
    Source: areas side by side add up.

    >>> float(coarse_mosaic(jnp.array([0.25, 0.75]), jnp.array([4.0, 8.0])))
    7.0
    """
    return jnp.tensordot(jnp.asarray(fractions), jnp.asarray(intensities), axes=1)


def layer_intensity(*, densities: Real, thicknesses: Real, paths: Real, emission_angle: Real = 0.0) -> jax.Array:
    """The intensity of one line from every layer of a stack on a thick substrate, attenuated by all layers above.

        I_k = n_k l_k (1 - exp(-d_k/l_k)) prod_(j < k) exp(-d_j/l_j),   l = lambda cos(theta);   last: d infinite

    Times flux, cross section, asymmetry factor and the analyser's transmission it is what one measures.
    Arguments: `densities` n of the line's atoms in each layer (..., layers), any unit; `thicknesses` d, nm, (...,
    layers - 1), the substrate has none; `paths` lambda of the line's electrons in each layer (..., layers), nm;
    `emission_angle` theta from the normal, rad. Result: (..., layers), unit of n times nm.
    Validity: flat layers, straight trajectories, up to 60 degrees (for elastic scattering give attenuation lengths).
    Limits: n lambda cos(theta) of a bare substrate; n d of a thin layer on top; equal layers add up to one.
    Source: C. S. Fadley, Prog. Surf. Sci. 16 (1984) 275, doi 10.1016/0079-6816(84)90001-7 (doi unverified).

    >>> stack = dict(thicknesses=jnp.array([2.0]), paths=jnp.array([2.0, 3.0]))
    >>> layer_intensity(densities=jnp.array([0.0, 1.0]), **stack).round(6).tolist()
    [0.0, 1.103638]
    """
    thicknesses, paths = jnp.atleast_1d(jnp.asarray(thicknesses, dtype=float)), jnp.asarray(paths, dtype=float)
    if paths.ndim == 0 or thicknesses.shape[-1] != paths.shape[-1] - 1:
        count = paths.shape[-1] if paths.ndim else 1
        problem = f"{thicknesses.shape[-1]} thicknesses for {count} layers, of which the last is the substrate"
        raise InputError(problem, key="thicknesses", remedy=f"give {max(count - 1, 1)}, and none for the substrate")
    escape = paths * jnp.cos(emission_angle)
    depths = thicknesses / escape[..., :-1]
    outer = jnp.zeros((*depths.shape[:-1], 1))
    above = jnp.concatenate([outer, jnp.cumsum(depths, axis=-1)], axis=-1)
    kept = jnp.concatenate([-jnp.expm1(-depths), outer + 1.0], axis=-1)
    return jnp.asarray(densities) * escape * kept * jnp.exp(-above)


def with_pores(density: Real, path: Real, porosity: Real) -> tuple[Real, Real]:
    """What vacuum pores, fine against the path, make of a layer: n (1 - epsilon) and lambda/(1 - epsilon).

    Arguments: `density` n; `path` lambda, nm; `porosity` epsilon, 0 to 1. Result: density and path of the porous layer.
    Limits: every intensity depends on (1 - epsilon) d only, so photoemission sees no pores, only the mass per area.
    Source: `fine_mosaic_path` with a path without end in vacuum.

    >>> with_pores(1.0, 2.0, 0.5)
    (0.5, 4.0)
    """
    return density * (1.0 - porosity), path / (1.0 - porosity)


def overlayer_ratio(
    thickness: Real, *, overlayer_path: Real, substrate_path: Real, emission_angle: Real = 0.0
) -> jax.Array:
    """Overlayer over substrate, each against its intensity where infinitely thick: R = (I_o/I_o^inf)/(I_s/I_s^inf).

        R = (1 - exp(-x)) exp(x L_o/L_s),   x = d/(L_o cos(theta));   ln R = ln 2 + ln sinh(x/2) + x (L_o/L_s - 1/2)

    Arguments: `thickness` d, nm; `overlayer_path` L_o of the overlayer's electrons and `substrate_path` L_s of the
    substrate's, both in the overlayer, nm; `emission_angle` theta from the normal, rad. Result: 1.
    Validity: one even layer that covers everything. Limits: x for a thin layer; exp(x) - 1 where L_o = L_s.
    Source: P. J. Cumpson, Surf. Interface Anal. 29 (2000) 403,
    doi 10.1002/1096-9918(200006)29:6<403::AID-SIA884>3.0.CO;2-8 (the Thickogram; doi unverified).

    >>> round(float(overlayer_ratio(2.0, overlayer_path=2.0, substrate_path=3.0)), 6)
    1.231203
    """
    cosine = jnp.cos(emission_angle)
    return -jnp.expm1(-thickness / (overlayer_path * cosine)) * jnp.exp(thickness / (substrate_path * cosine))


def overlayer_thickness(
    ratio: Real, *, overlayer_path: Real, substrate_path: Real, emission_angle: Real = 0.0
) -> jax.Array:
    """The thickness of an overlayer from the ratio of intensities, the inverse of `overlayer_ratio`.

        x = ln(1 + R exp((1 - L_o/L_s) x)),   d = x L_o cos(theta)

    solved by Newton's method from x0 = ln(1 + R)/max(1, L_o/L_s), below the root, from where it climbs without
    overshoot; differentiated through its last step. Arguments: `ratio` R >= 0; the rest as `overlayer_ratio`.
    Result: nm. Validity: R up to 1e6 and L_o/L_s from 0.1 to 10, there to 1e-12 of itself.
    Limits: 0 at R = 0 with slope L_o cos(theta); L cos(theta) ln(1 + R) where L_o = L_s.
    Source: as `overlayer_ratio`.

    >>> round(float(overlayer_thickness(1.0, overlayer_path=3.0, substrate_path=3.0)), 6)
    2.079442
    """
    ratio, relative = jnp.asarray(ratio, dtype=float), jnp.asarray(overlayer_path / substrate_path, dtype=float)
    ratio, relative = jnp.broadcast_arrays(ratio, relative)

    def step(x: jax.Array, measured: jax.Array, relative: jax.Array) -> jax.Array:
        grown = measured * jnp.exp((1.0 - relative) * x)
        slope = 1.0 - (1.0 - relative) * grown / (1.0 + grown)
        return x - (x - jnp.log1p(grown)) / slope

    fixed = jax.lax.stop_gradient(ratio), jax.lax.stop_gradient(relative)
    start = jnp.log1p(fixed[0]) / jnp.maximum(1.0, fixed[1])
    root = jax.lax.fori_loop(0, _NEWTON_STEPS, lambda _, x: step(x, *fixed), start)
    root = step(jax.lax.stop_gradient(root), ratio, relative)
    return root * overlayer_path * jnp.cos(emission_angle)
