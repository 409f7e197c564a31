# Every target installs what it needs, once. `make` without a target prints the list of targets.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
# Ignore the shell's settings for another Python or Bash; infra/environment.py cleans the rest of the environment.
unexport BASH_ENV CDPATH PIP_PREFIX PIP_TARGET PIP_USER $(filter PYTHON%,$(.VARIABLES))
# Recipes get the user's variables through the environment: in the text of a recipe, make and Bash would expand `$` and quotes.
GIVEN := PROFILE DATE SOURCE MAPPING FROM TO TABLES STALE DRY_RUN TABLE REASON KEY Q DAY USERS DIR AS OF WHO WHY WITHDRAW REGISTRY TAG BASE PROMPT GENERATOR SEED FILE APPROVE REFUSE BY CLIPS ZH_EN EN_ZH
take = $(eval override export $(1) := $$(value $(1)))
# A shell variable that happens to have one of these names is ignored.
leave = $(if $(filter environment,$(origin $(1))),$(warning the environment variable $(1) is ignored: pass it to make, as in make … $(1)=…))$(eval override undefine $(1))$(eval unexport $(1))
$(foreach name,$(GIVEN),$(if $(filter command,$(firstword $(origin $(name)))),$(call take,$(name)),$(call leave,$(name))))
$(if $(value NIGHTREEL_HOME),$(call take,NIGHTREEL_HOME))

JOBS := .venv/bin/python
AIRFLOW := .venv-airflow/bin/python
# Marker files: each is written when the environment that it stands for is complete.
JOBS_READY := .venv/.ready
AIRFLOW_READY := .venv-airflow/.ready
SPARK_READY := .venv/spark-conf/spark-defaults.conf
CLASSES_READY := .venv/spark-classes.jsa
GO_TOOLS := .venv/bin/helm .venv/bin/gofakes3
CLUSTER_READY := .venv/bin/versitygw
# What some tests need beside the environments; without Go or root they are skipped.
TEST_TOOLS = $(if $(shell command -v go),$(GO_TOOLS) $(if $(filter 0,$(shell id -u)),$(CLUSTER_READY)))
PROFILE_READY = $(if $(filter cluster,$(value PROFILE)),$(CLUSTER_READY))

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^##@ / {print "\n" substr($$0, 5)} /^[a-z0-9-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

##@ Nights
.PHONY: nightly
nightly: setup $(PROFILE_READY) ## Run one night and print its summary: [DATE=YYYY-MM-DD, by default yesterday] [SOURCE=folder of logs, by default the simulator] [MAPPING=layout] [PROFILE=cluster]
	@$(JOBS) -m infra.local.nightly --profile "$${PROFILE-}" --from "$${DATE-}" --to "$${DATE-}" --source "$${SOURCE-}" --mapping "$${MAPPING-}"

.PHONY: backfill
backfill: setup $(PROFILE_READY) ## Run a range of nights and print what changed: FROM=YYYY-MM-DD TO=YYYY-MM-DD [TABLES=gold.user_features,…], or STALE=1 [SOURCE=folder] [MAPPING=layout] [DRY_RUN=1] [PROFILE=cluster]
	@$(if $(or $(STALE),$(and $(FROM),$(TO))),,echo 'a backfill needs its first and last day: make backfill FROM=2022-04-25 TO=2022-04-28' >&2; exit 64)
	$(JOBS) -m infra.local.nightly --profile "$${PROFILE-}" --backfill --from "$${FROM-}" --to "$${TO-}" --source "$${SOURCE-}" --mapping "$${MAPPING-}" --tables "$${TABLES-}" $(if $(STALE),--stale) $(if $(DRY_RUN),--dry-run)

.PHONY: stale
stale: $(SPARK_READY) ## List the nights that would come out differently if rerun today, and why; update ops.stale_days
	@$(JOBS) -m jobs.backfill.stale_days --date yesterday

