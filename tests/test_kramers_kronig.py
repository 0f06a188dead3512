"""The Kramers-Kronig test: its false alarms and its power, measured; noise, outliers, series, and real dummy cells."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import mossy
from mossy.analysis import kramers_kronig
from mossy.analysis.kramers_kronig.drift import drift
from mossy.errors import InputError
from mossy.records import Impedance

FREQUENCY = np.geomspace(1e6, 1e-2, 65)
S = 2j * np.pi * FREQUENCY
PERIODS = np.cumsum(1.0 / FREQUENCY) / np.sum(1.0 / FREQUENCY)
ALONG = np.linspace(0.0, 1.0, 65)
TAILS = {
    "Warburg": lambda rng: rng.uniform(0.3, 10.0) / np.sqrt(S),
    "Gerischer": lambda rng: 30.0 / np.sqrt(1.0 + S * 10 ** rng.uniform(-4.0, 0.0)),
    "inductive": lambda rng: S * 10 ** rng.uniform(-7.0, -5.0),
    "blocking": lambda rng: 1.0 / (S * 10 ** rng.uniform(-5.0, -1.0)),
    "constant phase": lambda rng: 1.0 / (10 ** rng.uniform(-4.0, -1.0) * S ** rng.uniform(0.6, 0.95)),
    "inductive loop": lambda rng: -rng.uniform(0.5, 5.0) / (1.0 + S * 10 ** rng.uniform(-1.0, 1.0)),
    "beyond the range": lambda rng: 50.0 / (1.0 + (S * 10 ** rng.uniform(1.2, 3.0)) ** 0.9),
}


def valid(rng: np.random.Generator, tail: str) -> np.ndarray:
    """R + 3 ZARC + a tail: time constants at least a decade apart, alpha 0.7 to 1, resistances within a factor 30."""
    while np.diff(taus := np.sort(rng.uniform(-6.0, 1.0, 3))).min() < 1.0:
        pass
    arcs = zip(10**taus, rng.uniform(0.7, 1.0, 3), 10 ** rng.uniform(1.0, 1.0 + np.log10(30.0), 3), strict=True)
    return rng.uniform(1.0, 60.0) + TAILS[tail](rng) + sum(r / (1.0 + (S * tau) ** a) for tau, a, r in arcs)


def noisy(rng: np.random.Generator, impedance: np.ndarray, noise: float) -> np.ndarray:
    return impedance + noise * np.abs(impedance) * (rng.normal(size=65) + 1j * rng.normal(size=65))


def rejected(spectra: list[np.ndarray]) -> float:
    """Share of spectra that do not pass."""
    found = kramers_kronig.test_many([(FREQUENCY, each) for each in spectra])
    return float(np.mean([not each.passed for each in found]))


def backward_arc(rng: np.random.Generator, impedance: np.ndarray, share: float) -> np.ndarray:
    """The complex conjugate of an RC arc somewhere in the range, sized by |Z| there."""
    tau = 10 ** rng.uniform(-6.0, 1.0)
    size = np.interp(np.log(tau), np.log(1.0 / np.abs(S)), np.abs(impedance))
    return impedance + share * size / (1.0 - S * tau)


@pytest.mark.parametrize("noise", [0.0003, 0.001, 0.003])
@pytest.mark.parametrize("tail", TAILS)
def test_valid_spectra_pass(tail: str, noise: float) -> None:
    """At most ALARM = 1 % of valid spectra may fail by chance; of 150, six or more would happen once in 500 tries."""
    rng = np.random.default_rng(7)
    assert rejected([noisy(rng, valid(rng, tail), noise) for _ in range(150)]) <= 5 / 150


@pytest.mark.parametrize(
    ("violation", "noise", "least"),
    [
        (lambda rng, z: z * (1.0 + 0.01 * ALONG), 0.001, 0.95),
        (lambda rng, z: z * (1.0 + 0.01 * PERIODS), 0.0003, 0.95),
        (lambda rng, z: z * (1.0 + 0.03 * PERIODS), 0.001, 0.9),
        (lambda rng, z: backward_arc(rng, z, 0.01), 0.001, 0.90),
        (lambda rng, z: backward_arc(rng, z, 0.01), 0.003, 0.82),
        (lambda rng, z: backward_arc(rng, z, 0.02), 0.003, 0.93),
        (lambda rng, z: backward_arc(rng, z, 0.10), 0.003, 0.93),
        (lambda rng, z: 1.01 * z.real + 1j * z.imag, 0.001, 0.95),
    ],
    ids=[
        *("drift 1 % along points", "drift 1 % in time, fine", "drift 3 % in time", "arc 1 %", "arc 1 %, noisy"),
        *("arc 2 %", "arc 10 %", "real part 1 % off"),
    ],
)
def test_violations_are_caught(violation, noise: float, least: float) -> None:
    """The shares measured on 600 spectra (the table of the module), less two standard deviations of 100."""
    rng = np.random.default_rng(11)
    spectra = [noisy(rng, violation(rng, valid(rng, "Warburg")), noise) for _ in range(100)]
    assert rejected(spectra) >= least


def test_what_cannot_be_seen_is_said() -> None:
    """`detectable_drift` is what 90 % find: at that size 75 to 99 % of 100 must be found, at a quarter of it few."""
    rng = np.random.default_rng(5)
    shares = []
    for part in (1.0, 0.25):
        spectra = []
        for _ in range(100):
            sound = valid(rng, "Warburg")
            size = kramers_kronig.test((FREQUENCY, noisy(rng, sound, 0.001))).detectable_drift
            spectra.append(noisy(rng, sound * (1.0 + part * size * PERIODS), 0.001))
        shares.append(rejected(spectra))
    assert 0.7 <= shares[0] <= 0.99
    assert shares[1] < 0.15


def test_noise_is_recovered() -> None:
    """Proportional 0.2 % and additive 0.05 ohm; 65 points leave about 100 degrees of freedom, so 7 % on each."""
    rng = np.random.default_rng(2)
    found = []
    for _ in range(20):
        sound = 1.0 + 1.0 / (S * 1e-3) + 20.0 / (1.0 + (S * 1e-4) ** 0.8)
        sigma = np.hypot(0.002 * np.abs(sound), 0.05)
        measured = sound + sigma * (rng.normal(size=65) + 1j * rng.normal(size=65))
        validity = kramers_kronig.test((FREQUENCY, measured))
        assert validity.passed
        found.append((validity.noise.proportional, validity.noise.additive_ohm))
    assert np.mean(found, axis=0) == pytest.approx([0.002, 0.05], rel=0.1)


def test_outliers_are_flagged_and_do_not_condemn() -> None:
    rng = np.random.default_rng(4)
    right = 0
    for _ in range(30):
        measured = noisy(rng, valid(rng, "Warburg"), 0.001)
        for place in (20, 41):
            measured[place] *= 1.0 + 0.02 * np.exp(2j * np.pi * rng.uniform())
        validity = kramers_kronig.test((FREQUENCY, measured))
        exact = np.flatnonzero(validity.flagged).tolist() == [20, 41]
        right += validity.passed and exact and validity.noise.proportional == pytest.approx(0.001, rel=0.3)
        if exact:
            assert set(validity.reasons) == {20, 41}
            assert f"{FREQUENCY[20]:.4g} Hz" in validity.reasons[20]
    assert right >= 26  # 20 standard deviations off; a shift along the arc's tangent at its flank is the harder to see


def test_model_follows_what_it_is_made_of() -> None:
    """A relaxation on the grid, with L and C, has no residual but rounding, amplified by the columns' likeness."""
    impedance = 5.0 + 1e-6 * S + 1.0 / (0.1 * S) + 100.0 / (1.0 + S / np.abs(S[-1]))
    validity = kramers_kronig.test((FREQUENCY, impedance))
    assert np.abs(validity.residuals).max() < 1e-9
    assert validity.passed


