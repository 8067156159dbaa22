#!/bin/bash
# Provides a signing key, a web server on loopback, and the commands of the release page $page. To be sourced after
# tests/e2e/common.sh.

: "${here:?}" "${work:?}" "${page:?}"

export GNUPGHOME=$work/gnupg
install --directory --mode=0700 "$GNUPGHOME"
# Creates a key without a passphrase for a name, and prints its fingerprint.
make_key() {
    gpg --batch --quiet --passphrase '' --quick-generate-key "$1" ed25519 sign never 2>/dev/null
    gpg --batch --with-colons --list-secret-keys "=$1" 2>/dev/null | awk -F: '$1 == "fpr" { print $10; exit }'
}

# Serves a directory until the script ends; sets $server to the PID and $address to the address. Further arguments are a command
# that starts the server.
start_server() {
    mkfifo "$work/address"
    "${@:2}" "$here/serve" "$1" >"$work/address" 2>"$work/requests" &
    # shellcheck disable=SC2034 # used by the tests
    server=$!
    # shellcheck disable=SC2034
    read -r address <"$work/address"
}

# Prints the commands in an element of the page.
commands() {
    sed -n "/^<pre id=\"$1\">\$/,/^<\/pre>\$/p" "$page/index.html" | sed '1d; $d; s/&amp;/\&/g'
}
