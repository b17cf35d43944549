"""Notices of PSPs: who shows the right certificate at the right address is heard, nobody else."""

from __future__ import annotations

import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import httpx2
import pytest
import pytest_asyncio

from conftest import DatabaseUrls, fresh_database
from gateways import APPLICATION_ID, OTHER_APPLICATION_ID, running_gateway, seed
from guichet.embedded import Endpoints
from guichet.gateway import Gateway
from guichet.server.front import Front, Sockets
from guichet.server.http import bind
from guichet.server.simulation import find_simulation
from guichet.server.site import Site
from guichet.services.administration import connect_account
from guichet.services.notices import notice_url
from guichet.settings import Settings
from guichet.simulators.pix.certificates import Certificates, make_certificates

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEADER = "x-client-subject"
PROXY, STRANGER = "10.0.0.7", "10.9.9.9"


def notice(txid: str | None = None) -> dict[str, object]:
    pix = {
        "endToEndId": "E99900101202611200101abcdefghijk",
        "txid": txid or uuid4().hex,
        "valor": "10.00",
        "horario": "2026-11-20T01:01:00.000Z",
    }
    return {"pix": [pix]}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("var")


@pytest.fixture(scope="module")
def certificates(folder: Path) -> Certificates:
    """The sandbox's: its authority is the one that the listener asks for."""
    return make_certificates(folder / "pix-simulator")


@pytest.fixture(scope="module")
def settings(folder: Path, certificates: Certificates) -> Settings:
    plain = Settings(
        data_dir=folder,
        pix_simulator_port=9,  # nobody listens there: nothing is asked
        notices_tls_certificate=str(certificates.server.certificate),
        notices_tls_key=str(certificates.server.key),
        notices_tls_ca=str(certificates.authority),
        trusted_proxies=f"{PROXY}/32",
        client_subject_header="X-Client-Subject",
        yapily_webhook_secret="right",
    )
    return find_simulation(plain)


@dataclass
class Stage:
    gateway: Gateway
    urls: DatabaseUrls
    tls_url: str
    seen: int = 0

    def path(self, account_id: UUID | None = None, environment: str = "sandbox") -> str:
        return notice_url("", self.gateway.vault, "pix", environment, account_id) + "/pix"

    async def stored(self) -> int:
        """How many notices were stored since this was asked last."""
        async with self.gateway.database.connection() as connection:
            count: int = await connection.fetchval("SELECT count(*) FROM rail_notices")
        new, self.seen = count - self.seen, count
        return new

    async def connect(self, application_id: UUID, webhook_subject: str) -> UUID:
        """Give an application an account of its own."""
        owner = await asyncpg.connect(self.urls.owner_url)
        try:
            fields = {"webhook_subject": webhook_subject}
            return await connect_account(
                owner, self.gateway.vault, application_id, "pix", fields, self.gateway.clock.now()
            )
        finally:
            await owner.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(cluster_endpoints: Endpoints, settings: Settings) -> AsyncIterator[Stage]:
    sockets = Sockets(bind("127.0.0.1", 0), bind("127.0.0.1", 0))
    async with (
        fresh_database(cluster_endpoints) as urls,
        seeded_gateway(urls, settings) as gateway,
    ):
        site = Site()
        site.open(gateway)
        front = Front(site, sockets, settings)
        front.start()
        assert sockets.notices is not None
        url = f"https://127.0.0.1:{sockets.notices.getsockname()[1]}"
        try:
            yield Stage(gateway, urls, url)
        finally:
            await front.stop()


@asynccontextmanager
async def seeded_gateway(urls: DatabaseUrls, settings: Settings) -> AsyncIterator[Gateway]:
    await seed(urls.owner_url)
    async with running_gateway(urls.serving_url, settings) as gateway:
        yield gateway


def psp_subject(settings: Settings) -> str:
    return settings.pix_sandbox_webhook_subject


@asynccontextmanager
async def by_tls(stage: Stage, context: ssl.SSLContext) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(
        base_url=stage.tls_url, verify=context, trust_env=False
    ) as client:
        yield client


