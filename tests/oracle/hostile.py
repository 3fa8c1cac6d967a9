#!/usr/bin/env python3
"""Send hostile strings through ormc, inlined and as parameters, and read them back from live databases.

    tests/oracle/hostile.py --ormc build/ormc [--count 10000] [--postgresql URL] [--mariadb URL]

Each string is written as a Python literal in one of many spellings and inserted by a Django create(). The inlined text
runs as it stands, the other with its parameters bound by the database's Python driver; the text read back must be the
very string. A string that a database can't hold (NUL in PostgreSQL, lone surrogates everywhere) must be refused, and no
other. URLs are those that tests/servers/servers.sh prints. Needs psycopg2 and MySQLdb for the two servers. Exit status 1
on any difference.
"""
import argparse, json, pathlib, random, re, sqlite3, subprocess, sys, tempfile, urllib.parse

PIECES = ["'", "''", '"', '"""', "'''", "\\", "\\\\", "\\'", "%", "%s", "%%", "%(a)s", "--", "-- ", "/*", "*/", "#", ";", "$$", "$a$",
          "\0", "\n", "\r", "\r\n", "\x1a", "\t", "\b", "é", "e\u0301", "𝔘", "😀", "\u202e", "\ufeff", "E'", "x", "a", "0", "`", "?",
          "$1", ":a", "{", "}", "\x7f", "\x01", "\\0", "\\n", "\\x41", "\\%", "\\_", "||", "/*!50000", "\u2028", "ß", "NULL",
          "\ud7ff", "\ue000", "\uffff", "\U0010ffff", "DROP TABLE", "\x85", "\xa0", "İ", "ﬁ"]
SURROGATES = ["\ud800", "\udfff", "a\udc80", "\ud83d", "\ude00\ud83d"]
MODELS = "from django.db import models\n\n\nclass Note(models.Model):\n    text = models.TextField()\n"


def escaped(text, rng):
    """The string between quotes, each character in a spelling of its own."""
    out = []
    for char in text:
        code, choice = ord(char), rng.random()
        if char in "'\"\\":
            out.append("\\" + char)
        elif char == "\n" or char == "\r" or char == "\0":
            out.append({"\n": "\\n", "\r": "\\r", "\0": "\\x00"}[char])
        elif 0xD800 <= code <= 0xDFFF or choice < 0.2 and 0xFF < code <= 0xFFFF:
            out.append("\\u%04x" % code)
        elif choice < 0.2:
            out.append("\\U%08x" % code if code > 0xFF else "\\x%02x" % code)
        elif choice < 0.3 and code < 0o777:
            out.append("\\%03o" % code)
        else:
            out.append(char)
    return "".join(out)


def spelling(text, rng):
    """A Python literal of the string."""
    choice = rng.randrange(6)
    if choice == 0:
        return repr(text)
    if choice == 1 and not re.search(r"[\\\r\0\ud800-\udfff]", text) and "'''" not in text and text[-1:] != "'":
        return "r'''%s'''" % text
    if choice == 2:
        return '"""%s"""' % escaped(text, rng)
    if choice == 3:
        cut = rng.randint(0, len(text))
        return "'%s' \"%s\"" % (escaped(text[:cut], rng), escaped(text[cut:], rng))
    if choice == 4:
        cut = rng.randint(0, len(text))
        return "'%s' + u'%s'" % (escaped(text[:cut], rng), escaped(text[cut:], rng))
    return "'%s'" % escaped(text, rng)


def strings(count, rng):
    for number in range(count):
        pieces = [rng.choice(PIECES) for _ in range(rng.randint(0, 8))]
        if number % 40 == 0:
            pieces.insert(rng.randint(0, len(pieces)), rng.choice(SURROGATES))
        yield "".join(pieces)


def has_surrogate(text):
    return any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def answers(ormc, models, dialect, literals, inline):
    lines = "".join(json.dumps({"id": str(i), "expr": f"Note.objects.create(text={literal})"}) + "\n" for i, literal in enumerate(literals))
    command = [ormc, "batch", "-m", f"notes={models}", "-d", dialect] + ["--inline"] * inline
    run = subprocess.run(command, input=lines.encode(), capture_output=True)
    out = [json.loads(line) for line in run.stdout.decode().split("\n") if line]
    if len(out) != len(literals):
        sys.exit(f"{' '.join(command)}: {len(out)} answers for {len(literals)} lines; {run.stderr.decode()[-500:]}")
    return out


