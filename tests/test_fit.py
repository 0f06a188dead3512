"""Least squares against certified results from outside, against linear theory, and against its own statistics."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest

from mossy.backend import jax, jnp
from mossy.numerics.fit import Bounds, least_squares, profile_likelihood, with_jacobian


class Certified(NamedTuple):
    """A problem of NIST's Statistical Reference Datasets, nonlinear regression: 11 certified digits."""

    model: Callable
    x: tuple[float, ...]
    y: tuple[float, ...]
    starts: tuple[tuple[float, ...], ...]
    values: tuple[float, ...]
    errors: tuple[float, ...]
    sum_of_squares: float

    @property
    def evaluate(self):
        """The residuals and their Jacobian."""
        x, y = np.array(self.x), np.array(self.y)
        return with_jacobian(lambda b: self.model(b, x) - y)


def rational(b, x):
    """Cubic over cubic."""
    return (b[0] + x * (b[1] + x * (b[2] + x * b[3]))) / (1.0 + x * (b[4] + x * (b[5] + x * b[6])))


# https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml
# fmt: off
NIST = {
    "Misra1a": Certified(
        lambda b, x: b[0] * (1.0 - jnp.exp(-b[1] * x)),
        x=(77.6, 114.9, 141.1, 190.8, 239.9, 289.0, 332.8, 378.4, 434.8, 477.3, 536.8, 593.1, 689.1, 760.0),
        y=(10.07, 14.73, 17.94, 23.93, 29.61, 35.18, 40.02, 44.82, 50.76, 55.05, 61.01, 66.40, 75.47, 81.78),
        starts=((500.0, 0.0001), (250.0, 0.0005)),
        values=(2.3894212918e02, 5.5015643181e-04),
        errors=(2.7070075241e00, 7.2668688436e-06),
        sum_of_squares=1.2455138894e-01,
    ),
    "MGH09": Certified(
        lambda b, x: b[0] * (x**2 + x * b[1]) / (x**2 + x * b[2] + b[3]),
        x=(4.0, 2.0, 1.0, 0.5, 0.25, 0.167, 0.125, 0.1, 0.0833, 0.0714, 0.0625),
        y=(0.1957, 0.1947, 0.1735, 0.16, 0.0844, 0.0627, 0.0456, 0.0342, 0.0323, 0.0235, 0.0246),
        starts=((25.0, 39.0, 41.5, 39.0), (0.25, 0.39, 0.415, 0.39)),
        values=(1.9280693458e-01, 1.9128232873e-01, 1.2305650693e-01, 1.3606233068e-01),
        errors=(1.1435312227e-02, 1.9633220911e-01, 8.0842031232e-02, 9.0025542308e-02),
        sum_of_squares=3.0750560385e-04,
    ),
    "Thurber": Certified(
        rational,
        x=(-3.067, -2.981, -2.921, -2.912, -2.84, -2.797, -2.702, -2.699, -2.633, -2.481, -2.363, -2.322, -1.501,
           -1.46, -1.274, -1.212, -1.1, -1.046, -0.915, -0.714, -0.566, -0.545, -0.4, -0.309, -0.109, -0.103, 0.01,
           0.119, 0.377, 0.79, 0.963, 1.006, 1.115, 1.572, 1.841, 2.047, 2.2),
        y=(80.574, 84.248, 87.264, 87.195, 89.076, 89.608, 89.868, 90.101, 92.405, 95.854, 100.696, 101.06, 401.672,
           390.724, 567.534, 635.316, 733.054, 759.087, 894.206, 990.785, 1090.109, 1080.914, 1122.643, 1178.351,
           1260.531, 1273.514, 1288.339, 1327.543, 1353.863, 1414.509, 1425.208, 1421.384, 1442.962, 1464.35,
           1468.705, 1447.894, 1457.628),
        starts=((1000.0, 1000.0, 400.0, 40.0, 0.7, 0.3, 0.03), (1300.0, 1500.0, 500.0, 75.0, 1.0, 0.4, 0.05)),
        values=(1.2881396800e03, 1.4910792535e03, 5.8323836877e02, 7.5416644291e01, 9.6629502864e-01,
                3.9797285797e-01, 4.9727297349e-02),
        errors=(4.6647963344e00, 3.9571156086e01, 2.8698696102e01, 5.5675370270e00, 3.1333340687e-02,
                1.4984928198e-02, 6.5842344623e-03),
        sum_of_squares=5.6427082397e03,
    ),
    "Eckerle4": Certified(
        lambda b, x: b[0] / b[1] * jnp.exp(-0.5 * ((x - b[2]) / b[1]) ** 2),
        x=(400.0, 405.0, 410.0, 415.0, 420.0, 425.0, 430.0, 435.0, 436.5, 438.0, 439.5, 441.0, 442.5, 444.0, 445.5,
           447.0, 448.5, 450.0, 451.5, 453.0, 454.5, 456.0, 457.5, 459.0, 460.5, 462.0, 463.5, 465.0, 470.0, 475.0,
           480.0, 485.0, 490.0, 495.0, 500.0),
        y=(0.0001575, 0.0001699, 0.000235, 0.0003102, 0.0004917, 0.000871, 0.0017418, 0.00464, 0.0065895, 0.0097302,
           0.0149002, 0.023731, 0.0401683, 0.0712559, 0.1264458, 0.2073413, 0.2902366, 0.3445623, 0.3698049,
           0.3668534, 0.3106727, 0.2078154, 0.1164354, 0.0616764, 0.03372, 0.0194023, 0.0117831, 0.0074357,
           0.0022732, 0.00088, 0.0004579, 0.0002345, 0.0001586, 0.0001143, 0.000071),
        starts=((1.0, 10.0, 500.0), (1.5, 5.0, 450.0)),
        values=(1.5543827178e00, 4.0888321754e00, 4.5154121844e02),
        errors=(1.5408051163e-02, 4.6803020753e-02, 4.6800518816e-02),
        sum_of_squares=1.4635887487e-03,
    ),
    "Rat43": Certified(
        lambda b, x: b[0] / (1.0 + jnp.exp(b[1] - b[2] * x)) ** (1.0 / b[3]),
        x=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0),
        y=(16.08, 33.83, 65.8, 97.2, 191.55, 326.2, 386.87, 520.53, 590.03, 651.92, 724.93, 699.56, 689.96, 637.56,
           717.41),
        starts=((100.0, 10.0, 1.0, 1.0), (700.0, 5.0, 0.75, 1.3)),
        values=(6.9964151270e02, 5.2771253025e00, 7.5962938329e-01, 1.2792483859e00),
        errors=(1.6302297817e01, 2.0828735829e00, 1.9566123451e-01, 6.8761936385e-01),
        sum_of_squares=8.7864049080e03,
    ),
    "BoxBOD": Certified(
        lambda b, x: b[0] * (1.0 - jnp.exp(-b[1] * x)),
        x=(1.0, 2.0, 3.0, 5.0, 7.0, 10.0),
        y=(109.0, 149.0, 149.0, 191.0, 213.0, 224.0),
        starts=((1.0, 1.0), (100.0, 0.75)),
        values=(2.1380940889e02, 5.4723748542e-01),
        errors=(1.2354515176e01, 1.0455993237e-01),
        sum_of_squares=1.1680088766e03,
    ),
    "MGH17": Certified(
        lambda b, x: b[0] + b[1] * jnp.exp(-x * b[3]) + b[2] * jnp.exp(-x * b[4]),
        x=tuple(range(0, 330, 10)),
        y=(0.844, 0.908, 0.932, 0.936, 0.925, 0.908, 0.881, 0.85, 0.818, 0.784, 0.751, 0.718, 0.685, 0.658, 0.628,
           0.603, 0.58, 0.558, 0.538, 0.522, 0.506, 0.49, 0.478, 0.467, 0.457, 0.448, 0.438, 0.431, 0.424, 0.42,
           0.414, 0.411, 0.406),
        starts=((50.0, 150.0, -100.0, 1.0, 2.0), (0.5, 1.5, -1.0, 0.01, 0.02)),
        values=(3.7541005211e-01, 1.9358469127e00, -1.4646871366e00, 1.2867534640e-02, 2.2122699662e-02),
        errors=(2.0723153551e-03, 2.2031669222e-01, 2.2175707739e-01, 4.4861358114e-04, 8.9471996575e-04),
        sum_of_squares=5.4648946975e-05,
    ),
}
# fmt: on
HARD = {("BoxBOD", 0), ("MGH17", 0)}  # from there a step can leap onto a plateau where parameters no longer act
CASES = [(name, start) for name in NIST for start in (0, 1)]


