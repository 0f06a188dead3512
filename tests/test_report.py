"""The report: one file that loads nothing, escapes everything, and copes with whatever a run leaves behind."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import numpy as np
import polars as pl
import pytest

from mossy.report import ReportContent, save_figures, write_report
from mossy.report.canvas import Drawing, focus, inline_svg, new_figure, style, thin
from mossy.report.draw_impedance import spectra

PARTS = (
    "ohmic_volt",
    "concentration_volt",
    "contact_volt",
    "working_charge_transfer_volt",
    "working_film_volt",
    "counter_charge_transfer_volt",
    "counter_film_volt",
)
SECTIONS = ("summary", "events", "voltage", "efficiency", "interphase", "impedance", "salt", "parameters", "versions")
VOID = {"meta", "link", "br", "hr", "img", "input", "wbr"}


class Page(HTMLParser):
    """Ids, links, visible text and whether every tag that was opened was closed."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags.append(tag)
        self.ids += [values["id"] or ""] if "id" in values else []
        self.links += [values[name] or "" for name in ("href", "src", "xlink:href", "srcset", "data") if name in values]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    @property
    def visible(self) -> str:
        return " ".join(" ".join(self.words).split())


def lithium_copper_cycling(cycles: int = 20, per_step: int = 60) -> pl.DataFrame:
    """The shape of a Li||Cu test: nucleation from 1.5 V, an hour of plating, a rest, stripping until 1 V."""
    blocks, start, lost, thickness = [], 0.0, 0.0, 5.0
    for cycle in range(1, cycles + 1):
        stripping = 3600.0 * 0.985
        for step, (length, current) in enumerate(((3600.0, 1.0), (300.0, 0.0), (stripping, -1.0)), start=1):
            inside = np.linspace(0.0, 1.0, per_step)
            through = inside**2 if step != 3 else 1.0 - (1.0 - inside) ** 3
            thickness_now = np.sqrt(thickness**2 + 12.0 * through)
            resistance = 1e-9 * thickness_now / 1e-6 * 1e4 * 0.4
            shape = 1.0 - np.exp(-through * length / 400.0)
            block = {
                "test_time_second": start + length * through,
                "current_ampere": np.full(per_step, -1e-3 * current),
                "plating_current_density_mA_per_cm2": np.full(per_step, current),
                "cycle_count": np.full(per_step, cycle),
                "step_count": np.full(per_step, 3 * (cycle - 1) + step),
                "ohmic_volt": np.full(per_step, -0.0078 * current),
                "concentration_volt": -0.014 * current * shape,
                "contact_volt": np.zeros(per_step),
                "working_charge_transfer_volt": -0.021 * current * np.ones(per_step),
                "working_film_volt": -1e-3 * current * resistance,
                "counter_charge_transfer_volt": -0.018 * current * np.ones(per_step),
                "counter_film_volt": -2.4e-2 * current * np.ones(per_step),
            }
            if cycle == 1 and step == 1:
                block["working_charge_transfer_volt"] += 1.5 * np.exp(-through * length / 3.0)
            if step == 3:
                block["working_charge_transfer_volt"] += 0.9 * np.exp((through - 1.0) * length / 8.0)
            amount = {1: through, 2: np.ones(per_step), 3: 1.0 - 0.985 * through}[step]
            dead = lost + (0.012 * through if step == 3 else 0.0) * np.ones(per_step)
            film = 0.003 * cycle + 0.001 * np.sqrt(thickness_now - 5.0 + 1e-9)
            for electrode, active, sign in (("working", amount * 0.99, 1.0), ("counter", 51.5 - amount - lost, -1.0)):
                block |= {
                    f"{electrode}_active_mAh_per_cm2": active,
                    f"{electrode}_dead_mAh_per_cm2": dead * (sign > 0),
                    f"{electrode}_film_charge_mAh_per_cm2": film * (1.0 if sign > 0 else 0.3),
                    f"{electrode}_film_thickness_nm": thickness_now if sign > 0 else np.full(per_step, 12.0),
                    f"{electrode}_film_resistance_ohm_cm2": resistance if sign > 0 else np.full(per_step, 12.0),
                    f"{electrode}_surface_concentration_mol_per_L": 1.0 - sign * 0.25 * current * shape,
                }
            blocks.append(pl.DataFrame(block))
            start += length
            thickness = float(thickness_now[-1])
        lost += 0.012
    table = pl.concat(blocks)
    return table.with_columns(voltage_volt=pl.sum_horizontal(PARTS))


