#!/bin/sh
# Every C file is formatted as .clang-format says; skipped where clang-format is not the version that the files are
# formatted with, as versions differ in details.
cd "$(dirname "$0")/../.." || exit 1
clang-format --version 2> /dev/null | grep -q "version 14\." || exit 77
git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror 2>&1 | grep -E 'warning|error' | cut -d: -f1 | sort | uniq -c
[ -z "$(git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror 2>&1 | head -1)" ]
