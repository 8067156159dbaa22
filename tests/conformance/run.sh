#!/bin/bash
# Runs the conformance cases against the programs of Debian 12 (shadow 4.13) and of Debian 13 (4.17), taken from the
# end-to-end test's root file systems. By hand:
#
#   make conformance CASES=100000 SEED=7       # others than CI's, and more
#   make conformance SUITES=bookworm CASE=N    # one case, told in full; a difference prints its N
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skipped: conformance needs root"
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
# What takes longer than a build is worth one.
profile=()
[ "${UIDMAP_CASES:-0}" -lt 20000 ] || profile=(--release)
root=$(mktemp --directory /var/tmp/uidmap-conformance.XXXXXX)
trap 'rm -rf "$root"' EXIT
for suite in ${SUITES:-bookworm trixie}; do
    mkdir "$root/$suite"
    tar --extract --file="$("$here/../e2e/base-image" "$suite")" --directory="$root/$suite" --exclude='./dev/*'
    echo "$suite: $(chroot "$root/$suite" dpkg-query --show uidmap)"
    UIDMAP_REFERENCE=$root/$suite UIDMAP_SUITE=$suite cargo test "${profile[@]}" --quiet --locked --test conformance
done
