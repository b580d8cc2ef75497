#!/usr/bin/env bash
# Lines of the adapters, without their tests, and the total against its limit. `count-lines.sh --write` puts the table into
# the README, `--check` fails if another one stands there.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

limit=1500
total=0
table="| adapter | lines | of them code |
|---|---|---|"
for adapter in mms-std mms-tokio mms-smol; do
  lines=0 code=0
  for file in "$adapter"/src/*.rs; do
    text=$(sed '/^#\[cfg(test)\]/,$d' "$file")
    lines=$((lines + $(grep -c '' <<<"$text")))
    code=$((code + $(grep -cvE '^[[:space:]]*(//.*)?$' <<<"$text")))
  done
  total=$((total + lines))
  table+=$'\n'"| \`$adapter\` | $lines | $code |"
done
table+=$'\n'"| together | $total, at most $limit | |"
echo "$table"

readme=../README.md
if [ "${1-}" = --write ]; then
  TABLE=$table awk '/^\| adapter \| lines/ { print ENVIRON["TABLE"]; skip = 1 } !/^\|/ { skip = 0 } !skip' "$readme" >"$readme.new"
  mv "$readme.new" "$readme"
elif [ "${1-}" = --check ] && ! grep -qF "$(tail -n 1 <<<"$table")" "$readme"; then
  echo "error: README.md has other numbers; run crates/count-lines.sh --write" >&2
  exit 1
fi
[ "$total" -le "$limit" ]
