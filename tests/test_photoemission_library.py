"""The phases that photoelectron spectra may show: atoms add up, positions follow from the records they cite."""

from __future__ import annotations

import csv
import math
import re
import statistics
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from mossy import materials
from mossy.errors import InputError
from mossy.materials import core_lines, orbitals, photoemission

AL_KA, MG_KA = 1486.6, 1253.6
NAMES = photoemission.photoemission_phases()
LINES = [line for name in NAMES for line in photoemission.lines(name)]
KNOWN = [line for line in LINES if line.known]
ROUNDING = 0.006
"""eV: positions are written to 0.01 eV"""


def files() -> dict[str, dict]:
    folder = resources.files("mossy.materials") / "data" / "core_lines"
    tables = [tomllib.loads(file.read_text(encoding="utf-8")) for file in folder.iterdir()]
    return {table["name"]: table for table in tables}


FILES = files()


def position(phase: str, orbital: str, environment: str = "") -> float:
    found = [line for line in photoemission.lines(phase, orbital) if environment in line.environment]
    assert len(found) == 1, (phase, orbital, environment)
    return found[0].position


# What there is ------------------------------------------------------------------------------------------------------


def test_the_library_holds_the_usual_phases_of_every_metal():
    usual = {"metal", "oxide", "hydroxide", "carbonate", "fluoride", "nitride", "sulfide", "sulfate", "chloride"}
    usual |= {"phosphate", "hydride", "alkyl carbonate", "alkoxide", "salt", "borohydride"}
    assert len(NAMES) >= 60
    for metal in materials.names("metals"):
        own = [photoemission.film(name) for name in photoemission.photoemission_phases(metal)]
        kinds = {each.kind for each in own if each.metal == metal}
        assert usual - kinds <= ({"borohydride"} if metal == "potassium" else set()), metal
        assert {each.metal for each in own} == {metal, None}
    assert {"Cu", "Au", "Ni", "Ag", "Al", "PEO", "hydrocarbon", "graphite"} <= set(NAMES)


def test_every_phase_of_the_interphase_has_its_lines():
    """A film that the simulator grows can be turned into a spectrum."""
    assert set(materials.names("phases")) <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_atoms_of_every_core_level_add_up_to_the_formula(name):
    """All environments are listed: their atoms are those of the formula unit; only hydrogen has no core level."""
    phase = photoemission.film(name)
    found: dict[str, float] = {}
    for line in phase.lines:
        assert line.orbital.startswith(f"{line.element} ")
        found[line.orbital] = found.get(line.orbital, 0.0) + line.stoichiometry
    for orbital, atoms in found.items():
        assert atoms == phase.composition[orbital.split()[0]], orbital
    assert {orbital.split()[0] for orbital in found} == set(phase.composition) - {"H"}


def test_names_and_lines_are_unique():
    seen: dict[str, str] = {}
    for name in NAMES:
        phase = photoemission.film(name)
        for called in {name.lower(), phase.formula.lower(), phase.title.lower()}:
            assert seen.setdefault(called, name) == name, called
            assert photoemission.film(called).name == name
        environments = [(line.orbital, line.environment) for line in phase.lines]
        assert len(set(environments)) == len(environments), name
        for alias in FILES[name].get("aliases", []):
            assert photoemission.film(alias.upper()).name == name
    assert photoemission.film("lithium fluoride").name == photoemission.film("griceite").name == "LiF"
    assert photoemission.film("Li2EDC").name == "LEDC"


def test_data_files_hold_no_key_that_nothing_reads():
    top = {"name", "title", "formula", "kind", "metal", "aliases", "domain", "flags", "density", "band_gap", "lines"}
    own = {"orbital", "environment", "stoichiometry", "binding_energy", "spread", "charge_reference", "srd20"}
    own |= {"records", "excluded", "sources", "status", "note", "separation"}
    for name, table in FILES.items():
        assert set(table) <= top, name
        for line in table["lines"]:
            assert set(line) <= own, name
        linked = name in materials.names("phases")
        assert linked == ("formula" not in table), name
        assert not (linked and "density" in table), f"{name} repeats the density of its phase"


# Where it comes from ------------------------------------------------------------------------------------------------


