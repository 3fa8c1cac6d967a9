"""`ormc run` and `ormc verify` on live databases: rightful differences, all golden cases, scratch places, plans, the
progress line on a terminal, timeouts, and signals.

    python3 tests/live/live.py BUILD [TEST…]

Reads ORMC_TEST_SERVERS, ORMC_TEST_POSTGRESQL and ORMC_TEST_MARIADB, as tests/servers/servers.sh prints them.
"""

import glob
import json
import os
import pty
import select
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ORMC = str(Path(sys.argv[1]).resolve() / "ormc")
SERVERS = os.environ["ORMC_TEST_SERVERS"]
POSTGRESQL = os.environ["ORMC_TEST_POSTGRESQL"]
MARIADB = os.environ["ORMC_TEST_MARIADB"]
ALL = ["--database", "sqlite://", "--database", POSTGRESQL, "--database", MARIADB]

MODELS = """from django.db import models


class Author(models.Model):
    name = models.CharField(max_length=50)

    class Meta:
        app_label = "shelf"
"""
DATA = "INSERT INTO \"shelf_author\" (\"id\", \"name\") VALUES (1, 'ann; or not'), (2, 'bob');\n"
SLEEP = {  # half a minute, in SQLAlchemy's words
    "sqlite:////{folder}/sleep.db": "text('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE "
    "i < 3000000000) SELECT max(i) FROM n')",
    POSTGRESQL: "select(func.pg_sleep(30))",
    MARIADB: "select(func.sleep(30))",
}