def test_noiseless_spectra_pass() -> None:
    """Simulated data have no noise; what is left of them is how far relaxations follow a ZARC, and no violation."""
    rng = np.random.default_rng(9)
    assert rejected([valid(rng, tail) for tail in TAILS for _ in range(10)]) == 0.0


def test_order_and_scale_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    measured = noisy(rng, valid(rng, "blocking"), 0.002)
    one = kramers_kronig.test((FREQUENCY, measured))
    turned = kramers_kronig.test((FREQUENCY[::-1], 1e3 * measured[::-1]))
    assert turned.elements == one.elements
    assert turned.model[::-1] / 1e3 == pytest.approx(one.model, rel=1e-6)
    assert turned.noise.proportional == pytest.approx(one.noise.proportional, rel=1e-6)


def test_many_are_each() -> None:
    """Spectra solved together, on two grids, are what each is alone."""
    rng = np.random.default_rng(1)
    given = [(FREQUENCY, noisy(rng, valid(rng, "Warburg"), 0.002)) for _ in range(3)]
    given.insert(1, (FREQUENCY[::2], given[0][1][::2]))
    for together, alone in zip(kramers_kronig.test_many(given), map(kramers_kronig.test, given), strict=True):
        assert together.model == pytest.approx(alone.model, rel=1e-9)
        assert together.p_value == pytest.approx(alone.p_value, rel=1e-6)


