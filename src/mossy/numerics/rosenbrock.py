"""One step of Rodas5P: a stiffly accurate, L-stable Rosenbrock method of order 5(4) for M dy/dt = f(t, y).

Coefficients: G. Steinebach, Construction of Rosenbrock-Wanner method Rodas5P and numerical benchmarks within the Julia
Differential Equations package, BIT Numer. Math. 63 (2023) 27, in the transformed form that needs no product with the
Jacobian. Order 5 also for index-1 differential-algebraic systems; dense output of order 4. tests/order measures both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Bordered, Factors, Shape, blocks_of, factorise, shifted, solve

Array = jax.Array

ORDER = 5
GAMMA = 0.21193756319429014
_A = np.zeros((8, 8))
_A[1, :1] = [3.0]
_A[2, :2] = [2.849394379747939, 0.45842242204463923]
_A[3, :3] = [-6.954028509809101, 2.489845061869568, -10.358996098473584]
_A[4, :4] = [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641]
_A[5, :5] = [
    -7.502846399306121,
    2.561846144803919,
    -11.627539656261098,
    -0.18268767659942256,
    0.030198172008377946,
]
_A[6, :6] = [*_A[5, :5], 1.0]
_A[7, :7] = [*_A[5, :5], 1.0, 1.0]
_C = np.zeros((8, 8))
_C[1, :1] = [-14.155112264123755]
_C[2, :2] = [-17.97296035885952, -2.859693295451294]
_C[3, :3] = [147.12150275711716, -1.41221402718213, 71.68940251302358]
_C[4, :4] = [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306]
_C[5, :5] = [24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471]
_C[6, :6] = [
    30.91273214028599,
    -3.1208243349937974,
    77.79954646070892,
    34.28646028294783,
    -19.097331116725623,
    -28.087943162872662,
]
_C[7, :7] = [
    37.80277123390563,
    -3.2571969029072276,
    112.26918849496327,
    66.9347231244047,
    -40.06618937091002,
    -54.66780262877968,
    -9.48861652309627,
]
_NODES = np.array([0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0])
_D = np.array([GAMMA, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069, 0.0, 0.0, 0.0])
_DENSE = np.array(
    [
        [
            25.948786856663858,
            -2.5579724845846235,
            10.433815404888879,
            -2.3679251022685204,
            0.524948541321073,
            1.1241088310450404,
            0.4272876194431874,
            -0.17202221070155493,
        ],
        [
            -9.91568850695171,
            -0.9689944594115154,
            3.0438037242978453,
            -24.495224566215796,
            20.176138334709044,
            15.98066361424651,
            -6.789040303419874,
            -6.710236069923372,
        ],
        [
            11.419903575922262,
            2.8879645146136994,
            72.92137995996029,
            80.12511834622643,
            -52.072871366152654,
            -59.78993625266729,
            -0.15582684282751913,
            4.883087185713722,
        ],
    ]
)


class Step(NamedTuple):
    """A step taken: its two ends, the three vectors of its dense output, and the estimate of its local error."""

    start: Array
    end: Array
    dense: Array
    error: Array


def rosenbrock_step(
    function: Callable[[Array, Array], Array],
    time: Array,
    state: Array,
    step_size: Array,
    mass: Array,
    shape: Shape,
    elimination: str,
) -> Step:
    """One step of M dy/dt = f(t, y) of length `step_size`, M = diag(mass), zero where a row is algebraic."""
    _, drift, blocks = linearised(function, time, state, shape)
    factors = factorise(shifted(1.0 / (GAMMA * step_size), mass, blocks, shape), elimination)
    return stages_of(function, time, state, step_size, mass, factors, drift, 8)


def linearised(
    function: Callable[[Array, Array], Array], time: Array, state: Array, shape: Shape
) -> tuple[Array, Array, Bordered]:
    """(f, df/dt, the blocks of df/dy) of f(t, y), all from one linearisation."""
    value, forward = jax.linearize(function, time, state)
    drift = forward(jnp.ones_like(time), jnp.zeros_like(state))
    return value, drift, blocks_of(lambda tangent: forward(jnp.zeros_like(time), tangent), state, shape)


def stages_of(
    function: Callable[[Array, Array], Array],
    time: Array,
    state: Array,
    step_size: Array,
    mass: Array,
    factors: Factors,
    drift: Array,
    count: Array | int,
) -> Step:
    """The eight stages, given the factors of M/(gamma h) - J and df/dt; with `count` 0 none, and a step that stands.

    Stage i: (M/(gamma h) - J) k_i = f(t + c_i h, y + sum_j a_ij k_j) + M sum_j C_ij k_j / h + h d_i df/dt.
    """
    weights, couplings = jnp.asarray(_A), jnp.asarray(_C)
    nodes, drifts = jnp.asarray(_NODES), jnp.asarray(_D)

    def stage(index: Array, stages: Array) -> Array:
        value = function(time + nodes[index] * step_size, state + weights[index] @ stages)
        right = value + mass * (couplings[index] @ stages) / step_size + step_size * drifts[index] * drift
        return stages.at[index].set(solve(factors, right))

    stages = jax.lax.fori_loop(0, count, stage, jnp.zeros((8, state.shape[0]), state.dtype))
    end = state + weights[7] @ stages + stages[7]
    return Step(state, end, jnp.asarray(_DENSE) @ stages, stages[7])


def interpolate(start: Any, end: Any, dense: Any, theta: Any) -> Any:
    """The state inside a step at the fraction `theta` of its length, order 4. `dense` has shape (3, n).

    >>> float(interpolate(jnp.zeros(1), jnp.ones(1), jnp.zeros((3, 1)), 0.25)[0])
    0.25
    """
    bend = dense[0] + theta * (dense[1] + theta * dense[2])
    return start * (1.0 - theta) + theta * (end + (1.0 - theta) * bend)
