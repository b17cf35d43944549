"""MTN's API as an OpenAPI document of our own: MTN publishes none with paths in it.

Put together from the portal's schema of the Collection and Disbursement APIs (September 2026), its
lists of operations and its page of common errors: names, enumerations and rules are MTN's, and this
judge is stricter where the prose is (apostrophes, 160 characters, UUID version 4).
"""

from __future__ import annotations

from typing import Any

HOST = "https://mtn.example.com"
CALLBACK = "/callback"
REASONS = (
    "PAYEE_NOT_FOUND",
    "PAYER_NOT_FOUND",
    "NOT_ALLOWED",
    "NOT_ALLOWED_TARGET_ENVIRONMENT",
    "INVALID_CALLBACK_URL_HOST",
    "INVALID_CURRENCY",
    "SERVICE_UNAVAILABLE",
    "INTERNAL_PROCESSING_ERROR",
    "NOT_ENOUGH_FUNDS",
    "PAYER_LIMIT_REACHED",
    "PAYEE_NOT_ALLOWED_TO_RECEIVE",
    "PAYMENT_NOT_APPROVED",
    "RESOURCE_NOT_FOUND",
    "APPROVAL_REJECTED",
    "EXPIRED",
    "TRANSACTION_CANCELED",
    "RESOURCE_ALREADY_EXIST",
    # Not in the schema, but on the page of common errors.
    "COULD_NOT_PERFORM_TRANSACTION",
)
ENVIRONMENTS = (
    "sandbox",
    "mtncameroon",
    "mtnuganda",
    "mtnghana",
    "mtnivorycoast",
    "mtnzambia",
    "mtnbenin",
    "mtncongo",
    "mtnswaziland",
    "mtnguineaconakry",
    "mtnsouthafrica",
    "mtnliberia",
    "mtnsouthsudan",
    "mtnnigeria",
    "mtnrwanda",
)
_ERRORS = ("400", "401", "403", "404", "409", "500", "502", "503", "504")

_UUID4 = "^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"
_TEXT = {"type": "string"}
_MESSAGE = {"type": "string", "maxLength": 160, "pattern": "^[^'’‘`´<>]*$"}
_AMOUNT = {"type": "string", "pattern": r"^(0|[1-9][0-9]*)(\.[0-9]{1,4})?$"}
_CURRENCY = {"type": "string", "pattern": "^[A-Z]{3}$"}
_REFERENCE = {"type": "string", "pattern": _UUID4}
_STATUS = {"type": "string", "enum": ["PENDING", "SUCCESSFUL", "FAILED"]}


def _object(required: str, **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": required.split(), "properties": properties}


_PARTY = _object(
    "partyIdType partyId",
    partyIdType={"type": "string", "enum": ["MSISDN", "EMAIL", "PARTY_CODE"]},
    partyId={"type": "string", "pattern": "^([0-9]{6,15}|[^@]+@[^@]+|[0-9a-f-]{36})$"},
)
_ORDER = {
    "amount": _AMOUNT,
    "currency": _CURRENCY,
    "externalId": {"type": "string", "minLength": 1},
    "payerMessage": _MESSAGE,
    "payeeNote": _MESSAGE,
}
_REASON = {
    "oneOf": [
        _object("code", code={"type": "string", "enum": list(REASONS)}, message=_TEXT),
        {"type": "string", "enum": list(REASONS)},
    ]
}


def _order(own: str, schema: dict[str, Any]) -> dict[str, Any]:
    return _object(f"amount currency externalId {own}", **_ORDER, **{own: schema})


def _result(own: str) -> dict[str, Any]:
    return _object(
        "amount currency externalId status",
        **_ORDER,
        **{own: _PARTY},
        financialTransactionId={"type": "string", "pattern": "^[0-9]+$"},
        status=_STATUS,
        reason=_REASON,
    )


_ERROR = {
    "anyOf": [
        _object("code message", code=_TEXT, message=_TEXT),
        _object("statusCode message", statusCode={"type": "integer"}, message=_TEXT),
        _object("error", error=_TEXT),
    ]
}


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"content": {"application/json": {"schema": schema}}}


