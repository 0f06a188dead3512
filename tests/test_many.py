"""Many small least-squares problems at once: known answers, bounds, broken lanes, many starts, and SciPy's minima."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize

from mossy.backend import jax, jnp
from mossy.numerics.many import CHUNK, _solve, kernel_of, linearised_at, minimise, padded


def linearised(residual):
    """The kernel of one lane's residual."""
    return kernel_of(lambda x, data: (residual(x, data), jax.jacfwd(residual)(x, data).T))


def rosenbrock(x, data):
    (scale,) = data
    return jnp.array([1.0 - x[0], scale[0] * (x[1] - x[0] ** 2)])


def decay(x, data):
    time, value = data
    return x[0] * jnp.exp(-x[1] * time) + x[2] - value


def waves(x, data):
    """One unknown, many minima: sin(x) has the phase of the data at x = target, and a weak pull towards 2."""
    (target,) = data
    return jnp.array([jnp.sin(x[0]) - jnp.sin(target[0]), jnp.cos(x[0]) - jnp.cos(target[0]), 0.05 * (x[0] - 2.0)])


KERNELS = {each.__name__: linearised(each) for each in (rosenbrock, decay, waves)}
WIDE = np.array([-10.0, -10.0]), np.array([10.0, 10.0])


def solve(name, starts, data, bounds, **options):
    starts = np.asarray(starts, dtype=float)
    starts = starts[:, None, :] if starts.ndim == 2 else starts
    return minimise(KERNELS[name], starts, data, *bounds, **options)


def test_rosenbrock_from_many_places_ends_at_one_one():
    """More lanes than one chunk holds, and a last chunk that is not full; the minimum is exactly (1, 1), cost 0."""
    random = np.random.default_rng(0)
    starts = random.uniform(-2.0, 2.0, (CHUNK + 7, 2))
    found = solve("rosenbrock", starts, (np.full((len(starts), 1), 10.0),), WIDE, maximum_iterations=300)
    np.testing.assert_allclose(found.values, 1.0, atol=1e-6)
    assert np.all(found.cost < 1e-12)
    assert not found.held.any()
    assert np.all(found.evaluations > 1)


@pytest.mark.parametrize(
    ("lower", "upper", "answer"),
    [
        ([-10.0, -10.0], [0.5, 10.0], [0.5, 0.25]),
        ([-10.0, -10.0], [10.0, 0.25], None),
        ([1.5, -10.0], [10.0, 10.0], [1.5, 2.25]),
        ([-10.0, 2.0], [10.0, 10.0], None),
        ([0.3, 0.3], [0.3, 0.3], [0.3, 0.3]),
    ],
)
def test_bounds_that_bind_hold_the_minimum_of_scipy(lower, upper, answer):
    """The valley y = x^2 cut off by one bound: (1/2, 1/4) by hand; where both coordinates share, SciPy says where."""
    bounds = np.array(lower), np.array(upper)
    start = np.clip([[0.0, 1.0]], *bounds)
    found = solve("rosenbrock", start, (np.full((1, 1), 10.0),), bounds, maximum_iterations=300, tolerance=1e-13)
    if answer is None:
        answer = optimize.least_squares(
            lambda x: [1.0 - x[0], 10.0 * (x[1] - x[0] ** 2)],
            start[0],
            bounds=bounds,
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        ).x
    np.testing.assert_allclose(found.values[0], answer, atol=1e-5)
    at = (found.values[0] <= bounds[0]) | (found.values[0] >= bounds[1])
    np.testing.assert_array_equal(found.held[0], at)
    assert np.all((found.values[0] >= bounds[0]) & (found.values[0] <= bounds[1]))


def decays(lanes, noise=0.01, seed=1):
    random = np.random.default_rng(seed)
    truth = np.stack([random.uniform(1, 5, lanes), random.uniform(0.3, 3, lanes), random.uniform(-1, 1, lanes)], axis=1)
    time = np.broadcast_to(np.linspace(0.0, 5.0, 24), (lanes, 24))
    value = truth[:, :1] * np.exp(-truth[:, 1:2] * time) + truth[:, 2:]
    return truth, (time.copy(), value + noise * random.standard_normal(value.shape))


FREE = np.array([0.0, 0.0, -5.0]), np.array([50.0, 50.0, 5.0])


