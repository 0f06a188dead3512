"""The elements of circuits: for each the law of `mossy.laws`, its parameters with their units, dimensions and bounds.

A parameter has the dimension impedance^a time^b; bounds follow from it and the data: the largest and smallest impedance
and time that a measurement can tell, with a margin. Exponents and fractions have bounds of their own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mossy.backend import jax
from mossy.laws import impedance_elements as laws
from mossy.laws import transmission_lines as lines
from mossy.laws.charge_transfer import butler_volmer
from mossy.laws.constants import VACUUM_PERMITTIVITY
from mossy.laws.interphase import film_capacitance, film_resistance
from mossy.laws.interphase_impedance import porous_interphase_impedance, two_layer_interphase_impedance


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter of an element: `impedance` and `time` are the powers of its dimension. Where it has none: linear
    `bounds`, or `decades` (lower, upper) of a physical quantity; `assumed` is its value unless it is fitted or given.
    `size` is the power of the element's impedance in it where its dimension does not say so.
    """

    name: str
    unit: str
    impedance: float = 0.0
    time: float = 0.0
    bounds: tuple[float, float] | None = None
    decades: tuple[float, float] | None = None
    assumed: float | None = None
    size: float = 0.0

    @property
    def logarithmic(self) -> bool:
        """Whether it is positive and may span decades."""
        return self.bounds is None


@dataclass(frozen=True)
class Element:
    """`law(angular_frequency, *parameters)` is its impedance, `formula` says which, with s = i omega."""

    symbol: str
    title: str
    formula: str
    law: Callable[..., Any]
    parameters: tuple[ParameterSpec, ...]

    @property
    def is_arc(self) -> bool:
        """Whether it is a resistance times a function of a time constant and shapes: an arc, or bounded diffusion."""
        return [spec.name for spec in self.parameters[:2]] == ["R", "tau"]


@dataclass(frozen=True)
class Combination:
    """Circuits put together: `law(*impedances)`; how many `parts` it takes, an example."""

    title: str
    law: Callable[..., Any]
    parts: tuple[int, int]
    example: str


_R = ParameterSpec("R", "ohm", impedance=1.0)
_TAU = ParameterSpec("tau", "s", time=1.0)
_ALPHA = ParameterSpec("alpha", "1", bounds=(0.3, 1.0))
_BETA = ParameterSpec("beta", "1", bounds=(0.1, 1.0))


def _element(symbol: str, title: str, formula: str, law: Callable[..., Any], *parameters: ParameterSpec) -> Element:
    return Element(symbol, title, formula, law, parameters)


def _capacity(name: str = "C") -> ParameterSpec:
    return ParameterSpec(name, "F", impedance=-1.0, time=1.0)


def _resistance(name: str) -> ParameterSpec:
    return ParameterSpec(name, "ohm", impedance=1.0)


_Q = ParameterSpec("Q", "s^alpha/ohm", impedance=-1.0, time=0.8)
_AREA = ParameterSpec("area", "m^2", decades=(1e-8, 1.0), assumed=1e-4)


def _wide(law: Callable[..., Any]) -> Callable[..., Any]:
    """A law with keywords R and tau, by position."""
    return lambda omega, resistance, time: law(omega, resistance=resistance, time_constant=time)


def _porous_interphase(omega: Any, liquid: Any, end: Any, end_capacity: Any, solid: Any, solid_capacity: Any) -> Any:
    """The porous interphase in its lumped parameters: half its area channels, half solid, each of length one."""
    return porous_interphase_impedance(
        omega,
        thickness=1.0,
        porosity=0.5,
        tortuosity=0.5,
        liquid_conductivity=1.0 / liquid,
        solid_conductivity=2.0 / solid,
        solid_permittivity=2.0 * solid_capacity / VACUUM_PERMITTIVITY,
        passivation_thickness=0.5,
        passivation_conductivity=1.0 / end,
        passivation_permittivity=end_capacity / VACUUM_PERMITTIVITY,
    )


def _two_layers(omega: Any, inner: Any, inner_capacity: Any, liquid: Any, solid: Any, solid_capacity: Any) -> Any:
    """The two-layer interphase in its lumped parameters."""
    return two_layer_interphase_impedance(
        omega,
        inner_thickness=1.0,
        inner_conductivity=1.0 / inner,
        inner_permittivity=inner_capacity / VACUUM_PERMITTIVITY,
        outer_thickness=1.0,
        porosity=0.5,
        tortuosity=0.5,
        liquid_conductivity=1.0 / liquid,
        solid_conductivity=2.0 / solid,
        solid_permittivity=2.0 * solid_capacity / VACUUM_PERMITTIVITY,
    )


def _mixed(omega: Any, passing: Any, blocked: Any, capacity: Any) -> Any:
    return lines.mixed_conductor_impedance(
        omega, passing_resistance=passing, blocked_resistance=blocked, chemical_capacitance=capacity
    )


def _film(omega: Any, thickness: Any, conductivity: Any, permittivity: Any, area: Any) -> Any:
    """The film of the cell simulator: its resistance beside its capacitance, over an area."""
    resistance = film_resistance(thickness, conductivity)
    return resistance / (1.0 + 1j * omega * resistance * film_capacitance(thickness, permittivity)) / area


def _charge_transfer(omega: Any, exchange_current_density: Any, area: Any, temperature: Any) -> Any:
    """The slope of the cell simulator's Butler-Volmer law at equilibrium, over an area."""

    def current(overpotential: Any) -> Any:
        return butler_volmer(overpotential, exchange_current_density, temperature=temperature)

    slope = jax.jvp(current, (0.0 * exchange_current_density,), (1.0 + 0.0 * exchange_current_density,))[1]
    return laws.resistor(omega, 1.0 / (slope * area))


