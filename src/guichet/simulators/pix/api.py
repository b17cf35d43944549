"""The API Pix 2.9.0 of a receiver's PSP: charges, Pix received, returns, webhooks.

``/oauth/token`` gives tokens; everything else stands under ``/v2``.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from guichet.simulators.common.faults import Fault, Faults, faulty
from guichet.simulators.common.wire import Refusal, decode, encode

from . import checks
from .book import RETURN_WINDOW, Book
from .lists import Query
from .problems import Problem, Violation, problem_response
from .records import ACTIVE, Charge, Payment, Receiver
from .tokens import Tokens
from .wire import Writer, payment_json, return_json, webhook_json

OPERATIONS = (
    "token",
    "put_cob",
    "post_cob",
    "get_cob",
    "patch_cob",
    "list_cob",
    "get_pix",
    "list_pix",
    "put_devolucao",
    "get_devolucao",
    "put_webhook",
    "get_webhook",
    "list_webhook",
    "delete_webhook",
    "webhook",
)

Handler = Callable[[Receiver, Request, bytes], Response]


class Api:
    """The operations of the API over one book."""

    def __init__(self, book: Book, faults: Faults, writer: Writer, tokens: Tokens) -> None:
        self._book = book
        self._faults = faults
        self._writer = writer
        self._tokens = tokens

    def routes(self) -> list[Route]:
        def route(method: str, path: str, name: str, scope: str, handler: Handler) -> Route:
            handle = self._handle(scope, handler)
            return Route(f"/v2{path}", self._endpoint(name, handle), methods=[method])

        one_return = "/pix/{e2eid}/devolucao/{id}"
        return [
            Route("/oauth/token", self._endpoint("token", self._token), methods=["POST"]),
            route("PUT", "/cob/{txid}", "put_cob", "cob.write", self._put_charge),
            route("GET", "/cob/{txid}", "get_cob", "cob.read", self._get_charge),
            route("PATCH", "/cob/{txid}", "patch_cob", "cob.write", self._patch_charge),
            route("POST", "/cob", "post_cob", "cob.write", self._post_charge),
            route("GET", "/cob", "list_cob", "cob.read", self._list_charges),
            route("GET", "/pix", "list_pix", "pix.read", self._list_payments),
            route("GET", "/pix/{e2eid}", "get_pix", "pix.read", self._get_payment),
            route("PUT", one_return, "put_devolucao", "pix.write", self._put_return),
            route("GET", one_return, "get_devolucao", "pix.read", self._get_return),
            route("PUT", "/webhook/{chave}", "put_webhook", "webhook.write", self._put_webhook),
            route("GET", "/webhook/{chave}", "get_webhook", "webhook.read", self._get_webhook),
            route("GET", "/webhook", "list_webhook", "webhook.read", self._list_webhooks),
            route(
                "DELETE",
                "/webhook/{chave}",
                "delete_webhook",
                "webhook.write",
                self._delete_webhook,
            ),
        ]

    def _endpoint(
        self, name: str, handle: Callable[[Request, bytes], tuple[Response, Fault | None]]
    ) -> Callable[[Request], Awaitable[Response]]:
        answer = faulty(name, self._faults, handle, _fail)

        async def endpoint(request: Request) -> Response:
            self._book.calls[name] += 1
            return await answer(request)

        return endpoint

    def _handle(
        self, scope: str, handler: Handler
    ) -> Callable[[Request, bytes], tuple[Response, Fault | None]]:
        def handle(request: Request, body: bytes) -> tuple[Response, Fault | None]:
            try:
                receiver = self._tokens.receiver_of(request, scope)
                return handler(receiver, request, body), None
            except Refusal as refusal:
                return problem_response(refusal), None

        return handle

    def _token(self, request: Request, body: bytes) -> tuple[Response, Fault | None]:
        return self._tokens.issue(request, body), None

    # Charges ------------------------------------------------------------------------------------

    def _put_charge(self, receiver: Receiver, request: Request, body: bytes) -> Response:
        txid = request.path_params["txid"]
        checks.check_txid(txid)
        asked = decode(body)
        charge = self._book.charge(receiver, txid)
        locations = len(self._book.charges)
        if charge is None:
            terms = checks.charge_terms(asked, receiver, None, locations)
            return self._made(201, self._book.open_charge(receiver, txid, terms))
        if self._book.habits.repeated_txid == "refuse":
            checks.refuse_used_txid(txid)
        terms = checks.charge_terms(asked, receiver, charge, locations)
        if charge.status != ACTIVE and terms != charge.terms:
            checks.refuse_not_active(charge)
        self._book.revise(charge, terms)
        return self._made(201, charge)

    def _post_charge(self, receiver: Receiver, _request: Request, body: bytes) -> Response:
        terms = checks.charge_terms(decode(body), receiver, None, len(self._book.charges))
        return self._made(201, self._book.open_charge(receiver, secrets.token_hex(16), terms))

    def _get_charge(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        charge = self._find_charge(receiver, request)
        text = request.query_params.get("revisao")
        if text is None:
            return _ok(self._complete(charge))
        if not (text.isascii() and text.isdigit() and int(text[:10]) <= charge.revision):
            violation = Violation(
                "O parâmetro revisao corresponde a uma revisão inexistente para a cobrança.",
                "revisao",
                text[:100],
            )
            message = "Os parâmetros de consulta não fazem sentido."
            raise Problem(400, "CobConsultaInvalida", message, [violation])
        return _ok(self._complete(charge, int(text)))

    def _patch_charge(self, receiver: Receiver, request: Request, body: bytes) -> Response:
        charge = self._find_charge(receiver, request)
        terms = checks.revised_terms(decode(body), receiver, charge, len(self._book.charges))
        if charge.status != ACTIVE:
            checks.refuse_not_active(charge)
        if terms is None:
            self._book.remove(charge)
        else:
            self._book.revise(charge, terms)
        return self._made(200, charge)

    def _list_charges(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        query = Query(request.query_params, "CobConsultaInvalida")
        person = query.person()
        status = query.text("status", ".*")
        with_location = query.flag("locationPresente")
        query.enforce()
        found = [
            each
            for each in self._book.charges_of(receiver)
            if query.start <= each.created_at <= query.end
            and person.items() <= each.terms.get("devedor", {}).items()
            and status in {None, each.status}
            and with_location is not False
        ]
        filters = person | _given(status=status, locationPresente=with_location)
        page = [self._complete(each) for each in query.slice(found)]
        return _ok({"parametros": query.as_json(len(found), filters), "cobs": page})

    def _find_charge(self, receiver: Receiver, request: Request) -> Charge:
        charge = self._book.charge(receiver, request.path_params["txid"])
        if charge is None:
            raise Problem(404, "CobNaoEncontrado", "Cobrança não encontrada para o txid informado.")
        return charge

    def _made(self, status: int, charge: Charge) -> Response:
        copy_and_paste = self._book.habits.copy_and_paste
        return _ok(self._writer.made(charge, copy_and_paste=copy_and_paste), status)

    def _complete(self, charge: Charge, revision: int | None = None) -> dict[str, Any]:
        copy_and_paste = self._book.habits.copy_and_paste
        return self._writer.complete(charge, copy_and_paste=copy_and_paste, revision=revision)

    # Pix received and returned ------------------------------------------------------------------

    def _list_payments(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        query = Query(request.query_params, "PixConsultaInvalida")
        person = query.person()
        txid = query.text("txid", "[a-zA-Z0-9]{1,35}")
        with_txid = query.flag("txIdPresente")
        with_return = query.flag("devolucaoPresente")
        query.enforce()
        cpf = person.get("cpf")
        found = [
            each
            for each in self._book.payments_of(receiver)
            if query.start <= each.paid_at <= query.end
            and txid in {None, each.txid}
            and with_txid in {None, each.txid is not None}
            and with_return in {None, bool(each.returns)}
            and cpf in {None, each.payer.cpf}
            and "cnpj" not in person
        ]
        filters = person | _given(txid=txid, txIdPresente=with_txid, devolucaoPresente=with_return)
        page = [payment_json(each) for each in query.slice(found)]
        return _ok({"parametros": query.as_json(len(found), filters), "pix": page})

    def _get_payment(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        return _ok(payment_json(self._find_payment(receiver, request)))

    def _put_return(self, receiver: Receiver, request: Request, body: bytes) -> Response:
        payment = self._find_payment(receiver, request)
        return_id = request.path_params["id"]
        too_late = self._book.now() - payment.paid_at > RETURN_WINDOW
        amount, description = checks.check_return(payment, return_id, decode(body), too_late)
        found = self._book.request_return(payment, return_id, amount, description)
        return _ok(return_json(found), 201)

    def _get_return(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        payment = self._find_payment(receiver, request, "PixDevolucaoNaoEncontrada")
        return _ok(return_json(checks.find_return(payment, request.path_params["id"])))

    def _find_payment(
        self, receiver: Receiver, request: Request, kind: str = "PixNaoEncontrado"
    ) -> Payment:
        payment = self._book.payments.get(request.path_params["e2eid"])
        if payment is None or payment.receiver is not receiver:
            raise Problem(404, kind, "Pix não encontrado para o e2eid informado.")
        return payment

    # Webhooks -----------------------------------------------------------------------------------

    def _put_webhook(self, receiver: Receiver, request: Request, body: bytes) -> Response:
        key = request.path_params["chave"]
        if key != receiver.key:
            reason = (
                "O parâmetro chave não corresponde a uma chave DICT pertencente a este usuário "
                "recebedor."
            )
            message = "A presente requisição busca criar um webhook com semântica inválida."
            violation = Violation(reason, "chave", key[:100])
            raise Problem(400, "WebhookOperacaoInvalida", message, [violation])
        receiver.webhook_url = checks.webhook_url_of(decode(body))
        receiver.webhook_created_at = self._book.now()
        return Response(status_code=200)

    def _get_webhook(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        self._check_webhook(receiver, request)
        return _ok(webhook_json(receiver))

    def _delete_webhook(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        self._check_webhook(receiver, request)
        receiver.webhook_url = receiver.webhook_created_at = None
        return Response(status_code=204)

    def _list_webhooks(self, receiver: Receiver, request: Request, _body: bytes) -> Response:
        query = Query(request.query_params, "WebhookConsultaInvalida", open_period=True)
        query.enforce()
        created_at = receiver.webhook_created_at
        found = (
            [receiver] if created_at is not None and query.start <= created_at <= query.end else []
        )
        page = [webhook_json(each) for each in query.slice(found)]
        return _ok({"parametros": query.as_json(len(found), {}), "webhooks": page})

    def _check_webhook(self, receiver: Receiver, request: Request) -> None:
        if request.path_params["chave"] != receiver.key or receiver.webhook_url is None:
            raise Problem(404, "WebhookNaoEncontrado", "O webhook não encontra-se estabelecido.")


def _given(**filters: object) -> dict[str, Any]:
    return {name: value for name, value in filters.items() if value is not None}


def _ok(body: dict[str, Any], status: int = 200) -> Response:
    return Response(encode(body), status, media_type="application/json")


def _fail(status: int, message: str) -> Response:
    return problem_response(Refusal(status, message))
