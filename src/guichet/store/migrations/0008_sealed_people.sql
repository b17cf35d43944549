-- Personal data of payers sealed with a key per person (guichet/people.py). What stood in columns is
-- carried over with a zero byte before it, and sealed by the program as part of the same migration
-- (store/sealing.py), which has the keys: the database has none.
--
-- The columns are emptied before they are dropped: a dropped column's values stay in its rows.

-- The installation's key of the digests by which people are found, sealed.
CREATE TABLE seals (one boolean PRIMARY KEY DEFAULT true CHECK (one), index_key bytea NOT NULL);

ALTER TABLE customers
    ADD COLUMN data_key bytea, -- the person's own key, sealed; null once they are erased
    ADD COLUMN sealed bytea, -- what is known of them
    ADD COLUMN email_digest bytea, -- by which payers are found; null: not by e-mail
    ADD COLUMN phone_digest bytea, -- by which payers are found; null: not by phone
    ADD COLUMN search_keys bytea, -- digests of words, numbers and addresses, 8 bytes each
    ADD COLUMN sent_digest bytea, -- of what a payment said last and what they therefore hold
    ADD COLUMN erased_at timestamptz;
UPDATE customers SET
    sealed = '\x00'::bytea || convert_to(jsonb_strip_nulls(jsonb_build_object(
        'name', name, 'email', email, 'phone', phone, 'city', city, 'state', state,
        'country', country, 'zip_code', zip_code, 'street', street, 'house_number', house_number,
        'currency', currency, 'tax_number', tax_number, 'company_number', company_number,
        'details', details::text, 'email_key', email_key, 'phone_key', phone_key))::text, 'UTF8'),
    email_key = NULL, phone_key = NULL, name = NULL, email = NULL, phone = NULL, city = NULL,
    state = NULL, country = NULL, zip_code = NULL, street = NULL, house_number = NULL,
    currency = NULL, tax_number = NULL, company_number = NULL, details = NULL;
ALTER TABLE customers
    DROP COLUMN email_key, DROP COLUMN phone_key, DROP COLUMN name, DROP COLUMN email,
    DROP COLUMN phone, DROP COLUMN city, DROP COLUMN state, DROP COLUMN country,
    DROP COLUMN zip_code, DROP COLUMN street, DROP COLUMN house_number, DROP COLUMN currency,
    DROP COLUMN tax_number, DROP COLUMN company_number, DROP COLUMN details,
    ADD CONSTRAINT customers_email UNIQUE (application_id, email_digest);
CREATE UNIQUE INDEX customers_phone ON customers (application_id, phone_digest)
    WHERE phone_digest IS NOT NULL;

-- What a dialect keeps of a payment beside the channel is sealed with its payer's key.
ALTER TABLE payments ADD COLUMN sealed bytea, ADD COLUMN search_keys bytea;
UPDATE payments SET
    sealed = '\x00'::bytea || convert_to((details - 'channel')::text, 'UTF8'),
    details = CASE WHEN details ? 'channel'
        THEN jsonb_build_object('channel', details -> 'channel') END
WHERE details IS NOT NULL;

ALTER TABLE attempts
    ALTER COLUMN payer_phone TYPE bytea USING '\x00'::bytea || convert_to(payer_phone, 'UTF8');

-- Creating payments, many at a time: items in, one row out for each item, one round trip, one
-- commit. The payer is found by id, else by e-mail, else made (contracts/neopay.md 6.5). The
-- database cannot read what is known of a payer, so it cannot change it either. It knows the digest
-- of what the last payment said of them: an item that says the same changes nothing, and its payment
-- is made at once. For any other its payer is answered (``made`` false), and the caller, who can
-- read and merge, sends the item again with the payer's new ``sealed`` and the ``expected_version``
-- that it was merged with.
--
-- An item has no row in the answer, and no effect at all, when its request key exists already or
-- when its payer cannot be found; the caller tells the two apart. Two items of one call must not
-- share a request key. A key inserted by somebody else meanwhile raises unique_violation.
DROP FUNCTION create_payments;
DROP TYPE payment_item;
CREATE TYPE payment_of_payer AS (
    payment_id uuid, application_id uuid, environment text, payee_id uuid, fee_rule_id uuid,
    rail text, institution_id integer, link_id uuid, payment_country text, reference text,
    amount_minor bigint, payment_currency text, fee_minor bigint, notify_url text,
    request_key text, request_hash bytea, expires_at timestamptz, event_id uuid, request_id text,
    given_id uuid, new_id uuid, email_digest bytea, sent_digest bytea, data_key bytea, sealed bytea,
    search_keys bytea, known_id uuid, expected_version integer
);

