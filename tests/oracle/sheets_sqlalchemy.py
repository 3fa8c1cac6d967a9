#!/usr/bin/env python3
"""The SQLAlchemy blocks of Markdown cheat sheets, run by SQLAlchemy itself and read by ormc: the same statements, in order?

    sheets_sqlalchemy.py --ormc build/ormc SHEET.md…

Each python block that speaks SQLAlchemy is run on a fresh SQLite database (seeds/models_sqlalchemy.py, its rows beside it)
with an AsyncSession named `session`; functions that a block defines are called with made-up arguments. What the driver was
sent is compared with `ormc sql -d sqlite` of the same block.
"""
import argparse, ast, asyncio, inspect, json, os, re, shutil, subprocess, sys, tempfile, types

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = f"{HERE}/seeds/models_sqlalchemy.py"


PREAMBLE = """from sqlalchemy import *
from sqlalchemy.orm import *
from sqlalchemy.ext.asyncio import *
from models import *
engine = create_async_engine("sqlite+aiosqlite://")
AsyncSessionLocal = async_session = async_sessionmaker(engine, expire_on_commit=False)
"""


def blocks(path):
    text = open(path, encoding="utf-8", errors="replace").read()
    for match in re.finditer(r"^```python\n(.*?)^```", text, re.S | re.M):
        code = match[1]
        if re.search(r"session|select\(|sqlalchemy|AsyncSession|engine", code) and "objects." not in code:
            yield text[: match.start()].count("\n") + 2, code


def fold(sql):
    sql = re.sub(r"\s+", " ", sql).strip()
    return re.sub(r"\((\?, )+\?\)", "(?)", sql)


def argument(name, parameter):
    text = str(parameter.annotation)
    if "list" in text or "List" in text:
        return [("Ann", 31), ("Ben", 32)]
    return 1 if "int" in text else "x"


async def run_real(code):
    import sqlalchemy, sqlalchemy.orm, sqlalchemy.ext.asyncio
    from sqlalchemy import event
    from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

    names = {**vars(sqlalchemy), **vars(sqlalchemy.orm), **vars(sqlalchemy.ext.asyncio)}
    names["__name__"] = "__sheet__"
    exec(compile(open(MODELS).read(), MODELS, "exec"), names)
    sys.modules["models"] = types.ModuleType("models")
    vars(sys.modules["models"]).update(names)
    engine = create_async_engine("sqlite+aiosqlite://")
    async with engine.begin() as conn:
        await conn.run_sync(names["Base"].metadata.create_all)
        for line in open(f"{HERE}/seeds/data_sqlalchemy.sql"):
            if line.strip():
                await conn.exec_driver_sql(line.strip())
    sent = []
    event.listen(engine.sync_engine, "before_cursor_execute", lambda c, cur, sql, params, ctx, many: sent.append(fold(sql)))
    maker = async_sessionmaker(engine, expire_on_commit=False)
    names.update(engine=engine, session=maker(), AsyncSessionLocal=maker, async_session=maker, create_async_engine=lambda *a, **k: engine)
    before, error = set(names), None
    try:
        tree = compile(code, "<sheet>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        result = eval(tree, names)
        if inspect.iscoroutine(result):
            await result
        for name in [n for n in names if n not in before]:
            if inspect.iscoroutinefunction(names[name]):
                parameters = inspect.signature(names[name]).parameters
                await names[name](**{n: argument(n, p) for n, p in parameters.items()})
    except Exception as e:
        error = f"{type(e).__name__}: {str(e).splitlines()[0]}"
    for value in list(names.values()):
        if isinstance(value, AsyncSession):
            await value.close()
    await engine.dispose()
    return sent, error


def run_ormc(ormc, code):
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(MODELS, f"{folder}/models.py")
        with open(f"{folder}/block.py", "w") as f:
            f.write(PREAMBLE + code)
        command = [ormc, "sql", "-d", "sqlite", "--format", "json", "-m", f"{folder}/models.py", f"{folder}/block.py"]
        done = subprocess.run(command, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return [], done.stderr[-300:]
    kinds = ("select", "insert", "update", "delete")
    sent = [fold(s["sql"]) for q in answer["queries"] for s in q["statements"] if s["kind"] in kinds]
    errors = [f'{d["code"]}: {d["message"]}' for d in answer["diagnostics"] if d["severity"] == "error"]
    return sent, "; ".join(errors) or None


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--ormc", default="build/ormc")
    p.add_argument("sheets", nargs="+")
    args = p.parse_args()
    good = total = 0
    for sheet in args.sheets:
        for line, code in blocks(sheet):
            want, raised = asyncio.run(run_real(code))
            want = [s for s in want if s.split()[0] in ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH")]
            got, refused = run_ormc(args.ormc, code)
            same = bool(refused) if raised else want == got
            total, good = total + 1, good + same
            if not same:
                print(f"-- {os.path.basename(sheet)}:{line}\n{code}   want {raised or ''}\n        " + "\n        ".join(want) + f"\n   got  {refused or ''}\n        " + "\n        ".join(got))
    print(f"sheets: {good}/{total} blocks")
    return good != total


if __name__ == "__main__":
    sys.exit(main())
