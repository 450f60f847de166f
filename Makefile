# make help lists the targets. Only `test-node` and `test-clean` need root, and `tools` if a tool is missing.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-clean check generate bench bench-memory conformance build tools plane node gotools clients python javascript rust go gitops sdk sdk-v1 sdk-go sdk-js docs workflows lint doc deny advisories image test-node release-check release-image release-index release-chart release-sbom release-sign release-notes

python := tests/sdk/.venv/bin/python

help: ## this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 12

demo: build tests/sdk/.venv/ready ## attach, run a pipeline, change, detach on this machine: a real API server, a stand-in of Azure, Microsoft's client (pip installs it once, half a minute); KEEP=1 leaves it running
	@tests/demo.sh

test: ## all tests, step by step; no cluster, no Azure, no container engine needed
	@tests/all.sh
	@echo; awk '/^test result: ok/ { rust += $$4 } FILENAME ~ /sdk/ && / passed/ { sdk += $$1 } FILENAME ~ /sdk-js/ && / pass [0-9]+$$/ { sdk += $$NF } FILENAME ~ /docs/ && / passed/ { docs += $$1 } FILENAME ~ /node/ && /^node: / { node += $$2 } /^--- PASS/ { if (FILENAME ~ /sdk-go/) sdk += 1; else go += 1 } \
		END { printf "passed: %d Rust tests, %d Go tests, %d tests of Microsoft'"'"'s clients, %d of the documents, %d on a real node; lint and docs are clean\n", rust, go, sdk, docs, node }' \
		target/test-rust.log target/test-go.log target/test-gitops.log target/test-sdk.log target/test-sdk-v1.log target/test-sdk-go.log target/test-sdk-js.log target/test-docs.log target/test-node.log

test-clean: ## the same on a clean Debian, without what earlier runs left (needs Linux and root; CACHE=FOLDER keeps downloads, COMMAND=… runs something else)
	@tests/clean.sh

check: ## the fast inner loop: format, clippy, unit tests, doc links
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --lib
	cargo test --test planner --test layers
	$(MAKE) doc

lint: tools workflows ## format, clippy, doc links, the Dockerfile, the workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(MAKE) doc
	image/lint

doc: ## doc comments without warnings
	# --examples, of which there are none: so it has the features that clippy and the tests have, and no dependency is checked twice.
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --lib --examples

rust: plane gotools ## the Rust tests: pure, against the emulator, against a real API server; the chart, the alerts, the rights
	@mkdir -p target
	@echo "== Rust: pure tests, the client against the emulator, the operator against a real API server"
	# To the end: a right that is missing is named by tests/rights.rs, whatever it broke in tests/cluster.rs. Three tests a core:
	# most of them wait for programs, which other tests use meanwhile.
	RUST_TEST_THREADS=$$((3 * $$(getconf _NPROCESSORS_ONLN))) cargo test --workspace --no-fail-fast 2>&1 | tee target/test-rust.log

# As the programs are compiled, so that what they share is not compiled again.
go gitops sdk-go: export CGO_ENABLED = 0
go gitops sdk-go: export GOFLAGS += -trimpath '-gcflags=all=-dwarf=false -l'

go: plane ## the tests of the control-plane harness
	@mkdir -p target
	@echo "== Go: the control-plane harness"
	cd tests/control-plane && go vet ./... && go test -v ./... 2>&1 | tee ../../target/test-go.log

gitops: tools ## every status that can be written, as Argo CD's Lua and Flux's kstatus take it
	@mkdir -p target
	@echo "== Go: Argo CD's and Flux's judgement"
	cd tests/gitops && go vet ./... && go test -count=1 -v ./... 2>&1 | tee ../../target/test-gitops.log | grep -v '^ *--- PASS\|^=== '

sdk: build tests/sdk/.venv/ready ## Microsoft's own Python client, against the emulator and beside the operator
	@echo "== Python: azure-ai-ml as the judge"
	$(python) -m pytest -q tests/sdk 2>&1 | tee target/test-sdk.log

sdk-v1: build tests/sdk-v1/.venv/ready ## SDK v1, which attaches through a linked service, against the emulator and beside the operator
	@echo "== Python: azureml-core as the judge"
	tests/sdk-v1/.venv/bin/python -m pytest -q tests/sdk-v1 2>&1 | tee target/test-sdk-v1.log

sdk-go: build ## Microsoft's Go client, against the emulator
	@echo "== Go: armmachinelearning as the judge"
	cd tests/sdk-go && go vet ./... && go test -count=1 -v ./... 2>&1 | tee ../../target/test-sdk-go.log | grep -v '^ *--- PASS\|^=== '

sdk-js: build tests/sdk-js/node_modules/ready ## Microsoft's JavaScript client, against the emulator
	@echo "== JavaScript: @azure/arm-machinelearning as the judge"
	cd tests/sdk-js && node --test --test-reporter=spec *.test.js 2>&1 | tee ../../target/test-sdk-js.log

docs: build gotools tests/sdk/.venv/ready tests/docs/.venv/ready ## every command of README.md and docs/, typed into a shell; links, manifests, workflows
	@echo "== Python: the documents, played"
	$(python) -m pytest -q tests/docs 2>&1 | tee target/test-docs.log

clients: python tests/sdk-js/node_modules/ready ## Microsoft's clients, for Python, JavaScript and Go
	cd tests/sdk-go && go mod download

