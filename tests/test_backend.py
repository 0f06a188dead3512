"""The place that configures JAX."""

from __future__ import annotations

from pathlib import Path

import pytest

from mossy import backend
from mossy.backend import jax, jnp


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="only Linux counts a process's maps there")
def test_compiled_code_is_forgotten_only_when_maps_run_out(monkeypatch: pytest.MonkeyPatch):
    double = jax.jit(lambda x: 2.0 * x)
    double(jnp.ones(3))
    backend.make_room()
    assert double._cache_size() == 1
    monkeypatch.setattr(Path, "read_text", lambda self: "100")
    backend.make_room()
    assert double._cache_size() == 0
    assert float(double(jnp.ones(3))[0]) == 2.0
