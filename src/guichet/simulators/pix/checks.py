"""What requests must be: every rule that is broken is named, as the API's own lists name them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

from .money import cents_of
from .problems import Problem, Violation
from .records import REMOVED_BY_RECEIVER, Charge, Payment, Receiver, Return

TXID = re.compile(r"[a-zA-Z0-9]{26,35}")
RETURN_ID = re.compile(r"[a-zA-Z0-9]{1,35}")
DEFAULT_EXPIRY_SECONDS = 86400
CPF = re.compile(r"[0-9]{11}")
CNPJ = re.compile(r"[0-9A-Z]{14}")
LARGEST_INT32 = 2**31 - 1
BY_SCHEMA = "não respeita o _schema_."


class Rules:
    """Collects violations under one prefix, ``cob`` or ``devolucao``."""

    def __init__(self, prefix: str, body: dict[str, Any]) -> None:
        self.prefix = prefix
        self.body = body
        self.violations: list[Violation] = []

    def broken(self, path: str, reason: str = BY_SCHEMA, what: str = "O campo") -> None:
        name = f"{self.prefix}.{path}"
        value: Any = self.body
        for part in path.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        text = value[:100] if isinstance(value, str) else None
        self.violations.append(Violation(f"{what} {name} {reason}", name, text))

    def text(self, path: str, value: object, longest: int) -> None:
        """``value`` is None or a text of at most so many characters."""
        if value is not None and (not isinstance(value, str) or len(value) > longest):
            self.broken(path)

    def enforce(self, kind: str, message: str) -> None:
        if self.violations:
            raise Problem(400, kind, message, self.violations)


# Charges ----------------------------------------------------------------------------------------

_WRONG_CHARGE = (
    "A requisição que busca alterar ou criar uma cobrança para pagamento imediato não respeita o "
    "_schema_ ou está semanticamente errada."
)


def charge_terms(
    body: dict[str, Any], receiver: Receiver, charge: Charge | None, others: int
) -> dict[str, Any]:
    """The terms that ``PUT /cob/{txid}`` asks for; raises ``Problem`` with every broken rule.

    ``charge`` is the one that exists by then, ``others`` the number of locations there are.
    """
    rules = Rules("cob", body)
    for name in ("calendario", "valor", "chave"):
        if body.get(name) is None:
            rules.broken(name)
    if isinstance(body.get("valor"), dict) and "original" not in body["valor"]:
        rules.broken("valor.original")
    _check_charge(rules, receiver, charge, others)
    rules.enforce("CobOperacaoInvalida", _WRONG_CHARGE)
    return _terms(body, {"calendario": {"expiracao": DEFAULT_EXPIRY_SECONDS}})


def revised_terms(
    body: dict[str, Any], receiver: Receiver, charge: Charge, others: int
) -> dict[str, Any] | None:
    """The terms after ``PATCH /cob/{txid}``; None if it removes the charge."""
    rules = Rules("cob", body)
    status = body.get("status")
    if status is not None and status != REMOVED_BY_RECEIVER:
        rules.broken("status")
    _check_charge(rules, receiver, charge, others)
    if status is not None and len(body) > 1:
        rules.violations.append(
            Violation(
                "A cobrança está ATIVA, e a presente requisição propõe alterar seu status para "
                f"{REMOVED_BY_RECEIVER} juntamente com outras alterações.",
                "cob.status",
            )
        )
    rules.enforce("CobOperacaoInvalida", _WRONG_CHARGE)
    return None if status is not None else _terms(body, charge.terms)


def refuse_not_active(charge: Charge) -> None:
    """Raises the ``Problem`` of changing a charge that is paid or removed."""
    reason = "A cobrança não está ATIVA, e a presente requisição busca alterá-la."
    violation = Violation(reason, "cob.status", charge.status)
    raise Problem(400, "CobOperacaoInvalida", _WRONG_CHARGE, [violation])


def refuse_used_txid(txid: str) -> None:
    """Raises the ``Problem`` of a PSP that takes each txid once."""
    violation = Violation("O campo cob.txid encontra-se em uso.", "cob.txid", txid)
    raise Problem(400, "CobOperacaoInvalida", _WRONG_CHARGE, [violation])


def check_txid(txid: str) -> None:
    if not TXID.fullmatch(txid):
        violation = Violation(f"O campo cob.txid {BY_SCHEMA}", "cob.txid", txid[:100])
        raise Problem(400, "CobOperacaoInvalida", _WRONG_CHARGE, [violation])


def _terms(body: dict[str, Any], before: dict[str, Any]) -> dict[str, Any]:
    terms = dict(before)
    for name in ("chave", "solicitacaoPagador", "infoAdicionais"):
        if body.get(name) is not None:
            terms[name] = body[name]
    if body.get("devedor") is not None:
        terms["devedor"] = _only(body["devedor"], ("cpf", "cnpj", "nome"))
    if body.get("calendario") is not None:
        terms["calendario"] = terms["calendario"] | _only(body["calendario"], ("expiracao",))
    if body.get("valor") is not None:
        fields = _only(body["valor"], ("original", "modalidadeAlteracao"))
        terms["valor"] = terms.get("valor", {}) | fields
    return terms


def _only(body: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: body[name] for name in names if body.get(name) is not None}


def _check_charge(rules: Rules, receiver: Receiver, charge: Charge | None, others: int) -> None:
    body = rules.body
    if (calendar := body.get("calendario")) is not None:
        _check_calendar(rules, calendar)
    if (debtor := body.get("devedor")) is not None:
        _check_debtor(rules, debtor)
    if (value := body.get("valor")) is not None:
        _check_value(rules, value)
    if (key := body.get("chave")) is not None:
        if not isinstance(key, str) or len(key) > 77:
            rules.broken("chave")
        elif key != receiver.key:
            rules.broken(
                "chave", "corresponde a uma conta que não pertence a este usuário recebedor."
            )
    rules.text("solicitacaoPagador", body.get("solicitacaoPagador"), 140)
    if (infos := body.get("infoAdicionais")) is not None and not _are_infos(infos):
        rules.broken("infoAdicionais", what="O objeto")
    if (location := body.get("loc")) is not None:
        _check_location(rules, location, charge, others)


def _check_calendar(rules: Rules, calendar: object) -> None:
    if not isinstance(calendar, dict):
        rules.broken("calendario", what="O objeto")
        return
    seconds = calendar.get("expiracao", DEFAULT_EXPIRY_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int) or seconds > LARGEST_INT32:
        rules.broken("calendario.expiracao")
    elif seconds <= 0:
        rules.broken("calendario.expiracao", "é igual ou menor que zero.")


def _check_debtor(rules: Rules, debtor: object) -> None:
    fits = False
    if isinstance(debtor, dict):
        cpf, cnpj, name = (debtor.get(key) for key in ("cpf", "cnpj", "nome"))
        number, pattern = (cpf, CPF) if cnpj is None else (cnpj, CNPJ)
        fits = (
            (cpf is None) != (cnpj is None)
            and isinstance(number, str)
            and pattern.fullmatch(number) is not None
            and isinstance(name, str)
            and 0 < len(name) <= 200
        )
    if not fits:
        rules.broken("devedor", what="O objeto")


def _check_value(rules: Rules, value: object) -> None:
    if not isinstance(value, dict):
        rules.broken("valor", what="O objeto")
        return
    if "retirada" in value:
        raise Problem(403, "AcessoNegado", "Pix Saque e Pix Troco não estão contratados.")
    if "original" in value:
        cents = cents_of(value["original"])
        if cents is None:
            rules.broken("valor.original")
        elif cents == 0:
            rules.broken("valor.original", "é zero.")
    flexible = value.get("modalidadeAlteracao", 0)
    if isinstance(flexible, bool) or flexible not in (0, 1):
        rules.broken("valor.modalidadeAlteracao")


def _are_infos(infos: object) -> bool:
    return (
        isinstance(infos, list)
        and len(infos) <= 50
        and all(
            isinstance(each, dict)
            and isinstance(each.get("nome"), str)
            and isinstance(each.get("valor"), str)
            and len(each["nome"]) <= 50
            and len(each["valor"]) <= 200
            for each in infos
        )
    )


def _check_location(rules: Rules, location: object, charge: Charge | None, others: int) -> None:
    id_ = location.get("id") if isinstance(location, dict) else None
    if isinstance(id_, bool) or not isinstance(id_, int):
        rules.broken("loc", what="O objeto")
    elif not 1 <= id_ <= others:
        rules.broken("loc.id", "inexiste.", "O location referenciado por")
    elif charge is None or charge.location_id != id_:
        rules.broken(
            "loc.id", "já está sendo utilizado por outra cobrança.", "O location referenciado por"
        )


# Returns and webhooks ---------------------------------------------------------------------------

_WRONG_RETURN = (
    "A presente requisição de devolução não respeita o _schema_ ou não faz sentido semanticamente."
)


def check_return(
    payment: Payment, return_id: str, body: dict[str, Any], too_late: bool
) -> tuple[int, str | None]:
    """Amount and description of ``PUT /pix/{e2eid}/devolucao/{id}``; raises ``Problem``."""
    rules = Rules("devolucao", body)
    cents = cents_of(body.get("valor"))
    if not cents:
        rules.broken("valor")
    elif cents > payment.returnable_minor:
        rules.broken(
            "valor",
            "em conjunto com as demais prévias devoluções, excederia o valor do pix originário.",
        )
    if body.get("natureza", "ORIGINAL") != "ORIGINAL":
        rules.broken("natureza")
    rules.text("descricao", body.get("descricao"), 140)
    if not RETURN_ID.fullmatch(return_id):
        rules.broken("id")
    elif return_id in payment.returns:
        rules.broken("id", "já foi utilizado por outra requisição de devolução para o e2eid.")
    if too_late:
        rules.broken(
            "e2eid",
            "viola a janela de tempo permitida para devoluções (90 dias desde a liquidação).",
            "O pix",
        )
    rules.enforce("PixDevolucaoInvalida", _WRONG_RETURN)
    return cents or 0, body.get("descricao")


def webhook_url_of(body: dict[str, Any]) -> str:
    """The address of ``PUT /webhook/{chave}``; real PSPs take https only, this one http too."""
    url = body.get("webhookUrl")
    rules = Rules("webhook", body)
    try:
        parts = urlsplit(url) if isinstance(url, str) and url.isascii() else None
    except ValueError:
        parts = None
    if parts is None or parts.scheme not in {"http", "https"} or not parts.netloc:
        rules.broken("webhookUrl")
    rules.enforce(
        "WebhookOperacaoInvalida",
        "A presente requisição busca criar um webhook sem respeitar o _schema_.",
    )
    return str(url)


def find_return(payment: Payment, return_id: str) -> Return:
    """Raises ``Problem`` 404."""
    found = payment.returns.get(return_id)
    if found is None:
        raise Problem(404, "PixDevolucaoNaoEncontrada", "Devolução não encontrada para o e2eid.")
    return found
