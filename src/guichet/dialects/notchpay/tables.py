"""Tables of money to be sent, as spreadsheets write and read them: CSV (RFC 4180), UTF-8.

Columns have the names of a transfer's fields and their aliases (contract 7.2 and 8), in any case.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from guichet.dialects.notchpay.wallets import NUMBER_NAMES
from guichet.dialects.validation import ValidationFailed
from guichet.web.strict_json import Unreadable, read_json, storable

_TARGETS = ("beneficiary", "recipient")
_DESCRIPTION = ("name", *NUMBER_NAMES, "email", "bank_code")
_OTHERS = (
    "amount", "currency", "channel", "provider", "reference", "description", "statement",
    "metadata",
)  # fmt: skip
_KNOWN = frozenset({*_TARGETS, *_DESCRIPTION, *_OTHERS})
#: Fields under whose name an error may come, and the columns that can be meant by it.
_COLUMNS_OF = {
    "account_number": NUMBER_NAMES,
    "channel": ("channel", "provider"),
    "beneficiary": (*_TARGETS, *NUMBER_NAMES),
}
_DELIMITERS = (",", ";", "\t")
#: What spreadsheets take for the beginning of a formula.
_FORMULA = re.compile(r"[\s']*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'[\s']*[=+\-@\t\r]")
_BLANKS = re.compile(r"[\s-]+")


class Row(NamedTuple):
    """A row of a table: the line that it ends on, from 1, and its cells by column."""

    line: int
    cells: Mapping[str, str]


class Table(NamedTuple):
    """``headers`` are the columns that are understood, as they are spelt, by their names here."""

    headers: Mapping[str, str]
    rows: Sequence[Row]

    def bodies(self) -> list[dict[str, Any]]:
        """The rows as a bulk's transfers have them."""
        return [_body(row.cells) for row in self.rows]

    def place(self, number: int, field: str) -> str:
        """Where the ``field`` of row ``number`` (from 0) stands: ``line 4, column "Phone"``."""
        columns = _COLUMNS_OF.get(field, (field,))
        header = next((self.headers[name] for name in columns if name in self.headers), None)
        line = f"line {self.rows[number].line}"
        return f'{line}, column "{header}"' if header else line

    @property
    def currency(self) -> str | None:
        """The currency of the first row that has one."""
        found = (row.cells.get("currency", "").strip() for row in self.rows)
        return next((code.upper() for code in found if code), None)


def read_table(data: bytes | str, rows_max: int) -> Table:
    """The table in a file, whose first line names its columns; ``,`` ``;`` or a tab between cells.

    Columns that are not known are ignored, and so are blank lines. Raises ``ValidationFailed``
    (``file``), which names the line.
    """
    text = _decoded(data)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        names = _columns(next(reader, []))
        rows: list[Row] = []
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) > len(names):
                raise _broken(f"line {reader.line_num} has more cells than the first line")
            if len(rows) == rows_max:
                raise _broken(f"it has more than {rows_max} rows")
            found = zip(names, cells, strict=False)
            known = {column.name: _unescaped(cell) for column, cell in found if column.name}
            rows.append(Row(reader.line_num, known))
    except csv.Error as error:
        raise _broken(f"line {reader.line_num} cannot be read: {error}") from error
    if not rows:
        raise _broken("it has no rows")
    return Table({column.name: column.header for column in names if column.name}, rows)


def write_table(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """A table of rows by column; no cell is a formula for a spreadsheet."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(columns)
    for row in rows:
        values = (row.get(column) for column in columns)
        writer.writerow(["" if value is None else _escaped(str(value)) for value in values])
    return file.getvalue()


class _Column(NamedTuple):
    """A column by its name here (empty: not known) and as its header is spelt."""

    name: str
    header: str


def _columns(headers: Sequence[str]) -> list[_Column]:
    columns = []
    for header in headers:
        name = _BLANKS.sub("_", header.strip().lower())
        columns.append(_Column(name if name in _KNOWN else "", header.strip()))
    known = [column.name for column in columns if column.name]
    twice = next((name for name in known if known.count(name) > 1), None)
    if twice:
        raise _broken(f"line 1 has the column {twice} twice")
    if "amount" not in known:
        raise _broken("line 1 has no column amount")
    return columns


def _body(cells: Mapping[str, str]) -> dict[str, Any]:
    kept = {name: cells[name].strip() for name in cells if cells[name].strip()}
    body: dict[str, Any] = {name: kept[name] for name in (*_OTHERS, *_TARGETS) if name in kept}
    if "channel" not in body and "provider" in body:
        body["channel"] = body["provider"]
    if "metadata" in body:
        body["metadata"] = _as_json(body["metadata"])
    if not any(name in body for name in _TARGETS):
        body["beneficiary_data"] = {name: kept[name] for name in _DESCRIPTION if name in kept}
    return body


def _as_json(text: str) -> Any:
    """The JSON in a cell; a cell that holds none is for the field's rule to refuse."""
    try:
        return read_json(text.encode())
    except Unreadable:
        return text


def _decoded(data: bytes | str) -> str:
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _broken(f"line {line} is not UTF-8 text") from error
    text = text.removeprefix("\ufeff")
    if not storable(text):
        raise _broken("it holds what is no text")
    return text


def _delimiter(text: str) -> str:
    """The one that the first line has most of."""
    first = text.partition("\n")[0]
    return max(_DELIMITERS, key=first.count)


def _escaped(cell: str) -> str:
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _unescaped(cell: str) -> str:
    return cell[1:] if _ESCAPED.match(cell) else cell


def _broken(what: str) -> ValidationFailed:
    return ValidationFailed({"file": [f"The file cannot be used: {what}."]})
