"""Every element and combination of circuits against a form written here without the laws, and its limits."""

from __future__ import annotations

import cmath
import math

import numpy as np
import pytest

from mossy.analysis.circuits import Circuit
from mossy.analysis.circuits.elements import COMBINATIONS, ELEMENTS
from mossy.backend import jax, jnp
from mossy.laws import impedance_elements as laws
from mossy.laws.charge_transfer import butler_volmer
from mossy.laws.interphase import film_capacitance, film_resistance

FREQUENCY = np.logspace(-4, 7, 56)
EXACT = 1e-11
"""Relative: two exact forms of one impedance in double precision, apart by rounding (1e-14 seen)."""
GAS, FARADAY, VACUUM = 8.31446261815324, 96485.33212, 8.8541878128e-12
"""CODATA 2018: J/(mol K), C/mol, F/m."""


def beside(*impedances: complex) -> complex:
    """Impedances in parallel."""
    return 1.0 / sum(1.0 / z for z in impedances)


def tanh_over(square: complex) -> complex:
    """tanh(s)/s."""
    s = cmath.sqrt(square)
    return cmath.tanh(s) / s if s.real < 300.0 else 1.0 / s


FORMS = {
    "R": ([7.0], lambda s, r: complex(r)),
    "C": ([2e-6], lambda s, c: 1.0 / (s * c)),
    "L": ([3e-7], lambda s, inductance: s * inductance),
    "Q": ([4e-5, 0.83], lambda s, q, a: 1.0 / (q * s**a)),
    "Z": ([50.0, 2e-3, 0.77], lambda s, r, t, a: r / (1.0 + (s * t) ** a)),
    "H": ([50.0, 2e-3, 0.8, 0.6], lambda s, r, t, a, b: r / (1.0 + (s * t) ** a) ** b),
    "G": ([50.0, 0.3], lambda s, r, t: r / cmath.sqrt(1.0 + s * t)),
    "W": ([5.0], lambda s, a: a * math.sqrt(2.0) / cmath.sqrt(s)),
    "Ws": ([50.0, 0.3], lambda s, r, t: r * tanh_over(s * t)),
    "Wo": ([50.0, 0.3], lambda s, r, t: r / (s * t * tanh_over(s * t))),
    "P": (
        [40.0, 300.0, 1e-5, 2000.0, 1e-8],
        lambda s, rl, re, ce, rs, cs: beside(rs, 1.0 / (s * cs), rl + beside(re, 1.0 / (s * ce))),
    ),
    "T": (
        [90.0, 1e-6, 20.0, 300.0, 1e-4],
        lambda s, ri, ci, rl, rs, cs: beside(ri, 1.0 / (s * ci)) + beside(rl, rs, 1.0 / (s * cs)),
    ),
    "J": (
        [100.0, 30.0, 1e-2],
        lambda s, r1, r2, c: (r1 * r2 + r1**2 * tanh_over(0.25 * s * (r1 + r2) * c)) / (r1 + r2),
    ),
    "F": (
        [2e-8, 5e-7, 12.0, 2e-4],
        lambda s, d, sigma, eps, area: d / (sigma + s * VACUUM * eps) / area,
    ),
    "K": ([3.0, 2e-4, 310.0], lambda s, j0, area, t: complex(GAS * t / (FARADAY * j0 * area))),
}
"""Parameters of each element, and its impedance from s = i omega by plain complex numbers."""

ENDS = {
    "R": (lambda w, r: r, lambda w, r: r),
    "C": (lambda w, c: -1j / (w * c), lambda w, c: -1j / (w * c)),
    "L": (lambda w, inductance: 1j * w * inductance, lambda w, inductance: 1j * w * inductance),
    "Q": (None, None),
    "Z": (lambda w, r, t, a: r, lambda w, r, t, a: r * (w * t) ** -a * np.exp(-0.5j * math.pi * a)),
    "H": (lambda w, r, t, a, b: r, lambda w, r, t, a, b: r * (w * t) ** (-a * b) * np.exp(-0.5j * math.pi * a * b)),
    "G": (lambda w, r, t: r, lambda w, r, t: r * (1 - 1j) / np.sqrt(2 * w * t)),
    "W": (None, None),
    "Ws": (lambda w, r, t: r, lambda w, r, t: r * (1 - 1j) / np.sqrt(2 * w * t)),
    "Wo": (lambda w, r, t: r / 3 + r / (1j * w * t), lambda w, r, t: r * (1 - 1j) / np.sqrt(2 * w * t)),
    "P": (lambda w, rl, re, ce, rs, cs: rs * (rl + re) / (rs + rl + re), lambda w, *p: 1.0 / (1j * w * p[4])),
    "T": (
        lambda w, ri, ci, rl, rs, cs: ri + rl * rs / (rl + rs),
        lambda w, ri, ci, rl, rs, cs: (1.0 / ci + 1.0 / cs) / (1j * w),
    ),
    "J": (lambda w, r1, r2, c: r1, lambda w, r1, r2, c: r1 * r2 / (r1 + r2)),
    "F": (lambda w, d, sigma, eps, a: d / sigma / a, lambda w, d, sigma, eps, a: d / (1j * w * VACUUM * eps * a)),
    "K": (None, None),
}
"""Each element's asymptote at low and at high frequency, where it has one apart from itself."""