.PHONY: replay
replay: $(SPARK_READY) ## Move quarantined rows that are valid after a rule was fixed into their table: TABLE=silver.behavior_events [REASON=is_click_is_flag]
	@$(if $(value TABLE),,echo 'give the table: make replay TABLE=silver.behavior_events' >&2; exit 64)
	$(JOBS) -m jobs.backfill.replay --table "$$TABLE" --reason "$${REASON-}" --date yesterday

.PHONY: accept
accept: $(SPARK_READY) ## Record a decision that no rule can make: DATE=YYYY-MM-DD AS=empty|volume|labels|snapshot|model OF=feed or model WHY="…" [WHO=name] [WITHDRAW=1]
	@$(if $(and $(value DATE),$(value AS),$(value WHY)),,echo 'give the night, the decision and the reason: make accept DATE=2022-05-02 AS=volume OF=behavior_logs WHY="a sale"' >&2; exit 64)
	$(JOBS) -m jobs.backfill.accept --date "$$DATE" --as "$$AS" --of "$${OF-}" --why="$$WHY" $(if $(value WHO),--who="$$WHO") $(if $(value WITHDRAW),--withdraw)

.PHONY: up
up: setup $(PROFILE_READY) ## Start Airflow, MLflow and Spark on loopback, or with PROFILE=cluster in namespaces, and print their addresses
	@$(JOBS) -m infra.services up "$${PROFILE-}"

.PHONY: down
down: $(JOBS_READY) ## Stop the services that `make up` started
	@$(JOBS) -m infra.services down "$${PROFILE-}"

.PHONY: check-landing
check-landing: $(SPARK_READY) ## Check how a night would read the files of a folder, without writing anything: DIR=folder [MAPPING=layout] [DATE=YYYY-MM-DD]
	@$(if $(value DIR),,echo 'give the folder: make check-landing DIR=logs' >&2; exit 64)
	$(JOBS) -m jobs.ingest.check_landing --dir "$$DIR" --mapping "$${MAPPING-}" --date "$${DATE-}"

.PHONY: video
video: $(JOBS_READY) ## Make one video from text: PROMPT="一个美丽的日出景象" [GENERATOR=vae|folder or id of a diffusers pipeline] [SEED=number]
	@$(if $(value PROMPT),,echo 'give a prompt: make video PROMPT="一个美丽的日出景象"' >&2; exit 64)
	$(JOBS) -m jobs.video.make_video --date yesterday --prompt="$$PROMPT" --generator="$${GENERATOR-}" --seed="$${SEED-}"

.PHONY: trace
trace: $(JOBS_READY) ## Print where a video comes from, also if it was encoded again or cropped: FILE=stray.mp4
	@$(if $(value FILE),,echo 'give a video: make trace FILE=stray.mp4' >&2; exit 64)
	$(JOBS) -m jobs.video.trace --file "$$FILE"

.PHONY: review
review: $(SPARK_READY) ## List the doubtful videos that wait for a person: [DATE=YYYY-MM-DD], or decide: APPROVE="id …" or REFUSE="id …" BY=name WHY="…"
	@$(if $(or $(value APPROVE),$(value REFUSE)),$(if $(and $(value BY),$(value WHY)),,echo 'give who decides and why: make review APPROVE=id BY=name WHY="a toy gun"' >&2; exit 64))
	$(JOBS) -m jobs.video.review --date "$${DATE-}" --approve="$${APPROVE-}" --refuse="$${REFUSE-}" --by="$${BY-}" --why="$${WHY-}"

.PHONY: corpus
corpus: $(SPARK_READY) ## Check which captioned clips a model may learn from: CLIPS=folder [ZH_EN=translator EN_ZH=translator]
	@$(if $(value CLIPS),,echo 'give a folder of captioned clips: make corpus CLIPS=clips' >&2; exit 64)
	$(JOBS) -m jobs.video.training_clips --date yesterday --clips="$$CLIPS" --zh-en="$${ZH_EN-}" --en-zh="$${EN_ZH-}"

##@ Data
.PHONY: sql
sql: $(JOBS_READY) ## Query any table by its name: Q="select * from gold.recommendations limit 5"
	@$(if $(value Q),,echo 'give a query: make sql Q="select * from gold.recommendations limit 5"' >&2; exit 64)
	$(JOBS) -m jobs.query.sql "$$Q"

