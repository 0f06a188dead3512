"""Real photoelectron files: each reads or says why not; one measurement in several formats is one measurement."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mossy import readers
from mossy.errors import InputError
from mossy.readers.photoemission.casa_fit import on_binding_scale, stored_fit
from mossy.records import Record

BINDING, KINETIC = "binding_energy_electronvolt", "kinetic_energy_electronvolt"
COUNTS, RATE = "intensity_counts", "intensity_counts_per_second"

READ = {
    "0-150W.vms": [("survey", 1206), ("Ni 2p", 601), ("O 1s", 251), ("C 1s", 301), ("W 4f", 251)],
    "C1s_sample.csv": [(None, 351)],
    "Cu_references.vms": 11,
    "Mn_references.vms": [("Mn 2p", 400)] * 3,
    "Mutlipak_vms.npl": [("C 1s", 601), ("O 1s", 601), ("S 2p", 501), ("N 1s", 401), ("Mo 3d", 401)],
    "PET_C1s.csv": [(None, 401)],
    "Pd_references.vms": [("Pd 3d", 381)] * 2,
    "pynx_Ag_0001.txt": [("Ag 3d", 361)],
    "pynx_In-situ_PBTTT_XPS_SPECS.xml": [("survey", 1403), ("C 1s", 201)],
    "pynx_MgFe2O4_small.xy": [("survey", 1351), ("Fe 2p", 56)],
    "pynx_SnO2_10nm.spe": [("survey", 1751)],
    "pynx_irregular.vms": [("survey", 1351)],
    "pynx_regular.vms": [("survey", 1351)],
    "pynx_vms_txt_export.txt": [("survey", 1201), ("Ni 2p", 501), ("survey", 1201), ("Ni 2p", 501)],
    "test0.spe": [("survey", 3401), ("F 1s", 161)],
    "test1.spe": [("F 1s", 201), ("survey", 3401)],
}
REFUSED = {
    "pynx_casa_process_fragment.vms": "a piece of a VAMAS file",
    "pynx_casa_process_fragment_ref.json": "no format known here",
}


@pytest.fixture(scope="module")
def formats(mossy_data: Path) -> Path:
    return mossy_data / "xps_formats"


@pytest.fixture(scope="module")
def sodium(mossy_data: Path) -> Path:
    return mossy_data / "xps_sodium_deposition"


def numbers(record: Record, name: str = BINDING) -> np.ndarray:
    return record.table[name].to_numpy()


def test_every_file_is_told_here(formats: Path) -> None:
    """A file that joins the folder must be read, or refused, on purpose."""
    there = {path.name for path in formats.iterdir() if "LICENSE" not in path.name}
    assert there == set(READ) | set(REFUSED)


@pytest.mark.parametrize("name", READ)
def test_files_read_whole(formats: Path, name: str) -> None:
    found = readers.read(formats / name)
    wanted = READ[name]
    if isinstance(wanted, int):
        assert len(found) == wanted
    else:
        assert [(record.metadata.get("region"), record.table.height) for record in found] == wanted
    assert {record.kind for record in found} == {"photoemission"}


@pytest.mark.parametrize("name", REFUSED)
def test_files_that_are_none_say_so(formats: Path, name: str) -> None:
    with pytest.raises(InputError, match=REFUSED[name]):
        readers.read(formats / name)


def test_one_survey_in_three_formats(formats: Path) -> None:
    """SPECS text, VAMAS regular (counts) and irregular (counts/s): same energies, same rates to the digits printed."""
    text, regular, irregular = (
        readers.read(formats / name)[0] for name in ("pynx_MgFe2O4_small.xy", "pynx_regular.vms", "pynx_irregular.vms")
    )
    for other in (regular, irregular):
        np.testing.assert_allclose(numbers(text), numbers(other), atol=1e-6)
    time = regular.metadata["dwell_time_second"] * regular.metadata["sweeps"]
    np.testing.assert_allclose(numbers(regular, COUNTS) / time, numbers(text, RATE), rtol=1e-5)  # six digits
    np.testing.assert_allclose(numbers(irregular, RATE), numbers(text, RATE), rtol=1e-5)
    assert "dwell_time_second" not in irregular.metadata  # its 1 s is what the export writes for want of it
    assert text.metadata["dwell_time_second"] == time


def test_the_work_function_is_not_taken_off_again(formats: Path) -> None:
    """Surveys were set to begin and end at round binding energies, in files with work functions of -4.5 to 4.1 eV."""
    for name, ends in {"0-150W.vms": (1200.0, -5.0), "pynx_regular.vms": (1350.0, 0.0)}.items():
        record = readers.read(formats / name)[0]
        assert abs(record.metadata["analyser_work_function_electronvolt"]) > 4.0
        assert (numbers(record)[0], numbers(record)[-1]) == pytest.approx(ends, abs=1e-6)


@pytest.mark.parametrize("name", ["0-150W.vms", "Mutlipak_vms.npl", "pynx_SnO2_10nm.spe", "test0.spe", "test1.spe"])
def test_dwell_time_makes_whole_counts_of_rates(formats: Path, name: str) -> None:
    """The proof that the time in the header is all of the time at each energy: electrons are whole."""
    for record in readers.read(formats / name):
        values = numbers(record, COUNTS) if COUNTS in record.table.columns else numbers(record, RATE)
        if COUNTS not in record.table.columns:
            values = values * record.metadata["dwell_time_second"] * record.metadata["sweeps"]
        np.testing.assert_allclose(values, np.rint(values), atol=5e-3)  # rates in single precision


def test_the_channels_of_a_specs_detector_agree_after_their_shift(formats: Path) -> None:
    """Added on one axis, the C 1s line of five channels is whole counts and has one maximum, near 284 eV."""
    survey, carbon = readers.read(formats / "pynx_In-situ_PBTTT_XPS_SPECS.xml")
    values = numbers(carbon, COUNTS)
    assert (values == np.rint(values)).all()
    assert 283.0 < numbers(carbon)[values.argmax()] < 286.0
    smooth = np.convolve(values, np.ones(9) / 9.0, mode="valid")
    above = np.flatnonzero(smooth > 0.6 * smooth.max())
    assert (np.diff(above) == 1).all()  # channels left apart, 3 eV from end to end, would make several maxima
    assert np.ptp(numbers(carbon)[4:-4][above]) < 2.0
    assert carbon.metadata["excitation_source"] == survey.metadata["excitation_source"] == "Mg Ka"


def test_lines_of_metals_stand_where_tables_have_them(formats: Path, sodium: Path) -> None:
    """ISO 15472 has Cu 2p3/2 at 932.62 and Au 4f7/2 at 83.96 eV; an instrument in use is calibrated to 0.3 eV."""
    copper = readers.read(formats / "Cu_references.vms")[0]
    assert numbers(copper)[numbers(copper, COUNTS).argmax()] == pytest.approx(932.62, abs=0.3)
    for path in sorted(sodium.glob("*_Au_4f.csv")):
        gold = readers.read(path)[0]
        assert numbers(gold)[numbers(gold, RATE).argmax()] == pytest.approx(83.96, abs=0.3), path.name


def test_calibration_of_casaxps_is_told_not_applied(formats: Path) -> None:
    plain, shifted, _ = readers.read(formats / "Mn_references.vms")
    assert numbers(plain)[0] == numbers(shifted)[0] == pytest.approx(669.9)
    assert shifted.metadata["fit"]["shift_electronvolt"] == pytest.approx(-0.23)


def test_binding_energies_of_an_export_are_those_of_its_kinetic_energies(formats: Path) -> None:
    for record in readers.read(formats / "pynx_vms_txt_export.txt"):
        assert "charge_correction_electronvolt" not in record.metadata
        assert record.metadata["excitation_energy_electronvolt"] == pytest.approx(1486.61)
        assert record.metadata["sample"] in ("Ni", "NiO")


def test_stored_fit_against_the_reading_of_others(formats: Path) -> None:
    """The fragment's expected reading (FAIRmat-NFDI/pynxtools-xps), entry by entry.

    Of the shift of a range it takes the range's lower end for the peak; here the peak is found in the data.
    """
    lines = (formats / "pynx_casa_process_fragment.vms").read_text(encoding="latin-1").splitlines()
    wanted = json.loads((formats / "pynx_casa_process_fragment_ref.json").read_text())
    fit = stored_fit(lines[1 : int(lines[0]) + 1])
    assert fit is not None
    assert len(fit["components"]) == 3
    for number, component in enumerate(fit["components"]):
        said = {key.rpartition("/")[2]: value for key, value in wanted.items() if key.startswith(f"component{number}/")}
        assert component["shape"].replace("(", "").replace(")", "") == said["lineshape"]
        plain = ("name", "area", "rsf", "uncorrected_rsf", "mass", "tag", "index")
        assert [component[key] for key in plain] == [said[key] for key in plain]
        for key, name in {
            "area": "area",
            "width": "width_electronvolt",
            "position": "kinetic_position_electronvolt",
        }.items():
            limits = component["constraints"][key]
            linked = -1 if limits["linked_to"] is None else limits["linked_to"]
            mine = [component[name], limits["minimum"], limits["maximum"], linked, limits["factor"]]
            ends = ("", "_min", "_max", "_ref_comp_id", "_ref_comp_factor")
            assert mine == [said[f"{key}{end}"] for end in ends]
    (region,) = fit["regions"]
    mine = {
        "name": region["name"],
        "bg_type": region["background"],
        "start": region["kinetic_start_electronvolt"],
        "end": region["kinetic_end_electronvolt"],
        "rsf": region["rsf"],
        "av_width": region["averaging_width"],
        "start_offset": region["start_offset_percent"],
        "end_offset": region["end_offset_percent"],
        "tag": region["tag"],
        "unknown_0": region["mass"],
        "rsf_effective": region["rsf_effective"],
    }
    assert mine == {key: wanted[f"region0/{key}"] for key in mine}
    assert region["cross_section"] == [float(word) for word in wanted["region0/cross_section"]]
    for number, each in enumerate(fit["energy_calibrations"]):
        said = f"energy_calibration{number}"
        assert each["measured_electronvolt"] == wanted[f"{said}/measured_energies"]
        assert each["aligned_electronvolt"] == wanted[f"{said}/aligned_energy"]
        assert (each["scale"], each["operation"]) == (wanted[f"{said}/energy_type"], wanted[f"{said}/operation"])
    for number, step in enumerate(fit["intensity_calibrations"]):
        said = f"intensity_calibration{number}"
        assert step["power"] == wanted[f"{said}/power_law_coefficient"]
        assert step["transmission_column"] == wanted[f"{said}/tf_function_ordinate_no"]
    assert sum(key.startswith("intensity_calibration") for key in wanted) == 2 * len(fit["intensity_calibrations"])
    single = fit | {"energy_calibrations": fit["energy_calibrations"][1:2]}
    placed = on_binding_scale(single, 1486.6, np.array([290.0, 280.0]), np.ones(2))
    assert placed["shift_electronvolt"] == pytest.approx(-wanted["energy_calibration1/energy_offset"])


def test_spectra_of_the_sodium_deposit_with_the_authors_own_fits(sodium: Path) -> None:
    """Every spectrum reads; background plus components is the authors' envelope; a doublet has its ratio of areas."""
    spectra = sorted(path for path in sodium.glob("2024*.csv"))
    assert len(spectra) == 37
    fitted = 0
    for path in spectra:
        (record,) = readers.read(path)
        fit = record.metadata.get("fit")
        if not fit or not fit["components"]:
            continue
        fitted += 1
        total = np.array(fit["background"]) + sum(np.array(each["curve"]) for each in fit["components"])
        # six digits are printed of each curve, and each component carries the background's rounding again
        np.testing.assert_allclose(total, fit["envelope"], rtol=2e-5 * (1 + len(fit["components"])), err_msg=path.name)
        assert record.metadata["excitation_source"] == "Al Ka"
    assert fitted == 28
    gold = readers.read(sodium / "20240220_Au_MPPipTFSI4AMSIol3_S_2p.csv")[0].metadata["fit"]["components"]
    assert gold[0]["area"] / gold[1]["area"] == pytest.approx(2.0, rel=0.01)  # 2p3/2 to 2p1/2, as the authors tied them


@pytest.mark.parametrize("name", ["Fig_4_a_blue_solid.csv", "Fig_4_b_blue_solid.csv"])
def test_voltammograms_without_units_are_refused_with_the_way_out(sodium: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"Number,t,E,I,j.*name the columns"):
        readers.read(sodium / name)
    given = {"test_time_second": ("t", "s"), "voltage_volt": ("E", "V"), "current_ampere": ("I", "A")}
    (record,) = readers.read(sodium / name, columns=given)
    assert record.kind == "cycling"
