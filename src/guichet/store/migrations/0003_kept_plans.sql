-- Sessions keep the plans of this function until its tables are analysed again. A plan made while
-- a table was small must not read the whole of it once it has grown: a young database took forty
-- times as long for a payment until autovacuum came by.
ALTER FUNCTION create_payments SET enable_seqscan = off;
