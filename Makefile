# What people and machines do with this repository; `make` alone lists it. The steps
# are in scripts/, and each says what it does and how long it took.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup build demo test bench clean

help: ## List the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

setup: ## Install what a fresh machine lacks (uv into .tools, a browser)
	@scripts/setup.sh

build: ## Build the release binary
	@source scripts/lib.sh; step "build the release binary" cargo build --release --locked -p charmproof

demo: setup build ## Check the example fleet with a release of ops that breaks two charms
	@scripts/demo.sh

test: setup ## Check formatting, lints, tests, documentation and the project's own rules
	@scripts/test.sh

bench: setup build ## Measure; what is measured is in `cargo xtask`
	@source scripts/lib.sh; test_environment; step "run the benchmarks" cargo xtask bench

clean: ## Remove what the other targets made, but no cache of the user's
	@source scripts/lib.sh; step "remove build results and .tools" rm -rf "$$target_dir" "$$tools"
