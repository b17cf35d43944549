"""The ASGI application of Notch Pay's dialect: its routes, and who may use them (contract 2)."""

from __future__ import annotations

from collections.abc import Callable

from guichet.dialects.limits import CallerHandler, Identify, limited
from guichet.dialects.notchpay.auth import (
    KEY_HEADERS,
    authenticate,
    granted,
    granted_for_webhooks,
    granted_to_send,
    granted_where_live,
)
from guichet.dialects.notchpay.beneficiaries import Beneficiaries
from guichet.dialects.notchpay.bulk_transfers import BulkTransfers
from guichet.dialects.notchpay.cors import Cors
from guichet.dialects.notchpay.customers import Customers
from guichet.dialects.notchpay.endpoints import Endpoints
from guichet.dialects.notchpay.errors import error_reply, failure
from guichet.dialects.notchpay.legacy import Legacy
from guichet.dialects.notchpay.payments import Payments
from guichet.dialects.notchpay.reference import Reference
from guichet.dialects.notchpay.refunds import Refunds
from guichet.dialects.notchpay.transfers import Transfers
from guichet.gateway import Gateway
from guichet.web.asgi import (
    Application,
    Asgi,
    Router,
    Scope,
    always,
)
from guichet.web.proxies import TrustedProxies

Serve = Callable[[str, str, CallerHandler, Identify], None]

#: The first segments of the paths that are this dialect's, whoever asks.
SEGMENTS = frozenset(
    {
        "payments",
        "customers",
        "channels",
        "countries",
        "currencies",
        "transfers",
        "beneficiaries",
        "recipients",
        "webhooks",
        "balance",
        "refunds",
        "checkout",
        "verify",
    }
)
_KEY_HEADERS = frozenset(name.encode() for name in KEY_HEADERS)


def is_client(scope: Scope) -> bool:
    """Whether a client of an API asks, and not a browser that wants a page."""
    for name, value in scope["headers"]:
        if name in _KEY_HEADERS or name == b"access-control-request-method":
            return True
        if name == b"accept" and value.strip().lower().startswith(b"application/json"):
            return True
    return False


def build_app(gateway: Gateway) -> Asgi:
    """The application; it serves full paths from the root."""
    return Cors(
        Application(
            build_routes(gateway),
            error_reply,
            body_limit_bytes=gateway.settings.body_limit_bytes,
            proxies=TrustedProxies(gateway.settings.trusted_proxies),
            body_timeout_seconds=gateway.settings.body_timeout_seconds,
        ),
        gateway.settings.browser_origins,
    )


def build_routes(gateway: Gateway) -> Router:
    """The routes; the OpenAPI document (``openapi``) has an operation for each, a test says."""
    router = Router()

    def serve(methods: str, path: str, handler: CallerHandler, identify: Identify) -> None:
        for method in methods.split():
            router.add(method, path, limited(gateway, identify, handler, path))

    payments = Payments(gateway)
    _add_payments(serve, payments)
    _add_legacy(serve, payments, Legacy(gateway, payments))
    _add_customers(serve, Customers(gateway))
    _add_webhooks(serve, Endpoints(gateway))
    _add_bulk_transfers(serve, BulkTransfers(gateway))
    _add_money_out(serve, Transfers(gateway), Beneficiaries(gateway), Refunds(gateway))
    reference = Reference(gateway)
    serve("GET", "/", reference.greet, authenticate)
    serve("GET", "/channels", reference.channels, authenticate)
    serve("GET", "/countries", reference.countries, authenticate)
    serve("GET", "/currencies", reference.currencies, authenticate)
    return router


def _add_payments(serve: Serve, payments: Payments) -> None:
    serve("GET", "/payments", payments.list, granted_where_live)
    serve("GET", "/payments/search", payments.list, granted_where_live)
    serve("POST", "/payments", payments.create, authenticate)
    serve("POST", "/payments/initialize", payments.create, authenticate)
    serve("GET", "/payments/{reference}", payments.show, authenticate)
    serve("PUT POST", "/payments/{reference}", payments.process, authenticate)
    serve("DELETE", "/payments/{reference}", payments.cancel, authenticate)


