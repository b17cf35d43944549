"""``/api/institutions``: the banks that an application can use (contract section 4)."""

from __future__ import annotations

from functools import cache
from typing import Any

from babel import Locale
from msgspec import json

from guichet.domain.access import Caller
from guichet.domain.errors import NotFound
from guichet.domain.institutions import Institution
from guichet.gateway import Gateway
from guichet.services.institutions import find_institution, list_institutions
from guichet.web.asgi import Reply, Request


class Institutions:
    """The handlers of institutions."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    async def list(self, request: Request, caller: Caller) -> Reply:
        """GET /api/institutions; filters ``country`` and ``search`` are ours."""
        found = list_institutions(
            self._gateway, caller, request.query_value("country"), request.query_value("search")
        )
        return Reply(200, json.encode({"data": [_resource(each) for each in found]}))

    async def show(self, request: Request, caller: Caller) -> Reply:
        """GET /api/institutions/{id}, by number or code (ours)."""
        key = request.parameters["id"]
        found = find_institution(self._gateway, caller.application.environment, key)
        if found is None:
            raise NotFound("institution", key)
        return Reply(200, json.encode({"data": _resource(found)}))


def _resource(institution: Institution) -> dict[str, Any]:
    return {
        "id": institution.id,
        "code": institution.code,
        "name": institution.name,
        "medias": {"logo": institution.logo_url, "icon": institution.icon_url},
        "environment": institution.environment.upper(),
        "available_countries": [
            {"displayName": _country_name(code), "countryCode2": code}
            for code in institution.countries
        ],
        "instant_payment_enabled": institution.instant_payments,
        "bulk_payment_enabled": institution.bulk_payments,
    }


@cache
def _country_name(code: str) -> str:
    name: str = Locale("en").territories.get(code, code)
    return name
