"""Cross sections against numbers from outside: Scofield's ratios, his hard X-ray values, and refusals."""

from __future__ import annotations

import tomllib
from importlib import resources

import pytest

from mossy.errors import InputError
from mossy.laws.photoemission import asymmetry_factor
from mossy.materials.cross_sections import (
    dipole_asymmetry,
    photoionisation_cross_section,
    subshells,
    xray_source,
)

SCOFIELD_1976 = {
    # relative to C 1s at 1487 eV, as relative sensitivity factors carry them
    "Li 1s": 0.0568,
    "B 1s": 0.486,
    "N 1s": 1.80,
    "O 1s": 2.93,
    "F 1s": 4.43,
    "Na 1s": 8.52,
    "Mg 2p": 0.333,
    "P 2p": 1.191,
    "S 2p": 1.68,
    "Cl 2p": 2.285,
    "K 2p3/2": 2.62,
    "Ca 2p3/2": 3.35,
    "Cu 2p3/2": 16.73,
    "Ag 3d5/2": 10.66,
    "Au 4f7/2": 9.58,
}


@pytest.mark.parametrize("orbital", SCOFIELD_1976)
def test_ratios_at_al_k_alpha_are_scofields(orbital):
    """1 % is what the issue asks for; the numbers outside have three digits."""
    found = photoionisation_cross_section(orbital, 1486.6)
    assert found.relative == pytest.approx(SCOFIELD_1976[orbital], rel=0.01)


def test_carbon_is_the_unit_and_scofields_in_barn():
    """13,600 and 22,200 barn are Scofield's units of 1976."""
    aluminium, magnesium = (photoionisation_cross_section("C 1s", source) for source in ("Al Ka", "Mg Ka"))
    assert aluminium.relative == magnesium.relative == 1.0
    assert aluminium.barn == pytest.approx(13600.0, rel=0.005)
    assert magnesium.barn == pytest.approx(22200.0, rel=0.005)
    hard = photoionisation_cross_section("C 1s", "Ga Ka")
    assert hard.relative == 1.0
    assert hard.barn < 0.01 * aluminium.barn


@pytest.mark.parametrize(("energy", "barn"), [(3000.0, 82.4), (5000.0, 15.5), (10000.0, 1.54)])
def test_lithium_in_hard_x_rays_is_scofields_of_1973(energy, barn):
    """UCRL-51326 at its own energies; The formula is 5 to 7 % low up to 5 keV and 11 % at its end;
    xraylib is 4 to 10,000 times too low here."""
    assert photoionisation_cross_section("Li 1s", energy).barn == pytest.approx(barn, rel=0.12)


def test_the_formula_meets_the_table_where_they_touch():
    """1 % in energy between them is 3 % in cross section; inner shells agree to 12 % on top, Na 2p to 17 %."""
    for orbital in ("Li 1s", "C 1s", "O 1s", "F 1s", "Na 1s", "P 2p", "S 2p", "K 2p", "Ca 2p", "Cu 2p3/2", "Ag 3d5/2"):
        table, formula = (photoionisation_cross_section(orbital, energy) for energy in (1486.7, 1500.0))
        assert formula.barn / table.barn == pytest.approx(0.975, abs=0.12), orbital
        assert abs(formula.deviation) < 0.12, orbital
        assert table.deviation == 0.0
    assert photoionisation_cross_section("Na 2p", 3000.0).deviation == pytest.approx(-0.17, abs=0.02)


def test_a_doublet_is_the_sum_of_its_lines_in_the_ratio_of_their_electrons():
    for source in ("Al Ka", "Ag La"):
        both, low, high = (
            photoionisation_cross_section(orbital, source).barn for orbital in ("S 2p", "S 2p1/2", "S 2p3/2")
        )
        assert both == pytest.approx(low + high, rel=1e-12)
        assert high / low == pytest.approx(2.0, rel=0.05)  # spin-orbit coupling moves it a little


