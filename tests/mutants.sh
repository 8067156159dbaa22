#!/bin/bash
# Changes the code that tests/mutants.toml names, one place at a time, and runs tests on the changes that were not noticed yet: the unit
# tests, the fast ones of tests/policy, and all. Arguments restrict the changes to these files.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."

within=()
# The option --file would only add to the files in the configuration.
for file; do within+=(--re "^${file//./\\.}:"); done
found=target/mutants
rm -rf "$found"
mkdir -p "$found"
export CARGO_PROFILE_DEV_DEBUG=0
# The tests of descriptor limits would inherit the descriptors of the job server.
mutants() { cargo mutants --jobserver=false --config tests/mutants.toml --output "$found" --jobs 1 "${within[@]}" "$@"; }

# Status 2: some changes were not noticed. Status 3: a test ran out of time, which counts as noticed.
run() {
    local status=0
    mutants "$@" || status=$?
    [ $status = 2 ] || [ $status = 3 ] || return $status
    [ ! -s "$found/mutants.out/missed.txt" ] || return 2
}
run --cargo-arg=--lib || [ $? = 2 ]
run --iterate -- --test policy -- --skip faults:: --skip hostile_environment:: || [ $? = 2 ]
run --iterate
