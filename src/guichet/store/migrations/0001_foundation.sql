-- The tables of guichet. Written for PostgreSQL 15, no extensions. Amounts are bigint minor units
-- beside their currency; times are timestamptz given by the gateway's clock, never now() (leases
-- alone use the database's clock). Statuses are text with a CHECK: cheaper to change than an enum.
--
-- Hot tables (payments, attempts, events, deliveries, postings) have no foreign keys to parents
-- whose rows are never deleted: each such key costs a query and a lock on the parent for every
-- row, and the serving role may not delete anything anyway. Postings are checked by statement.

CREATE TABLE merchants (
    id          uuid PRIMARY KEY,
    name        text NOT NULL,
    country     text,
    created_at  timestamptz NOT NULL
);

-- Bank accounts that are paid. Rows never change: a payment keeps the payee it was made with.
CREATE TABLE payees (
    id            uuid PRIMARY KEY,
    merchant_id   uuid NOT NULL REFERENCES merchants,
    name          text NOT NULL,
    country       text NOT NULL,
    bank_name     text NOT NULL,
    account       text NOT NULL,
    bic           text NOT NULL,
    created_at    timestamptz NOT NULL
);

-- Tariffs. Rows never change: a payment keeps the one it was quoted.
CREATE TABLE fee_rules (
    id           uuid PRIMARY KEY,
    percent_bps  integer NOT NULL CHECK (percent_bps BETWEEN 0 AND 10000),
    fixed_minor  bigint NOT NULL CHECK (fixed_minor >= 0),
    min_minor    bigint CHECK (min_minor >= 0),
    max_minor    bigint CHECK (max_minor >= 0),
    created_at   timestamptz NOT NULL
);

CREATE TABLE applications (
    id                        uuid PRIMARY KEY,
    merchant_id               uuid NOT NULL REFERENCES merchants,
    name                      text NOT NULL,
    dialect                   text NOT NULL CHECK (dialect IN ('neopay', 'notchpay')),
    environment               text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    payee_id                  uuid NOT NULL REFERENCES payees,
    fee_rule_id               uuid REFERENCES fee_rules,
    currency                  text NOT NULL,
    allowed_addresses         text[] NOT NULL DEFAULT '{}',
    allowed_domains           text[] NOT NULL DEFAULT '{}',
    requests_per_minute       integer NOT NULL DEFAULT 60 CHECK (requests_per_minute >= 0),
    settlement_delay_hours    integer NOT NULL DEFAULT 0 CHECK (settlement_delay_hours >= 0),
    payment_lifetime_minutes  integer NOT NULL DEFAULT 1440 CHECK (payment_lifetime_minutes > 0),
    lenient_json              boolean NOT NULL DEFAULT false,
    returns_payer             boolean NOT NULL DEFAULT true,
    transfer_fee_rule_id      uuid REFERENCES fee_rules,
    approves_transfers        boolean NOT NULL DEFAULT false, -- a second person does (maker, checker)
    transfer_addresses        text[] NOT NULL DEFAULT '{}', -- networks transfers may be asked from
    public_key_reads          boolean NOT NULL DEFAULT false, -- lists by the public key, live
    webhook_secret            bytea NOT NULL, -- sealed
    created_at                timestamptz NOT NULL,
    archived_at               timestamptz
);

-- API keys: the SHA-256 of 256 random bits, and what people may see of them.
CREATE TABLE api_keys (
    digest          bytea PRIMARY KEY CHECK (octet_length(digest) = 32),
    application_id  uuid NOT NULL REFERENCES applications,
    role            text NOT NULL CHECK (role IN ('public', 'secret')),
    prefix          text NOT NULL,
    sealed          bytea, -- the key itself, where a wire signs notifications with it
    created_at      timestamptz NOT NULL,
    revoked_at      timestamptz
);
CREATE INDEX api_keys_application ON api_keys (application_id);

-- Applications' own accounts at providers. Rows never change but for the end of their use: an attempt
-- is asked for where it was begun.
CREATE TABLE provider_accounts (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL REFERENCES applications,
    rail            text NOT NULL,
    settings        bytea NOT NULL, -- sealed
    created_at      timestamptz NOT NULL,
    replaced_at     timestamptz
);
CREATE UNIQUE INDEX provider_accounts_in_use ON provider_accounts (application_id, rail)
    WHERE replaced_at IS NULL;

