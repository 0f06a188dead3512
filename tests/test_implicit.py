"""The integrator against exact solutions: accuracy, plans, events, streaming, failures, invariants, sensitivities."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Shape
from mossy.numerics.implicit import Plan, Tolerance, advance, begin
from mossy.numerics.rosenbrock import interpolate
from mossy.numerics.status import Status
from validation_problems import EXACT, Decay, Discharge, ForcedLattice, Problem, Volterra, system

ELIMINATION = "sequential"


def plan_of(durations, control=None, jump=None, starts_step=None):
    """Segments of these durations; without `jump` an event leads to the next one, as the end of the time does."""
    count = len(durations)
    return Plan(
        jnp.zeros(count) if control is None else control,
        jnp.asarray(durations, float),
        jnp.arange(1, count + 1) if jump is None else jnp.asarray(jump),
        jnp.ones(count, bool) if starts_step is None else jnp.asarray(starts_step),
        jnp.asarray(count),
    )


def run(system, start, plan, relative=1e-8, maximum_steps=100_000, capacity=256, elimination=ELIMINATION):
    """(carry, accepted steps) of one integration whose steps fit into one buffer."""
    carry, rows, used = advance(
        system,
        plan,
        begin(jnp.asarray(start, float)),
        Tolerance(relative, maximum_steps),
        capacity=capacity,
        elimination=elimination,
    )
    return carry, jax.tree.map(lambda column: np.asarray(column)[: int(used)], rows)


def time_of(carry):
    """The time since the plan began."""
    return float(carry.origin + carry.elapsed)


def status_of(carry):
    return Status(int(carry.status))


# Accuracy


@pytest.mark.parametrize("problem", EXACT, ids=lambda problem: type(problem).__name__)
def test_exact_problems(problem):
    """Inside the steps too, where it is of order 4, to a hundred and a thousand times the local tolerance of 1e-8."""
    carry, rows = run(problem, problem.exact(0.0), plan_of([problem.horizon]))
    assert status_of(carry) == Status.DONE
    assert time_of(carry) == pytest.approx(problem.horizon, rel=1e-15)
    np.testing.assert_allclose(carry.state, problem.exact(problem.horizon), atol=1e-6)
    for theta in (0.25, 0.75):
        inside = interpolate(rows.start, rows.end, np.moveaxis(rows.dense, 1, 0), theta)
        exact = jax.vmap(problem.exact)(jnp.asarray(rows.elapsed + theta * rows.length))
        np.testing.assert_allclose(inside, exact, atol=1e-5)


@pytest.mark.parametrize("elimination", ["lapack", "cyclic_reduction"])
def test_every_elimination_takes_the_same_steps(elimination):
    """To rounding: the problem contracts, and the step sizes follow the error's fifth root."""
    expected, rows = run(Volterra(), Volterra().exact(0.0), plan_of([1.0]))
    carry, others = run(Volterra(), Volterra().exact(0.0), plan_of([1.0]), elimination=elimination)
    assert carry.attempts == expected.attempts
    np.testing.assert_allclose(others.elapsed, rows.elapsed, rtol=1e-8)
    np.testing.assert_allclose(carry.state, expected.state, rtol=1e-12)


@pytest.mark.parametrize("problem", [Volterra(), ForcedLattice(), Discharge()], ids=lambda one: type(one).__name__)
def test_error_is_proportional_to_the_tolerance(problem):
    """Over six decades the error follows the tolerance with an exponent of 1 within 0.2, and stays below 10 x it.

    The local error of order 5 is controlled at the rate of its estimate, of order 4, hence an exponent up to 6/5.
    """
    tolerances = 10.0 ** -np.arange(4, 11)
    errors = []
    for relative in tolerances:
        carry, _ = run(problem, problem.exact(0.0), plan_of([problem.horizon]), relative)
        errors.append(np.max(np.abs(carry.state - problem.exact(problem.horizon))))
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    assert 0.8 < slope < 1.3
    assert np.all(errors < 10.0 * tolerances)


