"""The [protocol] table of a case file: its shape. The texts of its steps are parsed by `compile_protocol`."""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WrapValidator, model_validator
from pydantic_core import PydanticCustomError

from mossy.errors import InputError
from mossy.protocol.plans import Part, parts_of, plan_of, standard_name, steps_of

MAXIMUM_DEPTH = 50
NAMED = re.compile(r"\{(\w+)\}")
_EXAMPLE = "plate 1 mA/cm^2 for 1 h"


def _check_repeat(value: Any, handler: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise PydanticCustomError("repeat", "{shown} is not a whole number of cycles; give 1 or more", _shown(value))
    if value < 1:
        raise PydanticCustomError("repeat", "{shown} cycles leave nothing to do; give 1 or more", _shown(value))
    return value


def _check_steps(value: Any, handler: Any) -> Any:
    if isinstance(value, list | tuple) and not value:
        raise PydanticCustomError("steps", "there are no steps; add one such as {shown}", _shown(_EXAMPLE))
    if not isinstance(value, list | tuple):
        raise PydanticCustomError("steps", "{shown} is not a list of steps; write it in [ ]", _shown(value))
    return handler(value)


def _check_item(value: Any, handler: Any) -> Any:
    if isinstance(value, str | RepeatBlock):
        return value
    if isinstance(value, dict):
        return RepeatBlock.model_validate(value)
    remedy = "write text or { repeat = 10, steps = [...] }"
    raise PydanticCustomError("step", "{shown} is not a step; {remedy}", {**_shown(value), "remedy": remedy})


def _check_values(value: Any, handler: Any) -> Any:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        example = '{ current = "1 mA/cm^2" }'
        raise PydanticCustomError("values", "they are texts by name, as in {example}", {"example": example})
    for name in value:
        if not name.isidentifier():
            raise PydanticCustomError("name", "{shown} is not a name; use letters, digits and _", _shown(name))
    return handler(value)


def _shown(value: Any) -> dict[str, str]:
    text = repr(value)
    return {"shown": text if len(text) <= 60 else text[:57] + "..."}


Repeat = Annotated[int, Field(ge=1, description="how many times the steps are run"), WrapValidator(_check_repeat)]
Item = Annotated["str | RepeatBlock", WrapValidator(_check_item)]
Steps = Annotated[
    list[Item],
    Field(min_length=1, description=f"texts such as '{_EXAMPLE}', or tables of repeat and steps, to any depth"),
    WrapValidator(_check_steps),
]


Values = Annotated[dict[str, str], WrapValidator(_check_values)]


class RepeatBlock(BaseModel):
    """Steps run several times over within a protocol."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    repeat: Repeat = 1
    steps: Steps


_ONE_OR_BOTH: dict[str, Any] = {"required": [], "anyOf": [{"required": ["steps"]}, {"required": ["standard"]}]}


class ProtocolTable(BaseModel):
    """What the cycler does: a list of steps, run `repeat` times; `{name}` in a step stands for one of `values`.

    `standard` names one of the field's standard protocols instead, whose steps are then filled in.

    >>> table = ProtocolTable(standard="plate strip", parameters={"cycles": 2, "rest": "0 s"})
    >>> table.steps[0].steps
    ['plate 1 mA/cm^2 for 1 mAh/cm^2', 'strip 1 mA/cm^2 until 1 V or for 1.5 mAh/cm^2']
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_extra=_ONE_OR_BOTH)

    repeat: Repeat = 1
    steps: Steps
    values: Values = Field(default={}, description='texts that steps name: { current = "1 mA/cm^2" } for "{current}"')
    standard: str = Field(default="", description="a standard protocol, as `mossy protocol --list` names them")
    parameters: dict[str, Any] = Field(default={}, description='of the standard: { current = "1 mA/cm^2" }')

    @model_validator(mode="before")
    @classmethod
    def _fill_standard(cls, value: Any) -> Any:
        """The steps of the standard named, where none are given."""
        if not isinstance(value, dict) or not (value.get("standard") or value.get("parameters")):
            return value
        if not value.get("standard"):
            remedy = 'add standard = "modified reservoir", or write the amounts in the steps'
            raise InputError("no standard takes them", key="parameters", remedy=remedy)
        parameters = value.get("parameters", {})
        if not isinstance(parameters, dict):
            remedy = 'write them as in { current = "1 mA/cm^2" }'
            raise InputError(f"{parameters!r} is not a table", key="parameters", remedy=remedy)
        name = standard_name(value["standard"])
        return {"steps": steps_of(plan_of(name, parameters))} | value | {"standard": name}

    @model_validator(mode="after")
    def _check_standard(self) -> ProtocolTable:
        """Steps that are given beside a standard must be its own, or its roles would be those of other steps."""
        if self.standard:
            filled = RepeatBlock(steps=steps_of(plan_of(self.standard, self.parameters)))
            if filled.steps != self.steps:
                remedy = "leave out 'steps' to run the standard, or 'standard' and 'parameters' to run these steps"
                raise InputError(f"they are not the steps of '{self.standard}'", key="steps", remedy=remedy)
        return self

    @model_validator(mode="before")
    @classmethod
    def _check_depth(cls, value: Any) -> Any:
        """Refuse a nesting so deep that walking it would exhaust the interpreter's stack."""
        level, depth = [value], 0
        while level:
            blocks = (block.get("steps") for block in level if isinstance(block, dict))
            level = [item for steps in blocks if isinstance(steps, list | tuple) for item in steps]
            level = [item for item in level if isinstance(item, dict)]
            depth += 1
            if depth > MAXIMUM_DEPTH:
                raise PydanticCustomError("depth", "steps nest more than {depth} deep", {"depth": MAXIMUM_DEPTH})
        return value

    def used(self) -> set[str]:
        """The names in braces in any step."""
        found, blocks = set(), [self.steps]
        for steps in blocks:
            for item in steps:
                if isinstance(item, RepeatBlock):
                    blocks.append(item.steps)
                else:
                    found |= set(NAMED.findall(item))
        return found

    def parts(self) -> list[Part]:
        """The part that each step carried out plays in the standard; nothing without a standard."""
        if not self.standard:
            return []
        return list(parts_of(plan_of(self.standard, self.parameters))) * self.repeat

    def with_values(self, values: dict[str, str]) -> ProtocolTable:
        """The same with other texts for some of its names."""
        return self.model_copy(update={"values": self.values | values})


RepeatBlock.model_rebuild()
ProtocolTable.model_rebuild()
