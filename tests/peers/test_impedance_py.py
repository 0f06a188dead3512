"""Elements against those of impedance.py, where its formulas are the textbook's."""

from __future__ import annotations

import numpy as np
import pytest

from mossy.analysis.circuits import Circuit

elements = pytest.importorskip("impedance.models.circuits.elements")
FREQUENCY = np.logspace(-3, 6, 37)
PAIRS = {
    "R1": ("R", [7.0], [7.0]),
    "C1": ("C", [2e-6], [2e-6]),
    "L1": ("L", [3e-7], [3e-7]),
    "W1": ("W", [5.0], [5.0]),
    "Q1": ("CPE", [4e-5, 0.83], [4e-5, 0.83]),
    "Wo1": ("Wo", [50.0, 0.3], [50.0, 0.3]),
    "Ws1": ("Ws", [50.0, 0.3], [50.0, 0.3]),
    "G1": ("G", [50.0, 0.3], [50.0, 0.3]),
    "Z1": ("Zarc", [50.0, 2e-3, 0.77], [50.0, 2e-3, 0.77]),
    "line(R1,Q2)": ("TLMQ", [50.0, 1e-4, 0.85], [50.0, 1e-4, 0.85]),
}
"""This library's circuit -> impedance.py's element, its parameters, and ours."""


@pytest.mark.parametrize("text", PAIRS)
def test_element_has_the_values_of_impedance_py(text):
    """Two programs' rounding."""
    name, theirs, ours = PAIRS[text]
    expected = getattr(elements, name)(theirs, FREQUENCY)
    np.testing.assert_allclose(Circuit(text).impedance(FREQUENCY, ours), expected, rtol=1e-10)


def test_parallel_and_series_have_the_values_of_impedance_py():
    circuits = pytest.importorskip("impedance.models.circuits")
    values = [10.0, 100.0, 1e-6, 0.9, 300.0, 1e-4, 20.0]
    theirs = circuits.CustomCircuit("R0-p(R1,CPE1)-p(R2,C2)-W1", initial_guess=values).predict(FREQUENCY)
    ours = Circuit("R0-p(R1,Q1)-p(R2,C2)-W1").impedance(FREQUENCY, values)
    np.testing.assert_allclose(ours, theirs, rtol=1e-10)


def test_fit_has_the_minimum_and_the_errors_of_impedance_py_started_at_the_truth():
    """Its `weight_by_modulus` has our weights; its curve_fit takes finite differences: 1 % on errors."""
    circuits = pytest.importorskip("impedance.models.circuits")
    values, random = [10.0, 100.0, 1e-5, 0.9, 20.0], np.random.default_rng(0)
    circuit, frequency = Circuit("R0-p(R1,Q1)-W1"), np.logspace(5, -2, 45)
    clean = circuit.impedance(frequency, values)
    noise = random.standard_normal((2, 45))
    measured = clean + 0.003 * np.abs(clean) * (noise[0] + 1j * noise[1])
    theirs = circuits.CustomCircuit("R0-p(R1,CPE1)-W1", initial_guess=values)
    theirs.fit(frequency, measured, weight_by_modulus=True)
    ours = circuit.fit((frequency, measured))
    np.testing.assert_allclose(ours.values, theirs.parameters_, rtol=1e-4)
    np.testing.assert_allclose(np.sqrt(np.diagonal(ours.covariance)), theirs.conf_, rtol=0.01)
