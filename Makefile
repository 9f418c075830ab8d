.DEFAULT_GOAL := help
SHELL := /bin/sh
D2R := .venv/bin/d2r
PYTEST := .venv/bin/python -m pytest

#: Tests whose subject touches a database; they run once more on PostgreSQL.
ON_POSTGRESQL := tests/unit/db tests/unit/tenancy tests/unit/audit tests/unit/identity tests/unit/plant \
    tests/unit/ingest tests/unit/queue tests/unit/workspaces tests/unit/isolation tests/unit/inspections \
    tests/unit/supervise tests/unit/twin tests/unit/rollups tests/unit/trends tests/unit/exchange \
    tests/unit/measurements tests/unit/alerts tests/unit/enrolment tests/properties/test_rollups_rebuild.py \
    tests/web tests/cli/test_audit.py tests/cli/test_database.py tests/cli/test_ldap.py tests/cli/test_account.py \
    tests/cli/test_oidc.py tests/cli/test_saml.py \
    tests/system/test_crash_audit.py tests/system/test_crash_transfer.py
#: Whose subject is connections, headers, forms, time and the table of roles, and never rows.
ON_POSTGRESQL += $(addprefix --ignore tests/web/test_,slow_clients.py raw_requests.py timing.py security_headers.py \
    console_forms.py openapi.py roles.py access.py scopes.py strange_bodies.py)
ON_POSTGRESQL += $(addprefix --ignore tests/unit/identity/,ldap/test_timing.py local/test_timing.py saml/test_response.py saml/test_wrapping.py)

#: In the order of the folders: files of few tests are the longest ones, and must not come last.
TWO_AT_A_TIME := -n 2 --dist loadfile --no-loadscope-reorder -q
#: Tests write and sync without end: into memory, where there is plenty and programs may run from it.
PLENTY := awk '/MemAvailable/ {exit $$2 < 12000000}' /proc/meminfo && df -k /dev/shm | awk 'END {exit $$4 < 6000000}'
TMPDIR ?= $(shell $(PLENTY) && ! grep -q ' /dev/shm .*noexec' /proc/mounts && echo /dev/shm || echo /tmp)
#: What took longest stands at the end of every run.
SLOWEST := --durations 30 --durations-min 4

.PHONY: help setup demo test lint types client unit postgresql fuzz kill contract isolation bench bench-trends clean

help:  ## Show this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup:  ## Make .venv with everything and compile the kernels (skips what is in place)
	@installer/setup.sh

demo: setup  ## Start an appliance, push six scans of a part's life, prove a verdict (KEEP=1 leaves it running)
	@$(D2R) demo --out demo-out $(if $(KEEP),--keep)

test: setup lint types unit postgresql  ## Check style and types, run every test, those of databases on both backends

lint:
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check --quiet .

types:
	@.venv/bin/mypy

client:  ## Write the typed client anew from the API's document
	@.venv/bin/python -m web.client

unit postgresql: export TMPDIR := $(TMPDIR)
unit:
	@$(PYTEST) $(TWO_AT_A_TIME) $(SLOWEST) tests

postgresql:
	@D2R_TEST_DATABASE=postgresql $(PYTEST) $(TWO_AT_A_TIME) $(SLOWEST) $(ON_POSTGRESQL)

fuzz: setup  ## Mutate good files of every format, keys, tickets and cookies 20,000 times each
	@D2R_FUZZ_CASES=20000 $(PYTEST) -q tests/properties/test_fuzz_readers.py tests/properties/test_fuzz_cad.py \
	    tests/properties/test_fuzz_identity.py

kill: setup  ## Kill the processes of an appliance at random moments during 300 uploads and inspections
	@D2R_KILL_UPLOADS=300 $(PYTEST) -q tests/system/test_kill_nine.py

contract: setup  ## Hold the API's document against the server with 50 made-up requests an operation and role, on both databases
	@for database in sqlite postgresql; do \
	    D2R_TEST_DATABASE=$$database D2R_CONTRACT_EXAMPLES=50 $(PYTEST) -q -s tests/web/test_contract.py || exit 1; done

isolation: setup  ## Try 200,000 times to see one workspace from inside another, on SQLite and on PostgreSQL
	@for database in sqlite postgresql; do \
	    D2R_TEST_DATABASE=$$database D2R_ISOLATION_ATTEMPTS=200000 $(PYTEST) -q -s -k nothing_of_one \
	    tests/unit/isolation || exit 1; done

bench: setup  ## Run every benchmark on this machine and print ratios
	@for name in deviation alignment field tiles end_to_end scopes reads startup ingest archive trends; do \
	    echo "== $$name"; .venv/bin/python tests/bench/$$name.py || exit 1; done

bench-trends: setup  ## Ask 50 million measurements on PostgreSQL and 10 million on SQLite (hours, 80 GB); FULL=0: a small one
	@if [ "$(FULL)" = 0 ]; then pg="200000 2" lite="100000 1"; else pg="50000000 12" lite="10000000 1"; fi; \
	    .venv/bin/python tests/bench/rollups.py postgresql $$pg && .venv/bin/python tests/bench/rollups.py sqlite $$lite

clean:  ## Remove .venv and what the demo made
	rm -rf .venv demo-out .mypy_cache .ruff_cache .pytest_cache .hypothesis
