#!/bin/sh
# examples.sh BUILD: the examples' tour, and that a run gives the rows that it should.
set -e
build=$(cd "$1" && pwd)
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ASAN_OPTIONS=detect_leaks=0

run() { "$build/ormc" run --database "sqlite:///$work/shop.db" -m shop=examples/bookshop/shop "$@"; }

"$build/ormc" schema -m shop=examples/bookshop/shop -d sqlite > "$work/schema.sql"
python3 - "$work/shop.db" "$work/schema.sql" << 'END'
import sqlite3, sys
database = sqlite3.connect(sys.argv[1])
database.executescript(open(sys.argv[2]).read())
END
run -e "author = Author.objects.create(name='Lem', country='PL')
Book.objects.create(title='Solaris', author=author, price='9.50', stock=2)" > /dev/null
run --format csv -e "Book.objects.available().values_list('title', 'author__name')" | tr -d '\r' > "$work/rows"
printf 'title,author__name\nSolaris,Lem\n' | diff -u - "$work/rows"
run examples/bookshop/shop/views.py --call 'sell(1)' > /dev/null
run --format csv -e "Book.objects.values_list('stock')" | tr -d '\r' > "$work/rows"
printf 'stock\n1\n' | diff -u - "$work/rows"
"$build/ormc" golden examples/bookshop/queries.md
"$build/ormc" sql examples/blog/service.py > "$work/blog"
grep -q 'FROM posts' "$work/blog"