CREATE FUNCTION create_payments(items payment_of_payer[], moment timestamptz) RETURNS TABLE (
    ordinal integer, customer_id uuid, data_key bytea, sealed bytea, version integer, made boolean
)
LANGUAGE plpgsql SET enable_seqscan = off AS $$
#variable_conflict use_column
DECLARE
    fresh boolean[]; -- per item: its request key does not exist yet
    changes_payers boolean; -- some item was merged with its payer
BEGIN
    SELECT array_agg(NOT EXISTS (
        SELECT FROM payments p WHERE p.application_id = i.application_id AND p.request_key = i.request_key
    ) ORDER BY i.ordinality), bool_or(i.known_id IS NOT NULL) INTO fresh, changes_payers
    FROM unnest(items) WITH ORDINALITY AS i;

    IF changes_payers THEN
        UPDATE customers c SET
            sealed = COALESCE(i.sealed, c.sealed), search_keys = COALESCE(i.search_keys, c.search_keys),
            email_digest = COALESCE(i.email_digest, c.email_digest), sent_digest = i.sent_digest,
            updated_at = CASE WHEN i.sealed IS NULL THEN c.updated_at ELSE moment END,
            version = c.version + (i.sealed IS NOT NULL)::integer
        FROM (
            SELECT DISTINCT ON (u.known_id) u.* FROM unnest(items) WITH ORDINALITY AS u
            WHERE fresh[u.ordinality] AND u.known_id IS NOT NULL
            ORDER BY u.known_id, u.ordinality DESC
        ) i
        WHERE c.id = i.known_id AND c.application_id = i.application_id
          AND c.version = i.expected_version AND c.erased_at IS NULL;
    END IF;

    INSERT INTO customers (
        id, application_id, data_key, sealed, email_digest, search_keys, sent_digest, created_at,
        updated_at
    )
    SELECT DISTINCT ON (i.application_id, i.email_digest)
        i.new_id, i.application_id, i.data_key, i.sealed, i.email_digest, i.search_keys,
        i.sent_digest, moment, moment
    FROM unnest(items) WITH ORDINALITY AS i
    WHERE fresh[i.ordinality] AND i.email_digest IS NOT NULL AND i.known_id IS NULL
      AND NOT EXISTS ( -- the payer is known by id
          SELECT FROM customers k
          WHERE k.id = i.given_id AND k.application_id = i.application_id AND k.erased_at IS NULL)
      AND NOT EXISTS ( -- the payer is known by e-mail
          SELECT FROM customers k
          WHERE k.application_id = i.application_id AND k.email_digest = i.email_digest)
    ORDER BY i.application_id, i.email_digest, i.ordinality DESC
    ON CONFLICT (application_id, email_digest) DO NOTHING;

    RETURN QUERY
    WITH item AS MATERIALIZED (
        SELECT i.*, c.id AS payer_id, c.data_key AS payer_key, c.sealed AS payer_sealed,
            c.version AS payer_version, COALESCE(i.sent_digest = c.sent_digest, i.sent_digest IS NULL)
                AS made
        FROM unnest(items) WITH ORDINALITY AS i
        CROSS JOIN LATERAL (
            SELECT k.id, k.data_key, k.sealed, k.version, k.sent_digest, 1 AS choice
            FROM customers k
            WHERE k.id = i.given_id AND k.application_id = i.application_id AND k.erased_at IS NULL
            UNION ALL
            SELECT k.id, k.data_key, k.sealed, k.version, k.sent_digest, 2 FROM customers k
            WHERE k.application_id = i.application_id AND k.email_digest = i.email_digest
            ORDER BY choice LIMIT 1
        ) c
        WHERE fresh[i.ordinality]
    ), born AS (
        INSERT INTO payments (
            id, application_id, environment, customer_id, payee_id, fee_rule_id, rail,
            institution_id, link_id, country, reference, amount_minor, currency, fee_minor, status,
            notify_url, request_key, request_hash, expires_at, expiry_check_at, created_at,
            updated_at
        )
        SELECT i.payment_id, i.application_id, i.environment, i.payer_id, i.payee_id,
            i.fee_rule_id, i.rail, i.institution_id, i.link_id, i.payment_country, i.reference,
            i.amount_minor, i.payment_currency, i.fee_minor, 'pending', i.notify_url, i.request_key,
            i.request_hash, i.expires_at, i.expires_at, moment, moment
        FROM item i WHERE i.made
    ), told AS (
        INSERT INTO events (
            id, application_id, type, subject_id, version, status, occurred_at, request_id
        )
        SELECT i.event_id, i.application_id, 'payment.created', i.payment_id, 1, 'pending', moment,
            i.request_id
        FROM item i WHERE i.made
    )
    SELECT i.ordinality::integer, i.payer_id, i.payer_key, i.payer_sealed, i.payer_version, i.made
    FROM item i;
END $$;
