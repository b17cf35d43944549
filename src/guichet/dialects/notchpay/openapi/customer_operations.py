"""Operations of customers."""

from __future__ import annotations

from guichet.dialects.notchpay.openapi import examples
from guichet.dialects.notchpay.openapi.parts import (
    DAYS,
    GRANTED_WHERE_LIVE,
    PAGES,
    answered,
    body,
    deleted,
    page_of,
    search,
)
from guichet.dialects.openapi.operations import Operation, in_path
from guichet.dialects.openapi.schemas import ref

_TAG = "Customers"
_ID = in_path("id", "The customer's id.", examples.CUSTOMER_ID)
_LIVE = "Live it asks for the private key, unless the application says otherwise."
_CUSTOMER = ref("Customer")


def _blocking(action: str, *, blocked: bool, description: str) -> Operation:
    path = f"/customers/{{id}}/{action}"
    return Operation(
        route=f"POST {path}",
        name=f"{action}Customer",
        tag=_TAG,
        summary=f"{action.capitalize()} a customer",
        description=f"{description} A body is ignored. Again changes nothing.",
        parameters=(_ID,),
        answers=answered(
            202,
            f"Customer {action}ed successfully",
            "The customer.",
            {"customer": (_CUSTOMER, examples.CUSTOMER | {"blocked": blocked})},
        ),
        failures=(404,),
        aliases=(f"PUT {path}", f"PATCH {path}"),
        security=GRANTED_WHERE_LIVE,
    )


CUSTOMERS = (
    Operation(
        route="GET /customers",
        name="listCustomers",
        tag=_TAG,
        summary="List customers",
        description=_LIVE,
        parameters=(search("their name, e-mail or phone"), *DAYS, *PAGES),
        answers=page_of(
            "Customers retrieved", "Customer", ("items", "data", "customers"), examples.CUSTOMER
        ),
        failures=(422,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="POST /customers",
        name="createCustomer",
        tag=_TAG,
        summary="Create a customer",
        description=_LIVE,
        body=body("NewCustomer", "a customer", examples.NEW_CUSTOMER),
        answers=answered(
            201,
            "Customer created successfully",
            "The customer.",
            {"customer": (_CUSTOMER, examples.CUSTOMER)},
        ),
        failures=(422,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="GET /customers/{id}",
        name="readCustomer",
        tag=_TAG,
        summary="Read a customer",
        description=_LIVE,
        parameters=(_ID,),
        answers=answered(
            200,
            "Customer retrieved",
            "The customer.",
            {"customer": (_CUSTOMER, examples.CUSTOMER)},
        ),
        failures=(404,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="POST /customers/{id}",
        name="updateCustomer",
        tag=_TAG,
        summary="Update a customer",
        description=f"Fields left out stay; `metadata` is replaced, not merged. {_LIVE}",
        parameters=(_ID,),
        body=body("CustomerChanges", "a new name", {"name": "Ada Ngo Bell"}),
        answers=answered(
            202,
            "Customer updated successfully",
            "The customer as changed.",
            {"customer": (_CUSTOMER, examples.CUSTOMER | {"name": "Ada Ngo Bell"})},
        ),
        failures=(404, 422),
        aliases=("PUT /customers/{id}", "PATCH /customers/{id}"),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="DELETE /customers/{id}",
        name="deleteCustomer",
        tag=_TAG,
        summary="Delete a customer",
        description=f"They leave every list; what they paid stays. {_LIVE}",
        parameters=(_ID,),
        answers=deleted("Customer deleted successfully", "customer"),
        failures=(404,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="GET /customers/{id}/payment_methods",
        name="listPaymentMethods",
        tag=_TAG,
        summary="List a customer's wallets",
        description=f"Those that they have paid by. {_LIVE}",
        parameters=(_ID,),
        answers=page_of(
            "Payment methods retrieved",
            "PaymentMethod",
            ("items", "data", "payment_methods"),
            examples.METHOD,
        ),
        failures=(404,),
        security=GRANTED_WHERE_LIVE,
    ),
    Operation(
        route="GET /customers/{id}/payments",
        name="listCustomerPayments",
        tag=_TAG,
        summary="List a customer's payments",
        description=_LIVE,
        parameters=(_ID, *PAGES),
        answers=page_of(
            "Customer payments retrieved",
            "Transaction",
            ("payments", "items", "data"),
            examples.COMPLETE,
        ),
        failures=(404,),
        security=GRANTED_WHERE_LIVE,
    ),
    _blocking("block", blocked=True, description="They cannot pay any more (403)."),
    _blocking("unblock", blocked=False, description="They can pay again."),
)
