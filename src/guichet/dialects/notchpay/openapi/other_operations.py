"""Operations of webhook endpoints, of reference data, and the greeting."""

from __future__ import annotations

from guichet.dialects.notchpay.openapi import examples
from guichet.dialects.notchpay.openapi.parts import (
    GRANTED_WHERE_LIVE,
    PAGES,
    answered,
    body,
    deleted,
    page_of,
)
from guichet.dialects.openapi.operations import Answer, Operation, in_path, in_query
from guichet.dialects.openapi.schemas import ref, text

_ID = in_path("id", "The endpoint's id.", examples.ENDPOINT_ID)
_ENDPOINT = (ref("Endpoint"), examples.ENDPOINT)
_BOTH = {"endpoint": _ENDPOINT, "webhook": _ENDPOINT}
_WITH_SECRET = (ref("NewEndpointWithSecret"), examples.ENDPOINT | {"secret": examples.SECRET})
_LIVE = (
    "Live it asks for the private key, unless the application says otherwise; in sandbox where the "
    "application chose `webhooks-need-grant`."
)
_CHOSEN = "where the application chose `webhooks-200`"

WEBHOOKS = (
    Operation(
        route="GET /webhooks",
        name="listEndpoints",
        tag="Webhooks",
        summary="List endpoints",
        description=_LIVE,
        parameters=PAGES,
        answers=page_of(
            "Webhook endpoints retrieved",
            "Endpoint",
            ("endpoints", "items", "data"),
            examples.ENDPOINT,
        ),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="POST /webhooks",
        name="createEndpoint",
        tag="Webhooks",
        summary="Create an endpoint",
        description=f"This answer alone shows its secret. {_LIVE}",
        body=body("NewEndpoint", "two events", examples.NEW_ENDPOINT),
        answers=answered(
            201,
            "Webhook endpoint created successfully",
            "The endpoint, with its secret.",
            {"endpoint": _WITH_SECRET, "webhook": _WITH_SECRET},
        ),
        failures=(422,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="GET /webhooks/{id}",
        name="readEndpoint",
        tag="Webhooks",
        summary="Read an endpoint",
        description=_LIVE,
        parameters=(_ID,),
        answers=answered(200, "Webhook endpoint retrieved", "The endpoint.", _BOTH),
        failures=(404,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="PUT /webhooks/{id}",
        name="updateEndpoint",
        tag="Webhooks",
        summary="Update an endpoint",
        description=f"Fields left out stay as they are. {_LIVE}",
        parameters=(_ID,),
        body=body("EndpointChanges", "switched off", {"active": False}),
        answers=answered(
            202, "Webhook endpoint updated successfully", "The endpoint as changed.", _BOTH
        )
        | answered(200, "Webhook endpoint updated successfully", f"The same, {_CHOSEN}.", _BOTH),
        failures=(404, 422),
        aliases=("PATCH /webhooks/{id}", "POST /webhooks/{id}"),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="DELETE /webhooks/{id}",
        name="deleteEndpoint",
        tag="Webhooks",
        summary="Delete an endpoint",
        description=f"Nothing more is sent to it. {_LIVE}",
        parameters=(_ID,),
        answers=deleted("Webhook endpoint deleted successfully", "endpoint", "webhook")
        | deleted("Webhook endpoint deleted successfully", "endpoint", "webhook", code=200),
        failures=(404,),
        security=GRANTED_WHERE_LIVE,
    ),
)

REFERENCE = (
    Operation(
        route="GET /channels",
        name="listChannels",
        tag="Reference data",
        summary="List channels",
        description="Those by which the application can collect.",
        parameters=(
            in_query("country", "In this country, two letters.", text()),
            in_query("currency", "In this currency.", text()),
            in_query("amount", "That take this amount.", text()),
        ),
        answers=page_of(
            "Channels retrieved", "Channel", ("items", "data", "channels"), examples.CHANNEL
        ),
        failures=(422,),
    ),
    Operation(
        route="GET /countries",
        name="listCountries",
        tag="Reference data",
        summary="List countries",
        description="All of ISO 3166-1.",
        answers=page_of(
            "Countries retrieved", "Country", ("items", "data", "countries"), examples.COUNTRY
        ),
    ),
    Operation(
        route="GET /currencies",
        name="listCurrencies",
        tag="Reference data",
        summary="List currencies",
        description="All in which payments can be made (ISO 4217).",
        answers=page_of(
            "Currencies retrieved", "Currency", ("items", "data", "currencies"), examples.CURRENCY
        ),
    ),
    Operation(
        route="GET /",
        name="greet",
        tag="Reference data",
        summary="Who am I",
        answers={
            200: Answer(
                description="The key works, and whose it is.",
                schema=ref("Greeting"),
                examples={
                    "greeting": {
                        "env": "sandbox",
                        "code": 200,
                        "message": "Welcome to this gateway",
                        "merchant": "Boutique",
                        "greeting": "Hello from Notch Pay",
                    }
                },
            )
        },
    ),
)
