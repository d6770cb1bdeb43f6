-- core: shops, their API keys, and the ledger that holds their money.
-- Amounts are whole minor units of an ISO 4217 currency; times are microseconds since the Unix epoch, UTC.

CREATE TABLE shop (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    -- The name in lower case, which is searched: lower() of SQLite knows ASCII alone.
    search_name TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT shop_status CHECK (status IN ('active', 'frozen', 'closed')),
    -- The currency of its first account, by which a repeated creation is told from another.
    currency TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE api_key (
    id TEXT NOT NULL PRIMARY KEY,
    shop_id TEXT NOT NULL REFERENCES shop (id),
    name TEXT NOT NULL,
    -- The first characters of the key, by which people tell keys apart.
    prefix TEXT NOT NULL,
    -- HMAC-SHA-256 of the whole key, in hex; the HMAC's own key never enters the database.
    hash TEXT NOT NULL CONSTRAINT api_key_hash UNIQUE,
    created_at BIGINT NOT NULL,
    -- Written at most once a minute.
    last_used_at BIGINT,
    revoked_at BIGINT
);
CREATE INDEX api_key_of_shop ON api_key (shop_id, id);

-- An account of the ledger: a shop's, or one of the system's own (kind `provider` or `revenue`), which have a name.
CREATE TABLE account (
    -- Made from the owner and the currency, so that it is known without asking: see AccountId in datamp-models.
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    shop_id TEXT REFERENCES shop (id),
    name TEXT,
    currency TEXT NOT NULL,
    -- A frozen account is not debited; a closed one is not touched.
    status TEXT NOT NULL CONSTRAINT account_status CHECK (status IN ('active', 'frozen', 'closed')),
    -- Totals of all transfers. Bounded so that no difference of them can leave 64 bits.
    debits_posted BIGINT NOT NULL CONSTRAINT account_debits_posted CHECK (debits_posted BETWEEN 0 AND 4000000000000000000),
    credits_posted BIGINT NOT NULL CONSTRAINT account_credits_posted CHECK (credits_posted BETWEEN 0 AND 4000000000000000000),
    debits_pending BIGINT NOT NULL CONSTRAINT account_debits_pending CHECK (debits_pending BETWEEN 0 AND 4000000000000000000),
    credits_pending BIGINT NOT NULL CONSTRAINT account_credits_pending CHECK (credits_pending BETWEEN 0 AND 4000000000000000000),
    created_at BIGINT NOT NULL,
    -- The time of its latest transfer. The times of an account's transfers strictly increase, and so order them.
    posted_at BIGINT NOT NULL,
    CONSTRAINT account_owner CHECK ((kind = 'shop') = (shop_id IS NOT NULL) AND (kind = 'shop') = (name IS NULL)),
    CONSTRAINT account_overdraft CHECK (kind <> 'shop' OR credits_posted - debits_posted - debits_pending >= 0),
    CONSTRAINT account_of_shop UNIQUE (shop_id, currency),
    CONSTRAINT account_of_system UNIQUE (kind, name, currency),
    -- What transfers refer to, so that none can be in another currency than its accounts.
    CONSTRAINT account_currency UNIQUE (id, currency)
);

-- Never changed and never deleted: core has no right to.
CREATE TABLE transfer (
    id TEXT NOT NULL PRIMARY KEY,
    debit_account_id TEXT NOT NULL,
    credit_account_id TEXT NOT NULL,
    amount BIGINT NOT NULL CONSTRAINT transfer_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency TEXT NOT NULL,
    code TEXT NOT NULL,
    -- The top-up or payment that caused it.
    reference TEXT NOT NULL,
    -- Credits less debits posted of each account, after this transfer.
    debit_balance BIGINT NOT NULL,
    credit_balance BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT transfer_accounts CHECK (debit_account_id <> credit_account_id),
    CONSTRAINT transfer_debit_account FOREIGN KEY (debit_account_id, currency) REFERENCES account (id, currency),
    CONSTRAINT transfer_credit_account FOREIGN KEY (credit_account_id, currency) REFERENCES account (id, currency),
    CONSTRAINT transfer_of_debit_account UNIQUE (debit_account_id, created_at),
    CONSTRAINT transfer_of_credit_account UNIQUE (credit_account_id, created_at)
);
-- A top-up is credited once, whatever the code above it believes.
CREATE UNIQUE INDEX transfer_once_per_top_up ON transfer (reference) WHERE code = 'top-up';

CREATE TABLE top_up (
    id TEXT NOT NULL PRIMARY KEY,
    shop_id TEXT NOT NULL REFERENCES shop (id),
    amount BIGINT NOT NULL CONSTRAINT top_up_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT top_up_status CHECK (status IN ('pending', 'succeeded', 'failed', 'expired')),
    provider TEXT NOT NULL,
    -- What the provider calls it.
    provider_reference TEXT NOT NULL,
    return_url TEXT,
    transfer_id TEXT REFERENCES transfer (id),
    created_at BIGINT NOT NULL,
    -- When it left `pending`.
    resolved_at BIGINT,
    CONSTRAINT top_up_credited CHECK ((status = 'succeeded') = (transfer_id IS NOT NULL)),
    CONSTRAINT top_up_resolved CHECK ((status = 'pending') = (resolved_at IS NULL))
);
CREATE INDEX top_up_of_shop ON top_up (shop_id, id);

-- The callbacks that took effect or came too late to; each counts once.
CREATE TABLE provider_event (
    provider TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    top_up_id TEXT NOT NULL REFERENCES top_up (id),
    received_at BIGINT NOT NULL,
    PRIMARY KEY (provider, id)
);

CREATE TABLE payment (
    id TEXT NOT NULL PRIMARY KEY,
    shop_id TEXT NOT NULL REFERENCES shop (id),
    amount BIGINT NOT NULL CONSTRAINT payment_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency TEXT NOT NULL,
    description TEXT NOT NULL,
    -- The shop's own name for it: an order, a campaign.
    reference TEXT,
    status TEXT NOT NULL,
    transfer_id TEXT NOT NULL REFERENCES transfer (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX payment_of_shop ON payment (shop_id, id);

-- The answer that was given for a shop's Idempotency-Key, written in the transaction of its effect.
CREATE TABLE idempotency (
    shop_id TEXT NOT NULL REFERENCES shop (id),
    key TEXT NOT NULL,
    -- SHA-256 of method, path and canonical body, in hex.
    fingerprint TEXT NOT NULL,
    status INTEGER NOT NULL,
    location TEXT,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (shop_id, key)
);
