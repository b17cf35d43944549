"""Who is calling: ``x-app-key`` names the application, the bare ``Authorization`` proves it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from guichet.dialects.origins import origin_host
from guichet.domain.access import Application, Caller
from guichet.domain.errors import Unauthenticated
from guichet.gateway import Gateway
from guichet.services.access import check_origin, identify, identify_application
from guichet.web.asgi import Request


def authenticate(gateway: Gateway, request: Request) -> Caller:
    """The caller of a request with both credentials; ``Unauthenticated``, ``Forbidden``."""
    key, token = _application_key(request), _token(request)
    return _checked(identify(gateway, key, token), request)


def authenticate_application(gateway: Gateway, request: Request) -> Caller:
    """The caller of a request that needs only ``x-app-key``; errors as ``authenticate``."""
    return _checked(identify_application(gateway, _application_key(request)), request)


def claimed_application(gateway: Gateway, headers: Mapping[bytes, bytes]) -> Application | None:
    """Whose a request says it is, by its raw headers: nothing is proved by that."""
    try:
        return gateway.access.application(UUID(headers.get(b"x-app-key", b"").decode("latin-1")))
    except ValueError:
        return None


def _checked(caller: Caller, request: Request) -> Caller:
    application = caller.application
    if application.dialect != "neopay":
        raise Unauthenticated
    if application.allowed_addresses or application.allowed_domains:
        check_origin(caller, request.client_address, origin_host(request))
    return caller


def _application_key(request: Request) -> str | None:
    return request.headers.get("x-app-key", "").strip() or None


def _token(request: Request) -> str | None:
    """The token, documented bare; ``Bearer`` before it is accepted in any case."""
    value = request.headers.get("authorization", "").strip()
    scheme, blank, rest = value.partition(" ")
    if blank and scheme.lower() == "bearer":
        value = rest.strip()
    return value or None