def _header(name: str, schema: dict[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": required, "schema": schema}


def _parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


_ENVIRONMENT = _header("X-Target-Environment", {"type": "string", "enum": list(ENVIRONMENTS)})
_CALLBACK_URL = _header("X-Callback-Url", {"type": "string", "format": "uri"}, required=False)


def _operation(
    parameters: list[dict[str, Any]],
    status: str,
    told: dict[str, Any] | None,
    body: dict[str, Any] | None = None,
    security: str = "token",
) -> dict[str, Any]:
    answer = {"description": "Done"} | ({} if told is None else _json(told))
    wrong = {code: {"description": "Wrong"} | _json(_ERROR) for code in _ERRORS}
    schemes: dict[str, Any] = {"subscription": []} | ({security: []} if security else {})
    operation: dict[str, Any] = {
        "parameters": parameters,
        "responses": {status: answer, **wrong},
        "security": [schemes],
    }
    if body is not None:
        operation["requestBody"] = {"required": True, **_json(body)}
    return operation


def _money(resource: str, own: str, schema: dict[str, Any], told: str) -> dict[str, Any]:
    version = resource.replace("v2_0", "v1_0")
    posted = [_header("X-Reference-Id", _REFERENCE), _ENVIRONMENT, _CALLBACK_URL]
    read = [_parameter("referenceId", _REFERENCE), _ENVIRONMENT]
    return {
        resource: {"post": _operation(posted, "202", None, _order(own, schema))},
        f"{version}/{{referenceId}}": {"get": _operation(read, "200", _result(told))},
    }


def _product(product: str) -> dict[str, Any]:
    holder = [_parameter("kind", _TEXT), _parameter("holder", _TEXT), _ENVIRONMENT]
    token = _object(
        "access_token token_type expires_in",
        access_token=_TEXT,
        token_type=_TEXT,
        expires_in={"type": "integer"},
    )
    names = _object("", given_name=_TEXT, family_name=_TEXT, status=_TEXT)
    result = _object("result", result={"type": "boolean"})
    balance = _object("availableBalance currency", availableBalance=_AMOUNT, currency=_CURRENCY)
    root = f"/{product}/v1_0"
    about = f"{root}/accountholder/{{kind}}/{{holder}}"
    return {
        f"/{product}/token/": {"post": _operation([], "200", token, security="user")},
        f"{about}/active": {"get": _operation(holder, "200", result)},
        f"{about}/basicuserinfo": {"get": _operation(holder, "200", names)},
        f"{root}/account/balance": {"get": _operation([_ENVIRONMENT], "200", balance)},
    }


def specification() -> dict[str, Any]:
    """The document, new each time."""
    host = _object("providerCallbackHost", providerCallbackHost=_TEXT)
    user = _object(
        "providerCallbackHost targetEnvironment",
        providerCallbackHost=_TEXT,
        targetEnvironment={"type": "string", "enum": list(ENVIRONMENTS)},
    )
    reference = _header("X-Reference-Id", _REFERENCE)
    by_id = [_parameter("id", _REFERENCE)]
    key = _object("apiKey", apiKey=_TEXT)
    called_back = {"anyOf": [_result("payer"), _result("payee")]}
    callback = {
        "requestBody": {"required": True, **_json(called_back)},
        "responses": {"200": {"description": "Taken"}},
    }
    paths = {
        "/v1_0/apiuser": {"post": _operation([reference], "201", None, host, security="")},
        "/v1_0/apiuser/{id}": {"get": _operation(by_id, "200", user, security="")},
        "/v1_0/apiuser/{id}/apikey": {"post": _operation(by_id, "201", key, security="")},
        **_money("/collection/v1_0/requesttopay", "payer", _PARTY, "payer"),
        **_money("/disbursement/v1_0/transfer", "payee", _PARTY, "payee"),
        **_money("/disbursement/v2_0/refund", "referenceIdToRefund", _TEXT, "payee"),
        **_product("collection"),
        **_product("disbursement"),
        CALLBACK: {"put": callback, "post": callback},
    }
    schemes = {
        "subscription": {"type": "apiKey", "in": "header", "name": "Ocp-Apim-Subscription-Key"},
        "token": {"type": "http", "scheme": "bearer"},
        "user": {"type": "http", "scheme": "basic"},
    }
    return {
        "openapi": "3.0.0",
        "info": {"title": "MTN MoMo", "version": "1.0"},
        "servers": [{"url": HOST}],
        "paths": paths,
        "components": {"securitySchemes": schemes},
    }
