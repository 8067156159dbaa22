#!/bin/bash
# Checks the privilege of the programs in the root file system $root, and that they map. To be sourced after results.sh; the caller
# defines in_root(), which runs a command in $root.

: "${root:?}" "${work:?}"

# Runs a command that must succeed; prints its output only on failure.
run() {
    in_root "$@" >"$work/log" 2>&1 || { is "'$*' succeeds" yes no; cat "$work/log"; }
}
# Mode, owner and capabilities of a file in /usr/bin.
form() {
    local mode capability
    mode=$(stat --format='%a %u:%g' "$root/usr/bin/$1" 2>/dev/null) || { echo missing; return; }
    capability=$(getcap -n "$root/usr/bin/$1")
    capability=${capability##* }
    echo "$mode${capability:+ $capability}"
}
maps() {
    if in_root "${1:-/test/maps}" podman 1001 64535 >"$work/log" 2>&1; then echo maps; else echo 'maps nothing'; fi
}
# The form of both programs, and whether they map ids in the test $4.
programs() {
    is "$1" "$2; $3" "$(form newuidmap), $(form newgidmap); $(maps "${4:-}")"
}
# shellcheck disable=SC2034 # the tests use both
caps='755 0:0 cap_setuid=ep, 755 0:0 cap_setgid=ep'
# shellcheck disable=SC2034
setuid='4755 0:0, 4755 0:0'
