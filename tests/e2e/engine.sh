#!/bin/bash
# A Docker daemon and a registry in the root file system of docker-image, in a network namespace that slirp4netns connects to the
# Internet. To be sourced after common.sh. If the script fails, $work/log is printed.

: "${here:?}" "${work:?}"
# set -e may end the script in a function whose stderr is the log. The trap prints to the first stderr.
exec 3>&2
trap '[ "$?" = 0 ] || print_logs >&3' EXIT
print_logs() { tail --lines=20 "$work/log" "$work"/*/var/log/{dockerd,registry}.log; }
# The PIDs of unshare(1), of its child and of slirp4netns.
machine=
init=
slirp=
# unshare(1) blocks SIGTERM.
stop_machine() {
    # bash reports killed jobs.
    { kill -KILL "$machine" "$slirp"; wait "$machine" "$slirp" || true; } 2>/dev/null
    while [ -e "/proc/$init" ]; do sleep 0.1; done
    init=
}

# Starts the machine of suite $1 in the directory $2: namespaces without daemons.
start_machine() {
    local suite=$1 root=$2
    mkdir -p "$root/src"
    tar --extract --file="$("$here/docker-image" "$suite")" --directory="$root" --exclude='./dev/*'
    # The address of slirp4netns's resolver.
    echo 'nameserver 10.0.2.3' >"$root/etc/resolv.conf"
    unshare --mount --pid --net --fork --kill-child --propagation private "$here/enter-root" "$root" bash -c '
        ip link set lo up
        touch /run/started
        # A shell as init reaps ended daemons.
        sleep infinity & wait' &
    machine=$!
    wait_for machine_init
    wait_for in_machine test -e /run/started
    slirp4netns --configure --mtu=65520 --disable-host-loopback "$init" tap0 >"$work/log" 2>&1 &
    slirp=$!
    wait_for in_machine ip route get 10.0.2.2
}

# The file has no newline at its end.
machine_init() { read -r init _ <"/proc/$machine/task/$machine/children" || [ -n "$init" ]; }

in_machine() { timeout --signal=KILL 600 nsenter --all --target "$init" --wdns=/src "$@"; }

# Runs a command until it succeeds, for at most a minute.
wait_for() {
    local deadline=$((SECONDS + 60))
    until "$@" >"$work/log" 2>&1; do
        [ "$SECONDS" -lt "$deadline" ] || { echo "never succeeded: $*" >&2; exit 1; }
        sleep 0.1
    done
}

# Starts Docker with further options, after a running one has stopped.
start_docker() {
    # shellcheck disable=SC2016 # the shell in the machine expands it
    in_machine sh -c '
        old=$(cat /run/docker.pid 2>/dev/null) && kill "$old" && while [ -e "/proc/$old" ]; do sleep 0.1; done
        setsid dockerd "$@" >>/var/log/dockerd.log 2>&1 &' sh --cgroup-parent="/${work##*/}" "$@"
    wait_for in_machine docker info
}

# Starts a registry with a certificate of its own for the address of Docker's bridge.
start_registry() {
    in_machine openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=registry -addext 'subjectAltName=IP:172.17.0.1' \
        -keyout /registry.key -out /registry.crt -days 2
    in_machine sh -c '
        cat >/registry.yml <<FILE
version: 0.1
storage: { filesystem: { rootdirectory: /var/lib/docker-registry } }
http: { addr: ":5000", tls: { certificate: /registry.crt, key: /registry.key } }
FILE
        setsid docker-registry serve /registry.yml >/var/log/registry.log 2>&1 &'
    wait_for in_machine sh -c 'echo | openssl s_client -connect 172.17.0.1:5000'
}
