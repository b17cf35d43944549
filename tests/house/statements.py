"""The SQL statements of the store, found in its source."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

#: Tables that hold rows of applications (the list of all tables is judged in tests/store).
TABLES = (
    "attempts|beneficiaries|bulk_rows|bulk_transfers|customers|events|ledger_accounts"
    "|ledger_entries|ledger_postings|links|payments|refunds|transfers|webhook_deliveries"
    "|webhook_endpoints|webhook_tries"
)
_KEY = re.compile(
    r"\b((\w+_)?id|key|slug|number)\s*=\s*(\$\d|ANY\s*\(\$\d|n\.(id|number)\b|found\.id)"
)
_READS = re.compile(rf"\b(FROM|JOIN|UPDATE)\s+({TABLES})\b")
_FILLED = re.compile(r"\{(\w+)\}")
_TOUCHES = re.compile(rf"\b(FROM|JOIN|UPDATE|INTO)\s+({TABLES})\b")


class Statement(NamedTuple):
    """A text of SQL by the function or name that it stands in."""

    where: str
    sql: str

    @property
    def names_application(self) -> bool:
        """Whether it says whose rows it reads or writes."""
        return "application_id" in self.sql

    @property
    def has_key(self) -> bool:
        """Whether it takes rows by a key that its caller was given: by a lock, a claim, a token."""
        return _KEY.search(self.sql) is not None

    @property
    def only_adds(self) -> bool:
        """Whether it adds rows, each of which must say whose it is, and reads none."""
        return _READS.search(self.sql) is None


def statements(path: Path) -> Iterator[Statement]:
    """The statements of a file that read or write rows of applications, with the texts of the same
    module that are filled into them by name.
    """
    body = ast.parse(path.read_text("utf-8")).body
    named = {_name(node): " ".join(_texts(node)) for node in body if isinstance(node, ast.Assign)}
    for node in body:
        inner = {
            _name(part): " ".join(_texts(part))
            for part in ast.walk(node)
            if isinstance(part, ast.Assign)
        }
        known = named | inner
        for sql in _texts(node):
            if _TOUCHES.search(sql):
                whole = _filled(sql, known)
                yield Statement(f"{path.stem}.{_name(node)}", whole)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return node.name
    if isinstance(node, ast.AnnAssign):
        return ast.unparse(node.target)
    targets = node.targets if isinstance(node, ast.Assign) else []
    return next((each.id for each in targets if isinstance(each, ast.Name)), "part")


def _texts(node: ast.AST) -> Iterator[str]:
    """Texts, what is filled into them by name left as it is written."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(
            str(part.value) if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"
            for part in node.values
            if isinstance(part, ast.Constant | ast.FormattedValue)
        )
        return
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
        return
    for child in ast.iter_child_nodes(node):
        yield from _texts(child)


def _filled(sql: str, known: dict[str, str]) -> str:
    return _FILLED.sub(lambda found: known.get(found[1], found[0]), sql)
