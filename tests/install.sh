#!/bin/sh
# install.sh build|test: installs by apt-get what a build, or the tests, need and this machine lacks.
set -e
packages="gcc libc6-dev make cmake ninja-build pkg-config flex bison libuv1-dev libsqlite3-dev libpq-dev libmariadb-dev"
[ "$1" = test ] && packages="$packages clang clang-format clang-tidy libcmocka-dev python3 python3-venv git sqlite3 valgrind procps postgresql postgresql-client mariadb-server mariadb-client"

command -v dpkg-query > /dev/null || exit 0
missing=
for package in $packages; do
    dpkg-query -W -f '${Status}' "$package" 2> /dev/null | grep -q 'ok installed' && continue
    missing="$missing $package"
done
[ -z "$missing" ] && exit 0
echo "installing:$missing"
as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
# The servers that come with the packages are not wanted: the tests start their own.
[ -e /usr/sbin/policy-rc.d ] || made_policy=1
[ -z "$made_policy" ] || printf '#!/bin/sh\nexit 101\n' | $as_root tee /usr/sbin/policy-rc.d > /dev/null
[ -z "$made_policy" ] || $as_root chmod +x /usr/sbin/policy-rc.d
status=0
{ $as_root apt-get update -qq && $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing; } > /dev/null || status=$?
[ -z "$made_policy" ] || $as_root rm -f /usr/sbin/policy-rc.d
exit $status
