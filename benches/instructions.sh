#!/usr/bin/env bash
# Instructions of the core's small steps, counted by callgrind: the difference of two counts, so that what happens
# once cancels out. The counts are the same on every machine with the same compiler.
#
#   benches/instructions.sh              Debian packages: valgrind gcc libc6-dev
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

need valgrind valgrind
build
program=$target/release/examples/instructions

counted() { # WHAT TIMES
  valgrind --tool=callgrind --callgrind-out-file="$scratch/out" "$program" "$1" "$2" >"$scratch/log" 2>&1 \
    || { cat "$scratch/log" >&2; fail "callgrind"; }
  sed -n 's/^\(summary\|totals\): //p' "$scratch/out" | head -n 1
}

times=20000 status=0
printf '%-32s %12s %8s\n' '' instructions at\ most
while read -r what most; do
  one=$(counted "$what" $times)
  two=$(counted "$what" $((times * 2)))
  each=$(divide $((two - one)) $times)
  printf '%-32s %12.1f %8s\n' "$what" "$each" "$most"
  awk -v each="$each" -v most="$most" 'BEGIN { exit !(each <= most) }' || { echo "$what: above $most"; status=1; }
done < <("$program" list)
exit $status
