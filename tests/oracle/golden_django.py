#!/usr/bin/env python3
"""golden_django.py FILE.md: asks Django itself for what golden files say.

Runs each case of the files on SQLite with Django's own models and compares the statements with the `sql sqlite` block,
the number of rows with the `rows` block and the message of an exception with the `diagnostics` block; on PostgreSQL and MySQL, where no server is asked, Django's compiler gives the
text. Needs Django 5.2 (python3 -m venv …; pip install django==5.2.* psycopg2-binary mysqlclient).
"""
import contextlib
import os
import re
import sys
import tempfile

import django
from django.apps import apps
from django.conf import settings
from django.db import OperationalError, connections

FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.M)


def squeeze(text):
    """Without what says nothing: white space, and the order of a list that Django takes from a set."""
    text = re.sub(r"(?<=\() | (?=\))", "", re.sub(r"\s+", " ", text)).strip().rstrip(";")
    return re.sub(r"(?<= IN \()'\w+'(,'\w+')+(?=\))", lambda m: ",".join(sorted(m[0].split(","))), text)


def uncast(text):
    """Without the type that may follow a placeholder, where Django's driver writes a literal of that type."""
    return squeeze(re.sub(r"(\$\d+)::(timestamp with time zone|\w+)(\(\d+(, \d+)?\))?(\[\])*", r"\1", text))


def numbered(sql, params):
    """The statement with PostgreSQL's parameters; psycopg sends a JSON value with its type behind it."""
    each = iter(enumerate(params, 1))

    def one(_):
        number, value = next(each)
        return f"${number}::jsonb" if type(value).__name__ == "Jsonb" else f"${number}"

    return re.sub("%s", one, sql).replace("%%", "%")


def setup(label, models):
    """An installed app of that label with these models."""
    place = tempfile.mkdtemp()
    os.mkdir(f"{place}/{label}")
    open(f"{place}/{label}/__init__.py", "w").close()
    with open(f"{place}/{label}/models.py", "w") as file:
        file.write(models)
    sys.path.insert(0, place)
    settings.configure(
        DATABASES={
            "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
            "postgresql": {"ENGINE": "django.db.backends.postgresql", "NAME": "x"},
        },
        INSTALLED_APPS=["django.contrib.contenttypes", label] + ["django.contrib.postgres"] * ("contrib.postgres" in models),
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    with connections["default"].schema_editor() as editor:
        for name in ("contenttypes", label):
            for model in apps.get_app_config(name).get_models():
                with contextlib.suppress(OperationalError):  # columns that SQLite has no type for
                    editor.create_model(model)


def main(path):
    blocks = [(m[1].strip(), m[2]) for m in FENCE.finditer(open(path).read())]
    label, models = next((info.split()[2], text) for info, text in blocks if info.startswith("python models "))
    setup(label, models)
    names, wrong, cases, sent = {}, 0, 0, []
    exec("from django.db.models import *\nfrom django.db.models.functions import *\nfrom django.db.models.lookups import *\nfrom datetime import *\n"
         f"from {label}.models import *", names)
    connection = connections["default"]

    def spy(execute, sql, params, many, context):
        sent.append((squeeze(sql.replace("%s", "?").replace("%%", "%")), list(params or ())))
        return execute(sql, params, many, context)

    got = value = refusal = None
    for info, text in blocks:
        words = info.split()
        if words[:2] == ["sql", "data"]:
            connection.connection.executescript(text)
        elif words == ["python"]:
            sent.clear()
            cases += 1
            apps.get_model("contenttypes", "ContentType").objects.clear_cache()
            value = None
            with connection.execute_wrapper(spy):
                try:
                    value = eval(text.strip(), names)
                    got = [1] * value if isinstance(value, bool) else list(value) if hasattr(value, "__iter__") and not isinstance(value, (dict, str)) else [value]
                    refusal = None
                except Exception as error:
                    refusal, got = str(error), []
        elif words[0] == "sql" and ("sqlite" in words or "all" in words):
            # Django commits through the connection: its spy never sees that statement
            want = [s for s in map(squeeze, text.split(";\n")) if s and s != "COMMIT"]
            have = [s for s, _ in sent]
            if want != have:
                wrong += 1
                print(f"{path}: golden {want}\n{' ' * len(path)}  Django {have}")
        elif words[0] == "sql" and "postgresql" in words and hasattr(value, "query"):
            # a content type's look-up and what the rows need besides are queries of their own
            text = uncast(next(s for s in text.split(";\n") if '."app_label" = $1' not in s))
            have = uncast(numbered(*value.query.get_compiler(connection=connections["postgresql"]).as_sql()))
            if text != have:
                print(f"{path}: golden {text}\n{' ' * len(path)}  Django {have}")
                wrong += 1
        elif words == ["diagnostics"]:
            message = text.split("]: ", 1)[1].split("\n")[0] if "]: " in text else None
            if message != refusal:
                wrong += 1
                print(f"{path}: golden {message}\n{' ' * len(path)}  Django {refusal}")
        elif words == ["rows"]:
            count = re.search(r"\((\d+) rows?\)", text)
            if int(count[1]) != len(got):
                wrong += 1
                print(f"{path}: {count[1]} rows, Django {len(got)}")
    print(f"{path}: {cases} cases, {wrong} differ")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