def arcs(times: list[float], labels: list[str]) -> pl.DataFrame:
    """Two arcs and a resistance, the film's growing with time."""
    frequency = np.logspace(6, -2, 81)
    angular = 2j * np.pi * frequency
    tables = []
    for place, (time, label) in enumerate(zip(times, labels, strict=True)):
        film = 20.0 + 6.0 * np.sqrt(place)
        impedance = 7.8 + film / (1.0 + angular * film * 2e-6) + 45.0 / (1.0 + angular * 45.0 * 2e-5)
        impedance = impedance + 28.0 * np.tanh(np.sqrt(angular * 20.0)) / np.sqrt(angular * 20.0)
        tables.append(
            pl.DataFrame(
                {
                    "frequency_hertz": frequency,
                    "real_impedance_ohm": impedance.real,
                    "imaginary_impedance_ohm": impedance.imag,
                    "real_impedance_ohm_cm2": impedance.real,
                    "imaginary_impedance_ohm_cm2": impedance.imag,
                    "cycle_count": np.full(81, place + 1),
                    "step_count": np.full(81, 3),
                    "label": [label] * 81,
                    "test_time_second": np.full(81, time),
                }
            )
        )
    return pl.concat(tables)


def salt_profiles(count: int = 12) -> pl.DataFrame:
    position = np.linspace(0.0, 25.0, 51)
    tables = []
    for time in np.linspace(0.0, 900.0, count):
        shape = (position / 25.0 - 0.5) * (1.0 - np.exp(-time / 200.0))
        tables.append(
            pl.DataFrame(
                {
                    "test_time_second": np.full(51, time),
                    "label": [f"{time:.0f} s"] * 51,
                    "cycle_count": np.ones(51, dtype=int),
                    "step_count": np.ones(51, dtype=int),
                    "position_um": position,
                    "concentration_mol_per_L": 1.0 + 0.5 * shape,
                    "electrolyte_potential_volt": 0.03 * shape,
                    "solvent_velocity_nm_per_second": -0.8 * np.ones(51) * (1 - np.exp(-time / 200.0)),
                }
            )
        )
    return pl.concat(tables)


def summary(cycles: int = 20) -> dict[str, Any]:
    rows = [
        {
            "cycle": n,
            "plated_mAh_per_cm2": 1.0,
            "stripped_mAh_per_cm2": 0.985 - 0.03 * np.exp(-n / 2.0),
            "coulombic_efficiency": 0.985 - 0.03 * np.exp(-n / 2.0),
            "end": "voltage",
        }
        for n in range(1, cycles + 1)
    ]
    events = [
        {"kind": kind, "time_s": 7446.0 * n + time, "electrode": None, "step": 3 * n + step}
        for n in range(cycles)
        for step, (kind, time) in enumerate((("time", 3600.0), ("time", 3900.0), ("voltage", 7446.0)), start=1)
    ]
    events.append({"kind": "depletion", "time_s": 5000.0, "electrode": "working", "step": 4})
    return {
        "status": "done",
        "message": "",
        "cycles": rows,
        "events": events,
        "balances": {"charge": 1.2e-13, "salt": 4.1e-12, "metal": 2.2e-14},
        "interphase": {
            "working": {"thickness_nm": 16.27345, "resistance_ohm_cm2": 65.1, "charge_mAh_per_cm2": 0.0634},
            "counter": {"thickness_nm": 12.0, "resistance_ohm_cm2": 12.0},
        },
        "dead_metal": {"working": {"mAh_per_cm2": 0.24}, "counter": {"mAh_per_cm2": 0.0}},
        "assumed": ["working.kinetics.symmetry", "numerics.nodes"],
        "unverified": ["electrolyte.transference_number"],
        "model": "planar",
        "working": "copper",
        "counter": "lithium",
        "electrolyte": "LiPF6 EC:EMC 3:7",
        "area_cm2": 1.0,
        "temperature_celsius": 25.0,
        "limiting_current_mA_per_cm2": 18.734,
    }


def parameters() -> list[dict[str, str]]:
    return [
        {"path": "cell.separator.thickness", "value": "25 µm", "source": "the case", "doi": "", "status": "given"},
        {"path": "working.kinetics.symmetry", "value": "0.5", "source": "default", "doi": "", "status": "assumed"},
        {
            "path": "electrolyte.conductivity",
            "value": "landesfeind_gasteiger",
            "source": "Landesfeind & Gasteiger, J. Electrochem. Soc. 166 (2019) A3079",
            "doi": "10.1149/2.0571912jes",
            "status": "verified",
        },
        {
            "path": "electrolyte.transference_number",
            "value": "0.38",
            "source": "from <memory>",
            "doi": "",
            "status": "unverified",
        },
    ]


