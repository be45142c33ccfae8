CREATE TABLE conversations (
	id VARCHAR(64) NOT NULL,
	node VARCHAR(64) NOT NULL,
	direction VARCHAR(16) NOT NULL,
	number TEXT NOT NULL,
	caller TEXT NOT NULL,
	queue TEXT NOT NULL,
	agent TEXT NOT NULL,
	started FLOAT NOT NULL,
	answered FLOAT,
	ended FLOAT,
	"end" VARCHAR(32),
	phase VARCHAR(32) NOT NULL,
	PRIMARY KEY (id)
);
CREATE INDEX ix_conversations_started ON conversations (started);
CREATE INDEX conversations_unended ON conversations (node) WHERE ended IS NULL;
CREATE TABLE journal (
	conversation VARCHAR(64) NOT NULL,
	seq INTEGER NOT NULL,
	wall FLOAT NOT NULL,
	kind VARCHAR(8) NOT NULL,
	name TEXT NOT NULL,
	detail JSON NOT NULL,
	PRIMARY KEY (conversation, seq)
);
CREATE TABLE recordings (
	conversation VARCHAR(64) NOT NULL,
	leg VARCHAR(80) NOT NULL,
	started FLOAT NOT NULL,
	path TEXT NOT NULL,
	seconds FLOAT NOT NULL,
	gaps INTEGER NOT NULL,
	fault TEXT,
	PRIMARY KEY (conversation, leg, started)
);
INSERT INTO conversations VALUES
	('n1-old', 'n1', 'inbound', '+442071230001', '+447700900123', '', '', 100.0, NULL, NULL, NULL, 'waiting');
INSERT INTO journal VALUES ('n1-old', 1, 100.5, 'phase', 'waiting', '{"queue": "support"}');
CREATE TABLE reservations (
	kind VARCHAR(32) NOT NULL,
	id TEXT NOT NULL,
	node VARCHAR(64) NOT NULL,
	epoch BIGINT NOT NULL,
	expires FLOAT NOT NULL,
	PRIMARY KEY (kind, id)
);
CREATE INDEX ix_reservations_node ON reservations (node);
INSERT INTO reservations VALUES ('agent', 'anna', 'n1', 1, 100.0);
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL,
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO alembic_version VALUES ('0002');
