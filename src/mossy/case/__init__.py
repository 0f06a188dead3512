"""The case file: what a person writes, checked, run and fitted."""

from mossy.case.facts import facts_of, parameters_of
from mossy.case.model import Case, load_case, parse_case, run

__all__ = ["Case", "facts_of", "load_case", "parameters_of", "parse_case", "run"]