.PHONY: explain
explain: $(JOBS_READY) ## Print where a row comes from, down to the lines of the log: TABLE=gold.recommendations KEY="user_id=…,date=YYYY-MM-DD,rank=1"
	@$(if $(and $(value TABLE),$(value KEY)),,echo 'give a table and the key of a row: make explain TABLE=gold.video_features KEY="video_id=7,date=2022-05-01"' >&2; exit 64)
	$(JOBS) -m jobs.query.explain --table "$$TABLE" --key "$$KEY"

.PHONY: verify
verify: $(SPARK_READY) ## Read every file of the tables and report damaged ones: [TABLE=gold.video_features] [DAY=YYYY-MM-DD]
	@$(JOBS) -m jobs.integrity.verify --table "$${TABLE-}" --day "$${DAY-}"

.PHONY: restore
restore: $(SPARK_READY) ## Restore damaged tables to their last good version: [TABLE=gold.video_features]
	@$(JOBS) -m jobs.integrity.restore --table "$${TABLE-}"

.PHONY: erase
erase: $(SPARK_READY) ## Erase users permanently, from all tables and files: USERS=file with one user id per line
	@$(if $(value USERS),,echo 'give a file with one user id per line: make erase USERS=leaving.txt' >&2; exit 64)
	$(JOBS) -m jobs.privacy.erase --users "$$USERS"

.PHONY: docs
docs: $(JOBS_READY) ## Build a browsable catalogue of all tables from their contracts
	@docs=$$(realpath -m -- "$${NIGHTREEL_HOME:-.nightreel}/docs")
	rm -rf "$$docs"
	cd schemas # from the root it would also find contracts inside the environments
	../.venv/bin/datacontract catalog --files '*/*.yaml' --output "$$docs" >/dev/null
	echo "$$docs/index.html"

##@ Development
.PHONY: setup
setup: ## Install everything: two environments from their locks, Java, Spark's jars
	@$(MAKE) --silent --jobs 2 $(CLASSES_READY) $(AIRFLOW_READY)

.PHONY: s3
s3: $(JOBS_READY) ## Install the jars for tables on S3 (670 MB), which Spark then uses
	@$(JOBS) -m infra.spark.resolve_jars .venv --s3

.PHONY: images
images: ## Build the images with Docker: [TAG=…] [REGISTRY=registry.internal/nightreel] [BASE=python:3.11-slim-bookworm@sha256:…]
	@for image in jobs airflow worker; do
	    docker build --file infra/images/Dockerfile --target "$$image" --tag "$${REGISTRY:-nightreel}/$$image:$${TAG:-latest}" \
	        --build-arg CODE_VERSION="$$(git describe --always --dirty)" $${BASE:+--build-arg "BASE=$$BASE"} .
	done

.PHONY: sbom
sbom: $(JOBS_READY) ## List all packages of each image (CycloneDX) in test-artifacts/
	@mkdir -p test-artifacts
	for environment in runtime airflow; do
	    .venv/bin/cyclonedx-py requirements --output-reproducible --output-format JSON \
	        --output-file "test-artifacts/sbom-$$environment.json" "requirements-$$environment.txt"
	done

.PHONY: audit
audit: $(JOBS_READY) ## Ask PyPI's database of vulnerabilities about every locked package
	@for environment in jobs runtime airflow; do
	    .venv/bin/pip-audit --strict --disable-pip --require-hashes --requirement "requirements-$$environment.txt"
	done

.PHONY: test
test: setup $(TEST_TOOLS) ## Run all tests except the long ones of `make faults`
	@infra/local/check_test_tools.sh
	.venv/bin/pytest --ignore tests/dags --timeout 900 --numprocesses 2 --dist loadfile --no-loadscope-reorder
	.venv-airflow/bin/pytest tests/dags