@system
class Front(Problem):
    """y = arctan((t - 5)/width): quiet, then a turn through half a circle within a few widths."""

    width: Any
    shape = Shape(1, 1, 0)

    def exact(self, time):
        return jnp.arctan((time - 5.0) / self.width) * jnp.ones(1)

    def residual(self, time, state, control):
        return self.width / ((time - 5.0) ** 2 + self.width**2) * jnp.ones(1)


def test_a_step_that_goes_too_far_is_taken_back():
    """Steps grown in the quiet fail at the front: some are refused, and the error stays that of a smooth problem."""
    problem = Front(jnp.asarray(1e-3))
    carry, rows = run(problem, problem.exact(0.0), plan_of([10.0]), 1e-6)
    assert int(carry.attempts) > int(carry.steps)
    exact = jax.vmap(problem.exact)(jnp.asarray(rows.elapsed + rows.length))
    np.testing.assert_allclose(rows.end, exact, atol=1e-5)


@system
class Robertson(Problem):
    """Robertson's kinetics of three species, as one node: rate constants over nine decades."""

    shape = Shape(1, 3, 0)

    def scale(self):
        return jnp.array([1e-6, 1e-12, 1.0])

    def exact(self, time):
        return jnp.array([1.0, 0.0, 0.0])

    def residual(self, time, state, control):
        a, b, c = state
        first, second, third = 0.04 * a, 3e7 * b**2, 1e4 * b * c
        return jnp.stack([third - first, first - second - third, second])


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (40.0, (0.7158270687193, 0.9185534764529e-5, 0.2841637457462)),
        (1e11, (0.2083340149701255e-7, 0.8333360770334713e-13, 0.9999999791665050)),
    ],
)
def test_robertson(end, expected):
    """E. Hairer & G. Wanner, Solving Ordinary Differential Equations II (t = 40); Test Set for IVP Solvers (t = 1e11).

    To ten local tolerances of 1e-8, for the problem does not amplify errors; matter is conserved to rounding.
    """
    carry, rows = run(Robertson(), [1.0, 0.0, 0.0], plan_of([end]), 1e-8, capacity=1024)
    assert status_of(carry) == Status.DONE
    np.testing.assert_allclose(carry.state, expected, rtol=1e-7)
    np.testing.assert_allclose(rows.end.sum(axis=1), 1.0, rtol=1e-13)


@system
class Mixing(Problem):
    """Nonlinear diffusion between four nodes of two species that react, and a reservoir in the border."""

    shape = Shape(4, 2, 2)

    def exact(self, time):
        return jnp.array([1.0, 0.1, 2.0, 0.2, 3.0, 0.3, 4.0, 0.4, 5.0, 1.5])

    def residual(self, time, state, control):
        nodes = state.reshape(5, 2)
        flux = jnp.diff(nodes + 0.1 * nodes**2, axis=0)
        padded = jnp.concatenate([jnp.zeros((1, 2)), flux, jnp.zeros((1, 2))])
        made = 0.5 * nodes[:, 0] ** 2 - nodes[:, 1]
        return (jnp.diff(padded, axis=0) + made[:, None] * jnp.array([-2.0, 1.0])).reshape(-1)


def test_linear_invariants_are_conserved_to_rounding():
    """2 A -> B wherever it happens and however it spreads: the sum of A + 2 B, at every step and inside them."""
    start = Mixing().exact(0.0)
    content = jnp.tile(jnp.array([1.0, 2.0]), 5)
    carry, rows = run(Mixing(), start, plan_of([3.0, 3.0]), 1e-5)
    assert status_of(carry) == Status.DONE
    inside = np.stack([interpolate(rows.start, rows.end, np.moveaxis(rows.dense, 1, 0), theta) for theta in (0.3, 1.0)])
    np.testing.assert_allclose(inside @ content, float(start @ content), rtol=1e-13)


# Plans


@system
class Relaxation(Problem):
    """dy/dt = rate (target - y), control = {target, rate}: exact from segment to segment."""

    shape = Shape(1, 1, 0)

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        return control["rate"] * (control["target"] - state)


