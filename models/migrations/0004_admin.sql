-- admin: the staff, their sessions, what slows down the guessing of passwords, and the audit of what they did.
-- Times are microseconds since the Unix epoch, UTC.

CREATE TABLE staff (
    id TEXT NOT NULL PRIMARY KEY,
    -- Lower case. Unique for ever: someone disabled keeps it, so that the audit stays unambiguous.
    login TEXT NOT NULL CONSTRAINT staff_login UNIQUE,
    name TEXT NOT NULL,
    role TEXT NOT NULL CONSTRAINT staff_role CHECK (role IN ('support', 'manager', 'admin')),
    -- A PHC string of argon2id.
    password_hash TEXT NOT NULL,
    -- Set while the password is a one-time password that somebody else knows: it opens nothing but the page that replaces it.
    one_time_until BIGINT,
    disabled_at BIGINT,
    -- NULL for the first admin alone.
    created_by TEXT REFERENCES staff (id),
    created_at BIGINT NOT NULL,
    signed_in_at BIGINT
);

CREATE TABLE staff_session (
    -- HMAC-SHA-256 of the cookie's token, in hex; the HMAC's own key never enters the database.
    token_hash TEXT NOT NULL PRIMARY KEY,
    -- NULL while the first admin sets up: such a session opens that page alone.
    staff_id TEXT REFERENCES staff (id),
    -- A message for the next page, JSON.
    notice TEXT,
    created_at BIGINT NOT NULL,
    -- Written at most once a minute.
    seen_at BIGINT NOT NULL
);
CREATE INDEX staff_session_of_staff ON staff_session (staff_id);
CREATE INDEX staff_session_by_age ON staff_session (created_at);

-- Failed attempts to sign in, per login and per address.
CREATE TABLE staff_login_throttle (
    -- `login:` or `address:` and HMAC-SHA-256 in hex: people type passwords into the wrong field.
    subject TEXT NOT NULL PRIMARY KEY,
    failures BIGINT NOT NULL,
    failed_at BIGINT NOT NULL,
    blocked_until BIGINT NOT NULL
);
CREATE INDEX staff_login_throttle_by_age ON staff_login_throttle (failed_at);

-- Never changed and never deleted: admin has no right to.
CREATE TABLE staff_audit (
    id TEXT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    -- Who did it; NULL where nobody was signed in. The login as it was then stands beside it.
    staff_id TEXT REFERENCES staff (id),
    login TEXT,
    -- `session.open`, `generation.rollback` ...
    action TEXT NOT NULL,
    -- What it was done to: a component's name, the id of a member of staff.
    subject TEXT,
    -- `started` stands before an effect outside this database; another row that follows it tells how it went.
    outcome TEXT NOT NULL CONSTRAINT staff_audit_outcome CHECK (outcome IN ('started', 'done', 'refused')),
    follows TEXT CONSTRAINT staff_audit_follows UNIQUE REFERENCES staff_audit (id),
    reason TEXT,
    -- JSON objects.
    before_values TEXT,
    after_values TEXT,
    client_address TEXT NOT NULL,
    request_id TEXT NOT NULL
);
CREATE INDEX staff_audit_of_staff ON staff_audit (staff_id, id);