def test_every_lane_has_the_minimum_and_the_curvature_of_scipy():
    truth, data = decays(40)
    found = solve("decay", np.tile([1.0, 1.0, 0.0], (40, 1)), data, FREE, maximum_iterations=200, tolerance=1e-13)
    assert found.converged.all()
    for lane in range(40):
        peer = optimize.least_squares(
            lambda x, lane=lane: x[0] * np.exp(-x[1] * data[0][lane]) + x[2] - data[1][lane],
            truth[lane],
            xtol=1e-15,
            ftol=1e-15,
            gtol=1e-15,
        )
        np.testing.assert_allclose(found.values[lane], peer.x, rtol=1e-5, atol=1e-6)
        assert found.cost[lane] == pytest.approx(2.0 * peer.cost, rel=1e-9)
        np.testing.assert_allclose(found.normal[lane], peer.jac.T @ peer.jac, rtol=1e-4)


def test_lanes_do_not_know_of_each_other():
    _, data = decays(CHUNK + 3)
    starts = np.tile([1.0, 1.0, 0.0], (CHUNK + 3, 1))
    whole = solve("decay", starts, data, FREE)
    few = solve("decay", starts[60:], tuple(each[60:] for each in data), FREE)
    np.testing.assert_array_equal(whole.values[60:], few.values)
    np.testing.assert_array_equal(whole.cost[60:], few.cost)


def test_a_lane_of_nan_or_overflow_ends_with_cost_infinity_and_leaves_the_others():
    _, data = decays(4)
    sound = solve("decay", np.tile([1.0, 1.0, 0.0], (4, 1)), data, FREE)
    data[1][1, 3] = np.nan
    data[0][2] = -1e4  # exp(1e4) is not finite
    mixed = solve("decay", np.tile([1.0, 1.0, 0.0], (4, 1)), data, FREE)
    assert np.isinf(mixed.cost[[1, 2]]).all()
    assert not mixed.converged[[1, 2]].any()
    np.testing.assert_array_equal(mixed.values[[0, 3]], sound.values[[0, 3]])


def test_a_start_without_a_finite_residual_does_not_spoil_a_better_one():
    _, data = decays(1)
    starts = np.array([[[np.nan, 1.0, 0.0], [1.0, 1.0, 0.0]]])
    found = solve("decay", starts, data, FREE)
    assert found.converged[0]
    alone = solve("decay", starts[:, 1:], data, FREE)
    np.testing.assert_allclose(found.values, alone.values, rtol=1e-12)


def test_of_several_starts_the_least_minimum_is_given():
    """sin and cos have the data's phase at 1 + 2 pi k; the pull towards 2 makes k = 0 the best."""
    starts = (1.0 + 2.0 * np.pi * np.arange(-3, 4) + 0.3)[None, :, None]
    bounds = np.array([-30.0]), np.array([30.0])
    found = solve("waves", starts, (np.full((1, 1), 1.0),), bounds)
    alone = [solve("waves", starts[:, k : k + 1], (np.full((1, 1), 1.0),), bounds).cost[0] for k in range(7)]
    assert found.cost[0] == min(alone) == alone[3]
    assert abs(found.values[0, 0] - 1.0) < 0.02
    assert sorted(alone) != alone  # other starts end elsewhere


def test_the_next_best_minimum_is_given_with_the_best():
    """Of the phases 1 + 2 pi k the pull towards 2 makes k = 0 the best and k = 1 the next: 0.05 (2 pi - 1) off."""
    starts = (1.0 + 2.0 * np.pi * np.arange(-3, 4) + 0.3)[None, :, None]
    bounds = np.array([-30.0]), np.array([30.0])
    found = solve("waves", starts, (np.full((1, 1), 1.0),), bounds, tolerance=1e-12, behind=((60, 1.0),))
    assert abs(found.rival[0, 0] - (1.0 + 2.0 * np.pi)) < 0.05
    assert found.rival_converged[0]
    assert found.cost[0] == pytest.approx(0.05**2, rel=0.01)
    assert found.rival_cost[0] == pytest.approx(0.05**2 * (2.0 * np.pi - 1.0) ** 2, rel=0.01)
    alone = solve("waves", starts[:, 3:4], (np.full((1, 1), 1.0),), bounds)
    assert np.isinf(alone.rival_cost[0])


