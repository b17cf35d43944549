-- Row security, the second wall between merchants: whatever a query forgets to ask, the serving
-- role sees and writes rows of the applications that its transaction names, and of no other. They
-- are named by ``guichet.applications``, an array of ids, set for one transaction alone
-- (store/scope.py); without it there are no rows. The first wall are the queries themselves.
--
-- The owner sees everything, by a policy that says so: FORCE keeps anybody else who gets at the
-- tables by ownership from being exempt without a word. Needs no superuser.

CREATE FUNCTION applications_in_scope() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT NULLIF(current_setting('guichet.applications', true), '')::uuid[]
$$;

-- Puts row security on a table, for this and later migrations. ``visible`` decides for the serving
-- role. The sub-select is evaluated once per query, not once per row.
CREATE FUNCTION guard_rows(
    guarded regclass,
    visible text DEFAULT 'application_id = ANY ((SELECT applications_in_scope())::uuid[])'
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', guarded);
    EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', guarded);
    EXECUTE format('CREATE POLICY in_scope ON %s USING (%s)', guarded, visible);
    EXECUTE format('CREATE POLICY owner ON %s TO CURRENT_USER USING (true)', guarded);
END $$;
REVOKE EXECUTE ON FUNCTION guard_rows FROM PUBLIC;

SELECT guard_rows(c.oid::regclass)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind = 'r'
    AND a.attname = 'application_id' AND NOT a.attisdropped AND c.relname <> 'ledger_accounts';

SELECT guard_rows('applications', 'id = ANY ((SELECT applications_in_scope())::uuid[])');
SELECT guard_rows('merchants', 'EXISTS (SELECT FROM applications a WHERE a.merchant_id = merchants.id)');
SELECT guard_rows('payees',
    'EXISTS (SELECT FROM applications a WHERE a.merchant_id = payees.merchant_id)');
SELECT guard_rows('fee_rules', 'EXISTS (SELECT FROM applications a'
    ' WHERE fee_rules.id IN (a.fee_rule_id, a.transfer_fee_rule_id))');
SELECT guard_rows('webhook_tries',
    'EXISTS (SELECT FROM webhook_deliveries d WHERE d.id = webhook_tries.delivery_id)');
-- The house's own accounts are everybody's other side.
SELECT guard_rows('ledger_accounts',
    'application_id = ANY ((SELECT applications_in_scope())::uuid[])'
    ' OR application_id IS NULL AND (SELECT applications_in_scope()) IS NOT NULL');
-- Entries and postings have no application of their own: whose they are is told by what they are
-- about. That costs a look-up or more for each row read, which the serving role does on no hot path,
-- and none for a row added, which it does for every payment: adding is free, balances are not.
SELECT guard_rows('ledger_entries',
    'EXISTS (SELECT FROM payments p WHERE p.id = ledger_entries.subject_id)'
    ' OR EXISTS (SELECT FROM transfers t WHERE t.id = ledger_entries.subject_id)'
    ' OR EXISTS (SELECT FROM attempts o WHERE o.id = ledger_entries.subject_id)'
    ' OR EXISTS (SELECT FROM refunds r WHERE r.id = ledger_entries.subject_id)'
    ' OR EXISTS (SELECT FROM applications a WHERE a.id = ledger_entries.subject_id)');
SELECT guard_rows('ledger_postings',
    'EXISTS (SELECT FROM ledger_entries e WHERE e.id = ledger_postings.entry_id)');
CREATE POLICY added ON ledger_entries FOR INSERT WITH CHECK (true);
CREATE POLICY added ON ledger_postings FOR INSERT WITH CHECK (true);

-- What runs as the owner does not look for tables where its caller may put some.
ALTER FUNCTION ledger_postings_balance SECURITY DEFINER SET search_path = public, pg_temp;
ALTER FUNCTION access_changed SET search_path = public, pg_temp;

-- What has to look across applications: functions that run as the owner and answer names, numbers
-- and counts, never content; except for who may call (the ``access_…`` ones), which each process
-- holds whole.

CREATE FUNCTION access_applications() RETURNS SETOF applications
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM applications
$$;
CREATE FUNCTION access_keys() RETURNS TABLE (digest bytea, application_id uuid, role text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT digest, application_id, role FROM api_keys WHERE revoked_at IS NULL
$$;
CREATE FUNCTION access_accounts() RETURNS SETOF provider_accounts
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM provider_accounts
$$;
CREATE FUNCTION access_payees() RETURNS SETOF payees
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM payees
$$;
CREATE FUNCTION access_fee_rules() RETURNS SETOF fee_rules
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT * FROM fee_rules
$$;

-- Whose the row of this id is; null: there is none. For what an address with a token names. (In
-- plpgsql, which keeps plans, like all that runs often.)
CREATE FUNCTION application_of(kind text, row_id uuid) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CASE kind
        WHEN 'payment' THEN RETURN (SELECT application_id FROM payments WHERE id = row_id);
        WHEN 'attempt' THEN RETURN (SELECT application_id FROM attempts WHERE id = row_id);
    END CASE;
END $$;
CREATE FUNCTION application_of_link(link_slug text) RETURNS uuid
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    RETURN (SELECT application_id FROM links WHERE slug = link_slug);
END $$;

-- Which operation at a provider's account a notice names: by our id, or else by the provider's
-- reference.
CREATE FUNCTION noticed_attempt(
    of_rail text, of_environment text, of_account uuid, named_id uuid, named_reference text
) RETURNS TABLE (id uuid, application_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.application_id FROM attempts a
    WHERE a.rail = of_rail AND a.environment = of_environment
        AND a.account_id IS NOT DISTINCT FROM of_account
        AND (a.id = named_id OR a.provider_reference = named_reference)
    ORDER BY a.id = named_id DESC NULLS LAST LIMIT 1
$$;
CREATE FUNCTION noticed_money_out(
    of_rail text, of_environment text, of_account uuid, named_id uuid, named_reference text
) RETURNS TABLE (kind text, id uuid, application_id uuid)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    (SELECT 'transfer', t.id, t.application_id FROM transfers t
     WHERE t.rail = of_rail AND t.environment = of_environment
         AND t.account_id IS NOT DISTINCT FROM of_account
         AND (t.id = named_id OR t.provider_reference = named_reference)
     ORDER BY t.id = named_id DESC NULLS LAST LIMIT 1)
    UNION ALL
    (SELECT 'refund', r.id, r.application_id FROM refunds r JOIN attempts a ON a.id = r.attempt_id
     WHERE r.rail = of_rail AND r.environment = of_environment
         AND a.account_id IS NOT DISTINCT FROM of_account
         AND (r.id = named_id OR r.provider_reference = named_reference)
     ORDER BY r.id = named_id DESC NULLS LAST LIMIT 1)
    LIMIT 1
$$;

-- Which attempts at a provider's account its own list names, and how far we know of them.
CREATE FUNCTION listed_attempts(
    of_rail text, of_environment text, of_account uuid, named_ids uuid[], named_references text[]
) RETURNS TABLE (id uuid, status text, provider_reference text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT a.id, a.status, a.provider_reference FROM attempts a
    WHERE a.rail = of_rail AND a.environment = of_environment
        AND a.account_id IS NOT DISTINCT FROM of_account
        AND (a.id = ANY(named_ids) OR a.provider_reference = ANY(named_references))
$$;

-- Whose work of one kind is due: of the oldest pieces; of deliveries, everybody's, by steps from
-- application to application along their index.
CREATE FUNCTION applications_with_work(queue text, moment timestamptz, pieces bigint) RETURNS uuid[]
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    CASE queue
    WHEN 'checks' THEN RETURN (SELECT array_agg(DISTINCT application_id) FROM (
        SELECT application_id FROM attempts
        WHERE next_check_at <= moment AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY next_check_at LIMIT pieces) due);
    WHEN 'expiries' THEN RETURN (SELECT array_agg(DISTINCT application_id) FROM (
        SELECT application_id FROM payments
        WHERE expiry_check_at <= moment AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY expiry_check_at LIMIT pieces) due);
    WHEN 'releases' THEN RETURN (SELECT array_agg(DISTINCT application_id) FROM (
        SELECT application_id FROM payments
        WHERE release_at <= moment AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY release_at LIMIT pieces) due);
    WHEN 'refunds' THEN RETURN (SELECT array_agg(DISTINCT application_id) FROM (
        SELECT application_id FROM refunds
        WHERE next_check_at <= moment AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY next_check_at LIMIT pieces) due);
    WHEN 'transfers' THEN RETURN (SELECT array_agg(DISTINCT application_id) FROM (
        SELECT application_id FROM transfers
        WHERE next_check_at <= moment AND (claimed_until IS NULL OR claimed_until <= now())
        ORDER BY next_check_at LIMIT pieces) due);
    WHEN 'deliveries' THEN RETURN (
        WITH RECURSIVE receiver AS (
            (SELECT application_id FROM webhook_deliveries WHERE next_attempt_at IS NOT NULL
             ORDER BY application_id LIMIT 1)
            UNION ALL
            SELECT (SELECT d.application_id FROM webhook_deliveries d
                    WHERE d.next_attempt_at IS NOT NULL
                        AND d.application_id > receiver.application_id
                    ORDER BY d.application_id LIMIT 1)
            FROM receiver WHERE receiver.application_id IS NOT NULL
        )
        SELECT array_agg(application_id) FROM receiver WHERE application_id IS NOT NULL);
    END CASE;
END $$;

-- How much work of applications is due, by kind, and since when the oldest of it.
CREATE FUNCTION work_due(moment timestamptz)
RETURNS TABLE (queue text, depth bigint, oldest_due_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp AS $$
    SELECT 'checks', count(*), min(next_check_at) FROM attempts WHERE next_check_at <= moment
    UNION ALL
    SELECT 'expiries', count(*), min(expiry_check_at) FROM payments WHERE expiry_check_at <= moment
    UNION ALL
    SELECT 'releases', count(*), min(release_at) FROM payments WHERE release_at <= moment
    UNION ALL
    SELECT 'refunds', count(*), min(next_check_at) FROM refunds WHERE next_check_at <= moment
    UNION ALL
    SELECT 'transfers', count(*), min(next_check_at) FROM transfers WHERE next_check_at <= moment
    UNION ALL
    SELECT 'deliveries', count(*), min(next_attempt_at) FROM webhook_deliveries
    WHERE next_attempt_at <= moment
$$;
