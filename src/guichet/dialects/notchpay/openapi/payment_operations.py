"""Operations of payments, today's and those of 2021."""

from __future__ import annotations

from guichet.dialects.notchpay.openapi import examples
from guichet.dialects.notchpay.openapi.parts import (
    CHANNELS,
    DAYS,
    GRANTED_WHERE_LIVE,
    PAGES,
    answered,
    body,
    page_of,
    search,
    status,
)
from guichet.dialects.notchpay.statuses import PAYMENT_WORDS
from guichet.dialects.openapi.operations import Answer, Operation, in_path
from guichet.dialects.openapi.schemas import Schema, address, ref, text, words

_REFERENCE = in_path(
    "reference", "Our reference, the `id`, or your own reference.", examples.PAYMENT_ID
)
_TRANSACTION = ref("Transaction")
_PAGE = address("The page on which the payer chooses how to pay.")
_CONFIRM = words(["confirm"], "What the payer does next.")


def _said(*known: str) -> Schema:
    return text("Clients that send `Grant-Authorization` get older words.", examples=list(known))


PAYMENTS = (
    Operation(
        route="GET /payments",
        name="listPayments",
        tag="Payments",
        summary="List payments",
        description="Live it asks for the private key, unless the application says otherwise.",
        parameters=(
            search("a reference, the payer or the description"),
            status(PAYMENT_WORDS),
            CHANNELS,
            *DAYS,
            *PAGES,
        ),
        answers=page_of(
            "Payments retrieved", "Transaction", ("items", "data", "transactions"), examples.PAYMENT
        ),
        failures=(422,),
        aliases=("GET /payments/search",),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="POST /payments",
        name="createPayment",
        tag="Payments",
        summary="Create a payment",
        description=(
            "The payer is found by id, else by e-mail, else by phone, else made. Send them to "
            "`authorization_url`, or collect with `PUT /payments/{reference}`.\n\nA `reference` "
            "can be used once: that is how this call is repeated safely."
        ),
        body=body("NewPayment", "by phone", examples.NEW_PAYMENT),
        answers=answered(
            201,
            "Payment initialized",
            "The payment.",
            {
                "transaction": (_TRANSACTION, examples.PAYMENT),
                "authorization_url": (_PAGE, examples.AUTHORIZATION_URL),
            },
            word="Accepted",
        ),
        failures=(409, 422),
        aliases=("POST /payments/initialize",),
    ),
    Operation(
        route="GET /payments/{reference}",
        name="readPayment",
        tag="Payments",
        summary="Read a payment",
        parameters=(_REFERENCE,),
        answers=answered(
            200,
            "Transaction retrieved",
            "The payment as it stands, under both its names.",
            {
                "transaction": (_TRANSACTION, examples.COMPLETE),
                "payment": (_TRANSACTION, examples.COMPLETE),
            },
        ),
        failures=(404,),
        aliases=("GET /checkout/{reference}",),
    ),
    Operation(
        route="PUT /payments/{reference}",
        name="processPayment",
        tag="Payments",
        summary="Collect a payment",
        description=(
            "Asks the payer's operator. Only a `pending` payment can be collected. An operator "
            "whose answer is lost leaves it `processing`; one that certainly was not asked is 503."
        ),
        parameters=(_REFERENCE,),
        body=body("Charge", "from a wallet", examples.CHARGE),
        answers=answered(
            202,
            "Payment processing initiated",
            "The operator was asked.",
            {"transaction": (_TRANSACTION, examples.PROCESSING), "action": (_CONFIRM, "confirm")},
            messages=_said(
                "Payment processing initiated",
                "Confirm your transaction by dialing #150*50#",
            ),
        ),
        failures=(404, 422),
        aliases=("POST /payments/{reference}",),
    ),
    Operation(
        route="DELETE /payments/{reference}",
        name="cancelPayment",
        tag="Payments",
        summary="Cancel a payment",
        description="Only a `pending` one.",
        parameters=(_REFERENCE,),
        answers=answered(
            202,
            "Your payment has been canceled",
            "It cannot be paid any more.",
            {},
            messages=_said("Your payment has been canceled", "Your transaction has been canceled"),
        ),
        failures=(404, 422),
        aliases=("PUT /checkout/{reference}", "DELETE /checkout/{reference}"),
    ),
)

_OLD_CHARGE = {"gateway": "mtn", "data": {"phone": "+237670000000"}}
LEGACY = (
    Operation(
        route="POST /checkout/initialize",
        name="initializeCheckout",
        tag="Paths of 2021",
        summary="Create a payment, as in 2021",
        body=body("NewPayment", "by phone", examples.NEW_PAYMENT),
        answers=answered(
            201,
            "Payment initialized",
            "The payment.",
            {
                "transaction": (_TRANSACTION, examples.PAYMENT),
                "authorization_url": (_PAGE, examples.AUTHORIZATION_URL),
                "redirect_url": (_PAGE, examples.AUTHORIZATION_URL),
            },
            word="Accepted",
        ),
        failures=(409, 422),
        deprecated=True,
    ),
    Operation(
        route="POST /checkout/{reference}",
        name="processCheckout",
        tag="Paths of 2021",
        summary="Collect a payment, as in 2021",
        description="`gateway` (`mtn`, `orange`, `mobile`) is what is a channel now.",
        parameters=(_REFERENCE,),
        body=body("OldCharge", "from a wallet", _OLD_CHARGE),
        answers=answered(
            202,
            "Payment processing initiated",
            "The operator was asked.",
            {"transaction": (_TRANSACTION, examples.PROCESSING), "action": (_CONFIRM, "confirm")},
            messages=_said("Payment processing initiated"),
        ),
        failures=(404, 422),
        deprecated=True,
    ),
    Operation(
        route="GET /verify/{reference}",
        name="verifyCheckout",
        tag="Paths of 2021",
        summary="Read a payment, as in 2021",
        description="While it is processed `status` is `pending`: clients ask until it is not.",
        parameters=(_REFERENCE,),
        answers={
            200: Answer(
                description="The payment itself, without an envelope.",
                schema=_TRANSACTION,
                examples={"complete": examples.COMPLETE},
            )
        },
        failures=(404,),
        deprecated=True,
    ),
)
