"""The phases of a lithium interphase from C 1s, O 1s, F 1s and Li 1s together, and what photoemission cannot know.

    python examples/phases_of_an_interphase.py results/phases_of_an_interphase.png

A film of two layers on lithium (lithium ethylene dicarbonate and hydrocarbon over LiF and Li2O) is turned into spectra
with counting noise, its lines half an electronvolt off by charging, and fitted by its phases. Amounts and thicknesses
come back within their errors. With mean free paths 15 % shorter or longer the fit, the amounts and the thickness over
mean free path are the same to six digits: nanometres need a scale from elsewhere. Here it is the charge that made the
film, known to 5 %.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from mossy.analysis.xps import Layer, PhaseFit, Stack, areal_charge, fit_phases, simulate_spectra

FILM = Stack(
    (
        Layer({"LEDC": 0.6, "hydrocarbon": 0.4}, 1.5),
        Layer({"LiF": 0.5, "Li2O": 0.5}, 2.5),
        Layer({"Li": 1.0}),
    )
)
LEVELS = ["C 1s", "O 1s", "F 1s", "Li 1s"]
ELECTRONS = {"LEDC": 2.0, "hydrocarbon": 0.0, "LiF": 1.0, "Li2O": 2.0}
"""That a formula unit took from the metal; the hydrocarbon lies there from before."""
FARADAY = 96485.33212


def charge() -> float:
    """Of the film, mAh/cm2."""
    moles = [
        (ELECTRONS[name], density * (layer.thickness or 0.0) * 1e-7)
        for layer in FILM.layers[:-1]
        for name, density in layer.molar_densities.items()
    ]
    return sum(electrons * amount for electrons, amount in moles) * FARADAY / 3.6


def fits() -> dict[float, PhaseFit]:
    """The same spectra at three scales of the mean free path."""
    conditions = {"shifts": {"film": 0.5}, "sweeps": {"C 1s": 3, "Li 1s": 10}, "seed": 1}
    records = simulate_spectra(FILM, LEVELS, **conditions)  # type: ignore[arg-type]
    layers = [list(layer.fractions) for layer in FILM.layers]
    scale = areal_charge(f"{charge():.5g} mAh/cm^2", f"{0.05 * charge():.5g} mAh/cm^2", ELECTRONS)
    return {
        factor: fit_phases(records, layers=layers, scale=scale, attenuation_scale=factor)
        for factor in (1.0, 0.85, 1.15)
    }


def draw(fit: PhaseFit, path: Path) -> None:
    """Measured and modelled levels, each phase a colour."""
    colours = {name: f"C{place}" for place, name in enumerate([*fit.amounts, "Li"])}
    order = {name: place for place, name in enumerate(LEVELS)}
    figure, axes = plt.subplots(1, len(LEVELS), figsize=(13.0, 3.6), layout="constrained")
    for region in fit.regions:
        axis = axes[order[region.name]]
        axis.plot(region.energy, region.measured, ".", color="0.6", markersize=3)
        axis.plot(region.energy, region.background, color="0.4", linewidth=0.8)
        for each in region.components:
            curve = region.background + each.curve
            axis.fill_between(
                region.energy, region.background, curve, color=colours[each.phase], alpha=0.5, linewidth=0
            )
        axis.plot(region.energy, region.modelled, color="black", linewidth=0.9)
        axis.set_title(region.name)
        axis.set_xlabel("binding energy / eV")
        axis.invert_xaxis()
        axis.set_yticks([])
    axes[0].set_ylabel("counts")
    handles = [plt.Rectangle((0, 0), 1, 1, color=colour, alpha=0.5) for colour in colours.values()]
    axes[-1].legend(handles, colours, frameon=False, fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(path: str = "results/phases_of_an_interphase.png") -> dict[float, PhaseFit]:
    """Fits, asserts the headline, draws, and prints the phases."""
    found = fits()
    fit = found[1.0]
    truth = FILM.mole_fractions
    for name, amount in fit.amounts.items():
        assert abs(amount.value - truth[name]) < 3.0 * amount.standard_error < 0.1
    for layer, thickness in zip(fit.layers, (1.5, 2.5), strict=False):
        assert layer.thickness is not None
        assert abs(layer.thickness.value - thickness) < 3.0 * layer.thickness.standard_error
    for other in found.values():
        assert abs(other.chi_squared / fit.chi_squared - 1.0) < 1e-8
        for name, amount in fit.amounts.items():
            assert abs(other.amounts[name].value - amount.value) < 1e-6
    for layer, thickness in zip(fit.layers, (1.5, 2.5), strict=False):
        print(f"{layer.name}: {layer.thickness_over_path}, by the charge {layer.thickness} (made: {thickness} nm)")
    for name, amount in fit.amounts.items():
        print(f"{name:12s} {amount} (made: {truth[name]:.3f}), {fit.areal_amounts[name]}")
    print(f"film at {fit.shifts['film']} (made: 0.5 eV); reduced chi squared {fit.reduced_chi_squared:.2f}")
    for line in (*fit.flags, *fit.notes):
        print(f"- {line}")
    draw(fit, Path(path))
    print(f"picture: {path}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
