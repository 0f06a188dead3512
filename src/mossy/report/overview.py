"""The top of the report: headline numbers, and what happened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mossy.report.content import ELECTRODES, ReportContent, column
from mossy.report.draw_interphase import efficiencies
from mossy.report.markup import Html, alert, badge, bullets, element, folded, join, paragraph, table, text
from mossy.report.markup import cards as fact_cards
from mossy.report.wording import UNKNOWN, any_value, duration, known, number, percent, plain_words, quantity_name

_FINISHED = {"done", "converged", "success"}
_ORDINARY = {
    "impedance": "an impedance was taken",
    "time": "a step reached its time",
    "capacity": "a step reached its areal capacity",
    "voltage": "a step reached its voltage",
    "current": "a step reached its current",
}
_NOTABLE = {
    "depletion": "the salt ran out at the surface",
    "exhausted": "the active metal was used up",
    "interrupted": "the run was interrupted",
    "step_limit": "the integrator reached its limit of steps",
}
_SHOWN_ELSEWHERE = {
    *(
        "status",
        "message",
        "title",
        "cycles",
        "events",
        "balances",
        "interphase",
        "dead_metal",
        "assumed",
        "unverified",
    ),
    *("model", "working", "counter", "electrolyte", "temperature_celsius", "area_cm2", "protocol", "parameters"),
    *("versions", "fit"),
}
_MOST_EVENTS = 400


def finished(status: object) -> bool:
    """Whether a status says that all went to its end."""
    return str(status).lower() in _FINISHED


def heading(content: ReportContent) -> Html:
    """Title, the cell in one line, and how the run ended."""
    summary = content.summary
    cell = " | ".join(str(summary[key]) for key in ("working", "electrolyte", "counter") if summary.get(key))
    facts = [cell] if cell else []
    if summary.get("model"):
        facts.append(f"{summary['model']} model")
    if summary.get("temperature_celsius") is not None:
        facts.append(f"{any_value(summary['temperature_celsius'])} °C")
    if summary.get("area_cm2") is not None:
        facts.append(f"{any_value(summary['area_cm2'])} cm²")
    status = str(summary.get("status", "unknown"))
    mark = badge(plain_words(status), "good" if finished(status) else "bad")
    line = join([text(fact) for fact in facts], " · ")
    return join([element("h1", text(content.title or "Untitled run")), Html(f'<p class="lead">{line} {mark}</p>')])


def warning(content: ReportContent) -> Html:
    """The alert of a run that did not finish."""
    status = content.summary.get("status", "unknown")
    if finished(status):
        return Html("")
    message = str(content.summary.get("message") or "").strip().rstrip(".")
    reason = f"{message}. " if message else ""
    return alert(
        f"This run did not finish ({plain_words(str(status))}).", f"{reason}Below is what is known until then."
    )


def cards(content: ReportContent) -> Html:
    """The headline numbers."""
    facts = [maker(content) for maker in (_efficiency, _cycles, _film, _dead_metal, _events, _balances)]
    if content.fit is not None:
        facts = [*_fit(content.fit), *(fact for fact in facts if fact[1] not in (UNKNOWN, "0", "none"))]
    return fact_cards(facts)


def _fit(fit: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    count = len(fit.get("parameters") or {})
    free = f"{count} free parameter{'s' if count != 1 else ''}"
    freedom = f"{any_value(fit.get('degrees_of_freedom'))} degrees of freedom"
    return [
        ("Fit", plain_words(str(fit.get("status", "unknown"))), free),
        ("Sum of squares (χ²)", number(fit.get("chi_squared")), freedom),
        ("Root mean square", number(fit.get("root_mean_square"), 3), "of the residuals"),
    ]


def _efficiency(content: ReportContent) -> tuple[str, str, str]:
    values = [value for _, value in efficiencies(content.items("cycles"))]
    name = "Average Coulombic efficiency" if len(values) > 1 else "Coulombic efficiency"
    if not values:
        return name, UNKNOWN, "no cycle plated metal to compare with"
    note = f"first {percent(values[0])}, last {percent(values[-1])}" if len(values) > 1 else "one cycle"
    return name, percent(float(np.mean(values))), note


def _cycles(content: ReportContent) -> tuple[str, str, str]:
    time = column(content.cycling, "test_time_second")
    time = time[np.isfinite(time)]
    note = f"in {duration(float(np.ptp(time)))}" if time.size else "nothing was recorded"
    return "Cycles", str(len(content.items("cycles"))), note


def _by_electrode(tables: Mapping[str, Any], key: str) -> list[tuple[str, float]]:
    pairs = ((electrode, known((tables.get(electrode) or {}).get(key))) for electrode in ELECTRODES)
    return [(electrode, value) for electrode, value in pairs if value is not None]


def _pair(name: str, unit: str, pairs: list[tuple[str, float]]) -> tuple[str, str, str]:
    """The working electrode's value large, the counter electrode's below it."""
    if not pairs:
        return name, UNKNOWN, "not known"
    electrode, value = pairs[0]
    note = f"{electrode} electrode" + "".join(f"; {other} {number(more, 3)} {unit}" for other, more in pairs[1:])
    return name, f"{number(value, 3)} {unit}", note


def _film(content: ReportContent) -> tuple[str, str, str]:
    films = {
        side: {"thickness_nm": sum(known(each.get("thickness_nm")) or 0.0 for each in film["layers"].values())}
        if film.get("layers")
        else film
        for side, film in content.table("interphase").items()
    }
    return _pair("Film thickness at the end", "nm", _by_electrode(films, "thickness_nm"))


def _dead_metal(content: ReportContent) -> tuple[str, str, str]:
    return _pair("Dead metal at the end", "mAh/cm²", _by_electrode(content.table("dead_metal"), "mAh_per_cm2"))


def _events(content: ReportContent) -> tuple[str, str, str]:
    events = content.items("events")
    notable = [event for event in events if str(event.get("kind")) not in _ORDINARY]
    if not notable:
        return "Notable events", "none", f"{len(events)} ordinary step ends" if events else "no event at all"
    kinds = sorted({plain_words(str(event.get("kind"))) for event in notable})
    return "Notable events", str(len(notable)), f"{', '.join(kinds)}; first at {duration(_times(notable)[0])}"


def _times(events: Sequence[Mapping[str, Any]]) -> list[float | None]:
    """When the events happened, in order; a single unknown where no time is known."""
    times = [known(event.get("time_s")) for event in events]
    return [*sorted(time for time in times if time is not None)] or [None]


def _balances(content: ReportContent) -> tuple[str, str, str]:
    pairs = ((key, known(value)) for key, value in content.table("balances").items())
    sizes = {key: abs(value) for key, value in pairs if value is not None}
    if not sizes:
        return "Largest imbalance", UNKNOWN, "not known"
    note = ", ".join(f"{plain_words(key)} {number(size, 1)}" for key, size in sizes.items())
    return "Largest imbalance", number(max(sizes.values()), 2), f"relative: {note}"


def happened(content: ReportContent) -> Html:
    """Protocol, events, and the quantities of the summary that stand nowhere else."""
    parts = [element("h3", text("Protocol")), _protocol(content.protocol)]
    parts += [element("h3", text("Events")), _event_words(content.items("events"))]
    parts += [_electrodes(content), _others(content.summary)]
    return join(parts)


def _protocol(steps: Sequence[str]) -> Html:
    if not steps:
        return paragraph("No protocol was given.")
    listed = bullets(list(steps), "ol")
    return listed if len(steps) <= 12 else folded(f"All {len(steps)} steps", listed)


def _event_words(events: Sequence[Mapping[str, Any]]) -> Html:
    """Events of one kind at one electrode together, the notable ones first, and all of them to unfold."""
    if not events:
        return paragraph("Nothing ended a step.")
    groups: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for event in events:
        groups.setdefault((str(event.get("kind")), str(event.get("electrode") or "")), []).append(event)
    order = sorted(groups, key=lambda key: (key[0] in _ORDINARY, _times(groups[key])[0] or 0.0))
    rows = [_event_row(kind, electrode, groups[kind, electrode]) for kind, electrode in order]
    grouped = table(["What", "Electrode", "How often", "First", "Last"], rows, numeric=(2, 3, 4), css="events")
    half = _MOST_EVENTS // 2
    listed = events if len(events) <= _MOST_EVENTS else [*events[:half], *events[-half:]]
    each = [
        [
            text(duration(event.get("time_s"))),
            text(any_value(event.get("step"))),
            text(plain_words(str(event.get("kind")))),
            text(event.get("electrode") or ""),
        ]
        for event in listed
    ]
    if len(events) <= len(rows):
        return grouped
    name = f"All {len(events)} events" if len(listed) == len(events) else f"The first and last {half} of {len(events)}"
    return join([grouped, folded(name, table(["Time", "Step", "Kind", "Electrode"], each, numeric=(0, 1)))])


def _event_row(kind: str, electrode: str, events: Sequence[Mapping[str, Any]]) -> list[Html]:
    words = text(_ORDINARY.get(kind) or _NOTABLE.get(kind) or plain_words(kind))
    if kind not in _ORDINARY:
        words = Html(f"<strong>{words}</strong> {badge(plain_words(kind), 'warn')}")
    times = _times(events)
    return [words, text(electrode), text(len(events)), text(duration(times[0])), text(duration(times[-1]))]


def _electrodes(content: ReportContent) -> Html:
    """What is known of each electrode at the end, side by side."""
    values = {
        electrode: {
            **{_film_name(key): value for key, value in _flat(content.table("interphase"), electrode)},
            **{_dead_name(key): value for key, value in _flat(content.table("dead_metal"), electrode)},
        }
        for electrode in ELECTRODES
    }
    names = list(dict.fromkeys(name for electrode in ELECTRODES for name in values[electrode]))
    names = [name for name in names if any(values[electrode].get(name) is not None for electrode in ELECTRODES)]
    if not names:
        return Html("")
    rows = [[text(name), *(text(any_value(values[side].get(name))) for side in ELECTRODES)] for name in names]
    return join([element("h3", text("Electrodes at the end")), table(["", "Working", "Counter"], rows, numeric=(1, 2))])


def _flat(tables: Mapping[str, Any], electrode: str) -> list[tuple[str, Any]]:
    return [(key, value) for key, value in (tables.get(electrode) or {}).items() if not isinstance(value, dict)]


def _film_name(key: str) -> str:
    names = {
        "film_mAh_per_cm2": "charge in the film (mAh/cm²)",
        "roughness": "roughness",
        "thickness_nm": "dense film (nm)",
    }
    return names.get(key) or f"film {quantity_name(key)}"


def _dead_name(key: str) -> str:
    return "dead metal (mAh/cm²)" if key == "mAh_per_cm2" else f"dead metal: {quantity_name(key)}"


def _others(summary: Mapping[str, Any]) -> Html:
    """Whatever else the summary holds, one level deep; long lists are left to the file itself."""
    rows = []
    for key, value in summary.items():
        if key in _SHOWN_ELSEWHERE:
            continue
        inner = value.items() if isinstance(value, Mapping) else [("", value)]
        for name, item in inner:
            if item is None or isinstance(item, Mapping) or (isinstance(item, list | tuple) and not 0 < len(item) <= 8):
                continue
            full = f"{plain_words(key)}: {quantity_name(name)}" if name else quantity_name(key)
            rows.append([text(full), text(any_value(item))])
    if not rows:
        return Html("")
    return join([element("h3", text("Further quantities")), table(["Quantity", "Value"], rows, numeric=(1,))])
