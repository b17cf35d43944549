-- Creating payments, many at a time: items in, one row out for each payment made, one round trip,
-- one commit. The payer is found by id, else by e-mail, else made (contracts/neopay.md 6.5);
-- values sent change them, absent ones (null) do not, unchanged payers are not rewritten.
--
-- An item has no row in the answer, and no effect at all, when its request key exists already or
-- when its payer cannot be found; the caller tells the two apart. Two items of one call must not
-- share a request key. A key inserted by somebody else meanwhile raises unique_violation.

-- One array of items, not an array for each column: unnesting thirty arrays cost PostgreSQL more
-- than the rest of a payment, and the driver looks at each element of an array by itself.
CREATE TYPE payment_item AS (
    payment_id uuid, application_id uuid, environment text, payee_id uuid, fee_rule_id uuid,
    rail text, institution_id integer, link_id uuid, payment_country text, reference text,
    amount_minor bigint, payment_currency text, fee_minor bigint, notify_url text,
    request_key text, request_hash bytea, expires_at timestamptz, event_id uuid,
    given_id uuid, new_id uuid, email_key text, email text, name text, phone text, city text,
    state text, country text, zip_code text, street text, house_number text, currency text,
    tax_number text, company_number text
);

CREATE FUNCTION create_payments(items payment_item[], moment timestamptz) RETURNS TABLE (
    ordinal integer, customer_id uuid, name text, email text, phone text, city text, state text,
    country text, zip_code text, street text, house_number text, currency text, tax_number text,
    company_number text, version integer
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    fresh boolean[]; -- per item: its request key does not exist yet
    names_payers boolean; -- some item has its payer's id
BEGIN
    SELECT array_agg(NOT EXISTS (
        SELECT FROM payments p WHERE p.application_id = i.application_id AND p.request_key = i.request_key
    ) ORDER BY i.ordinality), bool_or(i.given_id IS NOT NULL) INTO fresh, names_payers
    FROM unnest(items) WITH ORDINALITY AS i;

    IF names_payers THEN
        UPDATE customers c SET
            email_key = COALESCE(i.email_key, c.email_key), email = COALESCE(i.email, c.email),
            name = COALESCE(i.name, c.name), phone = COALESCE(i.phone, c.phone),
            city = COALESCE(i.city, c.city), state = COALESCE(i.state, c.state),
            country = COALESCE(i.country, c.country), zip_code = COALESCE(i.zip_code, c.zip_code),
            street = COALESCE(i.street, c.street),
            house_number = COALESCE(i.house_number, c.house_number),
            currency = COALESCE(i.currency, c.currency, i.payment_currency),
            tax_number = COALESCE(i.tax_number, c.tax_number),
            company_number = COALESCE(i.company_number, c.company_number),
            updated_at = moment, version = c.version + 1
        FROM (
            SELECT DISTINCT ON (u.application_id, u.given_id) u.*
            FROM unnest(items) WITH ORDINALITY AS u
            WHERE fresh[u.ordinality] AND u.given_id IS NOT NULL
            ORDER BY u.application_id, u.given_id, u.ordinality DESC
        ) i
        WHERE c.id = i.given_id AND c.application_id = i.application_id
          AND (c.email, c.name, c.phone, c.city, c.state, c.country, c.zip_code, c.street,
               c.house_number, c.currency, c.tax_number, c.company_number)
            IS DISTINCT FROM
              (COALESCE(i.email, c.email), COALESCE(i.name, c.name), COALESCE(i.phone, c.phone),
               COALESCE(i.city, c.city), COALESCE(i.state, c.state),
               COALESCE(i.country, c.country), COALESCE(i.zip_code, c.zip_code),
               COALESCE(i.street, c.street), COALESCE(i.house_number, c.house_number),
               COALESCE(i.currency, c.currency, i.payment_currency),
               COALESCE(i.tax_number, c.tax_number), COALESCE(i.company_number, c.company_number));
    END IF;

    INSERT INTO customers AS c (
        id, application_id, email_key, email, name, phone, city, state, country, zip_code, street,
        house_number, currency, tax_number, company_number, created_at, updated_at
    )
    SELECT DISTINCT ON (i.application_id, i.email_key)
        i.new_id, i.application_id, i.email_key, i.email, i.name, i.phone, i.city, i.state,
        i.country, i.zip_code, i.street, i.house_number,
        COALESCE(i.currency, i.payment_currency), i.tax_number, i.company_number, moment, moment
    FROM unnest(items) WITH ORDINALITY AS i
    WHERE fresh[i.ordinality] AND i.email_key IS NOT NULL
      AND NOT EXISTS ( -- the payer is known by id
          SELECT FROM customers k WHERE k.id = i.given_id AND k.application_id = i.application_id)
      AND NOT EXISTS ( -- the payer is known by e-mail and nothing about them changes
          SELECT FROM customers k
          WHERE k.application_id = i.application_id AND k.email_key = i.email_key
            AND (k.email, k.name, k.phone, k.city, k.state, k.country, k.zip_code, k.street,
                 k.house_number, k.currency, k.tax_number, k.company_number)
              IS NOT DISTINCT FROM
                (i.email, COALESCE(i.name, k.name), COALESCE(i.phone, k.phone),
                 COALESCE(i.city, k.city), COALESCE(i.state, k.state),
                 COALESCE(i.country, k.country), COALESCE(i.zip_code, k.zip_code),
                 COALESCE(i.street, k.street), COALESCE(i.house_number, k.house_number),
                 COALESCE(i.currency, k.currency, i.payment_currency),
                 COALESCE(i.tax_number, k.tax_number), COALESCE(i.company_number, k.company_number)))
    ORDER BY i.application_id, i.email_key, i.ordinality DESC
    ON CONFLICT (application_id, email_key) DO UPDATE SET
        email = excluded.email,
        name = COALESCE(excluded.name, c.name), phone = COALESCE(excluded.phone, c.phone),
        city = COALESCE(excluded.city, c.city), state = COALESCE(excluded.state, c.state),
        country = COALESCE(excluded.country, c.country),
        zip_code = COALESCE(excluded.zip_code, c.zip_code),
        street = COALESCE(excluded.street, c.street),
        house_number = COALESCE(excluded.house_number, c.house_number),
        currency = (
            SELECT COALESCE(u.currency, c.currency, u.payment_currency)
            FROM unnest(items) AS u WHERE u.new_id = excluded.id),
        tax_number = COALESCE(excluded.tax_number, c.tax_number),
        company_number = COALESCE(excluded.company_number, c.company_number),
        updated_at = excluded.updated_at, version = c.version + 1;

    RETURN QUERY
    WITH item AS MATERIALIZED (
        SELECT i.*, c.id AS payer_id
        FROM unnest(items) WITH ORDINALITY AS i
        CROSS JOIN LATERAL (
            SELECT k.id, 1 AS choice FROM customers k
            WHERE k.id = i.given_id AND k.application_id = i.application_id
            UNION ALL
            SELECT k.id, 2 FROM customers k
            WHERE k.application_id = i.application_id AND k.email_key = i.email_key
            ORDER BY choice LIMIT 1
        ) c
        WHERE fresh[i.ordinality]
    ), made AS (
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
        FROM item i
    ), told AS (
        INSERT INTO events (id, application_id, type, subject_id, version, status, occurred_at)
        SELECT i.event_id, i.application_id, 'payment.created', i.payment_id, 1, 'pending', moment
        FROM item i
    )
    SELECT i.ordinality::integer, c.id, c.name, c.email, c.phone, c.city, c.state, c.country,
        c.zip_code, c.street, c.house_number, c.currency, c.tax_number, c.company_number, c.version
    FROM item i JOIN customers c ON c.id = i.payer_id;
END $$;
