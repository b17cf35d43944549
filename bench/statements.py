"""The SQL side of the bench: the ceilings, and what it puts into its databases."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from bench.load import PAYERS
from guichet.domain.ids import new_ids
from guichet.store import database, payments, scope

APPLICATIONS = 16
AMOUNT_MINOR = 12_244
INSTITUTION = 20

#: A payer as long as they are once sealed; who they are the database cannot tell.
DATA_KEY, SEALED, SEARCH_KEYS = b"k" * 64, b"s" * 110, b"w" * 32

#: The store's own statement for creating payments, called by the ceiling with one item each, and
#: the settings of the store's own sessions.
CREATE = payments._CREATE  # noqa: SLF001
SESSION = database._SESSION  # noqa: SLF001


def _digest(email: str) -> bytes:
    return hashlib.md5(email.encode(), usedforsecurity=False).digest()


def serial_number(number: int) -> int:
    return number


@dataclass(frozen=True)
class _OneItem:
    """The items of one call, a list of one. A class: processes are handed what they call."""

    application_id: UUID
    payee_id: UUID
    fee_rule_id: UUID

    def __call__(self, number: int) -> list[tuple[Any, ...]]:
        now = datetime.now(UTC)
        payment_id, event_id, payer_id = new_ids(now, 3)
        email = f"payer{number % PAYERS:05d}@example.com"
        return [(
            payment_id, self.application_id, "sandbox", self.payee_id, self.fee_rule_id,
            "open_banking", INSTITUTION, None, "GB", "reference", AMOUNT_MINOR, "GBP", 86,
            "https://merchant.example/callback", f"sql-{number:012d}", b"h" * 32,
            now + timedelta(days=1), event_id, None,
            None, payer_id, _digest(email), _digest(email), DATA_KEY, SEALED, SEARCH_KEYS, None,
            None,
        )]  # fmt: skip


def create_arguments(application_id: UUID, payee_id: UUID, fee_rule_id: UUID) -> tuple[Any, ...]:
    """Arguments of ``CREATE``; functions are called with the serial number of the call."""
    one_item = _OneItem(application_id, payee_id, fee_rule_id)
    return (one_item, datetime.now(UTC), scope.literal([application_id]))


#: The same call for pgbench, which makes its values itself.
def create_script(application_ids: list[UUID], payee_id: UUID, fee_rule_id: UUID) -> str:
    names = ", ".join(f"'{application_id}'" for application_id in application_ids)
    digest = "decode(md5('payer' || lpad(:n::text, 5, '0') || '@example.com'), 'hex')"
    return f"""\\set n random(0, {PAYERS - 1})
\\set a random(1, {len(application_ids)})
SELECT * FROM create_payments(ARRAY[ROW(
    uuidv7(), (ARRAY[{names}]::uuid[])[:a], 'sandbox', '{payee_id}'::uuid, '{fee_rule_id}'::uuid,
    'open_banking', {INSTITUTION}, NULL, 'GB', 'reference', {AMOUNT_MINOR}, 'GBP', 86,
    'https://merchant.example/callback', 'pgbench-' || gen_random_uuid(), sha256('h'),
    now() + interval '1 day', uuidv7(), NULL, NULL, uuidv7(), {digest}, {digest},
    '\\x{DATA_KEY.hex()}', '\\x{SEALED.hex()}', '\\x{SEARCH_KEYS.hex()}',
    NULL, NULL)::payment_of_payer], now())
WHERE {scope.GATE.format(f"'{scope.literal(application_ids)}'")};
"""


#: Settling the plain way: state, entry, four postings, outbox, and four balance rows, three of
#: them shared by everybody, in one function per payment (design: form (i)).
ROW_LOCK = """
CREATE TABLE plain_payments (id bigint PRIMARY KEY, account integer NOT NULL, status text NOT NULL);
CREATE TABLE plain_accounts (id integer PRIMARY KEY, balance_minor bigint NOT NULL DEFAULT 0);
CREATE TABLE plain_entries (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, key text UNIQUE);
CREATE TABLE plain_postings (
    entry_id bigint NOT NULL, line smallint, account_id integer NOT NULL, amount_minor bigint,
    PRIMARY KEY (entry_id, line));
CREATE INDEX plain_postings_account ON plain_postings (account_id, entry_id);
CREATE TABLE plain_outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payment_id bigint, type text);
INSERT INTO plain_accounts SELECT generate_series(1, 103);
CREATE FUNCTION plain_settle(payment bigint) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    entry bigint;
    merchant integer;
BEGIN
    UPDATE plain_payments SET status = 'completed' WHERE id = payment AND status = 'pending'
        RETURNING account INTO merchant;
    IF NOT FOUND THEN
        RETURN 'gone';
    END IF;
    INSERT INTO plain_entries (key) VALUES ('payment:' || payment) RETURNING id INTO entry;
    INSERT INTO plain_postings VALUES
        (entry, 1, 1, 10000), (entry, 2, merchant, -9900), (entry, 3, 2, -70), (entry, 4, 3, -30);
    INSERT INTO plain_outbox (payment_id, type) VALUES (payment, 'payment.completed');
    UPDATE plain_accounts SET balance_minor = balance_minor + 10000 WHERE id = 1;
    UPDATE plain_accounts SET balance_minor = balance_minor - 70 WHERE id = 2;
    UPDATE plain_accounts SET balance_minor = balance_minor - 30 WHERE id = 3;
    UPDATE plain_accounts SET balance_minor = balance_minor - 9900 WHERE id = merchant;
    RETURN 'completed';
END $$;
"""
SETTLE_PLAIN = "SELECT plain_settle($1)"
MORE_PLAIN_PAYMENTS = """
INSERT INTO plain_payments SELECT n, 4 + n % 100, 'pending'
FROM generate_series($1::bigint, $2::bigint) n
"""
