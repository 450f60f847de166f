#!/usr/bin/env bash
# Opens the page of `kubectl synapse ui` in Chromium, beside a real API server, an emulator of Azure and the operator.
#
#   tests/ui.sh             runs tests/ui; the screenshots are in target/ui
#   UPDATE=1 tests/ui.sh    and puts the screenshots into docs/ui
set -euo pipefail
cd "$(dirname "$0")/.."

operator_binary=target/debug/synapse-spark-operator
resync_interval=10
. tests/stage.sh

stage_up
# More of Azure than the examples need, for the map.
curl -sSf --cacert "$ca" -X PUT -H 'content-type: application/json' --data @tests/ui/azure.json "$azure/_emulator/world" >/dev/null
run kubectl apply -f examples/
run kubectl wait ssa --all --for=condition=Ready --timeout=60s
say "open the page"
screenshots=target/ui
[ "${UPDATE:-}" != 1 ] || screenshots=docs/ui
mkdir -p "$screenshots"
CHROMIUM=${CHROMIUM:-$(command -v chromium || command -v google-chrome)}
export CHROMIUM
OPERATOR_BINARY=$operator_binary KUBECTL=$kubectl SCREENSHOTS=$screenshots node --test --test-reporter=spec tests/ui/*.test.js
