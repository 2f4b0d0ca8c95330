# SPDX-License-Identifier: EUPL-1.2
# What one does here, a word each. `make` alone lists the words. Every word makes its own virtual environment in .venv.

PYTHON ?= python3
BIN := .venv/bin
RECIPE := pyproject.toml hatch_build.py package-lock.json
LANGUAGES := $(sort it en $(patsubst locales/%/LC_MESSAGES,%,$(wildcard locales/*/LC_MESSAGES)))

.DEFAULT_GOAL := help
.PHONY: help demo serve test torture check messages clean

help:
	@sed -n 's/^\([a-z]*\):.* ## \(.*\)/make \1: \2/p' Makefile

demo: .venv/.installed ## the demo programme, with two phones on a web page; no account anywhere is needed
	$(BIN)/sportello demo

serve: .venv/.installed-whatsapp ## the real service in one process, with the settings of the environment
	$(BIN)/sportello serve

test: .venv/.installed-dev ## every test this machine can run
	@$(NAME_WHAT_IS_LEFT_OUT)
	@$(BIN)/python -m compileall -q bot handlers storage # tests start the program many times
	$(BIN)/pytest -n 2 --dist worksteal

MINUTES ?= 10
torture: .venv/.installed-dev ## a desk in real processes for MINUTES=10 while everything breaks; SEED=… runs one again
	$(BIN)/python -m tests.torture --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

check: .venv/.installed-dev ## what is read without being run: style, types, floors, catalogues
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python tests/check_catalogues.py

messages: .venv/.installed-dev ## bring new English sentences into the catalogues of every language
	@mkdir -p var
	$(BIN)/pybabel -q extract -F pyproject.toml -k _ -k n_:1,2 -k p_:1c,2 \
		-c Translators: -s --add-location=file --sort-by-file --width=100 \
		--header-comment='# SPDX-License-Identifier: EUPL-1.2' --project=Sportello --version= \
		--msgid-bugs-address='the maintainers' --last-translator='the Sportello contributors' -o var/messages.pot bot handlers
	@for language in $(LANGUAGES); do \
		$(BIN)/pybabel -q update -i var/messages.pot -d locales -l $$language --init-missing \
			--no-fuzzy-matching --ignore-pot-creation-date --width=100 || exit 1; \
	done

clean: ## forget everything that was built; var/, with its databases, is left alone
	rm -rf .venv bot/console/static/vendor dist build htmlcov .coverage .coverage.*
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find bot handlers storage tests -name __pycache__ -prune -exec rm -rf {} +

# ---- the virtual environment, made again when the recipe changes

.venv/.installed: $(RECIPE) | $(BIN)/pip
	@echo "Installing Sportello into .venv: a minute or two …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e .
	@touch $@

.venv/.installed-whatsapp: $(RECIPE) | $(BIN)/pip
	@echo "Installing Sportello, with WhatsApp, into .venv: a minute or two …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[whatsapp]'
	@touch .venv/.installed $@

.venv/.installed-dev: $(RECIPE) | $(BIN)/pip
	@echo "Installing Sportello and its tools into .venv: a minute or two …"
	@$(BIN)/pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch .venv/.installed .venv/.installed-whatsapp $@

$(BIN)/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sportello needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "A virtual environment cannot be made here. On Debian and Ubuntu: apt install python3-venv"; exit 1; }

# ---- a suite that cannot run here is named, in capitals, before the tests start

define NAME_WHAT_IS_LEFT_OUT
if [ -z "$$TEST_DATABASE_URL" ] && ! command -v initdb >/dev/null && ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
	echo "!!! NO POSTGRESQL HERE: the suites that need it are LEFT OUT. On Debian and Ubuntu: apt install postgresql"; fi; \
if ! command -v chromium >/dev/null && ! command -v chromium-browser >/dev/null && ! command -v google-chrome >/dev/null; then \
	echo "!!! NO CHROMIUM HERE: the suites that need it are LEFT OUT. On Debian and Ubuntu: apt install chromium"; fi
endef
