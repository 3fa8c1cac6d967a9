#!/bin/sh
# cli.sh BUILD: the command line's manners: exit statuses, suggestions, help, formats.
ormc=$(cd "$1" && pwd)/ormc && [ -x "$ormc" ] || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failed=0

# expect STATUS PATTERN ARGUMENT…: that exit status, and an output line that matches
expect() {
    status=$1 pattern=$2
    shift 2
    "$ormc" "$@" > out 2>&1 < /dev/null
    got=$?
    if [ $got -ne "$status" ] || { [ -n "$pattern" ] && ! grep -qE "$pattern" out; }; then
        printf 'ormc %s: status %s, wanted %s and /%s/:\n' "$*" $got "$status" "$pattern"
        head -20 out
        failed=1
    fi
}

cat > models.py << 'END'
from django.db import models
class Author(models.Model):
    name = models.CharField(max_length=50)
END
cat > views.py << 'END'
from models import Author
def names(letter):
    return list(Author.objects.filter(name__startswith=letter))
END
printf 'x = (1 +\n' > broken.py

expect 0 '^ormc [0-9]+\.[0-9]+\.[0-9]+$' --version
expect 2 '^USAGE'
expect 0 '^COMMANDS' help
for command in sql batch schema run golden verify; do
    expect 0 "^ormc $command - " help $command
    expect 0 "^ormc $command - " $command --help
done
expect 2 "did you mean 'ormc schema'" shema
expect 2 "did you mean '--dialect'" sql --dialct sqlite
expect 2 "did you mean 'sqlite'" sql -d sqllite -e 1
expect 2 "did you mean 'golden'" help goldn
expect 2 'needs \[LABEL=\]PATH' sql -m
expect 2 'takes NAME=VALUE' sql --set x -e 1
expect 2 "can't read 'missing.py'" sql missing.py
expect 2 'nothing to translate' sql
expect 2 'csv is for' sql --format csv -e 1
expect 2 'not a database URL' run -e 1 --database oracle://x
expect 3 'unable to open' run -e 1 --database sqlite:////no/such/place.db
expect 1 'broken\.py:1:5' sql broken.py
expect 1 '"code": "syntax-error"' sql --format json broken.py
expect 0 'FROM "shop_author" WHERE "shop_author"."name" = \?;' sql -m shop=models.py -d sqlite -e "Author.objects.filter(name='x')"
expect 0 "\\\$1 = 'x'" sql -m shop=models.py -d sqlite -e "Author.objects.filter(name='x')"
expect 0 "= 'O''Neill';" sql -m shop=models.py -d sqlite --inline -e "Author.objects.filter(name=\"O'Neill\")"
expect 1 'did you mean .name' sql -m shop=models.py -e "Author.objects.filter(nam='x')"
expect 0 'views.py:3:17 in names' sql -m shop=models.py -d mysql views.py
expect 0 'letter' sql -m shop=models.py views.py
expect 0 '"dialect": "mariadb"' sql -m shop=models.py -d sqlite -d mariadb --format json -e 'Author.objects.all()'
expect 0 'CREATE TABLE "shop_author"' schema -m shop=models.py -d sqlite
mkdir -p app/models
cp models.py app/models/author.py
printf 'from django.apps import AppConfig\nclass Config(AppConfig):\n    name = "app"\n    label = "press"\n' > app/apps.py
expect 0 'CREATE TABLE "press_author"' schema -m app -d sqlite
expect 0 'CREATE TABLE "shop_author"' schema -m shop=app -d sqlite
expect 0 '"label": "shop.Author"' schema --dump models -m shop=models.py -d sqlite
expect 0 'Call 1:1' sql --dump syntax -e 'f(x)'
expect 2 'takes tokens, syntax' sql --dump nonsense -e 1

# Native methods take what they are the methods of, and nothing else.
expect 1 "doesn't apply to a 'int' object" sql -m shop=models.py -e 'QuerySet.filter(5)'
cat > few.py << 'END'
from django.db import models
class Few(models.QuerySet):
    def few(self):
        return self.filter(id=1)
class Lone(models.QuerySet):
    def none_has_it(self):
        return self.filter(id=1)
class Author(models.Model):
    objects = Few.as_manager()
END
expect 0 'in few: self.filter' sql few.py

# A text's fences need no imports, as -e needs none.
printf 'All:\n\n```python\nauthors = Author.objects.filter(name=F("id"))\n```\n' > notes.md
expect 0 'notes.md:4:.*' sql -m shop=models.py -d sqlite notes.md
expect 0 'WHERE "shop_author"."name" = \("shop_author"."id"\)' sql -m shop=models.py -d sqlite notes.md

