"""Mossy against PyBaMM on the same cells: `pybamm_symmetric` shares no code and no discretisation with Mossy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from cells_for_tests import electrode, polynomials, seen_at, simulate

pytest.importorskip("pybamm")
import pybamm_symmetric

VANISHING = 1e-3
INVENTORY = 250e-6 * 96485.33212 / 13.021e-6
METAL = {"metal_charge": INVENTORY, "activity_charge": VANISHING}


def segments(current: float) -> list[tuple[float, float]]:
    return [(current, 3600.0), (0.0, 300.0), (-current, 3600.0), (0.0, 300.0)]


def steps(current: float) -> list[str]:
    amount = f"{current} A/m^2"
    return [f"plate {amount} for 1 h", "rest for 5 min", f"strip {amount} for 1 h", "rest for 5 min"]


def times() -> np.ndarray:
    """In every segment, from a millisecond after the jump to its end."""
    inside = np.array([1e-3, 1e-2, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1000.0, 3600.0])
    starts, lengths = np.cumsum([0.0, 3600.0, 300.0, 3600.0]), (3600.0, 300.0, 3600.0, 300.0)
    return np.concatenate([s + inside[inside <= d] for s, d in zip(starts, lengths, strict=True)])


def compare(pybamm_parameters: dict[str, Any], current: float, **case: Any) -> dict[str, float]:
    """The largest difference of each quantity over all times."""
    peer = pybamm_symmetric.solve(
        pybamm_symmetric.build({"nodes": 200, **pybamm_parameters}),
        segments(current),
        rtol=1e-8,
        atol=1e-9,
        times=times(),
        outputs=[name for name in pybamm_symmetric.OUTPUTS if name != "concentration"],
    )
    run = simulate(steps(current), model="planar", numerics={"nodes": 100, "relative_tolerance": 1e-8}, **case)
    seen = seen_at(run, times())
    names = {"voltage": "voltage"}
    for side in ("working", "counter"):
        names |= {f"{side}_{name}": f"{side}_{name}" for name in ("surface_concentration", "film_thickness")}
    return {name: float(np.abs(np.ravel(peer[other]) - seen[name]).max()) for name, other in names.items()}


def test_lithium_lithium_with_constant_properties():
    """0.1 mV is the contract; both are at their mesh's and tolerance's error, far below it."""
    plain: dict[str, Any] = {"growth": "none"}
    side = {"interphase": plain}
    apart = compare({side: METAL for side in ("working", "counter")}, 10.0, working=side, counter=side)
    assert apart["voltage"] < 1e-5
    assert apart["working_surface_concentration"] < 1e-2  # of 10 mol/m3
    assert apart["working_film_thickness"] == 0.0


def diffusivity(c: Any) -> Any:
    return 3e-10 - 1e-10 * (c / 1000.0 - 1.0)


def conductivity(c: Any) -> Any:
    y = c / 1000.0 - 1.0
    return 1.0 + 0.2 * y - 0.5 * y * y


def transference_number(c: Any) -> Any:
    return 0.38 - 0.1 * (c / 1000.0 - 1.0)


def thermodynamic_factor(c: Any) -> Any:
    return 1.0 + 0.6 * (c / 1000.0 - 1.0)


UNEVEN = {
    "diffusivity": diffusivity,
    "conductivity": conductivity,
    "transference_number": transference_number,
    "thermodynamic_factor": thermodynamic_factor,
}
POLYNOMIALS = polynomials((3e-10, -1e-10), (1.0, 0.2, -0.5), (0.38, -0.1), (1.0, 0.6))


def test_properties_that_depend_on_concentration():
    """100 A/m2 moves the surface concentrations by a tenth."""
    apart = compare(UNEVEN | {side: METAL for side in ("working", "counter")}, 100.0, electrolyte=POLYNOMIALS)
    assert apart["voltage"] < 1e-5
    assert apart["counter_surface_concentration"] < 5e-2  # of 100 mol/m3


def test_unlike_electrodes_and_a_growing_film():
    """The film trebles its thickness and ends at 0.8 V of the voltage."""
    working = METAL | {"growth": "solvent_diffusion", "solvent_diffusivity": 2.5e-19}
    counter = METAL | {
        "exchange_current_density": 5.0,
        "symmetry": 0.3,
        "double_layer_capacitance": 0.2,
        "initial_thickness": 8e-9,
        "film_conductivity": 2e-6,
        "relative_permittivity": 20.0,
    }
    apart = compare(
        UNEVEN | {"working": working, "counter": counter},
        50.0,
        electrolyte=POLYNOMIALS,
        working=electrode(interphase={"solvent_diffusivity": "2.5e-19 m^2/s"}),
        counter=electrode(
            kinetics={
                "exchange_current_density": "5 A/m^2",
                "symmetry": 0.3,
                "double_layer_capacitance": "0.2 F/m^2",
            },
            interphase={"initial_thickness": "8 nm", "conductivity": "2e-6 S/m", "relative_permittivity": 20},
        ),
    )
    assert apart["voltage"] < 1e-4
    assert apart["working_film_thickness"] < 1e-14  # of 1.6e-8 m
