#!/usr/bin/env python3
"""Recorded Django cases on live servers: does every statement prepare, and are the rows Django's?

    tests/oracle/rows_django.py --ormc build/ormc --library build/libormc.so [--show N] [--only APP] [-d DIALECT]
        [--recorded ../shared/conformance] [--postgresql URL] [--mariadb URL]

The statements are those of `ormc batch` for each case under `django/statements` (reads) and `django/writes` (only
prepared). On PostgreSQL they are prepared with our parameter types — PREPARE name (integer, text, unknown, …), which
types a statement as PQprepare() with their OIDs does — and run both so and by libormc's executor; on MariaDB by the
executor. Tables are those of `ormc schema` and, of Django's contrib apps, of seeds/; the rows are those that the case
saw. Left out are statements that the database refused under Django, too (`db_error`), and the rows of cases that hold
the clock or a random value. Where no URL is given, private servers are started.

Prints a line a suite and server, and what differs with --show; exit status 1 where a statement of ours does not prepare
or a case has other rows. Where nothing was recorded there is nothing to do.
"""
import argparse, collections, contextlib, glob, itertools, json, multiprocessing, os, pathlib, re, shutil, signal, subprocess, sys, tempfile

from rows_library import DatabaseError
from rows_servers import MariaDb, PostgreSql

HERE = pathlib.Path(__file__).resolve().parent
SETTINGS = {"USE_TZ": False, "TIME_ZONE": "America/Chicago", "DEFAULT_AUTO_FIELD": "django.db.models.AutoField"}


class App:
    """The recorded cases of one app that reach the server, and what ormc makes of them."""

    def __init__(self, args, server, name, cases):
        self.args, self.dialect, self.name = args, server.name, name
        recorded = ((case, case["expect"].get(server.name, {})) for case in cases)
        self.cases = [case for case, want in recorded if "statements" in want and "db_error" not in want]

    def ormc(self, *command, text=None):
        models = f"{self.name}={self.args.recorded}/django/models/{self.name}.py"
        settings = itertools.chain(*(("--setting", f"{name}={value}") for name, value in SETTINGS.items()))
        command = [self.args.ormc, *command, "-d", self.dialect, "-m", models, *settings]
        return subprocess.run(command, input=text, capture_output=True, text=True).stdout

    def tables(self):
        return [statement["sql"] for statement in json.loads(self.ormc("schema", "--format", "json"))["statements"]]

    def answers(self):
        lines = "".join(json.dumps({k: case[k] for k in ("id", "expr", "settings") if k in case}) + "\n" for case in self.cases)
        return {answer["id"]: answer for answer in map(json.loads, self.ormc("batch", text=lines).splitlines())}

    def groups(self):
        """The cases by the rows and the settings that they need."""
        def key(case):
            return case.get("state") or "", json.dumps(case.get("settings", {}), sort_keys=True)
        for (state, settings), cases in itertools.groupby(sorted(self.cases, key=key), key):
            yield state, {**SETTINGS, **json.loads(settings)}, cases


# ---- rows

class Spelling:
    """One spelling for our cells and the recorded ones; datetimes have an offset only where time zones are in use."""

    def __init__(self, compare, aware):
        self.plain, self.aware = compare.plain, aware

    def recorded(self, rows):
        return [tuple(self.cell(value) for value in row) for row in rows]

    def ours(self, rows):
        values = ([value for _, value in row] for row in rows)
        return self.recorded(values if self.aware else map(naive, values))

    def cell(self, value):
        return "" if value == {} else self.plain(value)  # an hstore without keys is an empty text


def naive(value):
    if isinstance(value, list):
        return [naive(item) for item in value]
    return re.sub(r'(\d\d-\d\d[T ][\d:.]{8,15})[+-]\d\d(:\d\d){0,2}(?=$|")', r"\1", value) if isinstance(value, str) else value


def same_cell(got, want):
    """MariaDB's text protocol, which Django reads, rounds some floats to four places; a prepared statement has them all."""
    with contextlib.suppress(ValueError):
        return got == want or "." in want and "%.9g" % round(float(got), 4) == want
    return False


def same_rows(got, want):
    return len(got) == len(want) and all(len(a) == len(b) and all(map(same_cell, a, b)) for a, b in zip(got, want))


# ---- judging

