"""The only place that configures JAX (float64, persistent compilation cache); all import JAX from here."""

from __future__ import annotations

import dataclasses
import gc
import os
from pathlib import Path
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

Kind = TypeVar("Kind")


def _configure() -> None:
    jax.config.update("jax_enable_x64", True)
    folder = os.environ.get("MOSSY_CACHE_DIR") or os.environ.get("JAX_COMPILATION_CACHE_DIR")
    if folder is None:
        import platformdirs

        folder = platformdirs.user_cache_dir("mossy")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        jax.config.update("jax_compilation_cache_dir", folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


_configure()


def platform() -> str:
    """The kind of device JAX computes on by default: "cpu", "gpu" or "tpu".

    >>> platform() in ("cpu", "gpu", "tpu")
    True
    """
    return jax.default_backend()


def make_room() -> None:
    """Forgets compiled code when it holds half the memory maps that Linux grants a process: beyond them it dies.

    A cell of a new structure takes about a thousand of 65,530; the cache on disk brings back what is needed again.
    """
    try:
        with Path("/proc/self/maps").open("rb") as maps:
            held = sum(1 for _ in maps)
        granted = int(Path("/proc/sys/vm/max_map_count").read_text())
    except (OSError, ValueError):  # another system
        return
    if held > granted // 2:
        jax.clear_caches()
        gc.collect()


def pytree(kind: type[Kind]) -> type[Kind]:
    """Registers a dataclass with JAX: fields are leaves, but for those whose metadata says `static`.

    By hand rather than by `jax.tree_util.register_dataclass`: in JAX 0.10.2 the structures it makes of two different
    classes with like fields compare equal, and `jit` may run the code compiled for the other one.
    """
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    leaves = [field.name for field in fields if not field.metadata.get("static")]
    fixed = [field.name for field in fields if field.metadata.get("static")]

    def flatten(value: Any) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
        return tuple(getattr(value, name) for name in leaves), tuple(getattr(value, name) for name in fixed)

    def unflatten(static: tuple[Any, ...], children: tuple[Any, ...]) -> Any:
        value: Any = object.__new__(kind)
        for name, entry in zip((*leaves, *fixed), (*children, *static), strict=True):
            object.__setattr__(value, name, entry)
        return value

    jax.tree_util.register_pytree_node(kind, flatten, unflatten)
    return kind


__all__ = ["jax", "jnp", "make_room", "platform", "pytree"]
