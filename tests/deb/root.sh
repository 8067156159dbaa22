#!/bin/bash
# Provides a new root file system of a Debian release for each case, and variants of the package $deb. To be sourced after
# tests/e2e/common.sh and results.sh.

: "${here:?}" "${work:?}" "${deb:?}" "${suite:?}"

root=$work/root
mkdir "$work/base" "$work/layer" "$root"
# On a tmpfs, since dpkg waits for the disk after each file.
mount -t tmpfs -o mode=0755 layer "$work/layer"
tar --extract --file="$("$here/base-image" "$suite")" --directory="$work/base" --exclude='./dev/*'
mkdir "$work/base/test"
cp "$here/../../packaging/debian/tests/maps" "$here/keep" "$work/base/test"
cp "$deb" "$work/base/test/current.deb"
cp "$work"/base/var/cache/apt/archives/uidmap_*.deb "$work/base/test/uidmap.deb"
# Newer variants of the package: `next` is intact, and `failing` has a preinst that fails. `conflicting` has a file of coreutils, so
# that dpkg aborts after it has unpacked the programs.
variant() {
    dpkg-deb --build --root-owner-group -Znone "$work/next" "$work/base/test/$1.deb" >/dev/null
}
dpkg-deb --raw-extract "$deb" "$work/next"
sed --in-place 's/^Version: .*/Version: 99-1/' "$work/next/DEBIAN/control"
# Changed programs with other checksums.
for file in "$work"/next/usr/bin/new?idmap; do
    echo >>"$file"
done
(cd "$work/next" && find usr -type f -printf '%P\0' | sort --zero-terminated | (cd usr && xargs --null md5sum) |
    sed 's,  ,  usr/,' >DEBIAN/md5sums)
variant next
printf '#!/bin/sh\nexit 1\n' >"$work/next/DEBIAN/preinst"
chmod 0755 "$work/next/DEBIAN/preinst"
variant failing
rm "$work/next/DEBIAN/preinst"
touch "$work/next/usr/bin/who"
variant conflicting
chroot "$work/base" useradd --no-create-home stranger

# Begins a case in a fresh root file system.
begin() {
    # shellcheck disable=SC2034 # used by results.sh
    subject="$suite, $1"
    ! mountpoint --quiet "$root" || umount --recursive "$root"
    rm -rf "$work"/layer/*
    mkdir "$work/layer/upper" "$work/layer/work"
    mount -t overlay -o "lowerdir=$work/base,upperdir=$work/layer/upper,workdir=$work/layer/work" overlay "$root"
}
# The timeout ends a maintainer script that blocks, for example on a FIFO.
in_root() {
    timeout 120 "$here/enter" "$root" "$@" </dev/null
}
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
    if in_root /test/maps podman 1001 64535 >"$work/log" 2>&1; then echo maps; else echo 'maps nothing'; fi
}
# The form of both programs, and whether they map ids.
programs() {
    is "$1" "$2; $3" "$(form newuidmap), $(form newgidmap); $(maps)"
}
# shellcheck disable=SC2034 # the tests use both
caps='755 0:0 cap_setuid=ep, 755 0:0 cap_setgid=ep'
# shellcheck disable=SC2034
setuid='4755 0:0, 4755 0:0'
