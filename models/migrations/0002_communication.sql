-- communication: the codes by which a person proves that an address is theirs.
-- Times are microseconds since the Unix epoch, UTC.

CREATE TABLE verification (
    id TEXT NOT NULL PRIMARY KEY,
    -- Who asked for the code: another component, for a subject that it vouches for, or a client application, for anybody.
    origin TEXT NOT NULL CONSTRAINT verification_origin CHECK (origin IN ('component', 'client')),
    -- What is being proven; a client application may leave it out.
    subject TEXT,
    channel TEXT NOT NULL CONSTRAINT verification_channel CHECK (channel IN ('email')),
    address TEXT NOT NULL,
    -- The address as addresses are compared: see EmailAddress in datamp-models.
    address_key TEXT NOT NULL,
    -- Where the person called from, as limits count it: see ClientNetwork in datamp-models. NULL where no person called.
    network TEXT,
    language TEXT NOT NULL CONSTRAINT verification_language CHECK (language IN ('ru', 'en')),
    -- HMAC-SHA-256 of id and code, in hex; the HMAC's key never enters the database.
    code_hash TEXT NOT NULL,
    -- `sending` until the letter was handed over; `failed` when it could not be: such a code can't be used.
    status TEXT NOT NULL CONSTRAINT verification_status CHECK (status IN ('sending', 'sent', 'failed', 'verified')),
    -- How often a code was tried, counted before each try.
    attempts BIGINT NOT NULL CONSTRAINT verification_attempts CHECK (attempts BETWEEN 0 AND 5),
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    verified_at BIGINT,
    CONSTRAINT verification_subject CHECK (origin <> 'component' OR subject IS NOT NULL),
    CONSTRAINT verification_verified CHECK ((status = 'verified') = (verified_at IS NOT NULL))
);
CREATE INDEX verification_of_subject ON verification (subject, created_at);
CREATE INDEX verification_of_address ON verification (address_key, created_at);
CREATE INDEX verification_of_network ON verification (network, created_at);
CREATE INDEX verification_by_age ON verification (created_at);

-- A row for each recipient, subject and network that codes are counted for. Its lock puts requests that count against
-- the same limit one after the other.
CREATE TABLE verification_limit (
    key TEXT NOT NULL PRIMARY KEY,
    touched_at BIGINT NOT NULL
);
CREATE INDEX verification_limit_by_age ON verification_limit (touched_at);