def test_every_position_says_where_it_comes_from():
    for line in KNOWN:
        assert line.status in ("verified", "unverified"), line.label
        assert len(line.source) > 20, line.label
        assert line.charge_reference, line.label
        assert line.spread is not None
        assert 0.1 <= line.spread <= 1.5, line.label
        if line.status == "unverified":
            assert line.spread >= 0.3, f"{line.label}: memory alone is not that sure"
    assert sum(line.status == "verified" for line in KNOWN) > 120
    used = {key for table in FILES.values() for line in table["lines"] for key in line.get("sources", [])}
    used |= {
        key
        for table in FILES.values()
        for line in table["lines"]
        for key in line.get("separation", {"sources": []})["sources"]
    }
    assert used == set(core_lines.sources())


def test_every_film_property_says_where_it_comes_from():
    for name in NAMES:
        phase = photoemission.film(name)
        for value in (phase.density, phase.band_gap):
            assert len(value.source) > 20, name
            assert value.status in ("verified", "unverified"), name
        assert 0.5 < phase.density < 20.0, name
        assert 0.0 <= phase.band_gap < 15.0, name
        assert (phase.band_gap == 0.0) == (phase.domain == "metal"), name
        assert phase.valence_electrons >= 1.0, name
        cited = [flag for flag in phase.flags if "nominal" not in flag]
        assert all(re.search(r"doi|\b(19|20)\d\d\b|unverified|abstract", flag) for flag in cited), name