def test_every_element_and_combination_has_its_independent_form():
    assert set(FORMS) == set(ELEMENTS) == set(ENDS)
    assert set(LINES) == set(COMBINATIONS)


@pytest.mark.parametrize("symbol", FORMS)
def test_element_is_its_independent_form(symbol):
    values, form = FORMS[symbol]
    expected = [form(2j * math.pi * f, *values) for f in FREQUENCY]
    np.testing.assert_allclose(Circuit(f"{symbol}1").impedance(FREQUENCY, values), expected, rtol=EXACT)


@pytest.mark.parametrize("symbol", [symbol for symbol, ends in ENDS.items() if ends[0] is not None])
def test_element_tends_to_its_limits(symbol):
    """At 1e-24 and 1e24 Hz, where what is left out is below 1e-6 for the slowest, Havriliak-Negami's (w tau)^0.48."""
    values, _ = FORMS[symbol]
    for frequency, limit in zip((1e-24, 1e24), ENDS[symbol], strict=True):
        found = Circuit(f"{symbol}1").impedance(frequency, values)[0]
        assert found == pytest.approx(limit(2.0 * math.pi * frequency, *values), rel=1e-6)


def test_exponents_turn_elements_into_each_other():
    w = jnp.asarray(2.0 * np.pi * FREQUENCY)
    same = [
        (laws.constant_phase(w, 2e-6, 1.0), laws.capacitor(w, 2e-6)),
        (laws.constant_phase(w, 0.25, 0.0), laws.resistor(w, 4.0)),
        (laws.constant_phase(w, 0.25, 0.5), laws.warburg(w, 4.0 / math.sqrt(2.0))),
        (laws.zarc(w, 5.0, 0.1, 1.0), 1.0 / (1.0 / 5.0 + 1.0 / laws.capacitor(w, 0.02))),
        (laws.zarc(w, 5.0, 0.1, 0.8), 1.0 / (1.0 / 5.0 + 1.0 / laws.constant_phase(w, 0.1**0.8 / 5.0, 0.8))),
        (laws.havriliak_negami(w, 5.0, 0.1, 0.8, 1.0), laws.zarc(w, 5.0, 0.1, 0.8)),
        (laws.havriliak_negami(w, 5.0, 0.1, 1.0, 0.5), laws.gerischer(w, 5.0, 0.1)),
    ]
    for left, right in same:
        np.testing.assert_allclose(left, right, rtol=EXACT)


def test_arc_has_its_top_at_its_time_constant():
    """omega tau = 1: Z = R/2 - i R/2 tan(pi a/4), which elementary trigonometry gives."""
    z = complex(laws.zarc(1.0 / 3e-4, 8.0, 3e-4, 0.7))
    assert z == pytest.approx(4.0 - 4.0j * math.tan(0.25 * math.pi * 0.7), rel=EXACT)


def test_film_is_that_of_the_cell_simulator():
    d, sigma, eps, area = FORMS["F"][0]
    r, c = float(film_resistance(d, sigma)) / area, float(film_capacitance(d, eps)) * area
    expected = Circuit("p(R1,C1)").impedance(FREQUENCY, [r, c])
    np.testing.assert_allclose(Circuit("F1").impedance(FREQUENCY, FORMS["F"][0]), expected, rtol=EXACT)


def test_charge_transfer_is_the_slope_of_the_cell_simulators_law():
    """A difference of the current over -1 and 1 uV: its own error is (F dV/RT)^2/6, 2e-10."""
    j0, area, temperature = FORMS["K"][0]
    above, below = (float(butler_volmer(eta, j0, temperature=temperature)) for eta in (1e-6, -1e-6))
    found = Circuit("K1").impedance(1.0, FORMS["K"][0])[0]
    assert found.imag == 0.0
    assert found.real == pytest.approx(2e-6 / (above - below) / area, rel=1e-8)


@pytest.mark.parametrize("symbol", FORMS)
def test_derivatives_are_finite_from_microhertz_to_terahertz(symbol):
    values, _ = FORMS[symbol]
    omega = jnp.logspace(-6, 12, 37)
    slopes = jax.jacfwd(lambda p: ELEMENTS[symbol].law(omega, *p))(jnp.asarray(values))
    assert np.all(np.isfinite(slopes))


