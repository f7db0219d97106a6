# `make` lists the targets. Everything goes into .venv beside this file; nothing is installed elsewhere.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Two processes, each with servers of its own. A broker that was given has one virtual host: one process.
PROCESSES ?= 2
SIDE_BY_SIDE := $(if $(ESCOLTA_TEST_AMQP_URL),,--numprocesses=$(PROCESSES) --dist=loadfile --no-loadscope-reorder)
# A folder or a table may be called anything: a $ in its name is no variable of make's.
export override AUDIO := $(value AUDIO)
export override TRUTH := $(value TRUTH)
PACKAGES := $(wildcard libs/*/pyproject.toml services/*/pyproject.toml)
.DEFAULT_GOAL := help
.PHONY: help demo test bench check contracts dashboards up down logs backup restore images audit sbom pin release doctor format clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/.demo ## the whole loop on this machine; AUDIO=<folder> TRUTH=<csv> ITERATIONS=4 BATCH=20 HEADLESS=1
	@exec $(BIN)/escolta demo \
	  $(if $(AUDIO),--audio "$$AUDIO") $(if $(TRUTH),--truth "$$TRUTH") \
	  $(if $(ITERATIONS),--iterations $(ITERATIONS)) $(if $(BATCH),--batch $(BATCH)) $(if $(HEADLESS),--headless)

test: .venv/.test ## every test, with real servers on free loopback ports
	@$(BIN)/python -m pytest $(or $(TESTS),$(SIDE_BY_SIDE))

bench: .venv/.bench ## how fast the parts are; ARGS for the models ("--device cuda --json FILE"), AL_ARGS for al-engine
	@$(BIN)/python bench/embedder.py $(ARGS)
	@$(BIN)/python bench/al_engine.py $(AL_ARGS)

check: .venv/.dev .tools/.ok .checkov/.ok ## lint, types, generated documents, deployment files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy libs services tests deploy bench
	$(BIN)/escolta contracts --check
	@PYTHONPATH=deploy .tools/bin/python -m monitoring.dashboards --check
	@.tools/bin/python deploy/check.py

contracts: .venv/.dev ## the documents that are made: events, settings, metrics, tables, grants and rights
	$(BIN)/escolta contracts
	PYTHONPATH=tests $(BIN)/python -m contract.test_tables

dashboards: .tools/.ok ## the dashboards, and the alerts for a cluster
	PYTHONPATH=deploy .tools/bin/python -m monitoring.dashboards

format: .venv/.dev ## put the code into its form
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

up: ## the distributed system with Docker Compose; it needs Docker and Python, and nothing installed here
	@deploy/up.sh

down: ## stop it; the data stay
	docker compose --profile '*' down

logs: ## what it says, as it says it; SERVICE=ingest for one part
	docker compose logs --follow --tail 100 $(SERVICE)

backup: ## a backup now, besides those of every night
	docker compose exec backup /opt/escolta/bin/escolta backup --to /var/lib/escolta/backups

restore: ## the catalog and lost objects from the backups; TO_TIME=2026-11-29T12:00:00 ends there
	@deploy/restore.sh

images: ## build all images of ours
	docker compose --profile '*' build

audit: .tools/.ok ## known vulnerabilities of what is pinned, where PyPI can be asked
	@.tools/bin/python deploy/audit.py

sbom: .tools/.ok ## what each image holds, as CycloneDX files in var/sbom, and under which licenses
	@PYTHONPATH=deploy .tools/bin/python deploy/sbom.py

pin: ## the digest of each image that is not ours, behind its tag; wants docker buildx and the internet
	@$(PYTHON) deploy/pin.py

release: check sbom .tools/.ok ## what a release has to pass besides the tests
	@.tools/bin/python deploy/audit.py --must
	@$(PYTHON) deploy/pin.py --check

doctor: .venv/.demo ## check the set-up and say what to do
	@$(BIN)/escolta doctor

clean: ## forget the environment and the demo's data
	rm -rf .venv .tools .checkov var

# Stamps: a set-up runs again when what it is made from has changed. -------------------------------------
.venv/bin/python:
	@echo "Setting up .venv with $$($(PYTHON) --version)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Escolta needs Python 3.11 or newer: make PYTHON=<path>"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
	  echo "$(PYTHON) could not make .venv; on Debian or Ubuntu: apt install python3-venv, then make again"; exit 1; }

.venv/.demo: constraints.txt requirements/demo.txt requirements/no-deps.txt $(PACKAGES) | .venv/bin/python
	@echo "Installing Escolta (about a minute, once)"
	@$(PIP) -r requirements/demo.txt
	@$(PIP) --no-deps -r requirements/no-deps.txt
	@touch $@

.venv/.dev: requirements/dev.txt .venv/.demo
	@$(PIP) -r requirements/dev.txt
	@touch $@

.venv/.test: requirements/torch.txt .venv/.dev
	@$(PIP) -r requirements/torch.txt
	@touch $@

.venv/.bench: requirements/bench.txt .venv/.test
	@$(PIP) --no-deps -r requirements/bench.txt
	@touch $@

.tools/.ok: requirements/tools.txt
	@$(PYTHON) -m venv .tools
	@.tools/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/tools.txt
	@touch $@

.checkov/.ok: requirements/checkov.txt
	@$(PYTHON) -m venv .checkov
	@.checkov/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/checkov.txt
	@touch $@
