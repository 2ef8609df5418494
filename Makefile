# Each target sets up what it needs; Python 3.11 or later is all that must be there.
PYTHON ?= python3
STACK ?= dev
BASE ?= main
# Further options of the Pulumi CLI, for example ARGS=--yes.
ARGS ?=
VENV := venv/bin
INSTALL := install --quiet --disable-pip-version-check --require-hashes
PIP := $(VENV)/pip $(INSTALL)

.DEFAULT_GOAL := help
.PHONY: help
.PHONY: policy plan plan-diff
.PHONY: preview up destroy
.PHONY: bootstrap bootstrap-move
.PHONY: local-up local-down
.PHONY: test golden
.PHONY: check format
.PHONY: docs lock bench

help: ## List the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 17

venv/.stack: requirements.txt
	@$(PYTHON) -m venv venv
	@$(PIP) -r requirements.txt
	@touch $@

venv/.dev: requirements-dev.txt venv/.stack
	@$(PIP) -r requirements-dev.txt
	@touch $@

# Apart from the stack's: the two need versions of protobuf that exclude each other.
policy/venv/.policy: policy/requirements.txt
	@$(PYTHON) -m venv policy/venv
	@policy/venv/bin/pip $(INSTALL) -r policy/requirements.txt
	@touch $@

policy: policy/venv/.policy ## What `pulumi preview --policy-pack policy` needs

plan: venv/.stack ## What `up` would make of Pulumi.$(STACK).yaml: no CLI, account, cluster or network
	@$(VENV)/python -m plan $(STACK) $(if $(JSON),--json)

# By way of the environment: what a branch is called is no part of a command.
plan-diff: export BASE := $(BASE)
plan-diff: venv/.stack ## What the working tree changes in every environment, compared with BASE
	@$(VENV)/python -m plan.diff $(if $(RENDER),--render) $(if $(CHARTS),--charts "$(CHARTS)") -- "$$BASE"

preview: venv/.stack policy/venv/.policy ## The real `pulumi preview` of STACK, with the policies
	@$(VENV)/python -m plan.cli preview $(STACK)

up: venv/.stack policy/venv/.policy ## The real `pulumi up` of STACK, with the policies
	@$(VENV)/python -m plan.cli up $(STACK)

destroy: venv/.stack ## The real `pulumi destroy` of STACK
	@$(VENV)/python -m plan.cli destroy $(STACK)

bootstrap: venv/.stack ## What STACK's account needs once: a bucket for the state, roles for GitHub
	@$(VENV)/python -m bootstrap.cli up $(STACK) $(ARGS)

bootstrap-move: venv/.stack ## Move the state of `bootstrap` into the bucket that it made
	@$(VENV)/python -m bootstrap.cli move $(STACK) $(ARGS)

local-up: ## A cluster (kind) and an AWS stand-in (moto) on this machine, for STACK=local
	@local/cluster up

local-down: ## Remove them
	@local/cluster down

test: venv/.dev policy/venv/.policy ## All tests; those that need a CLI, a cluster or a program say so and are skipped
	@$(VENV)/pytest -n auto --dist loadgroup

golden: venv/.dev ## Write the expected plans in tests/golden anew
	@$(VENV)/python -m tests.golden

check: venv/.dev ## Lint, format, types
	@$(VENV)/ruff check
	@$(VENV)/ruff format --check
	@$(VENV)/pyright

format: venv/.dev ## Format, and fix what the linter can
	@$(VENV)/ruff check --fix
	@$(VENV)/ruff format

docs: venv/.stack ## Write docs/config.md, the editors' schema and Pulumi.yaml's block from the settings
	@$(VENV)/python -m config.schema

lock: venv/.dev ## Compile requirements*.txt from requirements*.in
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version 3.11 requirements.in -o requirements.txt
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version 3.11 requirements-dev.in -o requirements-dev.txt
	@$(VENV)/uv pip compile -q --generate-hashes --universal --python-version 3.11 policy/requirements.in -o policy/requirements.txt

bench: venv/.dev ## Measure; prints ratios
	@$(VENV)/python -m bench