def test_segments_follow_each_other_with_their_controls():
    """The product of exact exponentials, to a thousand local tolerances; the rows cover the time without a seam."""
    durations, targets, rates = [1.0, 0.5, 2.0, 1e-3], [1.0, -1.0, 0.0, 5.0], [1.0, 3.0, 0.0, 100.0]
    plan = plan_of(durations, {"target": jnp.array(targets), "rate": jnp.array(rates)})
    carry, rows = run(Relaxation(), [0.0], plan, 1e-10)
    value, ends = 0.0, []
    for duration, target, rate in zip(durations, targets, rates, strict=True):
        value = target + (value - target) * np.exp(-rate * duration)
        ends.append(value)
    assert status_of(carry) == Status.DONE
    np.testing.assert_allclose(rows.end[rows.ended == 0, 0], ends, atol=1e-9)
    np.testing.assert_array_equal(rows.segment[rows.ended == 0], [0, 1, 2, 3])
    began = rows.origin + rows.elapsed
    np.testing.assert_allclose(began[1:], (began + rows.length)[:-1], rtol=1e-14)
    np.testing.assert_allclose(began[-1] + rows.length[-1], sum(durations), rtol=1e-14)
    np.testing.assert_array_equal(rows.start[1:], rows.end[:-1])


def test_segments_of_no_duration_leave_one_row_and_nothing_else():
    plan = plan_of([0.0, 1.0, 0.0, 0.0, 1.0, 0.0])
    carry, rows = run(Decay(), [1.0], plan)
    assert status_of(carry) == Status.DONE
    np.testing.assert_array_equal(np.bincount(rows.segment[rows.length == 0.0], minlength=6), [1, 0, 1, 1, 0, 1])
    np.testing.assert_array_equal(rows.segment[rows.ended == 0], range(6))
    np.testing.assert_array_equal(rows.start[rows.length == 0.0], rows.end[rows.length == 0.0])
    assert time_of(carry) == pytest.approx(2.0, rel=1e-15)
    assert float(carry.state[0]) == pytest.approx(np.exp(-2.0), rel=1e-7)


def test_a_plan_may_be_longer_than_its_segments():
    """What lies beyond `total` is never looked at: plans of many lengths share one compilation."""
    plan = plan_of([0.5, 0.5, jnp.nan, jnp.nan])
    carry, _ = run(Decay(), [1.0], plan._replace(total=jnp.asarray(2)))
    assert status_of(carry) == Status.DONE
    assert float(carry.state[0]) == pytest.approx(np.exp(-1.0), rel=1e-7)


@pytest.mark.parametrize("problem", [ForcedLattice(), Discharge()], ids=lambda problem: type(problem).__name__)
def test_streaming_through_a_small_buffer_changes_nothing(problem):
    """Bit by bit: the loop stops and goes on at a whole step."""
    start, plan = jax.jit(problem.exact)(0.0), plan_of([0.4 * problem.horizon, 0.6 * problem.horizon])
    expected, rows = run(problem, start, plan, capacity=1024)
    carry, pieces = begin(start), []
    for _ in range(200):
        carry, piece, used = advance(
            problem, plan, carry, Tolerance(1e-8, 100_000), capacity=8, elimination=ELIMINATION
        )
        pieces.append(jax.tree.map(lambda column, used=used: np.asarray(column)[: int(used)], piece))
        if carry.status != Status.RUNNING:
            break
    assert len(pieces) > 1
    together = jax.tree.map(lambda *columns: np.concatenate(columns), *pieces)
    for got, wanted in zip((*together, *carry), (*rows, *expected), strict=True):
        np.testing.assert_array_equal(got, wanted)


# Events


@system
class Crossing(Problem):
    """Exponential decay (rate > 0) whose events are the falls below each of `levels`."""

    rate: Any
    levels: Any
    shape = Shape(1, 1, 0)

    def exact(self, time):
        return jnp.exp(-self.rate * time) * jnp.ones(1)

    def residual(self, time, state, control):
        return -self.rate * state

    def gaps(self, time, state, reference, control):
        return state[0] - self.levels


