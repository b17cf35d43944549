"""What the pages of a payment link show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from guichet.domain.access import Environment
from guichet.domain.institutions import Institution
from guichet.domain.payments import Payment
from guichet.gateway import Gateway
from guichet.pages.amounts import example_amount, write_amount
from guichet.pages.banks import BankChoice, all_countries, choose_banks, likely_country
from guichet.pages.language import Speech, negotiate, show_account, show_moment, show_money
from guichet.pages.link_form import FIELDS, Entry, asked_of, is_optional
from guichet.pages.looks import look_of
from guichet.pages.render import Renderer
from guichet.services.link_payments import LinkView
from guichet.services.links import link_url
from guichet.web.asgi import Reply, Request
from guichet.web.qr_codes import qr_svg_data_uri

#: Why a link takes no payments, as HTTP says it; a draft is not there for strangers.
_STATUS_OF_STATE = {"draft": 404, "unavailable": 503}
_GONE = 410


class LinkViews:
    """Renders the pages of links, over one gateway."""

    def __init__(self, gateway: Gateway, renderer: Renderer) -> None:
        self._gateway = gateway
        self._renderer = renderer

    def path(self, view: LinkView) -> str:
        """The address of the link's page, without host."""
        return f"{self._renderer.root}/links/{view.link.slug}"

    def form(
        self,
        request: Request,
        view: LinkView,
        values: Mapping[str, Any],
        problems: Mapping[str, str] | None = None,
        *,
        former_path: str | None = None,
    ) -> Reply:
        """The offer beside the form, filled with ``values``; ``problems`` are rules by field."""
        speech, link = speech_of(request), view.link
        typed = dict.fromkeys(FIELDS, "") | {
            name: text for name, text in values.items() if isinstance(text, str)
        }
        if "country" not in values:
            typed["country"] = speech.locale.territory or view.payee.country
        if typed.get("rail") not in view.rails:
            typed["rail"] = view.rails[0]
        return self._page(
            request,
            view,
            422 if problems else 200,
            "link",
            account=show_account(view.payee.account),
            asked=asked_of(self._gateway, view),
            choice=self._choice(view, typed, speech),
            countries=all_countries(speech.locale),
            example=example_amount(link.currency, speech.locale),
            expires_at=show_moment(link.expires_at, speech.locale) if link.expires_at else None,
            former_path=former_path,
            is_optional=is_optional,
            payee=view.payee,
            problems=problems or {},
            rails=view.rails,
            values=typed,
        )

    def banks(self, request: Request, view: LinkView, values: Mapping[str, str]) -> Reply:
        """The list of banks alone."""
        speech = speech_of(request)
        choice = self._choice(view, values, speech)
        return self._renderer.page_in(speech, 200, "banks", choice=choice, values=values)

    def review(self, request: Request, view: LinkView, entry: Entry) -> Reply:
        """What was understood of an amount that the payer typed, before anything is paid."""
        speech, payment = speech_of(request), entry.payment
        amount = payment.amount
        assert amount is not None  # that is why there is a review
        bank = None
        if payment.rail in self._bank_rails(view) and payment.institution_key:
            bank = self._gateway.institutions.find(view.link.environment, payment.institution_key)
        understood = {
            "amount": write_amount(amount, speech.locale),
            "understood": str(amount.minor),
        }
        return self._page(
            request,
            view,
            200,
            "link_review",
            bank=bank,
            currency=amount.currency,
            money_text=show_money(amount, speech.locale),
            payee=view.payee,
            rail=payment.rail,
            values={**entry.values, **understood},
        )

    def resume(
        self, request: Request, view: LinkView, payment: Payment, path: str, *, is_paid: bool
    ) -> Reply:
        """The payment at ``path`` that this browser began here, before it makes another one."""
        return self._page(
            request,
            view,
            200,
            "link_resume",
            is_open=view.state == "open" and bool(view.rails),
            is_paid=is_paid,
            money_text=show_money(payment.money, speech_of(request).locale),
            payment=payment,
            payment_path=path,
        )

    def not_open(
        self, request: Request, view: LinkView, state: str, former_path: str | None = None
    ) -> Reply:
        """Why nothing can be paid here; ``open``: no service can be reached."""
        state = "unavailable" if state == "open" else state
        status = _STATUS_OF_STATE.get(state, _GONE)
        return self._page(
            request, view, status, "link_closed", state=state, former_path=former_path
        )

    def poster(self, request: Request, view: LinkView) -> Reply:
        """A sheet to be printed, with the code of the page's address."""
        url = link_url(self._gateway, view.link)
        return self._page(request, view, 200, "poster", qr_picture=qr_svg_data_uri(url), url=url)

    def _page(
        self, request: Request, view: LinkView, status: int, template: str, **values: Any
    ) -> Reply:
        speech = speech_of(request)
        link, look = view.link, look_of(view.link)
        return self._renderer.page_in(
            speech,
            status,
            template,
            amount_text=show_money(link.money, speech.locale) if link.money else None,
            brand=view.application.name,
            link=link,
            logo=look.logo,
            merchant=view.application.name,
            path=self.path(view),
            sandbox=link.environment == Environment.SANDBOX,
            theme=look.theme,
            **values,
        )

    def _choice(
        self, view: LinkView, values: Mapping[str, str], speech: Speech
    ) -> BankChoice | None:
        """The list of banks; None where no way of paying asks for one."""
        rails = self._bank_rails(view)
        if not rails:
            return None
        environment = view.link.environment
        offered: list[Institution] = [
            bank for bank in self._gateway.institutions.offered(environment) if bank.rail in rails
        ]
        country = values.get("bank_country")
        if country is None:
            country = likely_country(offered, speech.locale.territory, view.payee.country)
        return choose_banks(offered, country, values.get("search", ""), speech.locale)

    def _bank_rails(self, view: LinkView) -> list[str]:
        rails, environment = self._gateway.rails, view.link.environment
        return [
            name for name in view.rails if not rails.get(name, environment).card.begins_at_creation
        ]


def speech_of(request: Request) -> Speech:
    """The language and the forms that the browser asks for."""
    return negotiate(request.headers.get("accept-language", ""))
