#!/bin/sh
# symbols.sh LIBRARY: what the shared library exports is what the public header declares, no more and no less.
cd "$(dirname "$0")/../.." || exit 1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
tr '\n' ' ' < include/ormc.h | grep -oE 'ORMC_API [^;(]*\(' | grep -oE 'ormc_[a-z0-9_]+' | sort -u > "$scratch/declared"
nm -D --defined-only "$1" | awk '$2 == "T" || $2 == "D" || $2 == "B" || $2 == "R" { print $3 }' | sort -u > "$scratch/exported"
diff -u "$scratch/declared" "$scratch/exported"