@pytest.mark.parametrize("level", [0.999, 0.5, 0.1, 1e-3])
def test_a_crossing_is_located(level):
    """t = ln(1/level)/rate to 1e-9 of a decay time, with steps accurate to 1e-11."""
    carry, rows = run(Crossing(2.0, jnp.array([level])), [1.0], plan_of([jnp.inf]), 1e-11)
    assert status_of(carry) == Status.DONE
    assert time_of(carry) == pytest.approx(-np.log(level) / 2.0, abs=1e-9)
    assert float(carry.state[0]) == pytest.approx(level, rel=1e-9)
    assert rows.ended[-1] == 1
    assert rows.elapsed[-1] + rows.theta[-1] * rows.length[-1] == pytest.approx(time_of(carry), rel=1e-15)


@system
class Ball(Problem):
    """A ball under gravity, dy/dt = v, dv/dt = -sign g, that bounces without loss: `sign` y is its height.

    Reflecting the axis instead of the velocity keeps the state continuous: the control alternates sign. It hits the
    floor when it is at it and falls; the parabola is within the order of the method, so the arcs are exact.
    """

    gravity: Any
    shape = Shape(1, 2, 0)

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        return jnp.stack([state[1], -control * self.gravity])

    def gaps(self, time, state, reference, control):
        return jnp.maximum(control * state[0], control * state[1])[None]


def test_a_ball_bounces_on_time():
    """At (2 k + 1) sqrt(2 h/g), to 1e-9 of that; energy is kept."""
    gravity, height, bounces = 9.81, 2.0, 7
    plan = plan_of([jnp.inf] * bounces, (-1.0) ** jnp.arange(bounces))
    carry, rows = run(Ball(gravity), [height, 0.0], plan)
    assert status_of(carry) == Status.DONE
    hits = (rows.origin + rows.elapsed + rows.theta * rows.length)[rows.ended == 1]
    np.testing.assert_allclose(hits, (2.0 * np.arange(bounces) + 1.0) * np.sqrt(2.0 * height / gravity), rtol=1e-9)
    assert float(carry.state[1]) ** 2 / 2.0 == pytest.approx(gravity * height, rel=1e-9)


@system
class Ramp(Problem):
    """dy/dt = -1 from 1: exact at any step, so that steps are long. Events: y at each level, and a moment in time."""

    levels: Any
    weights: Any
    moment: Any = jnp.inf
    shape = Shape(1, 1, 0)

    def exact(self, time):
        return 1.0 - time * jnp.ones(1)

    def residual(self, time, state, control):
        return -jnp.ones(1)

    def gaps(self, time, state, reference, control):
        return jnp.append(self.weights * (state[0] - self.levels), self.moment - time)


@pytest.mark.parametrize(
    ("levels", "moment", "first", "when"),
    [
        ((0.31, 0.30), jnp.inf, 1, 0.69),
        ((0.30, 0.31), jnp.inf, 2, 0.69),
        ((0.30, 0.3 + 1e-9), jnp.inf, 2, 0.7 - 1e-9),
        ((0.31, 0.30), 0.68, 3, 0.68),
        ((0.31, -5.0), 0.70, 1, 0.69),
    ],
)
@pytest.mark.parametrize("weights", [(1.0, 1.0), (1e6, 1e-3), (1e-3, 1e6)])
def test_of_two_events_in_one_step_the_first_counts(levels, moment, first, when, weights):
    """Whatever the size of their gaps; that both lie in one step is asserted too.

    A third of the hundred trials bisect, so that the time is known to 2^-33 of the step whatever the gaps are like.
    """
    problem = Ramp(jnp.array(levels), jnp.array(weights), jnp.asarray(moment))
    carry, rows = run(problem, [1.0], plan_of([1.0]))
    assert rows.elapsed[-1] + rows.length[-1] > 0.7
    assert rows.ended[-1] == first
    assert time_of(carry) == pytest.approx(when, abs=1e-10)


def test_an_event_leads_where_the_plan_says_and_time_to_the_next_segment():
    """Segment 0 runs its time; 1 ends by its event and leads to 3, where the event is past: that leads to the end."""
    plan = plan_of([0.5, 9.0, 9.0, 9.0, 9.0], jump=[2, 3, 3, 7, 5])
    carry, rows = run(Ramp(jnp.array([-0.2]), jnp.ones(1)), [1.0], plan)
    assert status_of(carry) == Status.DONE
    assert rows.segment[rows.ended >= 0].tolist() == [0, 1, 3]
    assert rows.ended[rows.ended >= 0].tolist() == [0, 1, 1]
    assert time_of(carry) == pytest.approx(1.2, rel=1e-12)


