"""How CockroachDB writes values: JSON of changefeeds, text of EXPORT, of its SQL shell and of its logs, csv, Parquet."""
