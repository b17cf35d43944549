"""A PSP that answers as a test dictates: what the simulator would never say."""

from __future__ import annotations

import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from guichet.domain.orders import CollectOrder, ProviderAccount
from guichet.outbound.client import GuardedClient
from guichet.rails.pix.rail import PixRail
from outbound.listeners import Writer, listening, untrusting
from rails.pix.stage import CLIENT_ID, PIX_KEY, SECRET, new_order
from rails.scripted import NOW, StoppedClock

TOKEN = "canary-of-the-access-token"
E2EID = "E0000000020261120160000abcdefghi"
OTHER_E2EID = "E0000000020261120160000zyxwvutsr"
LOCATION = "pix.example.com/qr/v2/2353c790eefb11eaadc10242ac120002"

Said = tuple[int, Any]


@dataclass
class Script:
    """What is answered to each operation, by the beginning of ``METHOD /path``.

    A list is answered one by one, the last one for ever.
    """

    rail: PixRail
    clock: StoppedClock
    account: ProviderAccount
    answers: dict[str, Said | list[Said]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)

    def order(self, **changes: Any) -> CollectOrder:
        usual = {"account": self.account, "expires_at": NOW.replace(hour=17)}
        return new_order(**usual | changes)

    def shown(self, **changes: Any) -> CollectOrder:
        """An order whose code was shown."""
        memory = {"posted": str(int(NOW.timestamp())), "chave": PIX_KEY, "shown": "1"}
        return self.order(**{"memory": memory} | changes)


def charge(order: CollectOrder, status: str = "ATIVA", **changes: Any) -> Said:
    fields = {
        "calendario": {"criacao": "2026-11-20T16:00:00.000Z", "expiracao": 3600},
        "txid": order.key,
        "revisao": 0,
        "location": LOCATION,
        "status": status,
        "valor": {"original": "122.44"},
        "chave": PIX_KEY,
    }
    return 200, {name: each for name, each in (fields | changes).items() if each is not None}


def pix(**changes: Any) -> dict[str, Any]:
    fields = {"endToEndId": E2EID, "valor": "122.44", "horario": "2026-11-20T16:01:00.000Z"}
    return {name: each for name, each in (fields | changes).items() if each is not None}


def returned(amount: str = "22.44", nature: str | None = "MED_FRAUDE", **changes: Any) -> Any:
    fields = {
        "id": "MED1",
        "rtrId": "D0000000020261120160000abcdefghi",
        "valor": amount,
        "natureza": nature,
        "horario": {"solicitacao": "2026-11-21T16:00:00.000Z"},
        "status": "DEVOLVIDO",
    }
    return {name: each for name, each in (fields | changes).items() if each is not None}


def page(*found: Any, number: int = 0, pages: int = 1, items: int | None = None) -> Said:
    paging = {
        "paginaAtual": number,
        "itensPorPagina": 100,
        "quantidadeDePaginas": pages,
        "quantidadeTotalDeItens": len(found) if items is None else items,
    }
    return 200, {"parametros": {"paginacao": paging}, "pix": list(found)}


def problem(status: int, kind: str = "CobOperacaoInvalida", **fields: Any) -> Said:
    uri = f"https://pix.bcb.gov.br/api/v2/error/{kind}"
    return status, {"type": uri, "title": "não", "status": status, **fields}


#: Answers from which nobody can tell whether the call was carried out.
PROVES_NOTHING: list[Said] = [
    (500, b""),
    problem(503, "ServicoIndisponivel"),
    (504, b"<html>"),
    problem(408),
    (400, b"<html>no</html>"),
    (404, b"<html>Not Found</html>"),
    (404, []),
    (200, b""),
    (201, b"{}"),
    (201, b"[]"),
    (201, b'{"txid": "\xff"}'),
    (201, b'{"odd":' + b"[" * 50_000),
    (201, b'{"txid":' + b" " * 70_000),
    (302, b""),
    (204, b""),
]


def name_of(said: Said) -> str:
    """How pytest calls a test with this answer."""
    return f"{said[0]} {str(said[1])[:30]}"


@asynccontextmanager
async def scripted(
    environment: str = "sandbox", timeout_seconds: float = 2
) -> AsyncIterator[Script]:
    answers: dict[str, Said | list[Said]] = {
        "POST /token": (200, {"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
    }
    calls: list[str] = []

    async def handler(request: bytes, writer: Writer) -> None:
        line = request.split(b" HTTP/1.1", 1)[0].decode()
        calls.append(line.split("?")[0])
        said = next(answer for beginning, answer in answers.items() if line.startswith(beginning))
        if isinstance(said, list):
            said = said.pop(0) if len(said) > 1 else said[0]
        status, told = said
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        head = f"HTTP/1.1 {status} Said\r\ncontent-type: application/json\r\n"
        writer.write(f"{head}content-length: {len(body)}\r\n\r\n".encode() + body)

    async with listening(handler) as server, GuardedClient(untrusting()) as client:
        clock = StoppedClock()
        settings = {
            "base_url": f"{server.url}/v2/",
            "token_url": f"{server.url}/token",
            "client_id": CLIENT_ID,
            "client_secret": SECRET,
            "pix_key": PIX_KEY,
            "city": "Recife",
        }
        rail = PixRail(client, environment, timeout_seconds, clock=clock)
        yield Script(rail, clock, ProviderAccount(uuid.uuid4(), settings), answers, calls)
