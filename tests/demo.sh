#!/bin/bash
# Shows the programs at work: an unprivileged user maps a new user namespace with the programs in each install mode. The demo runs
# in a private mount namespace and leaves nothing on the machine.
set -euo pipefail

here=$(dirname "$(realpath "$0")")
release=${1:?usage: demo.sh DIRECTORY-OF-THE-PROGRAMS}

if [ "${UIDMAP_DEMO_PRIVATE:-}" != yes ]; then
    cd "$here/.."
    if ! reason=$(tests/able); then
        echo "demo: skipped: $reason"
        [ "${CI:-}" != true ] || exit 1
        exit 0
    fi
    packaging/setup demo
    cargo build --release --locked
    UIDMAP_DEMO_PRIVATE=yes exec unshare --mount --propagation private "$here/demo.sh" "$(realpath "$release")"
fi

# The programs in each install mode, and an /etc with only the files that the programs read.
mount -t tmpfs -o mode=0755 demo /mnt
mkdir /mnt/etc /mnt/setuid /mnt/caps
install -m 4755 "$release"/new{uid,gid}map /mnt/setuid
install -m 0755 "$release"/new{uid,gid}map /mnt/caps
setcap cap_setuid=ep /mnt/caps/newuidmap
setcap cap_setgid=ep /mnt/caps/newgidmap
[ ! -e /etc/ld.so.cache ] || cp /etc/ld.so.cache /mnt/etc
printf '%s\n' 'root:x:0:0::/:/bin/sh' 'alice:x:1000:1000::/:/bin/sh' >/mnt/etc/passwd
printf '%s\n' 'root:x:0:' 'alice:x:1000:' >/mnt/etc/group
printf '%s\n' 'passwd: files' 'group: files' >/mnt/etc/nsswitch.conf
echo 'alice:100000:65536' | tee /mnt/etc/subuid >/mnt/etc/subgid
mount --bind /mnt/etc /etc

as_alice() {
    setpriv --reuid=1000 --regid=1000 --clear-groups -- "$@"
}

# A process of alice in a new user namespace waits for a line, and then runs id(1).
show() {
    local way=$1 target ranges=(0 1000 1 1 100000 65536)
    echo
    echo "== installed by $way: $(stat -c %A "/mnt/$way/newuidmap") $(getcap "/mnt/$way/newuidmap" | cut -d' ' -f2)"
    # shellcheck disable=SC2016 # expanded by the inner shell
    coproc as_alice unshare --user -- sh -c 'echo $$; read -r go; exec id'
    local child=$COPROC_PID
    read -r target <&"${COPROC[0]}"
    local program
    for program in newuidmap newgidmap; do
        echo "alice\$ $program $target ${ranges[*]}"
        as_alice "/mnt/$way/$program" "$target" "${ranges[@]}"
        sed 's/^/    /' "/proc/$target/${program:3:1}id_map"
    done
    echo 'inside$ id'
    echo go >&"${COPROC[1]}"
    sed 's/^/    /' <&"${COPROC[0]}"
    wait "$child"
}

echo "/etc/subuid and /etc/subgid: $(cat /etc/subuid)"
show setuid
show caps
echo
echo "demo: both ways wrote both maps, and nothing is left of it"
