-- gate: the users of web and mobile, their sessions, and which shops they may see.
-- Times are microseconds since the Unix epoch, UTC.

CREATE TABLE platform_user (
    id TEXT NOT NULL PRIMARY KEY,
    email TEXT NOT NULL,
    -- The address as addresses are compared: see EmailAddress in datamp-models.
    email_key TEXT NOT NULL CONSTRAINT platform_user_email UNIQUE,
    -- argon2id, a PHC string. NULL where no password is known to be the owner's: see `contested`.
    password_hash TEXT,
    -- Whether the address, while nobody had proven it, was registered again with another password: then the
    -- code in the letter alone doesn't tell whose password this is.
    contested BOOLEAN NOT NULL,
    language TEXT NOT NULL CONSTRAINT platform_user_language CHECK (language IN ('ru', 'en')),
    state TEXT NOT NULL CONSTRAINT platform_user_state CHECK (state IN
        ('registered', 'email-verified', 'phone-verified', 'identity-verified', 'active', 'suspended', 'closed')),
    -- The state that a suspended user goes back to.
    suspended_from TEXT,
    -- When the state was entered.
    state_since BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    CONSTRAINT platform_user_suspended CHECK ((state = 'suspended') = (suspended_from IS NOT NULL))
);

-- What happened in a user's life. Never changed and never deleted: gate has no right to.
CREATE TABLE user_event (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES platform_user (id),
    kind TEXT NOT NULL,
    -- Set where the event changed the user's state.
    from_state TEXT,
    to_state TEXT,
    -- Who did it: the user's id, `anonymous`, or a member of the staff.
    actor TEXT NOT NULL,
    reason TEXT,
    client_address TEXT,
    request_id TEXT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX user_event_of_user ON user_event (user_id, created_at);

-- A login and what followed from it: a family of refresh tokens, of which one is active. No token is kept, nor a
-- hash of one: a token is a keyed hash of the family's id and its place in the sequence.
CREATE TABLE user_session (
    id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES platform_user (id),
    client TEXT NOT NULL CONSTRAINT user_session_client CHECK (client IN ('web', 'mobile')),
    -- What the client called its device; it must say the same at each refresh.
    device TEXT,
    client_address TEXT NOT NULL,
    -- The place of the active refresh token, from 1.
    sequence BIGINT NOT NULL CONSTRAINT user_session_sequence CHECK (sequence >= 1),
    -- When the active refresh token was made.
    rotated_at BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    -- After that no refresh is possible, however often it was used.
    expires_at BIGINT NOT NULL,
    revoked_at BIGINT,
    revoked_because TEXT,
    CONSTRAINT user_session_revoked CHECK ((revoked_at IS NULL) = (revoked_because IS NULL))
);
CREATE INDEX user_session_of_user ON user_session (user_id, created_at);

-- Failed logins (and registrations), by account and by network; see login_delay.rs in gate.
CREATE TABLE login_delay (
    -- The kind, and a keyed hash of the address or the network.
    key TEXT NOT NULL PRIMARY KEY,
    -- When all of them are forgotten: each one adds its time, and time takes it off.
    forgotten_at BIGINT NOT NULL,
    -- When the last one was let through.
    last_at BIGINT NOT NULL
);
CREATE INDEX login_delay_forgotten ON login_delay (forgotten_at);

-- Who may do what in which shop.
CREATE TABLE membership (
    -- No reference to core's table: the membership is written before the shop.
    shop_id TEXT NOT NULL,
    user_id TEXT NOT NULL REFERENCES platform_user (id),
    role TEXT NOT NULL CONSTRAINT membership_role CHECK (role IN ('owner', 'accountant', 'viewer')),
    -- `creating` until core has said that the shop is there.
    state TEXT NOT NULL CONSTRAINT membership_state CHECK (state IN ('creating', 'active')),
    created_at BIGINT NOT NULL,
    PRIMARY KEY (shop_id, user_id)
);
CREATE INDEX membership_of_user ON membership (user_id, shop_id);

-- What a user asked to be created, so that it can be finished after a crash, and be asked for again.
CREATE TABLE shop_creation (
    shop_id TEXT NOT NULL PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES platform_user (id),
    idempotency_key TEXT NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    -- The answer's body, once the shop is there.
    answer TEXT,
    created_at BIGINT NOT NULL,
    CONSTRAINT shop_creation_asked UNIQUE (user_id, idempotency_key)
);
