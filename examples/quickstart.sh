#!/bin/sh
# Installs what is missing, builds ormc and tries it on the examples.
set -e
cd "$(dirname "$0")/.."

./tests/install.sh build
cmake -S . -B build/quickstart -G Ninja -DCMAKE_BUILD_TYPE=Release -DORMC_TESTS=OFF > build-quickstart.log 2>&1 ||
    { cat build-quickstart.log; exit 1; }
cmake --build build/quickstart --parallel "$(nproc)" >> build-quickstart.log 2>&1 || { tail -50 build-quickstart.log; exit 1; }
rm -f build-quickstart.log
exec ./examples/tour.sh build/quickstart
