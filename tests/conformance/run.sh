#!/bin/bash
# Compares our programs with shadow's programs of Debian suites. The witnesses run against each suite, the generated cases only
# against trixie (shadow 4.17) and sid (the newest), not against bookworm (4.13). By hand:
#
#   make conformance SUITES=sid CASES=20000        # before a release, and when Debian has a new shadow
#   make conformance SUITES=trixie CASE=N          # prints one case in full; the report of a difference has N
set -euo pipefail

here=$(dirname "$(realpath "$0")")
if [ "$(id -u)" != 0 ]; then
    echo "skipped: conformance needs root"
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
# Many cases take longer than an optimised build.
profile=()
[ "${UIDMAP_CASES:-0}" -lt 20000 ] || profile=(--release)
root=$(mktemp --directory /var/tmp/uidmap-conformance.XXXXXX)
trap 'rm -rf "$root"' EXIT
for suite in ${SUITES:-bookworm trixie}; do
    mkdir -p "$root/$suite"/{dev,proc,usr/local/lib}
    tar --extract --file="$("$here/root" "$suite")" --directory="$root/$suite" --exclude='./dev/*'
    echo "$suite: uidmap $(cat "$root/$suite/version")"
    cases=${UIDMAP_CASES:-2000}
    [ "$suite" != bookworm ] || cases=0
    UIDMAP_REFERENCE=$root/$suite UIDMAP_SUITE=$suite UIDMAP_CASES=$cases \
        cargo test "${profile[@]}" --quiet --locked --test conformance
done
