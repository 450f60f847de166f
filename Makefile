# `make help` lists the targets. Only `test-node` and `test-clean` need root; `tools` needs it to install missing packages.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test test-upgrade test-clean check generate bench bench-memory bench-page conformance build tools plane node gotools clients python javascript browser rust go gitops sdk sdk-v1 sdk-go sdk-js test-ui docs workflows lint doc deny advisories image test-node release-check release-image release-index release-chart release-sbom release-sign release-notes

python := tests/sdk/.venv/bin/python

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 14

demo: tools ## run the operator on this machine: a real API server, an emulator of Azure, Microsoft's Python client; builds for some minutes the first time; KEEP=1 pauses before the detach
	@python3 tests/demo-build.py
	@tests/demo.sh

test: ## run all tests, step by step; needs no cluster, no Azure and no container engine
	@tests/all.sh
	@echo; awk '/^test result: ok/ { rust += $$4 } FILENAME ~ /sdk/ && / passed/ { sdk += $$1 } FILENAME ~ /sdk-js/ && / pass [0-9]+$$/ { sdk += $$NF } FILENAME ~ /test-ui/ && / pass [0-9]+$$/ { ui += $$NF } FILENAME ~ /docs/ && / passed/ { docs += $$1 } FILENAME ~ /node/ && /^node: / { node += $$2 } /^--- PASS/ { if (FILENAME ~ /sdk-go/) sdk += 1; else go += 1 } \
		END { printf "passed: %d Rust tests, %d Go tests, %d tests of Microsoft'"'"'s clients, %d of the page, %d of the documents, %d on a real node; no warnings of lints and docs\n", rust, go, sdk, ui, docs, node }' \
		target/test-rust.log target/test-go.log target/test-gitops.log target/test-sdk.log target/test-sdk-v1.log target/test-sdk-go.log target/test-sdk-js.log target/test-ui.log target/test-docs.log target/test-node.log

test-upgrade: plane ## upgrade from another version to this one and roll back, with running operations (FROM=REF; builds that version)
	@tests/upgrade.sh

test-clean: ## run the tests on a clean Debian, to find what depends on earlier runs (needs Linux and root); CACHE=FOLDER keeps downloads, COMMAND=… runs another command
	@tests/clean.sh

check: ## check quickly while you work: format, clippy, unit tests, doc links
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	cargo test --workspace --lib
	cargo test --test planner --test layers
	$(MAKE) doc

lint: tools workflows ## check the format, clippy, doc links, the Dockerfile and the workflows
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	$(MAKE) doc
	image/lint

doc: ## build the doc comments, and fail on warnings
	# There are no examples, but --examples selects the features that clippy and the tests use, so that no dependency is checked twice.
	RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --document-private-items --lib --examples

rust: plane gotools ## run the Rust tests: unit tests, and tests against the emulator and a real API server; the chart, the alerts, the permissions
	@mkdir -p target
	@echo "== Rust: unit tests, the Azure client against the emulator, the operator against a real API server"
	# --no-fail-fast: tests/rights.rs names a missing permission, whatever it broke in tests/cluster.rs. Three tests per core: most
	# of them wait for other programs most of the time.
	RUST_TEST_THREADS=$$((3 * $$(getconf _NPROCESSORS_ONLN))) cargo test --workspace --no-fail-fast 2>&1 | tee target/test-rust.log

# The same flags as for the programs, so that shared packages are not compiled again.
go gitops sdk-go: export CGO_ENABLED = 0
go gitops sdk-go: export GOFLAGS += -trimpath '-gcflags=all=-dwarf=false -l'

go: plane ## test the control-plane harness
	@mkdir -p target
	@echo "== Go: the control-plane harness"
	cd tests/control-plane && go vet ./... && go test -v ./... 2>&1 | tee ../../target/test-go.log

gitops: tools ## test every status that the operator can write with Argo CD's Lua and Flux's kstatus
	@mkdir -p target
	@echo "== Go: the health of attachments in Argo CD and Flux"
	cd tests/gitops && go vet ./... && go test -count=1 -v ./... 2>&1 | tee ../../target/test-gitops.log | grep -v '^ *--- PASS\|^=== '

