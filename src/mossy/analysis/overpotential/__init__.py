"""What the voltage of symmetric and half cells tells: plateaus, their parts, their shape, and both directions compared.

    V sgn(I) = ohmic + charge transfer and films + concentration        one metal on both sides: 0 V without current

`plateaus` reads a level and a resistance of every half-cycle; `split` takes the polarisation apart by interruptions of
the current and by paired spectra; `shape` puts each trace in numbers and a class; `asymmetry` tells an offset from
unlike electrodes; `trace_features` is what remains for a voltage without a current. The voltage of a two-electrode cell
is both electrodes' in series: nothing here halves it unsaid. Full and anode-free cells are refused, as their voltage
holds a positive electrode, and so are sweeps (`is_sweep`), which have no plateau.
"""

from __future__ import annotations

from mossy.analysis.overpotential.plateau import Plateau, Plateaus, plateaus
from mossy.analysis.overpotential.shapes import Evolution, Shape, Shapes, shape
from mossy.analysis.overpotential.spectrum_split import ImpedanceSplit
from mossy.analysis.overpotential.split import Interruption, Jump, Split, split
from mossy.analysis.overpotential.sweep import is_sweep
from mossy.analysis.overpotential.two_electrodes import Asymmetry, Estimate, Pair, asymmetry
from mossy.analysis.overpotential.value import Part
from mossy.analysis.overpotential.voltage_only import Stretch, trace_features

__all__ = [
    "Asymmetry",
    "Estimate",
    "Evolution",
    "ImpedanceSplit",
    "Interruption",
    "Jump",
    "Pair",
    "Part",
    "Plateau",
    "Plateaus",
    "Shape",
    "Shapes",
    "Split",
    "Stretch",
    "asymmetry",
    "is_sweep",
    "plateaus",
    "shape",
    "split",
    "trace_features",
]
