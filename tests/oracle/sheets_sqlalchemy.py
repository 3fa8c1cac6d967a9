#!/usr/bin/env python3
"""The SQLAlchemy blocks of cheat sheets, run by SQLAlchemy itself and by ormc: the same statements in order, the same rows?

    sheets_sqlalchemy.py [--ormc build/ormc] [SHEET.txt…]

Each python block that speaks SQLAlchemy runs on a SQLite database of its own (seeds/models_sqlalchemy.py, its rows beside
it) with an AsyncSession named `session`; functions that a block defines are called, with arguments made up from their
annotations. A block that creates tables finds none. Needs SQLAlchemy 2.0 and aiosqlite.
"""
import ast
import asyncio
import inspect
import shutil
import sqlite3
import sys
import tempfile
import types

import sqlalchemy
import sqlalchemy.ext.asyncio
import sqlalchemy.orm
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

import sheets

MODELS = f"{sheets.SEEDS}/models_sqlalchemy.py"
PREAMBLE = """from sqlalchemy import *
from sqlalchemy.orm import *
from sqlalchemy.ext.asyncio import *
from models import *
engine = create_async_engine("sqlite+aiosqlite://")
AsyncSessionLocal = async_session = async_sessionmaker(engine, expire_on_commit=False)
"""


def made_up(name, annotation):
    if "list" in annotation.lower():
        return [("Ann", 31), ("Ben", 32)]
    return 1 if "int" in annotation else "x"


def calls_of(code):
    """The functions that the block defines, with arguments; none where it can't be read."""
    try:
        tree = ast.parse(code)
    except SyntaxError:
        return []
    functions = [node for node in tree.body if isinstance(node, ast.AsyncFunctionDef)]
    return [(f.name, {a.arg: made_up(a.arg, ast.unparse(a.annotation)) for a in f.args.args}) for f in functions]


def make_blocks(sheet, models):
    for line, code in sheets.sheet_blocks(sheet):
        if "objects." not in code and ".save()" not in code:
            maps = "(Base):" in code  # tables of its own, which would meet those of the models
            preamble = PREAMBLE + "Base = declarative_base()\n" * maps
            yield sheets.Block(sheet, line, code, preamble, ["-m", models], calls_of(code))


def load_models():
    """A fresh `models` module, with metadata of its own."""
    module = types.ModuleType("models")
    exec(compile(open(MODELS).read(), MODELS, "exec"), vars(module))
    sys.modules["models"] = module
    return module


def make_database(block, path):
    if "create_all" in block.code:
        sqlite3.connect(path).close()
        return
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    load_models().Base.metadata.create_all(engine)
    connection = sqlite3.connect(path)
    connection.executescript(open(f"{sheets.SEEDS}/data_sqlalchemy.sql").read())
    connection.close()


async def run_block(block, database, sent):
    load_models()
    engine = create_async_engine(f"sqlite+aiosqlite:///{database}")

    def keep_row(cursor, row):
        sent[-1][1].append(row)
        return row

    @event.listens_for(engine.sync_engine, "connect")
    def watch(connection, record):
        connection.driver_connection.row_factory = keep_row

    @event.listens_for(engine.sync_engine, "before_cursor_execute")
    def keep_statement(connection, cursor, sql, params, context, many):
        sent.append((sql, [], len(params) if many and isinstance(params, list) else 1))

    names = {"__name__": "__sheet__"}
    exec(block.preamble, names)
    maker = async_sessionmaker(engine, expire_on_commit=False)
    names.update(engine=engine, session=maker(), AsyncSessionLocal=maker, async_session=maker)
    names.update(create_async_engine=lambda *arguments, **options: engine)
    try:
        result = eval(compile(block.code, block.place, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
        if inspect.iscoroutine(result):
            await result
        for name, values in block.calls:
            await names[name](**values)
    finally:
        for value in list(names.values()):
            if isinstance(value, AsyncSession):
                await value.close()
        await engine.dispose()


def run_real(block, database):
    outcome, sent = sheets.Outcome(), []
    try:
        asyncio.run(run_block(block, database, sent))
    except Exception as error:
        outcome.error = f"{type(error).__name__}: {str(error).splitlines()[0]}"
    for statement in sent:
        outcome.add(*statement)
    return outcome


def main():
    names = ["000.txt", "001.txt", "002.txt", "003.txt", "004.txt"]
    with tempfile.TemporaryDirectory() as folder:
        models = shutil.copy(MODELS, f"{folder}/models.py")  # as the sheets import them
        return sheets.judge(__doc__, names, lambda sheet: make_blocks(sheet, models), make_database, run_real)


if __name__ == "__main__":
    sys.exit(main())
