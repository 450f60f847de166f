#!/bin/bash
# An upgrade from another version to this one, and back: `make test-upgrade [FROM=REF]`. Builds that version, and runs
# tests/upgrade.rs with its program and its definition.
set -euo pipefail

cd "$(dirname "$0")/.."
tag=$(git describe --tags --abbrev=0 --match 'v*' HEAD~ 2>/dev/null || true)
# Before the first release: the version before the last change of the definition.
from=${FROM:-${tag:-$(git log -1 --format=%H -- crds)~}}
target=${CARGO_TARGET_DIR:-$PWD/target}
folder=$target/upgrade
source=$folder/source

mkdir -p "$folder"
git worktree prune
if [ -e "$source" ]; then
	git worktree remove --force "$source"
fi
git worktree add --quiet --detach "$source" "$from"
trap 'git worktree remove --force "$source"' EXIT
echo "== upgrade from $(git -C "$source" log -1 --format='%h %s')"
# In the same folder, so that no dependency is built twice.
(cd "$source" && CARGO_TARGET_DIR=$target cargo build --package synapse-spark-operator)
cp "$target/debug/synapse-spark-operator" "$folder/operator"
FROM_PROGRAM=$folder/operator FROM_DEFINITION=$source/crds/synapsesparkattachments.yaml \
	cargo test --test upgrade
