"""The fields of a request for a payment link, read on top of the link as it is (contract 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from guichet.dialects import validation
from guichet.dialects.neopay import link_rules
from guichet.dialects.neopay.statuses import RAIL_OF_SERVICE
from guichet.dialects.validation import Field, Form, Need, Values
from guichet.domain.access import Application, Environment
from guichet.domain.links import Link
from guichet.domain.money import is_currency, parse_money
from guichet.gateway import Gateway
from guichet.outbound.policy import ANYWHERE, PUBLIC_ONLY
from guichet.services.offers import offered_rail, offered_rails

PRODUCT_MAX = 50
DESCRIPTION_MAX = 150
REFERENCE_MAX = 18
_DEFAULT_THEME = {"selected": "blue"}
CUSTOMER_DATA = ("name", "name_phone", "full_customer")
_FLAGS = ("expirationDate", "showPayeeData", "requestCustomerData")
_INVALID = "The selected {} is invalid."


class LinkFields:
    """What a request asks for. ``link`` is the link as it is, whose values stand where the request
    has none; None: a new one.
    """

    def __init__(
        self,
        gateway: Gateway,
        application: Application,
        body: Mapping[str, Any],
        link: Link | None,
        now: datetime,
    ) -> None:
        self._gateway = gateway
        self._application = application
        self._body = body
        self._link = link
        self._now = now
        self._known_currency = link.currency if link else application.currency

    def check(self) -> dict[str, Any]:
        """The columns of the link that an application may write, all of them; raises
        ``ValidationFailed`` with everything that is wrong.
        """
        body = dict(self._body)
        if body.get("currency") in (None, ""):
            body["currency"] = self._known_currency
        values = self._form().check(body)
        flags = {name: self._flag(values, name) for name in _FLAGS}
        currency = values["currency"]
        return {
            "product": self._kept("product", values),
            "description": self._kept("description", values),
            "reference": self._either(values, "reference", "communication", "reference"),
            "amount_minor": self._amount_minor(values),
            "currency": currency,
            "rails": self._rails(values, currency),
            "customer_data": self._customer_data(values) if flags["requestCustomerData"] else None,
            "shows_payee": flags["showPayeeData"],
            "expires_at": self._expires_at(values) if flags["expirationDate"] else None,
            "payments_limit": self._payments_limit(values),
            "success_url": self._return_url("success_url", values),
            "error_url": self._return_url("error_url", values),
            "notify_url": self._kept("callback_url", values, "notify_url"),
            "enabled": self._enabled(values),
            "settings": {**flags, "theme": self._theme(values)},
        }

    def _form(self) -> Form:
        policy = PUBLIC_ONLY if self._application.environment is Environment.LIVE else ANYWHERE
        address = validation.url_under(policy)
        known_expiry = self._link.expires_at if self._link else None
        moment = self._if_flag("expirationDate", link_rules.moment_after(self._now, known_expiry))
        return Form(
            Field("application_id", (self._own_application,)),
            Field("product", (validation.text_to(PRODUCT_MAX),), self._need("product")),
            Field("amount", (self._amount_rule,), self._amount_need),
            Field("amount_type", (validation.one_of("fixed", "flexible"),)),
            Field("currency", (validation.currency, self._collected)),
            Field("description", (validation.text_to(DESCRIPTION_MAX),)),
            Field("reference", (validation.text_to(REFERENCE_MAX),)),
            Field("communication", (validation.text_to(REFERENCE_MAX),)),
            Field("expired_at", (moment,), self._expiry_need),
            Field("expires_at", (moment,)),
            Field("request_customer_data", (self._customer_data_rule,)),
            Field("settings", (validation.array,)),
            *(Field(f"settings.{name}", (link_rules.boolean,)) for name in _FLAGS),
            Field("settings.theme", (validation.array,)),
            Field("settings.theme.selected", (link_rules.scalar,)),
            Field("settings.theme.logo", (link_rules.logo,)),
            Field("settings.theme.logoType", (link_rules.scalar,)),
            Field("services", (self._services_rule,)),
            Field("redirection_type", (validation.one_of("default", "custom"),)),
            Field("success_url", (address,), self._return_need("success_url")),
            Field("error_url", (address,), self._return_need("error_url")),
            Field("callback_url", (address,)),
            Field("payments_limit", (link_rules.count,)),
            Field("enabled", (link_rules.boolean,)),
            Field("subscription", (link_rules.false,)),
        )

    # --- what is sent, and what was before ---------------------------------------------------

    def _kept(self, name: str, values: Values, column: str | None = None) -> Any:
        """The value sent, null included; else the link's."""
        if name in self._body or self._link is None:
            return values[name]
        return getattr(self._link, column or name)

    def _either(self, values: Values, first: str, second: str, column: str) -> Any:
        """The value of a field with two names."""
        if self._link is None or first in self._body or second in self._body:
            return values[first] or values[second]
        return getattr(self._link, column)

    def _settings(self) -> Mapping[str, Any]:
        return self._link.settings if self._link else {}

    def _flag(self, values: Values, name: str) -> bool:
        sent = link_rules.parse_boolean(values[f"settings.{name}"])
        return bool(self._settings().get(name)) if sent is None else sent

    def _need(self, name: str) -> Need:
        """Needed for a new link; an old one may not lose it."""

        def need(values: Values) -> str | None:
            wanted = self._link is None or name in self._body
            return validation.required(values) if wanted else None

        return need

    def _if_flag(self, flag: str, rule: validation.Rule) -> validation.Rule:
        """The rule where the flag is set; else the value is not read."""
        return lambda value, values: rule(value, values) if self._flag(values, flag) else None

    def _own_application(self, value: Any, _: Values) -> str | None:
        sent = validation.parse_uuid(value)
        return None if sent == self._application.id else _INVALID

    # --- amount and currency -----------------------------------------------------------------

    def _is_flexible(self, values: Values) -> bool:
        if values["amount_type"] is not None:
            return bool(values["amount_type"] == "flexible")
        return self._link is not None and self._link.amount_minor is None

    def _amount_rule(self, value: Any, values: Values) -> str | None:
        if self._is_flexible(values):
            return "The {} field is prohibited when amount type is flexible."
        return validation.amount_in("currency")(value, values)

    def _amount_need(self, values: Values) -> str | None:
        if self._is_flexible(values):
            return None
        if self._link is None or "amount" in self._body or self._link.amount_minor is None:
            return validation.required(values)
        code = values["currency"]
        if code != self._link.currency and isinstance(code, str) and is_currency(code):
            return "The {} field is required when currency changes."
        return None

    def _amount_minor(self, values: Values) -> int | None:
        if self._is_flexible(values):
            return None
        if values["amount"] is None:
            assert self._link is not None  # the need says so
            return self._link.amount_minor
        return parse_money(values["amount"], values["currency"]).minor

    def _collected(self, value: Any, values: Values) -> str | None:
        rails = self._rails(values, value)
        offered = [offered_rail(self._gateway, self._application, name) for name in rails]
        known = [rail for rail in offered if rail is not None]
        if known and not any(value in rail.card.currencies for rail in known):
            return _INVALID
        return None

    # --- services ----------------------------------------------------------------------------

    def _services_rule(self, value: Any, _: Values) -> str | None:
        if not isinstance(value, list):
            return "The {} field must be an array."
        if not value:
            return "The {} field must have at least 1 items."
        for word in value:
            rail = RAIL_OF_SERVICE.get(word) if isinstance(word, str) else None
            if rail is None or offered_rail(self._gateway, self._application, rail) is None:
                return _INVALID
        return None

    def _rails(self, values: Values, currency: str) -> tuple[str, ...]:
        """The rails of the services sent; of a new link all that collect its currency."""
        sent = values["services"]
        if isinstance(sent, list):
            words = [word for word in sent if isinstance(word, str)]
            return tuple(dict.fromkeys(RAIL_OF_SERVICE[w] for w in words if w in RAIL_OF_SERVICE))
        if self._link is not None:
            return self._link.rails
        rails = []
        for name in offered_rails(self._gateway, self._application):
            rail = offered_rail(self._gateway, self._application, name)
            if name in RAIL_OF_SERVICE.values() and rail and currency in rail.card.currencies:
                rails.append(name)
        return tuple(rails or RAIL_OF_SERVICE.values())

    # --- the rest ----------------------------------------------------------------------------

    def _expiry_need(self, values: Values) -> str | None:
        known = self._link is not None and self._link.expires_at is not None
        sent = "expired_at" in self._body or "expires_at" in self._body
        if not self._flag(values, "expirationDate") or values["expires_at"] is not None:
            return None
        if known and not sent:
            return None
        return "The {} field is required when settings.expiration date is true."

    def _expires_at(self, values: Values) -> datetime | None:
        sent = link_rules.parse_moment(values["expired_at"] or values["expires_at"])
        return sent or (self._link.expires_at if self._link else None)

    def _customer_data_rule(self, value: Any, values: Values) -> str | None:
        if not self._flag(values, "requestCustomerData"):
            return None
        known = value in CUSTOMER_DATA or link_rules.parse_boolean(value) is not None
        return None if known else _INVALID

    def _customer_data(self, values: Values) -> str | None:
        if "request_customer_data" not in self._body and self._link is not None:
            return self._link.customer_data
        sent = values["request_customer_data"]
        if sent in CUSTOMER_DATA:
            return str(sent)
        return "full_customer" if link_rules.parse_boolean(sent) else None

    def _payments_limit(self, values: Values) -> int | None:
        if "payments_limit" in self._body or self._link is None:
            return link_rules.parse_count(values["payments_limit"])
        return self._link.payments_limit

    def _enabled(self, values: Values) -> bool:
        sent = link_rules.parse_boolean(values["enabled"])
        return (self._link.enabled if self._link else True) if sent is None else sent

    def _is_custom(self, values: Values) -> bool:
        if values["redirection_type"] is not None:
            return bool(values["redirection_type"] == "custom")
        if values["success_url"] is not None or values["error_url"] is not None:
            return True
        return self._link is not None and self._link.success_url is not None

    def _return_need(self, name: str) -> Need:
        def need(values: Values) -> str | None:
            known = self._link is not None and getattr(self._link, name) is not None
            if not self._is_custom(values) or (known and name not in self._body):
                return None
            return "The {} field is required when redirection type is custom."

        return need

    def _return_url(self, name: str, values: Values) -> Any:
        return self._kept(name, values) if self._is_custom(values) else None

    def _theme(self, values: Values) -> dict[str, Any]:
        """The theme with what was sent of it, null taking a logo away."""
        theme = dict(self._settings().get("theme") or _DEFAULT_THEME)
        settings = self._body.get("settings")
        sent = settings.get("theme") if isinstance(settings, dict) else None
        for name in ("selected", "logo", "logoType"):
            if not isinstance(sent, dict) or name not in sent:
                continue
            value = link_rules.plain(values[f"settings.theme.{name}"])
            if value is not None:
                theme[name] = value
            elif name == "selected":
                theme |= _DEFAULT_THEME
            else:
                theme.pop(name, None)
        return theme