sdk: build tests/sdk/.venv/ready ## test Microsoft's Python client against the emulator, and together with the operator
	@echo "== Python: azure-ai-ml against the emulator, and with the operator"
	$(python) -m pytest -q tests/sdk 2>&1 | tee target/test-sdk.log

sdk-v1: build tests/sdk-v1/.venv/ready ## test SDK v1, which attaches through a linked service and runs a pipeline, against the emulator, and together with the operator
	@echo "== Python: azureml-core (SDK v1) against the emulator, and with the operator"
	tests/sdk-v1/.venv/bin/python -m pytest -q tests/sdk-v1 2>&1 | tee target/test-sdk-v1.log

sdk-go: build ## test Microsoft's Go client against the emulator
	@echo "== Go: armmachinelearning against the emulator"
	cd tests/sdk-go && go vet ./... && go test -count=1 -v ./... 2>&1 | tee ../../target/test-sdk-go.log | grep -v '^ *--- PASS\|^=== '

sdk-js: build tests/sdk-js/node_modules/ready ## test Microsoft's JavaScript client against the emulator
	@echo "== JavaScript: @azure/arm-machinelearning against the emulator"
	cd tests/sdk-js && node --test --test-reporter=spec *.test.js 2>&1 | tee ../../target/test-sdk-js.log

test-ui: build tests/ui/node_modules/ready | browser ## test the page of `kubectl synapse ui` in Chromium, with the operator; UPDATE=1 writes the screenshots of docs/ui
	@echo "== JavaScript: the page in a browser"
	tests/ui.sh 2>&1 | tee target/test-ui.log

docs: build gotools tests/sdk/.venv/ready tests/docs/.venv/ready ## run every command of README.md and docs/ in a shell; check links, manifests and workflows
	@echo "== Python: the commands of the documents"
	$(python) -m pytest -q tests/docs 2>&1 | tee target/test-docs.log

clients: python tests/sdk-js/node_modules/ready ## install Microsoft's clients for Python, JavaScript and Go
	cd tests/sdk-go && go mod download

python: tests/sdk/.venv/ready tests/sdk-v1/.venv/ready tests/docs/.venv/ready ## install Microsoft's Python clients and the parser of Azure CLI

tests/sdk/.venv/ready: tests/sdk/requirements.txt
	@echo "== installing a Python environment with azure-ai-ml (a minute or two the first time)"
	python3 -m venv tests/sdk/.venv
	tests/sdk/.venv/bin/pip install --quiet --no-compile --requirement tests/sdk/requirements.txt
	touch $@

tests/sdk-v1/.venv/ready: tests/sdk-v1/requirements.txt
	@echo "== installing a Python environment with azureml-core and pipelines (a minute the first time)"
	python3 -m venv tests/sdk-v1/.venv
	tests/sdk-v1/.venv/bin/pip install --quiet --no-compile --requirement tests/sdk-v1/requirements.txt
	touch $@

tests/docs/.venv/ready: tests/docs/requirements.txt
	@echo "== installing the parser of Azure CLI"
	python3 -m venv tests/docs/.venv
	tests/docs/.venv/bin/pip install --quiet --no-deps --no-compile --requirement tests/docs/requirements.txt
	touch $@

tests/sdk-js/node_modules/ready: tests/sdk-js/package.json tests/sdk-js/package-lock.json tests/sdk-js/.npmrc | javascript
	@echo "== installing Node.js modules with @azure/arm-machinelearning (some seconds the first time)"
	cd tests/sdk-js && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

tests/ui/node_modules/ready: tests/ui/package.json tests/ui/package-lock.json tests/ui/.npmrc | javascript
	@echo "== installing Node.js modules with Playwright and axe (some seconds the first time)"
	cd tests/ui && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@

test-node: build node gotools ## test the image on a real node with containerd, kubelet and Helm (needs Linux and root; elsewhere it reports what is missing)
	@mkdir -p target
	@echo "== the operator's image on a real node"
	python3 tests/node 2>&1 | tee target/test-node.log

