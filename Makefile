# Each target sets up what it needs; Python 3.11 or later is all that must be there.
PYTHON ?= python3
STACK ?= dev
BASE ?= main
# Further options of the Pulumi CLI, for example ARGS=--yes.
ARGS ?=
# By way of the environment: no name and no option becomes part of a command.
export STACK BASE ARGS TAG
VENV := venv/bin

.DEFAULT_GOAL := help
.PHONY: help
.PHONY: policy plan plan-diff
.PHONY: preview up destroy adopt cli
.PHONY: preview-report drift smoke release-check dist
.PHONY: bootstrap bootstrap-move
.PHONY: local-up local-down
.PHONY: test test-all golden
.PHONY: check check-workflows format
.PHONY: docs lock bench

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 17

# A virtual environment is there once its stamp is, and its Python runs: it is made again where that
# is gone, too old or another one by now.
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

# Apart from the stack's: the two need versions of protobuf that exclude each other.
policy/venv/.policy: policy/requirements.txt
	@local/environment "$(PYTHON)" policy/venv $<
	@touch $@

policy: policy/venv/.policy ## What `pulumi preview --policy-pack policy` needs

plan: venv/.stack ## What `up` would make of Pulumi.$(STACK).yaml: no CLI, account, cluster or network
	@$(VENV)/python -m plan "$$STACK" $(if $(JSON),--json)

plan-diff: venv/.stack ## What the working tree changes in every environment, compared with BASE
	@$(VENV)/python -m plan.diff $(if $(RENDER),--render) $(if $(CHARTS),--charts "$(CHARTS)") -- "$$BASE"

preview: venv/.stack policy/venv/.policy ## The real `pulumi preview` of STACK, with the policies
	@$(VENV)/python -m plan.cli preview "$$STACK" $$ARGS

up: venv/.stack policy/venv/.policy ## The real `pulumi up` of STACK, with the policies
	@$(VENV)/python -m plan.cli up "$$STACK" $$ARGS

destroy: venv/.stack ## The real `pulumi destroy` of STACK
	@$(VENV)/python -m plan.cli destroy "$$STACK" $$ARGS

cli: venv/.stack ## Install the Pulumi CLI of the SDK's version into .pulumi-cli/
	@$(VENV)/python -m plan.cli install

preview-report: venv/.stack ## What that preview would change, as a table without values: build/preview/$(STACK).md
	@$(VENV)/python -m delivery.preview "$$STACK"

drift: venv/.stack ## Read what is really there, and fail if `up` would change anything: build/drift/$(STACK).md
	@$(VENV)/python -m delivery.preview "$$STACK" --drift

smoke: venv/.stack ## Send a trace to STACK, which is up, and find it again; needs kubectl
	@$(VENV)/python -m delivery.smoke "$$STACK"

release-check: venv/.stack ## Check that TAG=vX.Y.Z may be released: version, changelog
	@$(VENV)/python -m delivery.release "$$TAG"

dist: venv/.dev ## Build the Python package into dist/
	@rm -rf dist
	@$(VENV)/hatchling build

adopt: venv/.stack ## Take the bucket that STACK's file names, and that exists, into the stack
	@$(VENV)/python -m plan.adopt "$$STACK" $$ARGS

bootstrap: venv/.stack ## What STACK's account needs once: a bucket for the state, roles for GitHub
	@$(VENV)/python -m bootstrap.cli up "$$STACK" $$ARGS

bootstrap-move: venv/.stack ## Move the state of `bootstrap` into the bucket that it made
	@$(VENV)/python -m bootstrap.cli move "$$STACK" $$ARGS

local-up: ## A cluster (kind) and an AWS stand-in (moto) on this machine, for STACK=local
	@local/cluster up

local-down: ## Remove them
	@local/cluster down

test: venv/.dev policy/venv/.policy ## The tests; those that need a CLI, a cluster or a program say so and are skipped
	@$(VENV)/pytest -n auto --dist loadgroup

test-all: test ## The same, then the slow ones
	@$(VENV)/pytest -n auto --dist loadgroup -m slow

golden: venv/.dev ## Write the expected plans in tests/golden anew
	@$(VENV)/python -m tests.golden

check: venv/.dev check-workflows ## Lint, format, types, workflows
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/pyright

# renovate: datasource=go depName=github.com/rhysd/actionlint
ACTIONLINT := v1.7.12

check-workflows: venv/.dev ## Lint .github/: zizmor, and actionlint from PATH or by Go
	@$(VENV)/zizmor --quiet --offline .
	@if command -v actionlint >/dev/null; then actionlint; \
	elif command -v go >/dev/null; then go run github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT); \
	else echo "actionlint did not look at the workflows: neither it nor Go is on PATH"; fi

format: venv/.dev ## Format, and fix what the linter can
	@$(VENV)/ruff check --fix
	@$(VENV)/ruff format

docs: venv/.stack ## Write docs/config.md, the editors' schema and Pulumi.yaml's block from the settings
	@$(VENV)/python -m config.schema

lock: venv/.dev ## Compile requirements*.txt from requirements*.in
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version=3.11 --output-file=requirements.txt requirements.in
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version=3.11 --output-file=requirements-dev.txt requirements-dev.in
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version=3.11 --output-file=policy/requirements.txt policy/requirements.in

bench: venv/.dev ## Measure; prints ratios
	@$(VENV)/python -m bench
