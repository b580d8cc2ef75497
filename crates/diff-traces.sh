#!/usr/bin/env bash
# The events of the same files through each adapter, without times: the differences, which must be none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

MMS_TRACES=$(mktemp -d)
export MMS_TRACES
trap 'rm -rf "$MMS_TRACES"' EXIT
for adapter in mms-std mms-tokio mms-smol; do
  cargo test -q -p "$adapter" --test suite events_are_those_of_two_peers_in_memory >/dev/null
done
files=$(find "$MMS_TRACES/mms-std" -name '*.txt' | wc -l)
[ "$files" -ge 18 ] || { echo "error: $files traces" >&2; exit 1; }
diff -r "$MMS_TRACES/mms-std" "$MMS_TRACES/mms-tokio"
diff -r "$MMS_TRACES/mms-std" "$MMS_TRACES/mms-smol"
echo "$files files, $(cat "$MMS_TRACES"/mms-std/*.txt | wc -l) events: no difference"