def records(folder: Path, line: dict, orbital: str) -> list[dict[str, str]]:
    """The records of a compound's line in the database, without those referred to the valence band or biased."""
    element, level = orbital.split()
    with (folder / "xps_binding_energies" / "sei_phase_binding_energies_from_NIST_SRD20.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if (row["Formula"], row["Element"]) == (line["srd20"], element)]
    rows = [row for row in rows if not row["Charge Reference"].startswith(("VBMax", "Valence", "6V"))]
    rows = [row for row in rows if float(row["BE"]) not in line.get("excluded", [])]
    stronger = [row for row in rows if row["Line"] == f"{level}3/2"]
    whole = [row for row in rows if row["Line"] == level]
    if orbital == "Mg 2p":  # its splitting is not resolved: both names mean one line
        return whole + stronger
    return stronger or whole


def test_positions_are_the_medians_of_the_records_cited(mossy_data):
    counted = 0
    for name, table in FILES.items():
        for line in (each for each in table["lines"] if "srd20" in each):
            values = [float(row["BE"]) for row in records(mossy_data, line, line["orbital"])]
            assert len(values) == line["records"], (name, line["orbital"])
            assert line["binding_energy"] == pytest.approx(statistics.median(values), abs=ROUNDING), name
            scatter = statistics.stdev(values) if len(values) > 1 else 0.4
            assert line["spread"] >= max(scatter, 0.3) - ROUNDING, (name, line["orbital"])
            counted += 1
    assert counted > 90


def test_separations_are_the_medians_of_studies_that_report_both_lines(mossy_data):
    counted = 0
    for name, table in FILES.items():
        for line in (each for each in table["lines"] if "srd20" in each and "separation" in each):
            other = table["lines"][0]
            assert line["separation"]["from"].startswith(other["orbital"])
            studies: list[dict[tuple[str, str], list[float]]] = [{}, {}]
            for found, of in zip(studies, (line, other), strict=True):
                for row in records(mossy_data, of, of["orbital"]):
                    found.setdefault((row["Author"], row["Journal"]), []).append(float(row["BE"]))
            mine, theirs = studies
            differences = [statistics.mean(mine[key]) - statistics.mean(theirs[key]) for key in mine if key in theirs]
            assert len(differences) == line["separation"]["records"], name
            assert line["separation"]["value"] == pytest.approx(statistics.median(differences), abs=ROUNDING), name
            scatter = max(statistics.stdev(differences), 0.15) if len(differences) > 1 else 0.3
            assert line["separation"]["spread"] == pytest.approx(scatter, abs=ROUNDING), name
            counted += 1
    assert counted > 40


def component_maxima(file: Path) -> list[float]:
    """Where the authors' own components have their maxima, by falling area."""
    rows = list(csv.reader(file.open()))
    start = next(place for place, row in enumerate(rows) if row and row[0].startswith("BE_"))
    last = next(place for place, head in enumerate(rows[start]) if head.startswith("Background"))
    body = [[float(cell) for cell in row[: last + 1]] for row in rows[start + 1 :] if row and row[0]]
    columns = [[row[place] - row[last] for row in body] for place in range(2, last)]
    by_area = sorted(columns, key=sum, reverse=True)
    return [body[max(range(len(body)), key=column.__getitem__)][0] for column in by_area]


def test_imide_lines_are_those_measured_on_an_ionic_liquid(mossy_data):
    """Two films, 0.8 eV apart by charging: positions agree within that, separations within the step of 0.12 eV."""
    films = ("20240220_Au_MPPipTFSI4AMSIol3", "20240228_Au_MPPipTFSIIol3")
    expected = {line.orbital: line for line in photoemission.lines("LiTFSI") if line.element != "Li"}
    for place, film in enumerate(films):
        measured = {}
        for orbital in expected:
            found = component_maxima(mossy_data / "xps_sodium_deposition" / f"{film}_{orbital.replace(' ', '_')}.csv")
            near = [each for each in found if abs(each - expected[orbital].position) < 1.0]
            assert near, (orbital, place)
            measured[orbital] = near[0]
        for orbital, line in expected.items():
            assert abs(measured[orbital] - line.position) <= line.spread
            if line.separation is not None:
                assert measured[orbital] - measured["F 1s"] == pytest.approx(line.separation.value, abs=0.12)


@pytest.mark.parametrize(("file", "level"), [("Au_4f", "Au 4f"), ("Ag_3d", "Ag 3d"), ("S_2p", "S 2p")])
def test_doublets_are_split_as_measured(mossy_data, file, level):
    """Against the authors' own doublets, within the step of 0.125 eV; their areas stand as the degeneracies do."""
    path = mossy_data / "xps_sodium_deposition" / f"20240228_Au_MPPipTFSIIol3_{file}.csv"
    if file == "S_2p":
        path = path.with_name("20240220_Au_MPPipTFSI4AMSIol3_S_2p.csv")
    stronger, weaker = component_maxima(path)[:2]
    assert weaker - stronger == pytest.approx(photoemission.orbital(level).splitting, abs=0.13)


# Whether it makes sense ---------------------------------------------------------------------------------------------


def test_positions_lie_where_the_element_s_line_is():
    """No chemical shift here is above 11 eV (chloride to perchlorate); a slip of a digit or an orbital is."""
    for line in KNOWN:
        assert abs(line.position - photoemission.orbital(line.orbital).binding_energy) < 11.5, line.label


@pytest.mark.parametrize(
    "rising",
    [
        [("Li2C2", "C 1s", ""), ("hydrocarbon", "C 1s", ""), ("PEO", "C 1s", ""), ("polyDOL", "C 1s", "O-C-O"),
         ("polyester", "C 1s", "O-C=O"), ("Li2CO3", "C 1s", ""), ("PTFE", "C 1s", ""), ("LiTFSI", "C 1s", "CF3")],
        [("Li2O", "O 1s", ""), ("LiOH", "O 1s", ""), ("PEO", "O 1s", ""), ("LiClO4", "O 1s", "")],
        [("Li2S", "S 2p", ""), ("Li2S6", "S 2p", "terminal"), ("Li2S6", "S 2p", "bridging"), ("S8", "S 2p", ""),
         ("Na2SO3", "S 2p", ""), ("Na2SO4", "S 2p", ""), ("LiFSI", "S 2p", "")],
        [("Li3P", "P 2p", ""), ("Li3PO4", "P 2p", ""), ("LixPOyFz", "P 2p", ""), ("LixPFy", "P 2p", ""),
         ("LiPF6", "P 2p", "")],
        [("Li3N", "N 1s", ""), ("LiTFSI", "N 1s", ""), ("LiNO3", "N 1s", "")],
        [("NaBH4", "B 1s", ""), ("CaB2O4", "B 1s", ""), ("NaBF4", "B 1s", "")],
        [("KF", "F 1s", ""), ("NaF", "F 1s", ""), ("LiF", "F 1s", ""), ("LixPFy", "F 1s", ""), ("LiPF6", "F 1s", ""),
         ("PTFE", "F 1s", "")],
    ],
)  # fmt: skip
def test_more_electronegative_neighbours_raise_the_binding_energy(rising):
    positions = [position(*each) for each in rising]
    assert positions == sorted(positions)


def test_separations_agree_with_the_positions():
    """Within three standard deviations of all three numbers; each points at one other line of its phase."""
    counted = 0
    for line in (each for each in LINES if each.separation is not None):
        far = line.separation
        reference = [
            other
            for other in photoemission.lines(line.phase, far.orbital)
            if other is not line and (not far.environment or other.environment == far.environment)
        ]
        assert len(reference) == 1, line.label
        assert far.spread <= math.hypot(line.spread, reference[0].spread), f"{line.label}: no surer than its positions"
        spread = math.hypot(line.spread, reference[0].spread, far.spread)
        assert abs(line.position - reference[0].position - far.value) < 3.0 * spread, line.label
        assert len(far.source) > 20
        counted += 1
    assert counted > 60


def test_known_traps_are_avoided():
    """LiF's Li 1s referred to the valence band (49.9 eV); Li2O's only record in the database, a carbonate's."""
    assert position("LiF", "Li 1s") > 55.0
    assert position("Li2O", "O 1s") < position("Li2CO3", "O 1s") - 2.0
    assert "srd20" not in FILES["Li2O"]["lines"][0]
    assert position("CaO", "O 1s") < position("CaCO3", "O 1s") - 1.0
    assert any("acsami.4c17553" in flag for flag in photoemission.film("LiF").flags)
    for name in ("Li2CO3", "Li2O2"):
        assert any("0049182" in flag for flag in photoemission.film(name).flags), name


def test_only_what_conducts_stands_at_the_fermi_level():
    for name in NAMES:
        conducts = photoemission.film(name).kind in ("metal", "substrate") or name == "graphite"
        assert photoemission.film(name).domain == ("metal" if conducts else "film"), name


# Films ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("formula", "electrons"),
    [("LiF", 8), ("NaCl", 8), ("MgO", 8), ("H2O", 8), ("Al2O3", 24), ("C26H54", 158), ("Au", 11)],
)
def test_valence_electrons_are_counted_as_in_the_mean_free_path_papers(formula, electrons):
    """Tanuma, Powell and Penn count 8 for alkali halides, 24 for alumina, 158 for 26-n-paraffin, 11 for gold."""
    assert orbitals.valence_electrons(formula) == electrons


