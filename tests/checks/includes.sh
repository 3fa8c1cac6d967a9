#!/bin/sh
# Dependencies run one way: base <- grammar <- evaluate <- {django, sqlalchemy}; base <- query <- {django, sqlalchemy, emit};
# the compiler sees nothing of backends/, backends nothing of each other, the command line the public header alone.
cd "$(dirname "$0")/../.." || exit 1
failed=0

# forbid FOLDER PATTERN: no file of the folder includes what matches
forbid() {
    found=$(grep -rnE "^#include \"($2)" "$1" --include='*.[chly]' --include='*.def')
    [ -z "$found" ] && return
    printf 'not allowed in %s:\n%s\n' "$1" "$found"
    failed=1
}

forbid compiler/base 'grammar/|compiler/[^b]|compiler/b[^a]|backends/|cli/|include/'
forbid grammar 'compiler/[^b]|backends/|cli/|include/'
forbid compiler/query 'compiler/(evaluate|django|sqlalchemy|emit)/|backends/|cli/|include/'
forbid compiler/emit 'compiler/(evaluate|django|sqlalchemy)/|backends/|cli/|include/'
forbid compiler/evaluate 'compiler/(django|sqlalchemy|emit)/|backends/|cli/|include/'
forbid compiler/django 'compiler/sqlalchemy/|backends/|cli/|include/'
forbid compiler/sqlalchemy 'compiler/django/|backends/|cli/|include/'
forbid compiler 'backends/|cli/'
forbid backends 'grammar/|compiler/(evaluate|django|sqlalchemy)/|cli/'
forbid backends/postgresql 'backends/(sqlite|mysql)/'
forbid backends/sqlite 'backends/(postgresql|mysql)/'
forbid backends/mysql 'backends/(postgresql|sqlite)/'
forbid cli 'compiler/|grammar/|backends/'
forbid include '.*'
exit $failed
