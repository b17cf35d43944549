"""Operations of customers and banks."""

from __future__ import annotations

from guichet.dialects.neopay.openapi import examples
from guichet.dialects.neopay.openapi.parts import PAGES, answered, saved
from guichet.dialects.openapi.operations import (
    Body,
    Operation,
    Security,
    in_path,
    in_query,
)
from guichet.dialects.openapi.schemas import (
    listed,
    record,
    ref,
    text,
)

_CUSTOMER_KEY = in_path("id", "The id, or the e-mail.", examples.CUSTOMER_ID)

CUSTOMERS = (
    Operation(
        route="GET /api/customers",
        name="listCustomers",
        tag="Customers",
        summary="List customers",
        description="All of them, newest first; with `page` or `per_page` a page of them.",
        parameters=(
            in_query("email", "With this e-mail, in any case (ours).", text(maxLength=255)),
            in_query("name", "With this name (ours).", text(maxLength=255)),
            *PAGES,
        ),
        answers=answered(
            "Customers.",
            record(
                {
                    "customers": record(
                        {
                            "data": listed(ref("Customer")),
                            "links": ref("PageLinks"),
                            "meta": ref("PageMeta"),
                        },
                        "`links` and `meta` only where a page was asked for.",
                        optional=("links", "meta"),
                    )
                }
            ),
            {"one customer": {"customers": {"data": [examples.CUSTOMER]}}},
        ),
        failures=(422,),
    ),
    Operation(
        route="POST /api/customers",
        name="saveCustomer",
        tag="Customers",
        summary="Save a customer",
        description="Makes one, or updates the one of the same `id` or e-mail.",
        body=Body(schema=ref("NewCustomer"), examples={"a customer": examples.NEW_CUSTOMER}),
        answers=answered(
            "The customer.",
            saved("customer", "Customer", "saved"),
            {
                "a customer": {
                    "message": "Customer saved successfully!",
                    "customer": examples.CUSTOMER,
                }
            },
        ),
        failures=(422,),
    ),
    Operation(
        route="PATCH /api/customers",
        name="updateNamedCustomer",
        tag="Customers",
        summary="Update the customer that the body names",
        description="By `id`; without one by `email`, which then stays as it is.",
        body=Body(
            schema=ref("NamedCustomerChanges"),
            examples={"by e-mail": {"email": "jhondoe@email.com", "city": "Lyon"}},
        ),
        answers=answered(
            "The customer as changed.",
            saved("customer", "Customer", "updated"),
            {
                "a customer": {
                    "message": "Customer updated successfully!",
                    "customer": examples.CUSTOMER | {"city": "Lyon"},
                }
            },
        ),
        failures=(404, 422),
        aliases=("PUT /api/customers",),
    ),
    Operation(
        route="GET /api/customers/{id}",
        name="readCustomer",
        tag="Customers",
        summary="Read a customer",
        parameters=(_CUSTOMER_KEY,),
        answers=answered(
            "The customer.",
            record({"customer": ref("Customer")}),
            {"a customer": {"customer": examples.CUSTOMER}},
        ),
        failures=(404,),
    ),
    Operation(
        route="PATCH /api/customers/{id}",
        name="updateCustomer",
        tag="Customers",
        summary="Update a customer",
        description="Fields left out stay as they are, null clears one.",
        parameters=(_CUSTOMER_KEY,),
        body=Body(
            schema=ref("CustomerChanges"),
            examples={
                "a new name and e-mail": {
                    "name": "Jhon Doe Updated",
                    "email": "jhondoeupdate@email.com",
                }
            },
        ),
        answers=answered(
            "The customer as changed.",
            saved("customer", "Customer", "updated"),
            {
                "a customer": {
                    "message": "Customer updated successfully!",
                    "customer": examples.CUSTOMER
                    | {"name": "Jhon Doe Updated", "email": "jhondoeupdate@email.com"},
                }
            },
        ),
        failures=(404, 422),
        aliases=("PUT /api/customers/{id}",),
    ),
)

_APPLICATION_ALONE: Security = ({"application": []},)
INSTITUTIONS = (
    Operation(
        route="GET /api/institutions",
        name="listInstitutions",
        tag="Institutions",
        summary="List banks",
        description="Those that the application's payers can pay from. Needs no token.",
        parameters=(
            in_query("country", "In this country, two letters (ours).", text()),
            in_query("search", "With this in their name (ours).", text()),
        ),
        answers=answered(
            "Banks.",
            record({"data": listed(ref("Institution"))}),
            {"one bank": {"data": [examples.INSTITUTION]}},
        ),
        security=_APPLICATION_ALONE,
    ),
    Operation(
        route="GET /api/institutions/{id}",
        name="readInstitution",
        tag="Institutions",
        summary="Read a bank (ours)",
        description="Needs no token.",
        parameters=(in_path("id", "The number, or the code.", "7"),),
        answers=answered(
            "The bank.",
            record({"data": ref("Institution")}),
            {"a bank": {"data": examples.INSTITUTION}},
        ),
        failures=(404,),
        security=_APPLICATION_ALONE,
    ),
)
