# What the scripts beside this file share. Sourced, not run.
#
# CPU time is user and system time of one process, as the kernel counts it in /proc/PID/stat for all of its threads,
# those that ended too; one tick is a hundredth of a second.

set -euo pipefail
exec </dev/null

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"
export CARGO_INCREMENTAL=0

fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

need() { # PROGRAM PACKAGE
  command -v "$1" >/dev/null || fail "$1 is not installed (Debian package $2)"
}

need taskset util-linux
need python3 python3
scratch=$(mktemp -d)
started=()
clean() {
  local pid
  for pid in "${started[@]}"; do
    kill "$pid" 2>/dev/null || true
    wait "$pid" 2>/dev/null || true
  done
  rm -rf "$scratch"
}
trap clean EXIT

ticks=$(getconf CLK_TCK)

cpu_ticks() { # PID
  # the name in brackets may hold anything, so count behind it
  sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}

build() {
  choose_processors
  cargo build --release -q -p mms-cli -p mms-benches --bins --examples
  target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
  mms=$target/release/mms
  load=$target/release/examples/load
}

wait_for() { # COMMAND...: until it works, at most 10 s
  local try
  for try in $(seq 100); do
    if "$@" 2>/dev/null; then return; fi
    sleep 0.1
  done
  fail "gave up waiting for: $*"
}

# Where the scheduler puts two programs that talk to each other decides about as much of their cost as what they do: on two
# processors each batch may wake the other one up, on one processor none has to. So each way is measured for itself.
on() { # PROCESSOR COMMAND...
  taskset -c "$@"
}

# The first two processors that this process may use, the same one twice if there is only one.
choose_processors() {
  local list
  mapfile -t list < <(python3 -c 'import os; print(*sorted(os.sched_getaffinity(0))[:2], sep="\n")')
  first=${list[0]} second=${list[1]:-${list[0]}}
}

serve() { # FILE: sets server and port
  # not by `on`: a function would run in a shell of its own, whose id is not that of the server
  RUST_LOG=off taskset -c "$first" "$mms" serve --listen 127.0.0.1:0 --pace off "$1" >"$scratch/urls" 2>"$scratch/serve.log" &
  server=$!
  started+=("$server")
  wait_for grep -q 127.0.0.1: "$scratch/urls"
  port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\)\/.*/\1/p' "$scratch/urls" | head -n 1)
}

machine() {
  printf '%s, %s processors, Linux %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)" "$(nproc)" "$(uname -r)"
}

divide() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.4f\n", a / b }'; }

median() { printf '%s\n' "$@" | sort -g | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }'; }
least() { printf '%s\n' "$@" | sort -g | head -n 1; }
largest() { printf '%s\n' "$@" | sort -g | tail -n 1; }

row() { # NAME RATIO FIGURE...
  local name=$1 ratio=$2
  shift 2
  printf '%-34s %8s   %s to %s %9s\n' "$name" "$(median "$@")" "$(least "$@")" "$(largest "$@")" "$ratio"
}

# compare_rows WHERE: measures the rows of `rows` (NAME|WHAT|URL) in turns by `measure WHAT URL`, and prints them. The anchor of a row is the
# last row above it whose name does not begin with "mms ".
compare_rows() {
  local -A figures
  local where=$1 run index what url anchor own ratio status=0
  for ((run = 0; run <= runs; run++)); do
    for index in "${!rows[@]}"; do
      IFS='|' read -r _ what url <<<"${rows[$index]}"
      own=$(measure "$what" "$url")
      awk -v own="$own" 'BEGIN { exit !(own > 0) }' || fail "${rows[$index]%%|*}: $own is no figure"
      # the first run warms up
      [ "$run" -eq 0 ] || figures[$index]+="$own "
    done
  done
  machine
  printf '%s; %s alternating runs of %s times %s MB, packets of 3,200 bytes; CPU seconds (user and system) for each GB\n' \
    "$where" "$runs" "$times" "$megabytes"
  printf '%-34s %8s   %s %9s\n' '' median 'least to largest' ratio
  for index in "${!rows[@]}"; do
    read -ra own <<<"${figures[$index]}"
    case ${rows[$index]} in "mms "*) ;; *) anchor=$(median "${own[@]}") ;; esac
    ratio=$(divide "$(median "${own[@]}")" "$anchor")
    row "${rows[$index]%%|*}" "$ratio" "${own[@]}"
    awk -v ratio="$ratio" -v most="$most" 'BEGIN { exit !(ratio <= most) }' || { echo "above $most"; status=1; }
  done
  return $status
}
