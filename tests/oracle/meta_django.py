#!/usr/bin/env python3
"""The models of Django's own test apps: what ormc arrives at, against `Model._meta`.

    /path/to/python tests/oracle/meta_django.py [SOURCE] [--ormc build/ormc] [--only APP] [--show 10]

SOURCE is Django's source distribution, unpacked (without it: `pip download` of the installed version). Every folder below its
tests/ that has a models module is an app: it is installed with the contrib apps as Django's own test runner does, each in a
process of its own. Of each model are compared: table, bases and parents, fields with their class, columns, options and type
on three databases, relations with their names both ways, through models, ordering, managers, indexes and constraints, and
the statements that create its table. Needs Django 5.2; no server is asked. Exit status 1 below 99 % equal models.
"""
import argparse, concurrent.futures, contextlib, json, os, pathlib, re, subprocess, sys, tarfile, tempfile, warnings

DIALECTS = {"sqlite": "sqlite3", "postgresql": "postgresql", "mariadb": "mysql"}
SETTINGS = {"USE_TZ": False, "DEFAULT_AUTO_FIELD": "django.db.models.AutoField"}
INSTALLED = ["contenttypes", "auth", "sites", "sessions", "messages", "admin.apps.SimpleAdminConfig", "staticfiles"]


# ---- Django's side: one app, in a process of its own ----

def listed(value):
    """Meta.ordering and the like: strings as they are, expressions as their repr."""
    return [v if isinstance(v, str) else repr(v) for v in ([value] if isinstance(value, str) else value or ())]


def label(model):
    return model._meta.label if isinstance(model, type) else None


def relation(field):
    from django.core.exceptions import FieldDoesNotExist
    from django.db.models import ForeignObject
    rel = field.remote_field
    about = {"to": label(rel.model), "query_name": rel.name, "accessor": rel.accessor_name, "related_name": rel.related_name, "hidden": rel.hidden}
    if field.many_to_many:
        about |= {"through": label(rel.through), "symmetrical": bool(rel.symmetrical), "through_field": field.m2m_field_name(), "through_reverse_field": field.m2m_reverse_field_name()}
    elif isinstance(field, ForeignObject) and not field.one_to_many and isinstance(rel.model, type):
        with contextlib.suppress(FieldDoesNotExist):  # one that no query could use
            about |= {"from_fields": [a.name for a, _ in field.related_fields], "to_fields": [b.name for _, b in field.related_fields]}
        about |= {"parent_link": rel.parent_link,
                  "on_delete": {"set_on_delete": "SET"}.get(rel.on_delete.__name__, rel.on_delete.__name__), "db_constraint": getattr(field, "db_constraint", True)}
    return about


def describe_field(field, connections):
    from django.db.models import NOT_PROVIDED
    about = {"name": field.name, "class": type(field).__name__, "model": label(field.model), "column": None if field.many_to_many else getattr(field, "column", None), "attname": getattr(field, "attname", None)}
    if about["column"]:
        about["type"] = {name: field.db_type(connection) for name, connection in connections.items()}
    for name in "null", "blank", "primary_key", "unique", "db_index", "editable", "auto_created":
        about[name] = bool(getattr(field, name, False))
    for name in "max_length", "max_digits", "decimal_places":
        about[name] = getattr(field, name, None)
    about["has_default"] = getattr(field, "default", NOT_PROVIDED) is not NOT_PROVIDED
    about["has_db_default"] = getattr(field, "db_default", NOT_PROVIDED) is not NOT_PROVIDED
    about["has_choices"] = getattr(field, "choices", None) is not None
    about["collation"] = str(getattr(field, "db_collation", None) or "") or None
    about["comment"] = getattr(field, "db_comment", None) or None
    if about["class"] == "CompositePrimaryKey":
        about["key"] = list(field.field_names)
    if getattr(field, "remote_field", None):
        about["relation"] = relation(field)
    return about


def describe_constraint(item):
    from django.db import models
    index = isinstance(item, models.Index)
    return {"name": item.name, "class": type(item).__name__, "include": list(getattr(item, "include", ())),
            "fields": [name for name, _ in item.fields_orders] if index else list(getattr(item, "fields", ())),
            "condition": getattr(item, "condition", None) is not None, "expressions": len(getattr(item, "expressions", ()))}


