#!/usr/bin/env bash
# Two hundred attachments at rest: how soon a new one is on Azure's wire, what the operator weighs, and that it writes nothing.
#
#   benches/at_rest.sh        ATTACHMENTS=200 APPLIES=100 REST_SECONDS=600 are the defaults
set -euo pipefail
cd "$(dirname "$0")/.."
operator_binary=target/release/synapse-spark-operator
resync_interval=300
. tests/stage.sh

stage_up
say "measuring; the rest takes ${REST_SECONDS:-600} s"
python3 benches/at_rest.py "$KUBECONFIG" "$azure" "$ca" "$operator"
