#!/usr/bin/env python3
"""Misspell one name in recorded Django queries and hold ormc's refusal against Django's own.

    /path/to/python tests/oracle/misspelt.py [RECORD] [--ormc build/ormc] [--count 300] [--seed 1] [--show 10]

RECORD (../shared/conformance) holds django/statements/*.jsonl.gz and django/models/. In each query one component of one
path (a keyword or a string: author__nmae) loses a letter, has two neighbours swapped or one letter replaced. What Django
takes after all is left out. Four figures: ormc refuses it; with Django's message; at the very keyword or string; and its
help names what was meant. Needs Django 5.2; no database is asked, for Django refuses names before it sends a statement.
Exit status 1 where a figure is below 97 %.
"""
import argparse, ast, gzip, json, os, pathlib, random, re, string, subprocess, sys, tempfile, warnings

import django
from django.apps import apps
from django.conf import settings
from django.core.exceptions import FieldDoesNotExist, FieldError

PATH = re.compile(r"[-+]?[a-z]\w*")
SETTINGS = ["USE_TZ=False", "TIME_ZONE=America/Chicago", "DEFAULT_AUTO_FIELD=django.db.models.AutoField"]


def setup(folder):
    """Every model file is an installed app of its own; one that can't be (PostgreSQL's fields) is left out."""
    place = pathlib.Path(tempfile.mkdtemp())
    labels = []
    for path in sorted(folder.glob("*.py")):
        text = path.read_text()
        if "django.contrib.postgres" in text or "django.contrib.gis" in text:
            continue
        labels.append(path.stem)
        (place / path.stem).mkdir()
        (place / path.stem / "__init__.py").touch()
        (place / path.stem / "models.py").write_text(text)
    sys.path.insert(0, str(place))
    warnings.simplefilter("ignore")
    settings.configure(
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}, USE_TZ=False, TIME_ZONE="America/Chicago",
        DEFAULT_AUTO_FIELD="django.db.models.AutoField", SILENCED_SYSTEM_CHECKS=["*"],
        INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "django.contrib.sites", "django.contrib.sessions",
                        "django.contrib.messages", "django.contrib.admin"] + labels)
    django.setup()
    return labels


def names_of(label):
    """What an expression of this app may name."""
    names = {}
    exec("import datetime, zoneinfo\nfrom datetime import date, timedelta\nfrom decimal import Decimal\nfrom uuid import UUID\n"
         "from django.utils import timezone\nfrom django.db.models import *\nfrom django.db.models.functions import *\n"
         "from django.contrib.auth.models import *\nfrom django.contrib.contenttypes.models import *\n", names)
    names.update((m.__name__, m) for m in apps.get_app_config(label).get_models())
    return names


def refusal(source, names):
    """Django's error on a name, 'other' for any other, None where it builds and compiles the query."""
    try:
        value = eval(source, dict(names))
        if hasattr(value, "query"):
            str(value.query)
        list(value) if hasattr(value, "__iter__") else None
    except (FieldError, FieldDoesNotExist) as error:
        return str(error)
    except Exception:
        return "other"
    return None


def places(source):
    """(offset of the text, text, offset of the token) of each keyword and each string that may be a path."""
    for node in ast.walk(ast.parse(source, mode="eval")):
        if isinstance(node, ast.keyword) and node.arg:
            yield node.col_offset, node.arg, node.col_offset
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and PATH.fullmatch(node.value):
            start = node.col_offset + 1
            if source[start:start + len(node.value)] == node.value:
                yield start, node.value, node.col_offset


def misspell(word, rng):
    at = rng.randrange(len(word))
    kind = rng.choice(("swap", "drop", "replace"))
    if kind == "drop":
        return word[:at] + word[at + 1:]
    if kind == "replace":
        return word[:at] + rng.choice(string.ascii_lowercase) + word[at + 1:]
    at = min(at, len(word) - 2)
    return word[:at] + word[at + 1] + word[at] + word[at + 2:]


