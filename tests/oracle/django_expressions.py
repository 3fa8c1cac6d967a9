#!/usr/bin/env python3
"""Random expressions and lookups: ormc's text and parameters against what Django itself compiles, on three databases.

    /path/to/python tests/oracle/django_expressions.py --ormc build/ormc [--count 2000] [--seed 1] [--show 10]

No server is asked: Django compiles without a connection. On SQLite statements on Django's registered functions are left
to tests/oracle/sqlite_datetime.py. Exit status 1 on any difference.
"""
import argparse, collections, datetime, decimal, json, pathlib, random, re, subprocess, sys, tempfile, uuid

import django
from django.conf import settings

SERVERS = {"sqlite": "sqlite3", "postgresql": "postgresql", "mariadb": "mysql"}
settings.configure(
    USE_TZ=False, TIME_ZONE="UTC", INSTALLED_APPS=["django.contrib.contenttypes"],
    DATABASES={name if name != "sqlite" else "default": {"ENGINE": f"django.db.backends.{engine}", "NAME": ":memory:"}
               for name, engine in SERVERS.items()})
django.setup()
from django.db import connections, models
from django.db.models import *
from django.db.models.functions import *
from django.db.models.fields.json import KT

MODELS = '''from django.db import models


class Thing(models.Model):
    i = models.IntegerField()
    j = models.IntegerField(null=True)
    f = models.FloatField()
    d = models.DecimalField(max_digits=10, decimal_places=3)
    c = models.CharField(max_length=20)
    e = models.CharField(max_length=20, null=True)
    t = models.TextField()
    dt = models.DateTimeField()
    du = models.DateTimeField(null=True)
    da = models.DateField()
    ti = models.TimeField()
    dr = models.DurationField()
    b = models.BooleanField()
    js = models.JSONField()
    u = models.UUIDField()

    class Meta:
        app_label = "things"
'''
exec(MODELS)