def ormc(*arguments, status=0):
    done = subprocess.run([ORMC, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=600)
    assert done.returncode == status, f"{arguments}: status {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout if status == 0 else done.stdout + done.stderr


def interrupted(arguments, number=signal.SIGINT, after=1.0):
    """Runs ormc and signals it; its status, what it printed, and how long it took to end."""
    # a job in the background is started with SIGINT ignored, which ormc would keep to
    process = subprocess.Popen([ORMC, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               preexec_fn=lambda: signal.signal(number, signal.SIG_DFL))
    time.sleep(after)
    assert process.poll() is None, process.communicate()[0]
    start = time.monotonic()
    process.send_signal(number)
    try:
        output = process.communicate(timeout=30)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{arguments}: still there half a minute after signal {number}: "
                             f"{process.communicate()[0]}") from None
    return process.returncode, output, time.monotonic() - start


def psql(sql):
    return subprocess.run(["psql", "-XAtq", "-h", f"{SERVERS}/postgresql", "-U", "ormc", "-d", "ormc", "-c", sql],
                          check=True, capture_output=True, text=True).stdout.strip()


def mariadb(sql):
    return subprocess.run(["mariadb", "--no-defaults", "-N", f"--socket={SERVERS}/mariadb/socket", "-u", "ormc", "ormc",
                           "-e", sql], check=True, capture_output=True, text=True).stdout.strip()


def nothing_is_left():
    assert psql("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'ormc\\_scratch%'") == ""
    assert mariadb("SHOW DATABASES LIKE 'ormc\\_scratch%'") == ""


def test_rightful_differences(folder):
    """Each case of reasons.md is headed by the reason that it must be given."""
    path = str(HERE / "reasons.md")
    found = json.loads(ormc("verify", "--format", "json", path, *ALL))
    assert found["differences"] == [], found["differences"]
    assert found["databases"] == ["sqlite", "postgresql", "mariadb"]
    lines = Path(path).read_text().splitlines()
    named = {}
    for entry in found["legitimate"]:
        heading = next(line for line in reversed(lines[:entry["line"]]) if line.startswith("## "))
        named.setdefault(heading, set()).update(entry["reasons"])
    headings = [line for line in lines if line.startswith("## ")]
    for heading in headings:
        reason = heading[3:].split(":")[0]
        assert reason in named.get(heading, {"none"}), f"{heading}: {named.get(heading)}"


def test_all_golden_cases(folder):
    """They agree on the three databases, or the difference has a name."""
    files = sorted(path for path in glob.glob(str(ROOT / "tests/golden/*/*.md")) if not path.endswith("README.md"))
    cases = sum(Path(path).read_text().splitlines().count("```python") for path in files)
    found = json.loads(ormc("verify", "--format", "json", *files, *ALL))
    assert found["differences"] == [], json.dumps(found["differences"], indent=1)
    assert found["compared"] > cases
    reasons = Counter(reason for entry in found["legitimate"] for reason in entry["reasons"])
    print(f"        {cases} cases, {found['compared']} results compared, none differs; " +
          ", ".join(f"{name} {count}" for name, count in reasons.most_common()))
    nothing_is_left()


def test_a_difference_is_shown(folder):
    """On the tables that are there: side by side, status 1."""
    for name, rows in (("one", [(1, "ann"), (2, "bob")]), ("two", [(1, "ann"), (2, "rob"), (3, "cid")])):
        with sqlite3.connect(f"{folder}/{name}.db") as connection:
            connection.execute("CREATE TABLE shelf_author (id integer PRIMARY KEY, name varchar(50))")
            connection.executemany("INSERT INTO shelf_author VALUES (?, ?)", rows)
        connection.close()
    arguments = ["verify", "-m", f"shelf={folder}/models.py", "-e", "Author.objects.order_by('id')",
                 "--database", f"sqlite:///{folder}/one.db", "--database", f"sqlite:///{folder}/two.db"]
    shown = ormc(*arguments, status=1).splitlines()
    assert "sqlite 2 differs from sqlite" in shown[0], shown
    assert [line for line in shown if line.split() == ["2", "|", "bob", "|", "2", "|", "rob"]], shown
    assert [line for line in shown if line.split() == [">", "3", "|", "cid"]], shown
    assert shown[-1] == "1 compared, 1 differ", shown
    found = json.loads(ormc(*arguments, "--format", "json", status=1))
    assert len(found["differences"]) == 1 and found["compared"] == 1
    rows = [statement["rows"] for statement in found["differences"][0]["statements"]]
    assert rows == [[[1, "ann"], [2, "bob"]], [[1, "ann"], [2, "rob"], [3, "cid"]]], rows


def test_scratch_places(folder):
    """Tables from the models, data from SQL and from a program; keys go on behind the data; all is dropped."""
    Path(folder, "more.py").write_text("from shelf.models import Author\nAuthor.objects.create(name='cid')\n")
    program = "Author.objects.create(name='dan')\nprint(list(Author.objects.order_by('id').values_list('id', 'name')))"
    found = json.loads(ormc("verify", "-m", f"shelf={folder}/models.py", "--data", f"{folder}/data.sql", "--data",
                            f"{folder}/more.py", "-e", program, "--format", "json", *ALL))
    assert found["differences"] == [], found
    assert found["compared"] >= 4, found
    nothing_is_left()
    Path(folder, "broken.sql").write_text(DATA + "INSERT INTO nowhere VALUES (1);")
    shown = ormc("verify", "-m", f"shelf={folder}/models.py", "--data", f"{folder}/broken.sql", "-e",
                 "Author.objects.count()", "--database", POSTGRESQL, "--database", MARIADB, status=3)
    assert "nowhere" in shown, shown
    nothing_is_left()


def test_interrupted_verify(folder):
    """What was made is dropped all the same."""
    sleep = "from django.db.models import Func\nAuthor.objects.count()\n" \
            "list(Author.objects.annotate(x=Func(Value(30), function='{}')).values_list('x'))"
    for function, url in (("pg_sleep", POSTGRESQL), ("sleep", MARIADB)):
        for number in (signal.SIGINT, signal.SIGTERM):
            status, output, took = interrupted(["verify", "-m", f"shelf={folder}/models.py", "--data",
                                                f"{folder}/data.sql", "-e", sleep.format(function), "--database", url,
                                                "--database", url], number, after=1.5)
            assert status == 128 + number and took < 5, (status, took, output)
            nothing_is_left()


def test_interrupted_run(folder):
    """The statement is cancelled, the transaction rolled back."""
    program = "from sqlalchemy import *\nfrom sqlalchemy.orm import *\nclass Base(DeclarativeBase): pass\n" \
              "class Item(Base):\n    __tablename__ = 'ormc_live'\n" \
              "    id: Mapped[int] = mapped_column(primary_key=True)\n" \
              "engine = create_engine('{}')\nwith Session(engine) as session:\n" \
              "    session.add(Item(id=1))\n    session.flush()\n    session.execute({})\n    session.commit()\n"
    psql("DROP TABLE IF EXISTS ormc_live; CREATE TABLE ormc_live (id integer PRIMARY KEY)")
    mariadb("DROP TABLE IF EXISTS ormc_live; CREATE TABLE ormc_live (id integer PRIMARY KEY)")
    connection = sqlite3.connect(f"{folder}/sleep.db")
    connection.execute("CREATE TABLE ormc_live (id integer PRIMARY KEY)")
    connection.close()
    for url, sleep in SLEEP.items():
        url = url.format(folder=folder.lstrip("/"))
        Path(folder, "sleeps.py").write_text(program.format(url, sleep))
        status, output, took = interrupted(["run", f"{folder}/sleeps.py", "--database", url])
        assert status == 130 and took < 5, (url, status, took, output)
    connection = sqlite3.connect(f"{folder}/sleep.db")
    counts = [psql("SELECT count(*) FROM ormc_live"), mariadb("SELECT count(*) FROM ormc_live"),
              str(connection.execute("SELECT count(*) FROM ormc_live").fetchone()[0])]
    connection.close()
    assert counts == ["0", "0", "0"], counts
    assert psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg\\_sleep%' AND state = 'active' AND "
                "pid <> pg_backend_pid()") == "0"
    psql("DROP TABLE ormc_live")
    mariadb("DROP TABLE ormc_live")


def test_timeout(folder):
    for url, sleep in SLEEP.items():
        start = time.monotonic()
        shown = ormc("run", "--timeout", "1", "-e", sleep, "--database", url.format(folder=folder.lstrip("/")),
                     status=3)
        assert "longer than its timeout" in shown and time.monotonic() - start < 6, shown