# What is only long is read to its end, and in time that grows as it does.
{ cat models.py; yes 'x = 1' | head -100000; echo 'Author.objects.filter(id=x).count()'; } > long.py
expect 0 'WHERE .*"id" = ' sql -d sqlite long.py
{ cat models.py; seq 5000 | sed 's/.*/def f&(): return Author.objects.filter(id=&).count()/'; } > many.py
expect 0 'in f5000: ' sql -d sqlite many.py
# Of a very long line the part around the mistake is shown.
{ cat models.py; printf 'x = [%s Author.objects.get(nam=1)]\n' "$(yes 1, | head -5000 | tr -d '\n')"; } > wide.py
expect 1 '^4 .{20,500}$' sql wide.py
expect 1 '^4 \| ….*get\(nam=1\)\]$' sql wide.py

# Diagnostics of some dialects only.
printf '```python\nAuthor.objects.distinct("name")\n```\n' > some.md
expect 0 'updated' golden -m shop=models.py --update some.md
grep -q '^```diagnostics sqlite mysql mariadb$' some.md || { cat some.md; failed=1; }
expect 0 '' golden -m shop=models.py some.md
sed 's/DISTINCT ON fields/Fields/' some.md > other.md
expect 1 'diagnostics sqlite mysql mariadb' golden -m shop=models.py other.md
expect 0 '' golden -d postgresql -m shop=models.py other.md
sed 's/diagnostics sqlite/diagnostics postgresql sqlite/' some.md > other.md
expect 1 'what ormc gives' golden -m shop=models.py other.md

# Output that can't be written is an error, and a file is rewritten as a whole or not at all.
for command in --version help 'help sql' 'sql --dump syntax -e 1' 'sql -m shop=models.py -e Author.objects.all()' \
    'schema -m shop=models.py'; do
    "$ormc" $command > /dev/full 2> out
    [ $? -eq 2 ] && grep -q "can't write the output" out || { echo "ormc $command > /dev/full:"; cat out; failed=1; }
done
printf '```python\nAuthor.objects.all()\n```\n' > whole.md
cp whole.md before.md
(ulimit -f 0 2> /dev/null && trap '' XFSZ && "$ormc" golden -m shop=models.py --update whole.md) > out 2>&1
[ $? -eq 2 ] && cmp whole.md before.md && [ "$(ls whole.md*)" = whole.md ] || { echo 'golden on a full disk:'; cat out whole.md; failed=1; }
expect 0 'updated' golden -m shop=models.py --update whole.md
expect 0 'no model was found' schema -m unread_nothing=/dev/null

# A model that is not whole has no table; what a relation guesses is said.
cat > parts.py << 'END'
from django.db import models
class Whole(models.Model):
    other = models.ForeignKey("Otter", models.CASCADE)
class Other(models.Model):
    title = models.CharField(max_lenght=5)
class Indexed(models.Model):
    class Meta:
        indexes = [models.Index(fields=["nothing"])]
class Twice(models.Model):
    first = models.IntegerField()
class Twice(models.Model):
    second = models.IntegerField()
END
expect 1 "the model 'Otter' is not known" schema -m shop=parts.py -d sqlite
expect 1 "did you mean 'Other'" schema -m shop=parts.py -d sqlite
expect 1 "Indexed has no field named 'nothing'" schema -m shop=parts.py -d sqlite
"$ormc" schema -m shop=parts.py -d sqlite 2> /dev/null | grep -o 'CREATE TABLE "[a-z_]*"\|"second"\|"first"' > got
printf '%s\n' 'CREATE TABLE "shop_whole"' 'CREATE TABLE "shop_twice"' '"second"' | cmp - got || failed=1

# PostgreSQL's enumerations come before the tables, each once.
cat > enumerated.py << 'END'
import enum

from sqlalchemy import ARRAY, Enum
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Size(enum.Enum):
    small = 1
    large = 2


class Coat(Base):
    __tablename__ = "coats"

    id: Mapped[int] = mapped_column(primary_key=True)
    size: Mapped[Size]
    other: Mapped[Size | None]
    colours = mapped_column(ARRAY(Enum("red", "o'range", name="colour")))
    plain = mapped_column(Enum("a", "b", name="plain", native_enum=False))
