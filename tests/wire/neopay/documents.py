"""The requests of Neopay's documents, as published: texts that must work verbatim."""

from __future__ import annotations

#: Create a customer.
CUSTOMER = """{
"name": "Jhon Doe",
"email": "jhondoe@email.com",
"phone": "+01 23 45 67 89",
"city": "Paris",
"state": "Île de France",
"zip_code": "70123",
"street": "Avenue Victor Hugo.",
"house_number": "33",
"currency": "EUR",
"tax_number": "99 99 999 999 999",
"company_number": "C9876543"
}"""

#: Update a customer.
CUSTOMER_UPDATE = """{
    "name": "Jhon Doe Updated",
    "email": "jhondoeupdate@email.com",
    "phone": "+01 23 45 67 89",
    "city": "Paris",
    "state": "Île de France",
    "zip_code": "70123",
    "street": "Avenue Victor Hugo.",
    "house_number": "33",
    "currency": "EUR",
    "tax_number": "99 99 999 999 999",
    "company_number": "C9876543"
}"""

#: The body of a payment, as the page shows it.
PAYMENT = """{
    "serviceId": "api",
    "institutionId": 20,
    "payment": {
        "amount": 122.44,
        "currency": "GBP"
    },
    "customer": {
        "id": "99618204-6daf-4eca-8180-c21bb8d8ee24",
        "name": "Jhon Doe",
        "email": "jhondoe@email.com",
        "country": "GB"
    },
    "reference": "reference",
    "callback_url": "https://webhook.site/2d9eefba-3ac8-4692-a0ec-d57dd3ce3abd"
}"""

#: The curl of the same page: a comma is missing after the first line.
PAYMENT_WITHOUT_COMMA = """{
"serviceId": "api"
"institutionId": 22,
"payment": {
"amount": 122.44,
"currency": "GBP"
},
"customer": {
"id": "99ea2084-55c9-4deb-9a74-0a698022573b",
"name": "Jhon Doe",
"email": "jhondoe@email.com",
"country": "GB"
},
"reference": "reference",
"callback_url": "https://webhook.site/b4461d69-5feb-447e-898b-75bb9ddf9023"
}"""

#: The older call, which knows no services.
PAYMENT_WITHOUT_SERVICE = """{
    "institutionId": 20,
    "payment": {
        "amount": 122.44,
        "currency": "GBP"
    },
    "customer": {
        "id": "99618204-6daf-4eca-8180-c21bb8d8ee24",
        "name": "Jhon Doe",
        "email": "jhondoe@email.com",
        "country": "GB"
    },
    "reference": "reference",
    "callback_url": "https://webhook.site/2d9eefba-3ac8-4692-a0ec-d57dd3ce3abd"
}"""

#: The filter of the list of payments, two words misspelt.
FILTER = "/api/payments?service=ap&status=pendingi&fromDate={}&toDate={}"
