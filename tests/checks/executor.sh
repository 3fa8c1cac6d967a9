#!/bin/sh
# executor.sh valgrind|tsan BUILD: the executor's tests under valgrind (BUILD is one without sanitizers), or as BUILD made them
# with ThreadSanitizer. On the servers that the environment names, with small figures. Nothing is suppressed: neither tool
# has anything to say about the client libraries.
tool=$1
build=$(cd "$2" && pwd) || exit 1
cd "$(dirname "$0")/../.." || exit 1
unset ORMC_TEST_LONG
export ORMC_TEST_SLOW=1
export TSAN_OPTIONS="halt_on_error=1 second_deadlock_stack=1 $TSAN_OPTIONS"
run=
if [ "$tool" = valgrind ]; then
    command -v valgrind > /dev/null || exit 77
    run="valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible --child-silent-after-fork=yes"
fi
status=0
for program in "$build"/tests/test_executor_*; do
    # shellcheck disable=SC2086 # a command and its options
    $run "$program" || { echo "$(basename "$program"): $?"; status=1; }
done
exit $status