python: tests/sdk/.venv/ready tests/sdk-v1/.venv/ready tests/docs/.venv/ready ## Microsoft's Python clients, and the parser of Azure CLI

tests/sdk/.venv/ready: tests/sdk/requirements.txt
	@echo "== a Python environment with Microsoft's azure-ai-ml (a minute or two the first time)"
	python3 -m venv tests/sdk/.venv
	tests/sdk/.venv/bin/pip install --quiet --no-compile --requirement tests/sdk/requirements.txt
	touch $@

tests/sdk-v1/.venv/ready: tests/sdk-v1/requirements.txt
	@echo "== a Python environment with Microsoft's azureml-core (half a minute the first time)"
	python3 -m venv tests/sdk-v1/.venv
	tests/sdk-v1/.venv/bin/pip install --quiet --no-compile --requirement tests/sdk-v1/requirements.txt
	touch $@

tests/docs/.venv/ready: tests/docs/requirements.txt
	@echo "== the parser of Azure CLI"
	python3 -m venv tests/docs/.venv
	tests/docs/.venv/bin/pip install --quiet --no-deps --no-compile --requirement tests/docs/requirements.txt
	touch $@

tests/sdk-js/node_modules/ready: tests/sdk-js/package.json tests/sdk-js/package-lock.json tests/sdk-js/.npmrc | javascript
	@echo "== Node.js modules with Microsoft's @azure/arm-machinelearning (some seconds the first time)"
	cd tests/sdk-js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

test-node: build node gotools ## the image on a real node: containerd, kubelet, Helm (needs Linux and root; elsewhere it says what is missing)
	@mkdir -p target
	@echo "== the operator's image on a real node"
	python3 tests/node 2>&1 | tee target/test-node.log

image: ## the operator's image, with docker, podman or buildah
	image/build

build: tools plane ## the operator and the emulator
	@echo "== building the operator and the emulator (some minutes the first time)"
	# --all-targets: with the features that the tests have, so that nothing is built twice.
	cargo build --workspace --all-targets

plane: tools ## etcd, kube-apiserver, kube-controller-manager and kubectl, from Go modules
	@tests/control-plane/build

node: tools ## and kubelet, kube-scheduler and kube-proxy
	@tests/control-plane/build node

gotools: tools ## Helm, promtool and other programs that tests need, from Go modules and Debian's packages
	@tests/gotools/build

bench: plane ## attachments against Azure's own limits, next to a naive controller (about three hours): ROWS=storm,rest N=20 CONTROLLERS=operator,naive measure a part, PAGE=docs/benchmarks.md also writes the page there; it is in target/bench
	# The operator first and by itself: with the features that it is shipped with, and not those of the tests.
	cargo build --profile dist --bin synapse-spark-operator
	@mkdir -p target/bench && cp target/dist/synapse-spark-operator target/bench/operator
	OPERATOR_BINARY=target/bench/operator cargo bench --bench scale

bench-memory: plane ## what the operator weighs beside a thousand huge objects
	cargo build --workspace --all-targets
	cargo build --release --bin synapse-spark-operator
	@benches/annotations.sh

conformance: ## the emulator's claims about Azure, against a real subscription: SUBSCRIPTION=GUID RESOURCE_GROUP=NAME WORKSPACE=NAME POOL=ID, and OTHER_POOL=ID IDENTITY=ID,ID CLOUD=public|china|usgov READ_ONLY=yes CONFIRM=yes (tests/conformance/README.md); without SUBSCRIPTION against an emulator
	cargo run --quiet -p azure-conformance -- $(if $(SUBSCRIPTION),--subscription '$(SUBSCRIPTION)' --resource-group '$(RESOURCE_GROUP)' --workspace '$(WORKSPACE)' --pool '$(POOL)') \
		$(if $(OTHER_POOL),--other-pool '$(OTHER_POOL)') $(if $(IDENTITY),--identity '$(IDENTITY)') $(if $(CLOUD),--cloud '$(CLOUD)') \
		$(if $(filter yes,$(READ_ONLY)),--read-only) $(if $(filter yes,$(CONFIRM)),--yes)

generate: gotools ## write what is generated: crds/, the chart's README and copies, deploy/install.yaml, pages of docs/, fixtures
	cargo build --workspace --all-targets
	target/debug/synapse-spark-operator crd > crds/synapsesparkattachments.yaml
	UPDATE=1 cargo test --workspace --test pages --test statuses
	charts/generate

workflows: ## the workflows of GitHub, by actionlint
	tests/gotools/build actionlint
	tests/gotools/bin/actionlint

cargo_deny := target/tools/bin/cargo-deny
$(cargo_deny):
	cargo install --locked --quiet --root target/tools cargo-deny

deny: $(cargo_deny) ## licences, sources and banned crates, by cargo-deny (some minutes the first time)
	$(cargo_deny) check bans licenses sources

advisories: $(cargo_deny) ## known vulnerabilities of what we build with (asks RustSec's database)
	$(cargo_deny) check advisories

# The steps of a release; .ci/release describes each.
release-chart: gotools
release-check release-image release-index release-chart release-sbom release-sign release-notes:
	@.ci/release $(@:release-%=%)

tools: ## check for the toolchains; install missing Debian packages where that is possible
	@tests/tools.sh

javascript: tools ## and Node.js with npm, which only sdk-js needs
	@tests/tools.sh javascript
