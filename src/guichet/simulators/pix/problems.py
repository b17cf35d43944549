"""Errors of the API Pix: problems as RFC 7807 has them, of the types that its file lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.responses import Response

from guichet.simulators.common.wire import Refusal, encode

MEDIA_TYPE = "application/problem+json"
_ROOT = "https://pix.bcb.gov.br/api/v2/error/"

_TITLES = {
    "RequisicaoInvalida": "Requisição inválida.",
    "AcessoNegado": "Acesso Negado",
    "NaoEncontrado": "Não Encontrado",
    "ErroInternoDoServidor": "Erro interno do servidor.",
    "ServicoIndisponivel": "Serviço Indisponível",
    "IndisponibilidadePorTempoEsgotado": "Tempo esgotado.",
    "CobNaoEncontrado": "Cobrança não encontrada.",
    "CobOperacaoInvalida": "Cobrança inválida.",
    "CobConsultaInvalida": "Consulta inválida.",
    "PixNaoEncontrado": "Pix não encontrado.",
    "PixConsultaInvalida": "Consulta inválida.",
    "PixDevolucaoNaoEncontrada": "Devolução não encontrada.",
    "PixDevolucaoInvalida": "Devolução inválida.",
    "WebhookOperacaoInvalida": "Webhook inválido.",
    "WebhookNaoEncontrado": "Webhook não encontrado.",
    "WebhookConsultaInvalida": "Consulta inválida.",
    "CobPayloadNaoEncontrado": "Cobrança não encontrada.",
}
_BY_STATUS = {
    401: "AcessoNegado",
    403: "AcessoNegado",
    404: "NaoEncontrado",
    500: "ErroInternoDoServidor",
    503: "ServicoIndisponivel",
    504: "IndisponibilidadePorTempoEsgotado",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """Why one property is refused, in the words of the API's own lists."""

    reason: str
    name: str | None = None
    value: str | None = None

    def as_json(self) -> dict[str, str]:
        pairs = {"razao": self.reason, "propriedade": self.name, "valor": self.value}
        return {name: text for name, text in pairs.items() if text is not None}


class Problem(Refusal):
    """A refusal with a type of the API Pix and the rules that were broken."""

    def __init__(
        self, status: int, kind: str, message: str, violations: list[Violation] | None = None
    ) -> None:
        super().__init__(status, message)
        self.kind = kind
        self.violations = violations or []


def problem_json(refusal: Refusal) -> dict[str, Any]:
    """The body ``Problema`` of any refusal."""
    by_status = "RequisicaoInvalida" if refusal.status < 500 else "ErroInternoDoServidor"
    kind = _BY_STATUS.get(refusal.status, by_status)
    violations: list[Violation] = []
    if isinstance(refusal, Problem):
        kind, violations = refusal.kind, refusal.violations
    body: dict[str, Any] = {
        "type": _ROOT + kind,
        "title": _TITLES[kind],
        "status": refusal.status,
        "detail": refusal.message,
        "correlationId": uuid4().hex,
    }
    if violations:
        body["violacoes"] = [each.as_json() for each in violations]
    return body


def problem_response(refusal: Refusal) -> Response:
    headers = {}
    if refusal.status == 401:
        headers["www-authenticate"] = 'Bearer error="invalid_token"'
    return Response(encode(problem_json(refusal)), refusal.status, headers, MEDIA_TYPE)
