#!/usr/bin/env bash
# The public items of the published crates, one file each in docs/api. `--check` fails where a file differs from the code,
# `--write` writes them: a difference is then seen in review. Needs `cargo install --locked cargo-public-api@0.52.0`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

crates=(mms-core mms-media mms-std mms-tokio mms-smol)
mode=${1:---check}
# its own folder: the switch below would rebuild what lies in the other
export CARGO_TARGET_DIR=target/api
# rustdoc's JSON is not stable, and a stable compiler gives it with this
export RUSTC_BOOTSTRAP=1

status=0
for crate in "${crates[@]}"; do
  cargo rustdoc --quiet -p "$crate" --lib --all-features -- -Z unstable-options --output-format json --cap-lints warn
  listing=$(cargo public-api --rustdoc-json "$CARGO_TARGET_DIR/doc/${crate//-/_}.json" -sss --color never)
  [ "$(wc -l <<<"$listing")" -gt 5 ] || { echo "error: $crate has no public items" >&2; exit 1; }
  file=docs/api/$crate.txt
  case $mode in
    --write) printf '%s\n' "$listing" >"$file" ;;
    --check)
      if ! diff -u "$file" <(printf '%s\n' "$listing"); then
        echo "error: $file differs from the code; if that is intended, run docs/api.sh --write" >&2
        status=1
      fi
      ;;
    *) echo "usage: docs/api.sh --check|--write" >&2; exit 2 ;;
  esac
  echo "$crate: $(wc -l <<<"$listing") public items"
done
exit $status