image: ## build the operator's image with docker, podman or buildah; IMAGE=… names it, ENGINE=… selects the engine
	image/build

build: tools plane ## build the operator, the emulator and their tests
	@echo "== building the operator and the emulator (some minutes the first time)"
	# --all-targets selects the features that the tests use, so that nothing is built twice.
	cargo build --workspace --all-targets

plane: tools ## build etcd, kube-apiserver, kube-controller-manager and kubectl from Go modules
	@tests/control-plane/build

node: tools ## also build kubelet, kube-scheduler and kube-proxy
	@tests/control-plane/build node

gotools: tools ## install Helm, promtool and other programs that tests need, from Go modules and Debian packages
	@tests/gotools/build

bench: plane ## benchmark the operator and a naive controller under Azure's request limits (about three hours); ROWS=storm,rest N=20 CONTROLLERS=operator,naive run a part, PAGE=docs/benchmarks.md writes the page
	# Build the operator first and separately, with the features of a release and not those of the tests.
	cargo build --profile dist --bin synapse-spark-operator
	@mkdir -p target/bench && cp target/dist/synapse-spark-operator target/bench/operator
	OPERATOR_BINARY=target/bench/operator cargo bench --bench scale

bench-memory: plane ## measure the operator's memory with a thousand very large objects
	cargo build --workspace --all-targets
	cargo build --release --bin synapse-spark-operator
	@benches/annotations.sh

bench-page: plane ## measure the page of `kubectl synapse ui` with 10,000 attachments: time, weight and memory; OBJECTS=1000 for fewer
	cargo build --profile dist --features ui --bin synapse-spark-operator
	@benches/page.sh

conformance: ## compare the emulator with a real Azure subscription: SUBSCRIPTION=GUID RESOURCE_GROUP=NAME WORKSPACE=NAME POOL=ID, and the options of tests/conformance/README.md; without SUBSCRIPTION, test the kit against the emulator
	cargo run --quiet -p azure-conformance -- $(if $(SUBSCRIPTION),--subscription '$(SUBSCRIPTION)' --resource-group '$(RESOURCE_GROUP)' --workspace '$(WORKSPACE)' --pool '$(POOL)') \
		$(if $(OTHER_POOL),--other-pool '$(OTHER_POOL)') $(if $(IDENTITY),--identity '$(IDENTITY)') $(if $(CLOUD),--cloud '$(CLOUD)') \
		$(if $(filter yes,$(READ_ONLY)),--read-only) $(if $(filter yes,$(CONFIRM)),--yes)

generate: gotools ## write all generated files: crds/, the chart's README and copies, deploy/install.yaml, pages of docs/, fixtures
	cargo build --workspace --all-targets
	target/debug/synapse-spark-operator crd > crds/synapsesparkattachments.yaml
	UPDATE=1 cargo test --workspace --test pages --test statuses
	UPDATE=1 cargo test --workspace --test planner how_it_works
	charts/generate

workflows: ## check the GitHub workflows, and that of deploy/ci, with actionlint
	tests/gotools/build actionlint
	tests/gotools/bin/actionlint
	tests/gotools/bin/actionlint deploy/ci/github-actions.yaml

cargo_deny := target/tools/bin/cargo-deny
$(cargo_deny):
	cargo install --locked --quiet --root target/tools cargo-deny

deny: $(cargo_deny) ## check licences, sources and banned crates with cargo-deny (takes some minutes the first time)
	$(cargo_deny) check bans licenses sources

advisories: $(cargo_deny) ## check the dependencies for known vulnerabilities in RustSec's database
	$(cargo_deny) check advisories

# The steps of a release; .ci/release describes each.
release-chart: gotools
release-check release-image release-index release-chart release-sbom release-sign release-notes:
	@.ci/release $(@:release-%=%)

tools: ## check for the toolchains; install missing Debian packages if possible
	@tests/tools.sh

javascript: tools ## also check for Node.js with npm, which sdk-js and the page of `kubectl synapse ui` need
	@tests/tools.sh javascript

browser: tools ## also check for Chromium, which only test-ui needs
	@tests/tools.sh browser
