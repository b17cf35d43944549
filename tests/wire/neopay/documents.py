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

#: The body of a payment by Pix, as the page shows it.
PIX = """{
    "serviceId": "pix",
    "payment": {
        "amount": 122.44,
        "currency": "GBP"
    },
    "customer": {
        "id": "99618204-6daf-4eca-8180-c21bb8d8ee24",
        "name": "Jhon Doe",
        "email": "jhondoe@email.com",
        "country": "GB",
        "tax_number": "06372771390"
    },
    "reference": "reference"
}"""

#: The curl of the same page: a comma is missing after the first line.
PIX_WITHOUT_COMMA = """{
"serviceId": "pix"
"payment": {
"amount": 122.44,
"currency": "GBP"
},
"customer": {
"id": "99ea2084-55c9-4deb-9a74-0a698022573b",
"name": "Jhon Doe",
"email": "jhondoe@email.com",
"country": "GB",
"tax_number": "06372771390"
},
"reference": "reference",
"callback_url": "https://webhook.site/b4461d69-5feb-447e-898b-75bb9ddf9023"
}"""

#: The filter of the list of payments, two words misspelt.
FILTER = "/api/payments?service=ap&status=pendingi&fromDate={}&toDate={}"

#: Create a payment link: the curl.
LINK = """{
"product": "Iphone 14 Pro",
"amount": 350.41,
"description": "Iphone 14 Pro reconditionné",
"reference": "NEOPAY-IPHONE",
"expired_at": "2023-10-31 18:00:00",
"request_customer_data": "full_customer",
"settings": {
"expirationDate": false,
"showPayeeData": false,
"requestCustomerData": true,
"theme": {
"selected": "blue"
}
}
}"""

#: Create a payment link: the body below the curl, with the older name of the reference.
LINK_WITH_COMMUNICATION = """{
"product": "Iphone 14 Pro",
"amount": 350.41,
"description": "Iphone 14 Pro reconditionné",
"communication": "NEOPAY-IPHONE",
"expired_at": "2023-01-31 18:00:00",
"request_customer_data": "full_customer",
"settings": {
"expirationDate": false,
"showPayeeData": false,
"requestCustomerData": true,
"theme": {
"selected": "blue"
}
}
}"""

#: The answer to every call about a payment link, as printed: only its shape can hold.
LINK_ANSWER = """{
"data": {
"id": "98e878e8-2486-458a-b1f4-878d37398b52",
"application_id": "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6",
"status": "draft",
"slug": "5EczjXZRsZ",
"product": "Iphone 14 Pro",
"amount": 350.41,
"description": "Iphone 14 Pro reconditionné",
"communication": null,
"expired_at": null,
"request_customer_data": false,
"show_payee_data": false,
"enabled": true,
"settings": {
"expirationDate": false,
"showPayeeData": false,
"requestCustomerData": true,
"theme": {
"selected": "blue"
}
},
"created_at": "2023-04-11T19:44:43.000000Z",
"updated_at": "2023-04-11T19:44:43.000000Z",
"deleted_at": null
}
}"""
