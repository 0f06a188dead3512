"""Workbooks as small as they can be, written for tests of their readers."""

from __future__ import annotations

import zipfile
from pathlib import Path
from xml.sax.saxutils import escape


def workbook(folder: Path, name: str, sheets: dict[str, list[list[object]]]) -> Path:
    """A workbook with words written in the cells."""
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    links = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    path = folder / name
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        listed = "".join(f'<sheet name="{key}" r:id="r{n}"/>' for n, key in enumerate(sheets))
        archive.writestr("xl/workbook.xml", f'<workbook {main} xmlns:r="{links}"><sheets>{listed}</sheets></workbook>')
        related = "".join(f'<Relationship Id="r{n}" Target="worksheets/sheet{n + 1}.xml"/>' for n in range(len(sheets)))
        package = "http://schemas.openxmlformats.org/package/2006/relationships"
        archive.writestr("xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}">{related}</Relationships>')
        for number, rows in enumerate(sheets.values(), 1):
            cells = "".join("<row>" + "".join(map(cell, row)) + "</row>" for row in rows)
            archive.writestr(
                f"xl/worksheets/sheet{number}.xml", f"<worksheet {main}><sheetData>{cells}</sheetData></worksheet>"
            )
    return path


def cell(value: object) -> str:
    if isinstance(value, str):
        return f'<c t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    return f"<c><v>{value}</v></c>"
