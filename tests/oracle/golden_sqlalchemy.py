#!/usr/bin/env python3
"""golden_sqlalchemy.py FILE.md: compares the SQL blocks of a golden file with what SQLAlchemy's compiler gives.

Needs SQLAlchemy 2.0 and asyncpg (for PostgreSQL's placeholders).
"""
import re
import sys

from sqlalchemy import exc
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg

FENCE = re.compile(r"^```(.*)\n((?:.*\n)*?)^```$", re.M)


def squeeze(text):
    return re.sub(r"\s+", " ", text).strip().rstrip(";")


def compiled(statement, words):
    dialect = asyncpg.dialect() if "postgresql" in words else mysql.dialect(paramstyle="qmark") if "mysql" in words else sqlite.dialect()
    return re.sub(r"(\$\d+)::\w+", r"\1", squeeze(str(statement.compile(dialect=dialect, compile_kwargs={"render_postcompile": True}))))


def main(path):
    names, cases, wrong, statement = {"__name__": "golden.models"}, 0, 0, None
    exec("from sqlalchemy import *\nfrom sqlalchemy.orm import *", names)
    for match in FENCE.finditer(open(path).read()):
        words, text = match[1].split(), match[2]
        if words[:2] == ["python", "models"]:
            exec(text, names)
        elif words == ["python"]:
            *before, last = text.strip().splitlines()
            cases, statement = cases + 1, None
            try:
                exec("\n".join(before), names)
                statement = eval(last, names)
            except (exc.SQLAlchemyError, NotImplementedError):
                pass  # a case that must be refused: it has no SQL
        elif words[0] == "sql" and words[1] != "data" and squeeze(text) != compiled(statement, words):
            wrong += 1
            print(f"{path}: golden     {squeeze(text)}\n{' ' * len(path)}  SQLAlchemy {compiled(statement, words)}")
    print(f"{path}: {cases} cases, {wrong} differ")
    return wrong


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1]) else 0)
