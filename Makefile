# Everything that is done with this project, by name. `make` lists it.

SHELL       := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

DESTDIR ?=
PREFIX  ?= /usr
MODE    ?= caps
BINDIR  := $(DESTDIR)$(PREFIX)/bin
MANDIR  := $(DESTDIR)$(PREFIX)/share/man/man1
CARGO   ?= cargo
CASES   ?= 2000
SEED    ?= 1
SUITES  ?= bookworm trixie
CASE    ?=
RUNS    ?=
ONLY    ?=
CPU     ?=
REFERENCE ?=
CHROOT  ?=
KERNELS ?= bullseye bookworm trixie
FUZZED  ?= $(basename $(notdir $(wildcard tests/fuzz/targets/*.rs)))
SECONDS_EACH ?= 10
FILES   ?=
LEAST   ?= 95
PACKAGE := target/deb$(CHROOT:%=-%)
RELEASE := target/release

# Where packaging/setup links what it built.
export PATH := $(CURDIR)/target/tools:$(PATH)

.PHONY: help build demo test lint fuzz mutants coverage miri conformance e2e deb debtest bench profile faults kernels dependencies install clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the programs (target/release)
	$(CARGO) build --release --locked

demo: build ## Show maps being written, for each way of installing, and leave nothing behind (root)
	@packaging/setup demo
	@tests/demo.sh $(RELEASE)

test: ## Run the unit tests and the tests of every rule in private namespaces (root for the latter)
	@packaging/setup test
	$(CARGO) test --locked

lint: ## Check formatting, clippy on all targets, the dependencies, the shell scripts and the manual pages
	@packaging/setup lint
	$(CARGO) fmt --check
	$(CARGO) fmt --check --manifest-path tests/fuzz/Cargo.toml
	@# The table of docs/dependencies.md is about these crates in these versions.
	diff <(sed -nE 's/^\| ([a-z0-9_-]+) \| ([0-9][^ ]*) \| .*/\1 v\2/p' docs/dependencies.md) \
		<($(CARGO) tree --locked --target x86_64-unknown-linux-gnu --edges normal --prefix none --format '{p}' | \
			sed '1d; s/ (.*//' | LC_ALL=C sort --unique)
	$(CARGO) deny --locked --config packaging/deny.toml check bans licenses sources
	$(CARGO) clippy --locked --all-targets -- --deny warnings
	find .ci packaging tests -type f -exec awk 'FNR == 1 && /^#!\/bin\/(ba)?sh/ { print FILENAME } { nextfile }' {} + | \
		xargs shellcheck --external-sources
	@# Which other pages are installed is about this machine, not about the pages.
	! mandoc -T lint docs/man/*.1 2>&1 | grep -vE 'mandoc.db lacks|referenced manual not found'

fuzz: ## Fuzz what reads and decides, against oracles (SECONDS_EACH or RUNS, SEED, FUZZED)
	@packaging/setup fuzz
	SECONDS_EACH=$(SECONDS_EACH) RUNS=$(RUNS) SEED=$(SEED) tests/fuzz/run $(FUZZED)

mutants: ## Break what decides, parses and changes privilege, and see tests fail (FILES; hours; root)
	@packaging/setup mutants
	tests/mutants.sh $(FILES)

coverage: ## Say which lines of src/ all tests together reach; fail below LEAST percent (root)
	@packaging/setup coverage
	LEAST=$(LEAST) tests/coverage.sh

# Without the tests that take system calls which Miri does not have, and those that read much; clap's and the causes' take an hour.
MIRI := number:: range:: extent:: subid::line subid::search:: subid::nsswitch:: subid::file:: login:: login_defs:: caller:: shown:: \
	--skip lines_are_the_same --skip lines_of_an_owner_are_found --skip hardly_another_line --skip no_line_of_the_owner

miri: ## Run the unit tests of what parses and decides in Miri (needs rustup's nightly with miri and rust-src)
	MIRIFLAGS=-Zmiri-disable-isolation $(CARGO) +nightly miri test --locked --lib --target-dir target/miri -- $(MIRI)

conformance: ## Run generated cases through our programs and Debian's (CASES, SEED, SUITES, CASE; root)
	@packaging/setup conformance
	UIDMAP_CASES=$(CASES) UIDMAP_SEED=$(SEED) UIDMAP_CASE=$(CASE) SUITES='$(SUITES)' tests/conformance/run.sh

e2e: $(PACKAGE)/built ## Run podman in containers, and every client, in Debian 12 and 13 (SUITES; root)
	@packaging/setup e2e
	SUITES='$(SUITES)' tests/e2e/run $(PACKAGE)/uidmap-rs_*.deb
	SUITES='$(SUITES)' tests/e2e/run-clients $(PACKAGE)/uidmap-rs_*.deb

bench: build ## Measure our programs and Debian's, write docs/performance.md (RUNS, ONLY, CPU, REFERENCE; root)
	@packaging/setup bench
	UIDMAP_RUNS='$(RUNS)' UIDMAP_ONLY='$(ONLY)' UIDMAP_CPU='$(CPU)' REFERENCE='$(REFERENCE)' tests/bench/run.sh $(RELEASE)

profile: build ## Count the instructions of the one-line case by function, ours and Debian's (REFERENCE; root)
	@packaging/setup profile
	REFERENCE='$(REFERENCE)' tests/bench/run.sh $(RELEASE) profile

faults: build ## Have each system call fail once, in our programs and in Debian's, and count what became of it (REFERENCE; root)
	@packaging/setup profile
	REFERENCE='$(REFERENCE)' tests/bench/run.sh $(RELEASE) faults

deb: $(PACKAGE)/built ## Build the Debian package in target/deb (CHROOT=trixie: target/deb-trixie, with Debian's own compiler; root)

# What the package is made of, as far as it is there.
$(PACKAGE)/built: $(wildcard $(shell git ls-files --cached --others --exclude-standard bins src packaging docs/man \
		'Cargo.*' README.md CHANGELOG.md))
	@packaging/setup deb
	packaging/build-deb $(PACKAGE) $(CHROOT)
	tests/deb/contents $(PACKAGE) $(if $(CHROOT),,2.36)
	touch $@

debtest: $(PACKAGE)/built ## Install the package in Debian 12 and 13 in every way, and take images with it through pipelines (root)
	@packaging/setup e2e
	tests/deb/run $(PACKAGE)

kernels: ## Run every rule on the kernels of Debian 11, 12 and 13, under qemu (KERNELS; root)
	@packaging/setup kernels
	KERNELS='$(KERNELS)' tests/kernels/run

dependencies: $(PACKAGE)/built ## Print the table of docs/dependencies.md: each crate, its unsafe code, and its part of newuidmap
	@tests/dependencies.sh $(PACKAGE)

install: build ## Install (DESTDIR, PREFIX=/usr, MODE=caps|setuid)
	@case '$(MODE)' in caps|setuid) ;; *) echo "MODE is caps or setuid, not '$(MODE)'" >&2; exit 1 ;; esac
	install -d $(BINDIR) $(MANDIR)
	install -m 0644 docs/man/*.1 $(MANDIR)
	install -m 0755 $(RELEASE)/getsubids $(BINDIR)
	install -m $(if $(filter setuid,$(MODE)),4755,0755) $(RELEASE)/newuidmap $(RELEASE)/newgidmap $(BINDIR)
ifeq ($(MODE),caps)
	setcap cap_setuid=ep $(BINDIR)/newuidmap
	setcap cap_setgid=ep $(BINDIR)/newgidmap
endif

clean: ## Remove what was built
	$(CARGO) clean
