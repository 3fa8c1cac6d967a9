#!/bin/sh
# installation.sh BUILD: what `cmake --install` puts is complete and a C program builds against it.
set -e
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
cmake --install "$build" --prefix "$prefix" > /dev/null
for file in bin/ormc lib/libormc.a lib/libormc.so include/ormc.h lib/pkgconfig/ormc.pc lib/cmake/ormc/ormcConfig.cmake; do
    [ -e "$prefix/$file" ] || { echo "$file is not installed"; exit 1; }
done
"$prefix/bin/ormc" --version | grep -q '^ormc '
flags=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --cflags --libs ormc)
sanitize=
nm "$prefix/lib/libormc.a" 2> /dev/null | grep -q __asan_ && sanitize=-fsanitize=address,undefined
cc $sanitize examples/embed.c $flags -o "$prefix/embed"
ASAN_OPTIONS=detect_leaks=0 LD_LIBRARY_PATH=$prefix/lib "$prefix/embed" | grep -q 'Le Guin'
