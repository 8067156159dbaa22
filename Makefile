# All tasks of the project; `make` lists them.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DESTDIR ?=
PREFIX  ?= /usr
MODE    ?= caps
CASES   ?= 2000
SEED    ?= 1
SUITES  ?= bookworm trixie
CASE    ?=
RUNS    ?=
ONLY    ?=
SOURCES ?=
CPU     ?=
REFERENCE ?=
CHROOT  ?=
ARCH    ?=
ARCHS   ?= $(or $(ARCH),arm64 s390x)
KERNELS ?= $(if $(filter arm64,$(ARCH)),,bullseye bookworm )trixie
KEY     ?=
URL     ?=
FUZZED  ?= $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))
SECONDS_EACH ?= 10
FILES   ?=
LEAST   ?= 95
CRATES  ?=
CHECKS  ?=
PACKAGE := target/deb$(CHROOT:%=-%)$(ARCH:%=-%)$(CRATES:%=-%-crates)
RELEASE := target/release
BUILD   := cargo build --release --locked

# packaging/setup puts links to built tools here, and to a Rust that is newer than the first one on the PATH.
export PATH := $(CURDIR)/target/tools:$(CURDIR)/target/tools/rust:$(PATH):/usr/sbin:/sbin
# With CDPATH, cd can enter another directory and prints its path.
unexport CDPATH
# An environment without HOME, such as that of a service.
ifndef HOME
export HOME := $(shell echo ~)
endif

.PHONY: help build demo test minimal lines lint fuzz mutants coverage miri conformance e2e fleet peers deb debtest release releasechecks releasetest bench profile faults kernels cross bare dependencies install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the programs (target/release)
	@packaging/setup build
	$(BUILD)

demo: ## Show both maps being written in each install mode; leave nothing on the machine (root)
	@tests/demo.sh $(RELEASE)

test: ## Run the unit tests and, as root, the tests of rules and failures in private namespaces
	@tests/run

minimal: ## Compile and run the unit tests with the lowest versions of the crates that Cargo.toml allows
	@packaging/setup build
	@tests/minimal-versions

bare: ## Run demo and test from a clone in bare root file systems of Debian 12 and 13 (SUITES; root)
	@packaging/setup bare
	SUITES='$(SUITES)' tests/bare/run

lines: ## Count the lines of code that run with privilege; fail beyond 1200
	@tests/privileged-lines 1200

