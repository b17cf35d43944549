"""Applications that ask too much."""

from __future__ import annotations

from uuid import uuid4

from guichet.domain.access import Application, Environment
from guichet.domain.orders import Payee


def application(
    environment: Environment = Environment.SANDBOX, requests_per_minute: int = 0
) -> Application:
    return Application(
        id=uuid4(),
        merchant_id=uuid4(),
        name="Tests",
        dialect="neopay",
        environment=environment,
        payee=Payee(uuid4(), "John Doe", "GB", "MODELO", "DE89370400440532013000", "AACSDE33"),
        fee_rule=None,
        currency="GBP",
        allowed_addresses=(),
        allowed_domains=(),
        requests_per_minute=requests_per_minute,
        settlement_delay_hours=0,
        payment_lifetime_minutes=60,
        lenient_json=False,
        returns_payer=False,
    )
