#!/usr/bin/env bash
# What the operator weighs beside a thousand objects with 250 KiB of annotations each, and beside the same without them.
#
#   benches/annotations.sh        OBJECTS=1000 is the default; etcd and the API server need 2 GiB for it
set -euo pipefail
cd "$(dirname "$0")/.."
operator_binary=${OPERATOR_BINARY:-target/release/synapse-spark-operator}
resync_interval=300
. tests/stage.sh

export OBJECTS=${OBJECTS:-1000}
reads() {
  curl -sSf --cacert "$ca" "$azure/_emulator/counters" | jq '[.requests[] | select(.method == "GET" and .kind == "compute") | .count] | add // 0'
}
# A new process, once it has observed each object.
weigh() {
  kill "$operator"; wait "$operator" || true
  local before
  before=$(reads)
  operator_up
  until [ $(($(reads) - before)) -ge "$OBJECTS" ]; do sleep 1; done
  python3 benches/annotations.py weigh "$operator" "$1"
}

stage_up
say "$OBJECTS objects, suspended"
python3 benches/annotations.py create
weigh without
say "250 KiB of annotations for each"
python3 benches/annotations.py annotate
weigh with
python3 benches/annotations.py compare