lint: ## Check formatting, clippy on all targets, the dependencies, the shell scripts and the manual pages
	@packaging/setup lint
	cargo fmt --check
	cargo fmt --check --manifest-path tests/fuzz/Cargo.toml
	@# docs/dependencies.md must list exactly these crates in these versions.
	diff <(sed -nE 's/^\| ([a-z0-9_-]+) \| ([0-9][^ ]*) \| .*/\1 v\2/p' docs/dependencies.md) \
		<(cargo tree --locked --target x86_64-unknown-linux-gnu --edges normal --prefix none --format '{p}' | \
			sed '1d; s/ (.*//' | LC_ALL=C sort --unique)
	cargo deny --locked --config packaging/deny.toml check bans licenses sources
	@# --all-targets leaves out targets with test = false.
	cargo clippy --locked --all-targets --test conformance --test performance --test kernels -- --deny warnings
	tests/privileged-lines 1200
	find .ci packaging tests -type f -exec awk 'FNR == 1 && /^#!\/bin\/(ba)?sh/ { print FILENAME } { nextfile }' {} + | \
		xargs shellcheck --external-sources
	@# The filter removes warnings about other pages that are not installed on this machine. mandoc fails for each warning.
	{ mandoc -T lint docs/man/*.1 2>&1 || true; } | { ! grep -vE 'mandoc.db lacks|referenced manual not found'; }

fuzz: ## Fuzz the parsers and the policy against oracles (SECONDS_EACH or RUNS, SEED, FUZZED)
	@packaging/setup fuzz
	SECONDS_EACH=$(SECONDS_EACH) RUNS=$(RUNS) SEED=$(SEED) tests/fuzz/run $(FUZZED)

mutants: ## Change the policy, the parsers and the privilege code, and check that tests fail (FILES; hours; root)
	@packaging/setup mutants
	tests/mutants.sh $(FILES)

coverage: ## Print the lines of src/ that no test reaches; fail below LEAST percent (root)
	@packaging/setup coverage
	LEAST=$(LEAST) tests/coverage.sh

# Without tests that need system calls which Miri lacks, and without slow ones.
MIRI := number:: id_range:: map_range:: subid::line subid::nsswitch:: subid::file:: login_defs:: caller:: escape:: policy:: \
	--skip lines_are_the_same

miri: ## Run the unit tests of the parsers and the policy in Miri (needs rustup's nightly with miri and rust-src)
	@packaging/setup build
	MIRIFLAGS=-Zmiri-disable-isolation cargo +nightly miri test --locked --lib --target-dir target/miri -- $(MIRI)

conformance: ## Run generated cases through our programs and Debian's (CASES, SEED, SUITES, CASE; root)
	@packaging/setup conformance
	UIDMAP_CASES=$(CASES) UIDMAP_SEED=$(SEED) UIDMAP_CASE=$(CASE) SUITES='$(SUITES)' tests/conformance/run.sh

e2e: $(PACKAGE)/built ## Run podman in containers of podman and Docker, and every client, in Debian 12 and 13 (SUITES; root)
	@packaging/setup e2e
	SUITES='$(SUITES)' tests/e2e/run $(PACKAGE)/uidmap-rs_*.deb
	SUITES='$(SUITES)' tests/e2e/run-docker $(PACKAGE)/uidmap-rs_*.deb
	SUITES='$(SUITES)' tests/e2e/run-clients $(PACKAGE)/uidmap-rs_*.deb

peers: $(PACKAGE)/built ## Run tests of the clients with Debian's programs and with ours (SUITES, ONLY, SOURCES=DIR; root)
	@packaging/setup peers
	SUITES='$(SUITES)' ONLY='$(ONLY)' SOURCES='$(SOURCES)' tests/peers/run $(PACKAGE)/uidmap-rs_*.deb

fleet: $(PACKAGE)/built ## Map ids that a directory delegates, with sssd, slapd and Kerberos, in Debian 12 and 13 (SUITES; root)
	@packaging/setup fleet
	SUITES='$(SUITES)' tests/fleet/run $(PACKAGE)/uidmap-rs_*.deb

bench: ## Measure our programs and Debian's, and plot the growth in target/bench.svg (RUNS, ONLY, CPU, REFERENCE; root)
	@packaging/setup bench
	$(BUILD)
	UIDMAP_RUNS='$(RUNS)' UIDMAP_ONLY='$(ONLY)' UIDMAP_CPU='$(CPU)' REFERENCE='$(REFERENCE)' tests/bench/run.sh $(RELEASE)

profile: ## Count the instructions of the one-line case by function, ours and Debian's (REFERENCE; root)
	@packaging/setup profile
	$(BUILD)
	REFERENCE='$(REFERENCE)' tests/bench/run.sh $(RELEASE) profile

faults: ## Make each system call fail once, in our programs and in Debian's, and count the results (REFERENCE; root)
	@packaging/setup profile
	$(BUILD)
	REFERENCE='$(REFERENCE)' tests/bench/run.sh $(RELEASE) faults

deb: $(PACKAGE)/built ## Build the Debian package (ARCH=arm64: for every Debian; CHROOT=trixie: for one; CRATES=debian: from its crates; root)

# The existing source files of the package. Git lists no file of a checkout that belongs to another user.
$(PACKAGE)/built: $(or $(wildcard $(shell git ls-files --cached --others --exclude-standard bins src packaging docs \
		'Cargo.*' README.md CHANGELOG.md 2>/dev/null)),$(if $(wildcard .git),without-a-list))
	@packaging/setup deb
	CRATES='$(CRATES)' packaging/build-deb $(PACKAGE) '$(CHROOT)' $(ARCH)
	CRATES='$(CRATES)' tests/deb/contents $(PACKAGE) '$(CHROOT)' $(ARCH)
	touch $@

# Git prints the reason.
.PHONY: without-a-list
without-a-list:
	@git ls-files >/dev/null
	@echo 'make: git lists no source files of the package' >&2; exit 1

debtest: $(PACKAGE)/built ## Install, upgrade and remove the package in Debian releases, and transport images with it (SUITES; root)
	@packaging/setup debtest
	SUITES='$(SUITES)' tests/deb/run $(PACKAGE) '$(CHROOT)' $(ARCH)

# ARCHS on the command line is stronger.
release releasetest: ARCHS = amd64 arm64 armhf i386 ppc64el riscv64 s390x

release: ## Run all checks, build the packages of all architectures, and lay out target/release-page (KEY=FINGERPRINT, URL, ARCHS; root)
	@packaging/setup release
	packaging/signing-key '$(KEY)'
	packaging/release-checks
	KEY='$(KEY)' URL='$(URL)' ARCHS='$(ARCHS)' packaging/release

releasechecks: ## Run the checks of packaging/release-checks.txt that did not succeed on this commit yet (CHECKS='2 3'; hours; root)
	@packaging/setup release
	packaging/release-checks $(CHECKS)

releasetest: ## Lay out a release page with a temporary key, and install from it in Debian 12 and 13 (ARCHS; root)
	@packaging/setup debtest
	for arch in $(ARCHS); do $(MAKE) deb ARCH=$$arch; done
	tests/deb/release $(ARCHS:%=target/deb-%)

kernels: ## Run the tests of rules and failures on Debian's kernels under qemu (KERNELS; ARCH=arm64; root)
	@packaging/setup kernels
	ARCH=$(ARCH) KERNELS='$(KERNELS)' tests/kernels/run

cross: ## Install packages of other architectures, map ids, and run the unit tests, under qemu-user (ARCHS='arm64 s390x'; root)
	@packaging/setup cross
	for arch in $(ARCHS); do $(MAKE) --no-print-directory deb CHROOT= ARCH=$$arch; done
	tests/cross/run $(ARCHS)

dependencies: $(PACKAGE)/built ## Print the table of docs/dependencies.md: each crate, its unsafe code, and its size in newuidmap
	@packaging/setup deb
	@tests/dependencies.sh $(PACKAGE)

install: ## Install (DESTDIR, PREFIX=/usr, MODE=caps|setuid)
	DESTDIR='$(DESTDIR)' PREFIX='$(PREFIX)' MODE='$(MODE)' packaging/install

clean: ## Remove all build results
	rm -rf target
