"""Transmission lines of any number of rails: exact uniform cells, joined end to end, between two terminals.

    dphi/dx = -Z I,   dI/dx = -Y phi     (n rails; Z series impedance, Y admittance of the cross branches, per length)

The branches join rails with each other, so the current J of all rails together is the same everywhere. The last rail
is the reference: v are the n - 1 potentials against it, i the currents of the other rails. A stretch of line is held
as what it does to v_0 at its left end and to i_L at its right end:

    i_0 = P v_0 + T^T i_L + t J,   v_L = T v_0 - Q i_L - b J,   phi_n(0) - phi_n(L) = r J + b i_L - t v_0
    P = Y L tanh(s)/s,   T = 1/cosh(s),   Q = (tanh(s)/s) L Z_v,   s = L sqrt(Z_v Y)             (uniform stretch)
    t = (1 - T^T) w,   b = -Q w,   r = L R + w Q w

Z_v is Z seen by differences of potential, w the shares of J that the rails carry far from the ends, R their parallel
resistance. Joining two stretches eliminates the nodes where they meet, which is the elimination of the whole ladder's
block-tridiagonal matrix:

    M = (1 + Q1 P2)^-1,   T = T2 M T1,   P = P1 + T1^T P2 M T1,   Q = Q2 + T2 M Q1 T2^T

Why this form. Admittances s coth(s)/(L Z) of the nodes lose a weak branch beside strong rails by subtraction, and the
common potential of all rails leaks by rounding; the chain matrix holds cosh(s), which overflows for deep lines. Here
no rail's impedance and no branch is inverted, nothing exceeds what an endless line has, passive terms only add, and J
is kept exactly. A uniform stretch is cut in 2^m equal pieces of |Z_v Y| l^2 <= 1, whose series end, doubled m times.
Rounding stays near 1e-15 with two rails at any depth, times the last rail's impedance over the best one's; the best
conductor goes last. With more rails one of those most strongly linked goes last (3e-13, branches 1e18 apart); if not,
a branch b times weaker than the strongest is known to about 1e-16 b. Properties that vary go through N uniform cells,
second order in 1/N. Everything is differentiable, and batched over leading axes; these are faster than `vmap`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from mossy.backend import jax, jnp
from mossy.errors import InputError

DOUBLINGS = 48
"""Most doublings of a uniform stretch: enough for L/lambda up to 2e14."""
TERMS = 10
"""Terms of the series of cosh(s) and sinh(s)/s for |s|^2 <= 1: the next one is below 1e-18."""


class Line(NamedTuple):
    """A stretch of line with any leading axes (see the module): P, S; T; Q, ohm; t; b, ohm; r, ohm."""

    admittance: Any
    transfer: Any
    impedance: Any
    share: Any
    offset: Any
    drop: Any


class End(NamedTuple):
    """What closes one end of a line: from each rail to the terminal a (phi - V) + b I = 0, and Y between the rails."""

    hold: Any
    carry: Any
    cross: Any


def rails(*series: Any) -> Any:
    """The matrix Z of uncoupled rails: each rail's series impedance per length, on the diagonal.

    Arguments: one number, or array over frequency, a rail, the best conductor or most strongly linked one last (see the
    module); ohm/m for one line, ohm m for a layer per area. At most one may be 0. Result: (..., n, n), complex.

    >>> rails(2.0, 1.0).real.tolist()
    [[2.0, 0.0], [0.0, 1.0]]
    """
    diagonal = jnp.stack(jnp.broadcast_arrays(*(jnp.asarray(each, dtype=complex) for each in series)), axis=-1)
    return diagonal[..., None] * jnp.eye(len(series))


def branches(count: int, pairs: Mapping[tuple[int, int], Any]) -> Any:
    """The matrix Y of admittances between pairs of rails: their sums on the diagonal, their negatives beside it.

    Arguments: `count` n of rails; `pairs`, the admittance (per length, or whole at an end) between rails (j, k).
    Result: (..., n, n), complex, symmetric, rows that sum to zero.

    >>> branches(2, {(0, 1): 3.0}).real.tolist()
    [[3.0, -3.0], [-3.0, 3.0]]
    """
    total = jnp.zeros((count, count), dtype=complex)
    for (j, k), admittance in pairs.items():
        if j == k or not (0 <= j < count and 0 <= k < count):
            problem = f"no branch joins rail {j} and rail {k} of {count}"
            raise InputError(problem, remedy=f"pair two of the rails 0 to {count - 1}")
        across = jnp.zeros(count).at[j].set(1.0).at[k].set(-1.0)
        total = total + jnp.asarray(admittance)[..., None, None] * jnp.outer(across, across)
    return total


def end(*links: Any, cross: Any = 0.0) -> End:
    """What closes one end of a line: how each rail reaches the terminal, and what joins the rails there.

    Arguments: one impedance a rail to the terminal, in the unit of the result (0: tied to it, infinity: open; arrays
    over frequency broadcast); `cross`, the matrix of admittances between the rails at this end (see `branches`).
    Raises InputError where no rail reaches the terminal.

    >>> end(0.0, math.inf).hold.tolist()
    [1.0, 0.0]
    """
    if all(isinstance(each, (int, float)) and math.isinf(each) for each in links):
        raise InputError("every rail is open at one end, where a terminal must be", remedy="give a rail an impedance")
    impedance = jnp.stack(jnp.broadcast_arrays(*(jnp.asarray(each) for each in links)), axis=-1)
    open_, cross = jnp.isinf(impedance), jnp.asarray(cross)
    cross = jnp.broadcast_to(cross, (len(links), len(links))) if cross.ndim == 0 else cross
    return End(jnp.where(open_, 0.0, 1.0), jnp.where(open_, 1.0, impedance), cross)


def uniform(length: Any, series: Any, cross: Any) -> Line:
    """A stretch whose properties do not change along it, exactly.

    Arguments: `length` L, m; `series` Z, ohm/m, and `cross` Y, S/m, both (..., n, n) and symmetric, rows of Y summing
    to zero; for a layer per area ohm m and S/m3. Leading axes broadcast, `length` against them.
    Validity: at most one rail of zero impedance. Raises InputError where shapes do not fit or there is one rail only.

    >>> deep = uniform(1.0, rails(4.0, 0.0), branches(2, {(0, 1): 1e8}))  # as if endless: sqrt(y/z)
    >>> round(float(deep.admittance[0, 0].real), 6)
    5000.0
    """
    z, y = jnp.asarray(series, dtype=complex), jnp.asarray(cross, dtype=complex)
    if min(z.ndim, y.ndim) < 2 or len({*z.shape[-2:], *y.shape[-2:]}) != 1 or z.shape[-1] < 2:
        problem = f"series impedances {z.shape} and cross admittances {y.shape} are not both (..., n, n) with n > 1"
        raise InputError(problem, remedy="build them with rails(...) and branches(...)")
    length = jnp.asarray(length)[..., None, None]
    coupling, corner = z[..., :-1, -1:] - z[..., -1:, -1:], z[..., -1:, -1:]
    differences = z[..., :-1, :-1] - corner - coupling - jnp.swapaxes(coupling, -1, -2)
    share = -_solve(differences, coupling)
    parallel = (corner + jnp.swapaxes(coupling, -1, -2) @ share) * length
    p, t, q = _doubled(length, differences, y[..., :-1, :-1])
    offset = -q @ share
    whole = parallel - jnp.swapaxes(share, -1, -2) @ offset
    return Line(p, t, q, (share - jnp.swapaxes(t, -1, -2) @ share)[..., 0], offset[..., 0], whole[..., 0, 0])


def _solve(matrix: Any, right: Any) -> Any:
    """X of matrix X = right; a plain division for one row, the case of two rails."""
    return right / matrix if matrix.shape[-1] == 1 else jnp.linalg.solve(matrix, right)


def _doubled(length: Any, z: Any, y: Any) -> tuple[Any, Any, Any]:
    """P, T and Q of a uniform stretch: of a short piece by series, then doubled."""
    size = jnp.abs(z @ y).sum(axis=-1).max(axis=-1)[..., None, None] * jnp.abs(length) ** 2
    power = jnp.clip(jnp.ceil(0.5 * jnp.log2(jnp.maximum(jax.lax.stop_gradient(size), 1e-300))), 0, DOUBLINGS)
    piece = length * 2.0**-power
    z, y = jnp.broadcast_arrays(piece * z, piece * y)
    square, one = z @ y, jnp.broadcast_to(jnp.eye(z.shape[-1], dtype=complex), z.shape)
    cosine = sine = one
    for k in range(TERMS - 1, 0, -1):
        cosine = one + square @ cosine / (2 * k * (2 * k - 1))
        sine = one + square @ sine / (2 * k * (2 * k + 1))
    transfer = _solve(cosine, one)
    ratio = transfer @ sine

    def double(line: tuple[Any, Any, Any], k: Any) -> tuple[tuple[Any, Any, Any], None]:
        more = k < power
        twice = jax.lax.cond(more.any(), lambda each: _eliminate(each, each)[:3], lambda each: each, line)
        p, t, q = (jnp.where(more, new, old) for new, old in zip(twice, line, strict=True))
        return (p, t, q), None

    return jax.lax.scan(double, (y @ ratio, transfer, ratio @ z), jnp.arange(DOUBLINGS))[0]


def _eliminate(first: tuple[Any, Any, Any], second: tuple[Any, Any, Any]) -> tuple[Any, Any, Any, Any, Any]:
    """P, T and Q of two stretches, and M T1 and M Q1 of the node between them."""
    (p1, t1, q1), (p2, t2, q2) = first, second
    count = t1.shape[-1]
    both = _solve(jnp.eye(count) + q1 @ p2, jnp.concatenate([t1, q1], axis=-1))
    reached, short = both[..., :count], both[..., count:]
    admittance = p1 + jnp.swapaxes(t1, -1, -2) @ (p2 @ reached)
    return admittance, t2 @ reached, q2 + t2 @ short @ jnp.swapaxes(t2, -1, -2), reached, short


def join(first: Line, second: Line) -> Line:
    """Two stretches end to end, `first` on the left.

    >>> half = uniform(0.5, rails(2.0, 3.0), branches(2, {(0, 1): 7.0}))
    >>> whole = uniform(1.0, rails(2.0, 3.0), branches(2, {(0, 1): 7.0}))
    >>> round(float(join(half, half).drop.real / whole.drop.real), 12)
    1.0
    """
    p, t, q, reached, short = _eliminate(first[:3], second[:3])
    t1, b1, t2, b2 = (each[..., None] for each in (first.share, first.offset, second.share, second.offset))
    p2 = second.admittance
    across = b1 - short @ (p2 @ b1)
    share = t1 + jnp.swapaxes(reached, -1, -2) @ (t2 - p2 @ b1)
    offset = b2 + second.transfer @ (short @ t2 + across)
    more = jnp.swapaxes(t2, -1, -2) @ (short @ t2 + 2.0 * across) - jnp.swapaxes(b1, -1, -2) @ (p2 @ across)
    return Line(p, t, q, share[..., 0], offset[..., 0], first.drop + second.drop + more[..., 0, 0])


def chain(cells: Line) -> Line:
    """Cells stacked along the first axis, joined from left to right by a scan."""
    first, rest = (jax.tree.map(lambda each, part=part: each[part], cells) for part in (0, slice(1, None)))
    return jax.lax.scan(lambda line, cell: (join(line, cell), None), first, rest)[0]


def graded(edges: Any, series: Callable[[Any], Any], cross: Callable[[Any], Any]) -> Line:
    """A line whose properties vary along it: N uniform cells, each with the properties of its middle.

    Arguments: `edges`, the N + 1 positions between cells, m; `series` and `cross`, functions of one position, m, that
    return Z and Y, (..., n, n). Error: second order in 1/N; of two results, the second with every cell halved,
    (4 second - first)/3 is of fourth order.
    """
    edges = jnp.asarray(edges)
    middles, lengths = 0.5 * (edges[1:] + edges[:-1]), jnp.diff(edges)
    return chain(jax.vmap(lambda length, x: uniform(length, series(x), cross(x)))(lengths, middles))


def impedance(line: Line, left: End, right: End) -> Any:
    """The impedance between the terminal at the left end of a line and the one at its right end.

    Arguments: `line` from `uniform`, `join`, `chain` or `graded`; its ends. Result: ohm (ohm m2 for a layer per area),
    the line's leading axes broadcast with those of the ends. Infinite or NaN where nothing conducts from one terminal
    to the other. Raises InputError where an end has another number of rails.

    >>> line = uniform(1.0, rails(3.0, 2.0), branches(2, {(0, 1): 1e-30}))  # two wires, side by side
    >>> round(float(impedance(line, end(0.0, 0.0), end(0.0, 0.0)).real), 9)
    1.2
    """
    count = line.transfer.shape[-1]
    for name, each in (("left", left), ("right", right)):
        if each.hold.shape[-1] != count + 1:
            problem = f"the {name} end closes {each.hold.shape[-1]} rails, the line has {count + 1}"
            raise InputError(problem, remedy="give one impedance a rail")
    potentials, last = jnp.eye(count + 1)[:, :count], jnp.eye(count + 1)[:, count:]
    currents = potentials - last
    t, b, back = line.share[..., None], line.offset[..., None], jnp.swapaxes(line.transfer, -1, -2)
    hold, carry = left.hold[..., None], left.carry[..., None]
    load = hold * potentials + carry * (left.cross @ potentials)
    first = [load + carry * (currents @ line.admittance), hold, carry * (currents @ back), 0.0 * hold]
    given = [-carry * (currents @ t + last)]
    hold, carry = right.hold[..., None], right.carry[..., None]
    load = hold * potentials + carry * (right.cross @ potentials)
    second = [load @ line.transfer, 0.0 * hold, -load @ line.impedance - carry * currents, hold]
    given.append(load @ b + carry * last)
    batch = jnp.broadcast_shapes(*(each.shape[:-2] for each in (*first, *second, *given)))
    rows = [_beside([*row, known], batch) for row, known in zip((first, second), given, strict=True)]
    system = jnp.concatenate(rows, axis=-2)
    system = system / jax.lax.stop_gradient(jnp.abs(system[..., :-1]).max(axis=-1, keepdims=True))
    found = jnp.linalg.solve(system[..., :-1], system[..., -1:])[..., 0]
    start, near, leaving, far = found[..., :count], found[..., count], found[..., count + 1 : -1], found[..., -1]
    return far - near - (line.share * start).sum(axis=-1) + (line.offset * leaving).sum(axis=-1) + line.drop


def _beside(blocks: list[Any], batch: tuple[int, ...]) -> Any:
    wide = [jnp.broadcast_to(each, (*batch, *each.shape[-2:])).astype(complex) for each in blocks]
    return jnp.concatenate(wide, axis=-1)


__all__ = ["End", "Line", "branches", "chain", "end", "graded", "impedance", "join", "rails", "uniform"]
