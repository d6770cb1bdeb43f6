-- core: payments that are held, captured, voided and refunded; API keys that may do less and end; lists that are filtered.
-- It only expands. What the code of the release before writes beside it has the defaults: its payments move their amount at once,
-- its keys may do everything and do not end.

-- `automatic` moves the amount at once. `manual` holds it, until it is captured, voided, or its time is over.
ALTER TABLE payment ADD COLUMN capture TEXT NOT NULL DEFAULT 'automatic'
    CONSTRAINT payment_capture CHECK (capture IN ('automatic', 'manual'));
-- Of a manual payment, what was captured; NULL for an automatic one, which is captured whole.
ALTER TABLE payment ADD COLUMN captured_amount BIGINT CONSTRAINT payment_captured
    CHECK ((captured_amount IS NULL) = (capture = 'automatic') AND (captured_amount IS NULL OR captured_amount BETWEEN 0 AND amount));
-- What went back of it.
ALTER TABLE payment ADD COLUMN refunded_amount BIGINT NOT NULL DEFAULT 0
    CONSTRAINT payment_refunded CHECK (refunded_amount BETWEEN 0 AND COALESCE(captured_amount, amount));
-- When the hold of a manual payment lapses. The status stands for what the ledger says of the payment's transfers, and is written
-- from it: see payments/store.rs in core.
ALTER TABLE payment ADD COLUMN expires_at BIGINT
    CONSTRAINT payment_expires CHECK ((expires_at IS NOT NULL) = (capture = 'manual'))
    CONSTRAINT payment_status CHECK (
        (status IN ('held', 'voided', 'expired') AND capture = 'manual' AND captured_amount = 0)
        OR (status IN ('succeeded', 'partially-refunded', 'refunded') AND COALESCE(captured_amount, amount) > 0
            AND (status = 'succeeded') = (refunded_amount = 0)
            AND (status = 'refunded') = (refunded_amount = COALESCE(captured_amount, amount))));

-- Lists read one run of this for each currency and status that they show, so that a page costs the same whatever is left out.
CREATE INDEX payment_of_shop_by_status ON payment (shop_id, currency, status, created_at, id);
CREATE INDEX top_up_of_shop_by_status ON top_up (shop_id, currency, status, created_at, id);

-- What a shop gets back of a payment. Never changed and never deleted: core has no right to.
CREATE TABLE refund (
    id TEXT NOT NULL PRIMARY KEY,
    payment_id TEXT NOT NULL REFERENCES payment (id),
    shop_id TEXT NOT NULL REFERENCES shop (id),
    amount BIGINT NOT NULL CONSTRAINT refund_amount CHECK (amount BETWEEN 1 AND 1000000000000000),
    currency TEXT NOT NULL,
    reason TEXT NOT NULL,
    status TEXT NOT NULL CONSTRAINT refund_status CHECK (status IN ('succeeded')),
    transfer_id TEXT NOT NULL CONSTRAINT refund_transfer UNIQUE REFERENCES transfer (id),
    created_at BIGINT NOT NULL
);
CREATE INDEX refund_of_payment ON refund (payment_id, created_at, id);
CREATE INDEX refund_of_shop_by_status ON refund (shop_id, currency, status, created_at, id);

-- Statements by code. Nearly all that goes out of a shop is payments, which are found without: they need no place here.
CREATE INDEX transfer_of_debit_account_by_code ON transfer (debit_account_id, code, created_at)
    WHERE kind IN ('posted', 'capture') AND code <> 'payment';
CREATE INDEX transfer_of_credit_account_by_code ON transfer (credit_account_id, code, created_at)
    WHERE kind IN ('posted', 'capture') AND code <> 'payment';

-- What a key may do: names that are set apart by spaces; NULL for everything, also what is yet to come.
ALTER TABLE api_key ADD COLUMN scopes TEXT CONSTRAINT api_key_scopes CHECK (scopes IS NULL OR scopes <> '');
-- From then on it does not work; NULL for never.
ALTER TABLE api_key ADD COLUMN expires_at BIGINT;
