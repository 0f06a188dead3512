"""The base of every table in a case file: unknown keys suggest the nearest, defaults are text with units."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from mossy.errors import InputError, suggest


class Table(BaseModel):
    """A table whose quantities are written as text with units and held as SI floats."""

    model_config = ConfigDict(extra="forbid", validate_default=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise InputError(f"'{key}' is not a key here", remedy=suggest(str(key), cls.model_fields))
        return data

    def with_value(self, path: str, value: Any) -> Table:
        """A copy with the SI value at a dotted path replaced (by a float, or by what JAX differentiates)."""
        head, _, rest = path.partition(".")
        if head not in type(self).model_fields:
            raise InputError(f"there is no '{head}'", key=path, remedy=suggest(head, type(self).model_fields))
        return self.model_copy(update={head: replaced(getattr(self, head), rest, value, head) if rest else value})

    def value_at(self, path: str) -> Any:
        """The SI value at a dotted path."""
        head, _, rest = path.partition(".")
        if head not in type(self).model_fields:
            raise InputError(f"there is no '{head}'", key=path, remedy=suggest(head, type(self).model_fields))
        current = getattr(self, head)
        if not rest:
            return current
        if isinstance(current, Table):
            try:
                return current.value_at(rest)
            except InputError as error:
                raise error.at(head) from None
        index, _, deeper = rest.partition(".")
        if isinstance(current, list | tuple) and index.isdecimal() and int(index) < len(current):
            item = current[int(index)]
            return item.value_at(deeper) if deeper and isinstance(item, Table) else item
        if isinstance(current, dict) and index in current:
            return current[index].value_at(deeper) if deeper else current[index]
        raise InputError(f"'{head}' has no '{rest}'", key=path, remedy="name a number of the case by its dotted path")

    def assumed(self, prefix: str = "") -> Iterator[str]:
        """The dotted paths of the values that were not given and took their defaults."""
        for name in type(self).model_fields:
            value, path = getattr(self, name), f"{prefix}{name}"
            if isinstance(value, Table):
                yield from value.assumed(f"{path}.")
            elif inner := tables_in(value):
                for key, table in inner:
                    yield from table.assumed(f"{path}.{key}.")
            elif name not in self.model_fields_set and value is not None:
                yield path


def tables_in(value: Any) -> list[tuple[str, Table]]:
    """The tables in a list or a dictionary, with what follows its dotted path to reach them."""
    pairs = enumerate(value) if isinstance(value, list) else value.items() if isinstance(value, dict) else ()
    return [(str(key), each) for key, each in pairs if isinstance(each, Table)]


def replaced(current: Any, path: str, value: Any, key: str) -> Any:
    """A table or list, itself found at `key`, with the value at a dotted path replaced."""
    if isinstance(current, Table):
        try:
            return current.with_value(path, value)
        except InputError as error:
            raise error.at(key) from None
    head, _, rest = path.partition(".")
    if isinstance(current, list | tuple) and head.isdecimal() and int(head) < len(current):
        inner = replaced(current[int(head)], rest, value, f"{key}.{head}") if rest else value
        return [inner if index == int(head) else item for index, item in enumerate(current)]
    if isinstance(current, dict) and head in current:
        return current | {head: replaced(current[head], rest, value, f"{key}.{head}") if rest else value}
    remedy = "name a number of the case by its dotted path"
    raise InputError(f"'{key}' has no '{path}'", key=f"{key}.{path}", remedy=remedy)


def default(text: Any, description: str = "", **more: Any) -> Any:
    """A field that takes `text` when it is not given."""
    return Field(default=text, description=description or None, **more)


def subtable(kind: type[Table], description: str = "") -> Any:
    """A field that is itself a table, all defaults when it is not given."""
    return Field(default_factory=kind, description=description or None)
