"""The spectra of a written sample: areas against integrals, what attenuation must leave alone, counting noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mossy.analysis.xps import Layer, Stack, read_stack, simulate_spectra, stack_of
from mossy.analysis.xps.simulate import line_areas, mean_free_paths
from mossy.errors import InputError
from mossy.materials.cross_sections import photoionisation_cross_section
from mossy.materials.photoemission import film

PHOTONS = 1486.6
FLUORINE, LITHIUM = "F 1s (fluoride) of LiF", "Li 1s (metal) of Li"


def area(sample: Stack, label: str, **options: float) -> float:
    """Of one line."""
    return line_areas(sample, PHOTONS, **options)[label][2]


@pytest.mark.parametrize("angle", [0.0, 50.0])
def test_an_area_is_the_integral_over_depth(angle: float):
    """Sum of n sigma exp(-z/(lambda cos)) dz by the midpoint rule: its error is (step/lambda)^2/24, 1e-7 here."""
    fluoride = film("LiF")
    energy = PHOTONS - fluoride.lines[0].position
    escape = mean_free_paths([fluoride], [energy])[0, 0] * np.cos(np.radians(angle))
    step = 3.0 / 1000
    depth = (np.arange(1000) + 0.5) * step
    density = float(fluoride.density) / fluoride.molar_mass
    section = photoionisation_cross_section("F 1s", PHOTONS).relative
    expected = density * section * np.sum(np.exp(-depth / escape)) * step
    sample = Stack((Layer({"LiF": 1.0}, 3.0), Layer({"Li": 1.0})))
    assert area(sample, FLUORINE, emission_angle=angle) == pytest.approx(expected, rel=1e-6)


def test_a_substrate_is_seen_through_the_mixture_above():
    """exp(-d sum f/lambda): rates of collision add up."""
    bare = area(Stack((Layer({"Li": 1.0}),)), LITHIUM)
    covered = area(Stack((Layer({"LiF": 0.3, "Li2O": 0.7}, 2.0), Layer({"Li": 1.0}))), LITHIUM)
    paths = mean_free_paths([film("LiF"), film("Li2O")], [PHOTONS - film("Li").lines[0].position])[:, 0]
    assert covered / bare == pytest.approx(np.exp(-2.0 * (0.3 / paths[0] + 0.7 / paths[1])), rel=1e-12)


def test_layers_alike_are_one():
    split = Stack((Layer({"LiF": 1.0}, 1.0), Layer({"LiF": 1.0}, 2.5), Layer({"LiF": 1.0})))
    assert area(split, FLUORINE) == pytest.approx(area(Stack((Layer({"LiF": 1.0}),)), FLUORINE), rel=1e-12)


def test_lengths_and_paths_scale_together():
    """Thickness over mean free path decides: both twice as long double every area (one deeper, the same ratios)."""
    thin = Stack((Layer({"LiF": 1.0}, 2.0), Layer({"Li": 1.0})))
    thick = Stack((Layer({"LiF": 1.0}, 4.0), Layer({"Li": 1.0})))
    for label in (FLUORINE, LITHIUM):
        doubled = area(thick, label, attenuation_scale=2.0)
        assert doubled == pytest.approx(2.0 * area(thin, label), rel=1e-12)


def test_patches_add_up_by_their_area():
    one, two = Stack((Layer({"LiF": 1.0}, 1.0), Layer({"Li": 1.0}))), Stack((Layer({"Li": 1.0}),))
    both = line_areas([(0.25, one), (0.75, two)], PHOTONS)[LITHIUM][2]
    assert both == pytest.approx(0.25 * area(one, LITHIUM) + 0.75 * area(two, LITHIUM), rel=1e-12)


def test_a_spectrum_holds_its_areas():
    """Without background, the counts of two regions are in the ratio of the areas; the tails of the Lorentzians outside
    the windows, gamma/(pi distance) of each side, are 0.7 % of fluorine and 0.1 % of lithium.
    """
    sample = Stack((Layer({"LiF": 1.0}),))
    windows = {"F 1s": (666.0, 706.0), "Li 1s": (36.0, 76.0)}
    fluorine, lithium = simulate_spectra(sample, windows, constant=0.0, shirley=0.0, sweeps={"Li 1s": 3})
    counted = [record.table["intensity_counts"].sum() for record in (fluorine, lithium)]
    found = line_areas(sample, PHOTONS)
    expected = found[FLUORINE][2] / found["Li 1s (fluoride) of LiF"][2]
    assert 3.0 * counted[0] / counted[1] == pytest.approx(expected, rel=0.01)
    assert lithium.metadata["sweeps"] == 3


def test_one_scale_for_several_depths():
    """The rise of the peak over its background is the scale times the area, whatever lies above (O 1s has a tail)."""
    highest = {}
    for depth in (1.0, 4.0):
        sample = Stack((Layer({"Li2O": 1.0}, depth), Layer({"LiF": 1.0})))
        (record,) = simulate_spectra(sample, {"F 1s": (675.0, 695.0)}, scale=1e5, constant=0.0, shirley=0.0)
        highest[depth] = record.table["intensity_counts"].max() / area(sample, FLUORINE)  # type: ignore[operator]
        assert record.table["binding_energy_electronvolt"].is_sorted()
    assert highest[1.0] == pytest.approx(highest[4.0], rel=1e-4)


def test_the_analyser_s_transmission_is_in_the_counts_and_in_the_record():
    sample = Stack((Layer({"LiF": 1.0}),))
    flat, steep = (
        simulate_spectra(sample, ["F 1s"], scale=1e5, constant=0.0, transmission_exponent=n, shirley=0.0)[0]
        for n in (0.0, 0.7)
    )
    ratio = steep.table["intensity_counts"] / flat.table["intensity_counts"]
    kinetic = (PHOTONS - flat.table["binding_energy_electronvolt"].to_numpy()) / 1000.0
    assert ratio.to_numpy() == pytest.approx(kinetic**-0.7, rel=1e-9)
    assert steep.table["transmission"].to_numpy() == pytest.approx(kinetic**-0.7, rel=1e-12)


def test_a_doublet_keeps_its_ratio():
    """S 2p of Li2S with narrow lines: heights 2:1, 1.18 eV apart; each stands on 1 % of the other's tail."""
    (record,) = simulate_spectra(
        Stack((Layer({"Li2S": 1.0}),)), ["S 2p"], width=0.3, constant=0.0, shirley=0.0, step=0.01
    )
    energy, counts = record.table["binding_energy_electronvolt"].to_numpy(), record.table["intensity_counts"].to_numpy()
    position = film("Li2S").lines[0].position
    heights = [np.interp(position + away, energy, counts) for away in (0.0, 1.18)]
    assert heights[0] / heights[1] == pytest.approx(2.0, rel=0.02)


