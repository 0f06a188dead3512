"""Block-tridiagonal matrices with a border: their elimination, and the Jacobian of a function that has this structure.

    | A  B |   A: N x N blocks of m x m, tridiagonal (the interior: nodes coupled to their neighbours)
    | C  D |   B, C, D: p columns, p rows and the p x p corner (the border: scalars coupled to anything)

Elimination costs O(N m^3 + N m p + p^3) instead of O((N m + p)^3). Three eliminations of A are kept, each the fastest
somewhere: LAPACK's tridiagonal solver (m = 1, real, on a CPU), block elimination node by node (any m; compiles
quickly, and vectorises over frequencies), and parallel cyclic reduction for accelerators (any m; Hockney & Jesshope,
Parallel Computers 2, 1988, section 5.4), which stores its multipliers, so that every further right-hand side costs
log2(N) fused sweeps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from mossy.backend import jax, jnp, platform

Array = jax.Array


class Shape(NamedTuple):
    """The structure of a state: N `nodes` of m `variables`, then p `border` scalars, in one flat vector."""

    nodes: int
    variables: int
    border: int

    @property
    def interior(self) -> int:
        """N m, the length of the interior."""
        return self.nodes * self.variables

    @property
    def size(self) -> int:
        """N m + p, the length of the whole vector."""
        return self.interior + self.border


class Bordered(NamedTuple):
    """The blocks of a bordered matrix: three (N, m, m), then column (N, m, p), row (p, N, m) and corner (p, p)."""

    lower: Array
    diagonal: Array
    upper: Array
    column: Array
    row: Array
    corner: Array


def jacobian(function: Callable[[Array], Array], state: Array, shape: Shape) -> Bordered:
    """The blocks of d function/d state at `state`, by differentiation and without ever forming the dense matrix.

    3 m coloured forward products give the tridiagonal interior, p forward products the border's columns, p reverse
    products its rows (which may be dense: an ohmic drop sums over all nodes).
    """
    return blocks_of(jax.linearize(function, state)[1], state, shape)


def blocks_of(forward: Callable[[Array], Array], state: Array, shape: Shape) -> Bordered:
    """The blocks of a linear map with this structure, `forward`, by its products; `state` gives its argument's type."""
    nodes, m, p = shape
    columns = jax.vmap(forward)(_tangents(shape, state.dtype))
    products = columns[: 3 * m, : shape.interior].reshape(3, m, nodes, m)
    at = jnp.arange(nodes)
    lower, diagonal, upper = (
        products[(at + shift) % 3, :, at, :].swapaxes(1, 2) * _inside(at + shift, nodes)[:, None, None]
        for shift in (-1, 0, 1)
    )
    column = columns[3 * m :, : shape.interior].reshape(p, nodes, m).transpose(1, 2, 0)
    corner = columns[3 * m :, shape.interior :].T
    backward = jax.linear_transpose(forward, state)
    seeds = jnp.eye(p, shape.size, shape.interior, dtype=state.dtype)
    row = jax.vmap(lambda seed: backward(seed)[0])(seeds)[:, : shape.interior].reshape(p, nodes, m)
    return Bordered(lower, diagonal, upper, column, row, corner)


def _tangents(shape: Shape, dtype: jnp.dtype) -> Array:
    nodes, m, p = shape
    at = jnp.arange(nodes)
    colours = (at[None, :] % 3 == jnp.arange(3)[:, None]).astype(dtype)
    coloured = jnp.einsum("cn,jk->cjnk", colours, jnp.eye(m, dtype=dtype)).reshape(3 * m, shape.interior)
    coloured = jnp.pad(coloured, ((0, 0), (0, p)))
    return jnp.concatenate([coloured, jnp.eye(p, shape.size, shape.interior, dtype=dtype)])


def _inside(index: Array, nodes: int) -> Array:
    return (index >= 0) & (index < nodes)


def shifted(scale: Array | complex, mass: Array, blocks: Bordered, shape: Shape) -> Bordered:
    """scale * diag(mass) - blocks: the matrix of an implicit step (scale = 1/(gamma h)) or a frequency (i omega)."""
    interior = (scale * mass[: shape.interior]).reshape(shape.nodes, shape.variables)
    return Bordered(
        -blocks.lower,
        interior[:, :, None] * jnp.eye(shape.variables) - blocks.diagonal,
        -blocks.upper,
        -blocks.column,
        -blocks.row,
        jnp.diag(scale * mass[shape.interior :]) - blocks.corner,
    )


class Factors(NamedTuple):
    """A bordered matrix ready to solve with: the interior's factors, A^-1 B, C, the inverse Schur complement."""

    interior: Interior
    solved_column: Array
    row: Array
    inverse: Array


def default_elimination(shape: Shape) -> str:
    """LAPACK for scalar nodes on a CPU, node by node for blocks there, cyclic reduction on an accelerator."""
    if platform() != "cpu":
        return "cyclic_reduction"
    return "lapack" if shape.variables == 1 else "sequential"


def factorise(matrix: Bordered, elimination: str) -> Factors:
    """Factors of a bordered matrix; raises nothing: a singular one gives values that are not finite."""
    nodes = matrix.column.shape[0]
    interior: Interior
    if not nodes:
        interior = ()
    elif elimination == "lapack":
        below, above = matrix.lower[:, 0, 0], matrix.upper[:, 0, 0]
        interior = (below.at[0].set(0.0), matrix.diagonal[:, 0, 0], above.at[-1].set(0.0))
    else:
        reduce = {"sequential": sequential_elimination, "cyclic_reduction": cyclic_reduction}[elimination]
        interior = reduce(matrix.lower, matrix.diagonal, matrix.upper)
    solved = _solve_interior(interior, matrix.column) if nodes else matrix.column
    schur = matrix.corner - jnp.einsum("pnm,nmq->pq", matrix.row, solved)
    largest = jnp.max(jnp.abs(schur), axis=1, keepdims=True, initial=0.0)
    weight = 1.0 / jnp.where(largest == 0.0, 1.0, largest)
    inverse = jnp.linalg.inv(schur * weight) * weight[:, 0] if schur.size else schur
    return Factors(interior, solved, matrix.row, inverse)