def certified(fit, problem):
    """Whether lane 0 is NIST's answer. Eckerle4's first two parameters may change sign together: it is even in them."""
    values = np.abs(fit.values[0]) * np.sign(problem.values)
    return np.allclose(values, problem.values, rtol=1e-6, atol=0.0) and np.allclose(
        fit.standard_errors[0], problem.errors, rtol=1e-4
    )


@pytest.mark.parametrize(("name", "start"), [case for case in CASES if case not in HARD])
def test_certified_by_nist(name, start):
    """Values to 1e-6, standard deviations to 1e-4, the sum of squares to 1e-9.

    Some parameters of MGH09 are known to a factor of two only, so 1e-6 asks for far more than the default tolerance.
    """
    problem = NIST[name]
    fit = least_squares(problem.evaluate, problem.starts[start], maximum_iterations=1000, tolerance=1e-14)
    assert fit.converged[0]
    assert fit.identified.all()
    assert certified(fit, problem)
    assert fit.chi_squared[0] == pytest.approx(problem.sum_of_squares, rel=1e-9)
    assert fit.degrees_of_freedom == len(problem.y) - len(problem.values)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("tolerance", [1e-10, 1e-14])
@pytest.mark.parametrize(("name", "start"), sorted(HARD))
def test_a_plateau_is_not_taken_for_an_answer(name, start, tolerance):
    """From the far start it may fail, but then it says so: not converged, or a parameter that is not identified."""
    problem = NIST[name]
    fit = least_squares(problem.evaluate, problem.starts[start], maximum_iterations=1000, tolerance=tolerance)
    assert certified(fit, problem) or not fit.converged[0] or not fit.identified[0].all()


