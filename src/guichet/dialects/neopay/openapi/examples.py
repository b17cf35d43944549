"""Example values: what a sandbox answers, with ids and addresses that name nobody."""

from __future__ import annotations

from typing import Any

APPLICATION_ID = "98e2fe88-3a95-4c7c-a98f-dfa5192b85f6"
PAYMENT_ID = "99639165-04a9-4742-b51b-c9dcc4fbc3cb"
CUSTOMER_ID = "98fa8d80-bb04-4a39-a5c0-b69ca5708664"
LINK_ID = "98e878e8-2486-458a-b1f4-878d37398b52"
_HERE = "https://pay.example"

NEW_CUSTOMER: dict[str, Any] = {
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
    "company_number": "C9876543",
}

CUSTOMER: dict[str, Any] = {
    "id": CUSTOMER_ID,
    "name": "Jhon Doe",
    "email": "jhondoe@email.com",
    "phone": "+01 23 45 67 89",
    "city": "Paris",
    "state": "Île de France",
    "country": None,
    "zip_code": "70123",
    "street": "Avenue Victor Hugo.",
    "house_number": "33",
    "currency": "EUR",
    "tax_number": "99 99 999 999 999",
    "company_number": "C9876543",
}

NEW_PAYMENT: dict[str, Any] = {
    "serviceId": "api",
    "institutionId": 20,
    "payment": {"amount": 122.44, "currency": "GBP"},
    "customer": {"name": "Jhon Doe", "email": "jhondoe@email.com", "country": "GB"},
    "reference": "INV-42",
    "callback_url": "https://webhook.site/2d9eefba-3ac8-4692-a0ec-d57dd3ce3abd",
}

NEW_PIX_PAYMENT: dict[str, Any] = {
    "serviceId": "pix",
    "payment": {"amount": 122.44, "currency": "BRL"},
    "customer": {
        "name": "Jhon Doe",
        "email": "jhondoe@email.com",
        "country": "BR",
        "tax_number": "06372771390",
    },
    "reference": "INV-43",
}

PAYMENT: dict[str, Any] = {
    "id": PAYMENT_ID,
    "application_id": APPLICATION_ID,
    "amount": 122.44,
    "status": "pending",
    "currency": "GBP",
    "country": "GB",
    "service": "api",
    "environment": "sandbox",
    "institution": {"id": 20, "name": "Modelo Sandbox"},
    "customer": {
        "id": "99639164-f36d-4836-a8b7-934ad056b16c",
        "name": "Jhon Doe",
        "email": "jhondoe@email.com",
        "currency": "GBP",
        "phone": None,
        "country": "GB",
        "state": None,
    },
    "payee": {
        "name": "John Doe",
        "country_code": "GB",
        "bank_name": "MODELO",
        "accountable": "DE89370400440532013000",
        "swift_bic": "AACSDE33",
    },
    "fee": None,
    "percentual_fee": None,
    "total_fee": None,
    "created_at": "2023-06-12T00:20:01.000000Z",
    "updated_at": "2023-06-12T00:20:01.000000Z",
    "authorisationUrl": f"{_HERE}/pay/9963916504a94742b51bc9dcc4fbc3cb/zX7MdG90SHpgbjWKxRwGRy7c",
    "reference": "INV-42",
    "callback_url": "https://webhook.site/2d9eefba-3ac8-4692-a0ec-d57dd3ce3abd",
}
COMPLETED_PAYMENT = PAYMENT | {
    "status": "completed",
    "updated_at": "2023-06-12T00:21:40.000000Z",
}

_PIX_CODE = (
    "00020101021226770014BR.GOV.BCB.PIX2555pix.example.com/qr/"
    "93598be0-1bd0-4997-8318-81776a1d8a995204000053039865802BR5907EMPRESA6009SAO PAULO"
    "62070503***6304EEAB"
)
PIX_PAYMENT: dict[str, Any] = {
    name: value for name, value in PAYMENT.items() if name != "authorisationUrl"
} | {
    "currency": "BRL",
    "country": "BR",
    "service": "pix",
    "institution": None,
    "qr_code": _PIX_CODE,
    "qr_code_image": "data:image/svg+xml;base64,PHN2Zy8+",
    "reference": "INV-43",
    "callback_url": None,
}

NEW_LINK: dict[str, Any] = {
    "product": "Iphone 14 Pro",
    "amount": 350.41,
    "description": "Iphone 14 Pro reconditionné",
    "reference": "NEOPAY-IPHONE",
    "request_customer_data": "full_customer",
    "settings": {
        "expirationDate": False,
        "showPayeeData": False,
        "requestCustomerData": True,
        "theme": {"selected": "blue"},
    },
}

LINK: dict[str, Any] = {
    "id": LINK_ID,
    "application_id": APPLICATION_ID,
    "status": "draft",
    "slug": "5EczjXZRsZ",
    "product": "Iphone 14 Pro",
    "amount": 350.41,
    "description": "Iphone 14 Pro reconditionné",
    "communication": "NEOPAY-IPHONE",
    "expired_at": None,
    "request_customer_data": "full_customer",
    "show_payee_data": False,
    "enabled": True,
    "settings": NEW_LINK["settings"],
    "created_at": "2023-04-11T19:44:43.000000Z",
    "updated_at": "2023-04-11T19:44:43.000000Z",
    "deleted_at": None,
    "reference": "NEOPAY-IPHONE",
    "url": f"{_HERE}/links/5EczjXZRsZ",
    "currency": "GBP",
    "amount_type": "fixed",
    "services": ["api", "pix"],
    "payments_limit": None,
    "redirection_type": "default",
    "success_url": None,
    "error_url": None,
    "callback_url": None,
}

INSTITUTION: dict[str, Any] = {
    "id": 7,
    "code": "cic-sandbox",
    "name": "CIC Sandbox",
    "medias": {
        "logo": "https://images.yapily.com/image/fb6f1e5a-53b8-47f8-a313-9019f717bb20?size=0",
        "icon": "https://images.yapily.com/image/d77815df-ab02-44c1-8c73-24098d661d40?size=0",
    },
    "environment": "SANDBOX",
    "available_countries": [{"displayName": "France", "countryCode2": "FR"}],
    "instant_payment_enabled": True,
    "bulk_payment_enabled": False,
}


def page_of(path: str, *items: dict[str, Any]) -> dict[str, Any]:
    """A list's only page, with its links."""
    first = f"{_HERE}{path}?page=1"
    return {
        "data": list(items),
        "links": {"first": first, "last": first, "prev": None, "next": None},
        "meta": {
            "current_page": 1,
            "from": 1,
            "last_page": 1,
            "links": [
                {"url": None, "label": "Previous", "active": False},
                {"url": first, "label": "1", "active": True},
                {"url": None, "label": "Next", "active": False},
            ],
            "path": f"{_HERE}{path}",
            "per_page": 10,
            "to": len(items),
            "total": len(items),
        },
    }
