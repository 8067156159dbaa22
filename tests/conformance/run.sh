#!/bin/bash
# Runs the conformance cases against shadow's programs of Debian suites: the witnesses against bookworm (shadow 4.13), the
# witnesses and generated cases against trixie (4.17) and sid (the newest). By hand:
#
#   make conformance SUITES=sid CASES=20000        # the reference; before a release, and when the archive has a new shadow
#   make conformance SUITES=trixie CASE=N          # one case, printed in full; a difference prints its N
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
    mkdir -p "$root/$suite"/{dev,proc,usr/local/lib}
    tar --extract --file="$("$here/root" "$suite")" --directory="$root/$suite" --exclude='./dev/*'
    echo "$suite: uidmap $(cat "$root/$suite/version")"
    cases=${UIDMAP_CASES:-2000}
    [ "$suite" != bookworm ] || cases=0
    UIDMAP_REFERENCE=$root/$suite UIDMAP_SUITE=$suite UIDMAP_CASES=$cases \
        cargo test "${profile[@]}" --quiet --locked --test conformance
done