def fit_result() -> dict[str, Any]:
    row = {"unit": "m^2/s", "initial": 3e-10, "bounds": [1e-11, 1e-8], "at_bound": False}
    return {
        "status": "converged",
        "parameters": {
            "electrolyte.diffusivity": {"value": 2.51234e-10, "standard_error": 1.1e-12, **row},
            "working.kinetics.exchange_current_density": {
                "value": 2.0,
                "unit": "mA/cm^2",
                "standard_error": None,
                "initial": 1.0,
                "bounds": [0.1, 2.0],
                "at_bound": True,
            },
        },
        "correlations": {
            "names": ["electrolyte.diffusivity", "working.kinetics.exchange_current_density"],
            "matrix": [[1.0, -0.97], [-0.97, 1.0]],
        },
        "chi_squared": 123.4567,
        "degrees_of_freedom": 119,
        "root_mean_square": 1.2e-3,
        "notes": ["Only the sum of the film and charge-transfer resistances is determined."],
    }


def comparisons() -> list[dict[str, Any]]:
    noise = np.random.default_rng(1)
    time = np.linspace(0.0, 40000.0, 3000)
    model = -0.05 - 0.01 * (1.0 - np.exp(-time / 4000.0))
    table = arcs([0.0], ["start"])
    model_z = table["real_impedance_ohm_cm2"].to_numpy() + 1j * table["imaginary_impedance_ohm_cm2"].to_numpy()
    measured_z = model_z * (1.0 + 0.01 * noise.standard_normal(81)) + 0.3j * noise.standard_normal(81)
    return [
        {
            "kind": "cycling",
            "label": "cell 3, first plating",
            "x": time,
            "measured": model + 3e-4 * noise.standard_normal(time.size),
            "modelled": model,
            "x_label": "time (s)",
            "y_label": "voltage (V)",
        },
        {
            "kind": "impedance",
            "label": "sweep 1 before cycling",
            "unit": "ohm cm2",
            "measured_real": measured_z.real,
            "measured_imaginary": measured_z.imag,
            "modelled_real": model_z.real,
            "modelled_imaginary": model_z.imag,
            "frequency": table["frequency_hertz"].to_numpy(),
        },
    ]


@pytest.fixture(scope="module")
def content() -> ReportContent:
    return ReportContent(
        title="Li on Cu & <script>alert(1)</script>",
        summary=summary(),
        cycling=lithium_copper_cycling(),
        profiles=salt_profiles(),
        impedance=arcs([0.0, 148920.0], ["start", "end"]),
        parameters=parameters(),
        versions={"mossy": "0.1.0", "jax": "0.6.2"},
        case_text='title = "Li on Cu"\n[cell]\nworking = "copper" # a < b & c\n',
        protocol=["plate 1 mA/cm^2 for 1 h", "rest for 5 min", "strip 1 mA/cm^2 until 1 V"],
        fit=fit_result(),
        comparisons=comparisons(),
    )


@pytest.fixture(scope="module")
def source(content: ReportContent, tmp_path_factory: pytest.TempPathFactory) -> str:
    return write_report(tmp_path_factory.mktemp("report") / "new" / "report.html", content).read_text(encoding="utf-8")


def rendered(content: ReportContent, tmp_path: Any, sections: tuple[str, ...] = SECTIONS) -> Page:
    """The page of a content, with what must hold of every page."""
    text = write_report(tmp_path / "report.html", content).read_text(encoding="utf-8")
    page = Page(text)
    assert page.open == []
    assert set(sections) <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not re.search(r"\b(nan|NaN|inf|None)\b", page.visible)
    assert not re.search(r'\bd="[^"]*(nan|inf)', text, re.IGNORECASE)
    return page


def test_the_page_loads_nothing(source: str) -> None:
    page = Page(source)
    assert not {"script", "link", "iframe", "object", "embed", "img"} & set(page.tags)
    for link in page.links:
        assert link.startswith(("#", "data:image/png;base64,", "https://doi.org/10."))
    elsewhere = re.findall(r"https?://[^\s\"'<)]+", source)
    assert all(address.startswith("https://doi.org/") for address in elsewhere)
    assert "@import" not in source
    assert not re.search(r"url\((?!#)", source)
    inner = {link[1:] for link in page.links if link.startswith("#")} | set(re.findall(r"url\(#([^)]+)\)", source))
    assert inner <= set(page.ids)


