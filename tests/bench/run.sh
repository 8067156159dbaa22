#!/bin/bash
# Compares our programs with those of Debian 12 (shadow 4.13) or, with REFERENCE, with those in that directory. Debian's programs
# come from the root file system of the end-to-end tests, and run outside of it: a chroot would add its own cost. Arguments after
# the directory of our programs are passed to tests/bench/main.rs.
set -euo pipefail

UIDMAP_OURS=$(realpath "${1:?usage: run.sh DIRECTORY-OF-THE-PROGRAMS [profile|faults]}")
shift
here=$(dirname "$(realpath "$0")")
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
# Real-time priority, if allowed, makes the figures vary less. The build runs without it.
cargo test --quiet --locked --test performance --no-run
ahead=(chrt --fifo 10)
"${ahead[@]}" true 2>/dev/null || ahead=()
"${ahead[@]}" cargo test --quiet --locked --test performance -- "$@"
