# Limen. `make up` boots VMs behind the quota check, `make test` tests it all, `make down` takes it away.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .limen/venv
# Two lanes of test files, each with labs of its own: much of a test is waiting for a guest or a daemon.
LANES ?= -n 2 --dist loadfile
# Images of Python set this, and each start of pulumi, limen or a test would compile thousands of files anew.
unexport PYTHONDONTWRITEBYTECODE
WORKFLOWS := $(wildcard $(CURDIR)/.github/workflows/*.yml $(CURDIR)/docs/ci/github/*.yml)
BOOTSTRAP := $(PYTHON) -m tests.lab.bootstrap

.PHONY: help up test down quick lint format provision verify collection docs golden molecule site prove ci-cold faults bench venv toolchain clean constraints

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

up: ## boot the VMs of vm_stack on this machine, charged to project demo (the main job)
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.lab.demo up

down: ## destroy what `make up` made and stop the lab (caches outside the tree stay)
	@if [ -x $(VENV)/bin/python ]; then $(VENV)/bin/python -m tests.lab.demo down; fi

venv: ## the Python environment and the Debian packages only
	@$(BOOTSTRAP) --only packages,venv

toolchain: ## the Pulumi CLI, the libvirt plugin and the language host only
	@$(BOOTSTRAP) --only packages,venv,toolchain

test: ## unit, contract and integration tests (at least one VM booted to SSH)
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m pytest $(LANES) $(ARGS)

quick: ## unit tests only
	@$(BOOTSTRAP) --only packages,venv
	@$(VENV)/bin/python -m pytest tests/unit

lint: ## ruff, mypy, import-linter, yamllint, actionlint, ansible-lint, stale pages
	@$(BOOTSTRAP) --only packages,venv
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/mypy
	@MYPYPATH=pulumi/toolchain $(VENV)/bin/mypy --strict --config-file= --explicit-package-bases pulumi/toolchain
	@for script in roles/*/files/*.py; do \
	  MYPYPATH=pulumi/toolchain $(VENV)/bin/mypy --strict --config-file= --explicit-package-bases $$script; done
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/yamllint --strict .
	@cd .ci/actionlint && go tool actionlint $(WORKFLOWS)
	@PATH=$(CURDIR)/$(VENV)/bin:$$PATH ansible-lint -q
	@$(VENV)/bin/python -m tests.docs --check

format: ## let ruff put the code in order
	@$(VENV)/bin/ruff check --fix .
	@$(VENV)/bin/ruff format .

provision: ## run playbooks/site.yml on the VMs that `make up` made: a working Limen inside them
	@test -f .limen/env || { echo 'make provision: there are no VMs yet: run `make up` first' >&2; exit 1; }
	@. .limen/env && ansible-playbook playbooks/site.yml $(ARGS)

verify: ## look at what `make provision` made, from inside the VMs
	@. .limen/env && python -m pytest tests/e2e $(ARGS)

collection: ## gates of the collection: sanity, units, documentation, build and install
	@$(BOOTSTRAP) --only packages,venv
	@$(VENV)/bin/python -m tests.collection

docs: ## write docs/modules and docs/roles from the modules' and roles' own documentation
	@$(BOOTSTRAP) --only packages,venv
	@$(VENV)/bin/python -m tests.docs

golden: ## make the golden reports of previews anew, by the real engine
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.golden $(ARGS)

molecule: ## scenarios of roles on containers and VMs of the lab (ARGS=ROLE/container/trixie: of that alone)
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.proof $(if $(ARGS),$(addprefix molecule/,$(ARGS)),molecule)

site: ## playbooks/site.yml on two containers of each Debian: checked, killed, to its end, again, looked at
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.proof site/container

prove: ## all that is proven on guests, emulated VMs included (hours), and renew the stamps (ARGS=--list)
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.proof --renew $(ARGS)

ci-cold: ## what CI runs, in a fresh clone with every cache empty
	@.ci/cold

faults: ## kill pulumi, the provider and the API at random moments, 20 times, with booted VMs
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.faults --rounds 20 --booted

bench: ## measure: admissions against pgbench, preview with and without Limen
	@$(BOOTSTRAP)
	@$(VENV)/bin/python -m tests.bench

clean: down ## `down`, and the folder .limen with it
	@rm -rf .limen

constraints: ## write constraints.txt from the environment at hand
	@{ echo '# Versions of everything in the environment, direct or not; made by `make constraints`.'; \
	  $(VENV)/bin/uv pip freeze --python $(VENV)/bin/python --exclude-editable | grep -v '^uv=='; } >constraints.txt
