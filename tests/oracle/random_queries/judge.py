"""What Django sends for an expression, on three databases and without a server: the text and the parameters reach a cursor
that only writes them down.

A process of its own for each app (a registry holds one set of apps): lines of JSON in, {"expr"} (or {"make", "seed"} for so many
random ones); lines of JSON out, {dialect: {"statements": [[sql, params]]} | {"error", "message"}}.

    python judge.py LABEL PATH [NAME=VALUE …]     PATH: a models file, or the folder of an app; VALUE: a setting's, in Python
"""
import ast, datetime, decimal, json, os, re, shutil, sys, tempfile, uuid, warnings

DIALECTS = {"postgresql": "postgresql", "sqlite": "sqlite3", "mariadb": "mysql"}
# what decides a refusal's code, as the contract names it
CODES = (("ObjectDoesNotExist", "does-not-exist"), ("FieldError", "field-error"), ("FieldDoesNotExist", "field-error"), ("ValidationError", "value-error"),
         ("NotImplementedError", "not-supported"), ("RecursionError", "value-error"), ("OverflowError", "value-error"), ("KeyError", "value-error"), ("AttributeError", "type-error"),
         ("TypeError", "type-error"), ("DatabaseError", "not-supported"), ("ValueError", "value-error"))
JSON_TYPES = re.compile(r"\('(?:null|false|true)', ?'(?:null|false|true)', ?'(?:null|false|true)'\)")

# how the driver writes a parameter's type, and how Django does, is not compared
CAST = re.compile(r"\?::\w+(?:\(\d+(?:, ?\d+)?\))?(?:\[\])*")


def fold(sql):
    """A statement without white space that says nothing, and one order for a list that Django takes from a set."""
    sql = JSON_TYPES.sub("('false','null','true')", sql)
    parts = re.split(r"""('(?:[^']|'')*')""", sql)
    parts[::2] = [re.sub(r"\( ", "(", re.sub(r" \)", ")", re.sub(r"\s+", " ", CAST.sub("?", part)))) for part in parts[::2]]
    return "".join(parts).strip()


def plain(value):
    """One spelling for a parameter of either side."""
    if hasattr(value, "upper_inc"):
        ends = ["" if end is None else '"%s"' % end.isoformat(" ") if isinstance(end, datetime.datetime) else str(end) for end in (value.lower, value.upper)]
        value = "empty" if value.isempty else value._bounds[0] + ",".join(ends) + value._bounds[1]
    if isinstance(getattr(value, "adapted", None), (bytes, memoryview)):
        value = value.adapted
    if hasattr(value, "adapted"):
        value = value.dumps(value.adapted) if hasattr(value, "dumps") else json.dumps(value.adapted)
    if isinstance(value, datetime.timedelta):
        value = value // datetime.timedelta(microseconds=1)
    if isinstance(value, bool):
        value = int(value)
    if value is None:
        return "NULL"
    if isinstance(value, (bytes, memoryview)):
        return "hex:" + bytes(value).hex()
    if isinstance(value, str) and value[:1] in "[{":
        try:
            value = json.loads(value)
        except ValueError:
            pass
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {plain(v)}" for k, v in sorted(value.items())) + "}"
    text = value.isoformat(" ") if isinstance(value, datetime.datetime) else repr(value) if isinstance(value, float) else str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?", text):
        number = decimal.Decimal(text)
        whole = number.to_integral_value()
        return str(int(whole)) if abs(number - whole) <= abs(number) * decimal.Decimal("1e-12") else "%.9g" % number
    text = re.sub(r"^(\d{4}-\d\d-\d\d)T", r"\1 ", text)
    return re.sub(r"(\d\d:\d\d:\d\d\.\d*?)0+$", r"\1", text).rstrip(".") if re.search(r"\d\d:\d\d:\d\d\.\d+$", text) else text


SENT = []


