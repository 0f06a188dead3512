"""The only place that configures JAX (float64, persistent compilation cache); all import JAX from here."""

from __future__ import annotations

import os
from pathlib import Path

import jax
import jax.numpy as jnp


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


__all__ = ["jax", "jnp", "platform"]
