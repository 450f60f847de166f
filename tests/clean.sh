#!/usr/bin/env bash
# Runs the README's test command on a clean machine: a Debian of its own in a folder, without anything that an earlier run left.
# It needs Linux and root, reports what else is missing, and uses about 20 GB in target/ while it runs.
#
#   tests/clean.sh                        make test
#   COMMAND='make check' tests/clean.sh   another command
#   CACHE=FOLDER tests/clean.sh           keeps crates, Go modules, Go's compiled packages, Python and npm packages in FOLDER, for the next run;
#                                         without it, everything is downloaded and built again
#
# It uses the kernel, the network, Rust and Go (read-only), and the sources of Debian packages of this machine. All processes and
# mounts are in namespaces of their own, which end with this script, however it ends. The next run removes a folder that was left after a `kill -9`.
set -euo pipefail
cd "$(dirname "$0")/.."
command=${COMMAND:-make test}
# Settings that the network requires for downloads.
kept=(http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY GOPROXY GOSUMDB PIP_INDEX_URL NPM_CONFIG_REGISTRY)
bundle=/etc/ssl/certs/ca-certificates.crt

lacking() {
  [ "$(uname)" = Linux ] || echo "Linux"
  [ "$(id -u)" = 0 ] || echo "root"
  command -v apt-get >/dev/null || echo "apt-get: the clean machine is built from Debian packages"
  command -v rustup >/dev/null || echo "rustup: https://rustup.rs"
  command -v go >/dev/null || echo "go: https://go.dev/dl"
  for program in flock git pivot_root setpriv unshare; do
    command -v "$program" >/dev/null || echo "$program (Debian packages git and util-linux)"
  done
}

began=$SECONDS
# step NUMBER WORDS
step() { printf '== clean [%s/4] %s (after %d:%02d min)\n' "$1" "$2" $(((SECONDS - began) / 60)) $(((SECONDS - began) % 60)); }

# Debian, with only what the README requires in addition to Rust and Go.
debian() {
  if ! command -v mmdebstrap >/dev/null; then
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mmdebstrap >/dev/null
  fi
  sources=()
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/{debian,ubuntu}.sources; do
    [ ! -s "$file" ] || sources+=("$file")
  done
  mmdebstrap --quiet --variant=minbase --include=ca-certificates,git,make,python3 "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$root" "${sources[@]}"
  apt-config dump | grep -E '^Acquire::https?::' >"$root/etc/apt/apt.conf.d/90machine" || true
  # There is no init, so no package is to start a server.
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod +x "$root/usr/sbin/policy-rc.d"
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  cp -L "${SSL_CERT_FILE:-$bundle}" "$root$bundle"
}

toolchains() {
  mkdir -p "$root/root/.rustup/toolchains/$rust" "$root/usr/local/go" "$root/cache"
  cp -L "$(command -v rustup)" "$root/usr/local/bin/"
  for name in cargo cargo-clippy cargo-fmt clippy-driver rustc rustdoc rustfmt; do
    ln -s rustup "$root/usr/local/bin/$name"
  done
}

# The part that runs in the namespaces.
inside() {
  root=$1
  mount --bind "$root" "$root"
  mount -t proc proc "$root/proc"
  mount --rbind /sys "$root/sys"
  mount --rbind /dev "$root/dev"
  mount -t tmpfs shm "$root/dev/shm"
  mount -t tmpfs run "$root/run"
  mount -o bind,ro "$(rustc --print sysroot)" "$root/root/.rustup/toolchains/$rust"
  mount -o bind,ro "$(go env GOROOT)" "$root/usr/local/go"
  variables=(HOME=/root LANG=C.UTF-8 PATH=/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "PIP_CERT=$bundle" "NODE_EXTRA_CA_CERTS=$bundle")
  if [ -n "${CACHE:-}" ]; then
    mount --bind "$CACHE" "$root/cache"
    variables+=(CARGO_HOME=/cache/cargo GOMODCACHE=/cache/go GOCACHE=/cache/go-build PIP_CACHE_DIR=/cache/pip NPM_CONFIG_CACHE=/cache/npm)
  fi
  for name in "${kept[@]}"; do
    [ -z "${!name:-}" ] || variables+=("$name=${!name}")
  done
  cd "$root"
  mkdir .machine
  pivot_root . .machine
  # By the shell of the new root, which collects what processes leave, as process 1 has to.
  exec env -i "${variables[@]}" bash -c 'umount --lazy /.machine && rmdir /.machine && cd /root/checkout && { '"$command"'
exit; }' </dev/null
}

if missing=$(lacking) && [ -n "$missing" ]; then
  printf 'a clean machine cannot be made here; missing:\n%s\n' "$missing" >&2
  exit 1
fi
rust=$(rustup show active-toolchain | cut -d ' ' -f 1)
if [ "${1:-}" = inside ]; then
  inside "$2"
fi
[ -z "${CACHE:-}" ] || { mkdir -p "$CACHE" && CACHE=$(realpath "$CACHE") && export CACHE; }
mkdir -p target
exec {lock}>target/clean.lock
flock -n "$lock" || { echo "another run of $0 has not ended" >&2; exit 1; }
rm -rf --one-file-system target/clean-*
root=$(mktemp -d "$PWD/target/clean-XXXXXX")
chmod 755 "$root"
namespaces=''
leave() {
  # Process 1 of the namespaces: its end is the end of all that is in them.
  [ -z "$namespaces" ] || kill -KILL $(cat "/proc/$namespaces/task/$namespaces/children") 2>/dev/null || true
  [ -z "$namespaces" ] || wait "$namespaces" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap leave EXIT
trap 'exit 130' INT TERM HUP

step 1 "a Debian without traces"
debian
toolchains
step 2 "a clone of $(git rev-parse --short HEAD)"
[ -z "$(git status --porcelain)" ] || echo "note: uncommitted changes are not tested"
git -c safe.directory="$PWD" clone --quiet "$PWD" "$root/root/checkout"
step 3 "$command"
setpriv --pdeathsig KILL unshare --mount --pid --ipc --fork --kill-child "$BASH" "$0" inside "$root" {lock}>&- &
namespaces=$!
code=0
wait "$namespaces" || code=$?
namespaces=''
step 4 "$([ "$code" = 0 ] && echo "passed" || echo "FAILED with exit code $code"); removing the clean machine"
exit "$code"
