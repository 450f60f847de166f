#!/usr/bin/env bash
# The whole story on this machine: a real API server, a stand-in of Azure, the operator.
#
#   tests/demo.sh           tells it and ends everything
#   KEEP=1 tests/demo.sh    leaves it running until Enter, and prints the KUBECONFIG
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }

work=$(mktemp -d)
operator='' emulator='' plane=''
finish() {
  status=$?
  trap - EXIT INT TERM
  [ "$status" = 0 ] || { printf '\nthe demo failed; the last lines of the operator:\n' >&2; tail -n 20 "$work/operator.log" >&2 2>/dev/null || true; }
  # By pid, and each is waited for: nothing is left behind.
  for pid in $operator $emulator $plane; do kill "$pid" 2>/dev/null || true; done
  for pid in $operator $emulator $plane; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
  exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# Waits until a file holds a whole line, or its writer has ended.
line() {
  local file=$1 pid=$2
  until [ -s "$file" ] && grep -q '}' "$file"; do
    kill -0 "$pid" 2>/dev/null || { echo "$3 did not start:" >&2; cat "$work/$3.log" >&2; exit 1; }
    sleep 0.1
  done
}
field() { python3 -c 'import json,sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$1" "$2"; }

say "1/7 a control plane: etcd and kube-apiserver, on loopback"
tests/control-plane/bin/control-plane up --dir "$work/plane" --keep >"$work/plane.json" 2>"$work/plane.log" </dev/null &
plane=$!
say "2/7 a stand-in of Azure"
target/debug/azure-emulator --dir "$work/azure" --operation-duration 2s >"$work/azure.json" 2>"$work/emulator.log" </dev/null &
emulator=$!
line "$work/azure.json" "$emulator" emulator
azure=$(field "$work/azure.json" endpoint) ca=$(field "$work/azure.json" ca)
line "$work/plane.json" "$plane" plane
KUBECONFIG=$(field "$work/plane.json" kubeconfig)
export KUBECONFIG
kubectl=$(field "$work/plane.json" kubectl)
kubectl() { command "$kubectl" "$@"; }
echo "API server $(field "$work/plane.json" server), Azure $azure"

say "3/7 install: the custom resource, the operator's account and rights"
kubectl apply -f crds/ -f deploy/rbac.yaml
kubectl wait --for=condition=Established crd/synapsesparkattachments.synapse-spark.dev --timeout=30s
control=tests/control-plane/bin/control-plane
"$control" kubeconfig --admin "$KUBECONFIG" --namespace synapse-spark-system --service-account synapse-spark-operator --out "$work/operator.kubeconfig"
"$control" token --admin "$KUBECONFIG" --namespace synapse-spark-system --service-account synapse-spark-operator --audience api://AzureADTokenExchange --out "$work/federated-token"
# What one does in Entra once: trust this cluster's token for the operator's ServiceAccount.
python3 - "$work/plane.json" >"$work/federation.json" <<'PY'
import json, sys
plane = json.load(open(sys.argv[1]))
print(json.dumps({
    "issuers": [{"issuer": plane["issuer"], "jwks": json.load(open(plane["jwks"]))}],
    "principals": [{
        "tenantId": "72f988bf-0000-4000-8000-000000000001",
        "clientId": "22222222-3333-4444-5555-666666666666",
        "objectId": "22222222-3333-4444-5555-777777777777",
        "federated": [{
            "issuer": plane["issuer"],
            "subject": "system:serviceaccount:synapse-spark-system:synapse-spark-operator",
            "audience": "api://AzureADTokenExchange",
        }],
    }],
}))
PY
curl -sSf --cacert "$ca" -X PUT -H 'content-type: application/json' --data @"$work/federation.json" "$azure/_emulator/world" >/dev/null

say "4/7 the operator, as its ServiceAccount, with workload identity"
# Its own environment and nothing else: no credential of whoever runs this can get in.
env -i PATH="$PATH" HOME="$work" KUBECONFIG="$work/operator.kubeconfig" \
  AZURE_CLIENT_ID=22222222-3333-4444-5555-666666666666 AZURE_TENANT_ID=72f988bf-0000-4000-8000-000000000001 \
  AZURE_FEDERATED_TOKEN_FILE="$work/federated-token" AZURE_AUTHORITY_HOST="$azure" \
  AZURE_RESOURCE_MANAGER_ENDPOINT="$azure" AZURE_CA_FILE="$ca" \
  target/debug/synapse-spark-operator run --metrics-address 127.0.0.1:0 --look-interval 10 2>"$work/operator.log" </dev/null &
operator=$!

say "5/7 attach: three manifests"
run kubectl apply -f examples/
run kubectl wait ssa --all --for=condition=Ready --timeout=60s
run kubectl get ssa -o wide
run kubectl describe ssa mysparkuser

say "6/7 change an identity in place, then detach"
run kubectl patch ssa mysparksystem --type merge -p '{"spec":{"identity":{"type":"SystemAssigned,UserAssigned","userAssignedIdentities":[{"resourceId":"/subscriptions/6560575d-fa06-4e7d-95fb-f962e74efd7a/resourceGroups/yogi-res-group/providers/Microsoft.ManagedIdentity/userAssignedIdentities/yogi-managed-id"}]}}}'
run kubectl wait ssa/mysparksystem --for=jsonpath='{.status.identity.type}'=SystemAssigned,UserAssigned --timeout=60s
run kubectl wait ssa/mysparksystem --for=condition=Ready --timeout=60s
run kubectl get ssa -o wide
if [ "${KEEP:-}" = 1 ]; then
  say "it stays. In another terminal:  export KUBECONFIG=$KUBECONFIG"
  echo "  kubectl get ssa -w;  the operator's log: $work/operator.log;  Azure's journal: curl --cacert $ca $azure/_emulator/journal"
  if [ -t 0 ]; then read -rp "Enter ends it. "; else wait "$operator"; fi
fi
run kubectl delete -f examples/ --timeout=60s

say "7/7 what Azure was asked (the writes; GETs are counted)"
curl -sSf --cacert "$ca" "$azure/_emulator/journal" | python3 -c '
import json, sys
requests = json.load(sys.stdin)["requests"]
for one in requests:
    if one["method"] in ("PUT", "DELETE"):
        print(one["method"], one["status"], one["path"].rsplit("/", 1)[-1], one["query"])
print(sum(one["method"] == "GET" for one in requests), "GETs,", sum("/oauth2/" in one["path"] for one in requests), "token")
assert not [one for one in requests if "underlyingResourceAction=Delete" in one["query"]]
'
echo
echo "done: attached, changed, detached; everything is ended."
