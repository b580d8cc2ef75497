#!/usr/bin/env bash
# Lines of the adapters, without their tests: all, those that are not blank or comments, and the total against its limit.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

limit=1500
total=0
echo "| adapter | lines | of them code |"
echo "|---|---|---|"
for adapter in mms-std mms-tokio mms-smol; do
  lines=0 code=0
  for file in "$adapter"/src/*.rs; do
    text=$(sed '/^#\[cfg(test)\]/,$d' "$file")
    lines=$((lines + $(grep -c '' <<<"$text")))
    code=$((code + $(grep -cvE '^[[:space:]]*(//.*)?$' <<<"$text")))
  done
  total=$((total + lines))
  echo "| \`$adapter\` | $lines | $code |"
done
echo "| together | $total (at most $limit) | |"
[ "$total" -le "$limit" ]
