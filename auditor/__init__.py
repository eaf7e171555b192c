"""Find raw tokens in what leaves CockroachDB, and prove what was looked at."""

__version__ = "0.1.0"
