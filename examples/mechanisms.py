"""Which mechanism does a film follow? Calendar ageing at rests of growing length and at several potentials, told apart.

    python examples/mechanisms.py results/mechanisms.png

Copper is held at three potentials above lithium and the charge lost to its film is read after pauses from ten minutes
to months, once for each growth law that the simulator has; two per cent of noise is added. `mossy.analysis.growth` then
fits every law's own course to each data set, as F. Single, A. Latz and B. Horstmann did for graphite (ChemSusChem 11
(2018) 1950): the exponent of time alone does not tell mechanisms apart, time and potential together do.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

import mossy
from mossy.analysis.growth import Mechanism, mechanism
from mossy.case import parse_case

POTENTIALS = (0.02, 0.05, 0.1)
"""V against lithium"""
PAUSES = np.geomspace(600.0, 8e6, 10)
"""s since the film began"""
NOISE = 0.02
TRUTHS = {
    "reaction_limited": {"side_exchange_current_density": "1e-8 A/m^2"},
    "solvent_diffusion": {"solvent_diffusivity": "1e-20 m^2/s", "reduction_potential": "0.8 V"},
    "interstitial_diffusion": {
        "interstitial_diffusivity": "1e-17 m^2/s",
        "interstitial_concentration": "15 mol/m^3",
    },
    "electron_migration": {"electron_conductivity": "1e-11 S/m", "reduction_potential": "0.2 V"},
    "electron_tunnelling": {"side_exchange_current_density": "1e-2 A/m^2", "inverse_tunnelling_length": "5e8 1/m"},
}


def aged(law: str, potential: float) -> np.ndarray:
    """C/m2 lost to the film after each pause, on copper held at a potential."""
    pauses = np.diff(PAUSES, prepend=0.0)
    case = parse_case(
        {
            "cell": {"working": "copper", "model": "point"},
            "working": {
                "initial_potential": f"{potential} V",
                "interphase": {"growth": [{"law": law, **TRUTHS[law]}], "initial_thickness": "1 nm"},
            },
            "protocol": {"steps": [f"hold {potential} V for {pause} s" for pause in pauses]},
        }
    ).check()
    table = mossy.run(case).cycling.group_by("step_count", maintain_order=True).last()
    return table["working_film_charge_mAh_per_cm2"].to_numpy() * 36000.0


def measured(law: str, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(time, potential, charge) of every pause at every potential, with noise."""
    time, potential = np.tile(PAUSES, len(POTENTIALS)), np.repeat(POTENTIALS, len(PAUSES))
    charge = np.concatenate([aged(law, each) for each in POTENTIALS])
    return time, potential, charge * np.exp(np.random.default_rng(seed).normal(0.0, NOISE, len(charge)))


def draw(path: Path, data: dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]], found: dict[str, Mechanism]) -> None:
    """Charge against time at each potential, one panel a law, with what was found."""
    figure, panels = plt.subplots(1, len(data), figsize=(3.1 * len(data), 3.3), layout="constrained", sharex=True)
    for axes, (law, (time, potential, charge)) in zip(panels, data.items(), strict=True):
        for place, volt in enumerate(POTENTIALS):
            mine = potential == volt
            axes.loglog(time[mine] / 86400.0, charge[mine] / 36.0, "o-", ms=3, color=f"C{place}", label=f"{volt:g} V")
        result = found[law]
        axes.set_title(
            f"{law.replace('_', ' ')}\nn = {result.exponent:.2f}, s = {result.potential_slope:.2f}", fontsize=9
        )
        axes.set_xlabel("time (d)")
    panels[0].set_ylabel("charge lost (µAh/cm²)")
    panels[0].legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=130)
    plt.close(figure)


def main(path: str = "results/mechanisms.png") -> dict[str, Mechanism]:
    """Ages, fits, prints the verdicts, and asserts that each is the law that made the data."""
    data = {law: measured(law) for law in TRUTHS}
    found = {law: mechanism(*columns, relative_error=NOISE) for law, columns in data.items()}
    for law, result in found.items():
        rivals = ", ".join(result.rivals) or "none"
        print(f"{law}: taken for {result.best.law}, t^{result.exponent:.3f}, rivals: {rivals}")
    draw(Path(path), data, found)
    assert all(result.best.law == law and result.told_apart for law, result in found.items())
    assert abs(found["reaction_limited"].exponent - 1.0) < 0.01
    print(f"picture: {path}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
