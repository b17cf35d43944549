-- The rows of bulk transfers have a table of their own: a row that is tried again changes alone.
-- Nothing has filled the column so far.
ALTER TABLE bulk_transfers DROP COLUMN rows;

-- Each row of a bulk as it was asked for, and what became of it: a transfer, or why none.
CREATE TABLE bulk_rows (
    bulk_id         uuid NOT NULL REFERENCES bulk_transfers,
    number          integer NOT NULL CHECK (number >= 0),
    application_id  uuid NOT NULL,
    content         jsonb NOT NULL, -- the row in the dialect's words
    transfer_id     uuid, -- its own, or one that the same reference had made before
    reason          text CHECK (reason IN ('invalid', 'repeated', 'taken', 'insufficient_funds')),
    errors          jsonb, -- what the dialect says of an invalid one
    updated_at      timestamptz NOT NULL,
    PRIMARY KEY (bulk_id, number),
    CHECK ((transfer_id IS NULL) <> (reason IS NULL))
);

-- Rows as the gateway sends them to be written, many at a time (see 0004).
CREATE TYPE new_transfer AS (
    id uuid, application_id uuid, environment text, purpose text, beneficiary_id uuid,
    bulk_id uuid, rail text, account_id uuid, channel text, destination jsonb, amount_minor bigint,
    fee_minor bigint, currency text, status text, approval text, reason text, code text,
    provider_reference text, memory bytea, reference text, description text, details jsonb,
    checks_count integer, next_check_at timestamptz, claim bigint, created_at timestamptz,
    updated_at timestamptz, completed_at timestamptz, version integer
);
CREATE TYPE new_beneficiary AS (
    id uuid, application_id uuid, environment text, name text, kind text, channel text,
    account_number text, country text, currency text, email text, phone text, bank_code text,
    reference text, description text, details jsonb, created_at timestamptz,
    updated_at timestamptz, deleted_at timestamptz, version integer
);
CREATE TYPE bulk_row_result AS (
    bulk_id uuid, application_id uuid, number integer, content jsonb, transfer_id uuid,
    reason text, errors jsonb, updated_at timestamptz
);

-- Where sources of a wire disagree, a merchant may choose: the dialect's own words for its choices.
ALTER TABLE applications ADD COLUMN dialect_options text[] NOT NULL DEFAULT '{}';
