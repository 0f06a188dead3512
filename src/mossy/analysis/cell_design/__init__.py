"""Practical cells: what a design weighs, fills and stores, how long it lasts, how far a laboratory cell is from it."""

from mossy.analysis.cell_design.assessment import Assessment, Life, assess
from mossy.analysis.cell_design.balance import Balance, Part, balance_of
from mossy.analysis.cell_design.life import (
    cycles_to_dry_out,
    cycles_to_retention,
    cycles_without_fade,
    electrolyte_consumption,
    required_efficiency,
    retention,
)
from mossy.analysis.cell_design.practical import PracticalFact, Target, distance_to_practical, electrolyte_class
from mossy.analysis.cell_design.tables import Design, example_text, load_design, parse_design

__all__ = [
    "Assessment",
    "Balance",
    "Design",
    "Life",
    "Part",
    "PracticalFact",
    "Target",
    "assess",
    "balance_of",
    "cycles_to_dry_out",
    "cycles_to_retention",
    "cycles_without_fade",
    "distance_to_practical",
    "electrolyte_class",
    "electrolyte_consumption",
    "example_text",
    "load_design",
    "parse_design",
    "required_efficiency",
    "retention",
]