def on_a_terminal(arguments, environment=None):
    """What ormc writes where standard error is a terminal, and standard output is not."""
    parent, child = pty.openpty()
    process = subprocess.Popen([ORMC, *arguments], stdout=subprocess.PIPE, stderr=child, stdin=subprocess.DEVNULL,
                               env={**os.environ, "TERM": "xterm", **(environment or {})})
    os.close(child)
    seen = b""
    while True:
        ready = select.select([parent], [], [], 20)[0]
        try:
            more = os.read(parent, 4096) if ready else b""
        except OSError:
            more = b""
        if not more:
            break
        seen += more
    output = process.communicate(timeout=20)[0]
    os.close(parent)
    assert process.returncode == 0, seen
    return seen.decode(), output.decode()


def test_progress_line(folder):
    """After a second, redrawn, and gone at the end; only on a terminal, and not in the output."""
    long_work = ["run", "-e", "select(func.pg_sleep(2.5))", "--database", POSTGRESQL]
    seen, output = on_a_terminal(long_work)
    assert "1 s · 1 statement, 0 rows · SELECT pg_sleep($1)" in seen, repr(seen)
    assert "2 s · " in seen and seen.endswith("\r\x1b[K"), repr(seen)
    assert "statement," not in output and "(1 row)" in output, output
    assert max(len(line) for line in seen.replace("\x1b[K", "").split("\r")) < 80, repr(seen)
    assert on_a_terminal(["run", "-e", "select(func.pg_sleep(0.1))", "--database", POSTGRESQL])[0] == ""
    assert on_a_terminal(long_work, {"TERM": "dumb"})[0] == ""
    done = subprocess.run([ORMC, *long_work], capture_output=True, text=True)
    assert done.stderr == "", done.stderr
    seen, output = on_a_terminal(["verify", "-e", "select(func.pg_sleep(1.5))", "--database", POSTGRESQL, "--database",
                                  POSTGRESQL])
    assert "postgresql 2: SELECT pg_sleep" in seen, repr(seen)


def test_types_of_extensions(folder):
    """What a program reads of an hstore is a dict, of a citext[] a list; the JSON has an object and an array."""
    Path(folder, "boxes.py").write_text("from django.contrib.postgres.fields import ArrayField, HStoreField\n"
                                        "from django.db import models\nclass Box(models.Model):\n    data = HStoreField()\n"
                                        "    tags = ArrayField(models.CharField(max_length=9))\n")
    psql("CREATE EXTENSION IF NOT EXISTS hstore; CREATE EXTENSION IF NOT EXISTS citext; DROP TABLE IF EXISTS live_box; "
         "CREATE TABLE live_box (id serial PRIMARY KEY, data hstore, tags citext[])")
    program = "Box.objects.create(data={'a': '1', 'b': None}, tags=['x', 'Y'])\nbox = Box.objects.get()\n" \
              "print(box.data['a'], box.data['b'], box.tags[1])\nBox.objects.values_list('data', 'tags')"
    arguments = ["run", "-m", f"live={folder}/boxes.py", "-e", program, "--database", POSTGRESQL]
    assert ormc(*arguments).startswith("1 None Y\n")
    psql("DELETE FROM live_box")
    results = json.loads(ormc(*arguments, "--format", "json"))["results"]
    statements = [statement for result in results for statement in result["statements"]]
    assert statements[-1]["rows"] == [[{"a": "1", "b": None}, ["x", "Y"]]], statements
    inserted = [statement["params"] for statement in statements if statement["sql"].startswith("INSERT")][0]
    assert inserted[0] == {"value": {"a": "1", "b": None}, "type": "unknown"}, inserted
    psql("DROP TABLE live_box")


def test_plans(folder):
    """Of each statement, from each database."""
    arguments = ["verify", "-m", f"shelf={folder}/models.py", "--data", f"{folder}/data.sql", "--explain", "-e",
                 "Author.objects.filter(name='bob').order_by('id')", *ALL]
    found = json.loads(ormc(*arguments, "--format", "json"))
    plans = {plan["database"]: str(plan["rows"]) for plan in found["plans"]}
    assert "shelf_author" in plans["sqlite"] and "Scan" in plans["postgresql"] and "PRIMARY" in plans["mariadb"], plans
    shown = ormc(*arguments)
    assert [shown.index(f"-- {name}: SELECT") for name in ("sqlite", "postgresql", "mariadb")], shown
    for url in ("sqlite://", POSTGRESQL, MARIADB):
        found = json.loads(ormc("run", "--explain", "--format", "json", "-e", "select(literal(1))", "--database", url))
        assert found["results"][0]["statements"][0]["plan"]["rows"], found


def main():
    wanted = sys.argv[2:]
    tests = [test for name, test in globals().items() if name.startswith("test_") and (not wanted or name in wanted)]
    failed = 0
    for test in tests:
        start = time.monotonic()
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "models.py").write_text(MODELS)
            Path(folder, "data.sql").write_text(DATA)
            try:
                test(folder)
                print(f"ok      {test.__name__} {time.monotonic() - start:.1f} s")
            except AssertionError as error:
                failed += 1
                print(f"FAILED  {test.__name__}: {error}")
    sys.exit(1 if failed else 0)


main()