def nodes(first: complex, second: complex, wall: complex, ends: str, count: int, last: complex = math.inf) -> complex:
    """Two rails of `count` links with the wall in parts between them, by nodal analysis (no hyperbolic function).

    `ends`: "front" in by the first rail, out by the second at the front; "across" out by the second at the back;
    "through" in and out by the first. `last`: an impedance between the rails at the back.
    """
    total = 2 * (count + 1)
    matrix = np.zeros((total, total), dtype=complex)

    def link(a: int, b: int, admittance: complex) -> None:
        matrix[[a, b], [a, b]] += admittance
        matrix[[a, b], [b, a]] -= admittance

    for k in range(count):
        link(k, k + 1, count / first)
        link(count + 1 + k, count + 2 + k, count / second)
    for k in range(count + 1):
        link(k, count + 1 + k, (0.5 if k in (0, count) else 1.0) / (count * wall))
    link(count, 2 * count + 1, 1.0 / last)
    out = {"front": count + 1, "across": 2 * count + 1, "through": count}[ends]
    current = np.zeros(total, dtype=complex)
    current[0] = 1.0
    kept = np.delete(np.arange(total), out)
    return complex(np.linalg.solve(matrix[np.ix_(kept, kept)], current[kept])[0])


def refined(*arguments: complex | str, **options: complex) -> complex:
    """`nodes` of 150 and 300 links, extrapolated: the error falls from second to fourth order."""
    coarse, fine = (nodes(*arguments, count, **options) for count in (150, 300))  # type: ignore[arg-type]
    return fine + (fine - coarse) / 3.0


def wall_of(s: complex) -> complex:
    """A resistor of 300 ohm beside a constant phase element."""
    return beside(300.0, FORMS["Q"][1](s, 1e-4, 0.85))


LINES = {
    "p": [("p(R1,C1,Q1)", [5.0, 1e-3, 1e-2, 0.6], lambda s: beside(5.0, 1e3 / s, 1.0 / (1e-2 * s**0.6)))],
    "sym": [("sym(R1-C1)", [5.0, 1e-3], lambda s: 10.0 + 2e3 / s)],
    "line": [
        ("line(R1,p(R2,Q2))", [50.0, 300.0, 1e-4, 0.85], lambda s: refined(50.0, 1e-9, wall_of(s), "front")),
        (
            "line(R1,p(R2,Q2),R3-C3)",
            [50.0, 300.0, 1e-4, 0.85, 20.0, 1e-3],
            lambda s: refined(50.0, 1e-9, wall_of(s), "front", last=20.0 + 1e3 / s),
        ),
    ],
    "rails": [
        ("rails(R1,R4,p(R2,Q2))", [50.0, 10.0, 300.0, 1e-4, 0.85], lambda s: refined(50.0, 10.0, wall_of(s), "across")),
        (
            "rails(p(R1,C1),R4,p(R2,Q2))",
            [50.0, 1e-4, 10.0, 300.0, 1e-4, 0.85],
            lambda s: refined(beside(50.0, 1e4 / s), 10.0, wall_of(s), "across"),
        ),
    ],
    "dead": [
        ("dead(R1,R4,p(R2,Q2))", [50.0, 10.0, 300.0, 1e-4, 0.85], lambda s: refined(50.0, 10.0, wall_of(s), "through"))
    ],
}
"""Each combination: circuits, values, and their impedance by plain numbers or nodal analysis."""


@pytest.mark.parametrize(("text", "values", "form"), [case for cases in LINES.values() for case in cases])
def test_combination_is_its_independent_form(text, values, form):
    """Up to 2 kHz, where a link of the nodal analysis is still shorter than the decay along the line: 1e-6 is what is
    left of its fourth-order error.
    """
    frequency = np.logspace(-3, 3.3, 15)
    expected = [form(2j * math.pi * f) for f in frequency]
    np.testing.assert_allclose(Circuit(text).impedance(frequency, values), expected, rtol=1e-6)


def test_lines_at_their_ends():
    """Exact limits: de Levie's R/3 + wall, the rails side by side at high frequency, pores alone at low."""
    line = Circuit("line(R1,C1)").impedance(1e-9, [30.0, 1e-3])[0]
    assert line.real == pytest.approx(10.0, rel=1e-6)
    rails = Circuit("rails(R1,R2,C1)").impedance(1e14, [30.0, 60.0, 1e-3])[0]
    assert rails == pytest.approx(20.0, rel=1e-6)
    dead = Circuit("dead(R1,R2,C1)")
    assert dead.impedance(1e-9, [30.0, 60.0, 1e-3])[0] == pytest.approx(30.0, rel=1e-6)
    assert dead.impedance(1e15, [30.0, 60.0, 1e-3])[0] == pytest.approx(20.0, rel=1e-6)
