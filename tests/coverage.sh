#!/bin/bash
# Runs all tests with line coverage of src/ and prints the covered share; fails below LEAST percent.
#
# The programs run with an empty environment, as other users and in namespaces. The path of the profile is therefore linked in: a
# constructor passes it to LLVM's runtime. Each process writes a file of its own to a directory that all users may write.
set -euo pipefail
cd "$(dirname "$(realpath "$0")")/.."
least=${LEAST:-95}

version=$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')
tools=/usr/lib/llvm-$version/bin
[ -x "$tools/llvm-cov" ] || { echo "coverage needs Debian's llvm-$version, the LLVM of this rustc" >&2; exit 1; }

directory=$(mktemp --directory /tmp/uidmap-coverage.XXXXXX)
trap 'rm -rf "$directory"' EXIT
chmod 0755 "$directory"
mkdir -m 0777 "$directory/profiles"
gcc -c -x c -o "$directory/filename.o" - <<END
#include <stdio.h>
#include <time.h>
#include <unistd.h>
extern void __llvm_profile_set_filename(const char *);
__attribute__((constructor)) static void set(void)
{
    /* Processes in PID namespaces have the same PIDs. With %m, a process and its child without an exec share the file. */
    static char name[256];
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    snprintf(name, sizeof(name), "%s/%d-%ld%09ld-%%m.profraw", "$directory/profiles", getpid(), now.tv_sec, now.tv_nsec);
    __llvm_profile_set_filename(name);
}
END
# Only this package is instrumented, not its dependencies. dash would drop CARGO_BIN_EXE_uidmap-check from the environment.
cat >"$directory/rustc" <<END
#!/bin/bash
exec "\$@" -Cinstrument-coverage -Clink-arg=$directory/filename.o
END
chmod 0755 "$directory/rustc"
export RUSTC_WORKSPACE_WRAPPER=$directory/rustc CARGO_TARGET_DIR=target/coverage

failed=0
# Skipped tests: in some, a limit or a filter prevents the write of the profile, so that stderr has an additional message. Others
# make each system call fail, including those that write the profile.
skipped=(--skip tight_resource_limits --skip a_limit_below_the_standard_descriptors --skip a_low_descriptor_limit
    --skip a_descriptor_that_cannot_be_opened_again --skip every_documented_example --skip a_seccomp_filter_is_reported
    --skip faults::a_failed_system_call_is_reported --skip faults::a_kill_at_any_system_call)
cargo test --locked --no-fail-fast -- "${skipped[@]}" || failed=1
objects=$(cargo test --locked --no-run --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*\)".*/--object=\1/p')
find "$directory/profiles" -name '*.profraw' -size +0 >"$directory/list"
"$tools/llvm-profdata" merge --sparse --failure-mode=all --input-files="$directory/list" -o "$directory/profile" 2>"$directory/warnings"
echo "$(wc -l <"$directory/list") processes left a profile; killed while they wrote one: $(wc -l <"$directory/warnings")"
# shellcheck disable=SC2086  # one word per object
show() {
    "$tools/llvm-cov" "$@" --instr-profile="$directory/profile" $objects \
        --ignore-filename-regex='(/\.cargo/|/rustc/|/tests/|/bins/|/packaging/|/samples\.rs)'
}
show show >target/coverage/lines.txt

# The unit tests in the same files are not counted.
show export --format=lcov | awk -v least="$least" '
    /^SF:/ { file = substr($0, 4); end = 0; line = 0
             while ((getline text < file) > 0) { line++; if (text == "mod tests {" && !end) end = line }
             close(file); sub(".*/src/", "src/", file); all = hit = 0; missed = "" }
    /^DA:/ { split(substr($0, 4), at, ",")
             if (end && at[1] > end) next
             all++; if (at[2] > 0) hit++; else missed = missed " " at[1] }
    /^end_of_record/ { total += all; covered += hit; if (all > hit) printf "%s: %d of %d, not%s\n", file, hit, all, missed }
    END { share = 100 * covered / total
          printf "lines of src/ covered: %d of %d, %.2f %% (at least %s)\n", covered, total, share, least; exit share < least }'
[ $failed = 0 ] || { echo "tests failed under coverage" >&2; exit 1; }