def describe_model(model, connections):
    meta = model._meta
    fields = [*meta.fields, *meta.many_to_many, *meta.private_fields]
    reverse = [f for f in meta.get_fields(include_hidden=True) if f.auto_created and not f.concrete]
    return {
        "label": meta.label, "table": meta.db_table, "proxy": meta.proxy, "managed": meta.managed, "swapped": bool(meta.swapped), "auto_created": bool(meta.auto_created),
        "bases": [b._meta.label for b in model.__bases__ if hasattr(b, "_meta")], "parents": {p._meta.label: link and link.name for p, link in meta.parents.items()},
        "pk": meta.pk and meta.pk.name, "fields": [describe_field(f, connections) for f in fields],
        "related": [{"name": r.name, "accessor": r.accessor_name, "model": label(r.related_model), "field": r.field.name, "hidden": r.hidden, "multiple": r.multiple} for r in reverse],
        "ordering": listed(meta.ordering), "get_latest_by": listed(meta.get_latest_by), "order_with_respect_to": meta.order_with_respect_to and meta.order_with_respect_to.name,
        "unique_together": [list(names) for names in meta.unique_together], "indexes": [describe_constraint(i) for i in meta.indexes],
        "constraints": [describe_constraint(c) for c in meta.constraints], "managers": [{"name": m.name, "class": type(m).__name__} for m in meta.managers],
        "default_manager": model._default_manager.name if not meta.swapped else None, "base_manager": model._base_manager.name if not meta.swapped else None,
        "verbose_name": str(meta.verbose_name), "comment": meta.db_table_comment or None, "tablespace": meta.db_tablespace or None}


def table(model, connection):
    """What a schema editor says to create the table."""
    editor = connection.SchemaEditorClass(connection, collect_sql=True, atomic=False)
    editor.deferred_sql = []
    if connection.vendor == "mysql":
        from MySQLdb import converters, string_literal
        editor.quote_value = lambda value: string_literal(value.encode()).decode().replace("\\'", "''") if isinstance(value, str) else converters.Float2Str(value, {}) if isinstance(value, float) else str(value)
    editor.create_model(model)
    return [str(s).rstrip(";") for s in [*editor.collected_sql, *editor.deferred_sql] if not str(s).startswith("--")]


def installed(app="", more=()):
    extra = {"deprecation": ["flatpages", "redirects"], "flatpages_tests": ["flatpages"], "redirects_tests": ["redirects"]}.get(app.split(".")[0], [])
    return [f"django.contrib.{name}" for name in INSTALLED + extra] + [*more, app][:len(more) + bool(app)]


def ask_django(source, app, more):
    """Prints what Django makes of one app."""
    os.chdir(source / "tests")
    sys.path.insert(0, str(source / "tests"))
    warnings.simplefilter("ignore")
    import django
    from django.conf import settings
    settings.configure(
        **SETTINGS, INSTALLED_APPS=installed(), SILENCED_SYSTEM_CHECKS=["*"], SITE_ID=1, ROOT_URLCONF="urls", SECRET_KEY="x",
        DATABASES={"default" if name == "sqlite" else name: {"ENGINE": f"django.db.backends.{engine}", "NAME": ":memory:"} for name, engine in DIALECTS.items()})
    django.setup()
    from django.apps import apps
    apps.set_installed_apps(settings.INSTALLED_APPS + [name for name in installed(app, more) if name not in settings.INSTALLED_APPS])
    from django.db import connections
    servers = {name: connections["default" if name == "sqlite" else name] for name in DIALECTS}
    servers["mariadb"].__dict__["mysql_server_data"] = {"version": "10.11.6-MariaDB", "sql_mode": "", "default_storage_engine": "InnoDB", "lower_case_table_names": 0, "has_zoneinfo_database": True}
    servers["postgresql"].__dict__["pg_version"] = 150006
    config = next(c for c in apps.get_app_configs() if c.name == app)
    models = [m for m in apps.get_models(include_auto_created=True, include_swapped=True) if m.__module__.split(".")[:app.count(".") + 1] == app.split(".")]
    found = []
    for model in models:
        about = describe_model(model, servers)
        meta = model._meta
        if meta.managed and not meta.proxy and not meta.swapped and not meta.auto_created:
            about["ddl"] = {}
            for name, connection in servers.items():
                vendor = "mysql" if name == "mariadb" else name
                if any(len(m._meta.db_table) > (connection.ops.max_name_length() or 999) for m in [model, *(f.remote_field.through for f in meta.local_many_to_many)]):
                    continue  # Django has cut such names for the default database
                try:
                    about["ddl"][name] = table(model, connection) if meta.required_db_vendor in (None, vendor) else []
                except Exception as error:
                    about["ddl"][name] = f"{type(error).__name__}: {error}"
        found.append(about)
    json.dump({"label": config.label, "models": found}, sys.stdout)


# ---- comparison ----

