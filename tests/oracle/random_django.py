#!/usr/bin/env python3
"""Random Django read queries: ormc's statements against those of Django itself, on three dialects.

    /path/to/python tests/oracle/random_django.py --ormc build/ormc -m LABEL=PATH [-m …] [--count 200] [--seed 1] [--show 10] [--setting USE_TZ=True]

PATH is a models file or an app's folder; without -m the models of random_queries/. For each app a process of its own makes
queries from the models' `_meta` (random_queries/maker.py) and asks Django for them (random_queries/judge.py); the same texts
go to `ormc batch`. Prints the share that is equal by dialect, and the differences grouped by shape, each with its smallest
form: calls and arguments are dropped while ormc and Django still differ. Exit status 1 on any difference.
"""
import argparse, ast, collections, concurrent.futures, difflib, json, os, pathlib, re, subprocess, sys

HERE = pathlib.Path(__file__).parent / "random_queries"
sys.path.insert(0, str(HERE))
from judge import fold, plain

SETTINGS = ["USE_TZ=False", "TIME_ZONE=America/Chicago", "DEFAULT_AUTO_FIELD=django.db.models.AutoField"]
# functions that Django registers on SQLite: rows decide there, and tests/oracle/sqlite_datetime.py looks at those
REGISTERED = re.compile(r"\bdjango_(date|datetime|time|timestamp|format)_\w+\(")
UNSAID = {"unsupported", "syntax-error"}
ALSO = {"type-error": {"field-error"}}


class Process:
    """A program that answers each line of JSON with one."""

    def __init__(self, *command):
        self.run = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})

    def ask(self, question):
        self.run.stdin.write(json.dumps(question) + "\n")
        self.run.stdin.flush()
        line = self.run.stdout.readline()
        return json.loads(line) if line else None


def given(answer):
    """What ormc said, in the judge's form."""
    if answer is None:
        return {"error": "crash", "message": "no answer"}
    if not answer["ok"]:
        return {"error": answer["error"]["code"], "message": answer["error"]["message"]}
    out = []
    for statement in answer["statements"]:
        sql, params = statement["sql"], statement["params"]
        numbers = []
        parts = re.split(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")""", sql)
        for i in range(0, len(parts), 2):
            numbers += [int(n) - 1 for n in re.findall(r"\$(\d+)", parts[i])]
            parts[i] = re.sub(r"\$\d+", "?", parts[i])
        values = ["*" if "statement" in p else "hex64:" + p["value"] if p["type"] == "bytes" and isinstance(p.get("value"), str) else plain(p.get("value")) for p in params]
        out.append((fold("".join(parts)), [values[n] for n in numbers] if numbers else values, any("statement" in p for p in params)))
    return {"statements": out}


def loose(sql):
    sql = re.sub(r"IN \((\?|\(\?(?:, \?)*\))(?:, \1)*\)", r"IN (\1)", sql)
    return re.sub(r"""\(((?:[\w"`]+\.)*[\w"`]+ = \?|\([^()]*\))(?: OR \1)*\)""", r"\1", sql)


def same_params(ours, theirs):
    import base64
    ours = ["hex:" + base64.b64decode(p[6:]).hex() if p.startswith("hex64:") else p for p in ours]
    return len(ours) == len(theirs) and all(a in ("*", b) for a, b in zip(ours, theirs))


def difference(theirs, ours, dialect):
    """None where both agree, else what kind of difference it is."""
    if "error" in theirs:
        if "error" not in ours:
            return "accepted: " + theirs["message"].split(":")[0]
        if ours["error"] in UNSAID or ours["error"] == "crash" or theirs["error"] not in ("other", ours["error"]) and ours["error"] not in ALSO.get(theirs["error"], ()):
            return f"code {ours['error']} for {theirs['error']}"
        return None
    if "error" in ours:
        if ours["error"] == "does-not-exist" and not theirs["statements"]:
            return None
        return "refused: " + ours["error"]
    j = 0
    for sql, params, waits in ours["statements"]:
        if j < len(theirs["statements"]):
            want, values = theirs["statements"][j]
            if dialect == "sqlite" and REGISTERED.search(want):
                j += 1
                continue
            if sql == want and same_params(params, values):
                j += 1
                continue
            if waits and loose(sql) == loose(want):
                j += 1
                continue
        # a content type that only a later statement needs, which Django did not come to
        if not waits and "django_content_type" not in sql:
            if j < len(theirs["statements"]) and sql == theirs["statements"][j][0]:
                return "parameters"
            return "text"
    return None if j == len(theirs["statements"]) else "fewer statements"


