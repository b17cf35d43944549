-- The name of the request that began something (`X-Request-Id`), from the edge to the webhook. Writers
-- name it for one transaction (store/database.py); what has no request of its own has none.
ALTER TABLE attempts
    ADD COLUMN request_id text DEFAULT NULLIF(current_setting('guichet.request_id', true), '');
ALTER TABLE refunds
    ADD COLUMN request_id text DEFAULT NULLIF(current_setting('guichet.request_id', true), '');
ALTER TABLE transfers
    ADD COLUMN request_id text DEFAULT NULLIF(current_setting('guichet.request_id', true), '');
ALTER TABLE events
    ADD COLUMN request_id text DEFAULT NULLIF(current_setting('guichet.request_id', true), '');
