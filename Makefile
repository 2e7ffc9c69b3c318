# `make help` lists the commands. Python 3.11 or later with venv, and make: nothing else is needed.
.DEFAULT_GOAL := help
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && exit; done; echo python3)
export PORT YES
# An empty value means "not given": the settings refuse a PORT that is no number.
ifeq ($(PORT),)
unexport PORT
endif
BIN := .venv/bin
ROOMS := governance cases partymembers grids tests scripts manage.py

.PHONY: help up test reset fmt lint bench chaos fuzz lock messages status

help:  ## list the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 16

up:  ## start the whole portal with its demo city (PORT=8001 for another port); Ctrl-C stops it
	@$(PYTHON) scripts/bootstrap.py portal
	@exec $(BIN)/python -m governance.stack up

test:  ## everything that CI checks (ARGS='-k desk' chooses tests)
	@$(PYTHON) scripts/bootstrap.py portal checks
	@$(BIN)/python scripts/check.py --tests $(ARGS)

lint:  ## format, lint, types, import contracts, migrations, translations; no tests
	@$(PYTHON) scripts/bootstrap.py portal checks
	@$(BIN)/python scripts/check.py

fmt:  ## format the code
	@$(PYTHON) scripts/bootstrap.py portal checks
	@$(BIN)/ruff check --fix --select I $(ROOMS)
	@$(BIN)/ruff format $(ROOMS)

bench:  ## measure reporting, inbox and order page with 100,000 orders
	@$(PYTHON) scripts/bootstrap.py portal checks
	@$(BIN)/python -m tests.benchmarks $(ARGS)

chaos:  ## 2,000 orders while everything is killed, flushed and restarted (ORDERS= SECONDS= CHAOS_SEED=)
	@$(PYTHON) scripts/bootstrap.py portal checks
	@ORDERS=$(ORDERS) SECONDS=$(SECONDS) CHAOS_SEED=$(CHAOS_SEED) $(BIN)/python -m tests.chaos $(ARGS)

fuzz:  ## ask the running API all sorts of things, and hold it to its document (SECONDS=600)
	@$(PYTHON) scripts/bootstrap.py portal checks
	@FUZZ_SECONDS=$(or $(SECONDS),600) $(BIN)/python -m pytest -n0 -s -p no:logging tests/governance/integration/test_contract.py $(ARGS)

status:  ## where the running services of this checkout are
	@$(BIN)/python -m governance.stack status

reset:  ## delete the local database, uploads and logs, after asking (YES=1: without)
	@$(PYTHON) scripts/bootstrap.py
	@$(BIN)/python -m governance.stack reset

lock:  ## lock the requirements anew (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes requirements.in -o requirements.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes requirements-dev.in -o requirements-dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes scripts/node.in -o scripts/node.txt