class App:
    """One app's judge, and an ormc for each dialect."""

    def __init__(self, label, path, ormc, given=()):
        self.label = label
        self.judge = Process(sys.executable, str(HERE / "judge.py"), label, path, *given)
        ready = json.loads(self.judge.run.stdout.readline() or "null")
        if not ready:
            raise SystemExit(f"{label}: the judge did not start")
        self.dialects = ready["ready"]
        settings = [x for s in [*SETTINGS, *given] for x in ("--setting", s)]
        self.command = {d: [ormc, "batch", "-m", f"{label}={path}", "-d", d, *settings] for d in self.dialects}
        self.ormc = {d: Process(*c) for d, c in self.command.items()}

    def check(self, text, only=None):
        """{dialect: (difference, theirs, ours)} of an expression."""
        answer = self.judge.ask({"expr": text})
        if answer is None:
            raise SystemExit(f"{self.label}: the judge died of {text}")
        out = {}
        for d in self.dialects if only is None else [only]:
            mine = self.ormc[d].ask({"id": "x", "expr": text})
            if mine is None:
                self.ormc[d] = Process(*self.command[d])
            ours = given(mine)
            out[d] = (difference(answer[d], ours, d), answer[d], ours)
        return out

    def close(self):
        for process in (self.judge, *self.ormc.values()):
            process.run.stdin.close()
            process.run.wait()


def smaller(tree):
    """Each tree that has one thing less."""
    text = ast.unparse(tree)

    def each(node):
        for child in ast.walk(node):
            yield child
    count = sum(1 for _ in each(tree))
    for i in range(count):
        for change in range(9):
            copy = ast.parse(text, mode="eval")
            node = list(each(copy))[i]
            new = None
            if isinstance(node, ast.Call):
                if change == 0 and isinstance(node.func, ast.Attribute):
                    new = node.func.value if not (isinstance(node.func.value, ast.Attribute) or isinstance(node.func.value, ast.Name)) else None
                elif change == 1 and isinstance(node.func, ast.Name) and node.args and node.func.id not in ("F", "OuterRef", "Q", "Prefetch", "Subquery", "Exists", "FilteredRelation"):
                    new = node.args[0]
                elif change in (2, 3, 4) and len(node.args) > change - 2 and len(node.args) + len(node.keywords) > 1:
                    del node.args[change - 2]
                    new = node
                elif change in (5, 6, 7) and len(node.keywords) > change - 5 and (len(node.keywords) + len(node.args) > 1):
                    del node.keywords[change - 5]
                    new = node
                elif change == 8 and isinstance(node.func, ast.Name) and len(node.args) > 1:
                    new = node.args[1]
            elif isinstance(node, ast.BinOp) and change < 2:
                new = node.left if change == 0 else node.right
            elif isinstance(node, ast.UnaryOp) and change == 0:
                new = node.operand
            elif isinstance(node, ast.Subscript) and change == 0:
                new = node.value
            elif isinstance(node, (ast.List, ast.Tuple)) and change < len(node.elts) and len(node.elts) > 1:
                del node.elts[change]
                new = node
            if new is None:
                continue
            if new is not node:
                class Put(ast.NodeTransformer):
                    def visit(self, x):
                        return new if x is node else super().generic_visit(x)
                copy = Put().visit(copy)
            shorter = ast.unparse(copy)
            if shorter != text:
                yield shorter


def shrink(app, text, dialect, kind):
    """The smallest text found that differs in the same way."""
    for _ in range(60):
        for candidate in sorted(set(smaller(ast.parse(text, mode="eval"))), key=len):
            if len(candidate) < len(text) and app.check(candidate, dialect)[dialect][0] == kind:
                text = candidate
                break
        else:
            return text
    return text


