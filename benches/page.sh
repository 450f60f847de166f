#!/usr/bin/env bash
# How long `kubectl synapse ui` takes until its page lists 10,000 attachments, the weight of the page, and the memory of the program.
#
#   benches/page.sh        OBJECTS=10000 and OPERATOR_BINARY=target/dist/synapse-spark-operator are the defaults
#
# With a real API server and etcd. The objects have the status that the operator would write; no operator runs.
set -euo pipefail
cd "$(dirname "$0")/.."
export OPERATOR_BINARY=${OPERATOR_BINARY:-target/dist/synapse-spark-operator} OBJECTS=${OBJECTS:-10000}

work=$(mktemp -d)
tests/control-plane/bin/control-plane up --dir "$work/plane" --controllers none --keep >"$work/plane.json" 2>"$work/plane.log" </dev/null &
plane=$!
trap 'kill "$plane" 2>/dev/null || true; wait "$plane" || true; rm -rf "$work"' EXIT
until grep -qs '}' "$work/plane.json"; do
  kill -0 "$plane" 2>/dev/null || { cat "$work/plane.log" >&2; exit 1; }
  sleep 0.1
done
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/plane.json" "$1"; }
KUBECONFIG=$(field kubeconfig)
export KUBECONFIG
kubectl=$(field kubectl)
"$kubectl" apply -f crds/ >/dev/null
"$kubectl" wait --for=condition=Established crd/synapsesparkattachments.synapse-spark.dev --timeout=30s >/dev/null
python3 benches/page.py create
python3 benches/page.py measure
