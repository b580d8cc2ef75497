#!/usr/bin/env bash
# What idle sessions cost. Memory: that of a server in its own process, divided by its sessions; the suite asserts at most 16 KiB
# each. Instructions: those of one step of a session among 10 and among 10,000, at most 5 % apart. Callgrind counts them, so
# that the numbers are the same whatever else the machine does; opening the sessions is counted apart and subtracted.
#
#   MMS_IDLE  how many sessions instead of 10,000; fewer where the limit of descriptors (`ulimit -Hn`) is lower
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

few=10 many=${MMS_IDLE:-10000} steps=20000
for adapter in mms-std mms-tokio mms-smol; do
  cargo test -q -p "$adapter" --test suite an_idle_session_is_small -- --nocapture | grep -E '^(SCALED|mms-)'
done

cargo build --release --quiet -p mms-testkit --example idle_steps
program=${CARGO_TARGET_DIR:-target}/release/examples/idle_steps

instructions() { # SESSIONS STEPS [timers]
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 >/dev/null \
    | sed -n 's/.*Collected : \([0-9]*\)$/\1/p'
}

each() { # SESSIONS [timers]
  local with without
  with=$(instructions "$1" "$steps" "${@:2}")
  without=$(instructions "$1" 0 "${@:2}")
  [ -n "$with" ] && [ -n "$without" ] || { echo "error: callgrind counted nothing" >&2; return 1; }
  echo $(((with - without) / steps))
}

compare() { # TITLE [timers]
  local among_few among_many apart
  among_few=$(each $few "${@:2}")
  among_many=$(each "$many" "${@:2}")
  apart=$(((among_many - among_few) * 1000 / among_few))
  echo "$1: $among_few instructions among $few sessions, $among_many among $many, $((apart / 10)).$((${apart#-} % 10)) % apart"
  [ "${apart#-}" -le 50 ]
}

compare "a step that finds nothing"
compare "a step whose time has come, with a Ping" timers
