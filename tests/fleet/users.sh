#!/bin/bash
# The users of the directory, and the checks of their maps with our programs and Debian's. To be sourced after results.sh, in the
# root file system of the test; $suite is the Debian release.

: "${suite:?}"

# Uid, gid, and the first delegated uid and gid of each user.
declare -A ids=(
    [alice]='600002000 600003000 2147483648 2147549184'
    [bob]='600002001 600003001 2600000000 1600000000'
    [carol]='600002002 600003002 2200000000 1200000000'
    [dave]='600002003 600003003 2400000000 1400000000'
    [erin]='600002004 600003004 2410000000 1410000000'
    # A user of the host alone.
    [local]='1500 1500 100000 100000'
    # No user.
    [nobody-at-all]='4711 4711 100000 100000'
    # Users of systemd's user database.
    [nadia]='2500 3500 100000 200000'
    [hilda]='60300 60300 600000 700000'
)
for index in {0..39} 9999; do
    ids[user$index]="$((700000000 + index)) $((700001000 + index)) $((2500000000 + index * 65536)) $((1500000000 + index * 65536))"
done

# The state of the services, for the lines of results.sh.
in_state() {
    # shellcheck disable=SC2034 # used by results.sh
    subject="$suite, $1:"
}

# Runs a command as a user. chroot(1) looks up no name for numbers with a plus sign, unlike setpriv(1), and bash looks up none if
# HOME and SHELL are set: the first look-up is that of the command.
as() {
    local user=$1 uid gid
    read -r uid gid _ <<<"${ids[$user]}"
    shift
    chroot --userspec="+$uid:+$gid" --groups= / \
        env --ignore-environment HOME="/home/$user" SHELL=/bin/sh USER="$user" XDG_RUNTIME_DIR="/tmp/$uid" LC_ALL=C.UTF-8 \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@" </dev/null
}

# The lines of stdin in one line.
joined() {
    awk '{ printf "%s%s", separator, $0; separator = " | " } END { print "" }'
}

# The maps of a user with the programs of a directory, or the first failure.
maps() {
    local user=$1 directory=$2 uid_start gid_start
    read -r _ _ uid_start gid_start <<<"${ids[$user]}"
    as "$user" /fleet/try-map "$directory" "$uid_start" 65536 "$gid_start" 65536 2>&1 | joined
}
# The maps that a user must get.
granted() {
    local uid gid uid_start gid_start
    read -r uid gid uid_start gid_start <<<"${ids[$1]}"
    echo "uid 0 $uid 1; 1 $uid_start 65536 gid 0 $gid 1; 1 $gid_start 65536"
}
# The failure that a user must get: shadow's message for the delegated range, and the lines of a cause.
refused() {
    local start
    read -r _ _ start _ <<<"${ids[$1]}"
    echo "status 1: newuidmap: uid range [1-65537) -> [$start-$((start + 65536))) not allowed | newuidmap: cause: $2" \
        "| newuidmap: fix: $3"
}

# Checks the maps of a user with our programs, and prints the answer of Debian's if their first line is another one.
situation() {
    local user=$1 expected=$2 debians
    is "newuidmap, newgidmap of $user" "$expected" "$(maps "$user" /usr/bin)"
    debians=$(maps "$user" /opt/debian)
    if [ "${expected%% | *}" = "$debians" ]; then
        debians='the same first line'
        [[ $expected == uid* ]] && debians='the same maps'
    fi
    echo "      Debian's newuidmap, newgidmap: $debians"
}
listed() {
    local user=$1 expected=$2 output status=0
    output=$(as "$user" getsubids "$user" 2>&1) || status=$?
    is "getsubids $user" "$expected" "status $status: $(joined <<<"$output")"
    status=0
    output=$(as "$user" /opt/debian/getsubids "$user" 2>&1) || status=$?
    echo "      Debian's getsubids: status $status: $(joined <<<"$output")"
}
# Checks the status of uidmap-check, and its lines with a cause or a fix, each once.
checked() {
    local user=$1 expected=$2 output status=0
    output=$(as "$user" uidmap-check 2>&1) || status=$?
    is "uidmap-check of $user" "$expected" "status $status: $(grep -E '^ *(cause|fix|uidmap-check):|^The id maps' <<<"$output" | \
        sed 's/^ *//' | awk '!seen[$0]++' | joined)"
}