def test_dipole_asymmetries_are_those_of_theory():
    """s shells: 2 without relativity; the others: Reilman et al. 1976 and Yeh and Lindau 1985, from memory, to 10 %."""
    for orbital in ("Li 1s", "C 1s", "O 1s", "F 1s", "Na 1s"):
        assert dipole_asymmetry(orbital, "Al Ka") == pytest.approx(2.0, abs=0.02)
    for orbital, beta in {"Si 2p": 1.03, "S 2p": 1.18, "Ag 3d": 1.21, "Au 4f": 1.04}.items():
        assert dipole_asymmetry(orbital, "Al Ka") == pytest.approx(beta, rel=0.1)
    assert dipole_asymmetry("S 2p", 9251.7) < dipole_asymmetry("S 2p", 1500.0)
    low, both, high = (dipole_asymmetry(orbital, 3000.0) for orbital in ("S 2p1/2", "S 2p", "S 2p3/2"))
    assert min(low, high) < both < max(low, high)
    assert float(asymmetry_factor(dipole_asymmetry("F 1s", "Al Ka"), 0.955316618)) == pytest.approx(1.0, abs=1e-8)


@pytest.mark.parametrize(
    ("orbital", "energy", "problem"),
    [
        ("C 1s", 1000.0, "1253.6"),
        ("C 1s", 12000.0, "10000"),
        ("C 1s", 1490.0, "no cross section is known for photons of 1490 eV"),
        ("C 1s", float("nan"), "no cross section is known for photons of nan eV"),
        ("C 1s", "Zr La", "Al Ka"),
        ("S 1s", "Al Ka", "edge"),
        ("S 1s", 2000.0, "edge"),
        ("Ge 2p1/2", "Mg Ka", "edge"),
        ("F 2p", 3000.0, "inner shells"),
        ("Au 5d", 3000.0, "no formula"),
        ("H 1s", "Al Ka", "no cross section of 'H'"),
        ("Xx 1s", "Al Ka", "no cross section of 'Xx'"),
        ("C 3d", "Al Ka", "no 3d3/2"),
        ("C1", "Al Ka", "not an orbital"),
        ("S 2p5/2", "Al Ka", "no 2p5/2"),
    ],
)
def test_what_is_not_known_is_refused_with_a_reason(orbital, energy, problem):
    with pytest.raises(InputError) as caught:
        photoionisation_cross_section(orbital, energy)
    assert problem in str(caught.value)
    assert caught.value.remedy


def test_asymmetry_is_refused_below_its_range():
    with pytest.raises(InputError, match=r"1253\.6"):
        dipole_asymmetry("S 2p", "Mg Ka")


def test_orbitals_are_read_with_and_without_a_space():
    assert subshells("Li1s") == subshells(" Li 1s ") == ("Li", ("1s",))
    assert subshells("Au 4f") == ("Au", ("4f5/2", "4f7/2"))


def test_sources_have_energies_and_those_without_monochromator_satellites():
    for spelled in ("Al Ka", "al k-alpha", "AlKa", "Al Kα"):
        assert xray_source(spelled).energy == 1486.6
    magnesium = xray_source("Mg Ka")
    assert len(magnesium.displacements) == len(magnesium.intensities) == 5
    # K-beta of aluminium by its energy, 1554.1 to 1557.5 eV in tables, against its displacement
    assert xray_source("Al Ka").displacements[-1] == pytest.approx(1556.0 - 1486.6, abs=3.0)
    assert xray_source("Ga Ka").displacements == ()


def test_every_row_of_the_table_is_sound():
    """Electrons add up to at most 2 (2 l + 1), edges fall outwards, Mg K-alpha ionises more than Al K-alpha."""
    file = resources.files("mossy.materials") / "data" / "cross_sections.toml"
    table = tomllib.loads(file.read_text(encoding="utf-8"))
    full = {"s": 2, "p1": 2, "p3": 4, "d3": 4, "d5": 6, "f5": 6, "f7": 8}
    for element, rows in table["scofield"]["elements"].items():
        shells = {name: row for name, row in rows.items() if name != "atomic_number"}
        assert sum(row[1] for row in shells.values()) <= rows["atomic_number"] + 0.01, element
        for name, (edge, electrons, aluminium, magnesium) in shells.items():
            assert 0.0 < electrons <= full[name[1:3].rstrip("/")] + 1e-9, (element, name)
            assert 0.0 < edge < 10000.0
            assert aluminium >= 0.0
            assert magnesium == 0.0 or magnesium > aluminium, (element, name)
        assert shells["1s"][0] == max(row[0] for row in shells.values()) if "1s" in shells else True
    for kind in ("cross_section", "dipole_asymmetry", "dipole_asymmetry_s"):
        assert table["cant"][kind]
    for part in ("scofield", "cant"):
        assert table[part]["source"]
        assert table[part]["status"] in ("verified", "unverified")
