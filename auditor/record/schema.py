"""The tables of the record. A change of them is a new version: a record of another version is refused, not guessed at."""

VERSION = "3"

SCHEMA = """
CREATE TABLE IF NOT EXISTS identity (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS unit (
  id INTEGER PRIMARY KEY, uri TEXT NOT NULL, ordinal INTEGER NOT NULL, input_version TEXT NOT NULL, shown_uri TEXT NOT NULL,
  kind TEXT NOT NULL, format TEXT NOT NULL, compression TEXT NOT NULL, table_name TEXT NOT NULL,
  rows INTEGER NOT NULL, bytes INTEGER NOT NULL, columns TEXT NOT NULL, resolved TEXT, gaps_total INTEGER NOT NULL,
  feed INTEGER NOT NULL, asked INTEGER NOT NULL,
  UNIQUE (uri, ordinal)
);
CREATE TABLE IF NOT EXISTS place_key (
  id INTEGER PRIMARY KEY, rule_id TEXT NOT NULL, table_name TEXT NOT NULL, column_name TEXT NOT NULL, path TEXT NOT NULL,
  final_path TEXT, highest INTEGER, lowest INTEGER,
  UNIQUE (table_name, column_name, path, rule_id)
);
CREATE TABLE IF NOT EXISTS place (
  place INTEGER NOT NULL, unit INTEGER NOT NULL, part TEXT NOT NULL, count INTEGER NOT NULL, first_row INTEGER NOT NULL,
  row_key TEXT NOT NULL, updated TEXT, severity INTEGER NOT NULL, confidence INTEGER NOT NULL, setting TEXT NOT NULL,
  evidence TEXT NOT NULL, layers INTEGER NOT NULL,
  PRIMARY KEY (place, unit, part)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sighting (
  place INTEGER NOT NULL, secret_id TEXT NOT NULL, unit INTEGER NOT NULL, part TEXT NOT NULL, count INTEGER NOT NULL,
  first_row INTEGER NOT NULL, row_key TEXT NOT NULL, updated TEXT, severity INTEGER NOT NULL, confidence INTEGER NOT NULL,
  setting TEXT NOT NULL, evidence TEXT NOT NULL, layers INTEGER NOT NULL,
  PRIMARY KEY (place, secret_id, unit, part)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS place_final ON place_key (table_name, column_name, final_path, rule_id);
CREATE INDEX IF NOT EXISTS place_unit ON place (unit);
CREATE TABLE IF NOT EXISTS gap (unit INTEGER NOT NULL, reason TEXT NOT NULL, row INTEGER, column_name TEXT, bytes INTEGER);
CREATE TABLE IF NOT EXISTS note (unit INTEGER NOT NULL, text TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS stated (unit INTEGER NOT NULL, filename TEXT NOT NULL, rows INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS profile (unit INTEGER NOT NULL, snapshot BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS profile_unit ON profile (unit);
CREATE INDEX IF NOT EXISTS gap_unit ON gap (unit);
CREATE INDEX IF NOT EXISTS note_unit ON note (unit);
CREATE INDEX IF NOT EXISTS stated_unit ON stated (unit);
"""
