# make help lists the targets. Nothing here needs root but `tools`, and that only where a tool is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test check generate bench build tools plane rust go sdk lint doc

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: build ## attach, change, detach on this machine: a real API server, a stand-in of Azure; KEEP=1 leaves it running
	@tests/demo.sh

test: lint rust go sdk ## all tests of all kinds; no cluster, no Azure, no container engine needed
	@echo; awk '/^test result: ok/ { rust += $$4 } FILENAME ~ /sdk/ && / passed/ { sdk += $$1 } /^ok / { go += 1 } /^--- PASS/ { go_tests += 1 } \
		END { printf "passed: %d Rust tests, %d Go tests, %d tests of Microsoft'"'"'s client; lint and docs are clean\n", rust, go_tests, sdk }' target/test-rust.log target/test-go.log target/test-sdk.log

check: ## the fast inner loop: format, clippy, unit tests, doc links
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --lib
	$(MAKE) doc

lint: tools ## format, clippy, doc links
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(MAKE) doc

doc: ## doc comments without warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items

rust: plane ## the Rust tests: pure, against the emulator, against a real API server
	@mkdir -p target
	@echo "== Rust: pure tests, the client against the emulator, the operator against a real API server"
	cargo test --workspace 2>&1 | tee target/test-rust.log

go: plane ## the tests of the control-plane harness
	@mkdir -p target
	@echo "== Go: the control-plane harness"
	cd tests/control-plane && go vet ./... && go test -v ./... 2>&1 | tee ../../target/test-go.log

sdk: build tests/sdk/.venv/ready ## Microsoft's own Python client, against the emulator and beside the operator
	@echo "== Python: azure-ai-ml as the judge"
	tests/sdk/.venv/bin/python -m pytest -q tests/sdk 2>&1 | tee target/test-sdk.log

tests/sdk/.venv/ready: tests/sdk/requirements.txt
	@echo "== a Python environment with Microsoft's azure-ai-ml (a minute or two the first time)"
	python3 -m venv tests/sdk/.venv
	tests/sdk/.venv/bin/pip install --quiet --requirement tests/sdk/requirements.txt
	touch $@

build: tools plane ## the operator and the emulator
	@echo "== building the operator and the emulator (some minutes the first time)"
	# --all-targets: with the features that the tests have, so that nothing is built twice.
	cargo build --workspace --all-targets

plane: tools ## etcd, kube-apiserver, kube-controller-manager and kubectl, from Go modules
	@tests/control-plane/build

bench: plane ## two hundred attachments at rest: latency of an apply, memory, and ten minutes without a write
	cargo build --workspace --all-targets
	cargo build --release --bin synapse-spark-operator
	@benches/at_rest.sh

generate: ## write what is generated: crds/
	cargo build --workspace --all-targets
	target/debug/synapse-spark-operator crd > crds/synapsesparkattachments.yaml

tools: ## check for the toolchains; install missing Debian packages where that is possible
	@tests/tools.sh
