#!/usr/bin/env bash
# The events of the same files through each adapter over each transport, without times: the differences, which must be none.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

transports=(mmst mmsu mmsh)
MMS_TRACES=$(mktemp -d)
export MMS_TRACES
trap 'rm -rf "$MMS_TRACES"' EXIT
for adapter in mms-std mms-tokio mms-smol; do
  cargo test -q -p "$adapter" --test suite of_two_peers_in_memory >/dev/null
done
for transport in "${transports[@]}"; do
  first=$MMS_TRACES/mms-std/$transport
  files=$(find "$first" -name '*.txt' | wc -l)
  [ "$files" -ge 18 ] || { echo "error: $files traces over $transport" >&2; exit 1; }
  diff -r "$first" "$MMS_TRACES/mms-tokio/$transport"
  diff -r "$first" "$MMS_TRACES/mms-smol/$transport"
  echo "$transport: $files files, $(cat "$first"/*.txt | wc -l) events, no difference"
done
