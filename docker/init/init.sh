#!/bin/bash
# What compose.yaml runs once: tables, a changefeed into Kafka, rows. Run again it only adds rows.
set -euo pipefail

sql() {
  /cockroach/cockroach sql --insecure --host=cockroachdb --format=csv "$@"
}

sql --file=/init/tables.sql
feeds=$(sql --execute="SELECT count(*) FROM [SHOW CHANGEFEED JOBS] WHERE status IN ('pending', 'running')" | tail -n 1)
# The registry may still be starting.
for try in {1..30}; do
  [ "$feeds" = 0 ] || break
  sql --file=/init/changefeed.sql && break
  [ "$try" -lt 30 ]
  sleep 2
done
sql --file=/init/rows.sql
