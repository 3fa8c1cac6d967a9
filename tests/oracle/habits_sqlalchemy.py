#!/usr/bin/env python3
"""What applications write, as SQLAlchemy compiles and runs it: statements over two sets of models, and session programs.

    habits_sqlalchemy.py [--ormc build/ormc] [--dialect D]... [--only WORD]

Statements: seeds/applications_sqlalchemy.txt and seeds/mappings_sqlalchemy.txt over the models beside them, on three dialects,
against what SQLAlchemy's compiler gives. Programs: the sections of seeds/sessions_sqlalchemy.txt, run by SQLAlchemy on a SQLite
database with the rows of seeds/applications_sqlalchemy.sql and by `ormc run` on a copy: the same statements, in order, and the
same tables afterwards. A program that SQLAlchemy ends with an error counts where ormc ends it too.
"""
import argparse
import contextlib
import importlib
import io
import json
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import warnings

import sqlalchemy
import sqlalchemy.orm
from sqlalchemy import event
from sqlalchemy.dialects import mysql, postgresql, sqlite

import random_sqlalchemy as oracle

SEEDS = pathlib.Path(__file__).parent / "seeds"
PREAMBLE = """import datetime, decimal, uuid
from sqlalchemy import *
from sqlalchemy.orm import *
from sqlalchemy.exc import *
from models import *
engine = create_engine("sqlite://")
"""
RANDOM = re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$")


# ---- statements ----------------------------------------------------------------------------------------------------------------------


def programs_of(path):
    """Lines up to one that is no assignment."""
    lines = []
    for line in path.read_text().splitlines():
        if line and not line.startswith("#"):
            lines.append(line)
            if not re.match(r"[a-z]\w* = ", line):
                yield "\n".join(lines)
                lines = []


def same(theirs, ours):
    if oracle.same(theirs, ours):
        return True
    texts = isinstance(theirs[0], str) and theirs[0] == ours[0] and len(theirs[1]) == len(ours[1])
    return texts and all(a == b or RANDOM.match(a) or a.lower() == "null" for a, b in zip(theirs[1], ours[1]))  # null: a default that Python makes


def judge_statements(options, name):
    models = SEEDS / f"{name}_sqlalchemy.py"
    names = {**vars(sqlalchemy), **vars(sqlalchemy.orm)}
    exec(compile(models.read_text(), str(models), "exec"), names)
    names.update(postgresql=postgresql, sqlite=sqlite, mysql=mysql)
    sqlalchemy.orm.configure_mappers()
    texts, values = [t for t in programs_of(SEEDS / f"{name}_sqlalchemy.txt") if not options.only or options.only in t], []
    for text in texts:
        try:
            values.append(oracle.evaluate(text, names))
        except Exception as error:
            values.append(error)
    preamble = "from sqlalchemy.dialects import mysql, postgresql, sqlite\n"
    lines = "".join(json.dumps({"id": str(i), "expr": preamble + text}) + "\n" for i, text in enumerate(texts))
    wrong = 0
    for dialect in options.dialect or oracle.DIALECTS:
        run = subprocess.run([options.ormc, "batch", "-m", str(models), "-d", dialect], input=lines, capture_output=True, text=True)
        answers = {a["id"]: a for a in map(json.loads, run.stdout.splitlines())}
        good = 0
        for i, (text, value) in enumerate(zip(texts, values)):
            theirs = (value, None) if isinstance(value, Exception) else oracle.expected(value, oracle.DIALECTS[dialect])
            ours = oracle.given(answers[str(i)])
            if same(theirs, ours):
                good += 1
            else:
                print(f"== {dialect}\n   {text}\n     SQLAlchemy {theirs[0]!r} {theirs[1]}\n     ormc       {ours[0]!r} {ours[1]}")
        print(f"{name} {dialect}: {good} of {len(texts)}", flush=True)
        wrong += len(texts) - good
    return wrong


# ---- programs ------------------------------------------------------------------------------------------------------------------------


