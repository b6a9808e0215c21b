# Every target sets up what it needs; `make help` lists them. Nothing is installed outside this folder.

.DEFAULT_GOAL := help
.PHONY: help run test bytecode lint fmt types unit integration simulate mutate bench e2e build validate deploy lock setup clean

# What `make build` and `make deploy` make functions for; the template's defaults.
PYTHON ?= 3.13
ARCH ?= arm64
BUILD ?= .aws-sam/build
# Of `make deploy`: PARAMETERS="MailFrom=forms@example.org HttpsOnly=true", DEPLOY="--no-confirm-changeset".
PARAMETERS ?=
DEPLOY ?=
UV = 0.13.9

export SAM_CLI_TELEMETRY = 0
TARGET = Runtime=python$(PYTHON) Architecture=$(ARCH)

help: ## list the targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

run: .venv/.installed .venv-emulator/.installed ## run the whole stack on http://127.0.0.1:8000 (PORT)
	@.venv/bin/python -m infra.local

ENVIRONMENTS = .venv/.installed .venv-sam/.installed .venv-emulator/.installed .venv-clients/.installed

test: ## lint, types and all tests
	@$(MAKE) -s --no-print-directory -j2 $(ENVIRONMENTS) lint bytecode
	@# One process more than the usual two cores: those that run the local stack wait half of their time.
	.venv/bin/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder

# Made once, instead of by every process that runs tests. What cannot be imported, they tell.
bytecode: .venv/.installed
	@.venv/bin/pytest --collect-only -qq tests/unit tests/integration tests/contract tests/template tests/simulation >/dev/null || true

lint: .venv/.installed ## style, types and the direction of imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	PYTHONPATH=layers/formrelay/python .venv/bin/lint-imports --no-logo

fmt: .venv/.installed ## format the code
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

types: .venv/.installed ## types alone
	.venv/bin/mypy

unit: .venv/.installed ## pure tests alone
	.venv/bin/pytest tests/unit tests/contract

integration: .venv/.installed ## tests of the functions on an emulated AWS in process
	.venv/bin/pytest tests/integration

SEEDS ?= 3000
SEED ?=
SIMULATION = PYTHONHASHSEED=0 PYTHONPATH=layers/formrelay/python .venv/bin/python -m tests.simulation

simulate: .venv/.installed ## the guarantees under crashes and faults (SEEDS=10000, or SEED=7 with its history)
	$(SIMULATION) $(if $(SEED),--seed $(SEED),--seeds $(SEEDS))

mutate: .venv/.installed ## whether the simulation notices deliberate faults
	$(SIMULATION) --mutate

BENCH ?=

bench: .venv/.installed .venv-emulator/.installed .venv-sam/.installed .venv-bench/.installed ## all figures on one page, and in bench.json (BENCH="--against old.json")
	PYTHONPATH=layers/formrelay/python .venv/bin/python -m tests.bench $(BENCH)

e2e: .venv/.installed .venv-emulator/.installed .venv-clients/.installed ## tests through the local stack
	.venv/bin/pytest tests/e2e

build: .venv-sam/.installed ## functions and layers for AWS (PYTHON=3.13 ARCH=arm64)
	PYTHON=$(PYTHON) ARCH=$(ARCH) .venv-sam/bin/sam build --build-dir "$(BUILD)" --parameter-overrides $(TARGET)

validate: .venv-sam/.installed ## check the template, both ways
	.venv-sam/bin/sam validate
	.venv-sam/bin/sam validate --lint

deploy: build ## build, then deploy to the AWS account of your credentials (PARAMETERS="Name=value …")
	.venv-sam/bin/sam deploy --config-file "$(CURDIR)/samconfig.toml" --template-file "$(BUILD)/template.yaml" $(DEPLOY) --parameter-overrides $(TARGET) $(PARAMETERS)

setup: ## the environments of all targets
	@$(MAKE) -s --no-print-directory -j2 $(ENVIRONMENTS)

# ---- Environments: made anew when their lock changes, complete once the stamp is there -----------

# Bytecode is made of what is imported, when it is.
PIP_INSTALL = -m pip install -qq --disable-pip-version-check --require-hashes --no-deps --no-compile

.venv/.installed: infra/requirements/dev.txt
.venv-emulator/.installed: infra/requirements/emulator.txt
.venv-sam/.installed: infra/requirements/sam.txt
.venv-clients/.installed: infra/requirements/clients.txt
.venv-bench/.installed: infra/requirements/bench.txt

%/.installed:
	@echo "Setting up $(@D)"
	@for python in python3 python3.13 python3.12 python3.11 python3.14; do \
	  $$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; python=; done; \
	[ -n "$$python" ] || { echo "formrelay needs Python 3.11 or newer with venv on PATH" >&2; exit 1; }; \
	$$python -m venv --clear $(@D)
	@$(@D)/bin/python $(PIP_INSTALL) --requirement $<
	@touch $@

# ---- Locks: LOCK=--upgrade moves to the newest versions ------------------------------------------

LOCK ?=
COMPILE = .venv-lock/bin/uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url \
  --generate-hashes --custom-compile-command "make lock" $(LOCK)

lock: .venv-lock/.uv-$(UV) ## resolve the requirements again (LOCK=--upgrade)
	$(COMPILE) layers/formrelay/requirements.in -o layers/formrelay/requirements.txt
	$(COMPILE) layers/heavy/requirements.in -c layers/formrelay/requirements.txt -o layers/heavy/requirements.txt
	$(COMPILE) layers/imaging/requirements.in -c layers/formrelay/requirements.txt -o layers/imaging/requirements.txt
	$(COMPILE) infra/requirements/dev.in -c layers/formrelay/requirements.txt -c layers/heavy/requirements.txt \
	  -c layers/imaging/requirements.txt -o infra/requirements/dev.txt
	$(COMPILE) infra/requirements/emulator.in -o infra/requirements/emulator.txt
	$(COMPILE) infra/requirements/sam.in -o infra/requirements/sam.txt
	$(COMPILE) infra/requirements/clients.in --override infra/requirements/clients-without.in \
	  -o infra/requirements/clients.txt
	$(COMPILE) infra/requirements/bench.in -o infra/requirements/bench.txt

.venv-lock/.uv-$(UV):
	@python3 -m venv --clear .venv-lock
	@.venv-lock/bin/python -m pip install -qq --disable-pip-version-check uv==$(UV)
	@touch $@

clean: ## remove environments, caches and built artifacts; what is stored in .formrelay stays
	rm -rf .venv .venv-emulator .venv-sam .venv-clients .venv-bench .venv-lock .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
