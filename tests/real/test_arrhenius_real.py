"""Activation energies and capacitances of a solid electrolyte against the published report of the same fits.

The report (EISFitpython; S. C. Adediwura, N. Mathew, J. Schmedt auf der Günne, J. Mater. Chem. A 12 (2024) 15847, doi
10.1039/d3ta06237f) has its energies from a line through ln(sigma T) with equal weights, its errors of conductivities as
sqrt((s_R/R)^2 + 2.05 %^2), the 2.05 % being those of the area (0.01 cm2 of 0.503) and the thickness (0.001 cm of 0.21)
that all temperatures share, and its capacitances by the through-film formula.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from mossy.analysis import arrhenius
from mossy.analysis import impedance_physics as physics
from mossy.analysis.measured import Measured

GEOMETRY = np.hypot(0.01 / (np.pi * 0.4**2), 0.001 / 0.21)
PUBLISHED = {"Bulk": (0.5869, 0.0163, 16090.3), "Gb": (0.8919, 0.0025, 6537462.6), "Total": (0.8555, 0.0006, 2198387.3)}
"""Activation energy, its error (eV), and prefactor (S K/cm)."""


@pytest.fixture(scope="module")
def report(mossy_data: Path) -> Path:
    return mossy_data / "solid_electrolyte_series" / "reference"


def rows(text: str) -> np.ndarray:
    return np.array([line.split() for line in re.findall(r"^ {3}4\d3\.0 .*$", text, re.MULTILINE)], dtype=float)


@pytest.fixture(scope="module")
def conductivities(report: Path) -> dict[str, np.ndarray]:
    text = (report / "Arrhenius_Analysis_Report.txt").read_text(encoding="utf-8")
    parts = re.split(r"(\w+) Analysis:", text)[1:]
    return {name: rows(part) for name, part in zip(parts[::2], parts[1::2], strict=True)}


@pytest.mark.parametrize("part", PUBLISHED)
def test_published_energies_are_those_of_equal_weights(part: str, conductivities: dict[str, np.ndarray]) -> None:
    kelvin, values, _, _ = conductivities[part].T
    line = arrhenius.fit(kelvin, values, form="ln(sigma T)")
    energy, error, prefactor = PUBLISHED[part]
    # the conductivities are printed with four digits: 1e-4 of E, and a unit of the last digit of the error
    assert line.activation_energy.value == pytest.approx(energy, abs=1.5e-4)
    assert line.activation_energy.standard_error == pytest.approx(error, abs=1e-4)
    assert np.exp(line.log_prefactor.value) == pytest.approx(prefactor, rel=3e-3)


def own_errors(table: np.ndarray) -> np.ndarray:
    """The errors without the geometry's, which all temperatures share."""
    _, values, errors, _ = table.T
    return values * np.sqrt((errors / values) ** 2 - GEOMETRY**2)


@pytest.mark.parametrize(("part", "energy", "error"), [("Bulk", 0.597, 0.025), ("Gb", 0.889, 0.004)])
def test_energies_weighted_by_the_resistances_own_errors(
    part: str, energy: float, error: float, conductivities: dict[str, np.ndarray]
) -> None:
    table = conductivities[part]
    for scatter in (False, True):
        line = arrhenius.fit(table[:, 0], table[:, 1], own_errors(table), scatter=scatter)
        # the two-step numbers of an independent free fit of the spectra, to their printed digits
        assert line.activation_energy.value == pytest.approx(energy, abs=6e-4)
        assert line.activation_energy.standard_error == pytest.approx(error, abs=6e-4)
    published, uncertain = PUBLISHED[part][:2]
    assert abs(line.activation_energy.value - published) < np.hypot(uncertain, line.activation_energy.standard_error)
    assert line.p_value > 0.05


def test_seven_temperatures_show_no_break(conductivities: dict[str, np.ndarray]) -> None:
    table = conductivities["Gb"]
    assert not arrhenius.with_break(table[:, 0], table[:, 1], own_errors(table)).supported


def fitted(report: Path) -> np.ndarray:
    """(temperature, parameter R1 Q1 n1 R2 Q2 n2, value and error) of the report's fits."""
    text = (report / "Batch_EISfit_Report.txt").read_text(encoding="utf-8")
    blocks = re.split(r"Data_\d+K", text)[1:]
    return np.array(
        [[each.split() for each in re.findall(r"^[RQn]\d = +(\S+ +\S+)", block, re.MULTILINE)][:6] for block in blocks],
        dtype=float,
    )


def test_published_capacitances_are_those_of_the_through_film_formula(report: Path) -> None:
    parameters = fitted(report)
    text = (report / "Effective_Capacitance_Values.txt").read_text(encoding="utf-8")
    published = rows(text).reshape(2, 7, 4)
    for part in range(2):
        resistance, phase, exponent = (
            Measured(*parameters[:, 3 * part + k].T, unit) for k, unit in ((0, "ohm"), (1, "S*s^a"), (2, "1"))
        )
        found = physics.through_film_capacitance(resistance, phase, exponent)
        # n is printed to 5e-5, and d ln C/dn = -ln(RQ)/n^2 is 11 to 17; R and Q add 4e-4
        assert found.value == pytest.approx(published[part, :, 1], rel=2e-3)
        # their error is the sum of the relative errors, |dQ/Q| + |dn/n| + |dR/R|: no propagation
        summed = sum(parameters[:, 3 * part + k, 1] / parameters[:, 3 * part + k, 0] for k in range(3))
        assert published[part, :, 2] / published[part, :, 1] == pytest.approx(summed, rel=2e-3)


def test_correlation_of_the_fit_makes_the_capacitance_far_better_known(report: Path) -> None:
    parameters = fitted(report)[0, :3]
    correlation = np.array([[1.0, 0.800, -0.874], [0.800, 1.0, -0.987], [-0.874, -0.987, 1.0]])  # printed at 413 K
    covariance = correlation * np.outer(parameters[:, 1], parameters[:, 1])
    arc = [Measured(*each) for each in parameters]
    found = physics.through_film_capacitance(*arc, covariance=covariance)
    assert found.standard_error / found.value < 0.10  # published: 28 %; as if independent: 32 %
