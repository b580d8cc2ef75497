#!/usr/bin/env bash
# Builds the programs of this folder for a Cortex-M4, runs them under qemu, and compares their sizes with sizes.txt:
# growth over 3 % fails. `check.sh --write` writes the sizes; say in the commit why they changed.
# Needs Debian's rustc-web cargo-web rust-web-src rust-web-llvm lld-22 qemu-system-arm binutils.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

target=../target/embedded
programs=$target/thumbv7em-none-eabi/release
env PATH=/usr/bin:/bin RUSTC_BOOTSTRAP=1 cargo build --locked --release -Zbuild-std=core \
  --target thumbv7em-none-eabi --target-dir "$target"

run() { # PROGRAM: its exit status is that of qemu
  timeout -k 5 60 qemu-system-arm -machine mps2-an386 -cpu cortex-m4 -nographic -monitor none -serial none \
    -semihosting-config enable=on,target=native -kernel "$programs/$1"
}

section() { # PROGRAM SECTION: its bytes
  local hex
  hex=$(readelf -SW "$programs/$1" | sed -nE "s/^ *\[ *[0-9]+\] \\$2 +[A-Z]+ +[0-9a-f]+ +[0-9a-f]+ +([0-9a-f]+) .*/\1/p")
  echo $((16#$hex))
}

run client
said=$(run session)
echo "$said"

# what the client is tested with is not its code
data=$(($(stat -c %s said-by-server.bin) + $(stat -c %s ../testdata/made/metadata-utf16.wma)))
sizes=$(
  echo "client-code $(($(section client .text) + $(section client .rodata) - data))"
  grep -E '^(client|server)-state [0-9]+$' <<<"$said"
)
[ "$(wc -l <<<"$sizes")" -eq 3 ] || { echo "error: sizes are missing" >&2; exit 1; }

if [ "${1-}" = --write ]; then
  echo "$sizes" >sizes.txt
fi

bad=0
while read -r name size; do
  was=$(sed -n "s/^$name //p" sizes.txt)
  printf '%-13s %7d bytes, was %7d\n' "$name" "$size" "$was"
  if [ $((size * 100)) -gt $((was * 103)) ]; then
    echo "error: $name grew by more than 3 %" >&2
    bad=1
  fi
done <<<"$sizes"
exit $bad
