-- Rows as the gateway sends them to be written, many at a time: one array of rows costs the driver
-- and PostgreSQL a fraction of an array for each column. A type is never altered: running processes
-- know its columns by place. A change of what is sent makes a new type.
CREATE TYPE attempt_change AS (
    id uuid, status text, provider_reference text, memory bytea, next_step_url text,
    next_step_code text, reason text, code text, finality smallint, received_minor bigint,
    received_currency text, placed_minor bigint, returned_minor bigint, checks_count integer,
    next_check_at timestamptz, updated_at timestamptz
);
CREATE TYPE payment_change AS (
    id uuid, status text, reason text, unreleased_minor bigint, refunding_minor bigint,
    refunded_minor bigint, returned_minor bigint, payer_code text, completed_at timestamptz,
    release_at timestamptz, updated_at timestamptz, version integer
);
CREATE TYPE new_event AS (
    id uuid, application_id uuid, type text, subject_type text, subject_id uuid, version integer,
    status text, previous_status text, reason text, late boolean, occurred_at timestamptz
);
CREATE TYPE new_delivery AS (
    id uuid, event_id uuid, application_id uuid, url text, at timestamptz
);
CREATE TYPE new_entry AS (
    id uuid, environment text, key text, event text, subject_id uuid, occurred_at timestamptz
);
CREATE TYPE new_posting AS (
    entry_id uuid, line smallint, account_id bigint, direction text, amount_minor bigint,
    balance_after_minor bigint, account_version bigint
);
CREATE TYPE account_change AS (id bigint, balance_minor bigint, version bigint);
