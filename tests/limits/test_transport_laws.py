"""Transport laws against published regression values, exact solutions, and each other."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from mossy.backend import jax, jnp
from mossy.errors import InputError
from mossy.laws import transport
from mossy.laws.constants import FARADAY, GAS

# J. Landesfeind and H. A. Gasteiger, J. Electrochem. Soc. 166 (2019) A3079: conductivity, diffusivity, chi, t+
LANDESFEIND = {
    "EC:DMC 1:1": (
        (0.798, 228, -1.22, 0.509, -4e-3, 3.79e-3),
        (1470, 1.33, -1690, -563),
        (-5.58, 7.17, 3.80e-2, 1.91, -6.65e-2, -5.08e-5, 0.11, -6.10e-3, 1.51e-4),
        (-7.91, 0.245, 5.28e-2, 0.698, -1.08e-2, -8.21e-5, 7.43e-4, -2.22e-3, 3.07e-5),
    ),
    "EC:EMC 3:7": (
        (0.521, 228, -1.06, 0.353, -3.59e-3, 1.48e-3),
        (1010, 1.01, -1560, -487),
        (25.7, -45.1, -0.177, 1.94, 0.295, 3.08e-4, 0.259, -9.46e-3, -4.54e-4),
        (-12.8, -6.12, 8.21e-2, 0.904, 3.18e-2, -1.27e-4, 1.75e-2, -3.12e-3, -3.96e-5),
    ),
    "EMC:FEC 19:1": (
        (2.51e-2, 175, 1.23, 0.205, -8.81e-2, 2.83e-3),
        (586, 1.33, -1380, -582),
        (3.22, -10.1, -1.58e-2, 6.12, 2.96e-2, 2.42e-5, -0.222, -1.57e-2, 6.30e-6),
        (-12.2, -3.05, 8.38e-2, 1.78, 1.51e-3, -1.37e-4, -2.45e-2, -5.15e-3, 2.14e-5),
    ),
}
# (conductivity S/m, diffusivity m2/s, chi, t+), six digits, as another implementation's unit test holds them
REGRESSION = {
    ("EC:DMC 1:1", 1000.0, 283.15): (0.870352, 1.94664e-10, 1.84644, 0.17651),
    ("EC:EMC 3:7", 1000.0, 283.15): (0.695252, 2.01038e-10, 1.82671, 0.0118815),
    ("EMC:FEC 19:1", 1000.0, 283.15): (0.454054, 2.16871e-10, 0.92532, -0.0653014),
    ("EC:DMC 1:1", 2000.0, 303.15): (0.839076, 1.94233e-10, 4.16915, 0.241924),
    ("EC:EMC 3:7", 2000.0, 303.15): (0.668677, 1.78391e-10, 3.9218, 0.151879),
    ("EMC:FEC 19:1", 2000.0, 303.15): (0.632419, 1.8992e-10, 3.22481, 0.0416203),
    ("EC:DMC 1:1", 1000.0, 298.15): (1.18187, 2.90496e-10, 2.20113, 0.325028),
    ("EC:EMC 3:7", 1000.0, 298.15): (0.913021, 2.89225e-10, 2.18176, 0.220913),
    ("EMC:FEC 19:1", 1000.0, 298.15): (0.552947, 3.07326e-10, 1.16276, 0.129124),
}
# J / J_lim: D t/L^2, from the series in extended precision
DEPLETION = {
    1.05: 0.2871953213654,
    1.2: 0.160263930541243,
    1.5: 0.0900426027071981,
    2: 0.0491826848809263,
    3: 0.021816651463355,
    5: 0.00785398163397449,
}
COEFFICIENTS = {
    "constant": (0.4,),
    "polynomial": (1000.0, 1.0, 0.3, -0.1),
    "exponential_polynomial": (-22.0, -0.65),
    "table": (np.array([100.0, 1000.0, 2000.0]), np.array([0.4, 0.9, 0.7])),
    "arrhenius": (1.0, 20e3, 298.15),
    "landesfeind_conductivity": LANDESFEIND["EC:EMC 3:7"][0],
    "landesfeind_diffusivity": LANDESFEIND["EC:EMC 3:7"][1],
    "landesfeind_polynomial": LANDESFEIND["EC:EMC 3:7"][2],
    "valoen_reimers_conductivity": (),
    "valoen_reimers_diffusivity": (),
    "molar_volume_from_density": (0.28709, 1123.276, 106.822, 7.606),
}
CELL = {"concentration": 1000.0, "diffusivity": 3e-10, "transference_number": 0.38}


@pytest.mark.parametrize(("mixture", "concentration", "temperature"), REGRESSION)
def test_landesfeind_reproduces_the_regression_values(mixture, concentration, temperature):
    laws = (
        transport.landesfeind_conductivity,
        transport.landesfeind_diffusivity,
        transport.landesfeind_polynomial,
        transport.landesfeind_polynomial,
    )
    found = [float(law(concentration, temperature, *p)) for law, p in zip(laws, LANDESFEIND[mixture], strict=True)]
    # half a unit of the sixth digit
    assert found == pytest.approx(REGRESSION[mixture, concentration, temperature], rel=5e-6)


@pytest.mark.parametrize(
    ("concentration", "temperature", "conductivity", "diffusivity"),
    [
        (1000.0, 298.15, 1.194326363775062, 3.222722528605264e-10),
        (2000.0, 283.15, 0.5063268772321965, 8.070434967026457e-11),
        (500.0, 323.15, 1.309136342454749, 7.426804023025006e-10),
    ],
)
def test_valoen_reimers_agrees_with_pybamms_transcription(concentration, temperature, conductivity, diffusivity):
    """Numbers of PyBaMM 26.10's Xu2019 set."""
    found = transport.valoen_reimers_conductivity(concentration, temperature)
    assert float(found) == pytest.approx(conductivity, rel=1e-12)
    found = transport.valoen_reimers_diffusivity(concentration, temperature)
    assert float(found) == pytest.approx(diffusivity, rel=1e-12)


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_correlations_survive_depletion_with_finite_gradients(name):
    def law(c, t):
        return transport.CORRELATIONS[name](c, t, *COEFFICIENTS[name])

    for concentration in (-5.0, -1e-9, 0.0, 1e-12, 1e-3, 1000.0):
        value, slopes = jax.value_and_grad(law, argnums=(0, 1))(concentration, 298.15)
        assert np.isfinite([value, *slopes]).all()
    ends = np.asarray(jax.jit(law)(jnp.array([-1.0, 0.0, 1200.0]), 298.15))
    assert ends.shape == (3,)
    if name.endswith(("conductivity", "diffusivity")):
        assert (ends > 0).all()