def test_a_lane_without_an_inverse_leaves_the_others_as_they_are():
    """Steps of a singular normal matrix are those of least squares; those beside it stay the same to the last bit."""
    sound, right = np.array([[[3.0, 1.0], [1.0, 2.0]]]), np.array([[1.0, 5.0]])
    singular = np.array([[[1.0, 1.0], [1.0, 1.0]]])
    both = _solve(np.concatenate([sound, singular]), np.concatenate([right, [[2.0, 2.0]]]))
    np.testing.assert_array_equal(both[0], _solve(sound, right)[0])
    np.testing.assert_allclose(both[1], [1.0, 1.0], rtol=1e-12)


def test_rows_and_replaced_keep_the_next_best():
    starts = (1.0 + 2.0 * np.pi * np.arange(-1, 2) + 0.3)[None, :, None].repeat(3, axis=0)
    found = solve("waves", starts, (np.full((3, 1), 1.0),), (np.array([-30.0]), np.array([30.0])))
    again = found.replaced(np.array([0, 2]), found.rows(np.array([2, 0])))
    np.testing.assert_array_equal(again.rival, found.rival)
    np.testing.assert_array_equal(again.rival_cost, found.rival_cost)


def test_a_known_better_point_ends_what_comes_to_it():
    _, data = decays(3)
    starts = np.tile([1.0, 1.0, 0.0], (3, 1))
    best = solve("decay", starts, data, FREE, tolerance=1e-13)
    again = solve("decay", starts, data, FREE, tolerance=1e-13, known=(best.values, best.cost))
    assert np.all(again.evaluations <= best.evaluations)
    assert np.all(np.abs(again.values - best.values) < 0.1)


def test_progress_is_told_and_reaches_its_end():
    _, data = decays(5)
    told: list[tuple[int, int]] = []
    solve("decay", np.tile([1.0, 1.0, 0.0], (5, 1)), data, FREE, report=lambda *each: told.append(each))
    assert told[0] == (0, 5)
    assert told[-1] == (5, 5)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_a_variable_without_any_effect_stays_and_the_rest_arrives():
    kernel = linearised(lambda x, data: jnp.array([x[0] - data[0][0], 0.0 * x[1]]))
    found = minimise(kernel, np.array([[[0.0, 3.0]]]), (np.array([[2.0]]),), *WIDE)
    np.testing.assert_allclose(found.values[0], [2.0, 3.0], atol=1e-8)
    assert found.normal[0, 1, 1] == 0.0


def test_a_prior_is_two_more_residuals():
    """A line through the centre of gravity: min (x - 2)^2 + 9 (x - 4)^2 at (2 + 36)/10; J'J = 1 + 9."""
    kernel = linearised(lambda x, data: jnp.array([x[0] - data[0][0], x[1]]))
    prior = np.array([[4.0, 1.0]]), np.array([[3.0, 0.0]])
    found = minimise(kernel, np.zeros((1, 1, 2)), (np.array([[2.0]]),), *WIDE, prior=prior, tolerance=1e-14)
    np.testing.assert_allclose(found.values[0], [3.8, 0.0], atol=1e-9)
    assert found.cost[0] == pytest.approx(1.8**2 + 9.0 * 0.2**2)
    np.testing.assert_allclose(found.normal[0], np.diag([10.0, 1.0]))


def test_derivatives_of_many_lanes_are_those_of_each():
    _, data = decays(CHUNK + 5)
    x = np.random.default_rng(0).uniform(0.5, 2.0, (CHUNK + 5, 3))
    residual, slopes = linearised_at(KERNELS["decay"], x, data)
    assert slopes.shape == (CHUNK + 5, 24, 3)
    for lane in (0, CHUNK, CHUNK + 4):
        decaying = np.exp(-x[lane, 1] * data[0][lane])
        np.testing.assert_allclose(residual[lane], x[lane, 0] * decaying + x[lane, 2] - data[1][lane], rtol=1e-12)
        np.testing.assert_allclose(slopes[lane][:, 0], decaying, rtol=1e-12)
        np.testing.assert_allclose(slopes[lane][:, 1], -x[lane, 0] * data[0][lane] * decaying, atol=1e-12)


def test_lengths_that_share_a_kernel_are_few_and_never_too_short():
    lengths = np.arange(1, 400)
    filled = np.array([padded(int(length)) for length in lengths])
    assert np.all(filled >= lengths)
    assert np.all(np.diff(filled) >= 0)
    assert len(set(filled)) <= 9
