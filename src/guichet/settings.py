"""All settings: one frozen dataclass, the only reader of the environment.

Each field's comment is its documentation; ``docs/settings.md`` is written from here by
``guichet docs settings`` and a test compares the two.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import unquote, urlsplit


class LinksIndexShape(StrEnum):
    """What ``GET /api/links`` answers: a list, or as documented the newest link alone."""

    LIST = "list"
    DOCUMENTED = "documented"


class LimitsMode(StrEnum):
    """Whether callers are limited; ``auto``: unless only this machine can reach the server."""

    AUTO = "auto"
    ON = "on"
    OFF = "off"


class InvalidSetting(ValueError):
    """A setting has a value that cannot be used; the message names the variable."""


def _setting(default: Any, meaning: str, *, secret: bool = False) -> Any:
    return field(default=default, metadata={"meaning": meaning, "secret": secret})


def _parse(kind: Any, text: str) -> Any:
    if kind is not bool:
        return kind(text)
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting; the environment variable is ``GUICHET_`` and the name in capitals."""

    data_dir: Path = _setting(
        Path("var"), "Folder of the embedded database and of the generated secret key."
    )
    host: str = _setting("127.0.0.1", "Address to listen on.")
    port: int = _setting(8000, "Port to listen on.")
    public_url: str = _setting(
        "",
        "Address under which payers and merchants reach this server; default `http://HOST:PORT`.",
    )
    database_url: str = _setting(
        "",
        "PostgreSQL 15 or newer, as the serving role; empty runs the embedded one.",
        secret=True,
    )
    owner_database_url: str = _setting(
        "",
        "The same database as the role that owns the tables, for `guichet migrate`.",
        secret=True,
    )
    database_connections: int = _setting(8, "Database connections of each serving process.")
    secret_keys: str = _setting(
        "",
        "Keys that seal stored secrets and sign page addresses, separated by commas: the first is "
        "used, the others are still understood. Needed with GUICHET_DATABASE_URL; "
        "`guichet key generate` makes one.",
        secret=True,
    )
    queue_limit: int = _setting(
        1024, "Requests that may wait for the database; beyond it the answer is 503."
    )
    body_limit_bytes: int = _setting(262_144, "Largest request body.")
    notice_limit_bytes: int = _setting(
        1_048_576, "Largest body of a provider's notice: PSPs tell of many payments at once."
    )
    header_limit_bytes: int = _setting(32_768, "Largest head of a request, all headers together.")
    header_limit_count: int = _setting(100, "Most headers of a request.")
    header_timeout_seconds: float = _setting(5.0, "Longest wait for a request's head.")
    body_timeout_seconds: float = _setting(14.0, "Longest wait for a request's whole body.")
    keep_alive_seconds: float = _setting(30.0, "How long a connection may wait between requests.")
    connections_limit: int = _setting(
        4096, "Connections that a serving process holds; 0: as many as come."
    )
    connections_per_address: int = _setting(
        200,
        "Connections of one address (IPv6: of one /64) to a serving process; behind a trusted "
        "proxy, requests under way of one forwarded address. 0: as many as come.",
    )
    shed_after_seconds: float = _setting(
        0.3,
        "How long requests may wait for their turn in a serving process before new payments are "
        "answered 503; less urgent requests are refused sooner (docs/production.md). 0: never.",
    )
    requests_at_once: int = _setting(
        1024,
        "Requests under way in a serving process beyond which new payments are answered 503; less "
        "urgent requests are refused sooner. Those that wait for a provider do not count. 0: as "
        "many as come.",
    )
    limits: LimitsMode = _setting(
        LimitsMode.AUTO,
        "Whether the limits of the next six settings hold, and that of wrong keys: `on`, `off`, or "
        "`auto`, which is `on` unless both the address to listen on and the public one are this "
        "machine's own.",
    )
    live_requests_per_second: float = _setting(
        50.0,
        "Requests of a live application, on average; twice as many may come at once. This and the "
        "next five are counted in each serving process; 0: no limit.",
    )
    sandbox_requests_per_second: float = _setting(25.0, "The same for sandbox applications.")
    keyless_requests_per_second: float = _setting(
        10.0, "Requests of one address whose key is missing or does not hold."
    )
    page_requests_per_second: float = _setting(
        5.0, "Looks of one address at the pages of one payment or link."
    )
    application_requests_at_once: int = _setting(20, "Requests under way of one application.")
    application_lists_at_once: int = _setting(5, "How many of those may be lists.")
    guesses_per_minute: int = _setting(
        20, "Pages that do not exist, and keys that do not hold, of one address; 0: no limit."
    )
    trusted_proxies: str = _setting(
        "", "Networks (CIDR, separated by commas) whose X-Forwarded-For is believed."
    )
    notices_url: str = _setting(
        "", "Address under which providers reach `/notices`; default the public one."
    )
    notices_tls_port: int = _setting(
        0,
        "Port on which `/notices` is served by mutual TLS, for PSPs; 0: none, and with "
        "`guichet run` a free one.",
    )
    notices_tls_certificate: str = _setting(
        "", "File (PEM) of that port's certificate, with its chain."
    )
    notices_tls_key: str = _setting("", "File (PEM) of its private key.")
    notices_tls_ca: str = _setting(
        "", "File (PEM) of the authorities of the certificates with which PSPs deliver notices."
    )
    client_subject_header: str = _setting(
        "",
        "Header in which a trusted proxy says whose client certificate it verified (the subject "
        "as in RFC 4514); believed from GUICHET_TRUSTED_PROXIES alone.",
    )
    yapily_sandbox_url: str = _setting(
        "", "Yapily for sandbox applications; empty is the simulator of this server."
    )
    yapily_sandbox_id: str = _setting("guichet-simulator", "Yapily application id, sandbox.")
    yapily_sandbox_secret: str = _setting(
        "guichet-simulator-secret", "Yapily application secret, sandbox.", secret=True
    )
    yapily_live_url: str = _setting("https://api.yapily.com", "Yapily for live applications.")
    yapily_live_id: str = _setting("", "Yapily application id, live; empty: no live open banking.")
    yapily_live_secret: str = _setting("", "Yapily application secret, live.", secret=True)
    yapily_webhook_secret: str = _setting(
        "", "Secret in the address of Yapily's notices; empty: notices are refused.", secret=True
    )
    pix_sandbox_url: str = _setting(
        "",
        "Where a PSP's API Pix begins, for sandbox applications without an account of their own; "
        "empty is the simulator, where there is one. The next settings belong to it.",
    )
    pix_sandbox_token_url: str = _setting("", "Where that PSP gives out access tokens.")
    pix_sandbox_client_id: str = _setting("", "OAuth client id there.")
    pix_sandbox_client_secret: str = _setting("", "OAuth client secret there.", secret=True)
    pix_sandbox_certificate: str = _setting("", "File (PEM) of our client certificate.")
    pix_sandbox_private_key: str = _setting("", "File (PEM) of its private key.")
    pix_sandbox_ca: str = _setting(
        "", "File (PEM) of the PSP's authorities; empty: the system's are believed."
    )
    pix_sandbox_pix_key: str = _setting("", "The payee's Pix key there.")
    pix_sandbox_city: str = _setting("", "The payee's city, for the codes.")
    pix_sandbox_webhook_subject: str = _setting(
        "", "Subject of the certificate with which that PSP delivers notices."
    )
    pix_simulator_port: int = _setting(
        0,
        "Port of the PIX simulator's API; 0: a free one. `guichet work` finds a simulator of "
        "`guichet serve --simulators` by it.",
    )
    mtn_sandbox_url: str = _setting(
        "",
        "MTN Mobile Money for sandbox applications without an account of their own (where the "
        "products begin); empty is the simulator of this server. The next settings belong to it.",
    )
    mtn_sandbox_environment: str = _setting("mtncameroon", "MTN's name of the country.")
    mtn_sandbox_subscription_key: str = _setting(
        "guichet-simulator", "Subscription key for collections and disbursements.", secret=True
    )
    mtn_sandbox_api_user: str = _setting("guichet-simulator", "API user there.")
    mtn_sandbox_api_key: str = _setting("guichet-simulator", "API key there.", secret=True)
    gsma_sandbox_url: str = _setting(
        "",
        "An operator that speaks GSMA's API, for sandbox applications without an account of their "
        "own (where the resources begin); empty: their payments go through Notch Pay. The next "
        "settings belong to it.",
    )
    gsma_sandbox_client_id: str = _setting("guichet-simulator", "Client id there.")
    gsma_sandbox_client_secret: str = _setting(
        "guichet-simulator", "Client secret there.", secret=True
    )
    gsma_sandbox_api_key: str = _setting(
        "guichet-simulator", "`X-API-Key` there, if it wants one.", secret=True
    )
    gsma_sandbox_currency: str = _setting("XAF", "The money of that account.")
    notchpay_sandbox_url: str = _setting(
        "",
        "Notch Pay for sandbox applications without an account of their own; empty "
        "is the simulator of this server. The next settings belong to it.",
    )
    notchpay_sandbox_public_key: str = _setting("pk_test.guichet-simulator", "Public key there.")
    notchpay_sandbox_private_key: str = _setting(
        "sk_test.guichet-simulator",
        "Private key there; without one money is neither sent nor given back.",
        secret=True,
    )
    notchpay_sandbox_hash_key: str = _setting(
        "hsk_test.guichet-simulator",
        "Hash key there, with which notices are signed; without one none is believed.",
        secret=True,
    )
    links_index_shape: LinksIndexShape = _setting(
        LinksIndexShape.LIST,
        "Neopay's `GET /api/links`: `list` answers the list, `documented` the newest link alone, "
        "as one object.",
    )
    browser_origins: str = _setting(
        "*",
        "Origins whose pages may call Notch Pay's API, separated by commas "
        "(`https://shop.example`); `*`: all.",
    )
    check_tax_numbers: bool = _setting(
        True, "Whether CPF and CNPJ must have the right check digits: `true` or `false`."
    )
    provider_timeout_seconds: float = _setting(15.0, "Longest wait for a provider's answer.")
    provider_failures_max: int = _setting(
        5,
        "Calls without an answer in 30 seconds, if they are half of all, after which a provider is "
        "left alone for 5 seconds; 0: never.",
    )
    webhook_timeout_seconds: float = _setting(15.0, "Longest wait for a merchant's answer.")
    notice_retention_days: int = _setting(
        30,
        "How long the content of a handled notice is kept: what the payer's browser brought back. "
        "0: for ever.",
    )
    delivery_retention_days: int = _setting(
        30,
        "How long the body of an ended delivery, its tries and what the receiver answered are "
        "kept. 0: for ever.",
    )
    reconcile_seconds: int = _setting(
        900, "How often providers' own lists of movements are compared with ours."
    )
    lease_seconds: float = _setting(60.0, "How long a worker may hold a piece of work.")
    metrics_token: str = _setting(
        "",
        "Token for `/metrics` (`Authorization: Bearer …`); empty: it answers this machine alone.",
        secret=True,
    )
    worker_port: int = _setting(
        0,
        "Port on which `guichet work` answers `/livez`, `/readyz` and `/metrics`, on GUICHET_HOST; "
        "0: none.",
    )
    failpoints: str = _setting(
        "",
        "Points at which the process kills itself, for fault tests (docs/reliability.md), by names "
        "with commas between them; refused where anything is live.",
    )
    log_level: str = _setting("info", "`debug`, `info`, `warning` or `error`.")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings; raises ``InvalidSetting`` naming what is wrong."""
        environment = os.environ if environment is None else environment
        hints = get_type_hints(cls)
        values: dict[str, Any] = {}
        for item in fields(cls):
            variable = f"GUICHET_{item.name.upper()}"
            text = environment.get(variable)
            if text is None or text == "":
                continue
            try:
                values[item.name] = _parse(hints[item.name], text)
            except ValueError as error:
                raise InvalidSetting(
                    f"{variable}={text!r} is not a {hints[item.name].__name__}"
                ) from error
        known = {f"GUICHET_{item.name.upper()}" for item in fields(cls)}
        for variable in environment:
            if variable.startswith("GUICHET_") and variable not in known:
                raise InvalidSetting(f"{variable} is not a setting")
        return cls(**values)

    @property
    def secrets(self) -> list[str]:
        """The secrets among the values that were set, each as it may appear alone."""
        values = [
            getattr(self, item.name)
            for item in fields(self)
            if item.metadata["secret"] and getattr(self, item.name) != item.default
        ]
        parts = [part.strip() for value in values for part in value.split(",")]
        passwords = [urlsplit(value).password or "" for value in values if "://" in value]
        return [secret for secret in (*parts, *passwords, *map(unquote, passwords)) if secret]

    @property
    def is_private(self) -> bool:
        """Whether only this machine can reach the server."""
        public_host = urlsplit(self.base_url).hostname or ""
        return all(_is_loopback(host) for host in (self.host, public_host))

    @property
    def limits_are_on(self) -> bool:
        """Whether callers are limited."""
        return self.limits is LimitsMode.ON or (
            self.limits is LimitsMode.AUTO and not self.is_private
        )

    @property
    def base_url(self) -> str:
        """The public address without a trailing slash."""
        return (self.public_url or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def notices_base_url(self) -> str:
        """The address of ``/notices`` for providers, without a trailing slash."""
        return (self.notices_url or self.base_url).rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
