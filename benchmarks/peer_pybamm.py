"""PyBaMM + IDAKLU on the ten-cycle Li|Li cell of `tests/peers/pybamm_symmetric.py`: is it right, and how fast is it?

`python benchmarks/peer_pybamm.py` prints the peer's distance from exact results, then its times: each setting in a
fresh process with warm caches, interpreted (PyBaMM's default) and translated to C (`compile`, needs a C compiler).
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "peers"))
import pybamm_symmetric as peer

CYCLE = [(10.0, 3600.0), (0.0, 300.0), (-10.0, 3600.0), (0.0, 300.0)]
TEN_CYCLES = CYCLE * 10
SAVED = {"save_per_segment": 20, "outputs": ("voltage", "concentration")}
TIGHT = {"rtol": 1e-9, "atol": 1e-9}  # below that, the rounding of an absolute time of hours defeats error control
THERMAL_VOLTAGE = peer.GAS * 298.15 / peer.FARADAY


def surface_concentration_error(nodes: int, density: float = 700.0) -> float:
    """Largest distance of the plating surface from the exact series of the finite cell, constant properties; c / c0."""
    p = peer.CELL
    diffusivity = p["diffusivity"] * p["porosity"] ** p["bruggeman"]
    times = np.geomspace(1e-3, 2.0, 30)
    run = peer.solve(peer.build({"nodes": nodes}), [(density, 2.0)], times=times, **TIGHT)
    tau = diffusivity * times / (p["porosity"] * p["thickness"] ** 2)
    n = np.arange(1, 2001, 2)[:, None]
    rise = 1 - 8 / np.pi**2 * (np.exp(-(n**2) * np.pi**2 * tau) / n**2).sum(axis=0)
    exact = 1 - density / limiting_current() * rise
    return float(np.abs(run["working_surface_concentration"] / p["concentration"] - exact).max())


def limiting_current() -> float:
    p = peer.CELL
    diffusivity = p["diffusivity"] * p["porosity"] ** p["bruggeman"]
    return 2 * peer.FARADAY * diffusivity * p["concentration"] / ((1 - p["transference_number"]) * p["thickness"])


def steady_voltage_parts_errors(fraction: float = 0.5) -> dict[str, float]:
    """Distance of each part of the steady voltage at a fraction of the limiting current from its closed form, V."""
    p, e = peer.CELL, peer.ELECTRODE
    density = fraction * limiting_current()
    run = peer.solve(peer.build(), [(density, 20.0)], save_per_segment=1, **TIGHT)
    overpotential, film = run["working_overpotential"][0], run["working_film_voltage"][0]
    electrodes = -overpotential - film + run["counter_overpotential"][0] + run["counter_film_voltage"][0]
    ohmic = density * p["thickness"] / (p["conductivity"] * p["porosity"] ** p["bruggeman"])
    concentration = electrodes - run["voltage"][0] - ohmic
    exact = 2 * THERMAL_VOLTAGE * (1 - p["transference_number"]) * np.log((1 + fraction) / (1 - fraction))
    transfer = (
        2 * THERMAL_VOLTAGE * np.arcsinh(density / (2 * e["exchange_current_density"] * np.sqrt(1 - fraction)))
    )  # symmetry 1/2; the activity of 1.85e6 C/m2 of metal is 1 within 6e-7
    return {
        "concentration": abs(concentration - exact),
        "film": abs(film - density * e["initial_thickness"] / e["film_conductivity"]),
        "charge transfer": abs(overpotential - transfer),
    }


def film_thickness_error() -> float:
    """Relative distance of the grown film from sqrt(L0^2 + 2 V D c t / n) after ten days of rest.

    The reaction's own potential dependence, 1 / (1 + exp(-F U_red / RT)), leaves 8.6e-8 of it.
    """
    e, duration = peer.ELECTRODE, 864000.0
    cell = peer.build({"working": {"growth": "solvent_diffusion"}})
    run = peer.solve(cell, [(0.0, duration)], save_per_segment=1, **TIGHT)
    growth = 2 * e["film_molar_volume"] * e["solvent_diffusivity"] * e["solvent_concentration"] / e["metal_per_formula"]
    exact = np.sqrt(e["initial_thickness"] ** 2 + growth * duration)
    return float(abs(run["working_film_thickness"][0] / exact - 1))


def salt_error() -> float:
    """Relative drift of the salt in the cell through a cycle at 100 A/m2 with concentration-dependent transport."""
    cell = peer.build(
        {
            "diffusivity": lambda c: 2.84e-10 * np.exp(-0.45e-3 * c),
            "transference_number": lambda c: 0.3 + 1e-4 * c,
        }
    )
    run = peer.solve(cell, [(100.0, 100.0), (-100.0, 100.0)], save_per_segment=5)
    salt = run["concentration"] @ np.diff(peer.cell_edges(cell))
    return float(np.abs(salt / (peer.CELL["concentration"] * peer.CELL["thickness"]) - 1).max())


def print_validation() -> None:
    print("against exact results")
    errors = [surface_concentration_error(nodes) for nodes in (25, 50, 100, 200)]
    orders = np.log2(np.divide(errors[:-1], errors[1:]))
    print("  surface concentration, 25 to 200 nodes:", *(f"{e:.1e}" for e in errors), "orders", orders.round(2))
    for part, error in steady_voltage_parts_errors().items():
        print(f"  steady {part} drop at half the limiting current: {error:.1e} V")
    print(f"  film after ten days: {film_thickness_error():.1e};  salt: {salt_error():.1e}")


def measure_here(rtol: float, compiled: bool) -> dict[str, float]:
    """Times of one process, s: the import, the first solve (model and solver built on the way), later solves."""
    started = time.perf_counter()
    import pybamm  # noqa: F401

    imported = time.perf_counter()
    cell = peer.build()
    solves = []
    for _ in range(12):
        begun = time.perf_counter()
        run = peer.solve(cell, TEN_CYCLES, rtol=rtol, atol=1e-6, compiled=compiled, **SAVED)
        solves.append(time.perf_counter() - begun)
    return {
        "import": imported - started,
        "first": solves[0],
        "second": solves[1],
        "later": float(np.median(solves[1:])),
        "integration": run["integration_seconds"],
        "steps": run["steps"],
    }


def measure(rtol: float, compiled: bool) -> dict[str, float]:
    """`measure_here` in a fresh process with warm caches."""
    command = [sys.executable, __file__, "--here", str(rtol), str(int(compiled))]
    for _ in range(2):
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(output)


def print_times() -> None:
    print("ten cycles, 50 nodes, 800 saved points, atol 1e-6; ms")
    print(
        f"  {'rtol':>6} {'functions':>11} {'import':>7} {'first':>7} {'second':>7} {'median':>7} {'in IDAS':>7} steps"
    )
    for rtol in (1e-4, 1e-6):
        for compiled in (False, True):
            m = measure(rtol, compiled)
            times = " ".join(f"{1e3 * m[k]:7.1f}" for k in ("import", "first", "second", "later", "integration"))
            print(f"  {rtol:6.0e} {'compiled' if compiled else 'interpreted':>11} {times} {m['steps']}")


if __name__ == "__main__":
    if "--here" in sys.argv:
        print(json.dumps(measure_here(float(sys.argv[2]), sys.argv[3] == "1")))
    else:
        print_validation()
        print_times()
