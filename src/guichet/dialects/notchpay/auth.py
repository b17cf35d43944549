"""Who is calling: the key in ``Authorization``, and the private key as the grant (contract 4)."""

from __future__ import annotations

from collections.abc import Mapping

from guichet.dialects.notchpay.options import WireOption, has_option, keep_options
from guichet.dialects.origins import origin_host
from guichet.domain.access import Application, Caller, Environment, KeyRole
from guichet.domain.errors import Forbidden, Unauthenticated
from guichet.gateway import Gateway
from guichet.services.access import check_origin, check_transfer_origin, identify_by_key
from guichet.web.asgi import Request

_KEY_HEADERS = ("authorization", "n-authorization")
_GRANT_HEADERS = ("authorization", "x-grant", "grant-authorization", "x-auth")
#: Every header that clients put a key into.
KEY_HEADERS = (*_KEY_HEADERS, *_GRANT_HEADERS[1:])


class KeyMissing(Unauthenticated):
    """No key was shown."""


class GrantMissing(Forbidden):
    """The private key was not shown."""


class GrantWrong(Forbidden):
    """What was shown as the private key is not this account's."""


def authenticate(gateway: Gateway, request: Request) -> Caller:
    """The owner of the key in ``Authorization``; ``role`` SECRET if the private key was shown.

    Grant headers are looked at by ``granted`` alone: clients send nonsense in them. Raises
    ``KeyMissing``, ``Unauthenticated`` and ``Forbidden`` (address, domain).
    """
    key = next((key for name in _KEY_HEADERS if (key := _key(request, name))), None)
    if key is None:
        raise KeyMissing
    caller = identify_by_key(gateway, key, "notchpay")
    keep_options(request, caller)
    check_origin(caller, request.client_address, origin_host(request))
    return caller


def granted(gateway: Gateway, request: Request) -> Caller:
    """The caller, who has shown the account's private key in any of the four headers.

    Raises ``GrantMissing`` and ``GrantWrong`` besides what ``authenticate`` does.
    """
    caller = authenticate(gateway, request)
    if caller.role is KeyRole.SECRET:
        return caller
    shown = [key for name in _GRANT_HEADERS[1:] if (key := _key(request, name))]
    for key in shown:
        try:
            other = identify_by_key(gateway, key, "notchpay")
        except Unauthenticated:
            continue
        if other.role is KeyRole.SECRET and other.application.id == caller.application.id:
            return other
    raise GrantWrong if shown else GrantMissing


def granted_to_send(gateway: Gateway, request: Request) -> Caller:
    """As ``granted``, from an address that the application sends money from."""
    caller = granted(gateway, request)
    check_transfer_origin(caller, request.client_address)
    return caller


def granted_where_live(gateway: Gateway, request: Request) -> Caller:
    """For lists and customers: the public key is enough in sandbox; live asks for the private
    one, unless the application says otherwise (ruling 9).
    """
    caller = authenticate(gateway, request)
    application = caller.application
    if application.environment is Environment.SANDBOX or application.public_key_reads:
        return caller
    return granted(gateway, request)


def granted_for_webhooks(gateway: Gateway, request: Request) -> Caller:
    """For webhook endpoints: as ``granted_where_live``, or always where the application chose so
    (contract 4.3).
    """
    caller = granted_where_live(gateway, request)
    if has_option(request, WireOption.WEBHOOKS_NEED_GRANT):
        return granted(gateway, request)
    return caller


def claimed_application(gateway: Gateway, headers: Mapping[bytes, bytes]) -> Application | None:
    """Whose the key in a request's raw headers is; whether it may be used is another question.

    Raises ``Unavailable`` as every look at a key does.
    """
    for name in _KEY_HEADERS:
        key = _bare(headers.get(name.encode(), b"").decode("latin-1"))
        found = gateway.access.key(key) if key else None
        if found is not None:
            return gateway.access.application(found[0])
    return None


def speaks_v1(request: Request) -> bool:
    """Whether the client is of the first generation, which expects other words (1, row 10)."""
    return "grant-authorization" in request.headers


def _key(request: Request, header: str) -> str | None:
    """The header's key; None if there is none."""
    return _bare(request.headers.get(header, "")) or None


def _bare(value: str) -> str:
    """A key, documented bare; ``Bearer`` before it is accepted in any case."""
    value = value.strip()
    scheme, _, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else value