.PHONY: faults
faults: setup ## Run the long fault-injection tests and print their results: see tests/faults/README.md
	@infra/local/check_test_tools.sh
	rm -f test-artifacts/faults.jsonl
	.venv/bin/pytest tests/faults -m "long or not long" --timeout 14400 --verbose --numprocesses 2 --dist loadfile --no-loadscope-reorder
	.venv/bin/python -m tests.faults.table

.PHONY: lint
lint: setup ## Check format, style, types and contracts
	@.venv/bin/ruff format --check --quiet . || { echo 'run: make format' >&2; exit 1; }
	.venv/bin/ruff check --quiet .
	.venv/bin/mypy --exclude '^(tests/dags|infra/airflow)/' jobs models schemas infra tests
	.venv/bin/mypy --python-executable $(AIRFLOW) dags infra/airflow tests/dags
	.venv/bin/hadolint infra/images/Dockerfile
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.compose-spec infra/compose.yaml
	.venv/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yaml
	find schemas -mindepth 2 -name '*.yaml' -print0 | xargs -0 -r -n 1 -P 2 infra/local/lint_contract.sh

.PHONY: check
check: lint test ## Lint and test; every change has to pass this

.PHONY: format
format: $(JOBS_READY) ## Format the code
	@.venv/bin/ruff format --quiet .
	.venv/bin/ruff check --quiet --fix .

.PHONY: lock
lock: $(JOBS_READY) ## Update the locks of both environments from pyproject.toml
	@export UV_CUSTOM_COMPILE_COMMAND='make lock'
	for environment in jobs:dev airflow:airflow; do
	    .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	        --group "$${environment#*:}" --output-file "requirements-$${environment%:*}.txt"
	done
	# The images do without tests and tools.
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --group jobs \
	    --constraint requirements-jobs.txt --output-file requirements-runtime.txt

.PHONY: release
release: $(JOBS_READY) ## Release the current contracts: from now on they are what readers rely on
	@$(JOBS) -m schemas.release

.PHONY: clean
clean: ## Stop all services and delete the environments, the caches, and the lake in .nightreel
	@if [ -x $(JOBS) ]; then $(JOBS) -m infra.services down; fi
	rm -rf .nightreel .venv .venv-airflow .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks test-artifacts
	find . -name __pycache__ -prune -exec rm -rf {} +

.venv/bin/uv: requirements-jobs.txt
	@PYTHON="$(PYTHON)" infra/local/check_system.sh
	echo "Installing into .venv and .venv-airflow (some 6 GB, minutes the first time)"
	"$(PYTHON)" -m venv .venv
	# pip only installs uv, from the lock like everything else; uv installs the rest several times faster.
	sed -n '/^uv==/,/# via/p' requirements-jobs.txt > .venv/uv.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r .venv/uv.txt
	touch $@

$(JOBS_READY): requirements-jobs.txt .venv/bin/uv
	@.venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python $(JOBS) requirements-jobs.txt
	touch $@

$(AIRFLOW_READY): requirements-airflow.txt .venv/bin/uv
	@"$(PYTHON)" -m venv --without-pip .venv-airflow
	.venv/bin/uv pip sync --quiet --compile-bytecode --require-hashes --python $(AIRFLOW) requirements-airflow.txt
	touch $@

$(SPARK_READY): $(JOBS_READY) $(wildcard infra/spark/*.*)
	@$(JOBS) -m infra.spark.resolve_jars .venv

$(CLASSES_READY): $(SPARK_READY)
	@$(JOBS) -m infra.spark.class_archive

$(GO_TOOLS): infra/tools/go.mod infra/tools/go.sum | $(JOBS_READY)
	@echo "Building $(@F) (minutes, once)"
	go build -C infra/tools -o ../../$@ "$$(go list -C infra/tools tool | grep "/$(@F)\$$")"

$(CLUSTER_READY): infra/cluster/versitygw.sha256 | $(JOBS_READY)
	@infra/cluster/check_tools.sh
	$(JOBS) -m infra.spark.resolve_jars .venv --s3
	$(JOBS) -m infra.spark.class_archive
	infra/cluster/build_versitygw.sh $@
