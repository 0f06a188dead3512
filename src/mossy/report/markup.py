"""Small pieces of HTML. A function here takes plain text and escapes it; only `Html` passes through unchanged."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NewType
from urllib.parse import quote

Html = NewType("Html", str)
_DOI = re.compile(r"(?:https?://(?:dx\.)?doi\.org/|doi:\s*)?(10\.\d{4,9}/\S+)", re.IGNORECASE)


def text(value: object) -> Html:
    """Plain text made safe.

    >>> text("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return Html(html.escape(str(value)))


def join(parts: Iterable[Html], between: str = "\n") -> Html:
    return Html(between.join(parts))


def element(tag: str, content: Html, css: str = "") -> Html:
    attribute = f' class="{html.escape(css)}"' if css else ""
    return Html(f"<{tag}{attribute}>{content}</{tag}>")


def paragraph(sentence: str, css: str = "") -> Html:
    return element("p", text(sentence), css)


def dotted(path: object) -> Html:
    """A dotted path that may break after a dot."""
    return element("code", Html(text(path).replace(".", ".<wbr>")))


def badge(word: str, kind: str = "") -> Html:
    return element("span", text(word), f"badge {kind}".strip())


def alert(heading: str, sentence: str) -> Html:
    return Html(f'<div class="alert" role="alert"><strong>{text(heading)}</strong> {text(sentence)}</div>')


def bullets(sentences: Sequence[str], tag: str = "ul") -> Html:
    return element(tag, join(element("li", text(sentence)) for sentence in sentences))


def folded(heading: str, content: Html) -> Html:
    """Content behind a heading that opens it."""
    return Html(f"<details><summary>{text(heading)}</summary>{content}</details>")


def table(headings: Sequence[str], rows: Iterable[Sequence[Html]], numeric: Sequence[int] = (), css: str = "") -> Html:
    """A table whose `numeric` columns are set flush right; it scrolls sideways where the page is narrow."""

    def line(tag: str, cells: Sequence[Html]) -> str:
        filled = (
            f'<{tag} class="number">{cell}</{tag}>' if place in numeric else f"<{tag}>{cell}</{tag}>"
            for place, cell in enumerate(cells)
        )
        return f"<tr>{''.join(filled)}</tr>"

    body = "\n".join(line("td", row) for row in rows)
    head = line("th", [text(heading) for heading in headings])
    inside = f"<thead>{head}</thead><tbody>{body}</tbody>"
    return Html(f'<div class="scroll"><table class="{html.escape(css)}">{inside}</table></div>')


def cards(facts: Iterable[tuple[str, str, str]]) -> Html:
    """Facts side by side: (word, value, note) each."""
    inside = join(
        Html(f'<div class="card"><dt>{text(word)}</dt><dd>{text(value)}</dd><dd class="small">{text(note)}</dd></div>')
        for word, value, note in facts
    )
    return Html(f'<dl class="cards">{inside}</dl>')


def versions_table(versions: Mapping[str, str]) -> Html:
    """What made the numbers, by name."""
    return table(["", "version"], [[text(name), text(value)] for name, value in versions.items()])


def doi_link(doi: object) -> Html:
    """A link to a DOI where the text is one, else the text itself.

    >>> doi_link("10.1149/1.1872737")
    '<a href="https://doi.org/10.1149/1.1872737" rel="noreferrer">10.1149/1.1872737</a>'
    >>> doi_link("javascript:alert(1)")
    'javascript:alert(1)'
    """
    match = _DOI.fullmatch(str(doi or "").strip())
    if match is None:
        return text(doi or "")
    return Html(f'<a href="https://doi.org/{quote(match[1], safe="/")}" rel="noreferrer">{text(match[1])}</a>')