def test_what_is_past_already_ends_a_segment_at_once():
    """With no time spent and the state untouched; of several the furthest past is named."""
    carry, rows = run(Ramp(jnp.array([1.5, 2.5]), jnp.ones(2)), [1.0], plan_of([1.0, 1.0]))
    assert status_of(carry) == Status.DONE
    assert rows.ended.tolist() == [2, 2]
    assert rows.length.tolist() == [0.0, 0.0]
    assert time_of(carry) == 0.0
    assert carry.state[0] == 1.0


@system
class Counted(Problem):
    """dy/dt = -1, with the event that y has fallen by `amount` since its step began."""

    amount: Any
    shape = Shape(1, 1, 0)

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        return -jnp.ones(1)

    def gaps(self, time, state, reference, control):
        return self.amount - (reference - state)


@pytest.mark.parametrize(("starts_step", "end"), [((True, True, True), 4.0), ((True, False, True), 3.5)])
def test_the_reference_is_the_state_when_the_step_began(starts_step, end):
    """Segments of 1, 2 and 1.5: counted from the first on, 2.0 is used up in the second; counted anew, in none."""
    carry, rows = run(Counted(jnp.asarray(2.0)), [0.0], plan_of([1.0, 1.5, 1.5], starts_step=starts_step))
    assert status_of(carry) == Status.DONE
    assert time_of(carry) == pytest.approx(end, rel=1e-13)
    assert rows.ended[rows.ended >= 0].tolist() == ([0, 0, 0] if end == 4.0 else [0, 1, 0])


def test_an_event_may_depend_on_time():
    """The moment is counted from the start of the segment."""
    problem = Ramp(jnp.array([-9.0]), jnp.ones(1), jnp.asarray(0.3))
    carry, _ = run(problem, [1.0], plan_of([1.0, 1.0, 0.2]))
    assert time_of(carry) == pytest.approx(0.8, rel=1e-13)


# Algebraic rows


def test_algebraic_components_start_consistent():
    """A discharge begun with a wrong current, of either sign, is the discharge: Newton's method sets it right."""
    problem = Discharge()
    expected, _ = run(problem, problem.exact(0.0), plan_of([problem.horizon]))
    for wrong in (0.0, 30.0, -4.0):
        carry, rows = run(problem, [2.0, wrong], plan_of([problem.horizon]))
        assert rows.start[0].tolist() == pytest.approx([2.0, 1.0], rel=1e-12)
        np.testing.assert_allclose(carry.state, expected.state, rtol=1e-9)


@system
class Switched(Problem):
    """A capacitor and its current under two controls: i = given, or v + R i = given; `hold` chooses."""

    resistance: Any
    shape = Shape(0, 1, 2)

    def mass(self):
        return jnp.array([1.0, 0.0])

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        voltage, current = state
        held = control["value"] - voltage - self.resistance * current
        return jnp.stack([current, jnp.where(control["hold"], held, control["value"] - current)])


def test_the_algebraic_component_jumps_with_the_control():
    """Constant current, constant voltage, rest: v = t, then 3 - (3 - v) exp(-t/R), then as it is; i jumps with them."""
    resistance = 0.5
    plan = plan_of([1.0, 1.0, 1.0], {"hold": jnp.array([False, True, False]), "value": jnp.array([1.0, 3.0, 0.0])})
    carry, rows = run(Switched(resistance), [0.0, 0.0], plan, 1e-9)
    assert status_of(carry) == Status.DONE
    first = np.searchsorted(rows.segment, [0, 1, 2])
    np.testing.assert_allclose(rows.start[first, 1], [1.0, 2.0 / resistance, 0.0], rtol=1e-12, atol=1e-12)
    held = 3.0 - 2.0 * np.exp(-1.0 / resistance)
    expected = [[1.0, 1.0], [held, (3.0 - held) / resistance], [held, 0.0]]
    np.testing.assert_allclose(rows.end[rows.ended == 0], expected, atol=1e-7)


