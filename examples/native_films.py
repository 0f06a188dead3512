"""What the films of five metals do in the place of the metal they consumed: a picture of their Pilling-Bedworth ratios.

    python examples/native_films.py results/native_films.png

The ratio is the film's volume over that of the metal in it, from the library's sourced volumes. Below 1 a film that
keeps the metal's footprint is porous; at 1 and above it can cover. No oxide, hydroxide, carbonate or fluoride of sodium
or potassium covers: what protects them must come from the electrolyte.
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from mossy import materials

METALS = ("lithium", "sodium", "potassium", "magnesium", "calcium")
KINDS = (
    "oxide",
    "peroxide",
    "superoxide",
    "hydroxide",
    "carbonate",
    "fluoride",
    "nitride",
    "hydride",
    "chloride",
    "sulfide",
)


def ratios() -> dict[str, dict[str, materials.Phase]]:
    """The phases of each metal by kind."""
    return {metal: {each.kind: each for each in materials.phases_of(metal) if each.kind in KINDS} for metal in METALS}


def draw(path: Path) -> None:
    """One row a metal, one mark a phase, the line between porous and covering."""
    figure, axes = plt.subplots(figsize=(8.0, 4.2), layout="constrained")
    for row, phases in enumerate(ratios().values()):
        ordered = sorted(phases.values(), key=lambda each: each.pilling_bedworth_ratio)
        for place, phase in enumerate(ordered):
            filled = "tab:blue" if phase.covers else "white"
            ratio = phase.pilling_bedworth_ratio
            axes.plot(ratio, row, "o", markerfacecolor=filled, markeredgecolor="tab:blue", markersize=7)
            above = place % 2 == 0
            axes.annotate(
                phase.name,
                (ratio, row),
                xytext=(0, 8 if above else -8),
                textcoords="offset points",
                ha="center",
                va="bottom" if above else "top",
                fontsize=7,
                rotation=40 if above else -40,
            )
    axes.axvline(1.0, color="black", linewidth=0.8, linestyle="--")
    axes.set_xscale("log")
    ticks = [0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0]
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set_yticks(range(len(METALS)), METALS)
    axes.set_ylim(len(METALS) - 0.4, -0.6)
    axes.set_xlabel("Pilling-Bedworth ratio (open: porous in the metal's footprint; filled: can cover)")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main(path: str = "results/native_films.png") -> dict[str, dict[str, materials.Phase]]:
    """Draws, asserts the headline, and prints the tables."""
    found = ratios()
    draw(Path(path))
    for metal in ("sodium", "potassium"):
        porous = [found[metal][kind] for kind in ("oxide", "hydroxide", "carbonate", "fluoride")]
        assert not any(phase.covers for phase in porous)
    covering = {"lithium": "carbonate", "magnesium": "fluoride", "calcium": "carbonate"}
    assert all(found[metal][kind].covers for metal, kind in covering.items())
    # to the digits that lattice and density share
    assert abs(found["lithium"]["oxide"].pilling_bedworth_ratio - 0.570) < 5e-4
    for metal in METALS:
        print(materials.native_films(metal), end="\n\n")
    print(f"picture: {path}")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