class Cursor:
    """Takes statements and gives no rows, save for the content types and new keys that Django needs to go on."""
    description, rowcount, lastrowid, arraysize = None, 0, None, 1

    def __init__(self, empty):
        self.rows, self.empty = [], empty

    def execute(self, sql, params=None):
        sql = str(sql)
        SENT.append((sql.replace("%s", "\0").replace("%%", "%").replace("\0", "?"), list(params or ())))
        self.rows = []
        if re.search(r"FROM .django_content_type. WHERE", sql) and params and len(params) == 2:
            self.rows = [(len(SENT) + 10, *params)]
        if " RETURNING " in sql:
            count = len(params[0]) if "UNNEST" in sql else sql.count("), (") + 1
            self.rows = [(len(SENT) + 10,) * (sql.split(" RETURNING ")[1].count(",") + 1)] * count

    def mogrify(self, sql, params):
        import psycopg2.extensions
        texts = [psycopg2.extensions.adapt(p).getquoted().decode() for p in params]
        return (sql % tuple(texts)).encode()

    def fetchmany(self, size=1):
        rows, self.rows = self.rows, []
        return rows or self.empty

    fetchall = fetchmany

    def fetchone(self):
        return self.rows.pop(0) if self.rows else None

    def close(self):
        pass

    def __iter__(self):
        return iter(self.fetchmany())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def prepare(label, path, *given):
    """Settings, the app, and one silent connection a dialect."""
    import django
    from django.conf import settings
    if os.path.isdir(path):
        sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    else:
        place = tempfile.mkdtemp()
        os.mkdir(f"{place}/{label}")
        open(f"{place}/{label}/__init__.py", "w").close()
        shutil.copy(path, f"{place}/{label}/models.py")
        sys.path.insert(0, place)
    contrib = ["contenttypes", "auth", "sites", "sessions", "messages", "admin", "staticfiles"]
    own = {"USE_TZ": False, "TIME_ZONE": "America/Chicago", "DEFAULT_AUTO_FIELD": "django.db.models.AutoField"}
    for name, value in (setting.split("=", 1) for setting in given):
        try:
            own[name] = ast.literal_eval(value)
        except (SyntaxError, ValueError):
            own[name] = value
    settings.configure(
        **own, SILENCED_SYSTEM_CHECKS=["fields.W342", "fields.W903"],
        INSTALLED_APPS=["django.contrib." + name for name in contrib] + (["django.contrib.postgres"] if label == "postgres_tests" else []) + [label],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}, **{name: {"ENGINE": f"django.db.backends.{engine}", "NAME": "x"} for name, engine in DIALECTS.items()}})
    warnings.simplefilter("ignore")
    django.setup()
    from django.db import connections
    out = {}
    for name, engine in DIALECTS.items():
        if label == "postgres_tests" and name != "postgresql":
            continue
        connection = out[name] = connections[name]
        connection.alias = "default"
        connection.in_atomic_block = True
        connection.features.supports_json_field = True
        for method in ("cursor", "chunked_cursor"):
            setattr(connection, method, lambda *a, empty=connection.features.empty_fetchmany_value, **k: Cursor(empty))
        connection.ensure_connection = connection.connect = lambda: None
        if name == "mariadb":
            connection.__dict__["mysql_server_data"] = {"version": "10.11.6-MariaDB", "sql_mode": "STRICT_TRANS_TABLES", "default_storage_engine": "InnoDB", "lower_case_table_names": 0,
                                                        "has_zoneinfo_database": True}
        if name == "postgresql":
            connection.__dict__["pg_version"] = 150006
    return out


def namespace(label):
    """The names that stand without import, the app's models winning."""
    from django.apps import apps
    names = {}
    exec("import datetime, zoneinfo, uuid\nfrom datetime import date, timedelta\nfrom decimal import Decimal\nfrom uuid import UUID\nfrom django.utils import timezone\n"
         "from django.db.models import *\nfrom django.db.models.functions import *\nfrom django.db.models.lookups import *\nfrom django.db.models.expressions import *\nfrom django.db.models.fields.json import *\nfrom django.db.models.fields.json import KT\n"
         "from django.contrib.auth.models import *\nfrom django.contrib.contenttypes.models import *\nfrom django.contrib.contenttypes.prefetch import GenericPrefetch", names)
    if label == "postgres_tests":
        exec("from django.contrib.postgres.fields import *\nfrom django.contrib.postgres.aggregates import *\nfrom django.contrib.postgres.functions import *\nfrom django.contrib.postgres.search import *\n"
             "from django.contrib.postgres.expressions import *\nfrom psycopg2.extras import NumericRange, DateRange, DateTimeRange, DateTimeTZRange", names)
    names.update((model.__name__, model) for model in apps.get_app_config(label).get_models(include_auto_created=True))
    return names


def ask(text, names, connection):
    """Run the statements and evaluate the expression behind them as a program would, iterating what it leaves unexecuted."""
    from django.contrib.contenttypes.models import ContentType
    from django.db import connections
    from django.db.models import Manager, QuerySet
    connections["default"] = connection
    ContentType.objects.clear_cache()
    SENT.clear()
    try:
        *before, last = ast.parse(text).body
        scope = dict(names)
        exec(compile(ast.Module(before, []), "text", "exec"), scope)
        value = eval(compile(ast.Expression(last.value), "text", "eval"), scope)
        if isinstance(value, Manager):
            value = value.all()
        if isinstance(value, QuerySet):
            list(value)
    except Exception as error:
        classes = [c.__name__ for c in type(error).__mro__]
        if not (SENT and (isinstance(error, IndexError) or "ObjectDoesNotExist" in classes)):
            return {"error": next((code for name, code in CODES if name in classes), "other"), "message": f"{classes[0]}: {error}"[:300]}
    return {"statements": [[fold(sql), [plain(p) for p in params]] for sql, params in SENT]}


def main():
    connections = prepare(*sys.argv[1:])
    names = namespace(sys.argv[1])
    print(json.dumps({"ready": list(connections)}), flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        if "make" in asked:
            from maker import Maker
            maker = Maker(sys.argv[1], asked["seed"])
            print(json.dumps({"texts": [maker.query() for _ in range(asked["make"])]}), flush=True)
            continue
        text = asked["expr"]
        print(json.dumps({name: ask(text, names, connection) for name, connection in connections.items()}), flush=True)


if __name__ == "__main__":
    main()
