"""The ASGI application of Neopay's dialect: its routes, and who may use them."""

from __future__ import annotations

from guichet.dialects.limits import CallerHandler, Identify, limited
from guichet.dialects.neopay.auth import authenticate, authenticate_application
from guichet.dialects.neopay.customers import Customers
from guichet.dialects.neopay.errors import error_reply, failure
from guichet.dialects.neopay.institutions import Institutions
from guichet.dialects.neopay.links import Links
from guichet.dialects.neopay.payments import Payments
from guichet.gateway import Gateway
from guichet.web.asgi import Application, Router, always
from guichet.web.proxies import TrustedProxies


def build_app(gateway: Gateway) -> Application:
    """The application; it serves full paths, ``/api/…``."""
    return Application(
        build_routes(gateway),
        error_reply,
        body_limit_bytes=gateway.settings.body_limit_bytes,
        proxies=TrustedProxies(gateway.settings.trusted_proxies),
        body_timeout_seconds=gateway.settings.body_timeout_seconds,
    )


def build_routes(gateway: Gateway) -> Router:
    """The routes; the OpenAPI document (``openapi``) has an operation for each, a test says."""
    router = Router()

    def serve(
        methods: str,
        path: str,
        handler: CallerHandler,
        identify: Identify = authenticate,
    ) -> None:
        for method in methods.split():
            router.add(method, path, limited(gateway, identify, handler, path))

    payments, customers, institutions = Payments(gateway), Customers(gateway), Institutions(gateway)
    serve("GET", "/api/payments", payments.list)
    serve("POST", "/api/payments", payments.create)
    serve("GET", "/api/payments/{id}", payments.show)
    serve("GET", "/api/customers", customers.list)
    serve("POST", "/api/customers", customers.save)
    serve("PATCH PUT", "/api/customers", customers.update_named)
    serve("GET", "/api/customers/{id}", customers.show)
    serve("PATCH PUT", "/api/customers/{id}", customers.update)
    links = Links(gateway)
    serve("GET", "/api/links", links.list)
    serve("POST", "/api/links", links.create)
    serve("GET", "/api/links/{id}", links.show)
    serve("PATCH PUT", "/api/links/{id}", links.update)
    serve("DELETE", "/api/links/{id}", links.delete)
    serve("PATCH POST PUT", "/api/links/{id}/publish", links.publish)
    serve("PATCH POST PUT", "/api/links/{id}/unpublish", links.unpublish)
    serve("PATCH POST PUT", "/api/links/{id}/close", links.close)
    serve("GET", "/api/institutions", institutions.list, authenticate_application)
    serve("GET", "/api/institutions/{id}", institutions.show, authenticate_application)
    return router


#: What is answered while there is no gateway yet.
unavailable = always(
    failure(503, "Service Unavailable", [("Cache-Control", "no-store"), ("Retry-After", "1")])
)
