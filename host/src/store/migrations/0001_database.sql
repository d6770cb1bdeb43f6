-- What the host keeps of the database's share among components.

-- Migration sets that were seen. On PostgreSQL the row is locked by whoever applies one of the set's migrations.
CREATE TABLE host_migration_set (
    name TEXT PRIMARY KEY,
    seen_at BIGINT NOT NULL
);

-- Migrations that were applied, by set.
CREATE TABLE host_migration (
    set_name TEXT NOT NULL,
    number BIGINT NOT NULL,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL,
    PRIMARY KEY (set_name, number)
);

-- Which set made a table, on SQLite. PostgreSQL knows by its owner.
CREATE TABLE host_table (
    name TEXT PRIMARY KEY,
    set_name TEXT NOT NULL
);

-- The logins that the host made on PostgreSQL, one for each component and one for each set. Every host on this database logs in
-- with the same password. It is kept as it is: who can read this table is the host's own role, which could set another.
CREATE TABLE host_role (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