def mistake(case, names, rng):
    """One misspelt query that Django refuses for that very name, or None."""
    source = case["expr"]
    if "\n" in source or not source.isascii():
        return None
    found = list(places(source))
    rng.shuffle(found)
    for start, text, token in found[:3]:
        parts = [m for m in re.finditer(r"[a-zA-Z0-9]+(?:_[a-zA-Z0-9]+)*", text) if len(m[0]) > 2]
        if not parts:
            continue
        part = rng.choice(parts)
        wrong = misspell(part[0], rng)
        if wrong == part[0] or not wrong.isidentifier():
            continue
        changed = source[:start + part.start()] + wrong + source[start + part.end():]
        message = refusal(changed, names)
        if message and message != "other" and re.search(rf"'(\w+__)?{wrong}(__\w+)?'", message.split("Choices are")[0]):
            return {"id": case["id"], "expr": changed, "message": message, "column": token + 1, "meant": part[0], "path": text.lstrip("-+"), "wrong": wrong}
    return None


def answers(ormc, label, models, cases):
    command = [ormc, "batch", "-d", "sqlite", "-m", f"{label}={models}"] + [x for s in SETTINGS for x in ("--setting", s)]
    lines = "".join(json.dumps({"id": c["id"], "expr": c["expr"]}) + "\n" for c in cases)
    done = subprocess.run(command, input=lines, capture_output=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def foreign_relations(label):
    """Names by which models of the other apps appear as choices; ormc is given this app alone."""
    ours = {label} | {app.label for app in apps.get_app_configs() if app.name.startswith("django.")}
    return {relation.name for model in apps.get_models() if model._meta.app_label in ours
            for relation in (*model._meta.related_objects, *(f for f in model._meta.private_fields if f.auto_created))
            if relation.related_model._meta.app_label not in ours} | {
        field.related_query_name() for model in apps.get_models() if model._meta.app_label not in ours
        for field in model._meta.private_fields if hasattr(field, "related_query_name")}


def plain(message, foreign):
    head, choices, tail = message.partition("Choices are: ")
    return head + choices + ", ".join(name for name in tail.split(", ") if name not in foreign)


def judge(case, answer, foreign):
    """The figures that this answer misses."""
    error = answer.get("error")
    if answer.get("ok") or not error:
        return ["refused", "message", "place", "help"]
    help_text = error.get("help") or ""
    named = re.findall(r"'([^']*)'", help_text)
    return (["message"] if plain(error["message"], foreign) != plain(case["message"], foreign) else []) + (["place"] if (error.get("line"), error.get("column")) != (1, case["column"]) else []) + (
        ["help"] if not {case["meant"], case["path"]} & set(named) else [])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("record", nargs="?", type=pathlib.Path, default=pathlib.Path("../shared/conformance"))
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10)
    args = parser.parse_args()
    rng = random.Random(args.seed)
    labels = setup(args.record.absolute() / "django" / "models")
    names = {label: names_of(label) for label in labels}
    pool = []
    for label in labels:
        path = args.record / "django" / "statements" / f"{label}.jsonl.gz"
        for case in map(json.loads, gzip.open(path, "rt")) if path.exists() else ():
            if "error" not in case["expect"].get("sqlite", {"error": 1}):
                pool.append((label, case))
    rng.shuffle(pool)
    made = {}
    for label, case in pool:
        if sum(map(len, made.values())) == args.count:
            break
        wrong = mistake(case, names[label], rng)
        if wrong and refusal(case["expr"], names[label]) in (None, "other"):
            made.setdefault(label, []).append(wrong)
    missed = dict.fromkeys(("refused", "message", "place", "help"), 0)
    for label, cases in made.items():
        foreign = foreign_relations(label)
        for case, answer in zip(cases, answers(args.ormc, label, args.record / "django" / "models" / f"{label}.py", cases), strict=True):
            lacks = judge(case, answer, foreign)
            for name in lacks:
                missed[name] += 1
            if lacks and args.show > 0:
                args.show -= 1
                print(f"-- {case['id']} lacks {', '.join(lacks)}\n   {case['expr']}\n   meant {case['meant']} at {case['column']}: {case['message']}\n   got   {json.dumps(answer.get('error'))}")
    total = sum(map(len, made.values()))
    print(f"{total} misspelt: " + ", ".join(f"{name} {total - n}/{total} ({100 * (total - n) / max(1, total):.1f} %)" for name, n in missed.items()))
    return 1 if not total or max(missed.values()) > 0.03 * total else 0


if __name__ == "__main__":
    sys.exit(main())