def test_everything_is_escaped(content: ReportContent, source: str, tmp_path: Any) -> None:
    assert "<script" not in source
    assert "<title>Li on Cu &amp; &lt;script&gt;alert(1)&lt;/script&gt;</title>" in source
    assert "a &lt; b &amp; c" in source
    assert "from &lt;memory&gt;" in source
    evil = '"><script>x</script> $x_{'
    table = arcs([0.0, 1.0], [evil, evil + "2"])
    wild = replace(
        content,
        impedance=table,
        summary={**summary(2), "status": evil, "message": evil, evil: evil, "cycles": [{"cycle": 1, "end": evil}]},
        versions={evil: evil},
        protocol=[evil],
        comparisons=[{**comparisons()[0], "label": evil, "x_label": evil, "y_label": evil}],
        parameters=[{"path": evil, "value": evil, "source": evil, "doi": evil, "status": evil}],
    )
    assert "script" not in rendered(wild, tmp_path).tags


def test_sections_and_figures_are_present(source: str) -> None:
    page = Page(source)
    assert {*SECTIONS, "case", "fit"} <= set(page.ids)
    figures = [name.removeprefix("figure-") for name in page.ids if name.startswith("figure-")]
    expected = {"voltage", "first_and_last_cycle", "voltage_parts", "efficiency", "capacities", "film_thickness"}
    assert expected | {"nyquist", "bode", "salt_profiles", "surface_salt", "comparison_1", "comparison_2"} <= set(
        figures
    )
    assert len(page.ids) == len(set(page.ids)), "figures on one page must not share ids"


def test_values_are_formatted(source: str) -> None:
    visible = Page(source).visible
    assert "98.27 %" in visible  # the mean of 0.985 - 0.03 exp(-n/2) over n = 1..20: 0.985 - 0.03 · 1.5414 / 20
    assert "16.3 nm" in visible
    assert "0.24 mAh/cm²" in visible
    assert "4.1 × 10⁻¹²" in visible
    assert "2.512 × 10⁻¹⁰" in visible  # to the second digit of its standard error
    assert "at its bound" in visible
    assert "in 41.4 h" in visible  # 20 · 7446 s
    assert "limiting current (mA/cm²) 18.73" in visible
    assert "the salt ran out at the surface" in visible
    assert "2 of 5 values were not in the case" in visible


def test_assumed_values_without_a_row_are_still_named(source: str) -> None:
    assert "numerics.<wbr>nodes" in source


def test_an_unfinished_run_is_announced(content: ReportContent, tmp_path: Any) -> None:
    partial = {**summary(0), "status": "step_limit", "message": "1000 steps were not enough at 12 s", "cycles": []}
    page = rendered(
        replace(content, summary=partial, cycling=content.cycling.head(3), fit=None, comparisons=()), tmp_path
    )
    assert "This run did not finish (step limit). 1000 steps were not enough at 12 s." in page.visible
    assert "No cycle was completed." in page.visible


@pytest.mark.parametrize("rows", [0, 1, 2])
def test_almost_nothing_to_show(content: ReportContent, tmp_path: Any, rows: int) -> None:
    bare = replace(
        content,
        title="",
        summary={"status": "done"},
        cycling=content.cycling.head(rows),
        profiles=None,
        impedance=None,
        parameters=[],
        versions={},
        case_text="",
        protocol=[],
        fit=None,
        comparisons=(),
    )
    page = rendered(bare, tmp_path)
    assert "No impedance was asked for." in page.visible
    assert ("No voltage was recorded." in page.visible) == (rows == 0)
    assert ("Only one moment was recorded: 1.409 V." in page.visible) == (rows == 1)


def test_a_table_without_columns(content: ReportContent, tmp_path: Any) -> None:
    empty = pl.DataFrame()
    bare = replace(content, cycling=empty, profiles=empty, impedance=empty, comparisons=[])
    rendered(replace(bare, fit=None), tmp_path)
    rendered(replace(bare, fit={}, comparisons=[{}]), tmp_path, ("summary", "fit", "efficiency", "parameters", "case"))


def test_a_fit_shows_only_what_it_has(content: ReportContent, tmp_path: Any) -> None:
    alone = replace(
        content, summary={"status": "done"}, cycling=pl.DataFrame(), profiles=None, impedance=None, protocol=[]
    )
    page = rendered(alone, tmp_path, ("summary", "fit", "parameters", "versions", "case"))
    assert not {"voltage", "events", "efficiency", "impedance", "salt"} & set(page.ids)
    assert "Only the sum of the film and charge-transfer resistances is determined." in page.visible


