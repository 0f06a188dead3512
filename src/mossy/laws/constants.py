"""The physical constants every law shares, and the type of what a law takes and gives."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np

from mossy.backend import jax

Real: TypeAlias = float | np.ndarray | jax.Array
"""A number or an array of numbers, in SI units."""

FARADAY = 96485.33212
"""Charge of a mole of electrons, C/mol (CODATA 2018)."""

GAS = 8.31446261815324
"""Gas constant, J/(mol K) (CODATA 2018)."""

VACUUM_PERMITTIVITY = 8.8541878128e-12
"""Electric constant, F/m (CODATA 2018)."""

AVOGADRO = 6.02214076e23
"""Particles in a mole, 1/mol (exact in the SI)."""
