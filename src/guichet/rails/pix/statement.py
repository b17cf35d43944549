"""The PSP's own list of the Pix received, read whole or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta

from guichet.rails.pix import wire
from guichet.rails.pix.api import Denied, PixApi, Uncertain
from guichet.rails.pix.sessions import Session
from guichet.rails.port import RailUnavailable

#: Banco Central sets no limit, but some PSPs answer for a month at most, and some for five days.
_PERIODS = (timedelta(days=30), timedelta(days=5))
_ITEMS_PER_PAGE = 100
_PAGES_MAX = 1000


class Statement:
    """Reads ``GET /pix``. Every method raises ``RailUnavailable`` unless the list is whole."""

    def __init__(self, api: PixApi) -> None:
        self._api = api

    async def of_charge(
        self, session: Session, txid: str, since: datetime, until: datetime
    ) -> list[wire.Pix]:
        """The Pix that paid one charge."""
        found = await self._whole(session, since, until, {"txid": txid})
        return [pix for pix in found if pix.txid == txid]

    async def received(self, session: Session, since: datetime, until: datetime) -> list[wire.Pix]:
        """The Pix received in that time that paid a charge."""
        return await self._whole(session, since, until, {"txIdPresente": "true"})

    async def returned(self, session: Session, since: datetime, until: datetime) -> list[wire.Pix]:
        """Those of them of which something was given or taken back, whenever that was."""
        filters = {"txIdPresente": "true", "devolucaoPresente": "true"}
        return await self._whole(session, since, until, filters)

    async def _whole(
        self, session: Session, since: datetime, until: datetime, filters: Mapping[str, str]
    ) -> list[wire.Pix]:
        """The list in pieces as long as the PSP allows; a Pix on a border may come twice."""
        refusal = ""
        for longest in _PERIODS:
            found: list[wire.Pix] = []
            try:
                for start, end in _pieces(since, until, longest):
                    found += await self._pages(session, start, end, filters)
            except Denied as denied:
                refusal = str(denied)
                if denied.status not in (400, 422):
                    break
            else:
                return found
        raise RailUnavailable(refusal)

    async def _pages(
        self, session: Session, since: datetime, until: datetime, filters: Mapping[str, str]
    ) -> list[wire.Pix]:
        query = {
            "inicio": _moment(since),
            "fim": _moment(until),
            **filters,
            "paginacao.itensPorPagina": str(_ITEMS_PER_PAGE),
        }
        found: list[wire.Pix] = []
        for number in range(_PAGES_MAX):
            page = await self._page(session, {**query, "paginacao.paginaAtual": str(number)})
            paging = page.parametros.paginacao
            if paging.pagina_atual != number:
                raise RailUnavailable("GET /pix: another page was answered")
            found += page.pix or ()
            if number + 1 >= paging.quantidade_de_paginas:
                if len(found) < paging.quantidade_total_de_itens:
                    raise RailUnavailable("GET /pix: the list is not whole")
                return found
        raise RailUnavailable("GET /pix: the list has no end")

    async def _page(self, session: Session, query: Mapping[str, str]) -> wire.PixPage:
        try:
            return await self._api.received(session, query)
        except Uncertain as error:
            raise RailUnavailable(str(error)) from error


def _pieces(
    since: datetime, until: datetime, longest: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    while until - since > longest:
        yield since, since + longest
        since += longest
    yield since, until


def _moment(moment: datetime) -> str:
    """RFC 3339. Never rounded up: some PSPs take no time to come."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
