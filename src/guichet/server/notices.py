"""Where providers send their notices: stored after a check, answered at once, believed never."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager

from guichet import metrics
from guichet.bootstrap import OPEN_BANKING
from guichet.domain.errors import NotFound, Unavailable
from guichet.gateway import Gateway
from guichet.rails.port import ForgedNotice, Inbound, UnprovableNotice
from guichet.services.notices import noticed_account, receive_notice
from guichet.web.asgi import (
    Application,
    Asgi,
    MethodNotAllowed,
    Receive,
    Refusal,
    Reply,
    Request,
    Router,
    Scope,
    Send,
)
from guichet.web.proxies import TrustedProxies

#: So long a provider may wait for somebody to set what its notices are proved by.
_UNPROVABLE_SECONDS = "300"
_ACCOUNT_PATH = "/notices/{rail}/{environment}/{account}/{token}"


def build_app(gateway: Gateway) -> Asgi:
    """The application.

    ``POST /notices/yapily/{environment}/{secret}``, and for rails whose applications have
    accounts of their own ``POST /notices/{rail}/{environment}/{account}/{token}``, also with what
    a provider appends to its webhook's address (``/pix``).
    """
    return _Notices(gateway)


class _Notices:
    """Two applications, for they allow bodies of different lengths."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._proxies = TrustedProxies(gateway.settings.trusted_proxies)
        self._subject_header = gateway.settings.client_subject_header.lower()
        self._secret = gateway.settings.yapily_webhook_secret.encode()
        yapily = Router()
        yapily.add("POST", "/notices/yapily/{environment}/{secret}", self._hear_yapily)
        self._yapily = self._application(yapily, gateway.settings.body_limit_bytes)
        accounts = Router()
        # The registered address itself is what PSPs try before they accept it.
        accounts.add("POST", _ACCOUNT_PATH, self._hear_account)
        accounts.add("PUT", _ACCOUNT_PATH, self._hear_account)  # mobile operators
        accounts.add("POST", f"{_ACCOUNT_PATH}/pix", self._hear_account)
        self._accounts = self._application(accounts, gateway.settings.notice_limit_bytes)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_yapily = scope["path"].startswith("/notices/yapily/")
        await (self._yapily if is_yapily else self._accounts)(scope, receive, send)

    def _application(self, router: Router, body_limit_bytes: int) -> Application:
        return Application(
            router,
            _error_reply,
            body_limit_bytes=body_limit_bytes,
            proxies=self._proxies,
            body_timeout_seconds=self._gateway.settings.body_timeout_seconds,
        )

    async def _hear_yapily(self, request: Request) -> Reply:
        given = request.parameters["secret"].encode()
        with self._counted(OPEN_BANKING):
            if not self._secret:
                raise UnprovableNotice
            if not hmac.compare_digest(given, self._secret):
                raise ForgedNotice
            inbound = Inbound(request.headers, request.body)
            environment = request.parameters["environment"]
            await receive_notice(self._gateway, OPEN_BANKING, environment, inbound)
        return Reply(204, content_type="")

    async def _hear_account(self, request: Request) -> Reply:
        rail, environment, name, token = (
            request.parameters[each] for each in ("rail", "environment", "account", "token")
        )
        with self._counted(rail):
            account = await noticed_account(self._gateway, rail, environment, name, token)
            inbound = Inbound(request.headers, request.body, account, self._client_subject(request))
            await receive_notice(self._gateway, rail, environment, inbound)
        return Reply(200, content_type="")

    @contextmanager
    def _counted(self, rail: str) -> Iterator[None]:
        """Count what is not believed; ``rail`` is what the address says, so it may be anything."""
        connected = {name for (name, _), _ in self._gateway.rails.items()}
        try:
            yield
        except ForgedNotice as error:
            outcome = "unprovable" if isinstance(error, UnprovableNotice) else "forged"
            metrics.NOTICES.labels(rail if rail in connected else "none", outcome).inc()
            raise

    def _client_subject(self, request: Request) -> str | None:
        """Whose certificate the client showed: by our own TLS, or by that of a trusted proxy."""
        verified = request.scope.get("extensions", {}).get("tls", {}).get("client_cert_name")
        if verified:
            return str(verified)
        client = request.scope.get("client")
        if not self._subject_header or not self._proxies.trusts(client[0] if client else ""):
            return None
        return request.headers.get(self._subject_header) or None


def _error_reply(_request: Request, error: Exception) -> Reply:
    match error:
        case Unavailable(retry_after_seconds=seconds):
            return Reply(503, content_type="", headers=(("retry-after", str(seconds)),))
        case UnprovableNotice():
            return Reply(503, content_type="", headers=(("retry-after", _UNPROVABLE_SECONDS),))
        case ForgedNotice():
            return Reply(401, content_type="", headers=(("www-authenticate", "Notice"),))
        case NotFound():
            return Reply(404, content_type="")
        case MethodNotAllowed(allowed=allowed):
            return Reply(405, content_type="", headers=(("allow", ", ".join(allowed)),))
        case Refusal(status=status):
            return Reply(status, content_type="")
        case _:
            return Reply(500, content_type="")
