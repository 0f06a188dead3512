"""A porous outer layer: how its pores fill, and how ions share it between the electrolyte in them and the solid."""

from __future__ import annotations

from typing import Any

from mossy.backend import jnp
from mossy.laws.constants import Real


def porous_layer_impedance(
    thickness: Any,
    *,
    pore_resistivity: Any,
    solid_resistivity: Any,
    wall_admittance: Any,
    wall_area: Any,
    top_area: Any = 0.0,
    bottom_area: Any = 0.0,
) -> Any:
    """Impedance of a layer whose pores and solid conduct side by side and exchange ions through the walls.

        v'' = v/l^2,   1/l^2 = a y (r_p + r_s),   v = potential in the pore less that in the solid
        Z = r_p r_s L/r + (r_p v_0 + r_s v_L)/r,   r = r_p + r_s,   q = 1/cosh(L/l),   t = tanh(L/l)
        v_0 = (r_s q + r_p (1 + l r y_b t))/d,   v_L = (r_p q + r_s (1 + l r y_t t))/d
        d = t/l + r (y_t + y_b) + l r^2 y_t y_b t,   y_t = A_t y,   y_b = A_b y

    The current enters through the pores' mouths and the tops of the solid, and leaves in the solid at the bottom, where
    it goes on into the dense layer.

    Arguments: `thickness` L, m; `pore_resistivity` r_p and `solid_resistivity` r_s of each rail over the whole
    cross-section, ohm m; `wall_admittance` y of the walls, S/m2 (1/R + i omega C); `wall_area` a, m2 of wall per m3;
    `top_area` A_t and `bottom_area` A_b of the solid's tops and of the pores' ends, m2 per m2. Result: ohm m2.
    Validity: pores much longer than wide; no salt gradients within them.
    Limits: 1/(y_t + y_b) for L = 0; with A_t = A_b = 0 the transmission line of Bisquert, (r_p r_s/r)(L + 2 l/sinh)
    + l (r_p^2 + r_s^2)/r coth; r_p r_s L/r for walls that do not resist.
    Source: the two-rail line of G. Paasch, K. Micka, P. Gersdorf, Electrochim. Acta 38 (1993) 2653, doi
    10.1016/0013-4686(93)85083-B, and J. Bisquert and others, J. Phys. Chem. B 104 (2000) 2287, doi 10.1021/jp993148h,
    with ends that exchange too.

    >>> line = dict(pore_resistivity=2.0, solid_resistivity=3.0, wall_admittance=1e9, wall_area=1e9)
    >>> round(float(porous_layer_impedance(1.0, **line)), 5)  # side by side
    1.2
    """
    r, y_top, y_bottom = pore_resistivity + solid_resistivity, top_area * wall_admittance, bottom_area * wall_admittance
    length = 1.0 / jnp.sqrt(wall_area * wall_admittance * r)
    decay = jnp.exp(-2.0 * thickness / length)
    t, q = (1.0 - decay) / (1.0 + decay), 2.0 * jnp.exp(-thickness / length) / (1.0 + decay)
    over = t / length + r * (y_top + y_bottom) + length * r**2 * y_top * y_bottom * t
    first = (solid_resistivity * q + pore_resistivity * (1.0 + length * r * y_bottom * t)) / over
    last = (pore_resistivity * q + solid_resistivity * (1.0 + length * r * y_top * t)) / over
    through = pore_resistivity * solid_resistivity * thickness / r
    return through + (pore_resistivity * first + solid_resistivity * last) / r


def layer_growth_rate(solid_rate: Real, porosity: Real, fresh_porosity: Real, filling: Real) -> Real:
    """How fast a porous layer gets thicker as solid is deposited: part fills its pores, the rest adds fresh layer.

        dL/dt = (1 - phi eps/eps_0) (dS/dt)/(1 - eps_0),   eps = 1 - S/L

    Arguments: `solid_rate` dS/dt, m/s of pore-free solid; `porosity` eps now, `fresh_porosity` eps_0 of what is added;
    `filling` phi, the share that fills pores while they are as open as in fresh layer. Result: m/s.
    Limits: phi = 0 keeps a layer of eps_0 as it is; the porosity of a thick layer settles where
    (1 - eps)(1 - phi eps/eps_0) = 1 - eps_0.
    Source: this library's closure.

    >>> f"{layer_growth_rate(0.7e-12, 0.3, 0.3, 0.0):.1e}"
    '1.0e-12'
    """
    return (1.0 - filling * porosity / fresh_porosity) * solid_rate / (1.0 - fresh_porosity)