END
"$ormc" schema -m enumerated.py -d postgresql | grep TYPE > got
cmp - got << 'END' || failed=1
CREATE TYPE size AS ENUM ('small', 'large');
CREATE TYPE colour AS ENUM ('red', 'o''range');
END

"$ormc" schema -m shop=models.py -d sqlite > schema.sql
# What a running program doesn't know it neither leaves out of a statement nor decides by a guess.
cat > unknown.py << 'END'
from models import Author
import elsewhere
def keep(): Author.objects.filter(elsewhere.condition()).delete()
def keep_all(): Author.objects.filter(**elsewhere.keywords).delete()
def change(): Author.objects.update(**elsewhere.values)
def maybe():
    if elsewhere.flag: Author.objects.all().delete()
def loop():
    for name in elsewhere.names: Author.objects.all().delete()
END
sqlite3 unknown.db < schema.sql
for call in keep keep_all change maybe loop; do
    expect 1 'elsewhere.*is not known|values are not known' run -m shop=models.py --database sqlite:///unknown.db unknown.py --call "$call()"
done
# A parameter that comes from rows names the place of their query.
printf 'from models import Author\ndef f():\n    a = Author.objects.get(id=1)\n    Author.objects.filter(id=a.id).count()\n' > origin.py
expect 0 '= rows of origin.py:3:9: id' sql -m shop=models.py -d sqlite origin.py
# A queryset that a program builds and never reads is run all the same; one that it reads is run once.
printf 'from models import Author\nAuthor(name="Ann").save()\nnames = Author.objects.values_list("name")\n' > unread.py
sqlite3 shop.db < schema.sql
expect 0 'Ann' run -m shop=models.py --database sqlite:///shop.db unread.py
expect 0 '\(1 row\)' run -m shop=models.py --database sqlite:///shop.db -e 'names = Author.objects.filter(name="Ann")'
printf 'for name in names: print(name)\n' >> unread.py
"$ormc" run -m shop=models.py --database sqlite:///shop.db unread.py > once 2>&1
[ "$(grep -c SELECT once)" -eq 1 ] || { echo 'a queryset that is read is run once:'; cat once; failed=1; }
# delete() says how many rows of which model are gone.
expect 0 "= 2, .*= '2'" run -m shop=models.py --database sqlite:///shop.db -e '
count, labels = Author.objects.all().delete()
Author.objects.filter(id=count, name=labels["shop.Author"])'

expect 0 'a.py.md: written|written' sql -m shop=models.py --golden expected views.py
expect 0 '' sql -m shop=models.py --golden expected views.py
sed -i 's,__startswith,,' views.py
expect 1 '^-.*LIKE|^\+.*LIKE' sql -m shop=models.py --golden expected views.py

# Passwords stay out of messages, however the URL is wrong.
expect 3 'postgresql://me:\*\*\*@127.0.0.1:1/x' run -e 'select(literal(1))' --database postgresql://me:hunter2@127.0.0.1:1/x
expect 2 'oracle://me:\*\*\*@h/x' run -e 'select(literal(1))' --database oracle://me:hunter2@h/x
expect 3 'three slashes' run -e 'select(literal(1))' --database sqlite://slash.db
# What the database refuses has a code of its own; a value that is not there is no failure of the database's.
expect 3 'error.database-error.: no such table: nowhere' run -e 'select(text("x")).select_from(text("nowhere"))' --database sqlite://
expect 1 "error.value-error.: the value of .* is not known; give it with --set" run --database sqlite:// -e 'import requests
select(literal(requests.get("x").text))'
expect 2 'does not go with --explain' run --explain --format csv -e 'select(literal(1))' --database sqlite://
# What is set in vain is said.
expect 0 'warning: --set nam: nothing' sql -m shop=models.py --set nam=5 -e 'Author.objects.filter(name=name)'
expect 0 'warning: --setting USE_TX: no setting' sql -m shop=models.py --setting USE_TX=False --setting USE_TZ=False -e 'Author.objects.all()'
expect 0 "^-- . . = 'a'|= 'a'" run --set x=a -e 'select(literal(x))' --database sqlite://
"$ormc" run --set x=a --set y=b -e 'select(literal(x))' --database sqlite:// 2>&1 | grep -q 'warning: --set x' && { echo 'what was asked for is no mistake'; failed=1; }

# --update writes the blocks of a new case, and what an old one has come to warn of.
cat > cases.md << 'END'
```python
Author.objects.filter(name="x")
```

```python
Author.objects.filter(nam="x")
```