class Sqlite:
    name, mark, dialect = "sqlite", "?", "sqlite"

    def __init__(self, _url):
        self.connection = sqlite3.connect(":memory:")
        self.connection.execute('CREATE TABLE "notes_note" ("id" integer PRIMARY KEY AUTOINCREMENT, "text" text)')

    def insert(self, sql, values):
        self.connection.execute(sql, values)

    def last(self):
        return self.connection.execute('SELECT "text" FROM "notes_note" ORDER BY "id" DESC LIMIT 1').fetchone()[0]

    def holds(self, text):
        return not has_surrogate(text)


class Server:
    def insert(self, sql, values):
        if values:
            sql = re.sub(r"\$\d+|\?", "%s", sql.replace("%", "%%"))
        self.cursor.execute(sql, values or None)

    def last(self):
        self.cursor.execute(self.select)
        return self.cursor.fetchone()[0]


class Postgresql(Server):
    name, dialect, select = "postgresql", "postgresql", 'SELECT "text" FROM "notes_note" ORDER BY "id" DESC LIMIT 1'

    def __init__(self, url):
        import psycopg2

        self.connection = psycopg2.connect(url)
        self.connection.autocommit = True
        self.cursor = self.connection.cursor()
        self.cursor.execute('CREATE TEMPORARY TABLE "notes_note" ("id" serial PRIMARY KEY, "text" text)')

    def holds(self, text):
        return not has_surrogate(text) and "\0" not in text


class Mariadb(Server):
    name, dialect, select = "mariadb", "mariadb", "SELECT `text` FROM `notes_note` ORDER BY `id` DESC LIMIT 1"

    def __init__(self, url):
        import MySQLdb

        parts = urllib.parse.urlsplit(url)
        query = dict(urllib.parse.parse_qsl(parts.query))
        place = {"unix_socket": query["unix_socket"]} if "unix_socket" in query else {"host": parts.hostname, "port": parts.port or 3306}
        database = parts.path.strip("/") or "test"
        self.connection = MySQLdb.connect(user=parts.username or "root", password=parts.password or "", charset="utf8mb4", **place)
        self.cursor = self.connection.cursor()
        self.cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{database}`")
        self.cursor.execute(f"USE `{database}`")
        self.cursor.execute("CREATE TEMPORARY TABLE `notes_note` (`id` int AUTO_INCREMENT PRIMARY KEY, `text` longtext CHARACTER SET utf8mb4)")

    def holds(self, text):
        return not has_surrogate(text)


def check(database, ormc, models, texts, literals, inline):
    wrong = []
    for text, literal, answer in zip(texts, literals, answers(ormc, models, database.dialect, literals, inline)):
        if not answer["ok"]:
            if database.holds(text):
                wrong.append((text, literal, answer["error"]))
            continue
        statement = answer["statements"][-1]
        values = [] if inline else [param.get("value") for param in statement["params"]]
        if not inline and not database.holds(text):
            continue  # the driver's to refuse: the text holds placeholders only
        try:
            database.insert(statement["sql"], values)
            found = database.last()
        except Exception as error:
            found = error
        if found != text:
            wrong.append((text, literal, found, statement["sql"]))
    for item in wrong[:5]:
        print("   ", *map(ascii, item))
    print(f"{database.name} {'inlined' if inline else 'bound'}: {len(texts)} strings, {len(wrong)} wrong", flush=True)
    return len(wrong)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--count", type=int, default=10000)
    parser.add_argument("--postgresql")
    parser.add_argument("--mariadb")
    options = parser.parse_args()
    rng = random.Random(41)
    texts = list(strings(options.count, rng))
    literals = [spelling(text, rng) for text in texts]
    for text, literal in zip(texts, literals):
        assert eval(literal) == text, (text, literal)
    databases = [(Sqlite, "")] + [(Postgresql, options.postgresql)] * bool(options.postgresql) + [(Mariadb, options.mariadb)] * bool(options.mariadb)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        models = pathlib.Path(folder, "models.py")
        models.write_text(MODELS)
        for kind, url in databases:
            database = kind(url)
            for inline in (True, False):
                wrong += check(database, options.ormc, models, texts, literals, inline)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
