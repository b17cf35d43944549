"""Operations of money that leaves: transfers, beneficiaries, the balance, refunds."""

from __future__ import annotations

from guichet.dialects.notchpay.openapi import examples
from guichet.dialects.notchpay.openapi.parts import (
    CHANNELS,
    DAYS,
    GRANTED,
    PAGES,
    answered,
    body,
    deleted,
    page_of,
    search,
    status,
)
from guichet.dialects.notchpay.statuses import REFUND_WORDS, TRANSFER_WORDS
from guichet.dialects.openapi.operations import Operation, in_path, in_query
from guichet.dialects.openapi.schemas import ref, text, words
from guichet.domain.beneficiaries import KINDS

_TRANSFER = ref("Transfer")
_REFERENCE = in_path("reference", "Our reference, or yours.", examples.TRANSFER_ID)
TRANSFERS = (
    Operation(
        route="GET /transfers",
        name="listTransfers",
        tag="Transfers",
        summary="List transfers",
        parameters=(
            search("a reference or the beneficiary"),
            status(TRANSFER_WORDS),
            CHANNELS,
            *DAYS,
            *PAGES,
        ),
        answers=page_of(
            "Transfers retrieved", "Transfer", ("items", "data", "transfers"), examples.TRANSFER
        ),
        failures=(422,),
        security=GRANTED,
    ),
    Operation(
        route="POST /transfers",
        name="createTransfer",
        tag="Transfers",
        summary="Send money",
        description=(
            "Amount and fee are set aside before the operator is asked; more than is available is "
            "refused: 422, `Insufficient funds`. Where the application asks for approval, a second "
            "person agrees first.\n\nA `reference` names one transfer for ever (409)."
        ),
        body=body("NewTransfer", "to somebody described", examples.NEW_TRANSFER),
        answers=answered(
            201,
            "Transfer initialized",
            "The transfer.",
            {"transfer": (_TRANSFER, examples.TRANSFER)},
            word="Accepted",
        ),
        failures=(409, 422),
        aliases=("POST /transfers/initialize", "POST /transfers/direct"),
        security=GRANTED,
    ),
    Operation(
        route="GET /transfers/{reference}",
        name="readTransfer",
        tag="Transfers",
        summary="Read a transfer",
        parameters=(_REFERENCE,),
        answers=answered(
            200, "Transfer retrieved", "The transfer.", {"transfer": (_TRANSFER, examples.SENT)}
        ),
        failures=(404,),
        security=GRANTED,
    ),
    Operation(
        route="DELETE /transfers/{reference}",
        name="cancelTransfer",
        tag="Transfers",
        summary="Withdraw a transfer",
        description="One that waits for its approval, or in a bulk for its turn; no other.",
        parameters=(_REFERENCE,),
        answers=answered(
            202,
            "Your transfer has been canceled",
            "The transfer.",
            {"transfer": (_TRANSFER, examples.WITHDRAWN)},
        ),
        failures=(404, 422),
        security=GRANTED,
    ),
    Operation(
        route="GET /balance",
        name="readBalance",
        tag="Transfers",
        summary="Read the balance",
        parameters=(in_query("currency", "By default the application's.", text()),),
        answers=answered(
            200,
            "Balance retrieved",
            "What there is.",
            {"balance": (ref("Balance"), examples.BALANCE)},
        ),
        failures=(422,),
        security=GRANTED,
    ),
)

_BENEFICIARY = (ref("Beneficiary"), examples.BENEFICIARY)
_BENEFICIARY_ID = in_path("id", "The beneficiary's id.", examples.BENEFICIARY_ID)
_BOTH = {"beneficiary": _BENEFICIARY, "recipient": _BENEFICIARY}
BENEFICIARIES = (
    Operation(
        route="GET /beneficiaries",
        name="listBeneficiaries",
        tag="Beneficiaries",
        summary="List beneficiaries",
        parameters=(
            search("their name, number or e-mail"),
            in_query("country", "In this country, two letters.", text()),
            in_query("type", "Of this type.", words(KINDS)),
            *PAGES,
        ),
        answers=page_of(
            "Beneficiaries retrieved",
            "Beneficiary",
            ("items", "data", "beneficiaries", "recipients"),
            examples.BENEFICIARY,
        ),
        failures=(422,),
        aliases=("GET /recipients",),
        security=GRANTED,
    ),
    Operation(
        route="POST /beneficiaries",
        name="createBeneficiary",
        tag="Beneficiaries",
        summary="Create a beneficiary",
        body=body("NewBeneficiary", "a wallet", examples.NEW_BENEFICIARY),
        answers=answered(201, "Beneficiary created successfully", "The beneficiary.", _BOTH),
        failures=(409, 422),
        aliases=("POST /recipients",),
        security=GRANTED,
    ),
    Operation(
        route="GET /beneficiaries/{id}",
        name="readBeneficiary",
        tag="Beneficiaries",
        summary="Read a beneficiary",
        parameters=(_BENEFICIARY_ID,),
        answers=answered(200, "Beneficiary retrieved", "The beneficiary.", _BOTH),
        failures=(404,),
        aliases=("GET /recipients/{id}",),
        security=GRANTED,
    ),
    Operation(
        route="PUT /beneficiaries/{id}",
        name="updateBeneficiary",
        tag="Beneficiaries",
        summary="Update a beneficiary",
        description="Country, currency, type and channel stay.",
        parameters=(_BENEFICIARY_ID,),
        body=body("BeneficiaryChanges", "a new e-mail", {"email": "amina@example.cm"}),
        answers=answered(
            202, "Beneficiary updated successfully", "The beneficiary as changed.", _BOTH
        ),
        failures=(404, 422),
        aliases=("PUT /recipients/{id}",),
        security=GRANTED,
    ),
    Operation(
        route="DELETE /beneficiaries/{id}",
        name="deleteBeneficiary",
        tag="Beneficiaries",
        summary="Delete a beneficiary",
        description="They leave the list; what they were sent stays.",
        parameters=(_BENEFICIARY_ID,),
        answers=deleted("Beneficiary deleted successfully", "beneficiary", "recipient"),
        failures=(404,),
        aliases=("DELETE /recipients/{id}",),
        security=GRANTED,
    ),
)

_REFUND = (ref("Refund"), examples.REFUND)
REFUNDS = (
    Operation(
        route="GET /refunds",
        name="listRefunds",
        tag="Refunds",
        summary="List refunds",
        parameters=(status(REFUND_WORDS), *PAGES),
        answers=page_of(
            "Refunds retrieved", "Refund", ("items", "data", "refunds"), examples.REFUND
        ),
        security=GRANTED,
    ),
    Operation(
        route="POST /refunds",
        name="createRefund",
        tag="Refunds",
        summary="Refund a payment",
        description=("Wholly or in parts, within 90 days. The payment stays `complete`."),
        body=body(
            "NewRefund",
            "a part",
            {"payment": examples.PAYMENT_ID, "amount": 2000, "reason": "Returned goods"},
        ),
        answers=answered(201, "Refund initiated", "The refund.", {"refund": _REFUND}),
        failures=(404, 422),
        security=GRANTED,
    ),
    Operation(
        route="GET /refunds/{id}",
        name="readRefund",
        tag="Refunds",
        summary="Read a refund",
        parameters=(in_path("id", "The refund's id.", examples.REFUND_ID),),
        answers=answered(200, "Refund retrieved", "The refund.", {"refund": _REFUND}),
        failures=(404,),
        security=GRANTED,
    ),
)
