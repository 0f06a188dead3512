"""The order of Rodas5P measured on exact problems, and its stability."""

from __future__ import annotations

import functools

import numpy as np
import pytest

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Shape
from mossy.numerics.rosenbrock import ORDER, interpolate, rosenbrock_step
from validation_problems import EXACT, Decay, Kaps, ProtheroRobinson, Volterra

ELIMINATIONS = ("lapack", "sequential", "cyclic_reduction")
CASES = [
    pytest.param(problem, elimination, id=f"{type(problem).__name__}-{elimination}")
    for problem in EXACT
    for elimination in ELIMINATIONS
    if elimination != "lapack" or problem.shape.variables == 1
]
THETAS = (0.3, 0.7)  # inside a step, off its symmetric points


@functools.partial(jax.jit, static_argnames="elimination")
def one_step(problem, time, state, length, elimination="sequential"):
    function = functools.partial(problem.residual, control=None)
    step = rosenbrock_step(function, time, state, length, problem.mass(), problem.shape, elimination)
    inside = jnp.stack([interpolate(step.start, step.end, step.dense, theta) for theta in THETAS])
    return step.end, inside, step.error


def largest_errors(problem, count, elimination="sequential"):
    """The largest error of the solution at the ends of `count` equal steps over the horizon, and inside them."""
    length = problem.horizon / count
    state, ends, insides = problem.exact(0.0), [], []
    for k in range(count):
        state, inside, _ = one_step(problem, k * length, state, length, elimination)
        ends.append(np.max(np.abs(state - problem.exact((k + 1) * length))))
        exact = [problem.exact((k + theta) * length) for theta in THETAS]
        insides.append(np.max(np.abs(inside - jnp.stack(exact))))
    return np.array([max(ends), max(insides)])


def measured(coarse, fine):
    """The order seen when steps are halved."""
    return np.log2(coarse / fine)


@pytest.mark.parametrize(("problem", "elimination"), CASES)
def test_order_of_the_step_and_of_its_dense_output(problem, elimination):
    """At least 5 at the ends of steps, 4 inside (5 where nothing is algebraic).

    The tolerance of 0.2 is what the next term of the error leaves at these step lengths: halved once more, the step's
    orders become 4.94 (Volterra), 4.98 (forced lattice), 5.9 (Kaps), 4.9 (discharge) and 5.04 (Prothero-Robinson).
    """
    coarse, fine = (
        largest_errors(problem, count, elimination) for count in (problem.fixed_steps // 2, problem.fixed_steps)
    )
    ends, inside = measured(coarse, fine)
    assert ends > ORDER - 0.2
    assert inside > (4.0 if 0.0 in problem.mass() else 5.0) - 0.2


def test_estimated_error_is_that_of_the_embedded_method_of_order_four():
    """It falls as h^5, and stays above the true error of one step, h^6: what step control relies on."""
    problem, lengths = Volterra(), (0.02, 0.01)
    estimates, true = [], []
    for length in lengths:
        end, _, error = one_step(problem, 0.0, problem.exact(0.0), length)
        estimates.append(np.max(np.abs(error)))
        true.append(np.max(np.abs(end - problem.exact(length))))
    assert measured(*estimates) == pytest.approx(5.0, abs=0.2)
    assert measured(*true) == pytest.approx(6.0, abs=0.4)
    assert true[1] < 0.1 * estimates[1]


@pytest.mark.parametrize("power", [1, 2, 3, 4, 5])
def test_a_polynomial_right_hand_side_is_integrated_exactly(power):
    """dy/dt = k t^(k-1) gives t^k: a method of order 5 up to k = 5, its dense output and its embedded method up to 4.

    The coefficients are printed to 16 digits and reach 147, hence 1e-13.
    """
    step = rosenbrock_step(
        lambda time, _: power * time ** (power - 1) * jnp.ones(1),
        jnp.asarray(0.5),
        jnp.array([0.5**power]),
        jnp.asarray(1.0),
        jnp.ones(1),
        Shape(1, 1, 0),
        "sequential",
    )
    assert step.end[0] == pytest.approx(1.5**power, rel=1e-13)
    if power < 5:
        inside = [interpolate(step.start, step.end, step.dense, theta)[0] for theta in THETAS]
        np.testing.assert_allclose(inside, [(0.5 + theta) ** power for theta in THETAS], rtol=1e-13)
        assert abs(step.error[0]) < 1e-12


@pytest.mark.parametrize("elimination", ELIMINATIONS)
def test_l_stable(elimination):
    """R(z) falls as 1/z: a thousand times stiffer leaves a thousandth. The dense output stays below the start."""
    (slow, inside, _), (fast, _, _) = (
        one_step(Decay(rate), 0.0, jnp.ones(1), 1.0, elimination) for rate in (1e9, 1e12)
    )
    assert abs(slow[0]) < 2e-8
    assert slow[0] / fast[0] == pytest.approx(1e3, rel=1e-5)  # R's next term is smaller by a few hundred / 1e9
    assert np.max(np.abs(inside)) < 0.5


def test_a_stable():
    """|R(iy)| <= 1, to rounding, on the imaginary axis: dy/dt = i rate y as the two components of a node."""

    @jax.jit
    @jax.vmap
    def modulus(rate):
        def rotation(_, state):
            return rate * jnp.stack([-state[1], state[0]])

        one = jnp.asarray(1.0)
        step = rosenbrock_step(rotation, one, jnp.array([1.0, 0.0]), one, jnp.ones(2), Shape(1, 2, 0), "sequential")
        return jnp.hypot(*step.end)

    assert np.all(modulus(jnp.logspace(-3, 6, 1000)) <= 1.0 + 1e-13)


@pytest.mark.parametrize("rate", [1e4, 1e6, 1e9])
def test_stiffness_does_not_spoil_the_smooth_solution(rate):
    """Prothero-Robinson: the order falls to 3 at the ends of steps and 4 inside, but the stiffness divides the former.

    At a rate of 1e9 the error at the ends has met rounding, so its order is not asked for.
    """
    problem = ProtheroRobinson(rate)
    coarse, fine = largest_errors(problem, 8), largest_errors(problem, 16)
    length = problem.horizon / 16
    assert fine[0] < 10.0 * length**3 / rate
    assert fine[1] < length**4
    if rate < 1e9:
        assert np.all(measured(coarse, fine) > (2.9, 3.9))


@pytest.mark.parametrize(
    ("problem", "shapes"),
    [(Volterra(), [(6, 1, 0), (3, 2, 0), (2, 2, 2), (0, 1, 6)]), (Kaps(), [(1, 2, 0), (0, 1, 2)])],
    ids=["Volterra", "Kaps"],
)
def test_the_structure_declared_does_not_change_the_step(problem, shapes):
    """The same equations, cut into nodes and border in several ways, step alike: to rounding, amplified by 147."""
    function, start = functools.partial(problem.residual, control=None), problem.exact(0.0)

    def step(shape):
        return rosenbrock_step(function, 0.0, start, jnp.asarray(0.1), problem.mass(), Shape(*shape), "sequential")

    first, *others = (jax.jit(functools.partial(step, shape))() for shape in shapes)
    for other in others:
        np.testing.assert_allclose(other.end, first.end, rtol=1e-13)
        np.testing.assert_allclose(other.dense, first.dense, rtol=1e-11, atol=1e-12)
