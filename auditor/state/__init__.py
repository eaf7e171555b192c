"""What a running auditor remembers: findings, positions, coverage and undelivered alerts, in one database and one transaction."""
