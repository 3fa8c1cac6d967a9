"""Point SELECTs a second through SQLAlchemy's AsyncSession, to set beside what bench_executor prints.

    python3 tests/bench/executor_orms.py [STATEMENTS]

Reads ORMC_TEST_POSTGRESQL and ORMC_TEST_MARIADB (as tests/servers/servers.sh prints them); SQLite always.
Needs sqlalchemy, asyncpg, aiosqlite and aiomysql.
"""

import asyncio
import os
import sys
import tempfile
import time
import urllib.parse

from sqlalchemy import Integer, String, insert, select
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ROWS = 10000


class Base(DeclarativeBase):
    pass


class Row(Base):
    __tablename__ = "ormc_bench_orm"
    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(40))
    value: Mapped[int] = mapped_column(Integer)


async def measure(url, statements, **options):
    engine = create_async_engine(url, **options)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
        await connection.run_sync(Base.metadata.create_all)
        rows = [{"id": i, "name": f"name {i}", "value": i * 3 % 1000} for i in range(ROWS)]
        await connection.execute(insert(Row), rows)
    async with AsyncSession(engine) as session:
        start = time.perf_counter()
        for i in range(statements):
            (await session.execute(select(Row.id, Row.name, Row.value).where(Row.id == i * 7919 % ROWS))).one()
        rate = statements / (time.perf_counter() - start)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.drop_all)
    await engine.dispose()
    return rate


async def main():
    statements = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as folder:
        print(f"AsyncSession on aiosqlite {await measure(f'sqlite+aiosqlite:///{folder}/bench.db', statements):9.0f} /s")
    if url := os.environ.get("ORMC_TEST_POSTGRESQL"):
        parts = urllib.parse.urlsplit(url)
        host = dict(urllib.parse.parse_qsl(parts.query))["host"]
        rate = await measure(f"postgresql+asyncpg://{parts.username}@{parts.path}?host={host}", statements)
        print(f"AsyncSession on asyncpg   {rate:9.0f} /s")
    if url := os.environ.get("ORMC_TEST_MARIADB"):
        parts = urllib.parse.urlsplit(url)
        socket = dict(urllib.parse.parse_qsl(parts.query))["unix_socket"]
        rate = await measure(f"mysql+aiomysql://{parts.username}@localhost{parts.path}", statements,
                             connect_args={"unix_socket": socket})
        print(f"AsyncSession on aiomysql  {rate:9.0f} /s")


asyncio.run(main())
