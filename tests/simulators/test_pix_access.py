"""Who may call the API: certificates, clients, tokens, scopes."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import httpx2
import pytest

from guichet.simulators.pix import make_certificates
from simulators.pix_stage import CREDENTIALS, KEY, PERIOD, Pix, problem

_REFUSED = (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.ConnectError)


def _ask(pix: Pix, context: ssl.SSLContext) -> httpx2.Response:
    with httpx2.Client(verify=context, trust_env=False) as client:
        return client.post(
            pix.served.token, auth=CREDENTIALS, data={"grant_type": "client_credentials"}
        )


def test_without_a_certificate_nobody_is_heard(pix: Pix) -> None:
    with pytest.raises(_REFUSED):
        _ask(pix, pix.served.context(certificate=False))
    assert pix.state()["calls"] == {}


def test_a_certificate_of_another_authority_is_refused(pix: Pix, tmp_path: Path) -> None:
    stranger = make_certificates(tmp_path / "other").gateway
    context = ssl.create_default_context(cafile=pix.served.certificates.authority)
    context.load_cert_chain(stranger.certificate, stranger.key)
    with pytest.raises(_REFUSED):
        _ask(pix, context)


def test_the_servers_own_certificate_is_no_clients(pix: Pix) -> None:
    server = pix.served.certificates.server
    context = ssl.create_default_context(cafile=pix.served.certificates.authority)
    context.load_cert_chain(server.certificate, server.key)
    with pytest.raises(_REFUSED):
        _ask(pix, context)


def test_a_token_says_what_it_is_good_for(pix: Pix) -> None:
    body = _ask(pix, pix.served.context()).json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 3600)
    assert body["scope"].split()[:2] == ["cob.read", "cob.write"]


@pytest.mark.parametrize(
    ("auth", "form", "status", "error"),
    [
        (("guichet-simulator", "wrong"), {}, 401, "invalid_client"),
        (("nobody", ""), {}, 401, "invalid_client"),
        (CREDENTIALS, {"grant_type": "password"}, 400, "unsupported_grant_type"),
        (CREDENTIALS, {"grant_type": ""}, 400, "invalid_request"),
        (CREDENTIALS, {"scope": "cob.read moon.write"}, 400, "invalid_scope"),
    ],
)
def test_a_wrong_token_request_is_refused(
    pix: Pix, auth: tuple[str, str], form: dict[str, str], status: int, error: str
) -> None:
    form = {"grant_type": "client_credentials"} | form
    with httpx2.Client(verify=pix.served.context(), trust_env=False) as client:
        answer = client.post(pix.served.token, auth=auth, data=form)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert ("www-authenticate" in answer.headers) == (status == 401)


@pytest.mark.parametrize("authorization", ["", "Bearer nonsense", "Basic YTpi"])
def test_without_a_good_token_nothing_is_answered(pix: Pix, authorization: str) -> None:
    with pix.client() as client:
        client.headers["authorization"] = authorization
        answer = client.get("/pix", params=PERIOD)
    problem(answer, 401, "AcessoNegado")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


def test_a_token_ends_after_an_hour_or_when_it_is_revoked(pix: Pix) -> None:
    with pix.client() as client:
        pix.control("clock", advance_seconds=3590)
        assert client.get("/pix", params=PERIOD).status_code == 200
        pix.control("clock", advance_seconds=10)
        problem(client.get("/pix", params=PERIOD), 401, "AcessoNegado")
    with pix.client() as client:
        pix.control("revoke")
        problem(client.get("/pix", params=PERIOD), 401, "AcessoNegado")


def test_a_token_is_good_with_its_certificate_only(pix: Pix) -> None:
    context = ssl.create_default_context(cafile=pix.served.certificates.authority)
    psp = pix.served.certificates.psp
    context.load_cert_chain(psp.certificate, psp.key)
    with httpx2.Client(verify=context, trust_env=False, base_url=pix.served.api) as client:
        headers = {"authorization": f"Bearer {pix.token()}"}
        problem(client.get("/pix", params=PERIOD, headers=headers), 401, "AcessoNegado")


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("PUT", f"/cob/{'a' * 32}", "cob.write"),
        ("PATCH", f"/cob/{'a' * 32}", "cob.write"),
        ("POST", "/cob", "cob.write"),
        ("GET", f"/cob/{'a' * 32}", "cob.read"),
        ("GET", "/cob", "cob.read"),
        ("GET", "/pix", "pix.read"),
        ("GET", f"/pix/{'E' * 32}", "pix.read"),
        ("PUT", f"/pix/{'E' * 32}/devolucao/a", "pix.write"),
        ("GET", f"/pix/{'E' * 32}/devolucao/a", "pix.read"),
        ("PUT", f"/webhook/{KEY}", "webhook.write"),
        ("GET", f"/webhook/{KEY}", "webhook.read"),
        ("GET", "/webhook", "webhook.read"),
        ("DELETE", f"/webhook/{KEY}", "webhook.write"),
    ],
)
def test_each_operation_asks_for_its_scope(pix: Pix, method: str, path: str, scope: str) -> None:
    others = {"cob.read", "cob.write", "pix.read", "pix.write", "webhook.read", "webhook.write"}
    with pix.client(scope=" ".join(sorted(others - {scope}))) as client:
        answer = client.request(method, path)
        problem(answer, 403, "AcessoNegado")
        assert scope in answer.json()["detail"]
    with pix.client(scope=scope) as client:
        assert client.request(method, path).status_code != 403


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def test_the_simulator_runs_alone(tmp_path: Path) -> None:
    site, api = _free_port(), _free_port()
    command = [sys.executable, "-m", "guichet.simulators.pix", f"--port={site}"]
    command += [f"--tls-port={api}", f"--certificates={tmp_path}"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment) as program:
        try:
            _wait_for(f"http://127.0.0.1:{site}/_control/state", program)
            found = make_certificates(tmp_path)
            context = ssl.create_default_context(cafile=found.authority)
            context.load_cert_chain(found.gateway.certificate, found.gateway.key)
            with httpx2.Client(verify=context, trust_env=False) as client:
                url = f"https://127.0.0.1:{api}/oauth/token"
                form = {"grant_type": "client_credentials"}
                assert client.post(url, auth=CREDENTIALS, data=form).status_code == 200
        finally:
            program.terminate()
        program.wait(timeout=30)


def _wait_for(url: str, program: subprocess.Popen[bytes]) -> None:
    with httpx2.Client(verify=ssl.create_default_context(), trust_env=False) as client:
        while program.poll() is None:
            try:
                client.get(url)
            except httpx2.ConnectError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError("the simulator ended")
