"""The self-contained HTML report of a run or a fit, and its figures."""

from mossy.report.content import ReportContent
from mossy.report.page import save_figures, write_report

__all__ = ["ReportContent", "save_figures", "write_report"]
