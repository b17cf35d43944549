"""Where providers send their notices: stored after a check, answered at once, believed never."""

from __future__ import annotations

import hmac

from guichet.bootstrap import OPEN_BANKING
from guichet.domain.errors import NotFound, Unavailable
from guichet.gateway import Gateway
from guichet.rails.port import ForgedNotice, Inbound
from guichet.services.notices import receive_notice
from guichet.web.asgi import Application, MethodNotAllowed, Refusal, Reply, Request, Router
from guichet.web.proxies import TrustedProxies


def build_app(gateway: Gateway) -> Application:
    """The application: ``POST /notices/yapily/{environment}/{secret}``."""
    expected = gateway.settings.yapily_webhook_secret.encode()

    async def yapily(request: Request) -> Reply:
        given = request.parameters["secret"].encode()
        if not expected or not hmac.compare_digest(given, expected):
            raise ForgedNotice
        environment = request.parameters["environment"]
        inbound = Inbound(request.headers, request.body)
        await receive_notice(gateway, OPEN_BANKING, environment, inbound)
        return Reply(204, content_type="")

    router = Router()
    router.add("POST", "/notices/yapily/{environment}/{secret}", yapily)
    return Application(
        router,
        _error_reply,
        body_limit_bytes=gateway.settings.body_limit_bytes,
        proxies=TrustedProxies(gateway.settings.trusted_proxies),
    )


def _error_reply(_request: Request, error: Exception) -> Reply:
    match error:
        case Unavailable(retry_after_seconds=seconds):
            return Reply(503, content_type="", headers=(("retry-after", str(seconds)),))
        case ForgedNotice():
            return Reply(403, content_type="")
        case NotFound():
            return Reply(404, content_type="")
        case MethodNotAllowed(allowed=allowed):
            return Reply(405, content_type="", headers=(("allow", ", ".join(allowed)),))
        case Refusal(status=status):
            return Reply(status, content_type="")
        case _:
            return Reply(500, content_type="")
