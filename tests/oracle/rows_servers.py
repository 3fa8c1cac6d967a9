"""The two servers as rows_django.py needs them: tables made and dropped, rows loaded, statements prepared and run."""
import base64, collections, itertools, pathlib, re

from rows_library import Database, DatabaseError, value_text

SEEDS = pathlib.Path(__file__).resolve().parent / "seeds"
SQL_TYPES = {"float": "float8", "bytes": "bytea", "json": "jsonb", "decimal": "numeric"}


class Server:
    """What both have in common. `columns`: table → column → type, of the columns that take values."""

    def __init__(self, library, url):
        self.run = Database(library, url).execute
        self.create((SEEDS / f"django_contrib_{self.name}.sql").read_text().split(";\n"))

    def cells(self, sql):
        return [[value for _, value in row] for row in self.run(sql)]

    def create(self, tables):
        """What the server can't have, as virtual columns on PostgreSQL 15, is missing: cases that need it fail."""
        for sql in filter(str.strip, tables):
            try:
                self.run(sql)
            except DatabaseError:
                pass

    def read_columns(self, condition):
        self.columns = collections.defaultdict(dict)
        for table, column, kind in self.cells("SELECT table_name, column_name, data_type FROM information_schema.columns "
                                              f"WHERE {condition} AND is_generated = 'NEVER'"):
            self.columns[table][column] = kind

    def load(self, tables):
        """Rows as texts, which the server reads as what their columns are."""
        for table, data in tables.items():
            kinds = self.columns[table]
            kept = [(i, column) for i, column in enumerate(data["columns"]) if column in kinds]
            names = ", ".join(self.quoted(column) for _, column in kept)
            for start in range(0, len(data["rows"]), 500):
                values = [[cell_param(row[i], kinds[column]) for i, column in kept] for row in data["rows"][start:start + 500]]
                number = itertools.count(1)
                marks = ", ".join("(" + ", ".join(self.mark(next(number)) for _ in row) + ")" for row in values)
                self.run(f"INSERT INTO {self.quoted(table)} ({names}) VALUES {marks}", list(itertools.chain(*values)))


def cell_param(cell, kind):
    if isinstance(cell, dict):
        return {"type": "bytes", "value": base64.b64encode(bytes.fromhex(cell["$bytes"])).decode()}
    if kind == "interval" and cell is not None:
        return {"type": "interval", "value": cell}
    return {"type": "text", "value": cell}


class PostgreSql(Server):
    name = "postgresql"

    def __init__(self, library, url):
        super().__init__(library, url)
        self.create(f"CREATE EXTENSION {name}" for name in ("btree_gist", "citext", "hstore", "pg_trgm", "unaccent"))
        self.run("SET session_replication_role = replica")  # rows in any order

    def quoted(self, name):
        return f'"{name}"'

    def mark(self, number):
        return f"${number}"

    def set_zone(self, zone):
        self.run(f"SET TIME ZONE '{zone}'")

    def enter(self, app, tables):
        self.run(f'CREATE SCHEMA "{app}"')
        self.run(f'SET search_path = "{app}", public')
        self.create(tables)
        self.read_columns(f"table_schema IN ('public', '{app}')")

    def leave(self, app):
        self.run(f'DROP SCHEMA "{app}" CASCADE')

    def prepare(self, statement):
        """By our parameter types; the statement stays prepared as `typed`."""
        types = ", ".join(map(sql_type, statement["params"]))
        self.run("PREPARE typed" + (f" ({types})" if types else "") + " AS " + statement["sql"])

    def forget(self):
        self.run("DEALLOCATE typed")

    def answers(self, statement):
        """As the executor binds parameters, and as the prepared statement takes them."""
        yield self.run(statement["sql"], statement["params"])
        if statement["kind"] == "select":
            values = ", ".join(literal(p["value"], p["type"]) for p in statement["params"])
            yield self.run("EXECUTE typed" + (f"({values})" if values else ""))


def sql_type(param):
    """The type that a parameter's JSON names; unknown: the server finds out."""
    kind, value = param["type"], param.get("value")
    if kind == "datetime":
        return "timestamptz" if re.search(r"\d[+-]\d\d:\d\d(:\d\d)?$", str(value)) else "timestamp"
    return "unknown" if kind == "array" else SQL_TYPES.get(kind, kind)


def literal(value, kind):
    if value is None:
        return "NULL"
    text = "\\x" + base64.b64decode(value).hex() if kind == "bytes" else value_text(value, kind)
    return "'" + text.replace("'", "''") + "'"


class MariaDb(Server):
    name = "mariadb"

    def __init__(self, library, url):
        super().__init__(library, url)
        self.run("SET foreign_key_checks = 0")
        self.kept = self.tables()

    def quoted(self, name):
        return f"`{name}`"

    def mark(self, number):
        return "?"

    def set_zone(self, zone):
        pass  # its datetimes have no zone

    def tables(self):
        return {row[0] for row in self.cells("SHOW TABLES")}

    def enter(self, app, tables):
        self.create(tables)
        self.read_columns("table_schema = DATABASE()")

    def leave(self, app):
        for table in self.tables() - self.kept:
            self.run(f"DROP TABLE `{table}`")

    def prepare(self, statement):
        self.run(statement["sql"], prepare_only=True)

    def forget(self):
        pass

    def answers(self, statement):
        yield self.run(statement["sql"], statement["params"])
