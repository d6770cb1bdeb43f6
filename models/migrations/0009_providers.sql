-- core: top-ups through providers that are asked outside of transactions.
-- It only expands. A top-up is written down first, `pending` and with an empty `provider_reference`, which is shown as created; then
-- the provider is asked, and then its reference is kept. What the code of the release before writes has its reference from the
-- start, and leaves NULL the rest.

-- Where a person confirms.
ALTER TABLE top_up ADD COLUMN confirmation_url TEXT;
-- When it is given up; NULL for a day after `created_at`.
ALTER TABLE top_up ADD COLUMN expires_at BIGINT;
-- When the provider is to be asked how it stands; NULL for never. See reconciliation.rs in core.
ALTER TABLE top_up ADD COLUMN check_at BIGINT;
-- What the provider said when it failed. Not shown of one that succeeded after all.
ALTER TABLE top_up ADD COLUMN failure TEXT;
-- The shop's Idempotency-Key and the SHA-256 of its request: whoever asks again continues this top-up.
ALTER TABLE top_up ADD COLUMN idempotency_key TEXT;
ALTER TABLE top_up ADD COLUMN fingerprint TEXT
    CONSTRAINT top_up_key CHECK ((fingerprint IS NULL) = (idempotency_key IS NULL));

-- No two top-ups have one payment at a provider.
CREATE UNIQUE INDEX top_up_of_provider ON top_up (provider, provider_reference) WHERE provider_reference <> '';
CREATE UNIQUE INDEX top_up_of_key ON top_up (shop_id, idempotency_key) WHERE idempotency_key IS NOT NULL;
CREATE INDEX top_up_undecided ON top_up (created_at) WHERE status = 'pending';
CREATE INDEX top_up_to_check ON top_up (check_at) WHERE check_at IS NOT NULL;
