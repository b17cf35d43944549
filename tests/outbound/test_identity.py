"""Our own certificates: shown to whom they are meant for, and to nobody else."""

from __future__ import annotations

import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from guichet.outbound import pools
from guichet.outbound.client import GuardedClient, NoAnswer, NotSent
from guichet.outbound.identity import UnusableIdentity, client_identity
from guichet.outbound.policy import ANYWHERE
from outbound.authority import Authority, Issued
from outbound.listeners import Listener, Writer, listening, untrusting


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@asynccontextmanager
async def provider(authority: Authority, folder: Path) -> AsyncIterator[Listener]:
    """Answers each request with the name on the certificate that came with it."""

    async def handler(_request: bytes, writer: Writer) -> None:
        subject = writer.get_extra_info("peercert")["subject"]
        name = dict(pair for group in subject for pair in group)["commonName"].encode()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(name) + name)

    async with listening(handler, ssl=authority.server_context(folder)) as listener:
        yield listener


def identity(authority: Authority, issued: Issued) -> ssl.SSLContext:
    return client_identity(issued.certificate, issued.private_key, authority.certificate)


async def name_seen(client: GuardedClient, server: Listener, shown: ssl.SSLContext) -> str:
    url = f"https://127.0.0.1:{server.port}/"
    answer = await client.send("GET", url, policy=ANYWHERE, timeout_seconds=5, identity=shown)
    return answer.body.decode()


@pytest.mark.parametrize("in_memory", [True, False])
async def test_the_provider_sees_our_certificate(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, in_memory: bool
) -> None:
    if not in_memory:
        monkeypatch.delattr(os, "memfd_create")
    shown = identity(authority, authority.issue("shop"))
    async with provider(authority, tmp_path) as server, GuardedClient(untrusting()) as client:
        assert await name_seen(client, server, shown) == "shop"


async def test_no_connection_is_shared_between_identities(
    authority: Authority, tmp_path: Path
) -> None:
    one, other = (identity(authority, authority.issue(name)) for name in ("one", "other"))
    async with provider(authority, tmp_path) as server, GuardedClient(untrusting()) as client:
        seen = [await name_seen(client, server, each) for each in (one, other, one, other)]
        assert seen == ["one", "other", "one", "other"]
        assert server.connections == 2
        with pytest.raises(NotSent):  # whoever shows nothing trusts nobody here
            await client.send(
                "GET", f"https://127.0.0.1:{server.port}/", policy=ANYWHERE, timeout_seconds=5
            )


async def test_a_certificate_of_another_authority_is_of_no_use(
    authority: Authority, tmp_path: Path
) -> None:
    foreign = Authority("Another")
    shown = identity(authority, foreign.issue("shop"))
    async with provider(authority, tmp_path) as server, GuardedClient(untrusting()) as client:
        with pytest.raises((NotSent, NoAnswer)):
            await name_seen(client, server, shown)
        assert server.requests == []


async def test_a_provider_of_another_authority_is_told_nothing(
    authority: Authority, tmp_path: Path
) -> None:
    shown = identity(Authority("Another"), authority.issue("shop"))
    async with provider(authority, tmp_path) as server, GuardedClient(untrusting()) as client:
        with pytest.raises(NotSent):
            await name_seen(client, server, shown)


async def test_idle_identities_beyond_the_limit_are_let_go(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_IDENTITIES_MAX", 2)
    issued = authority.issue("shop")
    shown = [identity(authority, issued) for _ in range(3)]
    async with provider(authority, tmp_path) as server, GuardedClient(untrusting()) as client:
        for each in (*shown, shown[2], shown[1], shown[0]):
            await name_seen(client, server, each)
        assert server.connections == 4  # the first was let go, the others were used again
        assert len(client._pools._own) == 2


async def test_a_pool_in_use_is_never_closed(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pools, "_IDENTITIES_MAX", 1)
    first, second = (identity(authority, authority.issue("shop")) for _ in range(2))
    async with provider(authority, tmp_path) as server, GuardedClient(untrusting()) as client:
        async with client._pools.own(first, ANYWHERE) as pool:
            assert await name_seen(client, server, second) == "shop"
            assert await name_seen(client, server, first) == "shop"
            assert client._pools._own[first, ANYWHERE].pool is pool
        await name_seen(client, server, second)
        assert [key[0] for key in client._pools._own] == [second]


# What cannot be used ------------------------------------------------------------------------------


def encrypted(private_key: str) -> str:
    key = load_pem_private_key(private_key.encode(), None)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    ).decode()


def test_unusable_identities_are_refused_without_being_shown(authority: Authority) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    for certificate, key, authorities in (
        (one.certificate, other.private_key, ""),
        (one.certificate, "", ""),
        (one.certificate, "canary", ""),
        ("canary", one.private_key, ""),
        (one.certificate, encrypted(one.private_key), ""),
        (one.certificate, one.private_key, "canary"),
        (one.certificate, one.private_key, "canário"),
        ("canário", one.private_key, ""),
    ):
        with pytest.raises(UnusableIdentity) as failure:
            client_identity(certificate, key, authorities)
        assert "can" not in str(failure.value)


def test_old_versions_of_tls_are_not_spoken(authority: Authority) -> None:
    issued = authority.issue("shop")
    context = client_identity(issued.certificate, issued.private_key)
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
