"""The executor's goals: point SELECTs a second beside loops written by hand, SQLAlchemy's AsyncSession and aiosqlite, on
one machine in one run. Prints the ratios; exit status 1 where one is below its goal, or could not be measured.

    tests/bench/executor.sh [STATEMENTS [ORM_STATEMENTS]]

builds what it needs, starts the servers and runs this. By itself: `executor.py BENCH_EXECUTOR [STATEMENTS
[ORM_STATEMENTS]]` with ORMC_TEST_POSTGRESQL and ORMC_TEST_MARIADB as tests/servers/servers.sh prints them, in a Python
with sqlalchemy, asyncpg and aiosqlite (aiomysql is measured where it is).
"""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse

import aiosqlite
from sqlalchemy import Integer, String, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ROWS = 10000
ROUNDS = 3  # other work on the machine only ever makes a run slower: the best counts, as in bench_executor

# of ours, beside what, at least so many times as fast
GOALS = [
    ("PostgreSQL, 1 connection", "by hand: libpq, pipeline", 0.9),
    ("PostgreSQL, 1 connection", "AsyncSession on asyncpg", 30),
    ("SQLite, 1 worker", "by hand: sqlite3, prepared", 0.8),
    ("SQLite, 1 worker", "aiosqlite", 10),
    ("MariaDB, 10 connections", "by hand: libmariadb", 0.8),
]
HANDS = {"PostgreSQL": "by hand: libpq, pipeline", "SQLite": "by hand: sqlite3, prepared", "MariaDB": "by hand: libmariadb"}


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "ormc_bench_orm"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[int] = mapped_column(Integer)


def ids(statements):
    return [i * 7919 % ROWS for i in range(statements)]


async def with_session(url, statements, **options):
    engine = create_async_engine(url, **options)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        rows = [{"id": i, "name": f"name {i}", "value": i * 3 % 1000} for i in range(ROWS)]
        await connection.execute(insert(Row), rows)
    best = 0
    for _ in range(ROUNDS):
        async with AsyncSession(engine) as session:
            start = time.perf_counter()
            for each in ids(statements):
                (await session.execute(select(Row.id, Row.name, Row.value).where(Row.id == each))).one()
            best = max(best, statements / (time.perf_counter() - start))
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()
    return best


async def with_aiosqlite(path, statements):
    best = 0
    async with aiosqlite.connect(path) as connection:
        await connection.execute("CREATE TABLE point (id INTEGER PRIMARY KEY, name VARCHAR(40), value INTEGER)")
        await connection.executemany("INSERT INTO point VALUES (?, ?, ?)",
                                     [(i, f"name {i}", i * 3 % 1000) for i in range(ROWS)])
        await connection.commit()
        for _ in range(ROUNDS):
            start = time.perf_counter()
            for each in ids(statements):
                async with connection.execute("SELECT id, name, value FROM point WHERE id = ?", (each,)) as cursor:
                    await cursor.fetchone()
            best = max(best, statements / (time.perf_counter() - start))
    return best


async def with_orms(statements):
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        rates["aiosqlite"] = await with_aiosqlite(f"{folder}/plain.db", statements)
        rates["AsyncSession on aiosqlite"] = await with_session(f"sqlite+aiosqlite:///{folder}/orm.db", statements)
    if url := os.environ.get("ORMC_TEST_POSTGRESQL"):
        parts = urllib.parse.urlsplit(url)
        host = dict(urllib.parse.parse_qsl(parts.query))["host"]
        rates["AsyncSession on asyncpg"] = await with_session(
            f"postgresql+asyncpg://{parts.username}@{parts.path}?host={host}", statements)
    if url := os.environ.get("ORMC_TEST_MARIADB"):
        parts = urllib.parse.urlsplit(url)
        socket = dict(urllib.parse.parse_qsl(parts.query))["unix_socket"]
        try:
            rates["AsyncSession on aiomysql"] = await with_session(
                f"mysql+aiomysql://{parts.username}@localhost{parts.path}", statements,
                connect_args={"unix_socket": socket})
        except ModuleNotFoundError:
            pass
    return rates


def with_executor(program, statements):
    """Rates of ours and of the loops by hand, which run by turns in one process."""
    shown = subprocess.run([program, str(statements)], check=True, capture_output=True, text=True).stdout
    ours, by_hand = {}, {}
    for name, rate, hand, rest in re.findall(r"^(.*?) +(\d+) /s +by hand +(\d+) /s +ratio [\d.]+(.*)$", shown, re.M):
        assert not rest, f"{name}: {rest}"
        ours[name] = float(rate)
        by_hand[HANDS[name.split(",")[0]]] = float(hand)
    return ours, by_hand


def main():
    program = sys.argv[1]
    statements = int(sys.argv[2]) if len(sys.argv) > 2 else 200000
    orm_statements = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
    ours, others = with_executor(program, statements)
    others.update(asyncio.run(with_orms(orm_statements)))
    for name, rate in {**ours, **others}.items():
        print(f"{name:30} {rate:10.0f} /s")
    print()
    missed = 0
    goals = {(name, other): goal for name, other, goal in GOALS}
    for name in ours:
        for other in others:
            kind = name.split(",")[0]
            if other != HANDS[kind] and {"PostgreSQL": "asyncpg", "SQLite": "aiosqlite",
                                         "MariaDB": "aiomysql"}[kind] not in other:
                continue
            ratio, goal = ours[name] / others[other], goals.pop((name, other), None)
            missed += goal is not None and ratio < goal
            verdict = "" if goal is None else f"goal {goal:5.1f}  {'reached' if ratio >= goal else 'MISSED'}"
            print(f"{name:26} : {other:28} {ratio:8.2f}  {verdict}")
    for name, other in goals:
        print(f"{name:26} : {other:28} not measured")
    sys.exit(1 if missed or goals else 0)


main()
