#!/bin/bash
# Measures our programs and those of Debian 12 (shadow 4.13), taken from the end-to-end test's root file system: they run on
# this machine like ours, and not in theirs, which would add the cost of getting there. With REFERENCE, a directory with
# other programs of the same names, those are compared with instead. What comes after our programs' directory is for
# tests/bench/main.rs.
set -euo pipefail

UIDMAP_OURS=$(realpath "${1:?usage: run.sh DIRECTORY-OF-THE-PROGRAMS [profile|faults]}")
shift
here=$(cd "$(dirname "$0")" && pwd)
if [ "$(id -u)" != 0 ]; then
    echo "skipped: the programs are installed with privilege (in a private namespace), which needs root"
    [ "${CI:-}" != true ] || exit 1
    exit 0
fi
if [ -n "${REFERENCE:-}" ]; then
    UIDMAP_REFERENCE=$(realpath "$REFERENCE")
else
    root=$(mktemp --directory /var/tmp/uidmap-bench.XXXXXX)
    trap 'rm -rf "$root"' EXIT
    tar --extract --file="$("$here/../e2e/base-image" bookworm)" --directory="$root" \
        ./usr/bin/newuidmap ./usr/bin/newgidmap ./var/lib/dpkg/status
    UIDMAP_REFERENCE=$root/usr/bin
    UIDMAP_REFERENCE_VERSION="uidmap $(dpkg-query --admindir="$root/var/lib/dpkg" --show --showformat='${Version}' uidmap)"
    export UIDMAP_REFERENCE_VERSION
fi
export UIDMAP_OURS UIDMAP_REFERENCE
# Ahead of whatever else the machine does, where that is allowed: figures differ less then. Not so the compiler.
cargo test --quiet --locked --test performance --no-run
ahead=(chrt --fifo 10)
"${ahead[@]}" true 2>/dev/null || ahead=()
"${ahead[@]}" cargo test --quiet --locked --test performance -- "$@"