@pytest.mark.parametrize("points", [4, 5, 6, 9, 15])
def test_few_points(points: int) -> None:
    frequency = np.geomspace(500.0, 0.8, points)
    rng = np.random.default_rng(8)
    sound = 120.0 + 60.0 / (1.0 + (2j * np.pi * frequency * 0.01) ** 0.7)
    found = kramers_kronig.test_many(
        [
            (frequency, sound * (1.0 + 0.003 * (rng.normal(size=points) + 1j * rng.normal(size=points))))
            for _ in range(50)
        ]
    )
    assert np.mean([not each.passed for each in found]) <= 0.08
    assert any("would not be seen" in flag for flag in found[0].flags)


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="3 points; at least 4"):
        kramers_kronig.test(([1.0, 2.0, 3.0], [1.0, 1.0, 1.0]))
    with pytest.raises(InputError, match="spectrum 2: the spectrum has 1 distinct"):
        kramers_kronig.test_many([(FREQUENCY, 1.0 + 1.0 / S), (np.full(9, 10.0), np.ones(9))])
    with pytest.raises(InputError, match="not finite"):
        kramers_kronig.test((FREQUENCY, np.full(65, np.nan)))


def record(frequency: np.ndarray, impedance: np.ndarray, start: float) -> Impedance:
    """As an instrument would: three periods a point."""
    table = {
        "frequency_hertz": frequency,
        "real_impedance_ohm": impedance.real,
        "imaginary_impedance_ohm": impedance.imag,
        "test_time_second": start + np.cumsum(3.0 / frequency),
    }
    return Impedance(pl.DataFrame(table))


def test_drift_of_a_series_with_times() -> None:
    """|Z| grows 1e-4 a second: what a sweep of 3 s per mHz takes of it is the rate times its length."""
    frequency = np.geomspace(1e3, 1e-2, 21)
    length = np.ptp(np.cumsum(3.0 / frequency))
    impedance = 10.0 + 5.0 / (1.0 + 2j * np.pi * frequency)
    series = [record(frequency, impedance * np.exp(1e-4 * start), start) for start in (0.0, 2000.0, 4000.0, 6000.0)]
    found = drift(series)
    assert found.in_seconds
    assert found.slope == pytest.approx(1e-4, rel=1e-6)
    assert found.within == pytest.approx(1e-4 * length, rel=1e-6)
    assert found.between == pytest.approx(0.2, rel=1e-6)
    assert f"changed by {1e-2 * length:.1f} %" in found.flags[0]


def test_drift_of_a_series_without_times() -> None:
    series = [(FREQUENCY, size * (1.0 + 1.0 / (1.0 + S))) for size in (1.0, 1.1, 1.3)]
    found = drift(series, coordinate=[10.0, 20.0, 40.0])
    assert found.between == pytest.approx(np.log([1.1, 1.3 / 1.1]), rel=1e-9)
    assert np.isnan(found.within).all()
    assert "not known" in found.flags[-1]
    with pytest.raises(InputError, match="must increase"):
        drift(series, coordinate=[1.0, 1.0, 2.0])
    with pytest.raises(InputError, match="no common range"):
        drift([(FREQUENCY[:20], np.ones(20)), (FREQUENCY[-20:], np.ones(20))])


@pytest.mark.parametrize("name", [f"Circuit{circuit}_EIS_{run}.z" for circuit in (1, 2, 3) for run in (1, 2)])
def test_dummy_circuits_pass(mossy_data: Path, name: str) -> None:
    """Circuits of resistors and capacitors are valid whatever the instrument did: what is left is below 0.5 % but for
    single points, which are flagged and stand off by less than 0.8 %.
    """
    spectrum = mossy.read(mossy_data / "eis_instruments" / name)[0]
    validity = kramers_kronig.test(spectrum)
    assert validity.passed
    assert np.abs(validity.residuals[~validity.flagged]).max() < 0.005
    assert np.abs(validity.residuals).max() < 0.008
    assert validity.flagged.sum() <= 3


def test_real_series_of_nine_points(mossy_data: Path) -> None:
    """Sweeps of 7 s every hour on plating lithium: they change by tens of % from hour to hour, at that rate by less
    than 0.2 % within one; six of 45 drift by 3 % and more all the same, just after the current has stopped.
    """
    file = next((mossy_data / "lili_tegdme").glob("*_02_GEIS_C05.mpr"))
    sweeps = [each for each in mossy.read(file) if each.kind == "impedance"]
    found = drift(sweeps)
    assert found.in_seconds
    assert found.within.max() < 0.002
    assert found.between.max() > 0.3
    assert np.mean([each.passed for each in kramers_kronig.test_many(sweeps)]) > 0.8
