#!/bin/bash
# Counts passed and failed checks. To be sourced. Each line begins with $subject; with $quiet, only failures are printed.

passed=0
failed=0
is() {
    if [ "$2" = "$3" ]; then
        passed=$((passed + 1))
        [ -n "${quiet:-}" ] || echo "ok    ${subject:?} $1: $3"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s %s\n  expected: %s\n  got: %s\n' "${subject:?}" "$1" "$2" "$3"
    fi
}

# Prints the counts; succeeds if no check failed.
results() {
    echo "$1: $passed passed, $failed failed"
    [ "$failed" = 0 ]
}
