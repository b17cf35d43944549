"""The usual way, as a yardstick: FastAPI and SQLAlchemy's async ORM, one process, a transaction
per request: look up the key, the idempotency row and the customer, then insert.

Run as ``python -m bench.orm PORT DSN``. It has tables of its own in the bench's cluster.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID, uuid4

import uvicorn
from fastapi import FastAPI, Header, HTTPException
from pydantic import BaseModel, Field
from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column, relationship

from bench.load import PAYERS


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    id: Mapped[UUID] = mapped_column(primary_key=True, default_factory=uuid4)
    created_at: Mapped[datetime] = mapped_column(default_factory=_now)


class Key(Base):
    __tablename__ = "orm_keys"
    digest: Mapped[str] = mapped_column(unique=True)
    application_id: Mapped[UUID]


class Customer(Base):
    __tablename__ = "orm_customers"
    __table_args__ = (UniqueConstraint("application_id", "email"),)
    application_id: Mapped[UUID]
    email: Mapped[str]
    name: Mapped[str | None]
    country: Mapped[str]
    currency: Mapped[str | None]


class Payment(Base):
    __tablename__ = "orm_payments"
    application_id: Mapped[UUID] = mapped_column(index=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("orm_customers.id"), init=False)
    institution_id: Mapped[int]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    reference: Mapped[str | None]
    callback_url: Mapped[str | None]
    customer: Mapped[Customer] = relationship(lazy="raise")


class Idempotency(Base):
    __tablename__ = "orm_idempotency"
    __table_args__ = (UniqueConstraint("application_id", "key"),)
    application_id: Mapped[UUID]
    key: Mapped[str]
    payment_id: Mapped[UUID]


class Outbox(Base):
    __tablename__ = "orm_outbox"
    application_id: Mapped[UUID]
    type: Mapped[str]
    payment_id: Mapped[UUID]


class AmountIn(BaseModel):
    amount: Decimal = Field(gt=0, le=Decimal("99999999.99"), decimal_places=2)
    currency: str = Field(min_length=3, max_length=3)


class CustomerIn(BaseModel):
    email: str = Field(max_length=255, pattern=r"^[^@\s]+@[^@\s]+$")
    name: str | None = Field(default=None, max_length=255)
    country: str = Field(max_length=255)


class PaymentIn(BaseModel):
    service: str = Field(default="api", alias="serviceId")
    institution_id: int = Field(alias="institutionId")
    payment: AmountIn
    customer: CustomerIn
    reference: str | None = Field(default=None, max_length=255)
    callback_url: str | None = Field(default=None, max_length=2000)


class CustomerOut(BaseModel, from_attributes=True):
    id: UUID
    name: str | None
    email: str
    currency: str | None
    country: str


class PaymentOut(BaseModel, from_attributes=True):
    id: UUID
    application_id: UUID
    amount: float
    status: str
    currency: str
    customer: CustomerOut
    reference: str | None
    created_at: datetime


class Created(BaseModel):
    message: str
    payment: PaymentOut


def build_app(dsn: str, keys: dict[str, UUID]) -> FastAPI:
    """The fixture's application, with ``keys`` (token -> application) put into its tables."""
    engine = create_async_engine(
        dsn.replace("postgresql://", "postgresql+asyncpg://"), pool_size=32
    )
    sessions = async_sessionmaker(engine, expire_on_commit=False)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with engine.begin() as connection:
            await connection.run_sync(Base.metadata.drop_all)
            await connection.run_sync(Base.metadata.create_all)
        async with sessions.begin() as session:
            session.add_all(
                Key(digest=_digest(token), application_id=application)
                for token, application in keys.items()
            )
            # The payers are known, as they are to the server that this is compared with.
            applications = list(keys.values())
            session.add_all(
                Customer(
                    application_id=applications[number % len(applications)],
                    email=f"payer{number:05d}@example.com",
                    name="Jhon Doe",
                    country="GB",
                    currency="GBP",
                )
                for number in range(PAYERS)
            )
        async with engine.begin() as connection:
            await connection.exec_driver_sql("ANALYZE")
        yield
        await engine.dispose()

    app = FastAPI(lifespan=lifespan)

    @app.post("/api/payments")
    async def create_payment(
        body: PaymentIn,
        authorization: Annotated[str, Header()],
        idempotency_key: Annotated[str, Header()],
    ) -> Created:
        async with sessions.begin() as session:
            payment = await _create(session, body, authorization, idempotency_key)
        saved = PaymentOut.model_validate(payment)
        return Created(message="Payment saved successfully!", payment=saved)

    return app


async def _create(
    session: AsyncSession, body: PaymentIn, token: str, idempotency_key: str
) -> Payment:
    key = await session.scalar(select(Key).where(Key.digest == _digest(token)))
    if key is None:
        raise HTTPException(401)
    application_id = key.application_id
    earlier = await session.scalar(
        select(Idempotency).where(
            Idempotency.application_id == application_id, Idempotency.key == idempotency_key
        )
    )
    if earlier is not None:
        raise HTTPException(409)
    customer = await session.scalar(
        select(Customer).where(
            Customer.application_id == application_id, Customer.email == body.customer.email
        )
    )
    if customer is None:
        customer = Customer(
            application_id=application_id,
            currency=body.payment.currency,
            **body.customer.model_dump(),
        )
        session.add(customer)
    payment = Payment(
        application_id=application_id,
        institution_id=body.institution_id,
        amount=body.payment.amount,
        currency=body.payment.currency,
        status="pending",
        reference=body.reference,
        callback_url=body.callback_url,
        customer=customer,
    )
    session.add_all(
        [
            payment,
            Idempotency(application_id=application_id, key=idempotency_key, payment_id=payment.id),
            Outbox(application_id=application_id, type="payment.created", payment_id=payment.id),
        ]
    )
    return payment


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def main() -> None:
    port, dsn, *pairs = sys.argv[1:]
    keys = {token: UUID(application) for token, application in (p.split("=") for p in pairs)}
    uvicorn.run(
        build_app(dsn, keys),
        port=int(port),
        loop="uvloop",
        http="httptools",
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
