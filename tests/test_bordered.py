"""Bordered block-tridiagonal matrices against dense ones: the Jacobian's blocks, eliminations, their derivatives."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Bordered, Shape, default_elimination, factorise, jacobian, shifted, solve

SHAPES = [Shape(*numbers) for numbers in [(4, 1, 0), (20, 1, 5), (7, 2, 1), (5, 3, 0), (12, 3, 4)]]
SMALL = [Shape(*numbers) for numbers in [(1, 1, 0), (1, 3, 2), (2, 2, 1), (3, 1, 1), (0, 1, 2)]]
ELIMINATIONS = [
    pytest.param(shape, elimination, id="{}x{}+{}-".format(*shape) + elimination)
    for shape in SHAPES + SMALL
    for elimination in ("lapack", "sequential", "cyclic_reduction")
    if elimination != "lapack" or shape.variables == 1
]


@functools.partial(jax.jit, static_argnames="elimination")
def solution(matrix, right, elimination):
    return solve(factorise(matrix, elimination), right)


def dense(blocks):
    """The dense matrix of these blocks; the corners outside the band hold what must be ignored."""
    n, m, p = blocks.column.shape
    matrix = np.zeros((n * m + p,) * 2, dtype=np.result_type(*(block.dtype for block in blocks)))
    for i in range(n):
        for block, j in ((blocks.lower, i - 1), (blocks.diagonal, i), (blocks.upper, i + 1)):
            if 0 <= j < n:
                matrix[i * m : (i + 1) * m, j * m : (j + 1) * m] = block[i]
    matrix[: n * m, n * m :] = np.asarray(blocks.column).reshape(n * m, p)
    matrix[n * m :, : n * m] = np.asarray(blocks.row).reshape(p, n * m)
    matrix[n * m :, n * m :] = blocks.corner
    return matrix


def random_blocks(shape, seed=0):
    """A diagonally dominant matrix of this structure: each row's diagonal exceeds the sum of the others by one."""
    n, m, p = shape
    draw = np.random.default_rng(seed).uniform
    sizes = ((n, m, m), (n, m, m), (n, m, m), (n, m, p), (p, n, m), (p, p))
    lower, diagonal, upper, column, row, corner = (draw(-1.0, 1.0, size) for size in sizes)
    inner = sum(np.abs(block).sum(axis=2) for block in (lower, diagonal, upper, column))
    outer = np.abs(row).sum(axis=(1, 2)) + np.abs(corner).sum(axis=1)
    diagonal = diagonal + (1.0 + inner)[:, :, None] * np.eye(m)
    corner = corner + np.diag(1.0 + outer)
    return Bordered(*map(jnp.asarray, (lower, diagonal, upper, column, row, corner)))


def random_function(shape, seed=0):
    """A nonlinear function whose nodes feel their neighbours and the border, and whose border feels everything."""
    n, m, _ = shape
    rng = np.random.default_rng(seed)
    weights = Bordered(*(jnp.asarray(rng.normal(size=block.shape)) for block in random_blocks(shape)))

    def function(state):
        nodes, border = state[: n * m].reshape(n, m), state[n * m :]
        before, after = jnp.roll(nodes, 1, axis=0), jnp.roll(nodes, -1, axis=0)
        before, after = before.at[:1].set(0.0), after.at[-1:].set(0.0)
        terms = (weights.lower, before), (weights.diagonal, nodes), (weights.upper, after)
        inner = sum(jnp.einsum("nij,nj->ni", weight, jnp.sin(value)) for weight, value in terms)
        inner = inner + nodes * before * after + (weights.column @ border) * (1.0 + nodes**2)
        outer = jnp.einsum("pnm,nm->p", weights.row, nodes**3) + jnp.tanh(weights.corner @ border) * jnp.sum(border**2)
        return jnp.concatenate([inner.reshape(-1), outer])

    return function, jnp.asarray(rng.normal(size=shape.size))


@pytest.mark.parametrize("shape", SHAPES + SMALL, ids=lambda shape: "{}x{}+{}".format(*shape))
def test_jacobian_is_the_dense_one(shape):
    """Both are exact derivatives of the same function: only the order of a few additions differs."""
    function, state = random_function(shape)
    blocks = jax.jit(lambda at: jacobian(function, at, shape))(state)
    np.testing.assert_allclose(dense(blocks), jax.jacfwd(function)(state), rtol=1e-12, atol=1e-12)


def test_shifted_is_the_matrix_of_an_implicit_step():
    shape = Shape(5, 2, 3)
    blocks, mass = random_blocks(shape), jnp.asarray(np.random.default_rng(1).uniform(size=13)).at[4].set(0.0)
    for scale in (3.0, 2.0j):
        expected = scale * np.diag(mass) - dense(blocks)
        np.testing.assert_allclose(dense(shifted(scale, mass, blocks, shape)), expected, rtol=1e-15)


