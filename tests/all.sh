#!/usr/bin/env bash
# Runs all tests, one target of the Makefile after the other. Each prints its number and, when it has ended, its duration.
set -euo pipefail
cd "$(dirname "$0")/.."

# Quick checks come first, then what is built, then the tests that use it.
steps=(
  "javascript check for the toolchains"
  "lint       format, clippy, doc links, the Dockerfile, the workflows"
  "node       build the programs of a control plane and of a node"
  "gotools    install Helm, promtool and other programs"
  "build      build the operator, the emulator and their tests"
  "clients    install Microsoft's clients"
  "rust       unit tests, the Azure client against the emulator, the operator against a real API server"
  "go         the control-plane harness"
  "gitops     the health of attachments in Argo CD and Flux"
  "sdk        azure-ai-ml against the emulator, and with the operator"
  "sdk-v1     azureml-core against the emulator, and with the operator"
  "sdk-go     armmachinelearning against the emulator"
  "sdk-js     @azure/arm-machinelearning against the emulator"
  "test-ui    the page of kubectl synapse ui, in Chromium"
  "docs       every command of the documents"
  "test-node  the image on a real node"
)
# What runs at the same time as other steps, with its process: the image for test-node, which takes minutes to compile and gets the
# lowest priority, and the documents, whose tests mostly wait.
declare -A beside=()
trap 'for pid in "${beside[@]}"; do kill -TERM -- "-$pid" 2>/dev/null || true; done' EXIT
start_beside() {
  local what=$1 log=target/beside-$1.log
  shift
  echo "== in the background: $what; its output is in $log"
  setsid "$@" >"$log" 2>&1 &
  beside[$what]=$!
}
# Ends at once if it has failed already.
check_beside() {
  local what pid
  for what in "${!beside[@]}"; do
    pid=${beside[$what]}
    [ -d "/proc/$pid" ] || await_beside "$what" quietly
  done
}
await_beside() {
  local what=$1 pid=${beside[$1]:-}
  [ -n "$pid" ] || return 0
  [ ! -d "/proc/$pid" ] || echo "waiting for: $what"
  unset "beside[$what]"
  wait "$pid" || { cat "target/beside-$what.log" && printf '== %s FAILED\n' "$what" >&2 && exit 1; }
  [ "${2:-}" = quietly ] || cat "target/beside-$what.log"
}

took=()
total=0
for at in "${!steps[@]}"; do
  read -r target words <<<"${steps[at]}"
  label="[$((at + 1))/${#steps[@]}] $target"
  printf '== %s: %s\n' "$label" "$words"
  began=$SECONDS
  check_beside
  case $target in
    clients) start_beside image nice -n 19 python3 tests/node --build ;;
    go) start_beside docs make --no-print-directory docs ;;
    test-node) await_beside image ;;
  esac
  case $target in
    docs) await_beside docs ;;
    *) make --no-print-directory "$target" || { printf '== %s FAILED\n' "$label" >&2; exit 1; } ;;
  esac
  seconds=$((SECONDS - began))
  total=$((total + seconds))
  took+=("$(printf '%3d:%02d  %s' $((seconds / 60)) $((seconds % 60)) "$target")")
  printf '== %s took %d:%02d min, all until now %d:%02d\n\n' "$label" $((seconds / 60)) $((seconds % 60)) $((total / 60)) $((total % 60))
done
printf '%s\n' "${took[@]}" "$(printf '%3d:%02d  all' $((total / 60)) $((total % 60)))"
