#!/usr/bin/env python3
"""Hold SQLite's templates for dates, times and durations against Django's registered functions.

    /path/to/python tests/oracle/sqlite_datetime.py      (a Python with Django)

Reads backends/sqlite/functions.def, fills each template with random moments and compares the value that plain SQLite
computes with what Django's own function gives in the same connection. Exit status 1 on any difference.
"""
import datetime, pathlib, random, re, sys

import django
from django.conf import settings

settings.configure(DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, USE_TZ=True)
django.setup()
from django.db import connection

ROOT = pathlib.Path(__file__).resolve().parents[2]


def templates():
    text = (ROOT / "backends/sqlite/functions.def").read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    found = {}
    for name, body in re.findall(r'T\((\w+),\s*((?:"(?:[^"\\]|\\.)*"\s*)+)\)', text):
        found[name] = "".join(re.findall(r'"((?:[^"\\]|\\.)*)"', body)).replace("\\\\", "\\").lstrip("@")
    return found


def moments(count):
    rng = random.Random(20)
    first, span = datetime.datetime(2, 1, 1), datetime.datetime(9990, 1, 1) - datetime.datetime(2, 1, 1)
    fixed = ["2015-12-31 23:59:59.999999", "2016-02-29 00:00:00", "1969-12-31 23:59:59.000001", "2021-01-03 10:20:30",
             "2020-12-31 23:59:59.999500", "1900-03-01 12:00:00.5", "0002-01-01 00:00:00", "2000-01-30 23:59:59.999999"]
    yield from map(datetime.datetime.fromisoformat, (t if len(t) != 21 else t + "00000" for t in fixed))
    for _ in range(count):
        moment = first + rng.random() * span if rng.random() < 0.5 else datetime.datetime(
            rng.randint(1960, 2040), rng.choice([1, 12, rng.randint(1, 12)]), rng.randint(1, 28))
        yield moment.replace(microsecond=rng.choice([0, 1, 999999, 999500, 500000, rng.randint(0, 999999)]))


def durations(rng):
    return rng.choice([0, 1, -1, 86400000000, -86400000000, 999999, -999999, rng.randint(-10**15, 10**15),
                       rng.randint(-10**9, 10**9)])


UNITS = ["year", "iso_year", "quarter", "month", "day", "week", "week_day", "iso_week_day", "hour", "minute", "second"]
TRUNCATIONS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]


def cases(known):
    """(name, our SQL with ?s, parameters, Django's SQL, its parameters)"""
    rng = random.Random(7)
    fill = lambda name, *args: re.sub(r"\{(\d)\}", lambda m: "?%d" % (int(m[1]) + 1), known[name])
    for moment in moments(3000):
        text, day, clock = str(moment), str(moment.date()), str(moment.time())
        for unit in UNITS:
            name = "EXTRACT_" + unit.upper()
            yield name, fill(name), [text], "django_datetime_extract(?, ?, 'UTC', 'UTC')", [unit, text]
            if unit not in ("hour", "minute", "second"):
                yield name, fill(name), [day], "django_date_extract(?, ?)", [unit, day]
            else:
                name = "TIME_" + unit.upper()
                yield name, fill(name), [clock], "django_time_extract(?, ?)", [unit, clock]
        for unit in TRUNCATIONS:
            name = "DATETIME_TRUNC_" + unit.upper()
            yield name, fill(name), [text], "django_datetime_trunc(?, ?, 'UTC', 'UTC')", [unit, text]
            if unit in ("hour", "minute", "second"):
                name = "TIME_TRUNC_" + unit.upper()
                yield name, fill(name), [clock], "django_time_trunc(?, ?, NULL, NULL)", [unit, clock]
            else:
                name = "DATE_TRUNC_" + unit.upper()
                yield name, fill(name), [day], "django_date_trunc(?, ?, NULL, NULL)", [unit, day]
                yield name, fill(name), [text], "django_date_trunc(?, ?, 'UTC', 'UTC')", [unit, text]
        yield "CAST_DATE", fill("CAST_DATE"), [text], "django_datetime_cast_date(?, 'UTC', 'UTC')", [text]
        yield "CAST_TIME", fill("CAST_TIME"), [text], "django_datetime_cast_time(?, 'UTC', 'UTC')", [text]
        other = next(moments(0)) + datetime.timedelta(microseconds=durations(rng))
        for name, a, b, call in (("DATETIME_DIFF", text, str(other), "timestamp"), ("DATE_DIFF", day, str(other.date()), "timestamp"),
                                 ("TIME_DIFF", clock, str(other.time()), "time")):
            yield name, fill(name), [a, b], f"django_{call}_diff(?, ?)", [a, b]
        span = durations(rng)
        for name, sign, value in (("DATETIME_PLUS", "+", text), ("DATETIME_MINUS", "-", text), ("DATE_PLUS", "+", day), ("DATE_MINUS", "-", day)):
            try:
                delta = datetime.timedelta(microseconds=span)
                moment + delta, moment - delta
            except OverflowError:
                continue
            yield name, fill(name), [value, span], "django_format_dtdelta(?, ?, ?)", [sign, value, span]
    for name in known:
        if re.match(r"(EXTRACT|TIME|DATE|DATETIME|CAST)_", name) and not known[name].startswith("!"):
            yield name, fill(name), [None, None][: 1 + ("{1}" in known[name])], "NULL", []


def main():
    known, wrong, total = templates(), {}, 0
    connection.ensure_connection()
    cursor = connection.connection
    for name, ours, values, theirs, expected in cases(known):
        total += 1
        used = max([int(n) for n in re.findall(r"\?(\d)", ours)], default=0)
        mine = cursor.execute(f"SELECT {ours}", values[:used]).fetchone()[0]
        want = cursor.execute(f"SELECT {theirs}", expected).fetchone()[0]
        if mine != want and not (name == "CAST_TIME" and str(mine).rstrip("0") == str(want).rstrip("0")):
            wrong.setdefault(name, []).append((values, mine, want))
    for name, found in wrong.items():
        print(f"{name}: {len(found)} differ, e.g. {found[0][0]}: {found[0][1]!r}, Django {found[0][2]!r}")
    print(f"{total} values, {sum(map(len, wrong.values()))} differ")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