def test_numbers_of_any_library(content: ReportContent, tmp_path: Any) -> None:
    small = {**summary(1), "limiting_current_mA_per_cm2": np.float32(2.5), "nodes": np.int64(50)}
    page = rendered(replace(content, summary=small, comparisons=()), tmp_path)
    assert "limiting current (mA/cm²) 2.5" in page.visible
    assert "nodes 50" in page.visible


def test_unknown_numbers(content: ReportContent, tmp_path: Any) -> None:
    """NaN, infinities and null in any table leave a gap or a dash, never the word."""
    holes = summary(3)
    holes["cycles"][0]["coulombic_efficiency"] = None
    holes["cycles"][1]["coulombic_efficiency"] = float("nan")
    holes["balances"]["salt"] = float("nan")
    gap = pl.when(pl.int_range(pl.len()) % 5 == 0).then(float("nan")).otherwise(pl.col(pl.Float64)).name.keep()
    rendered(
        replace(
            content,
            summary=holes,
            cycling=lithium_copper_cycling(3).with_columns(gap),
            profiles=salt_profiles(3).with_columns(
                pl.when(pl.col("position_um") > 20)
                .then(None)
                .otherwise(pl.col("concentration_mol_per_L"))
                .alias("concentration_mol_per_L")
            ),
            impedance=arcs([0.0], [""]).with_columns(real_impedance_ohm_cm2=pl.lit(None, pl.Float64)),
        ),
        tmp_path,
    )


def test_many_cycles_and_spectra_stay_small(content: ReportContent, tmp_path: Any) -> None:
    """500 cycles of 180 points and 30 spectra: the lines are thinned, the legend becomes a scale of time."""
    times = [3600.0 * n for n in range(30)]
    many = replace(
        content,
        summary={**summary(500)},
        cycling=lithium_copper_cycling(500),
        impedance=arcs(times, [f"cycle {n}" for n in range(30)]),
        comparisons=(),
    )
    page = rendered(many, tmp_path)
    assert "All 500 cycles" in page.visible
    assert "cycle 17" not in re.sub(r"All 30 spectra.*?(?=Salt)", "", page.visible)
    assert (tmp_path / "report.html").stat().st_size < 3e6


def test_perfect_efficiency_has_a_sensible_axis(content: ReportContent, tmp_path: Any) -> None:
    perfect = summary(5)
    for row in perfect["cycles"]:
        row["coulombic_efficiency"] = 1.0
    page = rendered(replace(content, summary=perfect, comparisons=()), tmp_path)
    assert "100.00 %" in page.visible
    assert "1e-" not in page.visible


def test_spectra_with_one_label_are_told_apart() -> None:
    names = [spectrum.name for spectrum in spectra(arcs([0.0, 1.0, 2.0], ["after", "after", "end"]))]
    assert names == ["after, cycle 1, step 3", "after, cycle 2, step 3", "end"]


def test_thinning_keeps_the_extremes() -> None:
    """Against a random walk: same ends, same lowest and highest value, order kept."""
    x = np.arange(123457.0)
    y = np.cumsum(np.random.default_rng(0).standard_normal(x.size))
    fewer, values = thin(x, y, 4000)
    assert fewer.size <= 4000
    assert (fewer[0], fewer[-1]) == (x[0], x[-1])
    assert (values.min(), values.max()) == (y.min(), y.max())
    assert np.all(np.diff(fewer) > 0)
    assert np.array_equal(values, y[fewer.astype(int)])


def test_focus_leaves_out_what_is_brief() -> None:
    time = np.linspace(0.0, 1000.0, 5001)
    spike = -0.05 + np.exp(-time / 1.0)
    limits = focus(time, [spike])
    assert limits is not None
    assert limits[0] < -0.05 < limits[1] < 0.1
    assert focus(time, [np.sin(time)]) is None


def test_the_same_figure_is_the_same_text() -> None:
    with style():
        figure = new_figure(3.0, 2.0)
        figure.subplots().plot([0.0, 1.0], [0.0, 1.0])
        first, second = (inline_svg(Drawing(name, "a", "", figure)) for name in ("one", "one"))
    assert first == second


def test_figures_as_files(content: ReportContent, tmp_path: Any) -> None:
    paths = save_figures(tmp_path / "figures", replace(content, profiles=None, comparisons=()))
    assert {"voltage.png", "efficiency.png", "nyquist.png"} <= {path.name for path in paths}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)