# Failures


@system
class Explosion(Problem):
    """dy/dt = y^2 from 1: y = 1/(1 - t), which has no value at t = 1."""

    shape = Shape(1, 1, 0)

    def exact(self, time):
        return 1.0 / (1.0 - time) * jnp.ones(1)

    def residual(self, time, state, control):
        return state**2


@system
class Rootless(Problem):
    """0 = 1 + y^2: no real number."""

    shape = Shape(0, 1, 1)

    def mass(self):
        return jnp.zeros(1)

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        return 1.0 + state**2


@system
class Domain(Problem):
    """dy/dt = -1 where y is positive; elsewhere the equation has no value."""

    shape = Shape(1, 1, 0)

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        return jnp.where(state >= 0.0, -1.0, jnp.nan)


def test_too_many_steps():
    """What was done by then is kept, and a limit just reached at the end is no failure."""
    done, rows = run(Decay(), [1.0], plan_of([2.0]))
    carry, kept = run(Decay(), [1.0], plan_of([2.0]), maximum_steps=5)
    assert status_of(carry) == Status.STEP_LIMIT
    assert int(carry.attempts) == 5
    np.testing.assert_array_equal(kept.end, rows.end[: len(kept.end)])
    assert time_of(carry) == kept.elapsed[-1] + kept.length[-1]
    carry, _ = run(Decay(), [1.0], plan_of([2.0]), maximum_steps=int(done.attempts))
    assert status_of(carry) == Status.DONE


def test_steps_below_the_resolution_of_the_clock():
    """An explosion is followed to the moment at which it has no value, as closely as the tolerance allows."""
    carry, rows = run(Explosion(), [1.0], plan_of([2.0]), 1e-6, capacity=1024)
    assert status_of(carry) == Status.STEP_TOO_SMALL
    assert time_of(carry) == pytest.approx(1.0, abs=1e-5)
    np.testing.assert_allclose(1.0 / rows.end[:, 0], 1.0 - rows.elapsed - rows.length, atol=1e-5)


def test_no_consistent_state():
    carry, _ = run(Rootless(), [0.7], plan_of([2.0]))
    assert status_of(carry) == Status.INCONSISTENT
    assert time_of(carry) == 0.0


@pytest.mark.parametrize("start", [0.5, -1.0, np.nan])
def test_values_that_are_not_finite(start):
    """Met on the way, at once, or brought along: said soon, and not before; the rows hold only what has a value."""
    carry, rows = run(Domain(), [start], plan_of([2.0]))
    assert status_of(carry) == Status.NOT_FINITE
    assert int(carry.attempts) < 300
    assert time_of(carry) == pytest.approx(max(0.0, np.nan_to_num(start)), abs=1e-12)
    assert np.all(np.isfinite(rows.end))


def test_a_failure_spoils_only_its_own_lane():
    """Lanes of one batch: done, exploded, done."""

    def lane(start):
        limits = Tolerance(1e-6, 2000)
        return advance(Explosion(), plan_of([2.0]), begin(start), limits, capacity=1024, elimination=ELIMINATION)[0]

    carry = jax.vmap(lane)(jnp.array([[0.1], [1.0], [0.2]]))
    assert [Status(int(code)) for code in carry.status] == [Status.DONE, Status.STEP_TOO_SMALL, Status.DONE]
    np.testing.assert_allclose(carry.state[::2, 0], [1.0 / 8.0, 1.0 / 3.0], rtol=1e-5)


# Batches


def test_lanes_whose_events_differ_in_time_give_their_own_results():
    """Each as if it ran alone, step for step: only the order of additions in batched products may differ."""
    rates = jnp.array([0.5, 1.0, 3.0, 10.0])
    plan = plan_of([5.0, 1.0], jump=[1, 2])

    def lane(rate):
        problem = Crossing(rate, jnp.array([0.25]))
        return advance(problem, plan, begin(jnp.ones(1)), Tolerance(1e-9), capacity=128, elimination=ELIMINATION)

    together = jax.vmap(lane)(rates)
    for k, rate in enumerate(rates):
        carry, rows, used = lane(rate)
        assert together[2][k] == used
        assert together[0].attempts[k] == carry.attempts
        assert time_of(carry) == pytest.approx(np.log(4.0) / float(rate), rel=1e-7)
        batched = (*(leaf[k] for leaf in together[0]), *(leaf[k][: int(used)] for leaf in together[1]))
        for got, wanted in zip(batched, (*carry, *(leaf[: int(used)] for leaf in rows)), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-10, atol=1e-12)