def test_densities_are_those_of_the_library_of_phases_and_metals():
    fluoride = materials.phase("LiF")
    assert photoemission.film("LiF").density * 1e3 == pytest.approx(fluoride.molar_mass / fluoride.molar_volume)
    assert photoemission.film("Li").density == pytest.approx(0.534)
    assert photoemission.film("copper").density == pytest.approx(8.96)
    assert photoemission.film("LiF").molar_mass == pytest.approx(25.938, abs=1e-3)
    assert set(photoemission.film("PEO").path_inputs) == {"valence_electrons", "density", "molar_mass", "band_gap"}


def test_an_unknown_position_cannot_be_used_until_it_is_given():
    unknown = photoemission.film("Ca3N2").unknown
    assert [line.label for line in unknown] == ["N 1s (nitride) of Ca3N2"]
    with pytest.raises(InputError, match=r"position of N 1s \(nitride\) of Ca3N2 is unknown; measure it"):
        _ = unknown[0].position
    given = unknown[0].at(396.1, 0.4, source="own pellet")
    assert (given.position, given.spread, given.status, given.known) == (396.1, 0.4, "given", True)
    assert given.stoichiometry == 2.0
    for energy, spread, source in ((0.0, 0.4, "own"), (396.0, 0.0, "own"), (math.nan, 0.4, "own"), (396.0, 0.4, " ")):
        with pytest.raises(InputError, match=r"N 1s \(nitride\) of Ca3N2"):
            unknown[0].at(energy, spread, source=source)
    fluoride = photoemission.lines("LiF", "Li 1s")[0]
    assert fluoride.separation is not None
    assert fluoride.at(55.9, 0.2, source="own").separation is None


# Core levels and surveys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "width"),
    [("Li 1s", 0.036), ("C 1s", 0.087), ("N 1s", 0.116), ("O 1s", 0.156), ("F 1s", 0.209), ("Na 1s", 0.300),
     ("Mg 1s", 0.36), ("P 2p", 0.033), ("S 2p", 0.054), ("K 2p", 0.156), ("Ca 2p", 0.17)],
)  # fmt: skip
def test_natural_widths_are_those_tabulated(level, width):
    """Krause and Oliver 1979, Keski-Rahkonen and Krause 1974, to the digits shown."""
    assert photoemission.orbital(level).natural_width == pytest.approx(width, abs=6e-4)


def test_areas_of_doublets_follow_from_degeneracies():
    for line in LINES:
        angular = "spdf".index(line.orbital[-1])
        assert line.ratio == pytest.approx(2 * angular / (2 * angular + 2) if line.splitting else 0.0)
        assert (angular == 0) == (line.splitting == 0.0), line.label


