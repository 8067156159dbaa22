#!/bin/bash
# shellcheck disable=SC2154 # of users.sh
# The lines that our programs print for the causes in this test. To be sourced after users.sh.

plugin='libsubid_sss.so, the subid plugin in /etc/nsswitch.conf,'
delegate() {
    echo "have an administrator of the directory service delegate ids to $1 (FreeIPA: ipa subid-generate); if the directory" \
        "has ids for $1, check that the plugin's service reaches the directory (for sss: sssd); for a user of this machine alone," \
        "as root, remove the line subid: from /etc/nsswitch.conf, so that the files delegate and not the directory"
}
# No range, for a reason that the plugin does not tell.
without_range() {
    local sentence='the user is unknown or has no range, or the directory cannot be reached'
    refused "$1" "$plugin has no uids for $1: $sentence [plugin]" "$(delegate "$1")"
}
# A range that is not the listed one.
other_range() {
    local start fix
    read -r _ _ start _ <<<"${ids[$1]}"
    fix="request only the ids that \`getsubids $1\` lists, or have an administrator of the directory service delegate more ids"
    fix+=" (FreeIPA: ipa subid-generate); with podman, run podman system migrate as $1 afterwards"
    refused "$1" "$plugin does not delegate the uids $start to $((start + 65535)) to $1 [not-delegated]" "$fix"
}
without_sssd() {
    local fix="check that the plugin's service runs and knows the user (for sss: sssd), or as root, remove the line subid:"
    refused "$1" "$plugin cannot reach its service (connection error) [plugin]" "$fix from /etc/nsswitch.conf"
}
without_entry() {
    local uid=${ids[$1]%% *}
    echo "cause: uid $uid has no entry in the passwd database: /etc/passwd does not have it, and sss (passwd: in" \
        "/etc/nsswitch.conf) gave no entry [no-passwd-entry] | fix: check that the directory service behind sss runs and knows" \
        "the user (getent passwd $uid must print an entry); add no line to /etc/passwd for a user of a directory"
}
nameless() {
    local lines
    lines=$(without_entry "$1")
    echo "status 1: newuidmap: Cannot determine your user name. | newuidmap: ${lines/ | / | newuidmap: }"
}