def run_app(options, app):
    """(Django's models by label, ormc's, ormc's statements), or why the app can't be imported."""
    more, place = [], options.source / "tests"
    while True:
        done = subprocess.run([sys.executable, __file__, str(options.source), "--ask", app, *more], capture_output=True, text=True, env={**os.environ, "RUNNING_DJANGOS_TEST_SUITE": "true"})
        if done.returncode == 0:
            break
        error = done.stderr.strip().splitlines()[-1]
        missing = re.search(r"Model class ([\w.]+)\.models\.", error)
        lazy = re.search(r"Related model '(\w+)\.", error)
        name = missing[1] if missing else f"{app.rpartition('.')[0]}.{lazy[1]}" if lazy else app
        if name in [*more, app]:
            return error
        more.append(name)
    theirs = json.loads(done.stdout)
    given = []
    for name in [*more, app]:
        path = place.joinpath(*name.split("."))
        given += ["-m", f"{theirs['label'] if name == app else name.split('.')[-1]}={path / 'models.py' if (path / 'models.py').exists() else path / 'models'}"]
    for name, value in SETTINGS.items():
        given += ["--setting", f"{name}={value}"]
    ours, statements = {}, {}
    for dialect in DIALECTS:
        dump = subprocess.run([options.ormc, "schema", "--dump", "models", "-d", dialect, *given], capture_output=True, text=True)
        for about in map(json.loads, dump.stdout.split("\n")[:-1]):
            model = ours.setdefault(about["label"], about)
            for known, field in zip(model["fields"], about["fields"]):
                known.setdefault("types", {})[dialect] = field["type"]
        answer = subprocess.run([options.ormc, "schema", "--format", "json", "-d", dialect, *given], capture_output=True, text=True)
        try:
            statements[dialect] = {fold(s["sql"]) for s in json.loads(answer.stdout)["statements"]}
        except ValueError:
            statements[dialect] = set()
    for model in ours.values():
        for field in model["fields"]:
            field["type"] = field.pop("types")
    return {m["label"]: m for m in theirs["models"]}, ours, statements


def fold(sql):
    return re.sub(r"\( | (?=\))", lambda m: m[0].strip(), re.sub(r"\s+", " ", sql)).strip().rstrip(";")


def differences(theirs, ours, path=""):
    """Paths at which ormc says something else; what Django says nothing of is passed over."""
    if isinstance(theirs, dict) and isinstance(ours, dict):
        for name, value in theirs.items():
            yield from differences(value, ours.get(name), f"{path}.{name}")
    elif isinstance(theirs, list) and isinstance(ours, list) and len(theirs) == len(ours):
        for number, (a, b) in enumerate(zip(theirs, ours)):
            name = a.get("name", number) if isinstance(a, dict) else number
            yield from differences(a, b, f"{path}[{name}]")
    elif theirs != ours:
        brief = [[x.get("name") for x in v] if isinstance(v, list) and v and isinstance(v[0], dict) else v for v in (theirs, ours)]
        yield f"{path[1:]}: Django {json.dumps(brief[0])}, ormc {json.dumps(brief[1])}"


def compare(theirs, ours, statements):
    if ours is None:
        yield "is not found"
        return
    ddl = theirs.pop("ddl", {})
    for about in theirs, ours:
        about["related"] = sorted(about["related"], key=lambda r: (r["model"] or "", r["field"], r["name"] or "", r["accessor"] or ""))
        for one in [*about["related"], *(f["relation"] for f in about["fields"] if "relation" in f)]:
            if one["hidden"]:
                one.pop("accessor", None)
    yield from differences(theirs, ours)
    for dialect, wanted in ddl.items():
        for sql in wanted if isinstance(wanted, list) else []:
            if fold(sql) not in statements[dialect] and not (dialect == "sqlite" and "(django_" in sql):
                yield f"{dialect}: no {fold(sql)}"


def unpacked(version):
    """Django's source distribution, downloaded."""
    place = tempfile.mkdtemp()
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "--dest", place, f"django=={version}"], check=True)
    (archive,) = pathlib.Path(place).glob("*.tar.gz")
    with tarfile.open(archive) as files:
        files.extractall(place, filter="data")
    return next(p for p in pathlib.Path(place).iterdir() if p.is_dir())


def apps_below(place):
    """Packages that have models, by their dotted names."""
    for folder, folders, files in os.walk(place):
        folders.sort()
        if "__init__.py" not in files and folder != str(place):
            folders.clear()
        elif "models.py" in files or os.path.exists(os.path.join(folder, "models", "__init__.py")):
            yield os.path.relpath(folder, place).replace(os.sep, ".")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", nargs="?", type=pathlib.Path)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--only", default="")
    parser.add_argument("--show", type=int, default=10)
    parser.add_argument("--ask", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if not options.source:
        import django
        options.source = unpacked(django.__version__)
    options.source = options.source.resolve()
    options.ormc = os.path.abspath(options.ormc)
    if options.ask:
        return ask_django(options.source, options.ask[0], options.ask[1:])
    names = [app for app in apps_below(options.source / "tests") if options.only in app]
    total = equal = shown = 0
    refused = {}
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for app, result in zip(names, pool.map(lambda app: run_app(options, app), names)):
            if isinstance(result, str):
                refused[app] = result
                continue
            theirs, ours, statements = result
            for name, about in theirs.items():
                wrong = list(compare(about, ours.pop(name, None), statements))
                total += 1
                equal += not wrong
                if wrong and shown < options.show:
                    shown += 1
                    print(f"{app}: {name}\n   " + "\n   ".join(wrong), flush=True)
    for app, why in refused.items():
        print(f"{app}: Django itself can't import it: {why}")
    print(f"{equal}/{total} models equal ({100 * equal / max(1, total):.2f}%), of {len(names) - len(refused)} apps")
    return total == 0 or equal < 0.99 * total


if __name__ == "__main__":
    sys.exit(main())
