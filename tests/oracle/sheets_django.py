#!/usr/bin/env python3
"""The Django blocks of cheat sheets, run by Django itself and by ormc: the same statements in order, the same rows?

    sheets_django.py [--ormc build/ormc] [SHEET.txt…]

Each python block that speaks Django runs on a SQLite database of its own (seeds/models_django.py, its rows beside it).
A queryset that the block leaves unevaluated is iterated at its end: ormc answers it as if it were. Needs Django 5.2.
"""
import os
import shutil
import sys
import tempfile

import django
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet

import sheets

LABEL = "shop"
PREAMBLE = f"from django.db.models import *\nfrom {LABEL}.models import *\n"
MODELS = f"{sheets.SEEDS}/models_django.py"


def setup(folder):
    """An installed app with the models; its tables and rows in folder/empty.db."""
    os.mkdir(f"{folder}/{LABEL}")
    open(f"{folder}/{LABEL}/__init__.py", "w").close()
    shutil.copy(MODELS, f"{folder}/{LABEL}/models.py")
    sys.path.insert(0, folder)
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/filled.db"}},
        INSTALLED_APPS=[LABEL],
        DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
        USE_TZ=True,
    )
    django.setup()
    with connection.schema_editor() as editor:
        for model in django.apps.apps.get_app_config(LABEL).get_models():
            editor.create_model(model)
    connection.connection.executescript(open(f"{sheets.SEEDS}/data_django.sql").read())
    connection.close()


def make_blocks(sheet):
    for line, code in sheets.sheet_blocks(sheet):
        if "objects." in code or ".save()" in code:
            yield sheets.Block(sheet, line, code, PREAMBLE, ["-m", f"{LABEL}={MODELS}"])


def run_real(block, database):
    outcome = sheets.Outcome()
    sent = []
    connection.settings_dict["NAME"] = database
    connection.connect()

    def keep_row(cursor, row):
        sent[-1][1].append(row)
        return row

    def keep_statement(send, sql, params, many, context):
        sent.append((sql.replace("%s", "?"), []))
        return send(sql, params, many, context)

    connection.connection.row_factory = keep_row
    names = {"__name__": "__sheet__"}
    exec(block.preamble, names)
    before = set(names)
    with connection.execute_wrapper(keep_statement):
        try:
            exec(compile(block.code, block.place, "exec"), names)
            for name in [n for n in names if n not in before]:
                if isinstance(names[name], QuerySet):
                    list(names[name])
        except Exception as error:
            outcome.error = f"{type(error).__name__}: {error}"
    connection.close()
    for sql, rows in sent:
        outcome.add(sql, rows)
    return outcome


def main():
    with tempfile.TemporaryDirectory() as folder:
        setup(folder)
        return sheets.judge(__doc__, ["000.txt"], make_blocks,
                            lambda block, path: shutil.copy(f"{folder}/filled.db", path), run_real)


if __name__ == "__main__":
    sys.exit(main())