def test_an_auger_line_keeps_its_kinetic_energy_and_a_core_line_its_binding_energy():
    by_source = [{line.name: line for line in photoemission.survey_lines(energy)} for energy in (AL_KA, MG_KA)]
    both = set(by_source[0]) & set(by_source[1])
    assert {"Na KLL", "O KLL", "F KLL", "C KLL", "Na 1s", "Cu LMM"} <= both
    for name in both:
        aluminium, magnesium = (lines[name] for lines in by_source)
        assert aluminium.kinetic_energy + aluminium.binding_energy == pytest.approx(AL_KA)
        if aluminium.kind == "Auger":
            assert aluminium.kinetic_energy == magnesium.kinetic_energy
        else:
            assert aluminium.binding_energy == magnesium.binding_energy
    assert "Mg 1s" in by_source[0]
    assert "Mg 1s" not in by_source[1], "Mg Ka cannot reach its own 1s"


def test_surveys_know_the_elements_of_batteries():
    lines = photoemission.survey_lines(AL_KA)
    main = [line.element for line in lines if line.main]
    assert len(main) == len(set(main)) >= 30
    assert {line.element for line in lines if line.kind == "Auger"} >= {"C", "N", "O", "F", "Na", "Mg", "K", "Ca", "Cu"}
    assert [line.binding_energy for line in lines] == sorted(line.binding_energy for line in lines)
    assert all(len(line.source) > 20 and line.status in ("verified", "unverified") for line in lines)
    assert [line.name for line in photoemission.survey_lines(AL_KA, ["Li"])] == ["Li 1s"]


@pytest.mark.parametrize(
    ("level", "hidden_by", "excitation", "seen"),
    [
        ("O 1s", "Na KL1L23", AL_KA, True),
        ("O 1s", "Na KL1L23", MG_KA, False),
        ("C 1s", "K 2p", AL_KA, True),
        ("C 1s", "Ru 3d", AL_KA, True),
        ("K 2p", "C 1s", AL_KA, True),
        ("Mg 1s", "Cl LMM", AL_KA, True),
        ("Na 1s", "Ti LMM", AL_KA, True),
        ("Na 1s", "Ti LMM", MG_KA, False),
        ("Ca 2p", "Mg KL1L23", AL_KA, True),
        ("Li 1s", "Mg 2p", AL_KA, True),
        ("Li 1s", "Fe 3p", AL_KA, True),
        ("F 1s", "C 1s", AL_KA, False),
    ],
)
def test_overlaps_are_those_that_the_handbooks_warn_of(level, hidden_by, excitation, seen):
    """Thermo Fisher's and HarwellXPS's pages of oxygen, carbon, potassium, magnesium, sodium, calcium and lithium."""
    names = [line.name for line in photoemission.overlaps(level, excitation)]
    assert (hidden_by in names) == seen
    assert level not in names


# What a person meets --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_every_phase_can_be_described(name):
    text = materials.describe(name)
    for line in photoemission.lines(name):
        assert f"{line.orbital} ({line.environment})" in text
        assert (f"{line.binding_energy:.2f}" if line.known else "position unknown") in text
    for flag in photoemission.film(name).flags:
        assert flag in text


def test_the_unknown_is_said_and_the_near_suggested():
    with pytest.raises(InputError, match=r"'lithium floride'; did you mean 'lithium fluoride'"):
        photoemission.film("lithium floride")
    with pytest.raises(InputError, match=r"no core level is called 'Li 2p'; the library has Li 1s"):
        photoemission.orbital("Li 2p")
    with pytest.raises(InputError, match=r"no metal is called 'lithum'"):
        photoemission.photoemission_phases("lithum")
    with pytest.raises(InputError, match=r"'H' has no core level of its own"):
        photoemission.survey_lines(AL_KA, ["H"])
    with pytest.raises(InputError, match=r"'Xx' .*no element known here"):
        photoemission.survey_lines(AL_KA, ["Xx"])
    with pytest.raises(InputError, match=r"1.4866 eV is no energy of a photoemission source; give eV"):
        photoemission.survey_lines(1.4866)
    with pytest.raises(InputError, match=r"no material is called 'LiTFSl'; did you mean"):
        materials.describe("LiTFSl")
    with pytest.raises(InputError, match=r"valence electrons of Xx|'Xx' in the formula"):
        orbitals.valence_electrons("Xx2O")