def load_models(folder):
    """A fresh `models` module, with metadata of its own."""
    sys.modules.pop("models", None)
    sys.path.insert(0, folder)
    models = importlib.import_module("models")
    sys.path.pop(0)
    sqlalchemy.orm.configure_mappers()
    return models


def squeeze(sql):
    text = re.sub(r"SAVEPOINT \w+", "SAVEPOINT x", re.sub(r"\s+", " ", sql))
    return re.sub(r"(?<=\() | (?=\))", "", text).strip().rstrip(";")


def tables_of(path):
    """All rows, less what the clock or chance gave."""
    connection = sqlite3.connect(path)
    names = [r[0] for r in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    rows = {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for name in names}
    connection.close()
    return re.sub(r"'[0-9a-f]{32}'", "U", re.sub(r"'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[.\d]*'", "T", str(rows)))


def run_real(code, folder):
    load_models(folder)
    engine, sent, names = sqlalchemy.create_engine(f"sqlite:///{folder}/orm.db"), [], {"__name__": "__program__"}

    @event.listens_for(engine, "before_cursor_execute")
    def keep(connection, cursor, sql, params, context, many):
        sent.extend([squeeze(sql)] * (len(params) if many and isinstance(params, list) else 1))

    exec(PREAMBLE, names)
    names["engine"] = engine
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            exec(code, names)
        return sent, None
    except Exception as error:
        return sent, f"{type(error).__name__}: {str(error).splitlines()[0]}"
    finally:
        engine.dispose()


def run_ormc(program, code, folder):
    pathlib.Path(folder, "program.py").write_text(PREAMBLE + code)
    command = [program, "run", "--format", "json", "-m", f"{folder}/models.py", "--database", f"sqlite:///{folder}/ormc.db", f"{folder}/program.py"]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return [], f"exit {done.returncode}: {done.stderr[-300:]}"
    sent = [squeeze(s["sql"]) for r in answer["results"] for s in r["statements"]]
    errors = [f'{d["code"]}: {d["message"]}' for d in answer["diagnostics"] if d["severity"] == "error"]
    return [s for s in sent if s not in ("BEGIN", "COMMIT", "ROLLBACK")], "; ".join(errors) or None


def judge_sessions(options):
    good = total = 0
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(SEEDS / "applications_sqlalchemy.py", f"{folder}/models.py")
        engine = sqlalchemy.create_engine(f"sqlite:///{folder}/base.db")
        load_models(folder).Base.metadata.create_all(engine)
        engine.dispose()
        connection = sqlite3.connect(f"{folder}/base.db")
        connection.executescript((SEEDS / "applications_sqlalchemy.sql").read_text())
        connection.close()
        for section in re.split(r"^## ?", (SEEDS / "sessions_sqlalchemy.txt").read_text(), flags=re.M)[1:]:
            title, _, code = section.partition("\n")
            if options.only and options.only not in section:
                continue
            for name in ("orm.db", "ormc.db"):
                shutil.copy(f"{folder}/base.db", f"{folder}/{name}")
            (theirs, error), (ours, refusal) = run_real(code, folder), run_ormc(options.ormc, code, folder)
            if error:
                equal = bool(refusal) and theirs[: len(ours)] == ours
            else:
                equal = not refusal and theirs == ours and tables_of(f"{folder}/orm.db") == tables_of(f"{folder}/ormc.db")
            total, good = total + 1, good + equal
            if not equal:
                print(f"== {title}\n{code}     SQLAlchemy {error or ''}\n        " + "\n        ".join(theirs) + f"\n     ormc {refusal or ''}\n        " + "\n        ".join(ours))
    print(f"sessions: {good} of {total}")
    return total - good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--dialect", "-d", action="append")
    parser.add_argument("--only", help="what holds this text")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    wrong = sum(judge_statements(options, name) for name in ("applications", "mappings"))
    return bool(wrong + judge_sessions(options))


if __name__ == "__main__":
    sys.exit(main())
