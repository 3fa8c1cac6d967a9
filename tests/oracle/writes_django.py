#!/usr/bin/env python3
"""Recorded Django writes, run by `ormc run` on SQLite: its statements, and the tables afterwards.

    python3 tests/oracle/writes_django.py [RECORD] [--ormc build/ormc] [--only APP] [--id CASE] [--show 10]

RECORD (../shared/conformance) holds django/writes/*.jsonl.gz, django/models/, django/schema/ and django/states.jsonl.gz. Each case
starts from a database file with the rows that it was recorded on. Two figures an app: the statements are Django's (transaction
statements and those on functions that Django registers aside), with their parameters; the tables hold afterwards what Django's did. A case that Django refuses is right when
ormc refuses it with the same code. Exit status 1 below 97 % of either.
"""
import argparse, importlib.util, json, os, pathlib, sqlite3, subprocess, sys, tempfile

SETTINGS = ["USE_TZ=False", "TIME_ZONE=America/Chicago", "DEFAULT_AUTO_FIELD=django.db.models.AutoField"]


def fill(compare, path, schema, tables):
    """A database file with these tables and rows."""
    path.unlink(missing_ok=True)
    db = sqlite3.connect(path)
    compare.functions(db)
    db.executescript(schema)
    for table, data in tables.items():
        stored = {r[1] for r in db.execute(f'PRAGMA table_xinfo("{table}")') if r[6] == 0}
        keep = [i for i, c in enumerate(data["columns"]) if c in stored]
        names, marks = ", ".join(f'"{data["columns"][i]}"' for i in keep), ", ".join("?" * len(keep))
        if keep:
            db.executemany(f'INSERT INTO "{table}" ({names}) VALUES ({marks})', [compare.native([row[i] for i in keep]) for row in data["rows"]])
    db.commit()
    db.close()


def table_wrong(compare, path, want):
    """The first table that holds something else than `want` says."""
    db = sqlite3.connect(path)
    for table, data in want.items():
        names = ", ".join(f'"{c}"' for c in data["columns"])
        try:
            rows = [list(r) for r in db.execute(f'SELECT {names} FROM "{table}"')]
        except sqlite3.Error as error:
            return f"{table}: {error}"
        ours, theirs = (sorted([compare.plain(v) for v in row] for row in part) for part in (rows, data["rows"]))
        if ours != theirs:
            return f"{table}: want {[r for r in theirs if r not in ours][:3]}, got {[r for r in ours if r not in theirs][:3]} ({len(theirs)}, {len(ours)} rows)"
    return None


def judge(compare, options, app, case, path):
    """(statements are right, tables are right, what is wrong)"""
    want = case["expect"]["sqlite"]
    expr = case["expr"]
    command = [options.ormc, "run", "-m", f"{app}={options.record}/django/models/{app}.py", "--format", "json", "--database", f"sqlite:///{path}", "-e", expr]
    settings = SETTINGS + [f"{k}={v}" for k, v in case.get("settings", {}).items()]
    for setting in settings:
        command += ["--setting", setting]
    done = subprocess.run(command, capture_output=True, text=True)
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        return False, False, f"exit {done.returncode}: {done.stderr[-300:]}"
    errors = [d for d in answer["diagnostics"] if d["severity"] == "error"]
    if "error" in want:
        good = any(e["code"] in compare.ERROR_CODES.get(want["error"], ()) for e in errors)
        return good, good, "" if good else f"want {want['error']}: {want.get('message')}, got {errors[0]['message'] if errors else [s['sql'] for r in answer['results'] for s in r['statements']]}"
    ours = [s for r in answer["results"] for s in r["statements"] if s["sql"].split()[0] not in ("BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT", "RELEASE")]
    theirs = want["statements"]
    same = len(ours) == len(theirs) and all(compare.REGISTERED.search(b["sql"]) or compare.same_statement(a, b, i, case.get("volatile")) for i, (a, b) in enumerate(zip(ours, theirs)))
    why = "" if same else "\n   want " + "\n        ".join(f"{s['sql']} {s.get('params', [])}" for s in theirs) + "\n   got  " + "\n        ".join(f"{s['sql']} {[p.get('value') for p in s['params']]}" for s in ours)
    wrong = None if case.get("volatile") or "db_error" in want else table_wrong(compare, path, want.get("after", {}))
    if errors and "db_error" not in want:
        why += f"\n   {errors[0]['code']}: {errors[0]['message']}"
    return same, not wrong, why + (f"\n   {wrong}" if wrong else "")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", nargs="?", default="../shared/conformance")
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--only", default="")
    parser.add_argument("--id", default="")
    parser.add_argument("--show", type=int, default=10)
    options = parser.parse_args()
    spec = importlib.util.spec_from_file_location("compare", f"{options.record}/compare.py")
    compare = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(compare)
    folder = pathlib.Path(options.record, "django")
    states = {s["state"]: s["tables"] for s in compare.load(str(folder / "states.jsonl.gz"))}
    total = right = tables = 0
    with tempfile.TemporaryDirectory() as place:
        path = pathlib.Path(place, "case.db")
        for file in sorted((folder / "writes").glob("*.jsonl.gz")):
            app = file.name.split(".")[0]
            schema = folder / "schema" / f"{app}.sql"
            if options.only not in app or not schema.exists():
                continue
            counts = [0, 0, 0]
            for case in compare.load(str(file)):
                if "sqlite" not in case["expect"] or options.id not in case["id"]:
                    continue
                fill(compare, path, schema.read_text(), states.get(case.get("state"), {}))
                same, held, why = judge(compare, options, app, case, path)
                counts = [counts[0] + 1, counts[1] + same, counts[2] + held]
                if why and options.show > 0:
                    options.show -= 1
                    print(f"-- {case['id']}  {case['expr']}{why}", flush=True)
            if counts[0]:
                print(f"{app:30} statements {counts[1]}/{counts[0]}   tables {counts[2]}/{counts[0]}", flush=True)
            total, right, tables = total + counts[0], right + counts[1], tables + counts[2]
    print(f"statements {right}/{total} ({100 * right / max(1, total):.2f}%)   tables {tables}/{total} ({100 * tables / max(1, total):.2f}%)")
    return total == 0 or min(right, tables) < 0.97 * total


if __name__ == "__main__":
    sys.exit(main())