class Maker:
    """Expressions as source text, by the type they give."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def pick(self, *options):
        return self.rng.choice(options)

    def number(self, depth):
        if depth <= 0 or self.rng.random() < 0.25:
            return self.pick('F("i")', 'F("j")', 'F("i")', "Value(%d)" % self.rng.randint(-9, 99))
        one, two = self.number(depth - 1), self.number(depth - 1)
        return self.pick(
            lambda: f"({one} {self.pick('+', '-', '*', '/', '%')} {two})", lambda: f"Abs({one})", lambda: f"{one}.bitand({two})",
            lambda: f"{one}.bitxor({two})", lambda: f"{one}.bitleftshift(2)", lambda: f"{one}.bitrightshift({two})", lambda: f"Coalesce({one}, {two})",
            lambda: f"Greatest({one}, {two})", lambda: f"Least({one}, {two})", lambda: f"NullIf({one}, {two})", lambda: f"Length({self.text(depth - 1)})",
            lambda: f"Ord({self.text(depth - 1)})", lambda: f"StrIndex({self.text(depth - 1)}, {self.text(0)})", lambda: f"Mod({one}, {two})",
            lambda: f"Cast({self.text(depth - 1)}, IntegerField())", lambda: f"Case(When({self.condition(depth - 1)}, then={one}), default={two})",
            lambda: f"Extract{self.pick('Year', 'IsoYear', 'Quarter', 'Month', 'Day', 'Week', 'WeekDay', 'IsoWeekDay', 'Hour', 'Minute', 'Second')}({self.moment(depth - 1)})",
            lambda: f"Sign({one})", lambda: f"Ceil({one})", lambda: f"-{one}", lambda: f"Round({one})", lambda: f"Power({one}, {two})")()

    def real(self, depth):
        one = self.pick('F("f")', 'F("f")', 'F("d")')
        return self.pick(lambda: one, lambda: f"Sqrt({one})", lambda: f"Ln({one})", lambda: f"Round({one}, 2)", lambda: f"Log({one}, F('i'))", lambda: f"Mod({one}, F('i'))",
                         lambda: f"ATan2({one}, F('i'))", lambda: f"({one} * 2)", lambda: f"Cast({one}, {self.pick('FloatField()', 'IntegerField()', 'CharField()', 'DecimalField(max_digits=6, decimal_places=2)')})",
                         lambda: f"{self.pick('Cos', 'Exp', 'Degrees', 'Cot', 'Floor', 'Tan', 'Radians')}({one})", lambda: f"Coalesce({one}, Value(1.5), output_field=FloatField())")()

    def text(self, depth):
        if depth <= 0 or self.rng.random() < 0.25:
            return self.pick('F("c")', 'F("e")', 'Value("x%_y")', "Value(\"it's\")")
        one, two = self.text(depth - 1), self.text(depth - 1)
        return self.pick(
            lambda: f"Lower({one})", lambda: f"Upper({one})", lambda: f"Concat({one}, {two})", lambda: f"Concat({one}, {two}, {self.text(0)})", lambda: f"Left({one}, {self.rng.randint(1, 5)})",
            lambda: f"Right({one}, 2)", lambda: f"Substr({one}, 2, 3)", lambda: f"Substr({one}, 3)", lambda: f"LPad({one}, 9, {two})", lambda: f"RPad({one}, 4)", lambda: f"Trim({one})",
            lambda: f"LTrim({one})", lambda: f"Replace({one}, {two}, Value('z'))", lambda: f"Reverse({one})", lambda: f"Repeat({one}, 2)", lambda: f"MD5({one})", lambda: f"SHA256({one})",
            lambda: f"Coalesce({one}, {two})", lambda: f"Chr({self.number(0)})", lambda: f"Cast({self.number(depth - 1)}, CharField(max_length=9))",
            lambda: f"Concat({one}, F('i'), output_field=CharField())", lambda: f"Collate({one}, 'nocase')", lambda: f"NullIf({one}, {two})",
            lambda: f"Case(When({self.condition(depth - 1)}, then={one}), default={two})")()

    def moment(self, depth):
        if depth <= 0 or self.rng.random() < 0.4:
            return self.pick('F("dt")', 'F("du")')
        one = self.moment(depth - 1)
        return self.pick(lambda: f"Trunc({one}, '{self.pick('year', 'quarter', 'month', 'week', 'day', 'hour', 'minute', 'second')}')", lambda: f"Trunc{self.pick('Year', 'Month', 'Week', 'Hour')}({one})",
                         lambda: f"({one} + datetime.timedelta(hours={self.rng.randint(-5, 50)}))", lambda: f"({one} - F('dr'))", lambda: f"Coalesce({one}, {self.moment(0)})", lambda: f"Greatest({one}, {self.moment(0)})")()

    def other(self, depth):
        return self.pick(lambda: f"TruncDate({self.moment(depth - 1)})", lambda: f"TruncTime({self.moment(depth - 1)})", lambda: "TruncMonth('da')", lambda: "TruncHour('ti')", lambda: "F('dt') - F('du')",
                         lambda: "F('da') - F('da')", lambda: "F('ti') - F('ti')", lambda: "F('da') + datetime.timedelta(days=2)", lambda: "ExpressionWrapper(F('dr') * 2, output_field=DurationField())",
                         lambda: "ExpressionWrapper(F('dr') / 3, output_field=DurationField())", lambda: f"JSONObject(a={self.number(depth - 1)}, b={self.text(0)})", lambda: f"JSONArray({self.number(0)}, {self.text(depth - 1)})",
                         lambda: "F('js__a__b')", lambda: "KT('js__a')", lambda: f"Cast(F('{self.pick('dt', 'c', 'i')}'), {self.pick('DateField()', 'DateTimeField()', 'TimeField()', 'TextField()')})", lambda: "Now()",
                         lambda: f"ExpressionWrapper({self.condition(depth - 1)}, output_field=BooleanField())", lambda: f"Window({self.pick('Rank()', 'RowNumber()', 'Sum(F(%r))' % 'i', 'Lag(%r, 2, default=3)' % 'i', 'NthValue(%r, 2)' % 'i', 'Ntile(4)')}, partition_by=[{self.text(depth - 1)}], order_by={self.pick('F(%r).desc()' % 'i', repr('i'), repr('-j'))})")()

    def value(self, kind):
        return {"i": lambda: str(self.rng.randint(-3, 99)), "f": lambda: "1.5", "d": lambda: "Decimal('2.50')", "c": lambda: self.pick("'a%b_'", "''", "'x\\\\'", "\"q'\""),
                "dt": lambda: "datetime.datetime(2020, 2, 29, 12, 30)", "da": lambda: "datetime.date(2020, 2, 29)", "ti": lambda: "datetime.time(1, 2, 3)", "b": lambda: self.pick("True", "False")}[kind]()

    def condition(self, depth):
        def single():
            kind = self.pick("i", "f", "c", "c", "dt", "b", "da", "ti", "js")
            field = {"c": self.pick("c", "e", "t"), "i": self.pick("i", "j"), "dt": self.pick("dt", "du")}.get(kind, kind)
            if kind == "c":
                look = self.pick("exact", "iexact", "contains", "icontains", "startswith", "istartswith", "endswith", "iendswith", "regex", "iregex", "in", "isnull", "gt")
            elif kind == "js":
                return f"Q(js__{self.pick('a', 'a__b', '0', 'a__1__c')}{self.pick('=3', '=%r' % 'x', '__isnull=True', '__icontains=%r' % 'x', '=None', '__in=[1, %r]' % 'a', '__gt=2', '__startswith=%r' % 'q', '=[1]', '=True', '__has_key=%r' % 'k', '__isnull=False', '__regex=%r' % '^a', '__iexact=%r' % 'X')})"
            elif kind == "dt":
                look = self.pick("exact", "gt", "lte", "date", "year", "month__gte", "time__lt", "week_day", "hour__in", "range", "year__gt", "iso_year", "quarter", "date__year", "second")
                value = {"date": "datetime.date(2020, 1, 2)", "time__lt": "datetime.time(4, 5)", "hour__in": "[1, 2]", "range": "(datetime.datetime(2020, 1, 1), datetime.datetime(2021, 1, 1))"}.get(look)
                return f"Q({field}__{look}={value or (self.value('dt') if look in ('exact', 'gt', 'lte') else '2020')})"
            elif kind == "b":
                look = "exact"
            else:
                look = self.pick("exact", "gt", "gte", "lt", "lte", "in", "range", "isnull")
            value = f"[{self.value(kind)}, {self.value(kind)}]" if look == "in" else f"({self.value(kind)}, {self.value(kind)})" if look == "range" else "True" if look == "isnull" else self.value(kind)
            if look in ("exact", "contains", "istartswith", "iendswith", "gt") and kind in ("i", "c") and self.rng.random() < 0.3:
                value = self.text(depth - 1) if kind == "c" else self.number(depth - 1)
            return f"Q({field}__{look}={value})"
        if depth <= 0 or self.rng.random() < 0.5:
            return single()
        return self.pick(lambda: f"({self.condition(depth - 1)} & {self.condition(depth - 1)})", lambda: f"({self.condition(depth - 1)} | {self.condition(depth - 1)})",
                         lambda: f"(~{self.condition(depth - 1)})", lambda: f"({single()} ^ {single()})")()

    def query(self):
        depth = self.rng.randint(0, 3)
        return self.pick(
            lambda: f"Thing.objects.annotate(x={self.pick(self.number, self.text, self.moment, self.other, self.real)(depth)}).values_list('x')",
            lambda: f"Thing.objects.filter({self.condition(depth)}).values_list('pk')", lambda: f"Thing.objects.exclude({self.condition(depth)}).values_list('pk')",
            lambda: f"Thing.objects.order_by({self.pick(self.number, self.text, self.moment)(depth)}.{self.pick('asc()', 'desc(nulls_last=True)', 'asc(nulls_first=True)', 'desc()')}).values_list('pk')",
            lambda: f"Thing.objects.annotate(x={self.pick(self.number, self.moment)(depth)}).filter(x__gt={self.pick('3', 'F(%r)' % 'i')}).values_list('x', 'i')",
            lambda: f"Thing.objects.values('{self.pick('i', 'c')}').annotate(x={self.pick('Count', 'Sum', 'Max', 'Avg', 'StdDev')}({self.number(depth - 1)}{self.pick('', ', filter=' + self.condition(0))}))",
            lambda: f"Thing.objects.annotate(y={self.number(depth)}).values('y').annotate(n=Count('pk'), s=Sum({self.real(0)}, default=0.5)).order_by('y')")()


def prepare():
    for name in SERVERS:
        connection = connections["default" if name == "sqlite" else name]
        if name == "mariadb":
            connection.__dict__["mysql_server_data"] = {"version": "10.11.6-MariaDB", "sql_mode": "", "default_storage_engine": "InnoDB", "lower_case_table_names": 0, "has_zoneinfo_database": True}
        if name == "postgresql":
            connection.__dict__["pg_version"] = 150006


def plain(value):
    """One spelling for a parameter of either side."""
    if hasattr(value, "adapted"):
        value = json.dumps(value.adapted)
    if isinstance(value, datetime.timedelta):
        value = value // datetime.timedelta(microseconds=1)
    if isinstance(value, bool):
        value = int(value)
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain, value)) + "]"
    text = value.isoformat(" ") if isinstance(value, datetime.datetime) else str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?", text):
        text = str(decimal.Decimal(text).normalize())
    text = re.sub(r"(\d\d:\d\d:\d\d)\.0+$", r"\1", text)
    return re.sub(r"^(\d{4}-\d\d-\d\d)T", r"\1 ", text)


def fold(sql):
    sql = re.sub(r"\('(?:null|false|true)', ?'(?:null|false|true)', ?'(?:null|false|true)'\)", "('false','null','true')", sql)
    return re.sub(r"\( ", "(", re.sub(r" \)", ")", re.sub(r"\s+", " ", sql)))


def expected(text, server):
    try:
        query = eval(text)
        sql, params = query.using("default" if server == "sqlite" else server).query.get_compiler(using="default" if server == "sqlite" else server).as_sql()
    except django.core.exceptions.EmptyResultSet:
        return "", []
    except Exception as error:
        return error, None
    return fold(sql.replace("%s", "\0").replace("%%", "%").replace("\0", "?")), [plain(p) for p in params]


def given(answer):
    if not answer["ok"]:
        return answer["error"], None
    if not answer["statements"]:
        return "", []
    statement = answer["statements"][-1]
    numbers = [int(n) - 1 for n in re.findall(r"\$(\d+)", statement["sql"])]
    values = [plain(p.get("value")) for p in statement["params"]]
    if numbers:
        values = [values[n] for n in numbers]
    return fold(re.sub(r"\$\d+(::jsonb)?", "?", statement["sql"])), values


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    prepare()
    maker = Maker(options.seed)
    texts = [maker.query() for _ in range(options.count)]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "models.py")
        path.write_text(MODELS)
        for server in SERVERS:
            lines = "".join(json.dumps({"id": str(i), "expr": text}) + "\n" for i, text in enumerate(texts))
            run = subprocess.run([options.ormc, "batch", "-m", f"things={path}", "-d", server, "--setting", "USE_TZ=False"], input=lines, capture_output=True, text=True)
            answers = [json.loads(line) for line in run.stdout.splitlines()]
            counts = collections.Counter()
            for text, answer in zip(texts, answers):
                theirs, ours = expected(text, server), given(answer)
                if isinstance(theirs[0], Exception) or not isinstance(ours[0], str):
                    good = isinstance(theirs[0], Exception) and not isinstance(ours[0], str)
                else:
                    good = theirs == ours or server == "sqlite" and "django_" in theirs[0]
                counts["equal" if good else "different"] += 1
                if not good and counts["different"] <= options.show:
                    print(f"{server}: {text}\n   Django {theirs[0]!r} {theirs[1]}\n   ormc   {ours[0]!r} {ours[1]}")
            missing = len(texts) - len(answers)
            wrong += counts["different"] + missing
            print(f"{server}: {counts['equal']} of {len(texts)} equal, {missing} without an answer", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