def test_noise_is_counting_noise():
    """Mean and variance of 200 spectra: (n - mu)^2/mu is 1 on average, to 3 sqrt(2/(200 x 111))."""
    sample = Stack((Layer({"LiF": 1.0}),))
    (expected,) = simulate_spectra(sample, ["F 1s"], counts=1000.0)
    mean = expected.table["intensity_counts"].to_numpy()
    drawn = [simulate_spectra(sample, ["F 1s"], counts=1000.0, seed=seed)[0] for seed in range(200)]
    counts = np.array([each.table["intensity_counts"].to_numpy() for each in drawn])
    assert np.mean((counts - mean) ** 2 / mean) == pytest.approx(1.0, abs=3.0 * np.sqrt(2.0 / counts.size))
    again = simulate_spectra(sample, ["F 1s"], counts=1000.0, seed=7)[0]
    assert np.array_equal(again.table["intensity_counts"].to_numpy(), counts[7])


def test_shifts_belong_to_domains():
    """The film charges, the metal does not."""
    sample = Stack((Layer({"LiF": 1.0}, 3.0), Layer({"Li": 1.0})))
    options = {"constant": 0.0, "shirley": 0.0, "width": 0.5}
    here = simulate_spectra(sample, {"F 1s": (675, 695)}, **options)[0]  # type: ignore[arg-type]
    there = simulate_spectra(sample, {"F 1s": (675, 695)}, shifts={"film": 1.5, "metal": -3.0}, **options)[0]  # type: ignore[arg-type]
    peaks = [
        record.table["binding_energy_electronvolt"][int(record.table["intensity_counts"].arg_max())]  # type: ignore[arg-type]
        for record in (here, there)
    ]
    assert peaks[1] - peaks[0] == pytest.approx(1.5, abs=0.051)  # the grid's step, 0.1 eV


def test_a_stack_is_read_from_a_file(tmp_path: Path):
    text = """
[[layers]]
phases = { LEDC = 0.7, hydrocarbon = 0.3 }
thickness_nm = 1.5

[[layers]]
phases = { "lithium fluoride" = 1.0 }
thickness_nm = 2

[[layers]]
phases = { Li = 1.0 }
"""
    (tmp_path / "film.toml").write_text(text, encoding="utf-8")
    found = read_stack(tmp_path / "film.toml")
    assert [layer.thickness for layer in found.layers] == [1.5, 2.0, None]
    assert found.layers[1].fractions == {"LiF": 1.0}
    assert sum(found.mole_fractions.values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({}, "no layers"),
        ({"layers": [{"phases": {"LiF": 0.5}}]}, "add up to 0.5"),
        ({"layers": [{"phases": {"LiF": 1.0}, "thickness_nm": 2}]}, "last layer has no end"),
        ({"layers": [{"phases": {"LiF": 1.0}}, {"phases": {"Li": 1.0}}]}, "layer 1 of 2 has no thickness"),
        ({"layers": [{"phases": {"LiF": 1.0}, "thickness_nm": "thin"}]}, "not a number"),
        ({"layers": [{"phases": {"LiFx": 1.0}}]}, "LiFx"),
        ({"layers": [{"phases": {"LiF": 1.0}, "depth": 1}]}, "'depth' is not part of a layer"),
        ({"layers": [{"phases": {"LiF": 1.0}, "thickness_nm": -1}, {"phases": {"Li": 1.0}}]}, "no thickness"),
    ],
)
def test_a_stack_that_cannot_be(table: dict[str, object], words: str):
    with pytest.raises(InputError, match=words):
        stack_of(table, "film.toml")


def test_regions_that_cannot_be_simulated():
    sample = Stack((Layer({"LiF": 1.0}),))
    with pytest.raises(InputError, match="no phase of the sample has a known line of C 1s"):
        simulate_spectra(sample, ["C 1s"])
    with pytest.raises(InputError, match="no line of the sample lies in the regions"):
        simulate_spectra(sample, {"C 1s": (280.0, 290.0)})
    with pytest.raises(InputError, match="counts per unit of area"):
        simulate_spectra(sample, ["F 1s"], scale=0.0)
    with pytest.raises(InputError, match=r"cover 0\.5 of the area"):
        simulate_spectra([(0.5, sample)], ["F 1s"])