@asynccontextmanager
async def from_peer(stage: Stage, peer: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A client at an address, as the site sees it."""
    site = Site()
    site.open(stage.gateway)
    transport = httpx2.ASGITransport(site, client=(peer, 40000))
    async with httpx2.AsyncClient(transport=transport, base_url="http://guichet") as client:
        yield client


# Our own TLS --------------------------------------------------------------------------------------


async def test_the_psp_s_certificate_is_believed(stage: Stage, certificates: Certificates) -> None:
    async with by_tls(stage, certificates.psp_context()) as client:
        for _ in range(2):
            answer = await client.post(stage.path(), json=notice("0" * 32))
            assert answer.status_code == 200, answer.text

    assert await stage.stored() == 1


async def test_another_certificate_of_the_same_authority_is_refused(
    stage: Stage, certificates: Certificates
) -> None:
    other = replace(certificates, psp=certificates.gateway).psp_context()
    async with by_tls(stage, other) as client:
        answer = await client.post(stage.path(), json=notice())

    assert answer.status_code == 401
    assert await stage.stored() == 0


async def test_a_header_adds_nothing_to_a_wrong_certificate(
    stage: Stage, certificates: Certificates, settings: Settings
) -> None:
    other = replace(certificates, psp=certificates.gateway).psp_context()
    async with by_tls(stage, other) as client:
        answer = await client.post(
            stage.path(), json=notice(), headers={HEADER: psp_subject(settings)}
        )

    assert answer.status_code == 401
    assert await stage.stored() == 0


def nobody(certificates: Certificates, _folder: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificates.authority)


def namesake(certificates: Certificates, folder: Path) -> ssl.SSLContext:
    """The very same subject, of an authority of the forger's own."""
    forged = make_certificates(folder / "forged")
    return forged.psp_context(certificates.authority)


@pytest.mark.parametrize("shown", [nobody, namesake])
async def test_without_a_certificate_of_the_authority_no_connection_comes_about(
    stage: Stage,
    certificates: Certificates,
    tmp_path: Path,
    shown: Callable[[Certificates, Path], ssl.SSLContext],
) -> None:
    async with by_tls(stage, shown(certificates, tmp_path)) as client:
        with pytest.raises(httpx2.TransportError):
            await client.post(stage.path(), json=notice())

    assert await stage.stored() == 0


@pytest.mark.parametrize("path", ["/", "/api/payments", "/healthz", "/metrics", "/noticesx"])
async def test_the_listener_for_notices_serves_nothing_else(
    stage: Stage, certificates: Certificates, path: str
) -> None:
    async with by_tls(stage, certificates.psp_context()) as client:
        assert (await client.get(path)).status_code == 404


# A proxy's word -----------------------------------------------------------------------------------


async def post_as(stage: Stage, peer: str, subject: str | None) -> int:
    headers = {} if subject is None else {HEADER: subject}
    async with from_peer(stage, peer) as client:
        answer = await client.post(stage.path(), json=notice(), headers=headers)
    return answer.status_code


async def test_a_trusted_proxy_is_believed(stage: Stage, settings: Settings) -> None:
    assert await post_as(stage, PROXY, psp_subject(settings)) == 200
    assert await stage.stored() == 1


@pytest.mark.parametrize("subject", [None, "", " ", "CN=Somebody else"])
async def test_a_trusted_proxy_that_says_nothing_or_another_is_not_enough(
    stage: Stage, subject: str | None
) -> None:
    assert await post_as(stage, PROXY, subject) == 401
    assert await stage.stored() == 0


async def test_the_header_of_anybody_else_is_ignored(stage: Stage, settings: Settings) -> None:
    assert await post_as(stage, STRANGER, psp_subject(settings)) == 401
    assert await stage.stored() == 0


async def test_a_header_is_believed_only_if_one_is_set(stage: Stage, settings: Settings) -> None:
    headless = replace(settings, client_subject_header="")
    async with running_gateway(stage.urls.serving_url, headless) as gateway:
        assert await post_as(replace(stage, gateway=gateway), PROXY, psp_subject(settings)) == 401
    assert await stage.stored() == 0


# The address --------------------------------------------------------------------------------------


async def post_to(stage: Stage, path: str, subject: str, body: bytes | None = None) -> int:
    async with from_peer(stage, PROXY) as client:
        content = json.dumps(notice()).encode() if body is None else body
        answer = await client.post(path, content=content, headers={HEADER: subject})
    return answer.status_code


async def test_each_account_has_its_own_address_and_its_own_psp(stage: Stage) -> None:
    account_id = await stage.connect(APPLICATION_ID, "CN=One")

    assert await post_to(stage, stage.path(account_id), "CN=One") == 200
    assert await stage.stored() == 1


async def test_another_account_s_psp_is_refused(stage: Stage, settings: Settings) -> None:
    one = await stage.connect(APPLICATION_ID, "CN=One")
    two = await stage.connect(OTHER_APPLICATION_ID, "CN=Two")

    assert await post_to(stage, stage.path(one), "CN=Two") == 401
    assert await post_to(stage, stage.path(two), "CN=One") == 401
    assert await post_to(stage, stage.path(one), psp_subject(settings)) == 401
    assert await stage.stored() == 0


async def test_an_account_without_a_subject_hears_nobody(stage: Stage) -> None:
    account_id = await stage.connect(APPLICATION_ID, "")

    assert await post_to(stage, stage.path(account_id), "CN=One") == 503
    assert await post_to(stage, stage.path(account_id), "") == 503
    assert await stage.stored() == 0


async def test_the_token_of_one_address_opens_no_other(stage: Stage) -> None:
    one = await stage.connect(APPLICATION_ID, "CN=One")
    two = await stage.connect(OTHER_APPLICATION_ID, "CN=One")
    token = stage.path(one).split("/")[5]

    for path in (
        stage.path(two).replace(stage.path(two).split("/")[5], token),
        stage.path(one).replace("/sandbox/", "/live/"),
        stage.path(one).replace("/pix/", "/open_banking/", 1),
        stage.path(one).replace(token, token[:-1] + ("x" if token[-1] != "x" else "y")),
        stage.path(one).replace(token, "%ED%A0%80"),
        f"/notices/pix/sandbox/default/{token}/pix",
    ):
        assert await post_to(stage, path, "CN=One") == 401, path
    assert await stage.stored() == 0


async def test_in_live_there_is_no_default_account_to_be_heard(
    stage: Stage, settings: Settings
) -> None:
    assert await post_to(stage, stage.path(None, "live"), psp_subject(settings)) == 503
    assert await stage.stored() == 0


async def test_an_address_is_posted_to(stage: Stage, settings: Settings) -> None:
    async with from_peer(stage, PROXY) as client:
        assert (await client.get(stage.path())).status_code == 405
    other = stage.path().removesuffix("/pix") + "/rec"
    assert await post_to(stage, other, psp_subject(settings)) == 404


async def test_a_psp_may_try_the_address_before_it_accepts_it(
    stage: Stage, settings: Settings
) -> None:
    address = stage.path().removesuffix("/pix")
    body = b'{"evento": "teste_webhook"}'

    assert await post_to(stage, address, psp_subject(settings), body) == 200
    assert await post_to(stage, address, "CN=Somebody else", body) == 401
    assert await post_to(stage, address, "", body) == 401
    assert await stage.stored() == 0


@pytest.mark.parametrize("body", [b"", b"[1]", b'{"pix": 1}', b"\xff", b'{"pix":[{"valor":1}]}'])
async def test_what_is_no_notice_is_refused(stage: Stage, settings: Settings, body: bytes) -> None:
    assert await post_to(stage, stage.path(), psp_subject(settings), body) == 401
    assert await stage.stored() == 0


async def test_a_body_has_a_megabyte_at_most(stage: Stage, settings: Settings) -> None:
    body = b" " * (1024 * 1024 + 1)

    assert await post_to(stage, stage.path(), psp_subject(settings), body) == 413
    assert await stage.stored() == 0


# Every rail ---------------------------------------------------------------------------------------


def forgeries(rail: str, environment: str) -> list[tuple[str, str, dict[str, str]]]:
    """Methods, addresses and headers with which a stranger might try to be heard as the rail's
    provider. A new rail fails the test until it is named here.
    """
    subject = {HEADER: "CN=Banco Guara webhooks"}
    strange = f"/notices/{rail}/{environment}/{uuid4().hex}/{'A' * 24}"
    default = f"/notices/{rail}/{environment}/default/wrong"
    of_accounts = [("POST", default, {}), ("POST", default, subject), ("POST", strange, subject)]
    return {
        "open_banking": [
            ("POST", f"/notices/yapily/{environment}/wrong", {}),
            ("POST", f"/notices/yapily/{environment}/wrong", subject),
        ],
        "pix": [*of_accounts, ("POST", f"{default}/pix", {}), ("POST", f"{default}/pix", subject)],
        "mtn": [*of_accounts, ("PUT", default, {}), ("PUT", strange, {})],
        "gsma": [*of_accounts, ("PUT", default, {}), ("PUT", strange, {})],
        "notchpay": of_accounts,
    }[rail]


async def test_no_rail_hears_a_stranger(stage: Stage) -> None:
    for (rail, environment), _ in stage.gateway.rails.items():  # noqa: PERF102 - no dict
        for method, path, headers in forgeries(rail, environment):
            async with from_peer(stage, PROXY) as client:
                answer = await client.request(method, path, json=notice(), headers=headers)
            assert answer.status_code == 401, (method, path)
    assert await stage.stored() == 0
