"""The frequency response against circuits and diffusion elements whose impedance is known."""

from __future__ import annotations

import numpy as np
import pytest

from mossy.backend import jax, jnp
from mossy.numerics.bordered import Shape
from mossy.numerics.linear import frequency_response

OMEGA = jnp.logspace(-3, 6, 40)
OHMIC, RESISTANCE, CAPACITANCE = 2.0, jnp.array([10.0, 3.0]), jnp.array([1e-1, 1e-5])


def arcs(resistance=RESISTANCE, omega=OMEGA):
    """R_0 + sum of R/(1 + i omega R C)."""
    return OHMIC + jnp.sum(resistance / (1.0 + 1j * omega[:, None] * resistance * CAPACITANCE), axis=1)


def arcs_residual(state, current, resistance=RESISTANCE):
    return current - state / resistance


@pytest.mark.parametrize("shape", [Shape(2, 1, 0), Shape(1, 2, 0), Shape(1, 1, 1), Shape(0, 1, 2)])
def test_two_arcs_in_series(shape):
    """C dv/dt = i - v/R for both voltages, wherever in the structure they are kept; to rounding."""
    found = frequency_response(
        arcs_residual,
        lambda state, current: OHMIC * current + jnp.sum(state),
        jnp.array([0.3, -0.1]),
        jnp.asarray(0.0),
        CAPACITANCE,
        OMEGA,
        shape,
    )
    np.testing.assert_allclose(found, arcs(), rtol=1e-13)


def test_under_voltage_control_the_response_is_the_admittance():
    """The current becomes an algebraic state: 0 = U - R_0 i - v_1 - v_2."""

    def residual(state, voltage):
        voltages, current = state[:2], state[2]
        return jnp.append(arcs_residual(voltages, current), voltage - OHMIC * current - jnp.sum(voltages))

    mass = jnp.append(CAPACITANCE, 0.0)
    found = frequency_response(
        residual, lambda state, _: state[2], jnp.zeros(3), jnp.asarray(0.0), mass, OMEGA, Shape(2, 1, 1)
    )
    np.testing.assert_allclose(found, 1.0 / arcs(), rtol=1e-12)


EXCHANGE, THERMAL, LAYER = 2e-3, 0.0257, 2e-5  # A, V, F


def diode(state, current):
    """A double layer beside a charge transfer of 2 i_0 sinh(v/2 V_T)."""
    return current - 2.0 * EXCHANGE * jnp.sinh(state / (2.0 * THERMAL))


def diode_response(bias, omega):
    return frequency_response(
        diode,
        lambda state, _: state[0],
        bias * jnp.ones(1),
        jnp.asarray(0.0),
        LAYER * jnp.ones(1),
        omega,
        Shape(0, 1, 1),
    )


@pytest.mark.parametrize("bias", [0.0, 0.05, -0.12])
def test_the_arc_at_a_bias_is_that_of_the_local_slope(bias):
    """R = V_T/(i_0 cosh(v/2 V_T)), parallel to C; at zero frequency the slope of the steady curve, and real."""
    resistance = THERMAL / (EXCHANGE * np.cosh(bias / (2.0 * THERMAL)))
    expected = resistance / (1.0 + 1j * OMEGA * resistance * LAYER)
    np.testing.assert_allclose(diode_response(bias, OMEGA), expected, rtol=1e-13)
    assert diode_response(bias, jnp.zeros(1))[0] == pytest.approx(resistance, rel=1e-13)


def test_a_negative_frequency_gives_the_conjugate():
    """The system is real, so its transfer function is Hermitian."""
    np.testing.assert_allclose(diode_response(0.05, -OMEGA), np.conj(diode_response(0.05, OMEGA)), rtol=1e-14)


def diffusion(nodes, omega, absorbing):
    """c(0) over the flux into a layer of unit thickness and diffusivity, by finite volumes between x = 0 and 1."""
    width = 1.0 / nodes

    def residual(state, flux):
        inner = -jnp.diff(state) / width
        last = 2.0 * state[-1:] / width if absorbing else jnp.zeros(1)
        return -jnp.diff(jnp.concatenate([flux[None], inner, last])) / width

    def surface(state, flux):
        return state[0] + 0.5 * width * flux

    state = jnp.linspace(1.0, 2.0, nodes)  # linear, so any state will do
    return frequency_response(residual, surface, state, jnp.asarray(0.0), jnp.ones(nodes), omega, Shape(nodes, 1, 0))


@pytest.mark.parametrize("absorbing", [True, False])
def test_finite_length_diffusion(absorbing):
    """tanh(s)/s with an absorbing end, coth(s)/s with a reflecting one, s = sqrt(i omega).

    Finite volumes are of order 2, which is measured; half a volume's extrapolation to the surface costs |s|^2 h^2/8.
    """
    omega = jnp.logspace(-2, 2, 30)
    s = np.sqrt(1j * np.asarray(omega))
    exact = np.tanh(s) / s if absorbing else 1.0 / (np.tanh(s) * s)
    coarse, fine = (np.abs(diffusion(nodes, omega, absorbing) / exact - 1.0) for nodes in (50, 100))
    assert np.max(fine) < 1.02 * 100.0 * 0.01**2 / 8.0
    assert np.log2(np.max(coarse) / np.max(fine)) == pytest.approx(2.0, abs=0.05)


def test_derivative_with_respect_to_a_resistance():
    """dZ/dR = 1/(1 + i omega R C)^2, forwards and backwards, to rounding of the largest, 1."""

    def impedance(resistance):
        return frequency_response(
            lambda state, current: arcs_residual(state, current, resistance),
            lambda state, current: OHMIC * current + jnp.sum(state),
            jnp.zeros(2),
            jnp.asarray(0.0),
            CAPACITANCE,
            OMEGA,
            Shape(1, 2, 0),
        )

    exact = 1.0 / (1.0 + 1j * OMEGA[:, None] * RESISTANCE * CAPACITANCE) ** 2
    np.testing.assert_allclose(jax.jacfwd(impedance)(RESISTANCE), exact, rtol=1e-12, atol=1e-15)
    backward = jax.jacrev(lambda r: jnp.stack([impedance(r).real, impedance(r).imag]))(RESISTANCE)
    np.testing.assert_allclose(backward[0] + 1j * backward[1], exact, rtol=1e-12, atol=1e-15)


def test_derivative_with_respect_to_the_bias():
    """The response moves with the state about which the system is linearised; a Taylor test, for R is known as well."""

    def resistance(bias):
        return diode_response(bias, jnp.zeros(1))[0].real

    bias = 0.05
    slope = jax.grad(resistance)(bias)
    exact = -float(resistance(bias)) * np.tanh(bias / (2.0 * THERMAL)) / (2.0 * THERMAL)
    assert slope == pytest.approx(exact, rel=1e-12)
    remainders = [resistance(bias + step) - resistance(bias) - step * slope for step in (1e-3, 1e-4)]
    assert np.log10(remainders[0] / remainders[1]) == pytest.approx(2.0, abs=0.05)