-- Tells every process to read applications and keys again; the processes also ask by themselves.
CREATE TABLE access_version (one boolean PRIMARY KEY DEFAULT true CHECK (one), version bigint NOT NULL);
INSERT INTO access_version (version) VALUES (1);

CREATE FUNCTION access_changed() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    UPDATE access_version SET version = version + 1;
    PERFORM pg_notify('guichet_access', '');
    RETURN NULL;
END $$;
CREATE TRIGGER applications_changed AFTER INSERT OR UPDATE OR DELETE ON applications
    FOR EACH STATEMENT EXECUTE FUNCTION access_changed();
CREATE TRIGGER api_keys_changed AFTER INSERT OR UPDATE OR DELETE ON api_keys
    FOR EACH STATEMENT EXECUTE FUNCTION access_changed();

CREATE TRIGGER provider_accounts_changed AFTER INSERT OR UPDATE OR DELETE ON provider_accounts
    FOR EACH STATEMENT EXECUTE FUNCTION access_changed();

CREATE TABLE institutions (
    id                integer PRIMARY KEY,
    rail              text NOT NULL,
    code              text NOT NULL,
    name              text NOT NULL,
    environment       text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    countries         text[] NOT NULL,
    logo_url          text,
    icon_url          text,
    instant_payments  boolean NOT NULL,
    bulk_payments     boolean NOT NULL,
    offered           boolean NOT NULL DEFAULT true,
    UNIQUE (rail, environment, code)
);
CREATE SEQUENCE institutions_number START 1001 OWNED BY institutions.id;
-- The numbers that Neopay's documents use (contracts/neopay.md 4.4) belong to these banks for ever.
INSERT INTO institutions VALUES
    (7, 'open_banking', 'cic-sandbox', 'CIC Sandbox', 'sandbox', '{FR}', NULL, NULL, true, false),
    (20, 'open_banking', 'modelo-sandbox', 'Modelo Sandbox', 'sandbox', '{GB}', NULL, NULL, true, true),
    (22, 'open_banking', 'natwest-sandbox', 'NatWest Sandbox', 'sandbox', '{GB}', NULL, NULL, true, false);

CREATE TABLE customers (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL REFERENCES applications,
    email_key       text, -- by which payers are found; null: not by e-mail
    phone_key       text, -- by which payers are found; null: not by phone
    name            text,
    email           text,
    phone           text,
    city            text,
    state           text,
    country         text,
    zip_code        text,
    street          text,
    house_number    text,
    currency        text,
    tax_number      text,
    company_number  text,
    details         jsonb, -- what a dialect keeps of the customer beside this
    blocked         boolean NOT NULL DEFAULT false,
    deleted_at      timestamptz,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    version         integer NOT NULL DEFAULT 1,
    UNIQUE (application_id, email_key)
);
CREATE UNIQUE INDEX customers_phone ON customers (application_id, phone_key)
    WHERE phone_key IS NOT NULL;
CREATE INDEX customers_newest ON customers (application_id, id DESC);

-- Payment links. A link's row is locked while a payment is born from it (shared, or alone where
-- ``payments_limit`` counts them) and while its state changes: that lock decides who came first.
CREATE TABLE links (
    id                uuid PRIMARY KEY,
    application_id    uuid NOT NULL REFERENCES applications,
    environment       text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    slug              text NOT NULL UNIQUE,
    status            text NOT NULL CHECK (status IN ('draft', 'published', 'closed')),
    enabled           boolean NOT NULL DEFAULT true,
    product           text NOT NULL,
    description       text,
    reference         text,
    amount_minor      bigint CHECK (amount_minor > 0), -- null: the payer chooses
    currency          text NOT NULL CHECK (length(currency) = 3),
    rails             text[] NOT NULL, -- what the payer may choose from
    customer_data     text CHECK (customer_data IN ('name', 'name_phone', 'full_customer')),
    shows_payee       boolean NOT NULL,
    expires_at        timestamptz,
    payments_limit    integer CHECK (payments_limit > 0),
    success_url       text,
    error_url         text,
    notify_url        text, -- of the payments born from it
    settings          jsonb NOT NULL, -- theme and flags as the application sent them
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    deleted_at        timestamptz,
    version           integer NOT NULL DEFAULT 1,
    CHECK ((success_url IS NULL) = (error_url IS NULL))
);
CREATE INDEX links_newest ON links (application_id, id DESC) WHERE deleted_at IS NULL;

