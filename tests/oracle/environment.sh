#!/bin/sh
# environment.sh [--make]: prints a Python that has the ORMs at the versions that ormc follows, for the oracle scripts:
# $ORMC_ORACLE_PYTHON, or that of build/oracle, which --make installs by pip. Exit 1 where there is none.
cd "$(dirname "$0")/../.." || exit 1
packages="django==5.2.19 sqlalchemy[asyncio]==2.0.58 aiosqlite asyncpg"

for python in "$ORMC_ORACLE_PYTHON" "$PWD/build/oracle/bin/python"; do
    [ -n "$python" ] && "$python" -c 'import django, sqlalchemy, aiosqlite' 2> /dev/null && echo "$python" && exit 0
done
[ "$1" = --make ] || exit 1
{ python3 -m venv build/oracle && build/oracle/bin/pip install --quiet $packages; } >&2 || exit 1
echo "$PWD/build/oracle/bin/python"
