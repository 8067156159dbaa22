#!/bin/bash
# Breaks the code that tests/mutants.toml names, one place at a time, and runs the tests: first the unit tests, and all others,
# the privileged ones among them, on what these did not notice. Arguments are files to stay within.
set -euo pipefail
cd "$(dirname "$0")/.."

within=()
# The option --file would only add to what the configuration names.
for file; do within+=(--re "^${file//./\\.}:"); done
found=target/mutants
rm -rf "$found"
mkdir -p "$found"
export CARGO_PROFILE_DEV_DEBUG=0
# The job server's descriptors would be handed down to programs that are tested with as few as they can do with.
mutants() { cargo mutants --jobserver=false --config tests/mutants.toml --output "$found" --jobs 1 "${within[@]}" "$@"; }

# 2: some were missed; 3: a test ran out of time, which is to notice.
mutants --cargo-arg=--lib || [ $? = 2 ] || [ $? = 3 ]
mutants --iterate
