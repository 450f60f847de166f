#!/usr/bin/env bash
# The demo on this machine: a real API server, the emulator of Azure, the operator.
#
#   tests/demo.sh           runs it and stops everything
#   KEEP=1 tests/demo.sh    pauses before the detach until you press Enter, and prints the KUBECONFIG
set -euo pipefail
cd "$(dirname "$0")/.."

operator_binary=target/debug/synapse-spark-operator
resync_interval=10
. tests/stage.sh

stage_up
say "attach pools with four manifests, one of them with a role in Synapse"
run kubectl apply -f examples/
run kubectl wait ssa --all --for=condition=Ready --timeout=60s
run kubectl get ssa -o wide
run kubectl describe ssa mysparkuser

say "will a job run? Submit a small one as a user, and see"
as_user() {
  env AZURE_TENANT_ID=72f988bf-0000-4000-8000-000000000001 AZURE_CLIENT_ID=11111111-2222-3333-4444-555555555555 \
    AZURE_CLIENT_SECRET=emulator-secret-not-a-real-one AZURE_AUTHORITY_HOST="$azure" AZURE_RESOURCE_MANAGER_ENDPOINT="$azure" AZURE_CA_FILE="$ca" "$@"
}
run as_user "$operator_binary" try mysparkrole --yes

say "run a pipeline with Microsoft's client: its first step runs on the pool, as the identity that has the role"
run tests/sdk/.venv/bin/python -W ignore tests/demo.py "$work/azure.json"

say "change an identity in place, then detach the pools"
run kubectl patch ssa mysparksystem --type merge -p '{"spec":{"identity":{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":[{"resourceId":"/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/yogi-managed-id"}]}}}'
run kubectl wait ssa/mysparksystem --for=jsonpath='{.status.identity.type}'=SystemAssigned,UserAssigned --timeout=60s
run kubectl wait ssa/mysparksystem --for=condition=Ready --timeout=60s
run kubectl get ssa -o wide
if [ "${KEEP:-}" = 1 ]; then
  say "paused. In another terminal, run:  export KUBECONFIG=$KUBECONFIG"
  echo "  the page: $operator_binary ui"
  echo "  kubectl get ssa -w;  the operator's log: $work/operator.log;  requests to Azure: curl --cacert $ca $azure/_emulator/journal"
  if [ -t 0 ]; then read -rp "Press Enter to continue. "; else wait "$operator"; fi
fi
run kubectl delete -f examples/ --timeout=60s

say "requests of the operator to Azure: each write, and the number of GETs"
curl -sSf --cacert "$ca" "$azure/_emulator/journal" | python3 -c '
import json, sys
requests = json.load(sys.stdin)["requests"]
requests = [one for one in requests if one["principal"] == "22222222-3333-4444-5555-666666666666"]
for one in requests:
    if one["method"] in ("PUT", "DELETE"):
        print(one["method"], one["status"], "/".join(one["path"].split("/")[-2:]), one["query"])
print(sum(one["method"] == "GET" for one in requests), "GETs,", sum("/oauth2/" in one["path"] for one in requests), "tokens")
assert not [one for one in requests if "underlyingResourceAction=Delete" in one["query"]]
roles = [one["method"] for one in requests if "/roleAssignments/" in one["path"] and one["method"] != "GET"]
assert roles == ["PUT", "DELETE"], roles
'
echo
echo "done: attached pools, assigned a role, proved that jobs run, ran a pipeline, changed an identity, detached the pools. Everything is stopped."
