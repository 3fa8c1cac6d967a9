#!/bin/sh
# executor.sh [STATEMENTS [ORM_STATEMENTS]]: the executor's goals, measured: builds for release, starts private servers, prints
# each ratio beside its goal. Exit status 1 where one is missed. On a machine that does nothing else. See executor.py.
cd "$(dirname "$0")/../.." || exit 1
./tests/install.sh test || exit 1
python=$(./tests/oracle/environment.sh --make) || exit 1
build=build/release
launcher=
command -v ccache > /dev/null && launcher=-DCMAKE_C_COMPILER_LAUNCHER=ccache
{ cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Release $launcher && cmake --build $build --target bench_executor; } > /dev/null || exit 1
work=$(mktemp -d)
chmod 755 "$work" # the servers run under accounts of their own
finish() {
    ./tests/servers/servers.sh stop "$work/servers"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM
./tests/servers/servers.sh start "$work/servers" > "$work/urls" || exit 1
set -a
. "$work/urls"
set +a
"$python" tests/bench/executor.py $build/tests/bench_executor "$@"