@pytest.mark.parametrize(("name", "start"), [case for case in CASES if case not in HARD])
def test_default_tolerance_is_far_below_the_uncertainty(name, start):
    """By default the sum of squares is known to some 1e-10 of itself, hence values to 1e-4 of a standard deviation."""
    problem = NIST[name]
    fit = least_squares(problem.evaluate, problem.starts[start], maximum_iterations=1000)
    values = np.abs(fit.values[0]) * np.sign(problem.values)
    assert np.max(np.abs(values - problem.values) / problem.errors) < 1e-4


TIME = np.linspace(0.0, 4.0, 60)
TRUE = np.array([2.0, 0.7, -0.5])
NOISE = 0.05


def decay(p):
    """a exp(-b t) + c."""
    return p[0] * jnp.exp(-p[1] * TIME) + p[2]


def many(data, model=decay):
    """`evaluate` for lanes that each have their own data."""
    slopes = jax.jit(jax.vmap(jax.jacfwd(model)))
    values = jax.jit(jax.vmap(model))
    return lambda x: (np.asarray(values(x)) - data, np.asarray(slopes(x)))


@functools.cache
def ensemble(scale=1.0):
    """200 noisy records of one decay in one batch, weights absolute: residuals in units of the noise."""
    noise = np.random.default_rng(0).normal(size=(200, TIME.size))
    data = np.asarray(decay(TRUE)) + NOISE * noise
    inner = many(data)

    def evaluate(x):
        return tuple(part / (NOISE * scale) for part in inner(x))

    starts = np.tile([1.0, 1.0, 0.0], (200, 1))
    return data, least_squares(evaluate, starts, absolute_weights=True), least_squares(evaluate, starts)


