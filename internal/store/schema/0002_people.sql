-- +goose Up
CREATE TABLE person (
	id      TEXT PRIMARY KEY,      -- PE-...
	handle  BYTEA NOT NULL UNIQUE, -- user handle of Web Authentication: chance, tells nothing
	name    TEXT NOT NULL,
	email   TEXT NOT NULL,         -- lower case, '' if there is none
	state   TEXT NOT NULL CHECK (state IN ('active', 'suspended')),
	created BIGINT NOT NULL
);
CREATE UNIQUE INDEX person_email ON person (email) WHERE email <> '';

-- Who a person is to a provider of OpenID Connect.
CREATE TABLE person_identity (
	issuer  TEXT NOT NULL,
	subject TEXT NOT NULL,
	person  TEXT NOT NULL REFERENCES person (id),
	created BIGINT NOT NULL,
	PRIMARY KEY (issuer, subject)
);
CREATE INDEX person_identity_person ON person_identity (person);

CREATE TABLE person_grant (
	person  TEXT NOT NULL REFERENCES person (id),
	role    TEXT NOT NULL,
	scope   TEXT NOT NULL, -- *, ou:ID, account:NUMBER
	granted BIGINT NOT NULL,
	granter TEXT NOT NULL, -- ID of an actor
	PRIMARY KEY (person, role, scope)
);

CREATE TABLE passkey (
	id                 TEXT PRIMARY KEY, -- KE-...
	person             TEXT NOT NULL REFERENCES person (id),
	credential         BYTEA NOT NULL UNIQUE,
	public_key         BYTEA NOT NULL, -- COSE_Key
	aaguid             BYTEA NOT NULL, -- model of the authenticator, 16 bytes
	attestation_type   TEXT NOT NULL,
	attestation_format TEXT NOT NULL,
	attestation        BYTEA NOT NULL, -- attestation object, as it came
	client_data        BYTEA NOT NULL, -- what the attestation signs, with it
	transports         TEXT NOT NULL,  -- with commas
	sign_count         BIGINT NOT NULL,
	backup_eligible    BIGINT NOT NULL,
	backed_up          BIGINT NOT NULL,
	name               TEXT NOT NULL,
	created            BIGINT NOT NULL,
	used               BIGINT NOT NULL, -- 0 until then
	revoked            BIGINT NOT NULL  -- 0 while good
);
CREATE INDEX passkey_person ON passkey (person, created);

-- Links that enrol a key. Only the hash of what the link carries is kept.
CREATE TABLE enrolment (
	hash    BYTEA PRIMARY KEY,
	id      TEXT NOT NULL UNIQUE, -- EN-...
	person  TEXT NOT NULL REFERENCES person (id),
	expires BIGINT NOT NULL,
	used    BIGINT NOT NULL -- 0 while good
);
CREATE INDEX enrolment_person ON enrolment (person);

-- What a ceremony under way has to come back with. A row is taken once.
CREATE TABLE ceremony (
	hash    BYTEA PRIMARY KEY,
	kind    TEXT NOT NULL,
	data    BYTEA NOT NULL, -- JSON
	expires BIGINT NOT NULL
);
CREATE INDEX ceremony_expires ON ceremony (expires);
CREATE INDEX ceremony_kind ON ceremony (kind);

CREATE TABLE web_session (
	hash     BYTEA PRIMARY KEY, -- of the cookie's value
	id       TEXT NOT NULL UNIQUE, -- SE-...
	person   TEXT NOT NULL REFERENCES person (id),
	passkey  TEXT NOT NULL, -- ID of the key last proven in it, '' if none
	issuer   TEXT NOT NULL, -- provider of OpenID Connect that vouched, '' if none
	grants   TEXT NOT NULL, -- JSON: roles that the provider's groups stand for
	begun    BIGINT NOT NULL,
	seen     BIGINT NOT NULL,
	verified BIGINT NOT NULL, -- when the key was last proven, 0 if never
	deadline BIGINT NOT NULL,
	address  TEXT NOT NULL,
	agent    TEXT NOT NULL
);
CREATE INDEX web_session_person ON web_session (person);

CREATE TABLE machine_token (
	id       TEXT PRIMARY KEY, -- TK-...
	hash     BYTEA NOT NULL UNIQUE,
	prefix   TEXT NOT NULL,    -- how the token begins, to tell it from others
	name     TEXT NOT NULL,
	person   TEXT NOT NULL,    -- '' for a machine's; else who it stands for
	verified BIGINT NOT NULL,  -- when that person's key was proven, 0 for a machine's
	grants   TEXT NOT NULL,    -- JSON: roles and scopes, of a machine's token
	creator  TEXT NOT NULL,    -- ID of an actor
	created  BIGINT NOT NULL,
	expires  BIGINT NOT NULL,
	used     BIGINT NOT NULL,
	revoked  BIGINT NOT NULL
);
CREATE INDEX machine_token_created ON machine_token (created);

-- Administrators made on the host. The console says so until somebody else has seen it.
CREATE TABLE recovery (
	person       TEXT PRIMARY KEY REFERENCES person (id),
	at           BIGINT NOT NULL,
	acknowledged BIGINT NOT NULL, -- 0 until then
	witness      TEXT NOT NULL
);

-- +goose Down
SELECT 1;
