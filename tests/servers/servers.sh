#!/bin/sh
# Private PostgreSQL and MariaDB servers for tests: on Unix sockets in a directory of their own, gone when stopped.
#
#   servers.sh start DIR            creates DIR, starts both, prints their URLs as shell assignments
#   servers.sh up|kill NAME DIR     starts one again, or ends it as SIGKILL does; NAME is postgresql or mariadb
#   servers.sh zones DIR            gives MariaDB the system's time zones (PostgreSQL has its own)
#   servers.sh stop DIR             ends both and removes DIR
#
#   eval "$(tests/servers/servers.sh start "$dir")"; …; tests/servers/servers.sh stop "$dir"
#
# Neither server runs as root: as root, the script uses the accounts that the Debian packages made.
set -eu

account() { # the account of a server, where we may choose
    if [ "$(id -u)" -eq 0 ]; then
        case $1 in postgresql) echo postgres ;; mariadb) echo mysql ;; esac
    else
        id -un
    fi
}

as() { # as NAME COMMAND…
    name=$1
    shift
    if [ "$(id -u)" -eq 0 ]; then
        runuser -u "$(account "$name")" -- "$@"
    else
        "$@"
    fi
}

tool() { # the newest of a PostgreSQL program
    found=$(command -v "$1" || true)
    for file in /usr/lib/postgresql/*/bin/"$1" "$found"; do
        [ -x "$file" ] && echo "$file" && return
    done
    echo "servers.sh: no $1 here (Debian: apt-get install postgresql mariadb-server)" >&2
    exit 1
}

wait_for() { # wait_for COMMAND…: up to 60 s
    tries=0
    until "$@" >/dev/null 2>&1; do
        tries=$((tries + 1))
        [ $tries -lt 600 ] || return 1
        sleep 0.1
    done
}

postgresql_up() {
    rm -f "$1/postgresql/data/postmaster.pid"
    program=$(tool postgres)
    # the shell that waits for the server must not keep our output open
    (exec >>"$1/postgresql/log" 2>&1 </dev/null && as postgresql "$program" -D "$1/postgresql/data") &
    wait_for as postgresql "$(tool pg_isready)" -q -h "$1/postgresql" || {
        tail -20 "$1/postgresql/log" >&2
        exit 1
    }
}

mariadb_up() {
    program=$(command -v mariadbd || echo /usr/sbin/mariadbd)
    (exec >>"$1/mariadb/log" 2>&1 </dev/null && as mariadb "$program" --no-defaults --datadir="$1/mariadb/data" \
        --socket="$1/mariadb/socket" --pid-file="$1/mariadb/pid" --skip-networking --max-connections=200 \
        --innodb-flush-log-at-trx-commit=0 --innodb-buffer-pool-size=64M --character-set-server=utf8mb4) &
    wait_for as mariadb mariadb-admin --no-defaults --socket="$1/mariadb/socket" ping || {
        tail -20 "$1/mariadb/log" >&2
        exit 1
    }
}

up() { case $1 in postgresql) postgresql_up "$2" ;; mariadb) mariadb_up "$2" ;; esac; }

process_of() {
    case $1 in
    postgresql) head -1 "$2/postgresql/data/postmaster.pid" 2>/dev/null ;;
    mariadb) cat "$2/mariadb/pid" 2>/dev/null ;;
    esac
}

end_one() { # end_one SIGNAL NAME DIR, and waits for it
    process=$(process_of "$2" "$3") || return 0
    [ -n "$process" ] || return 0
    children=
    [ "$2" = postgresql ] && children=$(ps -o pid= --ppid "$process" || true)
    # shellcheck disable=SC2086 # a list of numbers
    kill "-$1" "$process" $([ "$1" = KILL ] && echo $children) 2>/dev/null || true
    # shellcheck disable=SC2086
    for each in $process $children; do
        tries=0
        while kill -0 "$each" 2>/dev/null && [ $tries -lt 300 ]; do
            tries=$((tries + 1))
            sleep 0.05
        done
    done
}

start() {
    dir=$1
    mkdir -p "$dir/postgresql" "$dir/mariadb"
    chmod 755 "$dir"
    if [ "$(id -u)" -eq 0 ]; then
        chown "$(account postgresql)" "$dir/postgresql"
        chown "$(account mariadb)" "$dir/mariadb"
    fi
    as postgresql "$(tool initdb)" -D "$dir/postgresql/data" -U ormc -A trust -E UTF8 --locale=C.UTF-8 --no-sync \
        >"$dir/postgresql.init" 2>&1 || { cat "$dir/postgresql.init" >&2 && exit 1; }
    as postgresql sh -c 'cat >>"$1"' sh "$dir/postgresql/data/postgresql.conf" <<EOF
listen_addresses = ''
unix_socket_directories = '$dir/postgresql'
fsync = off
synchronous_commit = off
full_page_writes = off
max_connections = 200
timezone = 'UTC'
EOF
    as mariadb "$(command -v mariadb-install-db)" --no-defaults --datadir="$dir/mariadb/data" --skip-test-db \
        --auth-root-authentication-method=normal >"$dir/mariadb.init" 2>&1 || { cat "$dir/mariadb.init" >&2 && exit 1; }
    postgresql_up "$dir"
    mariadb_up "$dir"
    as postgresql "$(tool psql)" -q -h "$dir/postgresql" -U ormc -d postgres -c 'CREATE DATABASE ormc'
    as mariadb mariadb --no-defaults --socket="$dir/mariadb/socket" -u root -e 'CREATE DATABASE ormc; CREATE USER ormc@localhost;
        GRANT ALL ON *.* TO ormc@localhost'
    echo "ORMC_TEST_SERVERS='$dir'"
    echo "ORMC_TEST_POSTGRESQL='postgresql://ormc@/ormc?host=$dir/postgresql'"
    echo "ORMC_TEST_MARIADB='mariadb://ormc@localhost/ormc?unix_socket=$dir/mariadb/socket'"
    echo "export ORMC_TEST_SERVERS ORMC_TEST_POSTGRESQL ORMC_TEST_MARIADB"
}

case ${1-} in
start) start "$2" ;;
up) up "$2" "$3" ;;
kill) end_one KILL "$2" "$3" ;;
zones)
    mariadb-tzinfo-to-sql --skip-write-binlog /usr/share/zoneinfo 2>/dev/null |
        as mariadb mariadb --no-defaults --socket="$2/mariadb/socket" -u root mysql
    ;;
stop)
    end_one INT postgresql "$2"
    end_one TERM mariadb "$2"
    rm -rf "$2"
    ;;
*)
    sed -n '2,11s/^# \{0,1\}//p' "$0"
    exit 2
    ;;
esac