CREATE TABLE payments (
    id                uuid PRIMARY KEY,
    application_id    uuid NOT NULL,
    environment       text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    customer_id       uuid NOT NULL,
    payee_id          uuid NOT NULL,
    fee_rule_id       uuid,
    rail              text NOT NULL,
    institution_id    integer,
    link_id           uuid,
    country           text,
    reference         text,
    amount_minor      bigint NOT NULL CHECK (amount_minor > 0),
    currency          text NOT NULL CHECK (length(currency) = 3),
    fee_minor         bigint NOT NULL CHECK (fee_minor BETWEEN 0 AND amount_minor),
    unreleased_minor  bigint NOT NULL DEFAULT 0 CHECK (unreleased_minor BETWEEN 0 AND amount_minor),
    refunding_minor   bigint NOT NULL DEFAULT 0 CHECK (refunding_minor >= 0),
    refunded_minor    bigint NOT NULL DEFAULT 0 CHECK (refunded_minor >= 0),
    returned_minor    bigint NOT NULL DEFAULT 0 CHECK (returned_minor BETWEEN 0 AND amount_minor),
    payer_code        text, -- what the payer's wallet takes, once known
    details           jsonb, -- what the dialect keeps of the payment beside this
    status            text NOT NULL CHECK (status IN ('pending', 'processing', 'completed', 'failed',
                                                      'cancelled', 'expired', 'reversed')),
    reason            text,
    notify_url        text,
    request_key       text,
    request_hash      bytea,
    expires_at        timestamptz NOT NULL,
    created_at        timestamptz NOT NULL,
    updated_at        timestamptz NOT NULL,
    completed_at      timestamptz,
    release_at        timestamptz,
    expiry_check_at   timestamptz, -- when the worker looks whether to expire it; null once closed
    claimed_until     timestamptz,
    claim             bigint NOT NULL DEFAULT 0,
    version           integer NOT NULL DEFAULT 1,
    CHECK ((request_key IS NULL) = (request_hash IS NULL)),
    CHECK (refunding_minor + refunded_minor <= amount_minor)
) WITH (fillfactor = 90);
CREATE INDEX payments_newest ON payments (application_id, id DESC);
CREATE UNIQUE INDEX payments_request_key ON payments (application_id, request_key)
    WHERE request_key IS NOT NULL;
CREATE INDEX payments_to_expire ON payments (expiry_check_at) WHERE expiry_check_at IS NOT NULL;
CREATE INDEX payments_to_release ON payments (release_at) WHERE release_at IS NOT NULL;

CREATE INDEX payments_of_link ON payments (link_id) WHERE link_id IS NOT NULL;

CREATE TABLE attempts (
    id                  uuid PRIMARY KEY,
    payment_id          uuid NOT NULL,
    application_id      uuid NOT NULL,
    environment         text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    number              integer NOT NULL CHECK (number > 0),
    rail                text NOT NULL,
    institution_id      integer,
    account_id          uuid,
    channel             text, -- the mobile operator or bank network, as ``cm.mtn``
    payer_phone         text, -- E.164, where the payer confirms on a handset
    status              text NOT NULL CHECK (status IN ('starting', 'waiting', 'unknown', 'done',
                                                        'refused', 'lapsed', 'reversed')),
    provider_reference  text,
    memory              bytea, -- sealed
    next_step_url       text,
    next_step_code      text,
    reason              text,
    code                text,
    finality            smallint NOT NULL DEFAULT 0,
    received_minor      bigint NOT NULL DEFAULT 0 CHECK (received_minor >= 0),
    received_currency   text,
    placed_minor        bigint NOT NULL DEFAULT 0 CHECK (placed_minor BETWEEN 0 AND received_minor),
    returned_minor      bigint NOT NULL DEFAULT 0 CHECK (returned_minor BETWEEN 0 AND received_minor),
    checks_count        integer NOT NULL DEFAULT 0,
    next_check_at       timestamptz,
    claimed_until       timestamptz,
    claim               bigint NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    hinted_at           timestamptz, -- when a hint last made us ask the provider
    UNIQUE (payment_id, number),
    CHECK ((received_currency IS NOT NULL) OR status NOT IN ('done', 'reversed'))
);
-- One open attempt per payment: money can be moving for it in one place only.
CREATE UNIQUE INDEX attempts_open ON attempts (payment_id)
    WHERE status IN ('starting', 'waiting', 'unknown');
