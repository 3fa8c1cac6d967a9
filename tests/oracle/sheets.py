"""What sheets_django.py and sheets_sqlalchemy.py share: the blocks of a cheat sheet, what ormc makes of one, and the
comparison with what the ORM sent.

A block is judged by `ormc sql` (the statements in order, arguments of its functions given by --set) and by `ormc run` on a
copy of the database that the ORM had: the rows of every SELECT, and what all tables hold afterwards.
"""
import argparse
import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

HERE = os.path.dirname(os.path.abspath(__file__))
SEEDS = f"{HERE}/seeds"
FENCE = re.compile(r"^```python\n(.*?)^```", re.S | re.M)
KINDS = ("SELECT", "INSERT", "UPDATE", "DELETE", "WITH", "CREATE")


@dataclass
class Outcome:
    """What a block did: statements with the rows that each gave, why it ended early, and the tables afterwards."""

    statements: list = field(default_factory=list)
    rows: list = field(default_factory=list)
    times: list = field(default_factory=list)  # how often a statement ran in one call (executemany)
    error: str = None
    tables: dict = None

    def add(self, sql, rows, times=1):
        text = re.sub(r"\s+", " ", sql).strip().rstrip(";")
        text = re.sub(r"(?<=\() | (?=\))", "", text)
        if text.split(" ")[0] in KINDS:
            self.statements.append(text)
            self.rows.append([[plain(cell) for cell in row] for row in rows])
            self.times.append(times)

    def each(self, items):
        """Those of the statements, as often as they ran."""
        return [item for item, times in zip(items, self.times) for _ in range(times)]


@dataclass
class Block:
    """A block of a sheet as a program: `preamble` binds what the sheet takes for granted."""

    sheet: str
    line: int
    code: str
    preamble: str
    models: list  # of ormc's options
    calls: list = field(default_factory=list)  # (function, {parameter: value})

    @property
    def place(self):
        return f"{os.path.basename(self.sheet)}:{self.line}"


def sheet_blocks(path):
    text = open(path, encoding="utf-8").read()
    for match in FENCE.finditer(text):
        yield text[: match.start()].count("\n") + 2, match[1]


def plain(cell):
    """Numbers compare as numbers, however the driver or JSON says them."""
    try:
        return float(cell)
    except (TypeError, ValueError):
        return cell


def tables_of(path):
    connection = sqlite3.connect(path)
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
    tables = {name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in names}
    connection.close()
    tables.pop("sqlite_sequence", None)
    return tables


def ormc(program, block, *options, expect_json=True):
    """Runs ormc on the block as a file, and gives its JSON and its complaint."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/block.py"
        with open(path, "w") as file:
            file.write(block.preamble + block.code)
        done = subprocess.run([program, options[0], "--format", "json", *block.models, *options[1:], path],
                              capture_output=True, text=True)
    try:
        return json.loads(done.stdout), None
    except ValueError:
        return None, f"exit {done.returncode}: {done.stderr[-300:]}"


def errors_of(answer):
    return "; ".join(f'{d["code"]}: {d["message"]}' for d in answer["diagnostics"] if d["severity"] == "error") or None


def translate(program, block):
    outcome = Outcome()
    sets = [option for _, values in block.calls for name, value in values.items() for option in ("--set", f"{name}={value!r}")]
    answer, outcome.error = ormc(program, block, "sql", "-d", "sqlite", *sets)
    for query in answer["queries"] if answer else []:
        for statement in query["statements"]:
            outcome.add(statement["sql"], [])
    outcome.error = outcome.error or errors_of(answer)
    return outcome


def execute(program, block, database):
    outcome = Outcome()
    calls = [("--call", f"{name}({', '.join(f'{n}={v!r}' for n, v in values.items())})") for name, values in block.calls]
    for call in calls or [()]:
        answer, error = ormc(program, block, "run", "--database", f"sqlite:///{database}", *call)
        for result in answer["results"] if answer else []:
            for statement in result["statements"]:
                outcome.add(statement["sql"], statement.get("rows") or [])
        outcome.error = outcome.error or error or errors_of(answer)
    outcome.tables = tables_of(database)
    return outcome


def differences(real, sql, run):
    """Lines that say what is not as the ORM has it; none: all is."""
    lines = []
    if bool(real.error) != bool(run.error):
        lines.append(f"error: ORM {real.error}\n       run {run.error}")
    if real.error and sql.error:
        return lines  # refused where the ORM would fail; what it had sent before is not the point
    if sql.error or real.statements != sql.statements:
        lines.append(f"sql: want {real.statements} {real.error or ''}\n     got  {sql.statements} {sql.error or ''}")
    if real.each(real.statements) != run.statements:
        lines.append(f"run: want {real.each(real.statements)}\n     got  {run.statements} {run.error or ''}")
    elif real.each(real.rows) != run.rows:
        lines.append(f"rows: want {real.each(real.rows)}\n      got  {run.rows}")
    if real.tables != run.tables:
        lines.append(f"tables: want {real.tables}\n        got  {run.tables}")
    return lines


def judge(description, default_sheets, make_blocks, make_database, run_real):
    """The whole script: each block of each sheet, by the ORM and by ormc."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("sheets", nargs="*", default=[f"{SEEDS}/{name}" for name in default_sheets])
    arguments = parser.parse_args()
    good = total = 0
    with tempfile.TemporaryDirectory() as folder:
        for sheet in arguments.sheets:
            for block in make_blocks(sheet):
                for name in ("orm.db", "ormc.db"):
                    if os.path.exists(f"{folder}/{name}"):
                        os.remove(f"{folder}/{name}")
                make_database(block, f"{folder}/orm.db")
                shutil.copy(f"{folder}/orm.db", f"{folder}/ormc.db")
                real = run_real(block, f"{folder}/orm.db")
                real.tables = tables_of(f"{folder}/orm.db")
                lines = differences(real, translate(arguments.ormc, block), execute(arguments.ormc, block, f"{folder}/ormc.db"))
                total, good = total + 1, good + (not lines)
                if lines:
                    print(f"-- {block.place}\n{block.code}" + "".join(f"   {line}\n" for line in lines))
    print(f"{os.path.basename(sys.argv[0])}: {good}/{total} blocks")
    return good != total or not total
