#!/bin/bash
# Provides two users outside the containers with delegated ids, who build and run images with rootless podman and the programs of
# $deb, in private namespaces. To be sourced after tests/e2e/common.sh.

: "${here:?}" "${work:?}" "${deb:?}"

mkdir "$work/etc" "$work/bin" "$work/context" "$work/exchange"
chmod 0777 "$work/exchange"
cp --recursive --preserve=mode,links /etc/. "$work/etc"
printf '%s\n' 'root:x:0:0::/root:/bin/sh' "builder:x:1000:1000::$work/builder:/bin/sh" \
    "runner:x:2000:2000::$work/runner:/bin/sh" >"$work/etc/passwd"
printf '%s\n' 'root:x:0:' 'builder:x:1000:' 'runner:x:2000:' >"$work/etc/group"
printf '%s\n' 'builder:100000:65536' 'runner:300000:65536' 'root:500000:65536' | tee "$work/etc/subuid" >"$work/etc/subgid"
mount --bind "$work/etc" /etc
for user in root builder runner; do
    install --directory --owner="$user" --group="$user" "$work/$user" "$work/$user/run"
done
# podman outside uses the programs of the package, too.
dpkg-deb --extract "$deb" "$work/package"
install -m 4755 "$work"/package/usr/bin/new?idmap "$work/bin"
# podman accepts only lower-case letters in the path of an OCI layout.
mount --bind "$work/exchange" /mnt
# podman mounts in a mount namespace that receives mounts from this one.
mount --make-rshared /
cp "$deb" "$work/context/uidmap-rs.deb"
install "$here/../../packaging/debian/tests/maps" "$work/exchange/maps"

# Runs a command as a user outside the containers.
as() {
    local user=$1
    shift
    (cd "$work/$user" && setpriv --reuid="$user" --regid="$user" --clear-groups --inh-caps=-all -- \
        env --ignore-environment HOME="$work/$user" USER="$user" XDG_RUNTIME_DIR="$work/$user/run" TMPDIR="$work/$user" \
        STORAGE_DRIVER="${driver:-overlay}" PATH="$work/bin:/usr/sbin:/usr/bin:/sbin:/bin" "$@")
}
podman() {
    local user=$1
    shift
    as "$user" podman --log-level=error --runtime runc --cgroup-manager cgroupfs "$@" </dev/null
}
# User $1 builds the image $2 from the Containerfile on stdin. Further arguments are options of podman build.
build() {
    local user=$1 image=$2
    shift 2
    cat >"$work/context/Containerfile"
    podman "$user" build --quiet --isolation=chroot --tag "$image" "$@" "$work/context" 2>"$work/log" >/dev/null ||
        cat "$work/log"
}
