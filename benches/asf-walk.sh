#!/usr/bin/env bash
# Instructions for each data packet: all payloads of a file walked and its media objects put together, by
# mms_core::asf and by libavformat's av_read_frame. Counted by callgrind, so the same on every run.
#
#   benches/asf-walk.sh FILE...    a table
#   benches/asf-walk.sh            the same for files of the repository and, where MMS_SHARED leads to them, real ones;
#                                  fails where ours needs more than a tenth
#
# Ours is counted from reading the first packet on: N and 2N rounds in one process each, the difference over N. Theirs
# is what av_read_frame runs, without opening the file.
# Packets that hold one fragment of a large object and little else are copied by both, and no parser makes a copy ten
# times faster: README.md has their numbers, and they are not among those that must pass.
# Needs: valgrind gcc libavformat-dev
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { printf 'error: %s\n' "$*" >&2; exit 1; }

files=("$@")
if [ ${#files[@]} -eq 0 ]; then
  made="$root/testdata/made"
  files=("$made/av-wmv2-wmav2.wmv" "$made/av-64000.wmv" "$made/seek-125s.wmv" "$made/two-audio.wmv" "$made/live-pipe.asf"
    "$made/seek-audio-130s.wma" "$made/one-packet.wma" "$root/testdata/real/ms-house.wma")
  if [ -n "${MMS_SHARED:-}" ]; then
    real="$MMS_SHARED/testdata/real/asf"
    files+=("$real/moon-elephantsdream-2lang.wmv" "$real/ms-glass.wmv" "$real/ms-jeanne-markers.wma")
  fi
fi

cd "$root"
cargo build --release --quiet -p mms-benches --example asf_walk
ours="${CARGO_TARGET_DIR:-target}/release/examples/asf_walk"
gcc -O2 -Wall -Wextra -o "$scratch/theirs" benches/peers/asf_walk.c -lavformat -lavcodec -lavutil

counted() { # OPTIONS PROGRAM ARGUMENTS: instructions; what the program prints goes to a file
  valgrind --tool=callgrind --callgrind-out-file="$scratch/out" "$@" >"$scratch/said" 2>"$scratch/log" \
    || { cat "$scratch/log" >&2; fail "$*"; }
  awk '/^(summary|totals):/ { sum = $2 } END { print sum }' "$scratch/out"
}

value() { sed -n "s/.*$1=\([0-9]*\).*/\1/p" "$scratch/said"; }

status=0
printf '%-36s %8s %8s %10s %10s %7s\n' file packets objects ours libav ratio
for file in "${files[@]}"; do
  [ -f "$file" ] || fail "$file is missing"
  few=$(counted "$ours" 2 "$file")
  many=$(counted "$ours" 4 "$file")
  packets=$(value packets) objects=$(value objects) bytes=$(value bytes)
  theirs=$(counted --toggle-collect=av_read_frame "$scratch/theirs" "$file")
  note=
  # What they did is only comparable if it is the same work; a cut last object is theirs alone.
  [ "$(value objects) $(value bytes)" = "$objects $bytes" ] || note=" (theirs: $(value objects) objects)"
  awk -v name="$(basename "$file")" -v packets="$packets" -v objects="$objects" -v ours=$(((many - few) / 2)) \
    -v theirs="$theirs" -v note="$note" 'BEGIN {
      printf "%-36s %8d %8d %10.0f %10.0f %7.3f%s\n", name, packets, objects, ours / packets, theirs / packets,
        ours / theirs, note
      exit !(ours * 10 <= theirs)
    }' || status=1
done
if [ $status -ne 0 ] && [ $# -eq 0 ]; then fail "more than a tenth"; fi
