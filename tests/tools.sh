#!/usr/bin/env bash
# Names each missing toolchain in one line, with the way to get it; installs small things where apt can.
# `tests/tools.sh javascript` does so for Node.js and npm, too; `tests/tools.sh browser` for Chromium.
set -euo pipefail
javascript=''
browser=''
case ${1:-} in
  javascript) javascript=yes ;;
  browser) browser=yes ;;
esac
missing=0
need() { command -v "$1" >/dev/null 2>&1 || { echo "missing: $1 — $2" >&2; missing=1; }; }
need cargo "install Rust from https://rustup.rs"
need go "install Go from https://go.dev/dl"
need python3 "install Python 3.10 or newer from https://www.python.org/downloads"
if [ "$javascript" ] && command -v node >/dev/null 2>&1 && ! node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)'; then
  echo "missing: Node.js 18 or newer — install it from https://nodejs.org/en/download" >&2
  missing=1
fi
[ "$missing" = 0 ] || exit 1

packages=()
command -v cc >/dev/null 2>&1 || packages+=(gcc libc6-dev)
command -v curl >/dev/null 2>&1 || packages+=(curl)
command -v jq >/dev/null 2>&1 || packages+=(jq)
python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
if [ "$javascript" ]; then
  command -v node >/dev/null 2>&1 || packages+=(nodejs)
  command -v npm >/dev/null 2>&1 || packages+=(npm)
fi
if [ "$browser" ] && [ -z "${CHROMIUM:-}" ] && ! command -v chromium >/dev/null 2>&1 && ! command -v google-chrome >/dev/null 2>&1; then
  # With a font, which Chromium only recommends.
  packages+=(chromium fonts-liberation)
fi
[ "${#packages[@]}" = 0 ] && exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
  echo "installing ${packages[*]}"
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
else
  echo "missing: ${packages[*]} — install them with your system's package manager" >&2
  exit 1
fi