@pytest.mark.parametrize("name", COEFFICIENTS)
def test_gradients_of_correlations_follow_their_differences(name):
    def law(c, t):
        return transport.CORRELATIONS[name](c, t, *COEFFICIENTS[name])

    slopes = jax.grad(law, argnums=(0, 1))(700.0, 305.0)
    differences = (law(700.5, 305.0) - law(699.5, 305.0)), (law(700.0, 305.05) - law(700.0, 304.95)) / 0.1
    # central differences: third derivatives leave 1e-6 of the slope
    scale = abs(float(law(700.0, 305.0))) * 1e-9
    np.testing.assert_allclose(slopes, differences, rtol=1e-5, atol=scale)


def test_polynomials_tables_and_arrhenius_mean_what_they_say():
    c = np.array([500.0, 1000.0, 3000.0])
    x = (c - 1000.0) / 1000.0
    np.testing.assert_allclose(transport.polynomial(c, 300.0, 1000.0, 2.0, -1.0, 0.5), 2 - x + 0.5 * x**2, rtol=1e-14)
    found = transport.exponential_polynomial(c, 300.0, -1.0, 0.3, 0.2)
    np.testing.assert_allclose(found, np.exp(-1 + 0.3 * c / 1000 + 0.2 * (c / 1000) ** 2), rtol=1e-14)
    found = transport.table(np.array([0.0, 150.0, 325.0, 9000.0]), 300.0, [150.0, 500.0], [0.404, 0.72])
    np.testing.assert_allclose(found, [0.404, 0.404, 0.562, 0.72], rtol=1e-14)
    rates = transport.arrhenius(1000.0, np.array([290.0, 320.0]), 3.0, 30e3, 320.0)
    assert float(rates[1]) == pytest.approx(3.0, rel=1e-15)
    energy = -GAS * math.log(float(rates[0] / rates[1])) / (1 / 290.0 - 1 / 320.0)
    assert energy == pytest.approx(30e3, rel=1e-12)


