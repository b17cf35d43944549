-- Who receives money sealed as payers are (0008_sealed_people.sql), and the copies of both that
-- other tables hold: destinations, rows of bulks, notes, bodies of deliveries.

ALTER TABLE beneficiaries
    ADD COLUMN data_key bytea, -- the person's own key, sealed; null once they are erased
    ADD COLUMN sealed bytea, -- what is known of them
    ADD COLUMN account_digest bytea, -- of channel, number and name: who is the very same
    ADD COLUMN search_keys bytea, -- digests of words, numbers and addresses, 8 bytes each
    ADD COLUMN erased_at timestamptz,
    ALTER COLUMN name DROP NOT NULL, ALTER COLUMN account_number DROP NOT NULL;
UPDATE beneficiaries SET
    sealed = '\x00'::bytea || convert_to(jsonb_strip_nulls(jsonb_build_object(
        'name', name, 'account_number', account_number, 'email', email, 'phone', phone,
        'bank_code', bank_code, 'description', description, 'details', details::text))::text,
        'UTF8'),
    name = NULL, account_number = NULL, email = NULL, phone = NULL, bank_code = NULL,
    description = NULL, details = NULL;
ALTER TABLE beneficiaries
    DROP COLUMN name, DROP COLUMN account_number, DROP COLUMN email, DROP COLUMN phone,
    DROP COLUMN bank_code, DROP COLUMN description, DROP COLUMN details;
CREATE INDEX beneficiaries_account ON beneficiaries (application_id, account_digest)
    WHERE deleted_at IS NULL;

-- Sealed with the beneficiary's key; where there is none, with the installation's.
ALTER TABLE transfers
    ADD COLUMN sealed bytea, -- destination, description and what the dialect keeps
    ADD COLUMN search_keys bytea,
    ALTER COLUMN destination DROP NOT NULL;
UPDATE transfers SET
    sealed = '\x00'::bytea || convert_to(jsonb_strip_nulls(jsonb_build_object(
        'destination', destination::text, 'description', description,
        'details', details::text))::text, 'UTF8'),
    destination = NULL, description = NULL, details = NULL;
ALTER TABLE transfers DROP COLUMN destination, DROP COLUMN description, DROP COLUMN details;

-- About many, or about somebody nobody knows yet: sealed with the installation's key.
ALTER TABLE bulk_rows ALTER COLUMN content TYPE bytea
    USING '\x00'::bytea || convert_to(content::text, 'UTF8');
ALTER TABLE bulk_rows ALTER COLUMN errors TYPE bytea
    USING '\x00'::bytea || convert_to(errors::text, 'UTF8');
ALTER TABLE bulk_transfers ALTER COLUMN description TYPE bytea
    USING '\x00'::bytea || convert_to(description, 'UTF8');

-- Sealed with the key of the payer.
ALTER TABLE refunds ALTER COLUMN note TYPE bytea USING '\x00'::bytea || convert_to(note, 'UTF8');

-- Sealed with the key of whom the event is about.
UPDATE webhook_deliveries SET body = '\x00'::bytea || body WHERE body IS NOT NULL;

DROP TYPE new_beneficiary;
CREATE TYPE sealed_beneficiary AS (
    id uuid, application_id uuid, environment text, kind text, channel text, country text,
    currency text, reference text, created_at timestamptz, updated_at timestamptz,
    deleted_at timestamptz, version integer, data_key bytea, sealed bytea, account_digest bytea,
    search_keys bytea
);
DROP TYPE new_transfer;
CREATE TYPE sealed_transfer AS (
    id uuid, application_id uuid, environment text, purpose text, beneficiary_id uuid,
    bulk_id uuid, rail text, account_id uuid, channel text, amount_minor bigint,
    fee_minor bigint, currency text, status text, approval text, reason text, code text,
    provider_reference text, memory bytea, reference text, checks_count integer,
    next_check_at timestamptz, claim bigint, created_at timestamptz, updated_at timestamptz,
    completed_at timestamptz, version integer, sealed bytea, search_keys bytea
);
DROP TYPE bulk_row_result;
CREATE TYPE sealed_bulk_row AS (
    bulk_id uuid, application_id uuid, number integer, content bytea, transfer_id uuid,
    reason text, errors bytea, updated_at timestamptz
);

-- Whose key seals what is told of an event: its payer's or its beneficiary's. A function, so that
-- everything that seals copies of an event asks the same question.
CREATE FUNCTION person_of_event(event_id uuid) RETURNS TABLE (person_id uuid, data_key bytea)
LANGUAGE sql STABLE AS $$
    SELECT COALESCE(c.id, b.id), COALESCE(c.data_key, b.data_key)
    FROM events e
    LEFT JOIN refunds r ON e.subject_type = 'refund' AND r.id = e.subject_id
    LEFT JOIN payments p ON p.id = CASE e.subject_type
        WHEN 'payment' THEN e.subject_id WHEN 'refund' THEN r.payment_id END
    LEFT JOIN customers c ON c.id = CASE e.subject_type
        WHEN 'customer' THEN e.subject_id ELSE p.customer_id END
    LEFT JOIN transfers t ON e.subject_type = 'transfer' AND t.id = e.subject_id
    LEFT JOIN beneficiaries b ON b.id = CASE e.subject_type
        WHEN 'beneficiary' THEN e.subject_id ELSE t.beneficiary_id END
    WHERE e.id = event_id
$$;
