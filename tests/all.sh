#!/usr/bin/env bash
# All tests, one target of the Makefile after the other. Each prints its number and, at its end, its duration.
set -euo pipefail
cd "$(dirname "$0")/.."

# What needs little comes first, then what is built, then what uses it.
steps=(
  "tools      the toolchains"
  "lint       format, clippy, doc links, the Dockerfile, the workflows"
  "node       the programs of a control plane and of a node"
  "gotools    Helm, promtool and other programs"
  "build      the operator, the emulator and their tests"
  "python     Microsoft's clients"
  "rust       pure tests, the client against the emulator, the operator against a real API server"
  "go         the harness of the control plane"
  "gitops     Argo CD's and Flux's judgement"
  "sdk        azure-ai-ml as the judge"
  "sdk-v1     azureml-core as the judge"
  "docs       every command of the documents"
  "test-node  the image on a real node"
)
# The image takes minutes to compile, and the tests mostly wait. So it is built in parallel, with the lowest priority, for test-node.
image='' log=target/test-image.log
build_image() {
  echo "== beside the next steps: the image of the operator; what it says is in $log"
  setsid nice -n 19 python3 tests/node --build >"$log" 2>&1 &
  image=$!
  trap 'kill -TERM -- "-$image" 2>/dev/null || true' EXIT
}
await_image() {
  [ ! -d "/proc/$image" ] || echo "waiting for the image"
  wait "$image" || { cat "$log" && echo "the image FAILED" >&2 && exit 1; }
  trap - EXIT
}

took=()
total=0
for at in "${!steps[@]}"; do
  read -r target words <<<"${steps[at]}"
  label="[$((at + 1))/${#steps[@]}] $target"
  printf '== %s: %s\n' "$label" "$words"
  began=$SECONDS
  case $target in
    python) build_image ;;
    test-node) await_image ;;
  esac
  make --no-print-directory "$target" || { printf '== %s FAILED\n' "$label" >&2; exit 1; }
  seconds=$((SECONDS - began))
  total=$((total + seconds))
  took+=("$(printf '%3d:%02d  %s' $((seconds / 60)) $((seconds % 60)) "$target")")
  printf '== %s took %d:%02d min, all until now %d:%02d\n\n' "$label" $((seconds / 60)) $((seconds % 60)) $((total / 60)) $((total % 60))
done
printf '%s\n' "${took[@]}" "$(printf '%3d:%02d  all' $((total / 60)) $((total % 60)))"
