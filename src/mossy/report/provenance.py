"""The end of the report: what went in. Parameters with their source, versions, and the case itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mossy.report.content import ReportContent
from mossy.report.markup import Html, badge, doi_link, dotted, element, join, paragraph, table, text
from mossy.report.wording import any_value

_BADGES = {"assumed": "warn", "unverified": "bad", "given": "", "verified": "good"}


def parameters(content: ReportContent) -> Html:
    """Every value used; assumed and unverified ones are counted first, then marked in the table."""
    rows = _complete(content)
    if not rows:
        return paragraph("No parameters are recorded.", "quiet")
    filled = []
    for row in rows:
        status = str(row.get("status") or "")
        filled.append(
            [
                dotted(row.get("path", "")),
                text(any_value(row.get("value"))),
                badge(status, _BADGES.get(status, "")) if status else Html(""),
                join([text(row.get("source") or ""), doi_link(row.get("doi"))], " "),
            ]
        )
    headings = ["Parameter", "Value", "Status", "Source"]
    return join([paragraph(_count(rows)), table(headings, filled, numeric=(1,), css="parameters")])


def _complete(content: ReportContent) -> list[Mapping[str, Any]]:
    """The rows, and those the summary names as assumed or unverified that have no row of their own."""
    rows = list(content.parameters)
    known = {row.get("path") for row in rows}
    for status in ("assumed", "unverified"):
        for path in content.items(status):
            if path not in known:
                rows.append({"path": path, "value": None, "source": "", "doi": "", "status": status})
                known.add(path)
    return rows


def _count(rows: Sequence[Mapping[str, Any]]) -> str:
    assumed, unverified = (sum(row.get("status") == status for row in rows) for status in ("assumed", "unverified"))
    first = f"{assumed} of {len(rows)} values were not in the case and took their default (assumed)"
    if not assumed:
        first = "No value had to be assumed"
    second = (
        f"{unverified} could not be checked against a source (unverified)." if unverified else "none is unverified."
    )
    return f"{first}; {second}"


def versions(content: ReportContent) -> Html:
    if not content.versions:
        return paragraph("No versions are recorded.", "quiet")
    rows = [[text(name), text(version)] for name, version in content.versions.items()]
    return table(["Software", "Version"], rows)


def case(content: ReportContent) -> Html:
    if not content.case_text.strip():
        return paragraph("The text of the case is not recorded.", "quiet")
    return element("pre", element("code", text(content.case_text)))