CREATE UNIQUE INDEX attempts_provider_reference ON attempts (rail, environment, provider_reference)
    WHERE provider_reference IS NOT NULL;
CREATE INDEX attempts_due ON attempts (next_check_at) WHERE next_check_at IS NOT NULL;

-- Money given back to payers, each time a row; its id is the provider's id of it.
CREATE TABLE refunds (
    id                  uuid PRIMARY KEY,
    payment_id          uuid NOT NULL,
    attempt_id          uuid NOT NULL,
    application_id      uuid NOT NULL,
    environment         text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    rail                text NOT NULL,
    amount_minor        bigint NOT NULL CHECK (amount_minor > 0),
    currency            text NOT NULL CHECK (length(currency) = 3),
    status              text NOT NULL CHECK (status IN ('initiated', 'sent', 'completed', 'failed')),
    reason              text,
    code                text,
    provider_reference  text,
    request_key         text,
    request_hash        bytea,
    checks_count        integer NOT NULL DEFAULT 0,
    next_check_at       timestamptz,
    claimed_until       timestamptz,
    claim               bigint NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    CHECK ((request_key IS NULL) = (request_hash IS NULL))
);
CREATE INDEX refunds_of_payment ON refunds (payment_id, id);
CREATE INDEX refunds_due ON refunds (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE UNIQUE INDEX refunds_request_key ON refunds (application_id, request_key)
    WHERE request_key IS NOT NULL;

-- Where an application sends money to.
CREATE TABLE beneficiaries (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL REFERENCES applications,
    environment     text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    name            text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('mobile_money', 'bank_account', 'cash_pickup')),
    channel         text NOT NULL,
    account_number  text NOT NULL, -- E.164 for mobile money
    country         text NOT NULL,
    currency        text NOT NULL CHECK (length(currency) = 3),
    email           text,
    phone           text,
    bank_code       text,
    reference       text,
    description     text,
    details         jsonb,
    created_at      timestamptz NOT NULL,
    updated_at      timestamptz NOT NULL,
    deleted_at      timestamptz,
    version         integer NOT NULL DEFAULT 1
);
CREATE INDEX beneficiaries_newest ON beneficiaries (application_id, id DESC)
    WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX beneficiaries_reference ON beneficiaries (application_id, reference)
    WHERE reference IS NOT NULL AND deleted_at IS NULL;

CREATE TABLE bulk_transfers (
    id              uuid PRIMARY KEY,
    application_id  uuid NOT NULL REFERENCES applications,
    environment     text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    mode            text NOT NULL CHECK (mode IN ('all_or_nothing', 'continue')),
    currency        text NOT NULL CHECK (length(currency) = 3),
    description     text,
    rows            jsonb NOT NULL, -- each row as it was asked for, and what became of it
    created_at      timestamptz NOT NULL
);
CREATE INDEX bulk_transfers_newest ON bulk_transfers (application_id, id DESC);

