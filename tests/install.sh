#!/bin/sh
# install.sh build|test: installs by apt-get what a build, or the tests, need and this machine lacks.
set -e
packages="gcc libc6-dev make cmake ninja-build pkg-config flex bison libuv1-dev libsqlite3-dev libpq-dev libmariadb-dev"
[ "$1" = test ] && packages="$packages clang clang-format clang-tidy libcmocka-dev python3 python3-venv git sqlite3 valgrind procps postgresql postgresql-client mariadb-server mariadb-client"

command -v dpkg-query > /dev/null || exit 0
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo

installed() {
    dpkg-query -W -f '${Status}' "$1" 2> /dev/null | grep -q 'ok installed'
}

# The servers that come with the packages are not wanted: the tests start their own.
policy=/usr/sbin/policy-rc.d
made_policy=
finish() {
    [ -z "$made_policy" ] || $as_root rm -f $policy
}
trap finish EXIT
trap 'exit 1' INT TERM

# install PACKAGE…: those of them that are missing.
install() {
    missing=
    for package in "$@"; do
        installed "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "installing:$missing"
    if [ ! -e $policy ]; then
        made_policy=1
        printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy > /dev/null
        $as_root chmod +x $policy
    fi
    $as_root apt-get update -qq > /dev/null
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing > /dev/null
}

install $packages
[ "$1" = test ] || exit 0
# The sanitizers' and libFuzzer's runtime: a package of its own, named by clang's version, where clang doesn't carry it.
runtime=libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev
if ! installed "$runtime" && apt-cache show "$runtime" > /dev/null 2>&1; then
    install "$runtime"
fi
