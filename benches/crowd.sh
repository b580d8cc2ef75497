#!/usr/bin/env bash
# 500 clients at once, alone and with 100 beside them that hold the server up, in turns: equality, memory, the limits
# that end those, and the ratio of the median times, at most 1.5.
#
#   benches/crowd.sh                     Debian packages: gcc libc6-dev
#   MMS_CROWD_TURNS=5                    the default
#   MMS_CROWD_PACKETS=1250               the default: 4 MB for each client
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export MMS_CROWD_TURNS=${MMS_CROWD_TURNS:-5} MMS_CROWD_PACKETS=${MMS_CROWD_PACKETS:-1250}
machine
cargo test --release -q -p mms-cli --test crowd -- --test-threads 1 five_hundred idle
