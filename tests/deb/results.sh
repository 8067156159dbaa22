#!/bin/bash
# Counts what is as it has to be, and what is not. To be sourced; $subject says in each line what it is about. With $quiet, only
# failures get a line.

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

# The last line, and success if nothing failed.
results() {
    echo "$1: $passed passed, $failed failed"
    [ "$failed" = 0 ]
}