def test_molar_volume_comes_back_from_the_density_of_an_ideal_mixture():
    """c V + c0 V0 = 1 with constant volumes: rho = rho0 + c (M - rho0 V)."""
    volume, mass, solvent = 6.1e-5, 0.1519, 1200.0
    slope_per_molar = 1000 * (mass - solvent * volume)
    found = transport.molar_volume_from_density(np.array([0.0, 800.0, 2500.0]), 298.15, mass, solvent, slope_per_molar)
    np.testing.assert_allclose(found, volume, rtol=1e-13)


def test_number_of_coefficients_is_known_for_every_correlation():
    for name, coefficients in COEFFICIENTS.items():
        fewest, most = transport.coefficient_count(name)
        assert fewest <= len(coefficients) <= most
    assert transport.coefficient_count("table") == (2, 2)
    assert transport.coefficient_count("landesfeind_polynomial") == (9, 9)
    assert transport.coefficient_count("exponential_polynomial")[0] == 1
    with pytest.raises(InputError, match="landesfeind_conductivity"):
        transport.coefficient_count("landesfeind_conductivty")


def test_sand_time_and_limiting_current_have_their_reference_values():
    assert transport.sand_time(100.0, **CELL) == pytest.approx(570.6244145488982, rel=1e-14)
    assert transport.limiting_current(25e-6, **CELL) == pytest.approx(3734.916, rel=1e-7)


@pytest.mark.parametrize("current_ratio", DEPLETION)
def test_finite_cell_depletes_at_the_tabulated_times(current_ratio):
    found = transport.depletion_time_finite_cell(current_ratio, 2.0, 0.5)
    assert found / 8 == pytest.approx(DEPLETION[current_ratio], rel=1e-12)


def test_finite_cell_depletes_at_sands_time_when_fast_and_never_below_the_limiting_current():
    thickness = 1e-3
    limit = transport.limiting_current(thickness, **CELL)
    for ratio in (5.9, 6.1, 20.0):  # on both sides of where the series is left
        sand = transport.sand_time(ratio * limit, **CELL)
        found = transport.depletion_time_finite_cell(ratio, thickness, CELL["diffusivity"])
        assert found == pytest.approx(sand, rel=1e-13)
    assert transport.depletion_time_finite_cell(1.0, thickness, 3e-10) == math.inf
    times = [transport.depletion_time_finite_cell(ratio, 1.0, 1.0) for ratio in (1.0001, 1.01, 1.3, 2.5, 6.5)]
    assert times == sorted(times, reverse=True)


def test_salt_flux_integrated_over_a_cell_empties_it_at_the_finite_cell_time():
    """A magnesium cell (z = 2, two anions) stepped in time with `salt_flux`: flux, ions and series in one."""
    thickness, ratio, cells = 1e-4, 1.5, 100
    salt = {"transference_number": 0.3, "charge_number": 2}
    current = ratio * transport.limiting_current(thickness, 500.0, 2e-10, **salt)
    width = thickness / cells
    at_metal = current / (2 * FARADAY)

    def change(time, c):
        inside = transport.salt_flux(np.diff(c) / width, 2e-10, current, 0.3, charge_number=2)
        return -np.diff(inside, prepend=at_metal, append=at_metal) / width

    def empty(time, c):
        return 1.5 * c[-1] - 0.5 * c[-2]  # extrapolated to the plating electrode

    empty.terminal = True
    start = np.full(cells, 500.0)
    run = solve_ivp(change, (0, 1e3), start, method="BDF", events=empty, rtol=1e-7, atol=1e-4)
    expected = transport.depletion_time_finite_cell(ratio, thickness, 2e-10)
    # second order in 1/100
    assert run.t_events[0][0] == pytest.approx(expected, rel=1e-3)
    assert run.y_events[0][0].mean() == pytest.approx(500.0, rel=1e-6)


def test_concentration_overpotential_has_its_reference_value():
    found = transport.steady_concentration_overpotential(0.5, 298.15, 0.38)
    assert float(found) == pytest.approx(35.00046710655889e-3, rel=1e-13)


