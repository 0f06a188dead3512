"""The ladder engine against closed forms, matrix exponentials, its own order, and derivatives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm

from mossy.backend import jax, jnp
from mossy.errors import InputError
from mossy.laws.porous_layer import porous_layer_impedance
from mossy.numerics import ladder

OMEGA = 2.0 * np.pi * np.logspace(-3, 6, 91)
"""1 mHz to 1 MHz, rad/s."""
EXACT = 1e-12
"""Relative; the engine is exact but for rounding, met at 1e-15 for two rails: a hundred times what was seen."""


def two_rails(omega, first, second, capacitance, left=(0.0, math.inf), right=(math.inf, 0.0)):
    line = ladder.uniform(1.0, ladder.rails(first, second), ladder.branches(2, {(0, 1): 1j * omega * capacitance}))
    return ladder.impedance(line, ladder.end(*left), ladder.end(*right))


def bisquert(omega, first, second, capacitance):
    """The two-rail line of Bisquert in its textbook form, hyperbolic functions by decaying exponentials."""
    r = first + second
    s = np.sqrt(1j * omega * capacitance * r)
    decay = np.exp(-2.0 * s)
    coth, csch = -(1.0 + decay) / np.expm1(-2.0 * s), -2.0 * np.exp(-s) / np.expm1(-2.0 * s)
    return first * second / r * (1.0 + 2.0 * csch / s) + (first**2 + second**2) / r * coth / s


def from_chain_matrix(chain, left, right):
    """The impedance from the whole chain matrix: all 2 n unknowns at the left end and the voltage, solved at once."""
    n = chain.shape[0] // 2
    one = np.eye(n)
    (hold, carry, cross), (far_hold, far_carry, far_cross) = (
        (np.diag(each.hold), np.diag(each.carry), np.asarray(each.cross)) for each in (left, right)
    )
    near = np.hstack([hold + carry @ cross, carry @ one, -np.diag(hold)[:, None]])
    end = np.hstack([far_hold + far_carry @ far_cross, -far_carry]) @ chain
    matrix = np.vstack(
        [near, np.hstack([end, np.zeros((n, 1))]), np.hstack([np.zeros(n), np.ones(n), [0.0]])[None]]
    ).astype(complex)
    return np.linalg.solve(matrix, np.eye(2 * n + 1)[-1])[-1]


def coupled_three_rails(omega=3.0):
    """Three rails, one pair coupled along the line, ends with every kind of link."""
    z = np.diag([2.0, 0.7, 1.3]).astype(complex)
    z[0, 1] = z[1, 0] = 0.4 + 0.1j * omega
    y = ladder.branches(3, {(0, 1): 1.0 + 2j * omega, (1, 2): 0.5j * omega, (0, 2): 0.3})
    left = ladder.end(0.0, 2.0 + 1j, math.inf, cross=ladder.branches(3, {(1, 2): 0.2j * omega}))
    right = ladder.end(math.inf, 3.0, 0.5, cross=ladder.branches(3, {(0, 1): 4.0}))
    return z, y, left, right


@pytest.mark.parametrize(("first", "second"), [(1.0, 0.0), (2.0, 3.0), (1e3, 1e-3), (1e-3, 1e3)])
@pytest.mark.parametrize("capacitance", [1e-12, 1e-6, 1.0, 1e4])
def test_two_rails_meet_the_closed_form_from_far_shorter_to_far_longer_than_the_decay_length(
    first, second, capacitance
):
    """L/lambda from 1e-7 to 8e6; a reference rail a million times worse than the other costs some digits, as said."""
    found = np.asarray(two_rails(OMEGA, first, second, capacitance))
    tolerance = EXACT if second < 1e6 * first else 1e-10
    np.testing.assert_allclose(found, bisquert(OMEGA, first, second, capacitance), rtol=tolerance)


@pytest.mark.parametrize("length", [1e-3, 1.0, 6.0])
def test_coupled_rails_with_linked_ends_meet_the_matrix_exponential(length):
    """|Z Y|^(1/2) L up to 40, where the exponential of the chain matrix has lost eight digits of its sixteen."""
    z, y, left, right = coupled_three_rails()
    zero = np.zeros((3, 3))
    chain = expm(-length * np.block([[zero, z], [np.asarray(y), zero]]))
    found = ladder.impedance(ladder.uniform(length, z, y), left, right)
    assert abs(found / from_chain_matrix(chain, left, right) - 1.0) < (1e-12 if length <= 1.0 else 1e-6)


def test_cells_of_any_length_joined_are_the_whole_line():
    z, y, left, right = coupled_three_rails()
    lengths = jnp.asarray([0.01, 2.0, 0.3, 0.69])
    cells = jax.vmap(lambda length: ladder.uniform(length, z, y))(lengths)
    joined, whole = ladder.chain(cells), ladder.uniform(3.0, z, y)
    for part, other in zip(joined, whole, strict=True):
        np.testing.assert_allclose(part, other, rtol=1e-12, atol=1e-14)
    assert abs(ladder.impedance(joined, left, right) / ladder.impedance(whole, left, right) - 1.0) < EXACT


def graded_properties(x):
    z = ladder.rails(1.0 + 2.0 * x, jnp.exp(-x), 0.5)
    return z, ladder.branches(3, {(0, 1): (3.0 + 4j) * (1.0 - 0.5 * x), (1, 2): 2j, (0, 2): 0.1 + x**2})


def graded_line(cells):
    return ladder.graded(
        jnp.linspace(0.0, 1.0, cells + 1), lambda x: graded_properties(x)[0], lambda x: graded_properties(x)[1]
    )


def test_a_graded_line_converges_at_second_order_and_at_fourth_when_extrapolated():
    """Against the chain matrix integrated along the line by an eighth-order method, good to 1e-12."""
    _, _, left, right = coupled_three_rails()
    zero = np.zeros((3, 3))

    def slope(x, flat):
        z, y = (np.asarray(each) for each in graded_properties(x))
        return (-np.block([[zero, z], [y, zero]]) @ flat.reshape(6, 6)).ravel()

    chain = solve_ivp(slope, (0.0, 1.0), np.eye(6, dtype=complex).ravel(), method="DOP853", rtol=1e-12, atol=1e-13)
    truth = from_chain_matrix(chain.y[:, -1].reshape(6, 6), left, right)
    found = np.array([complex(ladder.impedance(graded_line(n), left, right)) for n in (8, 16, 32)])
    errors = np.abs(found - truth)
    assert np.all(np.abs(np.log2(errors[:-1] / errors[1:]) - 2.0) < 0.05)
    finer = np.abs((4.0 * found[1:] - found[:-1]) / 3.0 - truth)
    assert abs(np.log2(finer[0] / finer[1]) - 4.0) < 0.3


def test_a_line_turned_round_has_the_same_impedance():
    """Reciprocity: properties and ends mirrored, the current sent in at the other terminal."""
    _, _, left, right = coupled_three_rails()
    edges = jnp.linspace(0.0, 1.0, 33)
    mirrored = ladder.graded(edges, lambda x: graded_properties(1.0 - x)[0], lambda x: graded_properties(1.0 - x)[1])
    forth, back = ladder.impedance(graded_line(32), left, right), ladder.impedance(mirrored, right, left)
    assert abs(back / forth - 1.0) < EXACT


def test_which_rail_is_the_reference_does_not_matter():
    z, y, left, right = coupled_three_rails()
    order = np.array([2, 0, 1])
    turned = [ladder.End(e.hold[order], e.carry[order], e.cross[order][:, order]) for e in (left, right)]
    other = ladder.impedance(ladder.uniform(2.0, z[order][:, order], y[order][:, order]), *turned)
    assert abs(other / ladder.impedance(ladder.uniform(2.0, z, y), left, right) - 1.0) < EXACT


@pytest.mark.parametrize("strong", [7.0, 7e3, 7e6, 7e9])
@pytest.mark.parametrize("capacitance", [1e-6, 0.1])
def test_a_rail_split_in_two_joined_ones_changes_nothing(strong, capacitance):
    """Two rails of twice the resistance side by side, with half the branch each, are the one rail they came from.

    The branch that joins them is up to 1e18 times the others; one of the two is the reference.
    """
    whole = two_rails(OMEGA, 2.0, 3.0, capacitance)
    half = 0.5j * OMEGA * capacitance
    line = ladder.uniform(
        1.0, ladder.rails(3.0, 4.0, 4.0), ladder.branches(3, {(0, 1): half, (0, 2): half, (1, 2): strong})
    )
    split = ladder.impedance(line, ladder.end(math.inf, 0.0, 0.0), ladder.end(0.0, math.inf, math.inf))
    np.testing.assert_allclose(split, whole, rtol=1e-11)


def test_wide_lines_take_all_frequencies_spectra_and_rails_at_once():
    first, capacitance = np.array([[1.0], [2.0], [30.0]]), np.array([[1e-5], [1e-2], [10.0]])
    together = two_rails(OMEGA, first, 0.5, capacitance)
    one_by_one = jax.vmap(lambda r, c: two_rails(OMEGA, r, 0.5, c))(first[:, 0], capacitance[:, 0])
    assert together.shape == (3, OMEGA.size)
    np.testing.assert_allclose(together, one_by_one, rtol=1e-13)


def test_the_ladder_is_the_porous_layer_of_the_cell_simulator():
    """Walls, tops of the solid and ends of the pores that all exchange: `porous_layer_impedance` to 1e-8."""
    y = 1.0 / 5e-3 + 1j * OMEGA * 0.02
    layer = dict(pore_resistivity=2.0, solid_resistivity=2e5, wall_area=1e7, top_area=0.4, bottom_area=0.6)
    expected = porous_layer_impedance(1e-6, wall_admittance=y, **layer)
    line = ladder.uniform(
        1e-6,
        ladder.rails(layer["pore_resistivity"], layer["solid_resistivity"]),
        ladder.branches(2, {(0, 1): layer["wall_area"] * y}),
    )
    ends = [ladder.branches(2, {(0, 1): layer[name] * y}) for name in ("top_area", "bottom_area")]
    found = ladder.impedance(line, ladder.end(0.0, math.inf, cross=ends[0]), ladder.end(math.inf, 0.0, cross=ends[1]))
    np.testing.assert_allclose(found, expected, rtol=1e-10)


@pytest.mark.parametrize("capacitance", [1e-9, 1e-2, 1e5])
def test_derivatives_forward_and_backward_are_those_of_the_closed_form(capacitance):
    """At L/lambda from 1e-5 to 2e6; the reference is a complex-free central difference of fourth order, 1e-9."""
    omega = OMEGA[::10]

    def both(p):
        z = two_rails(omega, p[0], p[1], p[2])
        return jnp.concatenate([z.real, z.imag])

    point = np.array([2.0, 3.0, capacitance])
    forward, backward = jax.jacfwd(both)(point), jax.jacrev(both)(point)
    assert np.all(np.isfinite(forward))
    np.testing.assert_allclose(backward, forward, rtol=1e-9, atol=1e-12 * np.abs(forward).max())

    def textbook(p):
        z = bisquert(omega, *p)
        return np.concatenate([z.real, z.imag])

    size = np.hypot(*np.split(textbook(point), 2))
    for k in range(3):
        step = 1e-3 * point[k] * np.eye(3)[k]
        odd = [textbook(point + n * step) - textbook(point - n * step) for n in (1, 2)]
        slope = (8.0 * odd[0] - odd[1]) / (12.0 * 1e-3 * point[k])
        gap = np.hypot(*np.split(np.asarray(forward[:, k]) - slope, 2)) * point[k]
        assert np.all(gap < 1e-9 * size)


def test_deep_coupled_lines_have_finite_values_and_derivatives():
    """L/lambda of 1e8: chain matrices would hold e^(1e8)."""
    z, y, left, right = coupled_three_rails()
    value, slopes = jax.value_and_grad(
        lambda p: ladder.impedance(ladder.uniform(p[0], p[1] * z, p[2] * y), left, right).real
    )(jnp.array([1e4, 1e4, 1e4]))
    assert np.isfinite(value)
    assert np.all(np.isfinite(slopes))


def test_misuse_is_named():
    line = ladder.uniform(1.0, ladder.rails(1.0, 2.0), ladder.branches(2, {(0, 1): 1.0}))
    with pytest.raises(InputError, match="closes 3 rails, the line has 2"):
        ladder.impedance(line, ladder.end(0.0, 0.0, 0.0), ladder.end(0.0, 0.0))
    with pytest.raises(InputError, match="every rail is open"):
        ladder.end(math.inf, math.inf)
    with pytest.raises(InputError, match="no branch joins rail 0 and rail 2 of 2"):
        ladder.branches(2, {(0, 2): 1.0})
    with pytest.raises(InputError, match="not both"):
        ladder.uniform(1.0, ladder.rails(1.0, 2.0), ladder.branches(3, {(0, 1): 1.0}))