# Sensitivities


def ended(problem, start, plan, relative=1e-11):
    """(time, state) where a run ends, as a function that can be differentiated."""
    carry, _, _ = advance(
        problem, plan, begin(start), Tolerance(relative, 5000), capacity=1024, elimination=ELIMINATION
    )
    return carry.origin + carry.elapsed, carry.state


def taylor_exponent(function, at, slope, steps):
    """The power with which f(x + h) - f(x) - h f'(x) falls; finite steps choose their own step sizes in time."""
    remainders = [abs(float(function(at + step) - function(at) - step * slope)) for step in steps]
    return np.log(remainders[0] / remainders[1]) / np.log(steps[0] / steps[1])


def test_derivative_of_the_end_with_respect_to_a_rate():
    """dy/dk = -t exp(-k t), to the tolerance; a Taylor test above it."""

    @jax.jit
    def end(rate):
        return ended(Decay(rate), jnp.ones(1), plan_of([1.5]))[1][0]

    value, slope = jax.jvp(end, (2.0,), (1.0,))
    assert float(value) == pytest.approx(np.exp(-3.0), rel=1e-9)
    assert float(slope) == pytest.approx(-1.5 * np.exp(-3.0), rel=1e-8)
    assert taylor_exponent(end, 2.0, slope, (1e-2, 1e-3)) == pytest.approx(2.0, abs=0.05)


def test_derivative_of_an_event_time():
    """t = ln(1/level)/rate: dt/drate = -t/rate and dt/dlevel = -1/(rate level); the state there stays at the level."""

    @jax.jit
    def event(rate, level):
        return ended(Crossing(rate, level[None]), jnp.ones(1), plan_of([9.0]))

    rate, level = 2.0, jnp.asarray(0.3)
    time = -np.log(0.3) / rate
    (_, _), (by_rate, state_by_rate) = jax.jvp(lambda k: event(k, level), (rate,), (1.0,))
    (_, _), (by_level, state_by_level) = jax.jvp(lambda y: event(rate, y), (level,), (1.0,))
    assert float(by_rate) == pytest.approx(-time / rate, rel=1e-8)
    assert float(by_level) == pytest.approx(-1.0 / (rate * 0.3), rel=1e-8)
    assert float(state_by_rate[0]) == pytest.approx(0.0, abs=1e-9)
    assert float(state_by_level[0]) == pytest.approx(1.0, rel=1e-8)
    exponent = taylor_exponent(lambda k: event(k, level)[0], rate, by_rate, (1e-2, 1e-3))
    assert exponent == pytest.approx(2.0, abs=0.05)


@system
class Reversing(Problem):
    """dy/dt = control p y, with the event y = 1/2 while it falls."""

    rate: Any
    shape = Shape(1, 1, 0)

    def exact(self, time):
        raise NotImplementedError

    def residual(self, time, state, control):
        return control * self.rate * state

    def gaps(self, time, state, reference, control):
        return jnp.where(control < 0.0, state - 0.5, 1.0)


def test_derivatives_pass_through_an_event():
    """Down to 1/2 and then up for one second: y = exp(p)/2 whenever it turned, at t = ln 2/p + 1; dy/dp = exp(p)/2."""
    plan = plan_of([99.0, 1.0], jnp.array([-1.0, 1.0]))

    @jax.jit
    def end(rate):
        return ended(Reversing(rate), jnp.ones(1), plan)

    (time, state), (time_slope, state_slope) = jax.jvp(end, (0.8,), (1.0,))
    assert float(time) == pytest.approx(np.log(2.0) / 0.8 + 1.0, rel=1e-9)
    assert float(state[0]) == pytest.approx(0.5 * np.exp(0.8), rel=1e-9)
    assert float(time_slope) == pytest.approx(-np.log(2.0) / 0.64, rel=1e-8)
    assert float(state_slope[0]) == pytest.approx(0.5 * np.exp(0.8), rel=1e-8)
    assert taylor_exponent(lambda p: end(p)[1][0], 0.8, state_slope[0], (1e-2, 1e-3)) == pytest.approx(2.0, abs=0.05)


