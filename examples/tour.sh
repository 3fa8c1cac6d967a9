#!/bin/sh
# tour.sh BUILD: the examples, with the ormc of that build directory; each step must succeed.
set -e
build=$(cd "$1" && pwd)
PATH=$build:$PATH
cd "$(dirname "$0")"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

step() {
    printf '\n$ ormc %s\n' "$*"
    ormc "$@"
}

step --version
step sql -m shop=bookshop/shop -e "Book.objects.available().by('Le Guin')"
step sql -m shop=bookshop/shop -d sqlite bookshop/shop/views.py
step schema -m shop=bookshop/shop -d sqlite
step sql blog/service.py
step sql -m blog/models.py -d postgresql -d mysql --inline -e "select(User).where(User.name == \"O'Neill\")"
step golden bookshop/queries.md

printf '\n$ cc embed.c … && ./embed\n'
cmake --install "$build" --prefix "$scratch/installed" > /dev/null
PKG_CONFIG_PATH=$scratch/installed/lib/pkgconfig ${CC:-cc} embed.c -o "$scratch/embed" \
    $(PKG_CONFIG_PATH=$scratch/installed/lib/pkgconfig pkg-config --cflags --libs ormc)
LD_LIBRARY_PATH=$scratch/installed/lib "$scratch/embed"
printf '\nAll examples ran.\n'
