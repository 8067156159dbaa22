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
# uidmap of Debian 11 has no getsubids.
sed '/^expect getsubids/d' "$work/base/test/maps" >"$work/base/test/maps-of-uidmap"
chmod 0755 "$work/base/test/maps-of-uidmap"
cp "$deb" "$work/base/test/current.deb"
cp "$work"/base/var/cache/apt/archives/uidmap_*.deb "$work/base/test/uidmap.deb"
# Newer variants of the package: `next` is intact, and `failing` has a preinst that fails at the end. `conflicting` has a file of
# coreutils, so that dpkg aborts after it has unpacked the programs.
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
cp "$work/next/DEBIAN/preinst" "$work/preinst"
echo 'exit 1' >>"$work/next/DEBIAN/preinst"
variant failing
cp "$work/preinst" "$work/next/DEBIAN/preinst"
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
# shellcheck source=tests/deb/programs.sh
. "$here/programs.sh"
