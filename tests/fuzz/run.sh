#!/bin/sh
# run.sh BUILD SECONDS: all fuzz targets of BUILD side by side, that long, each from its seeds and what inputs.py makes.
# Prints what each has run; a target that finds something fails the run, and its input stays in BUILD/findings.
build=$(cd "$1" && pwd)
seconds=$2
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASAN_OPTIONS=detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
mkdir -p "$build/findings"
python3 tests/fuzz/inputs.py "$work/inputs" || exit 1

fuzz() {
    name=$1
    mkdir -p "$work/corpus/$name" "$work/inputs/$name" "$work/seeds/$name"
    [ ! -d "tests/fuzz/seeds/$name" ] || cp -r "tests/fuzz/seeds/$name" "$work/seeds"
    "$build/tests/fuzz/$name" "$work/corpus/$name" "$work/seeds/$name" "$work/inputs/$name" \
        -dict="$work/inputs/words.dict" -max_total_time="$seconds" -timeout=100 -rss_limit_mb=3000 -max_len=4000 \
        -print_final_stats=1 -artifact_prefix="$build/findings/$name-" > "$work/$name.log" 2>&1 || touch "$work/$name.failed"
}

names=
for target in "$build"/tests/fuzz/*; do
    [ -f "$target" ] && [ -x "$target" ] && names="$names $(basename "$target")"
done
for name in $names; do fuzz "$name" & done
wait

status=0
for name in $names; do
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$name.log")
    result=clean
    [ ! -e "$work/$name.failed" ] || { result=FAILED status=1; tail -n 40 "$work/$name.log"; }
    echo "fuzz $name: ${runs:-?} inputs in $seconds s, $result"
done
exit $status
