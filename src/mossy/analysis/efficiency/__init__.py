"""Efficiencies of plating and stripping metal, each with its error and the charges behind it.

`per_cycle` for full strips, `reservoir` and `modified_reservoir` for short cycles on a reservoir, `anode_free` for full
cells without initial metal; `required`, `cycles_to`, `inventory` and `from_retention` for what efficiencies mean for a
cell's life. Each method refuses a protocol that is not its own and says what it found.
"""

from mossy.analysis.efficiency.anode_free import AnodeFree, anode_free
from mossy.analysis.efficiency.averages import Average
from mossy.analysis.efficiency.balance import Balance, LossSplit, Titration, split_loss
from mossy.analysis.efficiency.charges import Accuracy
from mossy.analysis.efficiency.course import Course, Drop, Settling
from mossy.analysis.efficiency.cycles import Cycle, PerCycle, per_cycle
from mossy.analysis.efficiency.reservoirs import Reservoir, modified_reservoir, reservoir
from mossy.analysis.efficiency.retention import Retention, cycles_to, from_retention, inventory, required
from mossy.analysis.efficiency.trend import Knee, Slope

__all__ = [
    "Accuracy",
    "AnodeFree",
    "Average",
    "Balance",
    "Course",
    "Cycle",
    "Drop",
    "Knee",
    "LossSplit",
    "PerCycle",
    "Reservoir",
    "Retention",
    "Settling",
    "Slope",
    "Titration",
    "anode_free",
    "cycles_to",
    "from_retention",
    "inventory",
    "modified_reservoir",
    "per_cycle",
    "required",
    "reservoir",
    "split_loss",
]
