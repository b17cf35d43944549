-- What is kept for a while: what payers' browsers brought back from providers, the bodies of
-- deliveries and what receivers answered. The serving role deletes nothing; these functions do, for
-- it, and nothing else. That something was heard, sent and tried stays.

CREATE INDEX rail_notices_kept ON rail_notices (received_at)
    WHERE handled_at IS NOT NULL AND content <> '';
CREATE INDEX webhook_deliveries_kept ON webhook_deliveries (finished_at)
    WHERE finished_at IS NOT NULL AND body IS NOT NULL;

-- Empties at most ``most`` notices that were handled and came before ``before``; how many.
CREATE FUNCTION wipe_notices(before timestamptz, most bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS (
        SELECT id FROM rail_notices
        WHERE handled_at IS NOT NULL AND content <> '' AND received_at < before
        ORDER BY received_at LIMIT most FOR UPDATE SKIP LOCKED
    ), wiped AS (
        UPDATE rail_notices n SET content = '' FROM old WHERE n.id = old.id RETURNING n.id
    )
    SELECT count(*) FROM wiped
$$;

-- Empties at most ``most`` deliveries that ended before ``before`` and removes their tries; how many.
CREATE FUNCTION wipe_deliveries(before timestamptz, most bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH old AS (
        SELECT id FROM webhook_deliveries
        WHERE finished_at IS NOT NULL AND body IS NOT NULL AND finished_at < before
        ORDER BY finished_at LIMIT most FOR UPDATE SKIP LOCKED
    ), wiped AS (
        UPDATE webhook_deliveries d SET body = NULL FROM old WHERE d.id = old.id RETURNING d.id
    ), removed AS (
        DELETE FROM webhook_tries t USING old WHERE t.delivery_id = old.id RETURNING t.number
    )
    SELECT count(*) FROM wiped
$$;
