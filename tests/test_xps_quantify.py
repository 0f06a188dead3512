"""Atomic percent, the energy scale and the elements of a survey, against known samples."""

from __future__ import annotations

import json

import numpy as np
import polars as pl
import pytest
from scipy import special

from mossy.analysis.xps import PeakFit, calibrate, calibrated, fit_peaks, identify, quantify
from mossy.analysis.xps.calibration import REFERENCES, reference_named
from mossy.errors import InputError
from mossy.materials.cross_sections import photoionisation_cross_section
from mossy.materials.photoemission import orbital, survey_lines
from mossy.records import Photoemission
from xps_peaks_for_tests import noisy, record, region

PHOTON = 1486.6
TIME = {"dwell_time_second": 0.5, "sweeps": 4}


def fitted(level: str, at: float, area: float, seed: int = 0, **metadata: object) -> PeakFit:
    width = orbital(level).natural_width
    energy, expected = region(level, [(at, area)], span=(at - 8.0, at + 8.0), lorentzian=width)
    return fit_peaks(noisy(level, energy, expected, seed, **(TIME | metadata)), f"one {at} doublet=no", "linear")


@pytest.fixture(scope="module")
def fluoride() -> list[PeakFit]:
    """Areas that one carbon and one fluorine atom give, by Scofield's 4.43 (xps handbooks), 3:1."""
    assumed = {"C 1s": 1.0, "F 1s": 4.43}
    kinetic = {"C 1s": PHOTON - 284.8, "F 1s": PHOTON - 685.0}
    weights = {level: assumed[level] * kinetic[level] ** (0.842 - 0.5) for level in assumed}
    scale = 1e4 / weights["C 1s"]
    return [
        fitted("C 1s", 284.8, scale * weights["C 1s"]),
        fitted("F 1s", 685.0, 3.0 * scale * weights["F 1s"]),
    ]


# atomic percent


def test_a_known_ratio_is_found(fluoride: list[PeakFit]) -> None:
    found = quantify(fluoride)
    # Scofield's ratio is known to three digits here; the areas to 1 %
    assert found.elements["F"].value == pytest.approx(75.0, abs=0.6)
    assert sum(each.value for each in found.elements.values()) == pytest.approx(100.0)
    assert any("KE^-0.5" in each for each in found.assumptions)
    assert any("organic" in each for each in found.assumptions)
    assert any("54.7" in each for each in found.assumptions)
    json.dumps(found.as_dict(), allow_nan=False)
    assert "C 1s one" in found.text()


def test_errors_are_those_of_areas_factors_and_transmission(fluoride: list[PeakFit]) -> None:
    """By hand: x = 1/(1 + 1/r), dx = x (1 - x) d ln r; ln r has the errors of two areas, two factors and of n."""
    x = quantify(fluoride).elements["F"]
    areas = [fit["one"].area for fit in fluoride]
    relative = sum((each.standard_error / each.value) ** 2 for each in areas) + 2.0 * 0.05**2
    relative += (0.3 * np.log((PHOTON - 284.8) / (PHOTON - 685.0))) ** 2
    part = x.value / 100.0
    assert x.standard_error == pytest.approx(100.0 * part * (1.0 - part) * np.sqrt(relative), rel=1e-3)
    told = quantify(fluoride, transmission_exponent=0.5, sensitivity_error=0.0).elements["F"]
    assert told.value == pytest.approx(x.value)
    assert told.standard_error < 0.3 * x.standard_error


def test_transmission_path_and_angle_enter_as_they_should(fluoride: list[PeakFit]) -> None:
    def ratio(**options: object) -> float:
        found = quantify(fluoride, **options).elements  # type: ignore[arg-type]
        return found["F"].value / found["C"].value

    kinetic = (PHOTON - fluoride[1]["one"].position.value) / (PHOTON - fluoride[0]["one"].position.value)
    base = ratio(transmission_exponent=0.0)
    assert ratio(transmission_exponent=1.0) / base == pytest.approx(kinetic)
    # JTP of LiF (mossy's reference table): 2.38 nm at F 1s; lambda ~ KE^0.75, so less than the organic 0.842
    assert kinetic**0.15 < base / ratio(transmission_exponent=0.0, mean_free_path="LiF") < 1.0 / kinetic**0.15
    # C 1s and F 1s are s shells (beta = 2 but for 1 %), so the angle cancels
    assert ratio(transmission_exponent=0.0, source_angle_degree=90.0) / base == pytest.approx(1.0, abs=0.01)
    given = {"C 1s": 1.0, "F 1s": 2.0}
    assert ratio(sensitivity_factors=given) == pytest.approx(fluoride[1].area.value / fluoride[0].area.value / 2.0)