class Judge:
    """Counts over all apps, of reads or of writes."""

    def __init__(self, args, server, compare, reads):
        self.args, self.server, self.compare, self.reads = args, server, compare, reads
        self.count, self.shown = collections.Counter(), 0

    def app(self, app, states):
        answers = app.answers()
        for state, settings, cases in app.groups():
            self.server.set_zone("UTC" if settings["USE_TZ"] else settings["TIME_ZONE"])
            self.server.run("BEGIN")
            self.server.load(states.get(state, {}) if self.reads else {})
            self.server.run("SAVEPOINT loaded")
            for case in cases:
                self.case(case, answers.get(case["id"], {}), Spelling(self.compare, settings["USE_TZ"]))
            self.server.run("ROLLBACK")

    def case(self, case, answer, spelling):
        want = case["expect"][self.server.name]
        ours = [s for i, s in enumerate(answer.get("statements", [])) if not self.is_suppressed(s, i, want)]
        refused = want.get("raises") and not answer.get("ok")  # by Django after the statement, by ormc before
        with_rows = self.reads and "rows" in want and not case.get("volatile") and not refused
        self.count["cases"] += with_rows
        self.count["statements"] += len(ours)
        if self.reads and len(ours) < len(want["statements"]) and not refused:
            self.count["missing"] += len(want["statements"]) - len(ours)
            self.fail(case, "ormc: " + (answer["error"]["message"] if "error" in answer else "fewer statements than Django's"))
        for index, statement in enumerate(ours):
            prepared = self.attempt(case, statement, lambda: (self.server.prepare(statement), True))
            self.count["prepared"] += prepared is not None
            if index == 0 and with_rows and prepared:
                self.count["rows"] += self.attempt(case, statement, lambda: self.has_rows(case, want, statement, spelling)) is True
            if prepared:
                self.server.forget()
        if with_rows and not ours:
            self.count["rows"] += answer.get("ok") is True and not want["rows"]

    def is_suppressed(self, statement, index, want):
        """Of the next level of a prefetch, where no rows made Django send it."""
        waits = any(self.compare.waits(param, index) for param in statement["params"])
        return waits and self.text(statement) not in map(self.text, want["statements"])

    def text(self, statement):
        return self.compare.fold_lists(self.compare.normalise(statement["sql"])[0])

    def has_rows(self, case, want, statement, spelling):
        """In Django's order, or with Django's text, which leaves the order of the rest to the server."""
        theirs, same_text = spelling.recorded(want["rows"]), self.text(statement) == self.text(want["statements"][0])
        for rows in self.server.answers(statement):
            got = spelling.ours(rows)
            if not same_rows(got, theirs) and (want["ordered"] and not same_text or not same_rows(sorted(got), sorted(theirs))):
                missing, more = [row for row in theirs if row not in got], [row for row in got if row not in theirs]
                self.fail(case, f"rows: want {(missing or theirs)[:3]}, got {(more or got)[:3]}", statement)
                return False
        return True

    def attempt(self, case, statement, action):
        """The action's result, or None where the database refuses."""
        try:
            return action()
        except DatabaseError as error:
            self.server.run("ROLLBACK TO SAVEPOINT loaded")
            self.fail(case, " ".join(str(error).split()), statement)
            return None

    def fail(self, case, what, statement=None):
        if self.shown < self.args.show:
            self.shown += 1
            bound = f"\n   {statement['sql']}\n   {json.dumps(statement['params'], ensure_ascii=False)}" if statement else ""
            print(f"-- {self.server.name} {case['id']}  {case['expr']}{bound}\n   {what}")

    def report(self):
        count, suite = self.count, "reads" if self.reads else "writes"
        rows = f"   rows {count['rows']}/{count['cases']}" if count["cases"] else ""
        missing = f"   ({count['missing']} recorded statements not given)" if count["missing"] else ""
        print(f"{suite:11} {self.server.name:11} prepared {count['prepared']}/{count['statements']}{rows}{missing}", flush=True)
        return count["prepared"] == count["statements"] and count["rows"] == count["cases"]


@contextlib.contextmanager
def servers(args):
    """The URLs by dialect; of private servers where none is given."""
    if args.postgresql or args.mariadb:
        yield {"postgresql": args.postgresql, "mariadb": args.mariadb}
        return
    script, memory = HERE.parent / "servers/servers.sh", "/dev/shm"  # tables come and go: fastest without a disk
    roomy = os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 1 << 30
    place = tempfile.mkdtemp(dir=memory if roomy else None)
    os.chmod(place, 0o755)
    try:
        text = subprocess.run([script, "start", f"{place}/servers"], stdout=subprocess.PIPE, text=True, check=True).stdout
        subprocess.run([script, "zones", f"{place}/servers"], check=True)
        yield {name.lower(): url for name, url in re.findall(r"ORMC_TEST_(\w+)='(.*)'", text)}
    finally:
        subprocess.run([script, "stop", f"{place}/servers"])
        os.rmdir(place)


def judge_server(args, kind, url):
    """True where nothing differs."""
    import compare  # of the recorded cases
    states = {state["state"]: state["tables"] for state in compare.load(f"{args.recorded}/django/states.jsonl.gz")}
    server = kind(args.library, url)
    judges = {"statements": Judge(args, server, compare, True), "writes": Judge(args, server, compare, False)}
    for models in sorted(glob.glob(f"{args.recorded}/django/models/*{args.only}*.py")):
        name = pathlib.Path(models).stem
        paths = {folder: glob.glob(f"{args.recorded}/django/{folder}/{name}.jsonl*") for folder in judges}
        apps = {folder: App(args, server, name, compare.load(found[0])) for folder, found in paths.items() if found}
        if not any(app.cases for app in apps.values()):
            continue
        server.enter(name, next(iter(apps.values())).tables())
        for folder, app in apps.items():
            judges[folder].app(app, states)
        server.leave(name)
    return all([judge.report() for judge in judges.values()])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--library", default="build/libormc.so")
    parser.add_argument("--recorded", default=str(HERE.parents[2] / "shared/conformance"))
    parser.add_argument("--postgresql", metavar="URL", help="an empty database, which a superuser enters")
    parser.add_argument("--mariadb", metavar="URL", help="the same, with the server's time zone tables loaded")
    parser.add_argument("--dialect", "-d", choices=("postgresql", "mariadb"))
    parser.add_argument("--only", default="", help="apps whose name holds this")
    parser.add_argument("--show", type=int, default=0)
    args = parser.parse_args()
    if not os.path.exists(f"{args.recorded}/compare.py"):
        return
    sys.path.insert(0, args.recorded)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # the servers are stopped all the same
    with servers(args) as urls, multiprocessing.Pool(2) as pool:
        wanted = [kind for kind in (PostgreSql, MariaDb) if args.dialect in (None, kind.name) and urls[kind.name]]
        good = pool.starmap(judge_server, [(args, kind, urls[kind.name]) for kind in wanted])
    sys.exit(0 if all(good) else 1)


if __name__ == "__main__":
    main()
