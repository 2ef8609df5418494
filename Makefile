# Each target sets up what it needs, given Python 3.11 or later.
PYTHON ?= python3
STACK ?= dev
BASE ?= main
# Recorded OTLP traces for `make rehearse`.
FILE ?=
# Further options of the Pulumi CLI, for example ARGS=--yes; of make look, for example ARGS=--serve.
ARGS ?=
# URL of a running Grafana for make look; if empty, it starts grafana-server.
GRAFANA ?=
# Passed in the environment, so that no value becomes part of a command.
export STACK BASE ARGS TAG FILE GRAFANA
VENV := venv/bin

.DEFAULT_GOAL := help
.PHONY: help
.PHONY: policy plan plan-diff rehearse
.PHONY: preflight preview up destroy adopt cli
.PHONY: preview-report drift verify smoke release-check dist
.PHONY: bootstrap bootstrap-move
.PHONY: local-up local-down
.PHONY: test test-all e2e e2e-kernel golden look
.PHONY: check lint check-workflows format
.PHONY: docs lock bench

help: ## List the targets
	@grep -E '^[a-z0-9-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 17

# A virtual environment is complete once its stamp exists and its Python runs. It is recreated if that
# Python is missing, too old or was replaced.
runs = $(shell $(1)/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo yes)
ifeq ($(call runs,venv),)
.PHONY: venv/.stack
endif
ifeq ($(call runs,policy/venv),)
.PHONY: policy/venv/.policy
endif

venv/.stack: requirements.txt
	@local/environment "$(PYTHON)" venv $<
	@touch $@

venv/.dev: requirements-dev.txt venv/.stack
	@local/environment "$(PYTHON)" venv $<
	@touch $@

# Separate, because pulumi-policy and the stack need incompatible versions of protobuf.
policy/venv/.policy: policy/requirements.txt
	@local/environment "$(PYTHON)" policy/venv $<
	@touch $@

policy: policy/venv/.policy ## Install what the policy pack needs

plan: venv/.stack ## Show what `up` would create from Pulumi.$(STACK).yaml; no CLI, account, cluster or network
	@$(VENV)/python -m plan "$$STACK" $(if $(JSON),--json)

plan-diff: venv/.stack ## Show what the working tree changes in every environment, compared with BASE
	@$(VENV)/python -m plan.diff $(if $(RENDER),--render) $(if $(CHARTS),--charts "$(CHARTS)") $(if $(REHEARSE),--rehearse) -- "$$BASE"

rehearse: venv/.stack ## Replay traffic through STACK's collectors on this machine; needs alloy; FILE=, BASE=
	@$(VENV)/python -m plan.rehearse "$$STACK" $(if $(FILE),--file "$$FILE") \
		$(if $(filter command line environment,$(origin BASE)),--base "$$BASE") $(if $(CHARTS),--charts "$(CHARTS)") $(if $(JSON),--json)

preflight: venv/.stack ## Check the cluster and the account before the first `up` of STACK; needs kubectl
	@$(VENV)/python -m delivery.preflight "$$STACK" $(if $(JSON),--json)

preview: venv/.stack policy/venv/.policy ## Run `pulumi preview` for STACK, with the policies
	@$(VENV)/python -m plan.cli preview "$$STACK" $$ARGS

up: venv/.stack policy/venv/.policy ## Run `pulumi up` for STACK, with the policies
	@$(VENV)/python -m plan.cli up "$$STACK" $$ARGS

destroy: venv/.stack ## Run `pulumi destroy` for STACK
	@$(VENV)/python -m plan.cli destroy "$$STACK" $$ARGS

cli: venv/.stack ## Install the Pulumi CLI in the SDK's version into .pulumi-cli/
	@$(VENV)/python -m plan.cli install

preview-report: venv/.stack ## Write what `pulumi preview` would change, without values, to build/preview/$(STACK).md
	@$(VENV)/python -m delivery.preview "$$STACK"