def test_the_files_own_transmission_is_used() -> None:
    fits = []
    for level, at, seen in (("C 1s", 284.8, 1.0), ("F 1s", 685.0, 0.5)):
        energy, expected = region(level, [(at, 1e5)], span=(at - 8.0, at + 8.0))
        data = noisy(level, energy, expected, 0, **TIME)
        table = data.table.with_columns(pl.lit(seen).alias("transmission"))
        fits.append(fit_peaks(Photoemission(table, data.metadata), f"one {at}", "linear"))
    own, flat = quantify(fits), quantify(fits, transmission_exponent=0.0)
    ratios = [each.elements["F"].value / each.elements["C"].value for each in (own, flat)]
    assert ratios[0] / ratios[1] == pytest.approx(2.0)
    assert any("as the file has it" in each for each in own.assumptions)
    with pytest.raises(InputError, match="some records have"):
        quantify([fits[0], fitted("N 1s", 399.0, 1e4)])


def test_counts_of_different_times_are_compared_per_second() -> None:
    once, twice = fitted("C 1s", 284.8, 1e5), fitted("F 1s", 685.0, 1e5, sweeps=8)
    other = fitted("F 1s", 685.0, 1e5)
    rates = [quantify([once, each], transmission_exponent=0.0).elements for each in (twice, other)]
    assert rates[1]["F"].value / rates[1]["C"].value == pytest.approx(2.0 * rates[0]["F"].value / rates[0]["C"].value)
    untimed = fitted("F 1s", 685.0, 1e5, sweeps=0)
    with pytest.raises(InputError, match="unknown counting time"):
        quantify([once, untimed])


def test_what_cannot_be_quantified_is_refused(fluoride: list[PeakFit]) -> None:
    with pytest.raises(InputError, match="C is counted again"):
        quantify([*fluoride, fluoride[0], fitted("C 1s", 285.5, 1e4)])
    with pytest.raises(InputError, match="by Na 1s and Na 2s"):
        quantify([fitted("Na 1s", 1071.0, 1e4), fitted("Na 2s", 63.5, 1e4)])
    with pytest.raises(InputError, match="no fits"):
        quantify([])
    with pytest.raises(InputError, match="no phase"):
        quantify(fluoride, mean_free_path="unobtainium")
    with pytest.raises(InputError, match="no sensitivity factor above 0 for F 1s"):
        quantify(fluoride, sensitivity_factors={"C 1s": 1.0})
    unnamed = fit_peaks(noisy("edge", *region("edge", [(284.8, 1e4)], span=(278.0, 292.0)), seed=0), "a 284.8")
    with pytest.raises(InputError, match="no core level"):
        quantify([unnamed])
    energy, expected = region("C 1s", [(284.8, 1e4)], span=(278.0, 292.0))
    table = pl.DataFrame({"binding_energy_electronvolt": energy, "intensity_counts": expected})
    dark = fit_peaks(Photoemission(table, {"region": "C 1s"}), "a 284.8")
    with pytest.raises(InputError, match="photon energy is not known"):
        quantify([dark])
    assert quantify([dark], excitation_energy=PHOTON).elements["C"].value == pytest.approx(100.0)


def test_overlapping_regions_and_weak_lines_are_said() -> None:
    carbon = fitted("C 1s", 284.8, 1e5)
    potassium = fitted("K 2p", 292.5, 20.0)
    found = quantify([carbon, potassium])
    assert any("overlap from 284.5 to 292.8" in flag for flag in found.flags)
    assert any("not determined: K 2p one" in flag for flag in found.flags)


def test_a_poor_fit_is_a_fault_and_in_the_error(fluoride: list[PeakFit]) -> None:
    energy, expected = region("C 1s", [(284.8, 1e5), (290.0, 5e4)], span=(277.0, 297.0))
    data = noisy("C 1s", energy, expected, 0, **TIME)
    good, poor = fit_peaks(data, "C-C 284.8, CO3 +5.2"), fit_peaks(data, "C-C 284.8")
    found = {each: quantify([fit, fluoride[1]]) for each, fit in (("good", good), ("poor", poor))}
    assert found["good"].faults == ()
    assert any("C 1s: its fit is poor" in fault for fault in found["poor"].faults)
    assert set(found["poor"].faults) <= set(found["poor"].flags)
    truth = found["good"].elements["C"]
    assert found["poor"].elements["C"].standard_error > 1.3 * truth.standard_error


