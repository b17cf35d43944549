-- Invariants of the books that cost little however old the books are: the worker looks at them every
-- minute. A view runs with its owner's rights, so it sees every application's rows.
CREATE VIEW books_at_a_glance (invariant, what) AS
    SELECT 'the trial balance is zero',
        format('%s %s: assets and expenses exceed liabilities and income by %s',
            environment, currency, sum(signed_minor))
    FROM (
        SELECT environment, currency,
            CASE WHEN kind IN ('asset', 'expense') THEN balance_minor ELSE -balance_minor END
                AS signed_minor
        FROM ledger_accounts
    ) signed
    GROUP BY environment, currency HAVING sum(signed_minor) <> 0
UNION ALL
    SELECT 'an account is where its last posting left it',
        format('account %s (%s) is at version %s with %s, its last posting at %s with %s', a.id,
            a.code, a.version, a.balance_minor, coalesce(p.account_version, 0),
            coalesce(p.balance_after_minor, 0))
    FROM ledger_accounts a LEFT JOIN LATERAL (
        SELECT account_version, balance_after_minor FROM ledger_postings
        WHERE account_id = a.id ORDER BY account_version DESC LIMIT 1
    ) p ON true
    WHERE (a.version, a.balance_minor)
        <> (coalesce(p.account_version, 0), coalesce(p.balance_after_minor, 0))
UNION ALL
    SELECT 'the latest entries balance in every currency',
        format('entry %s is off by %s %s', e.key, sum(signed.minor), signed.currency)
    FROM (SELECT id, key FROM ledger_entries ORDER BY id DESC LIMIT 1000) e
        CROSS JOIN LATERAL (
            SELECT a.currency,
                CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END AS minor
            FROM ledger_postings p JOIN ledger_accounts a ON a.id = p.account_id
            WHERE p.entry_id = e.id
        ) signed
    GROUP BY e.key, signed.currency HAVING sum(signed.minor) <> 0;

-- When the books are wrong, no new money moves until a person has looked. Whoever serves may stop it;
-- only the owner lets it go on.
ALTER TABLE access_version
    ADD COLUMN halted_at timestamptz,
    ADD COLUMN halted_because text,
    ADD CHECK ((halted_at IS NULL) = (halted_because IS NULL));

CREATE FUNCTION halt_money(because text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE access_version SET version = version + 1, halted_at = now(), halted_because = because
    WHERE halted_at IS NULL;
    IF FOUND THEN
        PERFORM pg_notify('guichet_access', '');
    END IF;
    RETURN FOUND;
END $$;
