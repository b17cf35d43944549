-- Money that a provider holds under a key that we made and of which we have no attempt: an older
-- backup was restored. It lies in suspense until a person says which payment it was for, or that it
-- was given back. It is no application's as long as nobody has said.
CREATE TABLE unclaimed_receipts (
    id              uuid PRIMARY KEY,
    rail            text NOT NULL,
    environment     text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    account_id      uuid, -- null: the connector's default account
    order_id        uuid NOT NULL, -- our key of the order at the provider
    received_minor  bigint NOT NULL CHECK (received_minor >= 0),
    returned_minor  bigint NOT NULL CHECK (returned_minor BETWEEN 0 AND received_minor),
    currency        text NOT NULL,
    payment_id      uuid, -- what it was claimed for: its money is an attempt's since
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    UNIQUE NULLS NOT DISTINCT (rail, environment, account_id, order_id)
);
CREATE INDEX unclaimed_receipts_open ON unclaimed_receipts (id) WHERE payment_id IS NULL;

-- Its entries are the house's, as the accounts that they move are.
ALTER POLICY in_scope ON ledger_entries USING (
    EXISTS (SELECT FROM payments p WHERE p.id = ledger_entries.subject_id)
    OR EXISTS (SELECT FROM transfers t WHERE t.id = ledger_entries.subject_id)
    OR EXISTS (SELECT FROM attempts o WHERE o.id = ledger_entries.subject_id)
    OR EXISTS (SELECT FROM refunds r WHERE r.id = ledger_entries.subject_id)
    OR EXISTS (SELECT FROM applications a WHERE a.id = ledger_entries.subject_id)
    OR ((SELECT applications_in_scope()) IS NOT NULL
        AND EXISTS (SELECT FROM unclaimed_receipts u WHERE u.id = ledger_entries.subject_id))
);
