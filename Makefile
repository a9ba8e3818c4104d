# The commands of the project. `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON := .venv/bin/python
OUT ?= .local/report.html
DATASET ?= looker_agents
UV := . local/tools.sh && .venv/bin/uv
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
	--python-version 3.13 --custom-compile-command "make requirements"

export PYTHONPATH := $(CURDIR):$(CURDIR)/function

.PHONY: help demo local looker-query report test test-slow test-browser test-googlesql test-engine lint format docs bench bench-quick requirements preview up destroy adopt clean

help: ## Show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-14s %s\n' "$$name" "$$text"; done

.venv/ready: requirements-dev.txt local/setup.sh
	@local/setup.sh
	@touch $@

# The policy pack needs another protobuf than the rest: it has an environment of its own.
.venv-policy/ready: .venv/ready policy/requirements.txt
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-policy
	@$(UV) pip sync --quiet --python .venv-policy/bin/python \
		--require-hashes policy/requirements.txt
	@touch $@

# The analyzer weighs a gigabyte and needs nothing of the rest.
.venv-googlesql/ready: .venv/ready tests/googlesql/requirements.txt
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-googlesql
	@$(UV) pip sync --quiet --python .venv-googlesql/bin/python \
		--require-hashes tests/googlesql/requirements.txt
	@touch $@

demo: .venv/ready ## Watch Looker conversations arrive in a warehouse, all on this machine
	@$(PYTHON) -m local.demo

local: .venv/ready ## Serve the function against the Looker of .env (BIGQUERY=real for real BigQuery)
	@$(PYTHON) -m local.live $(if $(filter real,$(BIGQUERY)),--real-bigquery)

looker-query: .venv/ready ## Make the System Activity query that lists the users, in the Looker of .env
	@$(PYTHON) -m ops looker-query

report: .venv/ready ## Write the report of what `make demo` left (PROJECT= DATASET= for BigQuery, TEXT=1 with questions)
	@$(PYTHON) -m local.report $(if $(PROJECT),--project $(PROJECT),--data .local/demo/warehouse) \
		--dataset $(DATASET) --out $(OUT) $(if $(TEXT),--show-text)

test: .venv/ready .venv-policy/ready ## Run the tests
	@$(PYTHON) -m pytest -n 3 --dist loadfile -m "not slow and not browser and not googlesql and not engine"

test-slow: .venv/ready ## Run the tests that take minutes: a gigabyte of conversations, many kills
	@$(PYTHON) -m pytest -m slow

test-browser: .venv/ready ## Look at the report in a real browser; needs Chromium
	@$(PYTHON) -m pytest -m browser

test-googlesql: .venv/ready .venv-googlesql/ready ## Let Google's own analyzer read sql/
	@$(PYTHON) -m pytest -m googlesql

test-engine: .venv/ready ## Deploy to a stand-in for Google Cloud with the real pulumi; needs it on PATH
	@$(PYTHON) -m pytest -n 3 --dist loadfile -m engine -rs

lint: .venv/ready ## Check format, style and types
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/sqlfluff lint --disable-progress-bar sql
	@.venv/bin/mypy .

format: .venv/ready ## Format the code
	@.venv/bin/ruff format .
	@.venv/bin/ruff check --fix .

docs: .venv/ready ## Generate .env.example and the tables of the README from the code
	@$(PYTHON) -m local.docs

# dlt, one of the contenders, brings much that nothing else needs.
.venv-bench/ready: .venv/ready bench/requirements.txt
	@$(UV) venv --quiet --clear --python .venv/bin/python .venv-bench
	@$(UV) pip sync --quiet --python .venv-bench/bin/python \
		--require-hashes bench/requirements.txt
	@touch $@

bench: .venv/ready .venv-bench/ready ## Measure the function beside what one would use instead
	@$(PYTHON) -m bench

bench-quick: .venv/ready .venv-bench/ready ## The same, in short
	@$(PYTHON) -m bench --quick

requirements: .venv/ready ## Compile the requirements files from pyproject.toml
	@$(COMPILE) --group dev --output-file requirements-dev.txt
	@$(COMPILE) --group function --constraint requirements-dev.txt --output-file function/requirements.txt
	@$(COMPILE) --group infra --constraint requirements-dev.txt --output-file infra/requirements.txt
	@$(COMPILE) policy/requirements.in --output-file policy/requirements.txt
	@$(COMPILE) tests/googlesql/requirements.in --output-file tests/googlesql/requirements.txt
	@$(COMPILE) --constraint requirements-dev.txt bench/requirements.in --output-file bench/requirements.txt

preview: .venv/ready .venv-policy/ready ## Show what `make up` would change in Google Cloud (ARGS=--diff)
	@. local/tools.sh && infra/pulumi.sh preview $(ARGS)

up: .venv/ready .venv-policy/ready ## Deploy the selected stack (ARGS=--yes asks nothing)
	@. local/tools.sh && infra/pulumi.sh up $(ARGS)

destroy: .venv/ready ## Remove the stack; protected data stays (ARGS=--yes)
	@. local/tools.sh && infra/pulumi.sh destroy $(ARGS)

adopt: .venv/ready ## Show what is in Google Cloud and not in the state; ARGS=--yes takes it over
	@. local/tools.sh && infra/pulumi.sh adopt $(ARGS)

clean: ## Remove everything the commands made
	@rm -rf .venv .venv-* .local .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
