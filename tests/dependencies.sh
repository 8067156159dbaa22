#!/bin/bash
# Prints the table of docs/dependencies.md, with the size of each crate in newuidmap instead of the column of programs. The size is
# the sum over the symbols that begin with the name of the crate, in the debug symbols of the package.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."

package=${1:?usage: dependencies.sh DIRECTORY-OF-THE-PACKAGE}
work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
dpkg-deb --extract "$(echo "$package"/uidmap-rs_*.deb)" "$work"
dpkg-deb --extract "$(echo "$package"/uidmap-rs-dbgsym_*.deb)" "$work"
id=$(readelf --notes "$work/usr/bin/newuidmap" | sed -n 's/ *Build ID: //p')
# The symbol of a trait method begins with the type: <&clap_builder::Arg as core::fmt::Debug>::fmt.
nm --print-size --radix=d --demangle "$work/usr/lib/debug/.build-id/${id:0:2}/${id:2}.debug" |
    awk '$3 ~ /^[tTrRdDbBvVwW]$/ { size = $2; sub(/^[^ ]* [^ ]* . /, ""); gsub(/^[<&*(\[]+|(mut|const|dyn) /, "")
            crate = $0 ~ /^[a-z_0-9]+::/ ? $0 : "C"; sub(/::.*/, "", crate); sizes[crate] += size }
        END { for (crate in sizes) print crate, sizes[crate] }' >"$work/sizes"
count() { { grep -oE "$1" "$work/code" || true; } | wc -l; }
size() { awk -v crate="${1//-/_}" '$1 == crate { bytes = $2 } END { print bytes + 0 }' "$work/sizes"; }

target=(--locked --target x86_64-unknown-linux-gnu --prefix none --format '{p}')
linked=$(cargo tree "${target[@]}" --edges normal,no-proc-macro | awk 'NR > 1 { print $1 }')
cargo metadata --locked --format-version 1 |
    jq --raw-output '.packages[] | [.name, .version, .license, .manifest_path] | @tsv' >"$work/packages"
# shellcheck disable=SC2016 # Markdown code, not a command
echo '| crate | version | licence | lines | `unsafe` blocks | other `unsafe` | in newuidmap, bytes |'
echo '| --- | --- | --- | --- | --- | --- | --- |'
cargo tree "${target[@]}" --edges normal | sed '1d; s/ v/ /; s/ (.*//' | LC_ALL=C sort --unique |
    while read -r name version; do
        IFS=$'\t' read -r _ _ licence manifest < <(grep "^$name	$version	" "$work/packages")
        find "$(dirname "$manifest")/src" -name '*.rs' -exec cat {} + | grep -vE '^[[:space:]]*(//.*)?$' >"$work/code"
        blocks=$(count '\bunsafe *\{')
        others=$(count '\bunsafe +(fn|impl|trait|extern)\b')
        bytes=$(size "$name")
        grep -qx "$name" <<<"$linked" || bytes='at compile time only'
        echo "| $name | $version | ${licence//\// OR } | $(wc -l <"$work/code") | $blocks | $others | $bytes |"
    done
std=0
for crate in std core alloc addr2line gimli hashbrown miniz_oxide rustc_demangle std_detect __rustc; do
    std=$((std + $(size "$crate")))
done
echo "| Rust's standard library, and the crates in it | | | | | | $std |"
echo "| this package | | | | | | $(size uidmap) |"
echo "| without a crate's name: C, and vtables and strings | | | | | | $(size C) |"