def test_pulls_have_unit_variance():
    """(estimate - truth)/standard error over 200 lanes: mean 0 and variance 1 within four standard deviations of each.

    Those are 4/sqrt(200) = 0.28 for the mean and 4 sqrt(2/200) = 0.4 for the variance.
    """
    for fit in ensemble()[1:]:
        assert fit.converged.all()
        pulls = (fit.values - TRUE) / fit.standard_errors
        assert np.max(np.abs(pulls.mean(axis=0))) < 0.28
        assert np.max(np.abs(pulls.var(axis=0) - 1.0)) < 0.4
        inside = np.mean(np.abs(pulls) < 1.0, axis=0)
        assert np.max(np.abs(inside - 0.683)) < 4.0 * np.sqrt(0.683 * 0.317 / 200)


def test_chi_squared_has_its_mean_and_variance():
    """57 degrees of freedom: mean 57, variance 114, each within four standard deviations of it over 200 lanes."""
    _, fit, _ = ensemble()
    assert fit.degrees_of_freedom == 57
    assert fit.chi_squared.mean() == pytest.approx(57.0, abs=4.0 * np.sqrt(114.0 / 200))
    assert fit.chi_squared.var() == pytest.approx(114.0, rel=4.0 * np.sqrt((2.0 + 12.0 / 57.0) / 200))


def test_weights_absolute_or_not():
    """Noise taken three times too large triples absolute errors and leaves the others, to the tolerance of the fit."""
    _, absolute, relative = ensemble()
    _, absolute_wide, relative_wide = ensemble(3.0)
    np.testing.assert_allclose(absolute_wide.standard_errors, 3.0 * absolute.standard_errors, rtol=1e-3)
    np.testing.assert_allclose(relative_wide.standard_errors, relative.standard_errors, rtol=1e-3)
    factor = np.sqrt(absolute.chi_squared / 57.0)
    np.testing.assert_allclose(relative.standard_errors, absolute.standard_errors * factor[:, None], rtol=1e-12)


def test_a_batch_gives_each_lane_its_own_fit():
    """Lanes share nothing: to the rounding of batched products, which may sum in another order."""
    data, _, together = ensemble()
    for lane in (0, 57, 199):
        inner = many(data[lane : lane + 1])
        alone = least_squares(lambda x, inner=inner: tuple(part / NOISE for part in inner(x)), [1.0, 1.0, 0.0])
        assert alone.iterations[0] == together.iterations[lane]
        np.testing.assert_allclose(alone.values[0], together.values[lane], rtol=1e-9)
        np.testing.assert_allclose(alone.covariance[0], together.covariance[lane], rtol=1e-7)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_lane_without_finite_residuals_fails_alone(bad):
    """It says so, and its neighbours do not notice."""
    data = np.asarray(decay(TRUE)) + np.zeros((3, 1))
    alone = least_squares(many(data), np.tile([1.0, 1.0, 0.0], (3, 1)))
    data[1, 5] = bad
    fit = least_squares(many(data), np.tile([1.0, 1.0, 0.0], (3, 1)))
    assert list(fit.converged) == [True, False, True]
    assert fit.messages[1] == "not converged: no finite residuals"
    assert np.isinf(fit.standard_errors[1]).all()
    np.testing.assert_array_equal(fit.values[[0, 2]], alone.values[[0, 2]])
    np.testing.assert_allclose(fit.values[0], TRUE, rtol=1e-8)


def test_a_step_into_nowhere_is_taken_back():
    """ln p = 1 from p = 20: the first full step would go to p = -20, where there is no logarithm."""
    fit = least_squares(with_jacobian(lambda p: jnp.log(p) - 1.0), [20.0])
    assert fit.converged[0]
    assert fit.values[0, 0] == pytest.approx(np.e, rel=1e-9)


def test_the_iteration_limit_is_reported():
    fit = least_squares(NIST["MGH09"].evaluate, NIST["MGH09"].starts[0], maximum_iterations=3)
    assert not fit.converged[0]
    assert fit.messages == ["not converged: iterations"]
    assert fit.iterations[0] == 3