def test_derivative_with_respect_to_the_start():
    """The chain of exact exponentials through three segments: dy(T)/dy(0) = exp(-sum of rate x duration)."""
    plan = plan_of([1.0, 0.5, 2.0], {"target": jnp.array([1.0, -1.0, 0.0]), "rate": jnp.array([1.0, 3.0, 0.0])})
    end = jax.jit(lambda start: ended(Relaxation(), start, plan)[1])
    slope = jax.jacfwd(end)(jnp.zeros(1))
    assert float(slope[0, 0]) == pytest.approx(np.exp(-2.5), rel=1e-8)


def test_derivative_through_an_algebraic_component():
    """Under a held voltage di/dR at the end: i = (3 - v_0)/R exp(-t/R), from the first, inconsistent, state on."""
    plan = plan_of([0.7], {"hold": jnp.array([True]), "value": jnp.array([3.0])})
    end = jax.jit(lambda resistance: ended(Switched(resistance), jnp.array([1.0, 0.0]), plan)[1])
    value, slope = jax.jvp(end, (0.5,), (1.0,))
    current = 2.0 / 0.5 * np.exp(-0.7 / 0.5)
    np.testing.assert_allclose(value, [3.0 - 0.5 * current, current], rtol=1e-9)
    assert float(slope[1]) == pytest.approx(current * (0.7 / 0.25 - 1.0 / 0.5), rel=1e-8)


def test_derivatives_of_a_structured_problem():
    """The sensitivity to the start of Volterra's chain against differences of exact runs: a Taylor test."""
    problem = Volterra()
    start = problem.exact(0.0)
    direction = jnp.linspace(1.0, -1.0, 6)

    @jax.jit
    def end(size):
        return jnp.sum(ended(problem, start + size * direction, plan_of([1.0]))[1] * jnp.arange(6.0))

    _, slope = jax.jvp(end, (0.0,), (1.0,))
    assert taylor_exponent(end, 0.0, slope, (1e-2, 1e-3)) == pytest.approx(2.0, abs=0.1)


def test_derivatives_are_finite_where_nothing_happens():
    """At zero rates, in segments of no duration, at events already past, just met, or ending the run."""

    @jax.jit
    def slopes(rate, level, durations):
        plan = plan_of([0.0, 0.0, 0.0])._replace(duration=durations)
        problem = functools.partial(Crossing, levels=level[None])
        return jax.jvp(lambda k: ended(problem(k), jnp.ones(1), plan), (rate,), (1.0,))

    for rate in (0.0, 1.0):
        for level in (-1.0, 0.5, 1.0, 2.0):
            for durations in ([1.0, 0.0, 1.0], [0.0, 1.0, 1.0]):
                (time, state), (time_slope, state_slope) = slopes(rate, jnp.asarray(level), jnp.array(durations))
                assert np.all(np.isfinite([time, state[0], time_slope, state_slope[0]]))
                if level == -1.0:
                    assert float(time_slope) == 0.0
                    assert float(state_slope[0]) == pytest.approx(-2.0 * np.exp(-2.0 * rate), rel=1e-8)
                if level >= 1.0:
                    assert float(time) == float(time_slope) == float(state_slope[0]) == 0.0


def test_derivatives_of_a_batch_are_those_of_its_lanes():
    """jvp of vmap: event times differ from lane to lane, and each has its own derivative."""
    rates = jnp.array([0.5, 2.0, 8.0])
    event = jax.vmap(lambda rate: ended(Crossing(rate, jnp.array([0.3])), jnp.ones(1), plan_of([9.0]))[0])
    times, slopes = jax.jvp(event, (rates,), (jnp.ones(3),))
    np.testing.assert_allclose(slopes, -times / rates, rtol=1e-7)