@pytest.mark.parametrize(("shape", "elimination"), ELIMINATIONS)
def test_solution_is_that_of_the_dense_matrix(shape, elimination):
    """Diagonally dominant matrices of this size have condition numbers below 1e3, so 1e-12 is what rounding allows."""
    matrix = random_blocks(shape)
    right = jnp.asarray(np.random.default_rng(2).normal(size=shape.size))
    found = solution(matrix, right, elimination)
    np.testing.assert_allclose(found, np.linalg.solve(dense(matrix), right), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("elimination", ["sequential", "cyclic_reduction"])
@pytest.mark.parametrize("shape", [Shape(20, 1, 5), Shape(7, 3, 1)], ids=lambda shape: "{}x{}+{}".format(*shape))
def test_solution_at_a_frequency_is_that_of_the_dense_matrix(shape, elimination):
    """i omega M - J with some rows algebraic, over ten decades; J = -(dominant matrix), so no frequency is singular."""
    blocks = jax.tree.map(jnp.negative, random_blocks(shape))
    mass = jnp.asarray(np.random.default_rng(3).integers(0, 2, shape.size) * 1.0)
    right = jnp.asarray(np.random.default_rng(4).normal(size=shape.size) + 1j)

    @jax.jit
    @jax.vmap
    def response(omega):
        return solution(shifted(1j * omega, mass, blocks, shape), right, elimination)

    omegas = np.logspace(-5, 5, 11)
    expected = [np.linalg.solve(1j * omega * np.diag(mass) - dense(blocks), right) for omega in omegas]
    np.testing.assert_allclose(response(jnp.asarray(omegas)), expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("elimination", ["lapack", "sequential", "cyclic_reduction"])
def test_what_lies_outside_the_band_is_ignored(elimination):
    """The first node's lower and the last node's upper block couple to nothing: even NaN there must not matter."""
    matrix = random_blocks(Shape(6, 1, 2))
    spoilt = matrix._replace(lower=matrix.lower.at[0].set(jnp.nan), upper=matrix.upper.at[-1].set(jnp.nan))
    right = jnp.arange(8.0)
    np.testing.assert_array_equal(solution(spoilt, right, elimination), solution(matrix, right, elimination))


@pytest.mark.parametrize("elimination", ["lapack", "sequential", "cyclic_reduction"])
def test_border_rows_in_any_unit_give_the_same_solution(elimination):
    """Amperes beside mole fractions: rows of the border scaled by up to 1e30 to each other leave x as it is.

    The scales are powers of two, which round nothing, so that only the choice of pivots could differ: 1e-13.
    """
    matrix, right = random_blocks(Shape(6, 1, 3)), jnp.arange(1.0, 10.0)
    scale = jnp.array([2.0**-50, 1.0, 2.0**50])
    scaled = matrix._replace(row=matrix.row * scale[:, None, None], corner=matrix.corner * scale[:, None])
    found = solution(scaled, right.at[6:].multiply(scale), elimination)
    np.testing.assert_allclose(found, solution(matrix, right, elimination), rtol=1e-13)


@pytest.mark.parametrize("elimination", ["lapack", "sequential", "cyclic_reduction"])
def test_a_singular_matrix_gives_values_that_are_not_finite(elimination):
    """It raises nothing: in a batch only its own lane is spoilt."""
    lanes = jax.tree.map(lambda block: jnp.stack([block, 0.0 * block]), random_blocks(Shape(4, 1, 2)))
    regular, singular = jax.vmap(lambda blocks: solution(blocks, jnp.ones(6), elimination))(lanes)
    assert np.all(np.isfinite(regular))
    assert not np.any(np.isfinite(singular))


@pytest.mark.parametrize("elimination", ["lapack", "sequential", "cyclic_reduction"])
def test_a_batch_gives_each_lane_its_own_solution(elimination):
    """The same arithmetic in another order at most: 1e-13."""
    shape = Shape(5, 1 if elimination == "lapack" else 2, 2)
    lanes = [random_blocks(shape, seed) for seed in range(5)]
    right = jnp.asarray(np.random.default_rng(5).normal(size=(5, shape.size)))
    one = functools.partial(solution, elimination=elimination)
    together = jax.vmap(one)(jax.tree.map(lambda *blocks: jnp.stack(blocks), *lanes), right)
    np.testing.assert_allclose(together, [one(*lane) for lane in zip(lanes, right, strict=True)], rtol=1e-13)


@pytest.mark.parametrize("elimination", ["lapack", "sequential", "cyclic_reduction"])
def test_derivatives_of_the_solution(elimination):
    """dx = -A^-1 dA x forwards and backwards to rounding, and a Taylor test: what it leaves falls as the square."""
    shape = Shape(5, 1 if elimination == "lapack" else 2, 3)
    matrix, change = random_blocks(shape, 6), random_blocks(shape, 7)
    right = jnp.asarray(np.random.default_rng(8).normal(size=shape.size))

    @jax.jit
    def moved(parameter):
        return solution(jax.tree.map(lambda block, by: block + parameter * by, matrix, change), right, elimination)

    x, slope = jax.jvp(moved, (0.0,), (1.0,))
    exact = -np.linalg.solve(dense(matrix), dense(change) @ x)
    np.testing.assert_allclose(slope, exact, rtol=1e-11, atol=1e-13)
    np.testing.assert_allclose(jax.jacrev(moved)(0.0), exact, rtol=1e-11, atol=1e-13)
    remainders = [np.linalg.norm(moved(step) - x - step * slope) for step in (1e-2, 1e-3)]
    assert np.log10(remainders[0] / remainders[1]) == pytest.approx(2.0, abs=0.05)


def test_default_elimination_suits_the_nodes():
    """On a CPU LAPACK's solver holds one number per node; blocks need the elimination node by node."""
    if jax.default_backend() != "cpu":
        assert default_elimination(Shape(9, 1, 2)) == default_elimination(Shape(9, 2, 2)) == "cyclic_reduction"
    else:
        assert (default_elimination(Shape(9, 1, 2)), default_elimination(Shape(9, 2, 2))) == ("lapack", "sequential")
