"""Phases and reductions of the library: two volumes that agree or say why not, and atoms that balance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mossy import materials
from mossy.errors import InputError
from mossy.materials import catalogue, formulas, phases

METALS = materials.names("metals")
PHASES = materials.names("phases")
RATIOS = {
    "Li2O": (0.570, 0.570),
    "Na2O": (0.54, 0.575),
    "K2O": (0.44, 0.442),
    "MgO": (0.803, 0.806),
    "CaO": (0.637, 0.640),
    "LiOH": (1.25, 1.27),
    "Li2CO3": (1.34, 1.36),
    "LiF": (0.754, 0.757),
    "Mg(OH)2": (1.75, 1.78),
    "MgF2": (1.40, 1.42),
    "CaCO3": (1.40, 1.41),
    "CaF2": (0.933, 0.935),
}
"""Pilling-Bedworth ratios of the reference, to the digits that two independent inputs share."""


@pytest.mark.parametrize("name", RATIOS)
def test_pilling_bedworth_ratio_is_the_reference_s(name):
    low, high = RATIOS[name]
    assert low - 5e-4 <= materials.phase(name).pilling_bedworth_ratio <= high + 5e-4


def test_what_can_cover():
    for metal in ("sodium", "potassium"):
        kinds = ("oxide", "peroxide", "superoxide", "hydroxide", "carbonate", "fluoride")
        found = [each for each in materials.phases_of(metal) if each.kind in kinds]
        assert len(found) >= 4
        assert not any(each.covers for each in found)
    for name in ("LiOH", "Li2CO3", "Mg(OH)2", "MgF2", "CaCO3"):
        assert materials.phase(name).covers


@pytest.mark.parametrize("name", PHASES)
def test_a_phase_says_when_lattice_and_density_disagree(name):
    table, phase = catalogue.entries("phases")[name], materials.phase(name)
    assert phase.metal in METALS
    assert phase.metal_per_formula >= 1
    assert 5e-6 < phase.molar_volume < 2e-4
    assert phase.molar_volume.source
    if "cell_volume" in table and phase.molar_volume_from_density is not None:
        far = abs(phase.molar_volume_from_density / phase.molar_volume - 1) > phases.DISAGREE
        assert far == bool(phase.disagreement)


def test_every_metal_has_the_usual_phases():
    for metal, number in (("lithium", 15), ("sodium", 12), ("potassium", 11), ("magnesium", 9), ("calcium", 9)):
        kinds = {each.kind for each in materials.phases_of(metal)}
        assert len(materials.phases_of(metal)) >= number
        assert {"oxide", "hydroxide", "carbonate", "fluoride", "nitride", "hydride", "chloride", "sulfide"} <= kinds


@pytest.mark.parametrize("metal", METALS)
def test_every_reduction_of_the_library_balances(metal):
    """Atoms left and right, counted from the formulas; only the metal may be missing; it carries the charge."""
    symbol, charge = materials.metal(metal).symbol, materials.metal(metal).charge_number
    names = materials.reductions_of(metal)
    assert len(names) >= 10
    for name in names:
        made = materials.reduction(name, metal)
        atoms: dict[str, float] = {}
        for sign, parts in (
            (-1, {materials.molecule(each).formula: n for each, n in made.reactants.items()}),
            (1, {materials.phase(each).formula: n for each, n in made.products.items()}),
            (1, made.released),
        ):
            for formula, amount in parts.items():
                for element, count in materials.composition(formula).items():
                    atoms[element] = atoms.get(element, 0.0) + sign * amount * count
        assert atoms.pop(symbol) * charge == pytest.approx(made.electrons), name
        assert all(abs(left) < 1e-9 for left in atoms.values()), name
        assert made.electrons > 0
        assert len(made.source) > 20


@pytest.mark.parametrize(
    ("reactants", "products", "released", "problem"),
    [
        ({"CO2": 1}, {"Li2CO3": 1, "LiF": 1}, {}, "with F, which nothing supplies"),
        ({"EC": 1}, {"LEDC": 1}, {"C2H4": 1}, "does not balance"),
        ({"EC": 2}, {}, {"C3H4O3": 2}, "binds no lithium"),
        ({"glyme": 2}, {"LEDC": 1}, {}, "no molecule is called 'glyme'"),
        ({"EC": 2}, {"Li2CO4": 1}, {}, "no phase is called 'Li2CO4'"),
        ({"EC": 2}, {"LEDC": 1}, {"C2h4": 1}, "'h' at place 3"),
    ],
)
def test_a_reaction_that_cannot_be_is_refused(reactants, products, released, problem):
    with pytest.raises(InputError) as found:
        materials.balanced("mine", "lithium", reactants, products, released)
    assert problem in str(found.value)
    assert found.value.remedy


@pytest.mark.parametrize("formula", ["", "(CH2", "CH2)", "2H", "Xx2", "Li0", "()2", "Li-O"])
def test_bad_formulas_are_refused(formula):
    with pytest.raises(InputError):
        formulas.composition(formula)


@given(st.dictionaries(st.sampled_from(["Li", "C", "O", "H", "Mg"]), st.integers(1, 30), min_size=1), st.integers(1, 9))
def test_a_formula_counts_what_it_was_written_from(atoms, times):
    text = "".join(f"{element}{count}" for element, count in atoms.items())
    assert formulas.composition(text) == atoms
    grouped = formulas.composition(f"({text}){times}")
    assert grouped == {element: count * times for element, count in atoms.items()}


def test_the_native_film_table_says_what_covers():
    text = materials.native_films("sodium")
    assert text.startswith("native films of sodium")
    row = next(line for line in text.splitlines() if line.startswith("Na2O "))
    assert row.split()[1:5] == ["25.877", "0.544", "no", "0.46"]
    with pytest.raises(InputError, match="sodium"):
        materials.native_films("sodum")
