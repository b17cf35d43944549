"""G13: sixty ways to write an address inside, and names that lead there: nobody is connected to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from guichet.outbound.client import GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import PUBLIC_ONLY, RefusedAddress
from outbound.listeners import Listener, answer, listening

#: Everything that some library, resolver or browser takes for this machine or its network.
HOSTS = [
    "127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "127.127.127.127", "127.255.255.254",
    "2130706433", "2130706433.", "017700000001", "0x7f000001", "0X7F000001", "0x7f.1", "0177.1",
    "0177.0.0.01", "0x7f.0x0.0x0.0x1", "127.0.0.0x1", "00000177.0.0.1", "0x000000007f.0.0.1",
    "0", "0.0.0.0", "0x0", "00", "0.0", "000.000.000.000",
    "[::1]", "[::]", "[0:0:0:0:0:0:0:1]", "[0000::0001]", "[::0:1]",
    "[::127.0.0.1]", "[::7f00:1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::FFFF:127.0.0.1]",
    "[0:0:0:0:0:ffff:7f00:0001]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]",
    "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:1::1]",
    "[2001:0:4136:e378:8000:63bf:80ff:fffe]", "[fe80::1]", "[fe80::1%25lo]", "[::1%25lo]",
    "[::1%lo]", "[fc00::1]", "[fec0::1]", "[ff02::1]", "[100::1]",
    "localhost", "LocalHost", "localhost.", "localhost..", "a.localhost", "localhost.localdomain",
    "ip6-localhost", "127.0.0.1.localhost",
    "user@127.0.0.1", "user:word@127.0.0.1", "example.com@127.0.0.1", "127.0.0.1%2f@example.com",
    "127.0.0.1\\@example.com", "127.0.0.1%23.example.com", "127.0.0.1%00.example.com",
    "１２７.0.0.1", "127。0。0。1", "①②⑦.⓪.⓪.①", "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ", "127.0.0.1\t", " 127.0.0.1",
    "127.0.0.1\n.example.com", "%31%32%37.0.0.1", "127%2e0%2e0%2e1", "127,0.0.1", "127.0.0.1;a",
    "[127.0.0.1]", "[::ffff:127.0.0.1", "::1", "0x7f000001.0", "256.0.0.1", "1.2.3.4.5",
]  # fmt: skip

Answers = Sequence[Sequence[str]]


@asynccontextmanager
async def canaries() -> AsyncIterator[tuple[int, list[Listener]]]:
    """Listeners on one port of every address of this machine, as far as it has them."""
    async with listening(answer()) as first:
        counts = [first]
        servers = []
        for host in ("127.0.0.2", "::1"):
            listener = Listener(first.port)

            async def seen(_: Any, writer: asyncio.StreamWriter, it: Listener = listener) -> None:
                it.connections += 1
                writer.close()

            try:
                servers.append(await asyncio.start_server(seen, host, first.port))
            except OSError:
                continue  # no such address here
            counts.append(listener)
        try:
            yield first.port, counts
        finally:
            for server in servers:
                server.close()


async def refused(client: GuardedClient, url: str) -> bool:
    """Whether certainly nothing left."""
    try:
        await client.send("POST", url, policy=PUBLIC_ONLY, timeout_seconds=5, body=b"x")
    except (RefusedAddress, NotSent):
        return True
    except NoAnswer:
        return False
    return False


async def test_no_spelling_of_this_machine_is_connected_to(client: GuardedClient) -> None:
    assert len(HOSTS) >= 60
    async with canaries() as (port, counts):
        reached = [
            url
            for host in HOSTS
            for scheme in ("https", "http")
            for url in (f"{scheme}://{host}:{port}/hook", f"{scheme}://{host}/hook")
            if not await refused(client, url)
        ]
        assert reached == []
        assert [each.connections for each in counts] == [0] * len(counts)


def name_server(answers: Answers) -> tuple[Callable[..., Any], list[str]]:
    """Gives one answer after the other, the last one for ever."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_rest: Any, **_options: Any) -> list[Any]:
        asked.append(host)
        families = {True: socket.AF_INET6, False: socket.AF_INET}
        return [
            (families[":" in address], socket.SOCK_STREAM, 6, "", (address, port))
            for address in answers[min(len(asked), len(answers)) - 1]
        ]

    return getaddrinfo, asked


REBINDINGS: dict[str, Answers] = {
    "outside and inside together": [["93.184.216.34", "127.0.0.1"]],
    "inside at once, in IPv6's clothes": [["::ffff:127.0.0.1"]],
    "inside first, outside later": [["127.0.0.1"], ["93.184.216.34"]],
    "nowhere": [[]],
}


@pytest.mark.parametrize("answers", REBINDINGS.values(), ids=REBINDINGS)
async def test_a_name_that_changes_its_mind_leads_to_nobody(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch, answers: Answers
) -> None:
    async with canaries() as (port, counts):
        getaddrinfo, asked = name_server(answers)
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        assert await refused(client, f"https://rebinding.example:{port}/")
        assert asked == ["rebinding.example"]
        assert sum(each.connections for each in counts) == 0
