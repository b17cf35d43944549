"""The guarded client against real sockets."""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpcore2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from guichet.outbound.client import GuardedClient, NoAnswer, NotSent
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY, RefusedAddress
from outbound.listeners import Listener, Writer, answer, listening

SECRET = "np_live.never-in-a-log"


def resolver(*answers: list[str]) -> tuple[Callable[..., Any], list[str]]:
    """A name server that gives one answer after the other (the last one for ever)."""
    asked: list[str] = []

    def getaddrinfo(host: str, port: int, *_rest: Any, **_options: Any) -> list[Any]:
        asked.append(host)
        addresses = answers[min(len(asked), len(answers)) - 1]
        return [
            (
                socket.AF_INET6 if ":" in address else socket.AF_INET,
                socket.SOCK_STREAM,
                6,
                "",
                (address, port),
            )
            for address in addresses
        ]

    return getaddrinfo, asked


async def test_an_answer_comes_back_whole(client: GuardedClient) -> None:
    async with listening(answer("201 Created", "X-Thing: 7\r\n", b"body")) as server:
        got = await client.send(
            "POST",
            server.url + "/a?b=c",
            policy=ANYWHERE,
            timeout_seconds=5,
            body=b"{}",
            headers={"content-type": "application/json"},
        )
    assert (got.status, got.headers["x-thing"], got.body, got.cut) == (201, "7", b"body", False)
    head = server.requests[0]
    assert head.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert head.endswith(b"\r\n\r\n{}")
    assert f"Host: 127.0.0.1:{server.port}".encode() in head


async def test_connections_are_kept(client: GuardedClient) -> None:
    async with listening(answer()) as server:
        for _ in range(5):
            await client.send("GET", server.url, policy=ANYWHERE, timeout_seconds=5)
    assert (server.connections, len(server.requests)) == (1, 5)


async def test_a_kept_connection_never_serves_a_stricter_policy(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    getaddrinfo, _ = resolver(["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    async with listening(answer()) as server:
        await client.send(
            "GET", f"http://shop.example:{server.port}/", policy=ANYWHERE, timeout_seconds=5
        )
        with pytest.raises(RefusedAddress):
            await client.send(
                "GET", f"https://shop.example:{server.port}/", policy=PUBLIC_ONLY, timeout_seconds=5
            )
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_an_answer_not_an_order(
    client: GuardedClient, canary: Listener, status: int
) -> None:
    async with listening(answer(f"{status} Moved", f"location: {canary.url}/\r\n")) as server:
        got = await client.send("POST", server.url, policy=ANYWHERE, timeout_seconds=5)
    assert got.status == status
    assert canary.connections == 0


@pytest.mark.timeout(10)
async def test_a_slow_body_is_cut_at_the_total_time(client: GuardedClient) -> None:
    async def drip(_request: bytes, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b".")
            await writer.drain()
            await asyncio.sleep(0.01)

    async with listening(drip) as server:
        with pytest.raises(NoAnswer):
            await client.send("GET", server.url, policy=ANYWHERE, timeout_seconds=0.2)


@pytest.mark.timeout(10)
async def test_silence_after_the_request_is_no_answer(client: GuardedClient) -> None:
    async def silent(_request: bytes, _writer: Writer) -> None:
        await asyncio.Event().wait()

    async with listening(silent) as server:
        with pytest.raises(NoAnswer):
            await client.send("POST", server.url, policy=ANYWHERE, timeout_seconds=0.2, body=b"x")
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "fragment",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf",
        b"HTTP/1.1 200",
        b"SSH-2.0-OpenSSH\r\n\r\n",
    ],
    ids=["nothing", "half a body", "half a head", "not http"],
)
async def test_a_connection_cut_after_the_request_is_no_answer(
    client: GuardedClient, fragment: bytes
) -> None:
    async def cut(_request: bytes, writer: Writer) -> None:
        writer.write(fragment)
        await writer.drain()
        writer.close()

    async with listening(cut) as server:
        with pytest.raises(NoAnswer):
            await client.send("POST", server.url, policy=ANYWHERE, timeout_seconds=5, body=b"x")


async def test_an_endless_body_is_cut_at_the_limit(client: GuardedClient) -> None:
    written = 0

    async def endless(_request: bytes, writer: Writer) -> None:
        nonlocal written
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"10000\r\n" + b"." * 65_536 + b"\r\n")
            written += 65_536
            await writer.drain()

    async with listening(endless) as server:
        got = await client.send("GET", server.url, policy=ANYWHERE, timeout_seconds=10)
    assert (got.status, len(got.body), got.cut) == (200, 65_536, True)
    assert written < 50_000_000


async def test_a_caller_may_allow_larger_answers(client: GuardedClient) -> None:
    async with listening(answer(body=b"." * 200_000)) as server:
        got = await client.send(
            "GET", server.url, policy=ANYWHERE, timeout_seconds=5, limit_bytes=200_000
        )
    assert (len(got.body), got.cut) == (200_000, False)


async def test_no_compressed_answer_is_asked_for(client: GuardedClient) -> None:
    async with listening(answer()) as server:
        await client.send("GET", server.url, policy=ANYWHERE, timeout_seconds=5)
    assert b"accept-encoding: identity" in server.requests[0].lower()


async def test_a_refused_connection_sent_nothing(client: GuardedClient) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        with pytest.raises(NotSent):
            await client.send("GET", f"http://127.0.0.1:{port}", policy=ANYWHERE, timeout_seconds=5)