```sql postgresql
```
END
expect 1 'diagnostics' golden -m shop=models.py cases.md
expect 0 'cases.md: updated' golden -m shop=models.py --update cases.md
expect 0 '' golden -m shop=models.py cases.md
[ "$(grep -c "did you mean 'name'" cases.md)" -eq 1 ] || { echo 'golden --update:'; cat cases.md; failed=1; }
# What a constraint refuses is the ORM's IntegrityError: a program catches it and goes on, get_or_create() looks again.
cat > keys.py << 'END'
from django.db import IntegrityError, models
class Key(models.Model):
    word = models.CharField(max_length=9, unique=True)
    open = models.BooleanField(default=True)
END
"$ormc" schema -m keys=keys.py -d sqlite | sqlite3 keys.db
expect 0 "SET .open. = \?" run -m keys=keys.py --database sqlite:///keys.db -e 'Key.objects.create(word="a")
try:
    Key.objects.create(word="a")
except IntegrityError:
    Key.objects.filter(word="a").update(open=False)'
expect 0 '1 row' run -m keys=keys.py --database sqlite:///keys.db -e 'Key.objects.filter(open=False)'
expect 3 'error.database-error.: UNIQUE constraint failed' run -m keys=keys.py --database sqlite:///keys.db -e 'Key.objects.filter(open=True).get_or_create(word="a")'
[ "$(grep -c SELECT out)" -eq 2 ] || { echo 'get_or_create() looks again:'; cat out; failed=1; }
# … and of the classes above it, in either ORM; what else SQLite refuses is an OperationalError.
for caught in DatabaseError Error IntegrityError; do
    expect 0 'SET .open. = \?' run -m keys=keys.py --database sqlite:///keys.db -e "from django.db import $caught
try:
    Key.objects.create(word='a')
except $caught:
    Key.objects.filter(word='a').update(open=False)"
done
cat > tags.py << 'END'
from sqlalchemy import create_engine, select
from sqlalchemy.exc import DBAPIError, DatabaseError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
class Base(DeclarativeBase):
    pass
class Tag(Base):
    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(unique=True)
class Gone(Base):
    __tablename__ = "gone"
    id: Mapped[int] = mapped_column(primary_key=True)
END
"$ormc" schema -m tags.py -d sqlite | sed '/"*gone/,/;/d' | sqlite3 tags.db
sqlite3 tags.db "INSERT INTO tags (word) VALUES ('a')"
for caught in SQLAlchemyError DBAPIError DatabaseError IntegrityError; do
    expect 0 'SELECT tags' run -m tags.py --database sqlite:///tags.db -e "from tags import *
session = Session(create_engine('sqlite://'))
try:
    session.add(Tag(word='a'))
    session.commit()
except $caught:
    session.rollback()
    session.scalars(select(Tag)).all()"
done
for caught in SQLAlchemyError DatabaseError OperationalError; do
    expect 0 'SELECT tags' run -m tags.py --database sqlite:///tags.db -e "from tags import *
session = Session(create_engine('sqlite://'))
try:
    session.scalars(select(Gone)).all()
except $caught:
    session.scalars(select(Tag)).all()"
done
# create_all() creates what is not there yet.
cat > parts.py << 'END'
from sqlalchemy import ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
class Base(DeclarativeBase):
    pass
class Whole(Base):
    __tablename__ = "wholes"
    id: Mapped[int] = mapped_column(primary_key=True)
class Part(Base):
    __tablename__ = "parts"
    id: Mapped[int] = mapped_column(primary_key=True)
    whole_id: Mapped[int] = mapped_column(ForeignKey("wholes.id"), index=True)
engine = create_engine("sqlite:///parts.db")
def whole():
    Base.metadata.create_all(engine, tables=[Whole.__table__])
def everything():
    Base.metadata.create_all(engine)
def unchecked():
    Base.metadata.create_all(engine, checkfirst=False)
END
expect 0 'CREATE TABLE wholes' run parts.py --call 'whole()' --database sqlite:///parts.db
expect 0 'CREATE INDEX ix_parts_whole_id' run parts.py --call 'everything()' --database sqlite:///parts.db
expect 0 'PRAGMA main.table_info."parts"' run parts.py --call 'everything()' --database sqlite:///parts.db
! grep -q CREATE out || { echo 'create_all() a second time:'; cat out; failed=1; }
expect 3 'already exists' run parts.py --call 'unchecked()' --database sqlite:///parts.db

exit $failed