def test_a_limit_of_an_area_is_one_of_the_atomic_percent(fluoride: list[PeakFit]) -> None:
    energy, expected = region("C 1s", [(284.8, 1e5)], span=(277.0, 297.0))
    carbon = fit_peaks(noisy("C 1s", energy, expected, 0, **TIME), "C-C 284.8, CO3 +5.2")
    limit = carbon["CO3"].upper_limit
    assert limit is not None
    found = quantify([carbon])
    share = next(each for each in found.shares if each.component == "CO3")
    # one element: sensitivities cancel up to the kinetic energies, 5 of 1200 eV
    assert share.upper_limit == pytest.approx(100.0 * limit / (limit + carbon["C-C"].area.value), rel=0.01)
    assert found.shares[0].upper_limit is None
    assert "(95 %)" in found.text()


# the energy scale


def test_a_shift_is_found_with_its_error_and_its_risks() -> None:
    data = noisy("C 1s", *region("C 1s", [(287.3, 1e5)], span=(280.0, 295.0)), seed=0)
    found = calibrate(fit_peaks(data, "C-C 287.0"), "C 1s", "C-C")
    assert found.shift.value == pytest.approx(-2.5, abs=0.02)
    assert found.shift.standard_error == pytest.approx(0.2, abs=0.001)  # the reference's own
    text = found.text()
    for word in ("adventitious carbon is unreliable", "one shift holds for one electrical domain", "uniform charging"):
        assert word in text
    moved = calibrated(data, found)
    again = fit_peaks(moved, "C-C 284.8")
    assert again["C-C"].position.value == pytest.approx(284.8, abs=1e-4)
    assert moved.metadata["charge_correction_electronvolt"] == pytest.approx(found.shift.value)
    twice = calibrated(moved, found)
    assert twice.metadata["charge_correction_electronvolt"] == pytest.approx(2.0 * found.shift.value)
    assert any("had been added" in each for each in twice.metadata["warnings"])
    json.dumps(found.as_dict(), allow_nan=False)


def test_references_of_metals_and_phases() -> None:
    assert reference_named("Au 4f7/2").binding_energy == 83.96  # ISO 15472
    assert reference_named("Ag 3d5/2").binding_energy == 368.21
    assert reference_named("NaF F 1s").binding_energy == pytest.approx(684.5, abs=0.3)  # NIST SRD 20's median
    assert {each.domain for each in REFERENCES.values()} == {"metal", "film"}
    gold = noisy("Au 4f", *region("Au 4f", [(84.3, 1e5)], span=(79.0, 95.0), doublet=(3.67, 0.75)), seed=0)
    found = calibrate(fit_peaks(gold, "Au 84.3 l=0.3"), "Au 4f7/2")
    assert any("Fermi level" in risk for risk in found.risks)
    with pytest.raises(InputError, match="belongs to Au 4f"):
        calibrate(fit_peaks(gold, "Au 84.3"), "C 1s")
    with pytest.raises(InputError, match="no reference is called"):
        reference_named("gold")
    with pytest.raises(InputError, match="several lines"):
        reference_named("LEDC C 1s")
    with pytest.raises(InputError, match="say which"):
        calibrate(fit_peaks(gold, "Au 84.3, other +1.0"), "Au 4f7/2")
    with pytest.raises(InputError, match="reference of -1"):
        reference_named("C 1s", -1.0)


def test_a_line_that_was_not_seen_is_no_reference() -> None:
    energy, expected = region("F 1s", [(688.0, 1e4)], span=(680.0, 696.0))
    for seed in range(20):
        fit = fit_peaks(noisy("F 1s", energy, expected, seed), "salt 688.0, LiF -4.0")
        if fit["LiF"].area.value == 0.0:
            with pytest.raises(InputError, match="was not seen"):
                calibrate(fit, "LiF F 1s", "LiF")
            return
    pytest.fail("a line that is not there was seen 20 times")


def test_a_line_far_off_must_be_named_and_a_weak_one_is_refused() -> None:
    """A carbonate's O 1s is no oxide's: 3 eV of charging would have to be meant."""
    data = noisy("O 1s", *region("O 1s", [(531.8, 1e5)], span=(525.0, 540.0)), seed=0)
    fit = fit_peaks(data, "CO3 531.8")
    with pytest.raises(InputError, match=r"-3\.\d\d eV off Li2O O 1s .* may be another line"):
        calibrate(fit, "Li2O O 1s")
    assert calibrate(fit, "Li2O O 1s", "CO3").shift.value < -3.0
    weak = noisy("O 1s", *region("O 1s", [(531.8, 10.0)], span=(525.0, 540.0)), seed=3)
    with pytest.raises(InputError, match=r"not determined|not seen"):
        calibrate(fit_peaks(weak, "CO3 531.8"), "Li2O O 1s", "CO3")