@pytest.mark.parametrize(
    ("lower", "upper"), [([0.1, 0.1, -2.0], [5.0, 5.0, 2.0]), ([-9.0, 0.0, -9.0], [9.0, 9.0, 9.0])]
)
def test_bounds_that_do_not_bind_change_nothing(lower, upper):
    """The minimum and the covariance do not depend on the coordinates iterated in: to the tolerance of the fit."""
    data = ensemble()[0][:3]
    start = np.tile([1.0, 1.0, 0.0], (3, 1))
    free = least_squares(many(data), start, tolerance=1e-14)
    bounded = least_squares(many(data), start, lower, upper, tolerance=1e-14)
    assert bounded.converged.all()
    assert not bounded.at_bound.any()
    np.testing.assert_allclose(bounded.values, free.values, rtol=1e-6)
    np.testing.assert_allclose(bounded.covariance, free.covariance, rtol=1e-5)


@pytest.mark.parametrize(("lower", "upper", "held"), [(0.1, 1.5, 1.5), (3.0, 8.0, 3.0), (-1.0, 1.5, 1.5)])
def test_a_bound_that_binds_is_kept_and_flagged(lower, upper, held):
    """The truth, a = 2, lies outside: a ends at its bound (to the thousandth that flags it), the others refitted."""
    data = ensemble()[0][:1]
    fit = least_squares(many(data), [2.0, 1.0, 0.0], [lower, 0.01, -5.0], [upper, 10.0, 5.0], maximum_iterations=300)
    assert fit.at_bound[0].tolist() == [True, False, False]
    assert lower <= fit.values[0, 0] <= upper
    assert fit.values[0, 0] == pytest.approx(held, rel=2e-3)
    others = least_squares(many(data, lambda q: decay(jnp.stack([held, q[0], q[1]]))), [1.0, 0.0])
    assert fit.chi_squared[0] == pytest.approx(others.chi_squared[0], rel=1e-2)
    np.testing.assert_allclose(fit.values[0, 1:], others.values[0], rtol=1e-2)


def test_bounds_map_there_and_back():
    """Inward and outward are inverse, and the slope is the derivative, for a range, a positive range and none."""
    bounds = Bounds(np.array([-2.0, 1e-9, -np.inf]), np.array([3.0, 1e3, np.inf]))
    values = np.array([[-1.9, 1e-6, 7.0], [2.5, 30.0, -4.0]])
    inner = bounds.inward(values)
    np.testing.assert_allclose(bounds.outward(inner)[0], values, rtol=1e-12)
    difference = (bounds.outward(inner + 1e-6)[0] - bounds.outward(inner - 1e-6)[0]) / 2e-6
    np.testing.assert_allclose(
        bounds.outward(inner)[1], difference, rtol=1e-7
    )  # truncation 1e-12, rounding 1e-10/slope


def test_only_a_sum_of_parameters_is_known():
    """c enters alone, a and b only as a + b: those two are flagged, with an infinite error; c's is as without b."""
    data = ensemble()[0][:1]
    fit = least_squares(many(data, lambda p: (p[0] + p[1]) * jnp.exp(-TIME) + p[2]), [1.0, 1.0, 0.0])
    reduced = least_squares(many(data, lambda p: p[0] * jnp.exp(-TIME) + p[1]), [1.0, 0.0])
    assert fit.converged[0]
    assert fit.identified[0].tolist() == [False, False, True]
    assert np.isinf(fit.standard_errors[0, :2]).all()
    assert fit.standard_errors[0, 2] == pytest.approx(reduced.standard_errors[0, 1] * np.sqrt(58 / 57), rel=1e-6)
    assert fit.values[0, :2].sum() == pytest.approx(reduced.values[0, 0], rel=1e-6)
    assert np.isnan(fit.correlations[0, :2]).all()


def test_a_parameter_that_does_nothing_is_flagged():
    data = ensemble()[0][:1]
    fit = least_squares(many(data, lambda p: p[0] * jnp.exp(-TIME) + 0.0 * p[1]), [1.0, 3.0])
    assert fit.identified[0].tolist() == [True, False]
    assert np.isinf(fit.standard_errors[0, 1])
    assert fit.values[0, 1] == 3.0


