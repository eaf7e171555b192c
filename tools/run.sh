#!/bin/sh
# What `make run` does: a sample changefeed grows in one process, and the consumer follows it in another, until Ctrl-C.
#
# usage: run.sh BIN FOLDER [SECONDS]; BIN is the virtual environment's, FOLDER is replaced.
set -eu
umask 077
bin=$1 folder=$2 seconds=${3:-}

rm -rf "$folder"
mkdir -p "$folder"
"$bin/python" -c 'import secrets; print(secrets.token_hex(32))' > "$folder/key"
cat > "$folder/auditor.yaml" <<YAML
# A key, a state and a feed: all that a consumer needs. docs/how-to has a page for each kind of feed.
key: {file: $folder/key}
state: {url: "sqlite:///$folder/state.db"}
feeds:
  - {kind: follow, name: sample, uri: "file://$folder/feed"}
# What the tables are declared to hold: docs/how-to/write-a-policy.md
policies: [$folder/feed.policy.yaml]
server: {port: 0}
alerts:
  - {kind: stdout, format: text}
  - {kind: jsonl, path: $folder/alerts.jsonl}
YAML

"$bin/auditor" sample "$folder/feed" --grow 2 > /dev/null &
grower=$!
# The policy is the first file that it writes.
tries=100
while [ ! -s "$folder/feed.policy.yaml" ] && [ "$tries" -gt 0 ]; do
  sleep 0.1
  tries=$((tries - 1))
done
finish() {
  kill "$grower" 2> /dev/null || true
  wait "$grower" 2> /dev/null || true
}
trap finish EXIT
# A terminal sends Ctrl-C to all three; the consumer ends cleanly, and this script goes on behind it.
trap : INT TERM

echo "A changefeed grows in $folder/feed. Alerts come below and into $folder/alerts.jsonl; Ctrl-C ends it."
"$bin/auditor" watch --config "$folder/auditor.yaml" --report html="$folder/report.html" --report text="$folder/report.txt" &
watcher=$!
if [ -n "$seconds" ]; then
  sleep "$seconds"
  kill -TERM "$watcher"
fi
status=0
wait "$watcher" || status=$?
# A wait that a signal broke off says nothing of the consumer.
while kill -0 "$watcher" 2> /dev/null; do
  status=0
  wait "$watcher" || status=$?
done
finish
"$bin/auditor" coverage --config "$folder/auditor.yaml"
tail -n 1 "$folder/report.txt"
echo "The report to open in a browser: $folder/report.html"
echo "Then: $bin/auditor findings list --config $folder/auditor.yaml"
exit "$status"
