#!/bin/bash
# Private namespaces and the count of results for the end-to-end tests. To be sourced.

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
suites=${SUITES:-bookworm trixie}
# The script that prints the path of the root file system of a suite.
base_image=$here/base-image

# Runs the calling script again in new mount and PID namespaces with a temporary directory $work, and exits with its status. In
# the second run, prepares the namespaces for containers and returns.
private() {
    if [ "$(id -u)" != 0 ]; then
        echo "skipped: e2e needs root"
        [ "${CI:-}" != true ] || exit 1
        exit 0
    fi
    if [ -n "${UIDMAP_E2E_WORK:-}" ]; then
        work=$UIDMAP_E2E_WORK
        prepare
        return
    fi
    local suite
    for suite in $suites; do
        "$base_image" "$suite" >/dev/null
    done
    work=$(mktemp --directory /var/tmp/uidmap-e2e.XXXXXX)
    chmod 0755 "$work"
    namespace=
    trap cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    # In the background, since bash handles a signal only after a command in the foreground.
    UIDMAP_E2E_WORK=$work unshare --mount --pid --fork --kill-child --mount-proc --propagation private "$0" "$@" &
    namespace=$!
    local status=0
    wait "$namespace" || status=$?
    namespace=
    exit "$status"
}

# Killing unshare kills all processes of its PID namespace. Until they have ended, they may still write to $work.
cleanup() {
    [ -z "$namespace" ] || kill -KILL "$namespace" || true
    for _ in {1..100}; do
        ! remove 2>/dev/null || return 0
        sleep 0.1
    done
    echo "e2e: cannot remove $work" >&2
}

# Docker leaves the parents of its cgroups, which run-docker gives the name of $work.
remove() { rm -rf "$work" && find /sys/fs/cgroup -depth -type d -path "*/${work##*/}*" -exec rmdir {} +; }

prepare() {
    # crun needs cgroups of version 2.
    umount --recursive /sys/fs/cgroup
    mount -t cgroup2 none /sys/fs/cgroup
    # With udev, all users may open these devices.
    mknod -m 0666 "$work/fuse" c 10 229
    mount --bind "$work/fuse" /dev/fuse
    # slirp4netns needs the second one, in run-docker and for rootless Docker.
    if [ -e /dev/net/tun ]; then
        mknod -m 0666 "$work/tun" c 10 200
        mount --bind "$work/tun" /dev/net/tun
    fi
}

passed=0
failed=0
# Counts and prints one result: $1 is the case, $2 a pattern that $3 must match.
expect() {
    local shown
    # shellcheck disable=SC2053 # $2 is a pattern
    if [[ $3 == $2 ]]; then
        passed=$((passed + 1))
        shown=$(grep -oE 'newuidmap: cause: [^\\]*|fork/exec .*|^(/|0 |uid).*' <<<"$3" ||
            grep -oE 'new[ug]idmap: (write|open)[^\\]*|cannot clone: .*' <<<"$3" || true)
        echo "ok    $1: ${shown//$'\n'/; }"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n  expected: %s\n  got: %s\n' "$1" "$2" "$3"
    fi
}

# Prints the counts; succeeds if no check failed.
summary() {
    echo "e2e: $passed passed, $failed failed"
    [ "$failed" = 0 ]
}
