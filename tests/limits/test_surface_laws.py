"""Laws of the surface against their limits and against the same thing computed another way."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_bvp, solve_ivp

from mossy.backend import jax, jnp
from mossy.laws import adlayer, charge_transfer, mixing, morphology, native_film, nucleation, porous_layer
from mossy.laws.constants import FARADAY, GAS

TEMPERATURE = 298.15
THERMAL = GAS * TEMPERATURE / FARADAY
LITHIUM = {"surface_energy": 0.5, "metal_molar_volume": 13.021e-6}


def tafel(overpotential: float, ratio: float, symmetry: float = 0.5) -> float:
    """d ln|J|/du of the two-step law, u = F eta/(R T)."""

    def logarithm(eta):
        return jnp.log(jnp.abs(charge_transfer.two_step(eta, 1.0, second_step_ratio=ratio, symmetry=symmetry)))

    return float(jax.grad(logarithm)(overpotential)) * THERMAL


@pytest.mark.parametrize("symmetry", [0.3, 0.5])
@pytest.mark.parametrize(
    ("ratio", "plating", "stripping"),
    [(1e6, lambda a: a, lambda a: a - 2.0), (1e-6, lambda a: 1.0 + a, lambda a: a - 1.0)],
)
def test_two_steps_have_the_textbook_s_tafel_slopes(ratio, plating, stripping, symmetry):
    # far from equilibrium, and not so far that the fast step limits: exp(-6) = 0.002
    for eta, slope in ((6.0 * THERMAL, plating(symmetry)), (-6.0 * THERMAL, stripping(symmetry))):
        assert tafel(eta, ratio, symmetry) == pytest.approx(slope, abs=0.02)


def test_two_steps_near_equilibrium_are_one_of_two_electrons():
    slope = jax.grad(lambda eta: charge_transfer.two_step(eta, 3.0, second_step_ratio=7.0))(0.0)
    one = jax.grad(lambda eta: charge_transfer.butler_volmer(eta, 3.0, charge_number=2))(0.0)
    assert float(slope) == pytest.approx(float(one), rel=1e-12)
    assert float(charge_transfer.two_step(0.0, 3.0, second_step_ratio=7.0)) == 0.0


def test_two_steps_solve_the_steady_intermediate():
    """The closed form against x found from v1 = v2 by hand."""
    for eta, ratio in ((0.03, 4.0), (-0.08, 0.2), (0.15, 30.0)):
        u, symmetry, first = eta / THERMAL, 0.4, 0.5 * (1.0 + 1.0 / ratio)
        forward, backward, second = math.exp(symmetry * u), math.exp((symmetry - 1.0) * u), first * ratio
        x = (first * forward + second * backward) / (first * backward + second * forward)
        want = 2.0 * first * (forward - x * backward)
        got = charge_transfer.two_step(eta, 1.0, second_step_ratio=ratio, symmetry=symmetry)
        assert float(got) == pytest.approx(want, rel=1e-12)


def test_a_critical_nucleus_is_in_equilibrium():
    """exp(2 gamma V/(R T r*)) = exp(z F eta/(R T)), whatever the overpotential."""
    for eta, charge in ((0.02, 1), (0.1, 2)):
        radius = nucleation.critical_radius(eta, charge_number=charge, **LITHIUM)
        activity = nucleation.curvature_activity(radius, temperature=TEMPERATURE, **LITHIUM)
        assert float(jnp.log(activity)) == pytest.approx(charge * eta / THERMAL, rel=1e-12)


def test_the_barrier_is_the_top_of_the_work():
    """The largest value of surface less volume work of a sphere, found by search."""
    eta, radius = 0.05, np.linspace(1e-10, 6e-9, 200_001)
    work = 4.0 * np.pi * radius**2 * 0.5 - 4.0 / 3.0 * np.pi * radius**3 * FARADAY * eta / 13.021e-6
    kelvin = GAS / 6.02214076e23 * TEMPERATURE
    barrier = nucleation.nucleation_barrier(eta, wetting_factor=1.0, temperature=TEMPERATURE, **LITHIUM)
    assert float(barrier) == pytest.approx(work.max() / kelvin, rel=1e-8)
    assert radius[work.argmax()] == pytest.approx(float(nucleation.critical_radius(eta, **LITHIUM)), rel=1e-4)


def test_the_cap_s_volume_is_the_wetting_factor():
    """f is the volume of a cap over that of its sphere: by quadrature over its height."""
    for angle in (0.3, 1.0, 2.0, 3.0):
        height = np.linspace(math.cos(angle), 1.0, 20_001)
        cap = np.trapezoid(np.pi * (1.0 - height**2), height) / (4.0 / 3.0 * np.pi)
        assert float(nucleation.wetting_factor(angle)) == pytest.approx(cap, rel=1e-6)


def test_nuclei_keep_their_volume_and_cover_at_most_all():
    volume, density = 3e-8, 4e12
    radius = float(nucleation.nucleus_radius(volume, density, 0.0))
    assert density * 2.0 / 3.0 * math.pi * radius**3 == pytest.approx(volume, rel=1e-12)
    few, many = nucleation.covered_fraction(1e-9, 1e12), nucleation.covered_fraction(1e-3, 1e12)
    assert float(few) == pytest.approx(math.pi * 1e-6, rel=1e-5)
    assert float(many) == 1.0
    assert float(nucleation.metal_area(1e-9, 1e12) / few) == pytest.approx(2.0, rel=1e-5)


def test_nuclei_that_overlap_at_random_cover_what_avrami_says():
    """Discs thrown on a torus: the share of it they cover, against 1 - exp(-pi R^2 N)."""
    random = np.random.default_rng(3)
    centres, points, radius = random.random((400, 2)), random.random((20_000, 2)), 0.03
    gap = np.abs(points[:, None] - centres[None])
    gap = np.minimum(gap, 1.0 - gap)
    covered = np.mean(np.any((gap**2).sum(axis=2) < radius**2, axis=1))
    # 400 discs leave a scatter of about 1.5 % of the area
    assert covered == pytest.approx(float(nucleation.covered_fraction(radius, 400.0)), abs=0.04)


def test_an_adlayer_settles_where_langmuir_has_it():
    rates = {"adsorption_rate": 2e-3, "desorption_rate": 5e-4, "desorption_symmetry": 0.7}
    for eta in (0.0, 0.05, -0.05):
        run = solve_ivp(lambda t, y, e=eta: [float(adlayer.adlayer_rate(y[0], e, **rates))], (0, 2e5), [0.0], "LSODA")
        away = 5e-4 * math.exp(0.7 * eta / THERMAL)
        assert run.y[0, -1] == pytest.approx(2e-3 / (2e-3 + away), rel=1e-3)
    assert float(adlayer.open_fraction(1.0, 0.3)) == pytest.approx(0.3)


RULES = ("series", "bruggeman", "lichtenecker", "parallel")


def test_mixing_rules_lie_between_wiener_s_bounds():
    random = np.random.default_rng(0)
    for _ in range(20):
        conductivities = jnp.asarray(10.0 ** random.uniform(-9, 0, 4))
        fractions = jnp.asarray(random.dirichlet(np.ones(4)))
        low, *between, high = (float(mixing.RULES[name](conductivities, fractions)) for name in RULES)
        assert all(low * (1 - 1e-12) <= value <= high * (1 + 1e-12) for value in between)
    for rule in mixing.RULES.values():
        assert float(rule(jnp.full(3, 2e-6), jnp.array([0.2, 0.5, 0.3]))) == pytest.approx(2e-6, rel=1e-12)


def test_bruggeman_percolates_at_a_third():
    def mean(share: float) -> float:
        return float(mixing.bruggeman(jnp.array([1.0, 1e-12]), jnp.array([share, 1.0 - share])))

    assert mean(0.3) < 1e-10
    assert mean(0.4) == pytest.approx(0.1, rel=1e-6)


@pytest.mark.parametrize("name", RULES)
def test_mixing_rules_have_gradients(name: str):
    """Against central differences, one phase ten thousand times the other."""
    fractions, at = jnp.array([0.35, 0.65]), jnp.array([1e-2, 1e-6])
    slope = jax.grad(lambda x: jnp.log(mixing.RULES[name](jnp.exp(x), fractions)))(jnp.log(at))
    for k in range(2):
        step = 1e-5 * jnp.eye(2)[k]
        ends = [float(jnp.log(mixing.RULES[name](jnp.exp(jnp.log(at) + sign * step), fractions))) for sign in (1, -1)]
        assert float(slope[k]) == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-5, abs=1e-9)


LINE = {"pore_resistivity": 3.0, "solid_resistivity": 11.0, "wall_area": 4e3}


def test_a_porous_layer_is_bisquert_s_line():
    thickness, y = 2e-2, 0.02 + 0.05j
    r_p, r_s = LINE["pore_resistivity"], LINE["solid_resistivity"]
    length = 1.0 / np.sqrt(LINE["wall_area"] * y * (r_p + r_s))
    ratio = thickness / length
    want = r_p * r_s / (r_p + r_s) * (thickness + 2.0 * length / np.sinh(ratio))
    want += length * (r_p**2 + r_s**2) / (r_p + r_s) / np.tanh(ratio)
    got = complex(porous_layer.porous_layer_impedance(thickness, wall_admittance=y, **LINE))
    assert got == pytest.approx(want, rel=1e-10)


def test_a_porous_layer_with_ends_solves_its_equations():
    """The two rails as a boundary-value problem, solved by collocation with SciPy."""
    thickness, y, top, bottom = 5e-2, 0.3, 0.6, 0.4
    r_p, r_s, area = LINE["pore_resistivity"], LINE["solid_resistivity"], LINE["wall_area"]

    def slopes(x, state):  # potentials of pore and solid, current in the pore; 1 A/m2 in all
        pore, solid, current = state
        return np.array([-r_p * current, -r_s * (1.0 - current), -area * y * (pore - solid)])

    def ends(start, end):  # at the top what does not enter the pores enters the solid; at the bottom all is in it
        return np.array(
            [1.0 - start[2] - top * y * (start[0] - start[1]), end[2] - bottom * y * (end[0] - end[1]), end[1]]
        )

    mesh = np.linspace(0.0, thickness, 400)
    solved = solve_bvp(slopes, ends, mesh, np.ones((3, mesh.size)) * 0.1, tol=1e-9, max_nodes=200_000)
    assert solved.success
    got = porous_layer.porous_layer_impedance(thickness, wall_admittance=y, top_area=top, bottom_area=bottom, **LINE)
    assert float(got) == pytest.approx(solved.y[0, 0], rel=1e-6)


def test_a_porous_layer_of_no_thickness_is_its_ends():
    got = porous_layer.porous_layer_impedance(1e-12, wall_admittance=0.2, top_area=0.7, bottom_area=0.3, **LINE)
    assert float(got) == pytest.approx(1.0 / 0.2, rel=1e-6)


def test_a_porous_layer_settles_at_its_porosity():
    """Solid deposited long enough: (1 - eps)(1 - phi eps/eps_0) = 1 - eps_0."""
    fresh, filling = 0.4, 0.5
    layer, solid = 1e-9, 0.6e-9
    for _ in range(40_000):
        rate = float(porous_layer.layer_growth_rate(1.0, 1.0 - solid / layer, fresh, filling))
        step = 5e-4 * solid
        layer, solid = layer + rate * step, solid + step
    porosity = 1.0 - solid / layer
    assert (1.0 - porosity) * (1.0 - filling * porosity / fresh) == pytest.approx(1.0 - fresh, rel=1e-3)


def test_roughness_rises_to_its_limit_and_returns():
    shape = {"roughening_length": 1e-5, "smoothing_length": 2e-5, "largest_roughness": 4.0}
    plated = solve_ivp(
        lambda h, y: [float(morphology.roughening_rate(y[0], 1.0, **shape))], (0, 3e-5), [1.0], rtol=1e-8
    )
    assert plated.y[0, -1] == pytest.approx(4.0 - 3.0 * math.exp(-3e-5 / 1e-5 / 3.0), rel=1e-5)
    back = solve_ivp(lambda h, y: [float(morphology.roughening_rate(y[0], -1.0, **shape))], (0, 4e-5), [3.0], rtol=1e-8)
    assert back.y[0, -1] == pytest.approx(1.0 + 2.0 * math.exp(-2.0), rel=1e-5)


def test_a_cylinder_pinches_off_as_fast_as_its_fastest_wave():
    """Nichols and Mullins' growth rate, B k^2/R^2 (1 - k^2 R^2), searched for its largest value."""
    mobility, radius = 3e-32, 2e-7
    wave = np.linspace(0.0, 1.0 / radius, 100_001)
    rates = mobility * wave**2 / radius**2 * (1.0 - wave**2 * radius**2)
    assert float(morphology.pinch_off_rate(radius, mobility)) == pytest.approx(rates.max(), rel=1e-8)
    assert 2.0 * np.pi / wave[rates.argmax()] == pytest.approx(2.0 * math.sqrt(2.0) * math.pi * radius, rel=1e-4)


def test_a_dose_of_gas_makes_its_film():
    """One langmuir is about a monolayer: 3.6e18 O2 molecules per m2, and a film that keeps its atoms."""
    dose = float(native_film.gas_dose(native_film.LANGMUIR, 0.031998))
    assert dose * 6.02214076e23 == pytest.approx(3.59e18, rel=5e-3)
    thickness = float(native_film.native_film_thickness(dose, 2.0, 14.84e-6, 0.43))
    oxygen = thickness * (1.0 - 0.43) / 14.84e-6
    assert oxygen == pytest.approx(2.0 * dose, rel=1e-12)
    assert float(native_film.footprint_porosity(1.3)) == 0.0