async def test_an_unknown_name_sent_nothing(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_AGAIN, "resolver down")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(NotSent):
        await client.send("GET", "https://shop.example/", policy=PUBLIC_ONLY, timeout_seconds=5)


async def test_a_hanging_handshake_sent_nothing(client: GuardedClient) -> None:
    release = asyncio.Event()

    async def silent(_reader: asyncio.StreamReader, writer: Writer) -> None:
        await release.wait()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(NotSent):
        await client.send("GET", f"https://127.0.0.1:{port}", policy=ANYWHERE, timeout_seconds=0.2)
    release.set()
    server.close()


async def test_a_header_that_breaks_http_sent_nothing(
    client: GuardedClient, canary: Listener
) -> None:
    with pytest.raises(NotSent):
        await client.send(
            "GET", canary.url, policy=ANYWHERE, timeout_seconds=5, headers={"a": "b\r\nc: d"}
        )
    assert canary.requests == []


async def test_proxies_of_the_environment_are_ignored(
    canary: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, canary.url)
    monkeypatch.delenv("no_proxy", raising=False)
    async with GuardedClient() as guarded, listening(answer()) as server:
        await guarded.send("GET", server.url, policy=ANYWHERE, timeout_seconds=5)
    assert canary.connections == 0


# What a name leads to -----------------------------------------------------------------------------

INSIDE = [
    "127.0.0.1",
    "127.8.9.10",
    "0.0.0.0",
    "10.1.2.3",
    "172.20.0.1",
    "192.168.0.1",
    "100.64.9.9",
    "169.254.169.254",
    "::1",
    "::",
    "::ffff:127.0.0.1",
    "::ffff:192.168.0.1",
    "2002:7f00:1::1",
    "64:ff9b::7f00:1",
    "fe80::1%lo",
    "fd12::1",
    "ff02::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]


@pytest.mark.parametrize("address", INSIDE)
async def test_a_public_name_that_leads_inside_is_refused(
    client: GuardedClient, canary: Listener, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    getaddrinfo, asked = resolver([address])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    url = f"https://{address.partition('%')[0].replace(':', '-')}.nip.example:{canary.port}/"
    with pytest.raises(RefusedAddress):
        await client.send("POST", url, policy=PUBLIC_ONLY, timeout_seconds=5, body=b"x")
    assert (len(asked), canary.connections) == (1, 0)


async def test_one_inside_address_among_public_ones_refuses_the_name(
    client: GuardedClient, canary: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    getaddrinfo, _ = resolver(["93.184.216.34", "127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(RefusedAddress):
        await client.send(
            "GET", f"https://shop.example:{canary.port}/", policy=PUBLIC_ONLY, timeout_seconds=5
        )
    assert canary.connections == 0


async def test_a_sandbox_name_that_leads_to_metadata_is_refused(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    getaddrinfo, _ = resolver(["169.254.169.254"])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    with pytest.raises(RefusedAddress):
        await client.send("GET", "http://shop.example/", policy=ANYWHERE, timeout_seconds=5)


async def test_a_name_server_that_changes_its_answer_is_asked_once(
    client: GuardedClient, canary: Listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    getaddrinfo, asked = resolver(["93.184.216.34"], ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    dialled: list[str] = []

    async def connect(_backend: object, host: str, *_rest: Any, **_options: Any) -> None:
        dialled.append(host)
        raise httpcore2.ConnectError("no route from here")

    monkeypatch.setattr(httpcore2.AnyIOBackend, "connect_tcp", connect)
    with pytest.raises(NotSent):
        await client.send(
            "GET", f"https://shop.example:{canary.port}/", policy=PUBLIC_ONLY, timeout_seconds=5
        )
    assert (asked, dialled, canary.connections) == (["shop.example"], ["93.184.216.34"], 0)


async def test_the_second_address_is_tried_when_the_first_is_deaf(
    client: GuardedClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    getaddrinfo, _ = resolver(["127.0.0.2", "127.0.0.1"])
    async with listening(answer()) as server:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        got = await client.send(
            "GET", f"http://shop.example:{server.port}/", policy=ANYWHERE, timeout_seconds=5
        )
    assert got.status == 200


# TLS ----------------------------------------------------------------------------------------------


def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for ``name`` with its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "both.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.mark.parametrize("host", ["shop.example", "other.example"])
async def test_the_name_stays_for_tls_though_the_address_is_judged(
    host: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path, "shop.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    seen: list[str | None] = []
    context.sni_callback = lambda _socket, name, _context: seen.append(name)
    trusting = ssl.create_default_context(cafile=str(path))
    getaddrinfo, _ = resolver(["127.0.0.1"])
    async with GuardedClient(trusting) as guarded, listening(answer(), ssl=context) as server:
        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        sending = guarded.send(
            "GET", f"https://{host}:{server.port}/", policy=ANYWHERE, timeout_seconds=5
        )
        if host == "shop.example":
            assert (await sending).status == 200
            assert f"Host: {host}:{server.port}".encode() in server.requests[0]
        else:
            with pytest.raises(NotSent):
                await sending
    assert seen == [host]


# Secrets ------------------------------------------------------------------------------------------


async def test_nothing_secret_is_logged_or_shown(
    client: GuardedClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening(answer("200 OK", f"X-Token: {SECRET}\r\n", SECRET.encode())) as server:
        got = await client.send(
            "POST",
            f"{server.url}/{SECRET}",
            policy=ANYWHERE,
            timeout_seconds=5,
            headers={"authorization": SECRET},
            body=SECRET.encode(),
        )
    assert SECRET not in repr(got)
    assert SECRET not in caplog.text