ELEMENTS: dict[str, Element] = {
    each.symbol: each
    for each in (
        _element("R", "resistor", "R", laws.resistor, _R),
        _element("C", "capacitor", "1/(C s)", laws.capacitor, _capacity()),
        _element("L", "inductor", "L s", laws.inductor, ParameterSpec("L", "H", impedance=1.0, time=1.0)),
        _element("Q", "constant phase element", "1/(Q s^alpha)", laws.constant_phase, _Q, _ALPHA),
        _element("Z", "ZARC, a depressed arc", "R/(1 + (tau s)^alpha)", laws.zarc, _R, _TAU, _ALPHA),
        _element(
            "H", "Havriliak-Negami arc", "R/(1 + (tau s)^alpha)^beta", laws.havriliak_negami, _R, _TAU, _ALPHA, _BETA
        ),
        _element("G", "Gerischer: diffusion with reaction", "R/sqrt(1 + tau s)", laws.gerischer, _R, _TAU),
        _element(
            "W",
            "semi-infinite diffusion",
            "A (1 - i)/sqrt(omega)",
            laws.warburg,
            ParameterSpec("A", "ohm/s^0.5", impedance=1.0, time=-0.5),
        ),
        _element(
            "Ws",
            "diffusion to a fixed concentration (short)",
            "R tanh(sqrt(tau s))/sqrt(tau s)",
            _wide(lines.warburg_short_impedance),
            _R,
            _TAU,
        ),
        _element(
            "Wo",
            "diffusion to a wall (open)",
            "R coth(sqrt(tau s))/sqrt(tau s)",
            _wide(lines.warburg_open_impedance),
            _R,
            _TAU,
        ),
        _element(
            "P",
            "porous interphase: liquid channels closed by a dense layer, beside its solid",
            "1/(1/R_solid + C_solid s + 1/(R_liquid + 1/(1/R_end + C_end s)))",
            _porous_interphase,
            *(_resistance("R_liquid"), _resistance("R_end"), _capacity("C_end")),
            *(_resistance("R_solid"), _capacity("C_solid")),
        ),
        _element(
            "T",
            "two-layer interphase: dense inner, porous outer",
            "1/(1/R_inner + C_inner s) + 1/(1/R_liquid + 1/R_solid + C_solid s)",
            _two_layers,
            *(_resistance("R_inner"), _capacity("C_inner")),
            *(_resistance("R_liquid"), _resistance("R_solid"), _capacity("C_solid")),
        ),
        _element(
            "J",
            "mixed conductor between electrodes that let one carrier pass (Jamnik and Maier)",
            "R_inf + (R_passing - R_inf) tanh(x)/x, x^2 = C_chemical (R_passing + R_blocked) s/4",
            _mixed,
            *(_resistance("R_passing"), _resistance("R_blocked"), _capacity("C_chemical")),
        ),
        _element(
            "F",
            "film of the cell simulator",
            "1/(sigma/L + eps0 eps s/L)/area",
            _film,
            ParameterSpec("thickness", "m", decades=(1e-10, 1e-4), size=1.0),
            ParameterSpec("conductivity", "S/m", decades=(1e-14, 1e2)),
            ParameterSpec("permittivity", "1", decades=(1.0, 1e4), assumed=10.0),
            _AREA,
        ),
        _element(
            "K",
            "charge transfer of the cell simulator (Butler and Volmer)",
            "R T/(F j0 area)",
            _charge_transfer,
            ParameterSpec("exchange_current_density", "A/m^2", decades=(1e-8, 1e6), size=-1.0),
            _AREA,
            ParameterSpec("temperature", "K", decades=(100.0, 2000.0), assumed=298.15),
        ),
    )
}
"""Every element by its symbol."""

ALIASES = {"CPE": "Q", "Zarc": "Z", "ZARC": "Z", "HN": "H", "SEI": "P"}
"""Other symbols in use for the same elements."""


def _parallel(*impedances: Any) -> Any:
    return 1.0 / sum(1.0 / each for each in impedances)


def _twice(impedance: Any) -> Any:
    return 2.0 * impedance


def _line(rail: Any, wall: Any, end: Any = None) -> Any:
    if end is None:
        return lines.de_levie_impedance(1.0 / wall, rail_resistance=rail)
    return lines.two_rail_impedance(1.0 / wall, first_resistance=rail, second_resistance=0.0, end_admittance=1.0 / end)


def _rails(first: Any, second: Any, wall: Any) -> Any:
    return lines.two_rail_impedance(1.0 / wall, first_resistance=first, second_resistance=second)


def _dead(pore: Any, metal: Any, wall: Any) -> Any:
    """`dead_metal_impedance`, whose rails are those of a mixed conductor with the wall in its capacitor's place."""
    return lines.mixed_conductor_impedance(
        1.0, passing_resistance=pore, blocked_resistance=metal, chemical_capacitance=-1j / wall
    )


COMBINATIONS: dict[str, Combination] = {
    "p": Combination("side by side", _parallel, (2, 12), "p(R1,Q1)"),
    "sym": Combination("two equal electrodes in series, parameters of one", _twice, (1, 1), "sym(p(R1,Q1))"),
    "line": Combination(
        "porous or mossy layer on metal (de Levie): electrolyte rail, wall all along it, end",
        _line,
        (2, 3),
        "line(R1,p(R2,Q2))",
    ),
    "rails": Combination(
        "layer of two conductors that exchange all along: in by the first, out by the second",
        _rails,
        (3, 3),
        "rails(R1,R2,p(R3,Q3))",
    ),
    "dead": Combination(
        "dead metal: pores, the metal, and its surface between them", _dead, (3, 3), "dead(R1,R2,p(R3,Q3))"
    ),
}
"""Every way to put circuits together but in series, by the word before the bracket."""
