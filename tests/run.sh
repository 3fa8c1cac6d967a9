#!/bin/sh
# run.sh [--long|--tsan|--valgrind]: everything that is tested. Installs what is missing, builds with sanitizers, starts private servers,
# runs the unit tests, the golden files on all databases, the examples and the fuzz targets, and stops the servers.
# --long: ten minutes of each fuzz target instead of one, the full figures of the executor's tests, the golden files under
# valgrind, the executor's tests under ThreadSanitizer and valgrind, clang-tidy, and the cheat sheets run by the ORMs
# themselves (installed by pip; otherwise only where they are).
# --tsan, --valgrind: nothing but the executor's tests, under the one or the other.
cd "$(dirname "$0")/.." || exit 1
long=
only=
case ${1-} in
--long) long=1 ;;
--tsan | --valgrind) only=${1#--} ;;
'') ;;
*)
    sed -n '2,8s/^# \{0,1\}//p' tests/run.sh
    exit 2
    ;;
esac
jobs=$(nproc)
build=build/test
fuzz=build/fuzz
plain=build/plain
tsan=build/tsan
work=$(mktemp -d)
chmod 755 "$work" # the servers run under accounts of their own
passed=0
failed=0
failures=

# check NAME COMMAND…: runs it, shows its output only when it fails.
check() {
    name=$1
    shift
    start=$(date +%s)
    if "$@" > "$work/output" 2>&1; then
        passed=$((passed + 1))
        printf 'ok      %-28s %4ss\n' "$name" $(($(date +%s) - start))
        sed -n '/^fuzz .* inputs/s/^/        /p; /^ .* cases, .* compared/p' "$work/output"
    else
        failed=$((failed + 1))
        failures="$failures $name"
        printf 'FAILED  %-28s %4ss: %s\n' "$name" $(($(date +%s) - start)) "$*"
        tail -n 80 "$work/output"
    fi
}

finish() {
    [ -d "$work/servers" ] && ./tests/servers/servers.sh stop "$work/servers"
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 1' INT TERM

./tests/install.sh test || exit 1

# ---- build ----

launcher=
command -v ccache > /dev/null && launcher=-DCMAKE_C_COMPILER_LAUNCHER=ccache

# build_as DIRECTORY OPTION…: a debug build beside the one with AddressSanitizer.
build_as() {
    directory=$1
    shift
    cmake -S . -B "$directory" -G Ninja -DCMAKE_BUILD_TYPE=Debug $launcher "$@" &&
        cmake --build "$directory" --parallel "$jobs"
}

executor_under() {
    case $1 in
    tsan) check tsan-build build_as $tsan -DCMAKE_C_FLAGS=-fsanitize=thread && check executor-tsan ./tests/checks/executor.sh tsan $tsan ;;
    valgrind) check plain-build build_as $plain && check executor-valgrind ./tests/checks/executor.sh valgrind $plain ;;
    esac
}

start_servers() {
    command -v mariadb-install-db > /dev/null && ls /usr/lib/postgresql/*/bin/initdb > /dev/null 2>&1 || return
    ./tests/servers/servers.sh start "$work/servers" > "$work/urls" 2> "$work/servers.log" ||
        { cat "$work/servers.log"; failed=$((failed + 1)); failures="$failures servers"; }
    set -a
    . "$work/urls"
    set +a
}

if [ -n "$only" ]; then
    start_servers
    executor_under "$only"
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
    exit
fi

check configure cmake -S . -B $build -G Ninja -DCMAKE_BUILD_TYPE=Debug -DORMC_SANITIZE=ON $launcher
check build cmake --build $build --parallel "$jobs"
if [ $failed -gt 0 ]; then
    echo "$passed passed, $failed failed"
    exit 1
fi

# ---- servers ----

start_servers
[ -z "$long" ] || export ORMC_TEST_LONG=1

# ---- units and golden files ----

# Memory that the sanitizer holds back would count as memory that a stream keeps.
ASAN_OPTIONS=quarantine_size_mb=1 check units ctest --test-dir $build --output-on-failure --label-exclude lint
export ASAN_OPTIONS=detect_stack_use_after_return=1
for file in $(find tests/golden -name '*.md' ! -name README.md | sort); do
    if [ -n "$ORMC_TEST_POSTGRESQL" ]; then
        check "$file" $build/ormc golden --database "$ORMC_TEST_POSTGRESQL" --database "$ORMC_TEST_MARIADB" "$file"
    else
        check "$file" $build/ormc golden "$file"
    fi
done
check lint ctest --test-dir $build --output-on-failure --label-regex lint
check command-line ./tests/cli.sh $build
[ -z "$ORMC_TEST_POSTGRESQL" ] || check live python3 tests/live/live.py $build
check examples ./tests/examples.sh $build
check installation ./tests/installation.sh $build
check extending env ${launcher:+ORMC_LAUNCHER=ccache} python3 tests/checks/extending.py

# ---- fuzzing ----

if command -v clang > /dev/null; then
    seconds=60
    [ -z "$long" ] || seconds=600
    check fuzz-build sh -c "cmake -S . -B $fuzz -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_COMPILER=clang -DORMC_FUZZ=ON \
        -DORMC_TESTS=OFF -DORMC_EXECUTORS=OFF $launcher && cmake --build $fuzz --parallel $jobs"
    check fuzz ./tests/fuzz/run.sh $fuzz $seconds
fi

# ---- what asks the ORMs, and what takes long ----

if [ -n "$long" ]; then
    check oracle-environment ./tests/oracle/environment.sh --make
    executor_under tsan
    executor_under valgrind
    check valgrind ./tests/checks/valgrind.sh $plain
    check clang-tidy ./tests/checks/tidy.sh $plain
fi
if python=$(./tests/oracle/environment.sh); then
    check sheets-django "$python" tests/oracle/sheets_django.py --ormc $build/ormc
    check sheets-sqlalchemy "$python" tests/oracle/sheets_sqlalchemy.py --ormc $build/ormc
fi

[ $failed -eq 0 ] || echo "failed:$failures"
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
