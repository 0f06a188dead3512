"""PyBaMM as an independent oracle: a metal | electrolyte | metal symmetric cell as a custom `pybamm.BaseModel`.

It shares no code with Mossy: finite volumes on cell centres instead of Mossy's nodes, CasADi's Jacobian, IDAS's
multistep integrator. x = 0 is the working, x = L the counter electrode; J > 0 plates on the working electrode, so the
electrolyte current is -J. A binary 1:1 salt in a separator between two electrodes e with J_w = J and J_c = -J:

    eps dc/dt = d/dx (D_eff dc/dx + J t+ / F),     D_eff dc/dx = J (1 - t+) / F   at both ends (no anion flux)
    C_dl d(eta_e)/dt = J_e - J_ct - j_side,        J_ct = J0 (c_s/c0)^(1-a) [exp(a f eta) - a_M exp(-(1-a) f eta)]
    eps0 eps_r dE/dt = J_e - kappa_f E,            film voltage V_f = E L_f
    a_M = Q / (Q + Q*),   dQ/dt = J_ct,            dL_f/dt = V_film j_side / (n F)
    j_side = 0  or  (F D_s c_s0 / L_f) / (1 + exp(f (-eta - U_red)))
    V = -(eta_w + V_fw) + (eta_c + V_fc) - J int dx / kappa_eff - int (2 R T / F) (1 - t+) chi dln c,   f = F / (R T)

The last integral depends on the two surface concentrations only, not on the profile between them, and is evaluated
so.

How the protocol reaches the solver was measured (ten cycles, 50 nodes, 800 saved points, relative tolerance 1e-4,
second call, interpreted / compiled functions): one `solve` with the current as an interpolant of time and stops in
`t_eval` 26 / 16 ms; one `solve` with a sum of `t <= t_k` terms 61 / 17 ms; a loop of `solver.step` 33 / 23 ms (these
agree to 1e-11 V); a `pybamm.Experiment`, which returns all states, 80 / 30 ms. So the first is used. IDAS restarts at
every value of `t_eval`, and the current jumps within one rounding unit after the end of a segment, so no step ever
straddles a jump and the value saved at a segment's end belongs to that segment. The saved variables are the solver's
own `output_variables`, faster than post-processing the states. An `atol` below 1e-9 fails for hours-long protocols:
IDAS keeps absolute time, whose rounding moves the double layer's voltage by J ulp(t) / C_dl.

    cell = build({"nodes": 100, "working": {"exchange_current_density": 5.0}})
    run = solve(cell, [(10.0, 3600.0), (0.0, 300.0)], rtol=1e-6, atol=1e-8, save_per_segment=20)
    run["time"], run["voltage"], run["concentration"]

PyBaMM is imported when a cell is solved, not with this module.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")

FARADAY = 96485.33212
GAS = 8.31446261815324
VACUUM_PERMITTIVITY = 8.8541878128e-12

ELECTRODE = {
    "exchange_current_density": 20.0,
    "symmetry": 0.5,
    "double_layer_capacitance": 0.1,
    "initial_thickness": 5e-9,
    "film_conductivity": 1e-6,
    "relative_permittivity": 10.0,
    "metal_charge": 1.85e6,
    "activity_charge": 1.0,
    "growth": "none",  # or "solvent_diffusion"
    "solvent_diffusivity": 2.5e-22,
    "solvent_concentration": 2636.0,
    "film_molar_volume": 9.585e-5,
    "metal_per_formula": 2.0,
    "reduction_potential": 0.4,
}
"""One electrode, SI units (charges in C/m2)."""

CELL = {
    "thickness": 25e-6,
    "porosity": 0.4,
    "bruggeman": 1.5,
    "concentration": 1000.0,
    "diffusivity": 3e-10,
    "transference_number": 0.38,
    "conductivity": 1.0,
    "thermodynamic_factor": 1.0,
    "temperature": 298.15,
    "nodes": 50,  # uniform finite volumes
    "edges": None,  # or the edges of the finite volumes, m, from 0 to the thickness
}
"""The cell, SI units. The four transport properties may also be functions of the concentration in mol/m3, written with
arithmetic and NumPy functions (they are called with PyBaMM's symbols)."""

SIDES = {"working": ("left", 1.0), "counter": ("right", -1.0)}
OUTPUTS = (
    "voltage",
    "concentration",
    *(
        f"{name}_{quantity}"
        for name in SIDES
        for quantity in ("surface_concentration", "overpotential", "film_voltage", "film_thickness", "charge")
    ),
)
DEPOSITED_CHARGE_SCALE = 3600.0  # C/m2, so that the absolute tolerance means the same for every state
PATH_POINTS, PATH_WEIGHTS = np.polynomial.legendre.leggauss(16)


@dataclass(frozen=True)
class Cell:
    """Checked parameters, and the discretised models already made from them (one per protocol and solver setting)."""

    parameters: dict[str, Any]
    prepared: dict[tuple, tuple] = field(default_factory=dict)


def build(parameters: Mapping[str, Any] | None = None) -> Cell:
    """A cell from the defaults `CELL` and, under "working" and "counter", `ELECTRODE`, with overrides."""
    given = dict(parameters or {})
    electrodes = {name: _override(ELECTRODE, given.pop(name, {})) for name in SIDES}
    return Cell(_override(CELL, given) | electrodes)


def _override(defaults: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := set(given) - set(defaults):
        raise KeyError(f"unknown parameters {sorted(unknown)}; known are {sorted(defaults)}")
    return {**defaults, **given}


def solve(
    cell: Cell,
    segments: Sequence[tuple[float, float]],
    rtol: float = 1e-6,
    atol: float = 1e-8,
    save_per_segment: int = 20,
    *,
    times: np.ndarray | None = None,
    outputs: Sequence[str] = OUTPUTS,
    compiled: bool = False,
) -> dict[str, Any]:
    """Run `segments` of (current density A/m2, duration s) and return arrays over the saved times.

    Each segment is saved at `save_per_segment` evenly spaced times, its end included and its start not; or give
    `times` (s, increasing, > 0) for the whole protocol. A time at the end of a segment belongs to that segment.
    `concentration` has shape (times, nodes), with the cell centres as `position`. `atol` applies to volts and to
    concentrations, deposited charges and thicknesses relative to the initial concentration, 0.1 mAh/cm2 and the
    initial thickness. `compiled` lets PyBaMM translate the model to C (needs a C compiler; the library is kept on
    disk). Models are kept in `cell`: a second call with the same arguments measures PyBaMM's solve alone.
    """
    durations = np.array([duration for _, duration in segments], dtype=float)
    if not (durations > 0).all():
        raise ValueError("every segment needs a duration > 0 s")
    ends = np.cumsum(durations)
    if times is None:
        starts = np.concatenate([[0.0], ends[:-1]])
        fractions = np.arange(1, save_per_segment + 1) / save_per_segment
        times = starts[:, None] + np.diff(ends, prepend=0.0)[:, None] * fractions
        times[:, -1] = ends
    times = np.ravel(times)

    model, solver, stops = _prepare(cell, tuple(map(tuple, segments)), rtol, atol, tuple(outputs), compiled)
    solution = solver.solve(model, stops, t_interp=times)
    rows = np.searchsorted(solution.t, times)
    if rows[-1] == solution.t.size or not np.array_equal(solution.t[rows], times):
        raise RuntimeError(f"PyBaMM stopped at {solution.t[-1]} s: {solution.termination}")
    result = {name: np.asarray(solution[name].entries).T[rows] for name in outputs}
    statistics = getattr(solution, "solver_statistics", None)
    return {
        "time": times,
        "position": cell_centres(cell),
        **result,
        "steps": getattr(statistics, "number_of_steps", None),
        "integration_seconds": float(solution.integration_time.value),
    }


def cell_edges(cell: Cell) -> np.ndarray:
    """Edges of the finite volumes, m."""
    p = cell.parameters
    return np.linspace(0.0, p["thickness"], p["nodes"] + 1) if p["edges"] is None else np.asarray(p["edges"], float)


def cell_centres(cell: Cell) -> np.ndarray:
    """Positions of the concentrations, m."""
    edges = cell_edges(cell)
    return 0.5 * (edges[1:] + edges[:-1])


def _prepare(cell: Cell, segments: tuple, rtol: float, atol: float, outputs: tuple[str, ...], compiled: bool) -> tuple:
    key = (segments, rtol, atol, outputs, compiled)
    if key not in cell.prepared:
        import pybamm

        current, stops = _current(segments)
        model = _discretised(cell, current)
        options = {"compile": True} if compiled else {}
        solver = pybamm.IDAKLUSolver(rtol=rtol, atol=atol, output_variables=list(outputs), options=options)
        cell.prepared[key] = (model, solver, stops)
    return cell.prepared[key]


def _current(segments: tuple) -> tuple:
    """Current density as a function of time, jumping just after the end of each segment; the times to stop at."""
    import pybamm

    densities = np.array([density for density, _ in segments], dtype=float)
    ends = np.cumsum([duration for _, duration in segments])
    after = np.nextafter(ends[:-1], np.inf)
    knots = np.concatenate([[0.0], np.ravel(np.column_stack([ends[:-1], after])), [ends[-1] * 1.01]])
    stops = np.concatenate([knots[:-1], ends[-1:]])
    return pybamm.Interpolant(knots, np.repeat(densities, 2), pybamm.t, interpolator="linear"), stops


def _discretised(cell: Cell, current: Any) -> Any:
    import pybamm

    p, edges = cell.parameters, cell_edges(cell)
    x = pybamm.SpatialVariable("x", domain="separator", coord_sys="cartesian")
    model = pybamm.BaseModel("Symmetric metal cell")
    surface = _add_electrolyte(model, p, current, x)
    for name in SIDES:
        _add_electrode(model, p, name, current, surface[name])
    _add_voltage(model, p, current, surface, x)

    geometry = {"separator": {x: {"min": 0.0, "max": p["thickness"]}}}
    submesh = pybamm.MeshGenerator(pybamm.UserSupplied1DSubMesh, {"edges": edges})
    mesh = pybamm.Mesh(geometry, {"separator": submesh}, {x: edges.size - 1})
    extrapolation = {"order": {"value": "quadratic", "gradient": "quadratic"}, "use bcs": True}
    volumes = pybamm.FiniteVolume({"extrapolation": extrapolation})
    return pybamm.Discretisation(mesh, {"separator": volumes}).process_model(model)


def _add_electrolyte(model: Any, p: dict[str, Any], current: Any, x: Any) -> dict[str, Any]:
    """Salt balance; returns the surface concentrations."""
    import pybamm

    c = pybamm.Variable("concentration", domain="separator", scale=p["concentration"])
    diffusivity = _property(p["diffusivity"], c) * p["porosity"] ** p["bruggeman"]
    transference = _property(p["transference_number"], c)
    flux = diffusivity * pybamm.grad(c)
    if callable(p["transference_number"]):  # the divergence of a constant is zero, and PyBaMM has no edges to put it on
        flux = flux + current / FARADAY * transference
    model.rhs[c] = pybamm.div(flux) / p["porosity"]
    model.initial_conditions[c] = pybamm.Scalar(p["concentration"])

    def gradient(side: str) -> Any:
        # Linear, because PyBaMM extrapolates D and t+ linearly to the outermost edges: the boundary flux is then J / F
        # to rounding, and salt is conserved.
        at_edge = {"D": diffusivity, "t": transference}
        at_edge = {k: pybamm.boundary_value(pybamm.convert_to_symbol(v), side, "linear") for k, v in at_edge.items()}
        return current * (1 - at_edge["t"]) / (FARADAY * at_edge["D"])

    model.boundary_conditions[c] = {side: (gradient(side), "Neumann") for side, _ in SIDES.values()}
    model.variables["concentration"] = c
    return {name: pybamm.boundary_value(c, side) for name, (side, _) in SIDES.items()}


def _add_electrode(model: Any, p: dict[str, Any], name: str, current: Any, surface: Any) -> None:
    """Double layer, film, charge transfer, metal and, if it grows, film thickness of one electrode."""
    import pybamm

    e, f = p[name], FARADAY / (GAS * p["temperature"])
    external = SIDES[name][1] * current
    eta = pybamm.Variable(f"{name}_overpotential")
    film_field = pybamm.Variable(f"{name}_film_field", scale=1 / e["initial_thickness"])
    deposited = pybamm.Variable(f"{name}_deposited_charge", scale=DEPOSITED_CHARGE_SCALE)

    charge = e["metal_charge"] + deposited
    activity = charge / (charge + e["activity_charge"])
    a = e["symmetry"]
    kinetics = pybamm.exp(a * f * eta) - activity * pybamm.exp(-(1 - a) * f * eta)
    transfer = e["exchange_current_density"] * (surface / p["concentration"]) ** (1 - a) * kinetics
    thickness, side_reaction = _add_film_growth(model, e, name, f, eta)

    permittivity = VACUUM_PERMITTIVITY * e["relative_permittivity"]
    model.rhs[eta] = (external - transfer - side_reaction) / e["double_layer_capacitance"]
    model.rhs[film_field] = (external - e["film_conductivity"] * film_field) / permittivity
    model.rhs[deposited] = transfer
    for state in (eta, film_field, deposited):
        model.initial_conditions[state] = pybamm.Scalar(0.0)
    model.variables |= {
        f"{name}_surface_concentration": surface,
        f"{name}_overpotential": eta,
        f"{name}_film_voltage": film_field * thickness,
        f"{name}_film_thickness": thickness,
        f"{name}_charge": charge,
    }


def _add_film_growth(model: Any, e: dict[str, Any], name: str, f: float, eta: Any) -> tuple[Any, Any]:
    """Thickness and side-reaction current density; a thickness that does not grow is no state."""
    import pybamm

    if e["growth"] == "none":
        return pybamm.Scalar(e["initial_thickness"]), pybamm.Scalar(0.0)
    if e["growth"] != "solvent_diffusion":
        raise ValueError(f"growth {e['growth']!r} is not 'none' or 'solvent_diffusion'")
    thickness = pybamm.Variable(f"{name}_film_thickness", scale=e["initial_thickness"])
    supply = FARADAY * e["solvent_diffusivity"] * e["solvent_concentration"] / thickness
    side_reaction = supply / (1 + pybamm.exp(f * (-eta - e["reduction_potential"])))
    model.rhs[thickness] = e["film_molar_volume"] * side_reaction / (e["metal_per_formula"] * FARADAY)
    model.initial_conditions[thickness] = pybamm.Scalar(e["initial_thickness"])
    return thickness, side_reaction


def _add_voltage(model: Any, p: dict[str, Any], current: Any, surface: dict[str, Any], x: Any) -> None:
    import pybamm

    c, thermal_voltage = model.variables["concentration"], GAS * p["temperature"] / FARADAY
    resistivity = 1 / (_property(p["conductivity"], c) * p["porosity"] ** p["bruggeman"])
    if not callable(p["conductivity"]):
        resistivity = pybamm.PrimaryBroadcast(resistivity, "separator")
    ohmic = current * pybamm.Integral(resistivity, x)

    left, right = pybamm.log(surface["working"]), pybamm.log(surface["counter"])
    concentration = 2 * thermal_voltage * _path_mean(p, left, right) * (right - left)
    electrodes = sum(
        sign * (model.variables[f"{name}_overpotential"] + model.variables[f"{name}_film_voltage"])
        for name, (_, sign) in SIDES.items()
    )
    model.variables["voltage"] = -electrodes - ohmic - concentration


def _path_mean(p: dict[str, Any], left: Any, right: Any) -> Any:
    """Mean of (1 - t+) chi over ln c between the two surfaces, by Gauss-Legendre."""
    import pybamm

    transference, factor = p["transference_number"], p["thermodynamic_factor"]
    if not callable(transference) and not callable(factor):
        return (1 - transference) * factor
    mean = 0.0
    for point, weight in zip(0.5 * (1 + PATH_POINTS), 0.5 * PATH_WEIGHTS, strict=True):
        c = pybamm.exp((1 - point) * left + point * right)
        mean = mean + weight * (1 - _property(transference, c)) * _property(factor, c)
    return mean


def _property(value: float | Callable[[Any], Any], concentration: Any) -> Any:
    return value(concentration) if callable(value) else value
