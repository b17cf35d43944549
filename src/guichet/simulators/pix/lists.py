"""Lists: their parameters read and checked, their pages cut."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, TypeVar

from starlette.datastructures import QueryParams

from guichet.simulators.common.wire import timestamp

from .checks import BY_SCHEMA, CNPJ, CPF, LARGEST_INT32
from .problems import Problem, Violation

T = TypeVar("T")

_EARLIEST = datetime(2020, 11, 3, tzinfo=UTC)
_LATEST = datetime(2100, 1, 1, tzinfo=UTC)


class Query:
    """The parameters of a list; ``enforce`` raises ``Problem`` with every rule they break."""

    def __init__(self, query: QueryParams, kind: str, *, open_period: bool = False) -> None:
        self._query = query
        self._kind = kind
        self._violations: list[Violation] = []
        self.start = self._moment("inicio", _EARLIEST, open_period)
        self.end = self._moment("fim", _LATEST, open_period)
        if self.end < self.start:
            reason = (
                "O timestamp representado pelo parâmetro fim é anterior ao do parâmetro inicio."
            )
            self._violations.append(Violation(reason, "fim", query["fim"]))
        self.page = self._number("paginacao.paginaAtual", 0, LARGEST_INT32, 0)
        self.page_items = self._number("paginacao.itensPorPagina", 1, 1000, 100)

    def text(self, name: str, pattern: str) -> str | None:
        value = self._query.get(name)
        if value is not None and not re.fullmatch(pattern, value):
            self._broken(name)
        return value

    def flag(self, name: str) -> bool | None:
        value = self._query.get(name)
        if value is not None and value not in {"true", "false"}:
            self._broken(name)
        return None if value is None else value == "true"

    def person(self) -> dict[str, str]:
        """The filter by ``cpf`` or ``cnpj``, never both."""
        both = {"cpf": self.text("cpf", CPF.pattern), "cnpj": self.text("cnpj", CNPJ.pattern)}
        found = {name: value for name, value in both.items() if value is not None}
        if len(found) > 1:
            reason = "Ambos os parâmetros cpf e cnpj estão preenchidos."
            self._violations.append(Violation(reason, "cpf", found["cpf"]))
        return found

    def enforce(self) -> None:
        if self._violations:
            message = "Os parâmetros de consulta não respeitam o _schema_ ou não fazem sentido."
            raise Problem(400, self._kind, message, self._violations)

    def slice(self, found: list[T]) -> list[T]:
        """The page that is asked for."""
        start = self.page * self.page_items
        return found[start : start + self.page_items]

    def as_json(self, count: int, filters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as the answer repeats them, with the size of the whole list."""
        pages = max(1, -(-count // self.page_items))
        return {
            "inicio": timestamp(self.start),
            "fim": timestamp(self.end),
            **filters,
            "paginacao": {
                "paginaAtual": self.page,
                "itensPorPagina": self.page_items,
                "quantidadeDePaginas": pages,
                "quantidadeTotalDeItens": count,
            },
        }

    def _moment(self, name: str, default: datetime, optional: bool) -> datetime:
        value = self._query.get(name)
        if value is None and optional:
            return default
        try:
            moment = datetime.fromisoformat(value or "")
            if moment.tzinfo is not None and "T" in (value or "").upper():
                return moment.astimezone(UTC)
        except (ValueError, OverflowError):
            pass
        self._broken(name)
        return default

    def _number(self, name: str, least: int, most: int, default: int) -> int:
        value = self._query.get(name, str(default))
        if not re.fullmatch(r"[0-9]{1,10}", value) or not least <= int(value) <= most:
            self._broken(name)
            return default
        return int(value)

    def _broken(self, name: str) -> None:
        self._violations.append(
            Violation(f"O parâmetro {name} {BY_SCHEMA}", name, self._query.get(name, "")[:100])
        )