def test_fewer_data_than_parameters_identify_nothing_they_do_not_determine():
    """a + b = 1 and c = 2: two equations for three numbers."""
    fit = least_squares(with_jacobian(lambda p: jnp.stack([p[0] + p[1] - 1.0, p[2] - 2.0])), [0.0, 0.0, 0.0])
    assert fit.identified[0].tolist() == [False, False, True]
    assert np.isinf(fit.standard_errors[0, :2]).all()


def test_an_interrupt_keeps_the_best_values_so_far():
    problem, seen = NIST["Thurber"], []

    def report(iteration, cost):
        seen.append(float(cost[0]))
        if iteration == 5:
            raise KeyboardInterrupt

    fit = least_squares(problem.evaluate, problem.starts[1], report=report)
    assert fit.interrupted
    assert not fit.converged[0]
    assert fit.messages == ["not converged: interrupted"]
    assert fit.iterations[0] == 5
    assert fit.chi_squared[0] == min(seen) < seen[0]
    residuals, _ = problem.evaluate(fit.values)
    assert np.sum(residuals**2) == pytest.approx(fit.chi_squared[0], rel=1e-12)


def test_an_interrupt_within_an_evaluation_keeps_the_values_before_it():
    problem, count = NIST["Misra1a"], []

    def evaluate(x):
        count.append(1)
        if len(count) == 4:
            raise KeyboardInterrupt
        return problem.evaluate(x)

    fit = least_squares(evaluate, problem.starts[1])
    assert (fit.interrupted, fit.iterations[0]) == (True, 2)
    assert np.isfinite(fit.values).all()


def test_an_interrupted_profile_is_no_profile():
    noise = np.random.default_rng(1).normal(size=TIME.size)
    evaluate = with_jacobian(lambda p: line(p) - line(TRUE) - noise)
    fit = least_squares(evaluate, [0.0, 0.0, 0.0])
    assert not fit.interrupted
    count = []

    def impatient(x):
        count.append(1)
        if len(count) > 1:
            raise KeyboardInterrupt
        return evaluate(x)

    with pytest.raises(KeyboardInterrupt):
        profile_likelihood(impatient, fit, 0, fit.values[0, 0] + np.array([1.0, 2.0]))


def line(p):
    """Linear in its parameters, and correlated."""
    return p[0] + p[1] * TIME + p[2] * TIME**2


def test_profile_of_a_linear_model_is_its_parabola():
    """chi^2(v) = chi^2_min + (v - estimate)^2/variance, exactly, so to rounding: 1e-9."""
    noise = np.random.default_rng(1).normal(size=TIME.size)
    evaluate = with_jacobian(lambda p: line(p) - line(TRUE) - noise)
    fit = least_squares(evaluate, [0.0, 0.0, 0.0], absolute_weights=True)
    for k in range(3):
        estimate, error = fit.values[0, k], fit.standard_errors[0, k]
        held = estimate + error * np.array([-3.0, -1.0, 0.0, 0.5, 2.0])
        profile = profile_likelihood(evaluate, fit, k, held)
        expected = fit.chi_squared[0] + ((held - estimate) / error) ** 2
        np.testing.assert_allclose(profile, expected, rtol=1e-9)


def test_profile_of_the_only_parameter():
    evaluate = with_jacobian(lambda p: p[0] * TIME - 2.0 * TIME)
    fit = least_squares(evaluate, [1.0])
    held = np.array([1.0, 2.0, 4.0])
    np.testing.assert_allclose(profile_likelihood(evaluate, fit, 0, held), (held - 2.0) ** 2 * np.sum(TIME**2))


def test_progress_is_reported_and_never_gets_worse():
    costs = []
    least_squares(
        NIST["Thurber"].evaluate, NIST["Thurber"].starts[0], report=lambda _, cost: costs.append(float(cost[0]))
    )
    assert len(costs) > 3
    assert np.all(np.diff(costs) <= 0.0)
