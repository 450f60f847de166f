#!/usr/bin/env bash
# The operator's memory with a thousand objects that have 250 KiB of annotations each, and with the same objects without annotations.
#
#   benches/annotations.sh        OBJECTS=1000 is the default; etcd and the API server need 2 GiB for it
set -euo pipefail
cd "$(dirname "$0")/.."
operator_binary=${OPERATOR_BINARY:-target/release/synapse-spark-operator}
resync_interval=300
. tests/stage.sh

export OBJECTS=${OBJECTS:-1000}
metrics_address=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# How many computes the operator has observed, whatever the requests that showed them.
observed() {
  { curl -s "http://$metrics_address/metrics" || true; } | awk '/^synapse_spark_operator_azure_observations_total/ { sum += $2 } END { print int(sum) }'
}
# A new process, once it has observed each object.
weigh() {
  kill "$operator"; wait "$operator" || true
  operator_up
  until [ "$(observed)" -ge "$OBJECTS" ]; do
    kill -0 "$operator" 2>/dev/null || { echo "the operator has ended" >&2; exit 1; }
    sleep 1
  done
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