drift: venv/.stack ## Refresh STACK, fail if `up` would change anything, write build/drift/$(STACK).md
	@$(VENV)/python -m delivery.preview "$$STACK" --drift

verify: venv/.stack ## Send a trace and a log to STACK and check what becomes of them; needs kubectl
	@$(VENV)/python -m delivery.verify "$$STACK" $(if $(JSON),--json)

smoke: verify ## Earlier name of verify

release-check: venv/.stack ## Check version and changelog of the release TAG=vX.Y.Z
	@$(VENV)/python -m delivery.release "$$TAG"

dist: venv/.dev ## Build the Python package into dist/
	@rm -rf dist
	@$(VENV)/hatchling build

adopt: venv/.stack ## Import the existing bucket that STACK's file names
	@$(VENV)/python -m plan.adopt "$$STACK" $$ARGS

bootstrap: venv/.stack ## Set up STACK's AWS account once: a bucket for the state, roles for GitHub
	@$(VENV)/python -m bootstrap.cli up "$$STACK" $$ARGS

bootstrap-move: venv/.stack ## Move the state of `bootstrap` into the bucket that it created
	@$(VENV)/python -m bootstrap.cli move "$$STACK" $$ARGS

local-up: ## Start a cluster (kind) and an AWS emulator (moto) for STACK=local
	@local/cluster up

local-down: ## Delete both
	@local/cluster down

test: venv/.dev policy/venv/.policy ## Run the tests; list those that are skipped for want of a CLI, a cluster or a program
	@$(VENV)/pytest -n auto --dist loadgroup

test-all: test ## Run the tests, then the slow ones and more examples
	@$(VENV)/pytest -n auto --dist loadgroup -m 'slow or hypothesis' --hypothesis-profile many

e2e: venv/.dev policy/venv/.policy ## Test a new stack, or the deployed STACK, in the cluster of KUBECONFIG (tests/e2e/cluster)
	@TRACING_E2E=1 $(if $(filter command environment,$(firstword $(origin STACK))),TRACING_E2E_STACK="$$STACK") \
		$(VENV)/pytest -n0 tests/e2e/cluster

e2e-kernel: venv/.dev ## Test Beyla on the kernel of this machine, as root (tests/e2e/kernel)
	@TRACING_E2E_KERNEL=1 $(VENV)/pytest -n0 tests/e2e/kernel

golden: venv/.dev ## Write the expected plans in tests/golden
	@$(VENV)/python -m tests.golden

look: venv/.dev ## Open the dashboards of STACK in a real Grafana, check the pages, save pictures
	@$(VENV)/python -m tests.e2e.look "$$STACK" --grafana "$$GRAFANA" $$ARGS

check: lint check-workflows ## Lint, and check types and workflows
	@$(VENV)/pyright

lint: venv/.dev ## Lint, and check formatting and imports; the pre-commit hook
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/lint-imports --no-cache

# renovate: datasource=go depName=github.com/rhysd/actionlint
ACTIONLINT := v1.7.12

check-workflows: venv/.dev ## Check .github/ with zizmor and actionlint (from PATH, or run by Go)
	@$(VENV)/zizmor --quiet --offline .
	@if command -v actionlint >/dev/null; then actionlint; \
	elif command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT); \
	else echo "Skipped actionlint: neither it nor Go is on PATH"; fi

format: venv/.dev ## Format, and fix what the linter can
	@$(VENV)/ruff check --fix
	@$(VENV)/ruff format

docs: venv/.stack ## Write docs/config.md, the editors' schema and the block in Pulumi.yaml from the settings
	@$(VENV)/python -m config.schema

lock: venv/.dev ## Compile the lock files from requirements.in, policy/requirements.in and pyproject.toml
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version=3.11 --output-file=requirements.txt requirements.in
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version=3.11 --group=dev --output-file=requirements-dev.txt requirements.txt
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version=3.11 --output-file=policy/requirements.txt policy/requirements.in

bench: venv/.dev ## Measure what docs/figures.md lists
	@$(VENV)/python -m bench