-- Money sent: to a beneficiary (transfer) or to the merchant's own bank account (payout). The
-- destination is a copy: a beneficiary may change later.
CREATE TABLE transfers (
    id                  uuid PRIMARY KEY,
    application_id      uuid NOT NULL,
    environment         text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    purpose             text NOT NULL CHECK (purpose IN ('transfer', 'payout')),
    beneficiary_id      uuid,
    bulk_id             uuid,
    rail                text NOT NULL,
    account_id          uuid,
    channel             text NOT NULL,
    destination         jsonb NOT NULL,
    amount_minor        bigint NOT NULL CHECK (amount_minor > 0),
    fee_minor           bigint NOT NULL CHECK (fee_minor >= 0),
    currency            text NOT NULL CHECK (length(currency) = 3),
    status              text NOT NULL CHECK (status IN ('initiated', 'sent', 'completed', 'failed',
                                                        'cancelled', 'returned')),
    approval            text NOT NULL CHECK (approval IN ('none', 'wanted', 'given', 'refused')),
    reason              text,
    code                text,
    provider_reference  text,
    memory              bytea, -- sealed
    reference           text, -- the merchant's, unique
    description         text,
    details             jsonb,
    checks_count        integer NOT NULL DEFAULT 0,
    next_check_at       timestamptz,
    claimed_until       timestamptz,
    claim               bigint NOT NULL DEFAULT 0,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    completed_at        timestamptz,
    version             integer NOT NULL DEFAULT 1
);
CREATE INDEX transfers_newest ON transfers (application_id, id DESC);
CREATE INDEX transfers_due ON transfers (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX transfers_of_bulk ON transfers (bulk_id, id) WHERE bulk_id IS NOT NULL;
CREATE UNIQUE INDEX transfers_reference ON transfers (application_id, reference)
    WHERE reference IS NOT NULL;
CREATE UNIQUE INDEX transfers_provider_reference
    ON transfers (rail, environment, provider_reference) WHERE provider_reference IS NOT NULL;

-- How far each provider's own list of movements has been read.
CREATE TABLE reconciliations (
    id             uuid PRIMARY KEY,
    rail           text NOT NULL,
    environment    text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    account_id     uuid, -- null: the connector's default account
    read_until     timestamptz NOT NULL,
    next_read_at   timestamptz, -- null: the account was given up long ago
    failures       integer NOT NULL DEFAULT 0, -- since the last read that succeeded
    claimed_until  timestamptz,
    claim          bigint NOT NULL DEFAULT 0,
    UNIQUE NULLS NOT DISTINCT (rail, environment, account_id)
);
CREATE INDEX reconciliations_due ON reconciliations (next_read_at) WHERE next_read_at IS NOT NULL;

-- The inbox: what providers told us and what payers' browsers brought back. Hints, never facts.
CREATE TABLE rail_notices (
    id              uuid PRIMARY KEY,
    rail            text NOT NULL,
    environment     text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    dedupe_key      text NOT NULL,
    attempt_id      uuid, -- named by our own return address
    content         bytea NOT NULL, -- sealed
    received_at     timestamptz NOT NULL,
    next_try_at     timestamptz,
    tries           integer NOT NULL DEFAULT 0,
    error           text,
    claimed_until   timestamptz,
    claim           bigint NOT NULL DEFAULT 0,
    handled_at      timestamptz,
    UNIQUE (rail, environment, dedupe_key)
);
CREATE INDEX rail_notices_due ON rail_notices (next_try_at) WHERE next_try_at IS NOT NULL;

-- What happened, written in the transaction of the fact.
CREATE TABLE events (
    id               uuid PRIMARY KEY,
    application_id   uuid NOT NULL,
    type             text NOT NULL,
    subject_type     text NOT NULL DEFAULT 'payment',
    subject_id       uuid NOT NULL,
    version          integer NOT NULL,
    status           text NOT NULL,
    previous_status  text,
    reason           text,
    late             boolean NOT NULL DEFAULT false,
    occurred_at      timestamptz NOT NULL
);
CREATE INDEX events_subject ON events (subject_id, version);

-- Addresses that are told of events. ``event_types`` are the core's names, or ``*``; ``events`` the
-- dialect's, as they were given.
CREATE TABLE webhook_endpoints (
    id                   uuid PRIMARY KEY,
    application_id       uuid NOT NULL REFERENCES applications,
    url                  text NOT NULL,
    description          text,
    events               text[] NOT NULL,
    event_types          text[] NOT NULL,
    active               boolean NOT NULL DEFAULT true,
    profile              text NOT NULL DEFAULT 'all', -- which signatures it is sent
    secret               bytea NOT NULL, -- sealed: Standard Webhooks
    former_secret        bytea, -- signs too until former_secret_until
    former_secret_until  timestamptz,
    failing_since        timestamptz,
    disabled_at          timestamptz, -- by us: it failed for too long or said 410
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    deleted_at           timestamptz,
    version              integer NOT NULL DEFAULT 1
);
CREATE INDEX webhook_endpoints_of_application ON webhook_endpoints (application_id, id DESC)
    WHERE deleted_at IS NULL;

CREATE TABLE webhook_deliveries (
    id               uuid PRIMARY KEY,
    event_id         uuid NOT NULL,
    application_id   uuid NOT NULL,
    endpoint_id      uuid, -- null: the payment's own address
    url              text NOT NULL,
    status           text NOT NULL CHECK (status IN ('pending', 'delivered', 'exhausted', 'discarded')),
    tries            integer NOT NULL DEFAULT 0,
    next_attempt_at  timestamptz,
    claimed_until    timestamptz,
    claim            bigint NOT NULL DEFAULT 0,
    body             bytea, -- rendered once, signed and sent as stored
    created_at       timestamptz NOT NULL,
    finished_at      timestamptz,
    UNIQUE NULLS NOT DISTINCT (event_id, endpoint_id, url)
);
CREATE INDEX webhook_deliveries_of_endpoint ON webhook_deliveries (endpoint_id, id DESC)
    WHERE endpoint_id IS NOT NULL;
-- By application first: a merchant's slow receiver must not keep the worker from the others' work.
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (application_id, next_attempt_at)
    WHERE next_attempt_at IS NOT NULL;

CREATE TABLE webhook_tries (
    delivery_id   uuid NOT NULL,
    number        integer NOT NULL,
    sent_at       timestamptz NOT NULL,
    duration_ms   integer NOT NULL,
    status_code   integer,
    error         text,
    answer        text, -- the first 1,000 characters
    PRIMARY KEY (delivery_id, number)
);

-- The ledger ------------------------------------------------------------------------------------

CREATE TABLE ledger_accounts (
    id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    environment     text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    code            text NOT NULL,
    application_id  uuid,
    rail            text,
    currency        text NOT NULL,
    kind            text NOT NULL CHECK (kind IN ('asset', 'liability', 'income', 'expense')),
    may_overdraw    boolean NOT NULL,
    balance_minor   bigint NOT NULL DEFAULT 0,
    version         bigint NOT NULL DEFAULT 0,
    UNIQUE NULLS NOT DISTINCT (environment, code, application_id, rail, currency),
    CHECK (may_overdraw OR balance_minor >= 0)
) WITH (fillfactor = 50);

CREATE TABLE ledger_entries (
    id           uuid PRIMARY KEY,
    environment  text NOT NULL CHECK (environment IN ('sandbox', 'live')),
    key          text NOT NULL UNIQUE,
    event        text NOT NULL,
    subject_id   uuid NOT NULL,
    occurred_at  timestamptz NOT NULL,
    recorded_at  timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE ledger_postings (
    entry_id             uuid NOT NULL,
    line                 smallint NOT NULL,
    account_id           bigint NOT NULL,
    direction            text NOT NULL CHECK (direction IN ('debit', 'credit')),
    amount_minor         bigint NOT NULL CHECK (amount_minor > 0),
    balance_after_minor  bigint NOT NULL, -- in the account's own direction
    account_version      bigint NOT NULL,
    PRIMARY KEY (account_id, account_version),
    UNIQUE (entry_id, line)
);

-- Every posting belongs to an entry and an account, and every entry balances in every currency.
-- Checked once per statement over the statement's rows (all postings of an entry are written by one
-- statement), so a batch costs one check.
CREATE FUNCTION ledger_postings_balance() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE unbalanced uuid;
BEGIN
    SELECT p.entry_id INTO unbalanced
    FROM new_postings p
        LEFT JOIN ledger_accounts a ON a.id = p.account_id
        LEFT JOIN ledger_entries e ON e.id = p.entry_id
    GROUP BY p.entry_id, a.currency
    HAVING sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END) <> 0
        OR count(a.id) < count(*) OR count(e.id) < count(*)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % is not balanced', unbalanced USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_postings_balanced AFTER INSERT ON ledger_postings
    REFERENCING NEW TABLE AS new_postings
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_postings_balance();

-- Append only: a wrong entry is corrected by another one.
CREATE FUNCTION ledger_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the ledger is append only' USING ERRCODE = 'insufficient_privilege';
END $$;
CREATE TRIGGER ledger_entries_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_entries
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
CREATE TRIGGER ledger_postings_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger_postings
    FOR EACH STATEMENT EXECUTE FUNCTION ledger_is_append_only();