def solve(factors: Factors, right: Array) -> Array:
    """x in (bordered matrix) x = right, for one flat right-hand side of length N m + p."""
    nodes, m, _ = factors.solved_column.shape
    inner = right[: nodes * m].reshape(nodes, m)
    if nodes:
        inner = _solve_interior(factors.interior, inner[:, :, None])[:, :, 0]
    border = factors.inverse @ (right[nodes * m :] - jnp.einsum("pnm,nm->p", factors.row, inner))
    inner = inner - factors.solved_column @ border
    return jnp.concatenate([inner.reshape(-1), border])


def _solve_interior(interior: Interior, right: Array) -> Array:
    if isinstance(interior, Cyclic | Sequential):
        return interior.solve(right)
    below, diagonal, above = interior
    return jax.lax.linalg.tridiagonal_solve(below, diagonal, above, right[:, 0, :])[:, None, :]


class Sequential(NamedTuple):
    """Block elimination from the first node to the last: `lower`, the pivots' inverses, and inverse @ upper."""

    lower: Array
    inverse: Array
    upper: Array

    def solve(self, right: Array) -> Array:
        """A x = right for `right` of shape (N, m, k)."""

        def down(before: Array, row: tuple[Array, Array, Array]) -> tuple[Array, Array]:
            lower, inverse, value = row
            value = inverse @ (value - lower @ before)
            return value, value

        def up(after: Array, row: tuple[Array, Array]) -> tuple[Array, Array]:
            upper, value = row
            value = value - upper @ after
            return value, value

        zero = jnp.zeros_like(right[0], dtype=jnp.result_type(right, self.inverse))
        reduced = jax.lax.scan(down, zero, (self.lower, self.inverse, right))[1]
        return jax.lax.scan(up, zero, (self.upper, reduced), reverse=True)[1]


def sequential_elimination(lower: Array, diagonal: Array, upper: Array) -> Sequential:
    """Block LU of a block-tridiagonal matrix, no pivoting between nodes (Thomas' algorithm)."""
    lower, upper = lower.at[:1].set(0.0), upper.at[-1:].set(0.0)

    def pivot(before: Array, row: tuple[Array, Array, Array]) -> tuple[Array, tuple[Array, Array]]:
        left, here, right = row
        inverse = _inverse(here - left @ before)
        return inverse @ right, (inverse, inverse @ right)

    first = jnp.zeros_like(diagonal[0])
    inverse, coupled = jax.lax.scan(pivot, first, (lower, diagonal, upper))[1]
    return Sequential(lower, inverse, coupled)


class Cyclic(NamedTuple):
    """The multipliers of a parallel cyclic reduction: left and right (levels, N, m, m), the last inverse."""

    left: Array
    right: Array
    inverse: Array

    def solve(self, right: Array) -> Array:
        """A x = right for `right` of shape (N, m, k)."""
        for level in range(self.left.shape[0]):
            stride = 2**level
            right = right + self.left[level] @ _shift(right, stride) + self.right[level] @ _shift(right, -stride)
        return self.inverse @ right


Interior = tuple[Array, ...] | Sequential | Cyclic


def cyclic_reduction(lower: Array, diagonal: Array, upper: Array) -> Cyclic:
    """Halves the coupling of a block-tridiagonal matrix log2(N) times, every node at once, until it is diagonal.

    No pivoting between nodes: meant for the diagonally dominant matrices of implicit steps.
    """
    nodes, m, _ = diagonal.shape
    lower, upper = lower.at[:1].set(0.0), upper.at[-1:].set(0.0)
    lefts, rights = [], []
    stride = 1
    while stride < nodes:
        inverse = _inverse(diagonal)
        left = -lower @ _shift(inverse, stride)
        right = -upper @ _shift(inverse, -stride)
        diagonal = diagonal + left @ _shift(upper, stride) + right @ _shift(lower, -stride)
        lower, upper = left @ _shift(lower, stride), right @ _shift(upper, -stride)
        lefts.append(left)
        rights.append(right)
        stride *= 2
    empty = jnp.zeros((0, nodes, m, m), diagonal.dtype)
    return Cyclic(jnp.stack(lefts) if lefts else empty, jnp.stack(rights) if rights else empty, _inverse(diagonal))


def _shift(values: Array, by: int) -> Array:
    """values[i - by] at i, zero where that lies outside."""
    pad = jnp.zeros_like(values[: abs(by)])
    return jnp.concatenate([pad, values[:-by]]) if by > 0 else jnp.concatenate([values[-by:], pad])


def _inverse(blocks: Array) -> Array:
    m = blocks.shape[-1]
    if m == 1:
        return 1.0 / blocks
    if m == 2:
        a, b, c, d = blocks[..., 0, 0], blocks[..., 0, 1], blocks[..., 1, 0], blocks[..., 1, 1]
        adjugate = jnp.stack([jnp.stack([d, -b], -1), jnp.stack([-c, a], -1)], -2)
        return adjugate / (a * d - b * c)[..., None, None]
    return jnp.linalg.inv(blocks)
