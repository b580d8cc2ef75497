#!/usr/bin/env bash
# Clients that come, seek, pause, break off and return at random. The seed is printed; with the same one each client does
# the same again.
#
#   benches/soak.sh [--seconds 600] [--seed N]           Debian packages: gcc libc6-dev
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export MMS_SOAK_SECONDS=600
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) MMS_SOAK_SECONDS=$2 ;;
    --seed) export MMS_SOAK_SEED=$2 ;;
    *) fail "usage: benches/soak.sh [--seconds N] [--seed N]" ;;
  esac
  shift 2
done
machine
cargo test --release -q -p mms-cli --test soak -- --test-threads 1 a_server_stays