def _add_legacy(serve: Serve, payments: Payments, legacy: Legacy) -> None:
    serve("POST", "/checkout/initialize", legacy.create, authenticate)
    serve("GET", "/checkout/{reference}", payments.show, authenticate)
    serve("POST", "/checkout/{reference}", legacy.process, authenticate)
    serve("PUT DELETE", "/checkout/{reference}", payments.cancel, authenticate)
    serve("GET", "/verify/{reference}", legacy.verify, authenticate)


def _add_customers(serve: Serve, customers: Customers) -> None:
    serve("GET", "/customers", customers.list, granted_where_live)
    serve("POST", "/customers", customers.create, granted_where_live)
    serve("GET", "/customers/{id}", customers.show, granted_where_live)
    serve("POST PUT PATCH", "/customers/{id}", customers.update, granted_where_live)
    serve("DELETE", "/customers/{id}", customers.delete, granted_where_live)
    serve("GET", "/customers/{id}/payment_methods", customers.methods, granted_where_live)
    serve("GET", "/customers/{id}/payments", customers.payments, granted_where_live)
    serve("POST PUT PATCH", "/customers/{id}/block", customers.block, granted_where_live)
    serve("POST PUT PATCH", "/customers/{id}/unblock", customers.unblock, granted_where_live)


def _add_webhooks(serve: Serve, endpoints: Endpoints) -> None:
    serve("GET", "/webhooks", endpoints.list, granted_for_webhooks)
    serve("POST", "/webhooks", endpoints.create, granted_for_webhooks)
    serve("GET", "/webhooks/{id}", endpoints.show, granted_for_webhooks)
    serve("PUT PATCH POST", "/webhooks/{id}", endpoints.update, granted_for_webhooks)
    serve("DELETE", "/webhooks/{id}", endpoints.delete, granted_for_webhooks)


def _add_money_out(
    serve: Serve, transfers: Transfers, beneficiaries: Beneficiaries, refunds: Refunds
) -> None:
    serve("GET", "/balance", transfers.balance, granted)
    serve("GET", "/transfers", transfers.list, granted)
    for path in ("/transfers", "/transfers/initialize", "/transfers/direct"):
        serve("POST", path, transfers.create, granted_to_send)
    serve("GET", "/transfers/{reference}", transfers.show, granted)
    serve("DELETE", "/transfers/{reference}", transfers.cancel, granted_to_send)
    for path in ("/beneficiaries", "/recipients"):
        serve("GET", path, beneficiaries.list, granted)
        serve("POST", path, beneficiaries.create, granted)
        serve("GET", f"{path}/{{id}}", beneficiaries.show, granted)
        serve("PUT", f"{path}/{{id}}", beneficiaries.update, granted)
        serve("DELETE", f"{path}/{{id}}", beneficiaries.delete, granted)
    serve("GET", "/refunds", refunds.list, granted)
    serve("POST", "/refunds", refunds.create, granted)
    serve("GET", "/refunds/{id}", refunds.show, granted)


def _add_bulk_transfers(serve: Serve, bulk_transfers: BulkTransfers) -> None:
    serve("GET", "/transfers/bulk", bulk_transfers.list, granted)
    serve("POST", "/transfers/bulk", bulk_transfers.create, granted_to_send)
    serve("GET", "/transfers/bulk/{id}", bulk_transfers.show, granted)
    serve("POST", "/transfers/bulk/{id}/resume", bulk_transfers.resume, granted_to_send)


#: What is answered while there is no gateway yet.
unavailable: Asgi = Cors(
    always(
        failure(
            503,
            "Service Unavailable",
            headers=[("Cache-Control", "no-store"), ("Retry-After", "1")],
        )
    )
)
