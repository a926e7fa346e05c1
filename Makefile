# `make demo` and `make test` need git, make and Python 3.11 to 3.13; everything else they install into .venv.
# Choose another Python: make PYTHON=python3.12 test.   Options: make demo ARGS="--shots 3", make test ARGS="-k ledger".

BIN := .venv/bin
STAMP := .venv/installed
CODE := core checks console tests $(if $(wildcard benchmarks/*.py),benchmarks)
export PYTHON UPGRADE

.DEFAULT_GOAL := help
.PHONY: help demo fleet test check format bench lock clean

help:  ## say what there is
	@sed -n 's/^\([a-z]*\):.*## /make \1	/p' $(MAKEFILE_LIST)

$(STAMP): requirements.lock pyproject.toml .ci/environment
	@.ci/environment
	@touch $@

demo: $(STAMP)  ## run a whole small site on this machine: virtual cameras, real pictures
	@$(BIN)/overlapse demo $(ARGS)

fleet: $(STAMP)  ## run three real voters with simulated units on this machine, until Ctrl-C
	@$(BIN)/overlapse fleet try $(ARGS)

test: $(STAMP)  ## install the tests' peers where possible, check the code, run all tests
	@tests/install-peers
	@$(MAKE) --no-print-directory check; checked=$$?; \
	$(BIN)/pytest -n 2 --hypothesis-profile=ci $(ARGS); tested=$$?; \
	tests/install-peers --missing; \
	if [ $$checked != 0 ]; then echo "make check FAILED: see above" >&2; fi; \
	if [ $$tested != 0 ]; then exit $$tested; fi; exit $$checked

check: $(STAMP)  ## style, types and the order of imports
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@MYPYPATH=tests $(BIN)/mypy --strict --explicit-package-bases --exclude '^tests/(peers|conformance)/' $(CODE)
	@$(BIN)/lint-imports --no-logo

format: $(STAMP)  ## put the code into shape
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP)  ## measure, side by side with what others take
	@for file in benchmarks/[!_]*.py; do $(BIN)/python $$file $(ARGS) || exit 1; done

lock: $(STAMP)  ## write requirements.lock anew; UPGRADE=--upgrade takes the newest versions
	@.ci/lock

clean:  ## remove the environment and all caches
	@rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
