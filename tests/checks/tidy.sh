#!/bin/sh
# tidy.sh BUILD [FILE…]: clang-tidy over the files, or over all that BUILD compiles; any finding fails.
build=$(cd "$1" && pwd)
shift
cd "$(dirname "$0")/../.." || exit 1
command -v clang-tidy > /dev/null || exit 77
[ $# -gt 0 ] || set -- $(sed -n 's/^ *"file": "\(.*\)".*/\1/p' "$build/compile_commands.json" | grep -v "^$build" | sort -u)
# One file a process: after another file the analyzer takes every va_list for uninitialized.
printf '%s\n' "$@" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet --warnings-as-errors='*' -p "$build"
