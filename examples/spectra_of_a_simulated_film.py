"""From a simulated cell to its photoelectron spectra, and from the spectra back to what the cell had grown.

    python examples/spectra_of_a_simulated_film.py

Lithium on copper grows a film of fluoride and carbonate (from FEC) and of LEDC (from EC) for some cycles. The run's own
interphase table becomes a stack of layers, the stack C 1s, O 1s, F 1s and Li 1s with counting noise, and the phase fit
finds in them the mole fractions of the run's ledger, given the order of its layers: the fluoride from before the cell
was built outside, what grew since at the metal. Its errors are large, because one angle of emission hardly tells how
much lies outside. Taken for one mixture, the same number comes with an error several times too small: the order of
layers is an assumption, and has to be a good one.
"""

from __future__ import annotations

import mossy
from mossy.analysis.xps import PhaseFit, fit_phases, simulate_spectra
from mossy.analysis.xps.from_interphase import coarser, stack_of_interphase
from mossy.case import parse_case

PHASES = ["LiF", "Li2CO3", "LEDC"]
FEC = "FEC to fluoride and carbonate"
CASE = {
    "cell": {"working": "copper", "counter": "lithium", "model": "point", "area": "1 cm^2"},
    "electrolyte": {"volume": "5 uL", "additives": {"FEC": {"concentration": "0.1 mol/L"}}},
    "working": {
        "interphase": {
            "growth": [
                {"law": "solvent_diffusion", "solvent_diffusivity": "1e-21 m^2/s", "reduction": FEC, "order": 0},
                {"law": "solvent_diffusion", "solvent_diffusivity": "1e-21 m^2/s", "reduction": "EC to LEDC"},
            ],
            "phases": {"LiF": {"initial_thickness": "0.5 nm"}},
        }
    },
    "protocol": {"repeat": 3, "steps": ["plate 1 mA/cm^2 for 1 h", "strip 1 mA/cm^2 until 1 V"]},
}


def main() -> tuple[PhaseFit, dict[str, float]]:
    """Simulates, measures, fits, prints, and asserts that the ledger lies within the errors."""
    run = mossy.run(parse_case(CASE))
    stack, left_out = stack_of_interphase(run.interphase)
    stack = coarser(stack, 3)
    last = run.interphase[-1]
    grown = {name: float(last[f"working_{name}_nmol_per_cm2"][0]) for name in PHASES}
    truth = {name: amount / sum(grown.values()) for name, amount in grown.items()}
    records = simulate_spectra(stack, ["C 1s", "O 1s", "F 1s", "Li 1s"], counts=5e4, seed=7)
    fit = fit_phases(records, layers=[["LiF"], ["LEDC", "Li2CO3", "LiF"], ["Li"]])
    mixed = fit_phases(records, layers=[PHASES, ["Li"]])
    nm = sum(layer.thickness or 0.0 for layer in stack.layers)
    print(f"a film of {nm:.1f} nm; {'; '.join(left_out) or 'all of its phases have core lines'}")
    for name in PHASES:
        found = fit.amounts[name]
        print(f"{name:8} grown {truth[name]:.3f}, found {found.value:.3f} +- {found.standard_error:.3f}")
        assert abs(found.value - truth[name]) < 4.0 * found.standard_error
        assert found.standard_error < 0.1
    wrong = mixed.amounts["LiF"]
    print(f"taken for one mixture: LiF {wrong.value:.3f} +- {wrong.standard_error:.3f}")
    assert abs(wrong.value - truth["LiF"]) > 4.0 * wrong.standard_error
    return fit, truth


if __name__ == "__main__":
    main()
