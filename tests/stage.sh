# Sets the stage for the demo and the benches: control plane, emulator, operator, on loopback.
# To be sourced by bash, with the root of the repository as the current folder.
#
# Before stage_up: operator_binary, resync_interval, and metrics_address unless any free port will do. After it: KUBECONFIG, kubectl, azure, ca, work, operator.

say() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
run() { printf '\033[2m$ %s\033[0m\n' "$*"; "$@"; }

work=$(mktemp -d)
operator='' emulator='' plane=''
finish() {
  status=$?
  trap - EXIT INT TERM
  [ "$status" = 0 ] || { printf '\nFailed. The last lines of the operator\047s log:\n' >&2; tail -n 20 "$work/operator.log" >&2 2>/dev/null || true; }
  # By pid, and waits for each, so that no process is left.
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

stage_up() {
  say "start a control plane on loopback: etcd and kube-apiserver"
  tests/control-plane/bin/control-plane up --dir "$work/plane" --controllers none --keep >"$work/plane.json" 2>"$work/plane.log" </dev/null &
  plane=$!
  say "start the emulator of Azure"
  target/debug/azure-emulator --dir "$work/azure" --operation-duration 2s >"$work/azure.json" 2>"$work/emulator.log" </dev/null &
  emulator=$!
  line "$work/azure.json" "$emulator" emulator
  azure=$(field "$work/azure.json" endpoint) synapse=$(field "$work/azure.json" synapse) ca=$(field "$work/azure.json" ca)
  line "$work/plane.json" "$plane" plane
  KUBECONFIG=$(field "$work/plane.json" kubeconfig)
  export KUBECONFIG
  kubectl=$(field "$work/plane.json" kubectl)
  kubectl() { command "$kubectl" "$@"; }
  echo "API server $(field "$work/plane.json" server), Azure $azure"

  say "install the custom resource definition, the operator's ServiceAccount and its permissions"
  # Without a node the Deployment has no pods; the operator runs outside of the cluster, as its ServiceAccount.
  kubectl apply -f deploy/install.yaml
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

  say "start the operator, as its ServiceAccount, with workload identity"
  operator_up
}

# Starts the operator; again, once it was ended.
operator_up() {
  # Its own environment only, without the credentials of the user.
  env -i PATH="$PATH" HOME="$work" KUBECONFIG="$work/operator.kubeconfig" \
    AZURE_CLIENT_ID=22222222-3333-4444-5555-666666666666 AZURE_TENANT_ID=72f988bf-0000-4000-8000-000000000001 \
    AZURE_FEDERATED_TOKEN_FILE="$work/federated-token" AZURE_AUTHORITY_HOST="$azure" \
    AZURE_RESOURCE_MANAGER_ENDPOINT="$azure" AZURE_SYNAPSE_ENDPOINT="$synapse" AZURE_CA_FILE="$ca" \
    "$operator_binary" run --metrics-address "${metrics_address:-127.0.0.1:0}" --resync-interval "$resync_interval" 2>"$work/operator.log" </dev/null &
  operator=$!
}
