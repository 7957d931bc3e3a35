"""Bank files of every kind, made for a test: whole ones by libraries, odd ones from their parts."""

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape, quoteattr

Row = Sequence[object]

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
_ODS_NAMES = " ".join(
    f'xmlns:{prefix}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for prefix, name in (
        *(
            ("office", "office"),
            ("table", "table"),
            ("text", "text"),
            ("style", "style"),
            ("draw", "drawing"),
        ),
    )
)
_CALCEXT = 'xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'


def write_xlsx(
    path: Path,
    rows: Iterable[Row],
    *,
    title: str = "题库",
    formats: Mapping[str, str] | None = None,
    hidden_rows: Iterable[int] = (),
    merged: Iterable[str] = (),
) -> Path:
    """Write rows of texts, numbers and dates; `formats` by cell name (`B2`), `merged` as `A1:C1`."""
    return write_sheets(path, {title: rows}, formats=formats, hidden_rows=hidden_rows, merged=merged)


def write_sheets(
    path: Path,
    sheets: Mapping[str, Iterable[Row]],
    *,
    formats: Mapping[str, str] | None = None,
    hidden_rows: Iterable[int] = (),
    hidden_sheets: Iterable[str] = (),
    merged: Iterable[str] = (),
) -> Path:
    """Write several sheets by name; formats, hidden rows and merged cells are the first sheet's."""
    from openpyxl import Workbook

    book = Workbook()
    book.remove(book.worksheets[0])
    for title, rows in sheets.items():
        sheet = book.create_sheet(title)
        for row in rows:
            sheet.append(list(row))
        if title in hidden_sheets:
            sheet.sheet_state = "hidden"
    first = book.worksheets[0]
    for cell, code in (formats or {}).items():
        first[cell].number_format = code
    for row_number in hidden_rows:
        first.row_dimensions[row_number].hidden = True
    for cells in merged:
        first.merge_cells(cells)
    book.save(path)
    return path


def write_xls(
    path: Path,
    rows: Iterable[Row],
    *,
    title: str = "题库",
    formats: Mapping[tuple[int, int], str] | None = None,
    hidden_rows: Iterable[int] = (),
) -> Path:
    """Write an old binary workbook; `formats` by (row, column) from 1."""
    import xlwt

    book = xlwt.Workbook()
    sheet = book.add_sheet(title)
    for row, values in enumerate(rows):
        for column, value in enumerate(values):
            code = (formats or {}).get((row + 1, column + 1))
            style = [xlwt.easyxf(num_format_str=code)] if code else []
            if value is not None:
                sheet.write(row, column, value, *style)
    for row in hidden_rows:
        sheet.row(row - 1).hidden = True
    book.save(str(path))
    return path


def write_ods(path: Path, rows: Iterable[Row], *, title: str = "题库") -> Path:
    """Write an OpenDocument workbook of texts and numbers."""
    body = "".join(f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows)
    path.write_bytes(ods(ods_table(body, title)))
    return path


def write_csv(path: Path, rows: Iterable[Row], *, encoding: str = "utf-8", separator: str = ",") -> Path:
    """Write separated values, quoted where need be."""
    import csv

    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator).writerows(rows)
    path.write_bytes(text.getvalue().encode(encoding))
    return path


def archive(parts: Mapping[str, str | bytes]) -> bytes:
    """A ZIP archive of the parts by name."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as target:
        for name, part in parts.items():
            target.writestr(name, part)
    return data.getvalue()


def xlsx(
    sheet: str | bytes,
    *,
    strings: str | None = None,
    formats: Sequence[str] = (),
    workbook: str = "",
    more: Mapping[str, str | bytes] | None = None,
) -> bytes:
    """An .xlsx from its one sheet's XML (see `worksheet`); style s="1" has the first of `formats`, and so on."""
    parts: dict[str, str | bytes] = {
        "_rels/.rels": relations(("officeDocument", "xl/workbook.xml")),
        "xl/workbook.xml": f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{workbook}'
        '<sheets><sheet name="题库" sheetId="1" r:id="rId1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": relations(
            ("worksheet", "worksheets/sheet1.xml"),
            ("styles", "styles.xml"),
            ("sharedStrings", "sharedStrings.xml"),
        ),
        "xl/worksheets/sheet1.xml": sheet,
        "xl/styles.xml": _styles(formats),
    }
    if strings is not None:
        parts["xl/sharedStrings.xml"] = strings
    return archive(parts | dict(more or {}))


def worksheet(rows: str, *, before: str = "", after: str = "") -> str:
    """A sheet's XML around its `<row>` elements."""
    return f'<worksheet xmlns="{_MAIN}" xmlns:r="{_OFFICE}">{before}<sheetData>{rows}</sheetData>{after}</worksheet>'


def text_cell(name: str, text: str) -> str:
    """A cell that carries its own text."""
    return f'<c r="{name}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'


def relations(*targets: tuple[str, str]) -> str:
    """A part's relations, rId1 and so on, by the end of their type and their target."""
    rows = "".join(
        f'<Relationship Id="rId{number}" Type="{_OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, start=1)
    )
    return f'<Relationships xmlns="{_PACKAGE}">{rows}</Relationships>'


def ods(tables: str, *, styles: str = "") -> bytes:
    """An .ods from the XML of its tables."""
    content = (
        f"<office:document-content {_ODS_NAMES} {_CALCEXT}><office:automatic-styles>{styles}</office:automatic-styles>"
        f"<office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body></office:document-content>"
    )
    return archive({"mimetype": "application/vnd.oasis.opendocument.spreadsheet", "content.xml": content})


def ods_table(rows: str, title: str = "题库", *, style: str = "") -> str:
    """A table's XML around its rows."""
    return f'<table:table table:name={quoteattr(title)} table:style-name="{style}">{rows}</table:table>'


def ods_cell(value: object, shown: str | None = None) -> str:
    """A cell of a text, a number (shown as `shown`) or nothing."""
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, int | float):
        attributes = f' office:value-type="float" office:value="{value}"'
        return f"<table:table-cell{attributes}><text:p>{shown or value}</text:p></table:table-cell>"
    lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in str(value).split("\n"))
    return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'


def _styles(formats: Sequence[str]) -> str:
    codes = "".join(
        f'<numFmt numFmtId="{number}" formatCode={quoteattr(code)}/>'
        for number, code in enumerate(formats, start=200)
    )
    styles = "".join(f'<xf numFmtId="{number}"/>' for number in (0, *range(200, 200 + len(formats))))
    return f'<styleSheet xmlns="{_MAIN}"><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>'