@pytest.mark.parametrize(
    ("charge_number", "cations", "anions", "against_one_to_one"),
    # the current carries 1/(z nu+) of the salt and a volt per ln c costs nu/(z nu+) of R T/F: nu/(2 z^2 nu+^2)
    [(1, 1, 1, 1.0), (2, 1, 2, 3 / 8), (1, 2, 1, 3 / 8)],
)
def test_concentration_resistance_is_the_slope_of_the_overpotential(charge_number, cations, anions, against_one_to_one):
    thickness, chi = 25e-6, 1.7
    salt = {"charge_number": charge_number, "cations_per_formula": cations}
    ions = {**salt, "anions_per_formula": anions}
    limit = transport.limiting_current(thickness, **CELL, **salt)
    slope = jax.grad(lambda j: transport.steady_concentration_overpotential(j / limit, 310.0, 0.38, chi, **ions))(0.0)
    resistance = transport.concentration_resistance(thickness, 1000.0, 3e-10, 310.0, 0.38, chi, **ions)
    assert float(slope) == pytest.approx(resistance, rel=1e-13)
    newman = 2 * GAS * 310.0 * 0.62**2 * chi * thickness / (FARADAY**2 * 3e-10 * 1000.0)
    assert resistance == pytest.approx(newman * against_one_to_one, rel=1e-13)


def test_an_ideal_dilute_salt_obeys_nernst_and_planck():
    """phi of a same-metal reference electrode is the electrostatic one plus (R T/(z F)) ln c of the cation.

    Without current dilute ions with diffusivities D+ and D- hold a field (D+ - D-)/(z D+ + n D-) per R T/F and ln c
    (z charge of the cation, n of the anion), and the salt has t+ = z D+/(z D+ + n D-): independent of Newman's form.
    """
    for z, n, cations, anions in ((1, 1, 1, 1), (2, 1, 1, 2), (1, 2, 2, 1)):
        fast, slow = 1.0, 1.6
        transference = z * fast / (z * fast + n * slow)
        junction = -(fast - slow) / (z * fast + n * slow)
        expected = GAS * 298.15 / FARADAY * (1 / z + junction)
        found = transport.diffusion_potential_coefficient(
            298.15, transference, 1.0, charge_number=z, cations_per_formula=cations, anions_per_formula=anions
        )
        assert found == pytest.approx(expected, rel=1e-13)


def test_concentration_impedance_has_its_limits_and_its_peak():
    def element(f, **others):
        return transport.concentration_impedance(f, 25e-6, 3e-10, 2.0, **others)

    assert complex(element(0.0)) == 2.0
    assert complex(element(1e-9)) == pytest.approx(2.0, rel=1e-7)
    fast = complex(element(1e12))
    assert fast.imag == pytest.approx(-fast.real, rel=1e-12)
    assert abs(fast) == pytest.approx(2.0 / math.sqrt(2 * math.pi * 1e12 * 25e-6**2 / 1.2e-9), rel=1e-12)
    peak = 2.54064688839328 / (2 * math.pi) * 4 * 3e-10 / 25e-6**2
    assert -complex(element(peak)).imag == pytest.approx(2.0 * 0.417226557634417, rel=1e-12)
    assert complex(element(peak, porosity=0.5)) == pytest.approx(complex(element(peak / 2)), rel=1e-13)
    slope = jax.grad(lambda d: jnp.abs(transport.concentration_impedance(jnp.array([0.0, 1.0]), 25e-6, d, 2.0)).sum())
    assert math.isfinite(slope(3e-10))


def test_concentration_impedance_solves_the_diffusion_equation():
    """Equal and opposite alternating fluxes of salt, by finite volumes: the phasor of the surface concentrations."""
    thickness, diffusivity, porosity, frequency, cells = 25e-6, 3e-10, 0.4, 1.0, 400
    width = thickness / cells
    second = (np.diag(np.full(cells - 1, 1.0), 1) + np.diag(np.full(cells - 1, 1.0), -1)) - 2 * np.eye(cells)
    second[0, 0] = second[-1, -1] = -1.0
    system = 2j * math.pi * frequency * porosity * np.eye(cells) - diffusivity / width**2 * second
    source = np.zeros(cells)
    source[0], source[-1] = 1 / width, -1 / width  # one mol/(m2 s) in, one out
    c = np.linalg.solve(system, source)
    difference = (c[0] - c[-1]) + width / diffusivity  # half a cell further out at both ends
    steady = thickness / diffusivity
    found = transport.concentration_impedance(frequency, thickness, diffusivity, 1.0, porosity)
    # second order in 1/400
    assert complex(found) == pytest.approx(difference / steady, rel=1e-4)