def bare(text):
    """A text without the names of one app: of a message what it says, of SQL its tokens."""
    text = re.sub(r"Choices are:.*|perhaps you meant.*|'[^']*'|\"[^\"]*\"|<[^>]*>|\d+", "x", text)
    return re.sub(r"(x\.)+x", "x", re.sub(r"\b[A-Z]\w+ has no|\b[A-Z]\w+\.", "x ", text))


def tokens(answer):
    out = []
    for statement in answer["statements"]:
        sql = re.sub(r"""(?:[`"]\w+[`"]|\b[TU]\d+)(?:\.[`"]\w+[`"])?|\b[a-z]\d?\.[`"]\w+[`"]""", "x", statement[0])
        out += re.findall(r"\w+|[^\s\w]", re.sub(r"\b[A-Z]\d+\b", "x", sql))
    return out


def shape(kind, theirs, ours):
    """What differs, without the names of one app."""
    if "error" in theirs or "error" in ours:
        return bare((theirs if "error" in theirs else ours)["message"])
    if kind == "parameters":
        return ""
    one, two = tokens(theirs), tokens(ours)
    changes = [c for c in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes() if c[0] != "equal"]
    return " … ".join(f"{' '.join(one[max(0, a - 1):b][:8])} → {' '.join(two[max(0, c - 1):d][:8])}" for _, a, b, c, d in changes[:2])


def run(label, path, options, seed):
    app = App(label, path, options.ormc, options.setting)
    texts = app.judge.ask({"make": options.count, "seed": seed})["texts"]
    counts = {d: collections.Counter() for d in app.dialects}
    found = []
    for text in texts:
        ast.parse(text, mode="eval")
        result = app.check(text)
        bad = {d: r for d, r in result.items() if r[0]}
        for d, r in result.items():
            counts[d]["all"] += 1
            counts[d]["equal"] += not r[0]
            counts[d]["refused"] += "error" in r[1]
        if bad:
            d = next(iter(bad))
            kind = bad[d][0]
            short = shrink(app, text, d, kind) if len(found) < options.shrink else text
            theirs, ours = app.check(short, d)[d][1:]
            found.append({"app": label, "dialects": sorted(bad), "kind": kind, "text": text, "short": short, "theirs": theirs, "ours": ours})
    app.close()
    return counts, found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("-m", "--models", action="append", default=[])
    parser.add_argument("--setting", action="append", default=[], help="NAME=VALUE, of Django; repeatable")
    parser.add_argument("--count", type=int, default=200, help="queries an app")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("--shrink", type=int, default=40, help="how many differences an app to make small")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--json", help="write every difference to this file")
    options = parser.parse_args()
    chosen = options.models or [f"shop={HERE / 'models.py'}"]
    pairs = [m.split("=", 1) if "=" in m else (pathlib.Path(m).parent.name if pathlib.Path(m).name == "models.py" else pathlib.Path(m).stem, m) for m in chosen]
    total, found = collections.defaultdict(collections.Counter), []
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        jobs = {pool.submit(run, label, path, options, options.seed): label for label, path in pairs}
        for job in concurrent.futures.as_completed(jobs):
            try:
                counts, bad = job.result()
            except (SystemExit, SyntaxError) as why:
                print(f"{jobs[job]}: {why}")
                continue
            for d, c in counts.items():
                total[d] += c
            found += bad
    groups = collections.defaultdict(list)
    for one in found:
        groups[one["kind"], shape(one["kind"], one["theirs"], one["ours"])].append(one)
    for (kind, _), members in sorted(groups.items(), key=lambda g: -len(g[1]))[:options.show]:
        one = min(members, key=lambda m: len(m["short"]))
        print(f"-- {len(members)} × {kind}, {one['app']} {' '.join(one['dialects'])}\n   {one['short']}")
        for who in ("theirs", "ours"):
            answer = one[who]
            print(f"   {who:6} " + (f"{answer['error']}: {answer['message']}" if "error" in answer else "\n          ".join(f"{s[0]} {s[1]}" for s in answer["statements"])))
    for d, c in total.items():
        print(f"{d}: {c['equal']}/{c['all']} equal ({100 * c['equal'] / c['all']:.2f} %), {c['refused']} of them refused by Django")
    if options.json:
        json.dump(found, open(options.json, "w"), indent=1)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
