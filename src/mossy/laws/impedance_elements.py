"""Impedances of lumped elements and of semi-infinite diffusion, as functions of the angular frequency.

Each is that of one element, in ohm where its parameters are in ohm and farad, in ohm m2 where they are per area.
"""

from __future__ import annotations

import math
from typing import Any

from mossy.backend import jax, jnp


def imaginary_power(angular_frequency: Any, exponent: Any, time_constant: Any = 1.0) -> Any:
    """(i omega tau)^a = (omega tau)^a exp(i pi a/2), the principal branch.

    Arguments: `angular_frequency` omega, rad/s, positive; `exponent` a; `time_constant` tau, s, positive.
    Limits: 1 for a = 0, i omega tau for a = 1.

    >>> f"{complex(imaginary_power(4.0, 0.5)):.6f}"
    '1.414214+1.414214j'
    """
    angle = 0.5 * math.pi * exponent
    size = jnp.exp(exponent * (jnp.log(angular_frequency) + jnp.log(time_constant)))
    return size * jnp.cos(angle) + 1j * (size * jnp.sin(angle))


@jax.custom_jvp
def reciprocal(value: Any) -> Any:
    """1/z of complex z as z*/|z|^2, which compiles to real arithmetic.

    Argument and result in units of each other. Validity: |z| from 1e-150 to 1e150.

    >>> f"{complex(reciprocal(3.0 + 4.0j)):.6f}"
    '0.120000-0.160000j'
    """
    value = jnp.asarray(value, dtype=complex)
    size = 1.0 / (value.real**2 + value.imag**2)
    return jnp.conj(value) * size


@reciprocal.defjvp
def _reciprocal_slope(values: Any, tangents: Any) -> tuple[Any, Any]:
    found = reciprocal(values[0])
    return found, -(found * found) * tangents[0]


def resistor(angular_frequency: Any, resistance: Any) -> Any:
    """Z = R: `resistance`, ohm.

    >>> complex(resistor(10.0, 5.0))
    (5+0j)
    """
    return resistance + 0j * angular_frequency


def capacitor(angular_frequency: Any, capacitance: Any) -> Any:
    """Z = 1/(i omega C): `capacitance` C, F.

    >>> f"{complex(capacitor(10.0, 0.1)):.1f}"
    '-0.0-1.0j'
    """
    return -1j / (angular_frequency * capacitance)


def inductor(angular_frequency: Any, inductance: Any) -> Any:
    """Z = i omega L: `inductance` L, H.

    >>> complex(inductor(10.0, 0.1))
    1j
    """
    return 1j * angular_frequency * inductance


def constant_phase(angular_frequency: Any, coefficient: Any, exponent: Any) -> Any:
    """Z = 1/(Q (i omega)^a), a constant phase of -90 a degrees.

    Arguments: `coefficient` Q, s^a/ohm; `exponent` a, 0 to 1. Limits: a capacitor for a = 1, a resistor 1/Q for a = 0,
    semi-infinite diffusion with A = 1/(Q sqrt 2) for a = 1/2.
    Source: M. E. Orazem, B. Tribollet, Electrochemical Impedance Spectroscopy, 2nd ed. (Wiley, 2017), chapter 14.

    >>> complex(constant_phase(10.0, 0.1, 1.0).round(9))
    -1j
    """
    return reciprocal(imaginary_power(angular_frequency, exponent)) / coefficient


def zarc(angular_frequency: Any, resistance: Any, time_constant: Any, exponent: Any) -> Any:
    """Z = R/(1 + (i omega tau)^a): a resistor beside a constant phase Q = tau^a/R, a depressed arc.

    Arguments: `resistance` R, ohm; `time_constant` tau, s, of the arc's top, omega tau = 1; `exponent` a, 0 to 1.
    Limits: R at low, 0 at high frequency; the semicircle of R beside C = tau/R for a = 1.
    Source: K. S. Cole, R. H. Cole, J. Chem. Phys. 9 (1941) 341, doi 10.1063/1.1750906 (for the permittivity).

    >>> complex(zarc(2.0, 10.0, 0.5, 1.0).round(9))
    (5-5j)
    """
    return resistance * reciprocal(1.0 + imaginary_power(angular_frequency, exponent, time_constant))


def havriliak_negami(angular_frequency: Any, resistance: Any, time_constant: Any, exponent: Any, asymmetry: Any) -> Any:
    """Z = R/(1 + (i omega tau)^a)^b: a skewed arc.

    Arguments: as `zarc`, and `asymmetry` b, 0 to 1. Limits: a ZARC for b = 1; Davidson and Cole's arc for a = 1; that
    of Gerischer for a = 1, b = 1/2.
    Source: S. Havriliak, S. Negami, Polymer 8 (1967) 161, doi 10.1016/0032-3861(67)90021-3.

    >>> complex(havriliak_negami(2.0, 10.0, 0.5, 1.0, 1.0).round(9))
    (5-5j)
    """
    return resistance * jnp.exp(-asymmetry * jnp.log(1.0 + imaginary_power(angular_frequency, exponent, time_constant)))


def gerischer(angular_frequency: Any, resistance: Any, time_constant: Any) -> Any:
    """Z = R/sqrt(1 + i omega tau): diffusion of what reacts on its way.

    Arguments: `resistance` R, ohm; `time_constant` tau = 1/k of the first-order reaction, s. Limits: R at low
    frequency, semi-infinite diffusion with A = R/sqrt(2 tau) at high.
    Source: H. Gerischer, Z. Phys. Chem. 198 (1951) 286, doi 10.1515/zpch-1951-19824.

    >>> complex(gerischer(0.0, 3.0, 1.0))
    (3+0j)
    """
    return resistance / jnp.sqrt(1.0 + 1j * angular_frequency * time_constant)


def warburg(angular_frequency: Any, coefficient: Any) -> Any:
    """Z = A (1 - i)/sqrt(omega): semi-infinite diffusion.

    Arguments: `coefficient` A, ohm s^(-1/2). Limits: a phase of -45 degrees at every frequency.
    Source: E. Warburg, Ann. Phys. 303 (1899) 493, doi 10.1002/andp.18993030302.

    >>> complex(warburg(4.0, 2.0))
    (1-1j)
    """
    return coefficient * (1.0 - 1.0j) / jnp.sqrt(angular_frequency)
