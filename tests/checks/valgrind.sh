#!/bin/sh
# valgrind.sh BUILD: all golden files under valgrind: no error, nothing lost. BUILD is one without sanitizers.
ormc=$(cd "$1" && pwd)/ormc
cd "$(dirname "$0")/../.." || exit 1
command -v valgrind > /dev/null || exit 77
status=0
for file in $(find tests/golden -name '*.md' ! -name README.md | sort); do
    valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite,indirect,possible \
        --errors-for-leak-kinds=definite,indirect,possible "$ormc" golden "$file" || { echo "$file: $?"; status=1; }
done
exit $status
