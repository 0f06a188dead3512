"""`mossy protocol`: the field's standard protocols, as a case's [protocol] or as a file for an instrument."""

from __future__ import annotations

import inspect
import json
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mossy.errors import InputError, suggest
from mossy.protocol import ProtocolTable, RepeatBlock, compile_protocol, unicycler
from mossy.protocol.plans import PARAMETERS, STANDARDS, defaults_of, plan_of, standard_name
from mossy.protocol.unicycler import Recording, recording_of
from mossy.units import to_si

_NUMBER = re.compile(r"\d+\.?\d*|\.\d+")
RECORDING = ("record_time", "record_voltage")
RECORDED = ("neware", "biologic", "tomato", "unicycler")
"""The formats that say what is recorded."""


def list_text() -> str:
    """Every standard with what it is for and its parameters."""
    lines: list[str] = []
    for name, plan in STANDARDS.items():
        lines += [name, f"  {_headline(plan)}"]
        lines += [f"    {key} = {_toml(value)}  # {PARAMETERS[key][1]}" for key, value in defaults_of(name).items()]
    recorded = (
        "  an instrument's file: --set 'record_time=1 s' --set 'record_voltage=1 mV' (0.1 s, 1 mV where it pulses)"
    )
    return "\n".join([*lines, recorded])


def export(
    name: str | None,
    given: Mapping[str, Any],
    assignments: Sequence[str],
    format: str = "mossy",
    *,
    area: str | None = None,
    sample: str | None = None,
    out: Path | None = None,
) -> str:
    """What `mossy protocol` prints: the protocol, or, where it was written to a file, that it was."""
    if name is None:
        remedy = f"choose one of {', '.join(repr(each) for each in STANDARDS)}, or list them with --list"
        raise InputError("no protocol is named", key="NAME", remedy=remedy)
    name = standard_name(name, "NAME")
    if format not in FORMATS:
        raise InputError(f"'{format}' is not a format", key="--format", remedy=suggest(format, FORMATS))
    parameters = {key: value for key, value in given.items() if value is not None} | _assigned(assignments)
    recording = {key: parameters.pop(key, None) for key in RECORDING}
    plan_of(name, parameters)
    protocol = ProtocolTable.model_validate({"standard": name, "parameters": parameters})
    _check_format(format, area, recording)
    text = FORMATS[format](protocol, area=area, sample_name=sample or f"mossy {name}", **recording).rstrip("\n") + "\n"
    if format in RECORDED:
        print(f"mossy: {_recording_of(protocol, area, recording)}", file=sys.stderr)
    if out is None:
        return text.rstrip("\n")
    try:
        out.write_text(text, encoding="cp1252" if format == "biologic" else "utf-8")  # as EC-Lab writes its own
    except OSError as error:
        problem = f"cannot be written ({error.strerror})"
        raise InputError(
            problem, key="--out", file=out, remedy="give the path of a file in a folder there is"
        ) from None
    return f"{name}: {out}"


def _check_format(format: str, area: str | None, recording: Mapping[str, str | None]) -> None:
    if format != "mossy" and area is None:
        problem = "an instrument's file holds currents, which the electrode's area gives"
        raise InputError(problem, key="--area", remedy="add it, as in --area '1.54 cm^2'")
    for key, value in recording.items():
        if value is not None and format not in RECORDED:
            problem = f"'{key}' is of an instrument's file, and the format '{format}' says nothing of what is recorded"
            raise InputError(problem, key="--set", remedy=f"leave it out, or choose --format {' or '.join(RECORDED)}")


def _recording_of(protocol: ProtocolTable, area: str | None, recording: Mapping[str, str | None]) -> Recording:
    schedule = compile_protocol(protocol, area=to_si(area or "", "m^2", "area"))
    return recording_of(schedule, recording["record_time"], recording["record_voltage"])


def case_text(protocol: ProtocolTable) -> str:
    """A standard protocol as the [protocol] of a case (TOML): its name, its parameters and the steps they make.

    >>> from mossy.protocol import standard
    >>> print(case_text(standard.symmetric_cycling(cycles=3)))
    # Polarisation of a symmetric cell (Li||Li): the same charge one way and the other.
    [protocol]
    standard = "symmetric cycling"
    parameters = { cycles = 3 }
    # what the standard says; leave out the steps, or change them and leave out the two lines above
    steps = [
      { repeat = 3, steps = [
        "plate 1 mA/cm^2 for 1 mAh/cm^2 or until -1 V",
        "strip 1 mA/cm^2 for 1 mAh/cm^2 or until 1 V",
      ] },
    ]
    """
    given = ", ".join(f"{key} = {_toml(value)}" for key, value in protocol.parameters.items())
    lines = [
        f"# {_headline(STANDARDS[protocol.standard])}",
        "[protocol]",
        f"standard = {_toml(protocol.standard)}",
        *([f"parameters = {{ {given} }}"] if given else []),
        "# what the standard says; leave out the steps, or change them and leave out the two lines above",
        "steps = [",
        *_step_lines(protocol.steps, "  "),
        "]",
    ]
    return "\n".join(lines) + "\n"


def _step_lines(steps: Sequence[str | RepeatBlock], indent: str) -> list[str]:
    lines: list[str] = []
    for step in steps:
        if isinstance(step, RepeatBlock):
            inner = _step_lines(step.steps, indent + "  ")
            lines += [f"{indent}{{ repeat = {step.repeat}, steps = [", *inner, f"{indent}] }},"]
        else:
            lines.append(f"{indent}{_toml(step)},")
    return lines


def _toml(value: Any) -> str:
    """A value as TOML writes it, which for text, whole numbers and flags is as JSON does."""
    return json.dumps(value, ensure_ascii=False)


def _headline(plan: Callable[..., Any]) -> str:
    text = inspect.cleandoc(plan.__doc__ or "").split("\n\n")[0]
    return " ".join(text.split())


def _assigned(assignments: Sequence[str]) -> dict[str, Any]:
    """The parameters of `--set NAME=VALUE`: numbers and flags as such, all else as text."""
    found: dict[str, Any] = {}
    for each in assignments:
        key, sign, value = (part.strip() for part in each.partition("="))
        key = key.replace("-", "_")
        if not sign:
            remedy = "write it as in --set 'reservoir=5 mAh/cm^2'"
            raise InputError(f"'{each}' sets nothing", key="--set", remedy=remedy)
        kinds = PARAMETERS.get(key, ((), ""))[0]
        if kinds == ("count",) and value.isascii() and value.isdecimal() and len(value) < 10:
            found[key] = int(value)
        elif kinds == ("flag",) and value.lower() in ("true", "false"):
            found[key] = value.lower() == "true"
        elif kinds == ("factor",) and _NUMBER.fullmatch(value):
            found[key] = float(value)
        else:
            found[key] = value
    return found


FORMATS: dict[str, Callable[..., str]] = {
    "mossy": lambda protocol, **settings: case_text(protocol),
    "neware": unicycler.to_neware_xml,
    "biologic": unicycler.to_biologic_mps,
    "tomato": unicycler.to_tomato_mpg2,
    "battinfo": lambda protocol, **settings: json.dumps(unicycler.to_battinfo_jsonld(protocol, **settings), indent=2),
    "unicycler": lambda protocol, **settings: unicycler.to_unicycler(protocol, **settings).to_json(),
}