# surveys


def survey(elements: dict[str, float], seed: int = 0, gain: float = 2e4) -> Photoemission:
    """All lines that the elements have: heights by Scofield, Auger lines a fifth of the main line's, and losses."""
    energy = np.arange(15.0, 1250.0, 0.5)
    expected = np.full_like(energy, 2e4)
    for element, amount in elements.items():
        strengths: dict[str, float] = {}
        for line in survey_lines(PHOTON, [element]):
            if line.kind == "core":
                try:
                    strengths[line.name] = photoionisation_cross_section(line.name, PHOTON).relative
                except InputError:
                    strengths[line.name] = 0.0
        for line in survey_lines(PHOTON, [element]):
            auger = line.kind == "Auger"
            area = gain * amount * (0.2 * max(strengths.values()) if auger else strengths[line.name])
            ratio = 0.0 if auger else orbital(line.name).ratio
            for at, part in (
                (line.binding_energy, 1 / (1 + ratio)),
                (line.binding_energy + line.splitting, ratio / (1 + ratio)),
            ):
                spread = 0.4 * line.width if auger else 0.8
                shape = special.voigt_profile(energy - at, spread, 0.0 if auger else 0.5 * line.width)
                expected += area * part * (shape + 0.01 * (energy > at))
    return noisy("survey", energy, expected, seed)


@pytest.mark.parametrize(
    "elements",
    [
        {"C": 5.0, "O": 4.0, "Li": 6.0, "F": 3.0},
        {"Na": 4.0, "O": 3.0, "C": 4.0, "S": 1.0, "F": 3.0, "N": 1.0},
        {"K": 4.0, "C": 4.0, "O": 3.0, "P": 1.0},
        {"Cu": 5.0, "C": 2.0, "O": 2.0},
        {"Ca": 2.0, "Cl": 2.0, "O": 3.0, "C": 3.0},
    ],
)
def test_the_elements_of_a_sample_are_found_and_no_others(elements: dict[str, float]) -> None:
    found = identify(survey(elements))
    assert set(found.symbols) == set(elements)
    assert abs(found.offset) < 1.0
    json.dumps(found.as_dict(), allow_nan=False)
    for element in elements:
        assert element in found.text()


def test_an_ambiguous_peak_is_said() -> None:
    """Li 1s beside gold is Au 5p: it proves nothing, so lithium is not listed, and a note names it."""
    found = identify(survey({"Au": 5.0, "C": 2.0}))
    status = {each.element: each for each in found.elements}
    assert status["Au"].status == "found"
    assert "Li" not in status
    assert "Li" in found.notes[0].split(": ")[1].split(", ")
    assert found.faults == ()
    with_rest = identify(survey({"Cu": 5.0, "Zn": 0.5, "Na": 0.05}))
    assert "Cu" in with_rest.symbols


def test_noise_has_no_elements() -> None:
    energy = np.arange(15.0, 1250.0, 0.5)
    found = identify(noisy("survey", energy, np.full_like(energy, 500.0), 0))
    assert found.elements == ()
    assert found.lines == ()
    assert any("no element" in flag for flag in found.flags)


def test_a_survey_without_counts_is_judged_by_its_scatter() -> None:
    """Intensities on any scale: the same elements."""
    counted = survey({"Na": 4.0, "O": 3.0, "C": 4.0, "F": 3.0})
    scaled = counted.table.with_columns(pl.col("intensity_counts") / 1e6)
    found = identify(Photoemission(scaled, counted.metadata))
    assert set(found.symbols) == set(identify(counted).symbols)
    assert any("scatter" in flag for flag in found.flags)
    assert found.background.max() < 1.0


def test_only_the_elements_asked_for_are_looked_for() -> None:
    found = identify(survey({"C": 5.0, "O": 4.0, "F": 3.0}), elements=["C", "O"])
    assert set(found.symbols) == {"C", "O"}
    assert any("not explained" in flag for flag in found.flags)


def test_what_is_no_survey_is_refused() -> None:
    energy = np.arange(280.0, 300.0, 0.1)
    with pytest.raises(InputError, match="spans 20 eV"):
        identify(record("C 1s", energy, 1e3 + 0.0 * energy))
    wide = survey({"C": 1.0})
    known = {key: value for key, value in wide.metadata.items() if not key.startswith("excitation")}
    with pytest.raises(InputError, match="photon energy is not known"):
        identify(Photoemission(wide.table, known))
