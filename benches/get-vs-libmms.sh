#!/usr/bin/env bash
# What fetching costs: CPU seconds of the client for each GB, `mms get -o /dev/null` beside a program of a few lines
# around libmms, from the same `mms serve --pace off`, first on the server's processor and then on another one. Runs alternate; the median
# and the extremes are printed.
#
#   benches/get-vs-libmms.sh             Debian packages: libmms-dev gcc libc6-dev
#   RUNS=5 MEGABYTES=500 TIMES=4         the defaults: 5 runs of 4 times 500 MB
#   MOST=1.2                             fails when a ratio of the medians is above
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

runs=${RUNS:-5} megabytes=${MEGABYTES:-500} times=${TIMES:-4} most=${MOST:-1.2}
need cc gcc
build
cc -O2 -Wall -Wextra -o "$scratch/libmms" "$root/benches/libmms.c" -lmms || fail "libmms is not installed (Debian package libmms-dev)"
"$load" make "$scratch/film.wmv" "$megabytes"
serve "$scratch/film.wmv"
size=$(stat -c %s "$scratch/film.wmv")

ours() { on "$client" "$mms" get -q -o /dev/null "$1"; }
theirs() { [ "$(on "$client" "$scratch/libmms" "$1" 2>/dev/null)" = "$size" ] || fail "libmms did not get the whole stream"; }

# name, command, URL; each anchor stands before what is compared with it
rows=(
  "libmms, MMS/TCP|theirs|mmst://127.0.0.1:$port/film.wmv"
  "mms get, MMS/TCP|ours|mmst://127.0.0.1:$port/film.wmv"
  "libmms, MMS over HTTP|theirs|mmsh://127.0.0.1:$port/film.wmv"
  "mms get, MMS over HTTP|ours|mmsh://127.0.0.1:$port/film.wmv"
)

measure() { # COMMAND URL: CPU seconds for each GB
  local seconds count TIMEFORMAT='%U %S'
  { time for ((count = 0; count < times; count++)); do "$1" "$2" 2>"$scratch/client.log" >&2; done; } 2>"$scratch/time"
  read -r -a seconds < <(tail -n 1 "$scratch/time")
  awk -v user="${seconds[0]}" -v kernel="${seconds[1]}" -v bytes=$((size * times)) \
    'BEGIN { printf "%.4f\n", (user + kernel) * 1e9 / bytes }'
}

status=0
for client in "$first" "$second"; do
  [ "$client" = "$first" ] && where='server and client on one processor' || where='server and client each on a processor of its own'
  compare_rows "$where" || status=1
done
exit $status
