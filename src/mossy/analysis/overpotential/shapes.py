"""The class of every trace, the rule that decided it, how far from the boundary, and how it changes over the cycles."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mossy.analysis.cycler_steps import Steps
from mossy.analysis.overpotential.features import Features, features
from mossy.analysis.overpotential.level import known, levels
from mossy.analysis.overpotential.pieces import REFERRED, Pieces, check_kind, pieces_of, steps_of
from mossy.records import Cycling

if TYPE_CHECKING:
    import polars as pl

SHARE, SMALLEST, ARCH = 0.05, 1e-3, 0.1
"""A fall or rise counts from this share of the plateau, and from 1 mV; an arch from this share of the rise."""
SURE = 4.0
"""Standard errors that a feature must be away from its boundary for a class to be given."""
UNDECIDED = "undecided"


@dataclass(frozen=True)
class Shape:
    """The trace of one half-cycle, or of one level of current within it, in numbers and by class.

    `tenths_mV` are the medians of the ten tenths of its charge. `fall_mV` and `rise_mV` are how far the trace falls to
    its lowest tenth and rises after it, `late_rise_mV` what it gains from the fourth tenth on; `arch_mV` how far the
    middle lies above the chord (positive: concave); `slope_mV` what the plateau gains over a whole half-cycle;
    `end_rise_mV` the last tenth above the line through the three before it. The peak at the start (`peak_...`) is given
    where it passes what noise does in a thousand traces: its height above the plateau, the charge at its top, the
    charge and time until it has fallen to half.
    `shape`: "flat", "falling", "peaking", "settling", "arcing", "rising", "end rise", or "undecided" between those in
    `between`. `margin_mV` is the distance to the nearest boundary, `margin_standard_errors` the same over its error.
    """

    half_cycle: int
    cycle: int
    process: str
    plateau_mV: float
    tenths_mV: tuple[float, ...] | None
    standard_error_mV: float | None
    fall_mV: float | None
    rise_mV: float | None
    late_rise_mV: float | None
    arch_mV: float | None
    slope_mV: float | None
    end_rise_mV: float | None
    peak_mV: float | None
    peak_standard_error_mV: float | None
    peak_charge_mAh: float | None
    peak_width_mAh: float | None
    peak_width_second: float | None
    shape: str
    between: tuple[str, ...]
    rule: str
    margin_mV: float | None
    margin_standard_errors: float | None

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


@dataclass(frozen=True)
class Evolution:
    """From which class to which the traces turn, between which two cycles, and how many of them contradict it."""

    before: str
    after: str
    last_cycle_before: int
    first_cycle_after: int
    traces: int
    contradicting: int


@dataclass(frozen=True)
class Shapes:
    """The shapes of a record in the order of the test."""

    shapes: tuple[Shape, ...]
    evolution: Evolution | None
    method: str
    notes: tuple[str, ...]

    @property
    def table(self) -> pl.DataFrame:
        """A row a trace."""
        import polars as pl

        return pl.DataFrame([each.as_dict() for each in self.shapes], infer_schema_length=None)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


METHOD = (
    "medians of ten tenths of the charge; a fall or rise counts from 5 % of the plateau and 1 mV, an arch from 10 % of "
    "the rise, which is settling where nothing counts that comes after three tenths; no class where a feature is "
    "within 4 standard errors of its boundary"
)


def shape(record: Cycling, steps: Steps | None = None) -> Shapes:
    """The shape of each half-cycle's trace along its charge, and the turn from peaking to arcing.

    With fall and rise counted from max(5 % of the plateau, 1 mV):

        flat      neither                      peaking   both: high, low, high again
        falling   only the fall                arcing    only the rise, arch > 10 % of it: concave
        rising    only the rise, straight      end rise  only the rise, arch < -10 % of it: convex
        settling  as arcing, but of what is gained after three tenths of the charge nothing counts

    Settling is what every cell does in which the salt's profile becomes steady within the half-cycle; an arc goes on to
    rise, as it does where the profile does not. Peaking is what Wood et al. saw when growth changes from nucleation to
    existing deposits and dissolution from deposits to pits; arcing what Chen et al. saw when a layer of dead metal lets
    the salt's concentration fall. The class is of the shape alone: that the mechanism is theirs is for other evidence.
    Full cells' traces hold the positive electrode and are refused. A trace whose rows do not fill the ten tenths has no
    features.

    Source: K. N. Wood, E. Kazyak, A. F. Chadwick et al., ACS Cent. Sci. 2 (2016) 790, 10.1021/acscentsci.6b00260;
    K.-H. Chen, K. N. Wood, E. Kazyak et al., J. Mater. Chem. A 5 (2017) 11671, 10.1039/c7ta00371d (what they saw is
    told from memory, unverified; thresholds and features are Mossy's own).

    >>> import polars as pl
    >>> x = np.linspace(0.0, 1.0, 201)
    >>> voltage = 0.05 + 0.04 * np.sqrt(x)
    >>> table = pl.DataFrame({"test_time_second": 3600.0 * x, "voltage_volt": voltage, "current_ampere": 0 * x + 1e-3})
    >>> found = shape(Cycling(table, {"cell_kind": "symmetric"})).shapes[0]
    >>> found.shape, found.rise_mV > 20.0, found.arch_mV > 3.0
    ('arcing', True, True)
    """
    steps = steps_of(record, steps)
    pieces = pieces_of(steps)
    check_kind(steps, pieces)
    found = levels(pieces.polarisation, pieces.weight, pieces.piece, pieces.fraction, len(pieces))
    numbers = features(pieces, found)
    shapes = tuple(_shape(pieces, numbers, found.median, k) for k in range(len(pieces)))
    notes = []
    if steps.kind not in REFERRED:
        notes.append("what kind of cell this is is not stated: a positive electrode's own curve would be in the shapes")
    bare = sum(each.tenths_mV is None for each in shapes)
    if bare:
        notes.append(f"{bare} half-cycles have too few rows for a shape")
    return Shapes(shapes, evolution(shapes), METHOD, tuple(notes))


def _shape(pieces: Pieces, numbers: Features, median: np.ndarray, k: int) -> Shape:
    row = pieces.table[k]
    filled = bool(np.isfinite(numbers.tenths[k]).all())
    verdict = _classify(numbers, float(median[k]), k) if filled else (UNDECIDED, (), "too few rows", None, None)
    name, between, rule, margin, sigmas = verdict
    noise = numbers.threshold[k]
    peak = bool(numbers.height[k] > max(noise, SMALLEST)) if np.isfinite(noise) else False
    charge = float(pieces.charge[k]) / 3.6

    def milli(values: np.ndarray) -> float | None:
        return known(1e3 * float(values[k])) if filled else None

    return Shape(
        half_cycle=row["half_cycle"],
        cycle=row["cycle"],
        process=row["process"],
        plateau_mV=1e3 * float(median[k]),
        tenths_mV=tuple(1e3 * float(each) for each in numbers.tenths[k]) if filled else None,
        standard_error_mV=milli(numbers.error),
        fall_mV=milli(numbers.fall),
        rise_mV=milli(numbers.rise),
        late_rise_mV=milli(numbers.late_rise),
        arch_mV=milli(numbers.arch),
        slope_mV=milli(numbers.slope),
        end_rise_mV=milli(numbers.end_rise),
        peak_mV=1e3 * float(numbers.height[k]) if peak else None,
        peak_standard_error_mV=known(1e3 * float(numbers.noise[k])) if peak else None,
        peak_charge_mAh=known(charge * float(numbers.top[k])) if peak else None,
        peak_width_mAh=known(charge * float(numbers.half[k])) if peak else None,
        peak_width_second=known(float(numbers.half_time[k])) if peak else None,
        shape=name,
        between=between,
        rule=rule,
        margin_mV=margin,
        margin_standard_errors=sigmas,
    )


_RISING = ("settling", "arcing", "rising", "end rise")
_CLASSES = {(False, False): "flat", (True, False): "falling", (True, True): "peaking"}


def _classify(
    numbers: Features, plateau: float, k: int
) -> tuple[str, tuple[str, ...], str, float | None, float | None]:
    """Class, candidates, rule, distance from the nearest boundary (mV), and the same in standard errors."""
    least = max(SHARE * abs(plateau), SMALLEST)
    fall, rise, arch = (float(values[k]) for values in (numbers.fall, numbers.rise, numbers.arch))
    error = float(numbers.error[k])
    one = error if np.isfinite(error) else 0.0
    # distances from the boundaries that decide, with their errors: differences of two tenths, an arch of four
    falls, rises = (fall - least, 2.0**0.5 * one), (rise - least, 2.0**0.5 * one)
    late = (float(numbers.late_rise[k]) - least, 2.0**0.5 * one)
    bends = [(arch - bound * rise, (1.0 + 2.0 * ARCH**2) ** 0.5 * one) for bound in (ARCH, -ARCH)]
    name = _name(falls[0] > 0.0, rises[0] > 0.0, late[0] > 0.0, bends[0][0], bends[1][0])
    near = [falls, rises]
    if name in _RISING:
        near += bends
    if name in ("arcing", "settling"):
        near.append(late)
    distance, of = min(((abs(value), sigma) for value, sigma in near), key=lambda each: each[0] / max(each[1], 1e-12))
    sigmas = distance / of if of > 0.0 else None
    options = _options(falls, rises, late, bends)
    rule = f"fall {1e3 * fall:.3g} mV and rise {1e3 * rise:.3g} mV against {1e3 * least:.3g} mV"
    if name in _RISING:
        rule += f"; arch {1e3 * arch:.3g} mV against {1e3 * ARCH * rise:.3g} mV"
    if name in ("arcing", "settling"):
        rule += f"; {1e3 * (late[0] + least):.3g} mV of the rise after three tenths"
    if len(options) > 1:
        return UNDECIDED, options, rule, 1e3 * distance, sigmas
    return name, (), rule, 1e3 * distance, sigmas


def _name(falls: bool, rises: bool, late: bool, concave: float, convex: float) -> str:
    if (falls, rises) != (False, True):
        return _CLASSES[falls, rises]
    if concave > 0.0:
        return "arcing" if late else "settling"
    return "end rise" if convex < 0.0 else "rising"


def _options(
    falls: tuple[float, float],
    rises: tuple[float, float],
    late: tuple[float, float],
    bends: list[tuple[float, float]],
) -> tuple[str, ...]:
    """Every class that a change of `SURE` standard errors in any feature could give."""

    def either(value: float, sigma: float) -> list[float]:
        return [value - SURE * sigma, value + SURE * sigma]

    names = {
        _name(fall > 0.0, rise > 0.0, on > 0.0, concave, convex)
        for fall in either(*falls)
        for rise in either(*rises)
        for on in either(*late)
        for concave, convex in zip(either(*bends[0]), either(*bends[1]), strict=True)
    }
    return tuple(sorted(names))


def evolution(shapes: tuple[Shape, ...]) -> Evolution | None:
    """The turn from peaking to arcing: the split of the decided traces that fewest contradict.

    None where fewer than two of either class stand on their side of it, or more than a fifth contradict it.
    """
    decided = [each for each in shapes if each.shape in ("peaking", "arcing")]
    arcs = np.array([each.shape == "arcing" for each in decided], dtype=int)
    if len(arcs) < 4:
        return None
    wrong = np.concatenate([[0], np.cumsum(arcs)]) + np.concatenate([np.cumsum((1 - arcs)[::-1])[::-1], [0]])
    place = int(wrong.argmin())
    count = int(wrong[place])
    if (1 - arcs[:place]).sum() < 2 or arcs[place:].sum() < 2 or 5 * count > len(arcs):
        return None
    return Evolution("peaking", "arcing", decided[place - 1].cycle, decided[place].cycle, len(arcs), count)
