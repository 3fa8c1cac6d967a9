"""Random read queries as source text, over the models of one app: Maker(label, seed).query().

Everything comes from `_meta`: paths over forward, reverse, many-to-many, generic and inherited relations, lookups and
transforms that suit the field at the end of the path, values of its type. A small share is wrong on purpose, because
refusals are compared too.
"""
import random

from django.apps import apps
from django.db import models

KINDS = {
    "int": "AutoField BigAutoField SmallAutoField IntegerField BigIntegerField SmallIntegerField PositiveIntegerField PositiveBigIntegerField PositiveSmallIntegerField",
    "str": "CharField TextField SlugField EmailField URLField FileField FilePathField ImageField", "float": "FloatField", "decimal": "DecimalField", "date": "DateField", "datetime": "DateTimeField",
    "time": "TimeField", "duration": "DurationField", "bool": "BooleanField NullBooleanField", "uuid": "UUIDField", "json": "JSONField", "ip": "GenericIPAddressField", "binary": "BinaryField"}
KIND = {name: kind for kind, names in KINDS.items() for name in names.split()}
NUMBERS = ("int", "float", "decimal")
COMPARED = {"": 30, "gt": 5, "gte": 6, "lt": 5, "lte": 5, "in": 8, "range": 3, "isnull": 4}
LOOKUPS = {
    "int": {**COMPARED, "contains": 0.3, "startswith": 0.3, "icontains": .3, "regex": .2}, "float": COMPARED, "decimal": COMPARED, "duration": COMPARED, "uuid": {"": 8, "in": 3, "isnull": 1, "icontains": .3, "startswith": .2, "gt": .3},
    "str": {"": 25, "iexact": 4, "contains": 4, "icontains": 6, "startswith": 4, "istartswith": 3, "endswith": 2, "iendswith": 2, "regex": 1.5, "iregex": 1, "in": 8, "gt": 1.5, "lte": 1, "range": 1, "isnull": 4},
    "date": {**COMPARED, "year": 4, "month": 3, "day": 2, "week": .5, "week_day": 1, "iso_week_day": .5, "iso_year": .5, "quarter": .5, "year__gt": 1, "year__lte": 1, "year__in": .7, "year__range": .5, "month__in": 1, "day__gte": .7, "contains": .2},
    "datetime": {**COMPARED, "date": 3, "time": 1, "year": 4, "month": 3, "day": 1, "hour": 1, "minute": .5, "second": .5, "week_day": 1, "quarter": .5, "date__gt": 1, "date__lte": 1, "date__year": .5, "date__in": .5, "date__range": .5, "year__lt": 1,
                 "year__gte": 1, "year__in": .5, "hour__range": .5, "time__gte": .5, "iso_year": .3, "iso_year__gt": .3, "month__gte": .5, "time__hour": .2},
    "time": {**COMPARED, "hour": 2, "minute": 1, "second__gt": .5, "hour__lt": .7}, "bool": {"": 12, "isnull": 1, "in": 1}, "binary": {"": 1, "isnull": 1}, "ip": {"": 5, "in": 2, "isnull": 1, "startswith": 1, "icontains": .5},
    "json": {"": 3, "isnull": 2, "key": 4, "index": 1, "nested": 2, "key__isnull": 1, "key__icontains": 1, "key__in": 1, "key__gt": 1, "key__startswith": .5, "key__regex": .3, "has_key": 2, "has_keys": 1, "has_any_keys": 1, "contains": 1, "contained_by": .5, "in": .4,
             "key__contains": .3, "key__iexact": .4},
    "rel": {"": 25, "in": 8, "isnull": 6, "gt": .6, "lte": .4, "exact": 1, "pk": 5, "pk__in": 3}}
FUNCTIONS = {
    "str": ("Lower({s})", "Upper({s})", "Concat({s}, Value({v}), {s})", "Concat({s}, {s})", "Trim({s})", "Substr({s}, 1, 3)", "Left({s}, 2)", "Right({s}, 3)", "Replace({s}, Value('a'), Value('b'))", "Coalesce({s}, Value({v}))", "Coalesce({s}, {s})",
            "LPad({s}, 8, Value('x'))", "Repeat({s}, 2)", "Reverse({s})", "NullIf({s}, Value({v}))", "Cast({i}, CharField())", "Cast({i}, CharField(max_length=9))", "Cast({s}, TextField())", "MD5({s})", "Greatest({s}, {s})", "Concat({s}, Value(' '), {i}, output_field=CharField())",
            "ExpressionWrapper({s}, output_field=TextField())", "Func({s}, function='LOWER')", "Func({s}, Value('x'), function='CONCAT', output_field=CharField())", "LTrim({s})", "RTrim({s})", "Least({s}, Value({v}))", "Collate({s}, 'nocase')", "Chr({i})"),
    "int": ("({i} + {n})", "({i} - {i})", "({i} * {n})", "({i} % {n})", "({i} / {n})", "-{i}", "Abs({i})", "Length({s})", "Coalesce({i}, {n})", "Coalesce({i}, Value({n}))", "Mod({i}, {n})", "Greatest({i}, {i})", "Least({i}, Value({n}))", "Cast({s}, IntegerField())", "Cast({x}, IntegerField())",
            "ExtractYear({d})", "ExtractMonth({t})", "ExtractHour({t})", "Extract({d}, 'day')", "StrIndex({s}, Value('a'))", "Floor({x})", "Ceil({x})", "Round({x})", "Sign({i})", "Value({n})", "({i} + Value({n}))", "({n} + {i})", "Power({i}, 2)", "{i}.bitand({n})", "{i}.bitor({i})", "({i} ** 2)", "NullIf({i}, Value({n}))", "Ord({s})",
            "ExpressionWrapper({i} * {n}, output_field=IntegerField())", "ExpressionWrapper({i} * {x}, output_field=FloatField())", "Func({i}, function='ABS')", "Func({i}, {n}, function='COALESCE', output_field=IntegerField())", "ExtractWeekDay({d})"),
    "float": ("Cast({i}, FloatField())", "({f} * 2)", "({f} * 1.5)", "Sqrt({f})", "Round({f}, 2)", "Coalesce({f}, 0.0)", "({f} / {f})", "ExpressionWrapper({i} / 2.0, output_field=FloatField())", "Ln({f})", "Random()", "Pi()", "Exp({f})", "ExpressionWrapper({x} + {i}, output_field=FloatField())", "({f} + {i})"),
    "decimal": ("({e} * 2)", "({e} + {e})", "Round({e}, 1)", "Cast({i}, DecimalField(max_digits=8, decimal_places=2))", "Coalesce({e}, Decimal('0'))", "Coalesce({e}, Value(Decimal('1.5')))", "ExpressionWrapper({e} * Decimal('1.1'), output_field=DecimalField())",
                "ExpressionWrapper({i} * {e}, output_field=DecimalField(max_digits=10, decimal_places=2))", "({e} * {i})", "({e} - Decimal('0.5'))", "Abs({e})", "({e} / {e})"),
    "date": ("TruncDate({t})", "TruncMonth({d})", "TruncYear({d})", "Coalesce({d}, Value(datetime.date(2020, 1, 1)))", "Trunc({d}, 'week')", "Cast({t}, DateField())", "({d} + datetime.timedelta(days=3))", "Greatest({d}, {d})", "TruncMonth({t}, output_field=DateField())",
             "ExpressionWrapper({d} - datetime.timedelta(days=1), output_field=DateField())", "TruncQuarter({d})"),
    "datetime": ("TruncDay({t})", "TruncMonth({t})", "TruncHour({t})", "Trunc({t}, 'year')", "Now()", "({t} + datetime.timedelta(hours=2))", "({t} - {u})", "ExpressionWrapper({t} + {u}, output_field=DateTimeField())", "Coalesce({t}, Now())", "Greatest({t}, {t})",
                 "Cast({d}, DateTimeField())", "TruncWeek({t})", "Trunc({d}, 'month', output_field=DateTimeField())"),
    "time": ("TruncTime({t})", "TruncHour({m})", "Cast({t}, TimeField())"),
    "duration": ("({t} - {t})", "({d} - {d})", "ExpressionWrapper({t} - {t}, output_field=DurationField())", "({u} + {u})", "Value(datetime.timedelta(days=1))", "ExpressionWrapper({u} * 2, output_field=DurationField())", "Coalesce({u}, datetime.timedelta(0))"),
    "bool": ("ExpressionWrapper({q}, output_field=BooleanField())", "Exists({sub})", "Value(True)", "GreaterThan({i}, {n})", "Exact({s}, Value({v}))", "IsNull({i}, True)", "~Exists({sub})", "Coalesce({b}, False)", "Q({kw})", "Case(When({q}, then=Value(True)), default=Value(False))"),
    "uuid": (), "json": ("JSONObject(a={i}, b={s})", "JSONArray({s}, {i})", "KT({j!r})", "Value({{'a': 1}}, JSONField())"), "ip": (), "binary": ()}
HOLES = {"s": "str", "i": "int", "f": "float", "e": "decimal", "d": "date", "t": "datetime", "m": "time", "u": "duration", "b": "bool"}
WINDOWS = ("RowNumber()", "Rank()", "DenseRank()", "Sum({i})", "Count('*')", "Avg({i})", "Max({x})", "Lag({i})", "Lead({s}, 2)", "Lag({i}, 1, default=0)", "FirstValue({s})", "LastValue({i})", "NthValue({i}, 2)", "Ntile(4)", "CumeDist()", "PercentRank()", "Min({d})", "Count({i}, filter={q})")


class Scope:
    """What a name may mean at a place: the model, the annotations so far, and the query around."""

    def __init__(self, model, outer=None):
        self.model, self.outer, self.names, self.grouped = model, outer, {}, set()


class Maker:
    def __init__(self, label, seed):
        self.rng = random.Random(f"{label} {seed}")
        self.models = sorted((m for m in apps.get_app_config(label).get_models(include_auto_created=True) if not m._meta.swapped), key=lambda m: m.__name__)
        self.label, self.count = label, 0
        self.main = [m for m in self.models if not m._meta.auto_created]
        self.rich = [m for m in self.main for _ in range(min(6, len(m._meta.get_fields()) // 2 + 1))]

    # choices

    def chance(self, p):
        return self.rng.random() < p

    def pick(self, options):
        return self.rng.choices(list(options), list(options.values()))[0] if isinstance(options, dict) else self.rng.choice(list(options))

    # fields and paths

    def fields(self, model):
        """(name, kind, related model, many) of what a path may go through."""
        cache = self.__dict__.setdefault("known", {})
        if model not in cache:
            cache[model] = out = []
            for field in model._meta.get_fields():
                related = getattr(field, "related_model", None)
                if field.is_relation:
                    if related is None or related == "self" or isinstance(related, str) or related._meta.app_label in ("admin",):
                        continue
                    if related._meta.app_label not in (self.label, "auth", "contenttypes") and model._meta.app_label != self.label:
                        continue
                    name = field.name
                    if not name.isidentifier():
                        continue
                    out.append((name, "rel", related, bool(field.one_to_many or field.many_to_many), field))
                else:
                    out.append((field.name, KIND.get(field.get_internal_type(), "other"), None, False, field))
        return cache[model]

    def walk(self, model, kinds=None, most=3, single=False):
        """A random path: (text, kind, model at the end, field); None where no such field was met."""
        for _ in range(14 if kinds else 4):
            at, parts = model, []
            depth = min(most, self.pick({0: 62, 1: 25, 2: 10, 3: 3}))
            for _ in range(depth):
                steps = [f for f in self.fields(at) if f[1] == "rel" and not (single and f[3])]
                if not steps:
                    break
                step = self.pick(steps)
                parts.append(step[0])
                at = step[2]
            ends = [f for f in self.fields(at) if (f[1] in kinds if kinds else f[1] != "binary" or self.chance(.1)) and not (single and f[3])]
            if not kinds or "int" in kinds:
                ends = ends + [("pk", "int", None, False, at._meta.pk)] * (1 if self.chance(.4) else 0)
            if ends:
                end = self.pick(ends)
                name = end[0]
                if end[1] == "rel" and getattr(end[4], "attname", None) and end[4].concrete and self.chance(.15):
                    name = end[4].attname
                return "__".join(parts + [name]), end[1] if name != "pk" else self.kind_of(at._meta.pk), end[2] or at, end[4]
        return None

    def kind_of(self, field):
        while field.is_relation and getattr(field, "target_field", None):
            field = field.target_field
        return KIND.get(field.get_internal_type(), "other")

    def name(self, scope, kinds=None, most=3):
        """A path or an annotation: (text, kind, model, field)."""
        mine = [n for n, k in scope.names.items() if not kinds or k in kinds]
        if mine and self.chance(.45):
            name = self.pick(mine)
            return name, scope.names[name], scope.model, None
        return self.walk(scope.model, kinds, most)

    # values

    def value(self, kind, field=None, model=None):
        r = self.rng
        if self.chance(.012):
            return self.pick(["'abc'", "None", "[1]", "3", "''", "True", "datetime.date(2020, 1, 1)", "1.5", "Decimal('NaN')"])
        if field is not None and getattr(field, "choices", None) and self.chance(.5):
            flat = [c[0] for c in field.flatchoices if isinstance(c[0], (int, str))]
            if flat:
                return repr(self.pick(flat))
        if kind == "rel":
            pk = self.value(self.kind_of(model._meta.pk), model._meta.pk) if not getattr(model._meta, "is_composite_pk", False) and model._meta.pk.name != "pk" else None
            if pk is None:
                return f"{model.__name__}(pk=({r.randint(1, 9)}, {r.randint(1, 9)}))"
            return pk if self.chance(.45) or model._meta.abstract else f"{model.__name__}(pk={pk})" if model in self.models else pk
        return {
            "int": lambda: str(self.pick([r.randint(1, 9), r.randint(-5, 200), 0, 1, 1000000])) if not self.chance(.04) else self.pick(["'3'", "2.0", "2.5", "True", "10**20", "-10**19"]),
            "str": lambda: self.pick(["'a'", "'it\\'s'", "'x%y_z'", "''", "'Smith'", "'back\\\\slash'", "'é'", "'a b'", "'^a.*'", "5"] if self.chance(.7) else ["'abc'", "'ABC'"]),
            "float": lambda: self.pick(["1.5", "0", "3", "-2.25", "1e10", "Decimal('2.5')", "'1.5'"]), "decimal": lambda: self.pick(["Decimal('2.50')", "3", "Decimal('0.1')", "'4.5'", "1.5", "Decimal('-7')"]),
            "date": lambda: self.pick(["datetime.date(2020, 2, 29)", "datetime.date(2005, 7, 27)", "'2010-01-02'", "datetime.datetime(2011, 3, 4, 5, 6)"]),
            "datetime": lambda: self.pick(["datetime.datetime(2020, 2, 29, 12, 30)", "datetime.datetime(2005, 7, 27, 0, 0, 0, 5)", "'2010-01-02 03:04:05'", "datetime.date(2015, 6, 7)"]),
            "time": lambda: self.pick(["datetime.time(12, 30)", "datetime.time(1, 2, 3, 4)", "'10:00'"]), "duration": lambda: self.pick(["datetime.timedelta(days=1)", "datetime.timedelta(hours=-3, microseconds=7)", "datetime.timedelta(0)"]),
            "bool": lambda: self.pick(["True", "False", "True", "False", "1", "0"]), "uuid": lambda: self.pick(["UUID('12345678123456781234567812345678')", "'550e8400-e29b-41d4-a716-446655440000'", "UUID(int=5)"]),
            "json": lambda: self.pick(["{'a': 1}", "[1, 'x']", "'s'", "3", "None", "True", "{'a': {'b': [1, None]}}", "Value(None, JSONField())", "1.5", "{}"]), "ip": lambda: self.pick(["'127.0.0.1'", "'::1'", "'::ffff:1.2.3.4'"]),
            "binary": lambda: "b'a\\x00b'"}.get(kind, lambda: self.pick(["1", "'a'", "None"]))()

    def listed(self, kind, field, model):
        items = [self.value(kind, field, model) for _ in range(self.pick({0: 1, 1: 4, 2: 8, 3: 3}))]
        if self.chance(.08):
            items.append("None")
        if self.chance(.08) and items:
            items.append(items[0])
        text = ", ".join(items)
        return self.pick({f"[{text}]": 6, f"({text}{',' if items else ''})": 2, f"{{{text}}}" if len(items) == 1 and "{" not in text and "[" not in text else f"[{text}]": 1, "range(3)" if kind == "int" else f"[{text}]": .3})

    def reference(self, scope, kinds):
        """F, an outer reference or an expression of these kinds; None where there is none."""
        if scope.outer and self.chance(.4):
            found = self.name(scope.outer, kinds, 1)
            if found:
                return f"OuterRef({found[0]!r})"
        if self.chance(.65):
            found = self.name(scope, kinds)
            return found and f"F({found[0]!r})"
        return self.expression(scope, self.pick([k for k in kinds if k != "rel"] or ["int"]), 1)

    # conditions

    def lookup(self, scope):
        """(keyword, value) of one condition."""
        if self.chance(.006):
            return self.pick(["nope", "pk__nope", "id__exact__x"]), "1"
        name, kind, model, field = self.name(scope) or ("pk", "int", scope.model, None)
        if kind == "other" or kind not in LOOKUPS:
            return name + self.pick(["", "__isnull"]), self.pick(["1", "True", "'a'", "None"])
        if kind == "rel" and model._meta.app_label not in (self.label, "auth", "contenttypes"):
            return name, "3"
        if kind == "str" and self.chance(.004):
            kind = "int"
        look = self.pick(LOOKUPS[kind])
        key = name + ("__" + look if look else "")
        base = look.split("__")[-1]
        if kind == "json":
            return self.json_lookup(name, look)
        if base == "isnull":
            return key, self.pick({"True": 10, "False": 8, "1": .1, "None": .1})
        if base in ("year", "month", "day", "week", "week_day", "iso_week_day", "iso_year", "quarter", "hour", "minute", "second") or look.split("__")[0] in ("year", "month", "day", "hour", "iso_year", "second") or look.endswith(("year", "hour")):
            number = str(self.pick([1, 2, 3, 7, 11])) if "year" not in look else str(self.rng.randint(1999, 2024))
            if base == "in":
                return key, f"[{number}, 2005]"
            if base == "range":
                return key, f"({number}, 2030)"
            if self.chance(.06):
                found = self.reference(scope, ("int",))
                return key, found or number
            return key, number
        if "date" in look.split("__"):
            kind = "date"
        elif "time" in look.split("__"):
            kind = "time"
        if kind == "rel" and look.startswith("pk"):
            kind = "rel"
        if base == "in":
            if self.chance(.2 if kind == "rel" else .08) and not scope.outer:
                return key, self.inner(scope, kind, model)
            return key, self.listed(kind, field, model)
        if base == "range":
            return key, f"({self.value(kind, field, model)}, {self.value(kind, field, model)})" if self.chance(.9) else f"(F({name!r}), {self.value(kind, field, model)})"
        if base in ("regex", "iregex"):
            return key, self.pick(["'^a'", "r'\\d+$'", "'(a|b)'", "''", "'é%'"])
        if look in ("", "exact") and self.chance(.05):
            return key, "None"
        if self.chance(.5 if scope.outer else .14):
            found = self.reference(scope, (kind,) if kind != "rel" else ("int", "rel"))
            if found:
                return key, found
        if self.chance(.02) and not scope.outer:
            return key, self.scalar(scope, kind)
        if kind in NUMBERS and base in ("contains", "startswith", "icontains"):
            return key, self.pick(["'1'", "5"])
        return key, self.value(kind, field, model)

    def json_lookup(self, name, look):
        head, _, tail = look.partition("__")
        path = {"key": "__a", "index": "__0", "nested": self.pick(["__a__b", "__a__0__c", "__k__1"])}.get(head)
        if path:
            key = name + path + ("__" + tail if tail else "")
            value = {"isnull": "True", "in": "[1, 'a', None]", "gt": "2", "regex": "'^a'", "contains": "{'b': 1}"}.get(tail) or ("'x'" if tail else self.value("json"))
            return key, value
        value = {"isnull": self.pick(["True", "False"]), "has_key": "'a'", "has_keys": "['a', 'b']", "has_any_keys": "['a', '0']", "in": "[{'a': 1}, 3]"}.get(look) or self.value("json")
        return name + ("__" + look if look else ""), value

    def keywords(self, scope, most=3):
        found = dict(self.lookup(scope) for _ in range(self.pick({1: 65, 2: 28, 3: 7}) if most > 1 else 1))
        return ", ".join(f"{k}={v}" for k, v in found.items())

    def condition(self, scope, depth=1):
        """A Q tree."""
        if depth <= 0 or self.chance(.35):
            if self.chance(.04) and not scope.outer:
                return f"Exists({self.correlated(scope)})"
            if self.chance(.02):
                return "Q()"
            return f"Q({self.keywords(scope)})"
        one, two = self.condition(scope, depth - 1), self.condition(scope, depth - 1)
        return self.pick({f"{one} & {two}": 3, f"({one} | {two})": 6, f"~({one})" if one.startswith("(") or " & " in one else f"~{one}": 3, f"({one} ^ {two})": .7, f"({one}) & ~({two})": 1})

    def arguments(self, scope):
        """What filter() or exclude() take."""
        out = []
        if self.chance(.3):
            out.append(self.condition(scope, self.pick({0: 1, 1: 4, 2: 3, 3: 1})))
            if self.chance(.15):
                out.append(self.condition(scope, 1))
        elif self.chance(.02):
            out.append(self.expression(scope, "bool", 1))
        if not out or self.chance(.25):
            out.append(self.keywords(scope))
        return ", ".join(out)

    # queries inside queries

    def inner(self, scope, kind, model):
        """A queryset where a list may stand."""
        if kind == "rel":
            if model not in self.models:
                return "[1, 2]"
            inside = Scope(model)
            text = f"{model.__name__}.objects"
        else:
            inside = Scope(self.pick(self.main))
            text = f"{inside.model.__name__}.objects"
        text += f".filter({self.keywords(inside, 2)})" if self.chance(.7) else ".all()"
        if self.chance(.15):
            text += f".exclude({self.keywords(inside, 1)})"
        if self.chance(.2):
            text += f".order_by({self.order(inside)})"
        if kind != "rel":
            found = self.walk(inside.model, (kind,), 1)
            text += f".values{self.pick(['', '_list'])}({(found[0] if found else 'pk')!r})"
        elif self.chance(.3):
            text += self.pick([".values('pk')", ".values_list('pk', flat=True)", ".values_list('pk')"])
        if self.chance(.15):
            text += f"[:{self.rng.randint(1, 5)}]"
        if self.chance(.1):
            text += ".distinct()" if not text.endswith("]") else ""
        return text

    def correlated(self, scope):
        """A queryset on a model that knows this one, bound by OuterRef."""
        backs = [f for f in self.fields(scope.model) if f[1] == "rel" and f[2] in self.models]
        name = key = None
        if backs and self.chance(.85):
            _, _, related, _, field = self.pick(backs)
            inside = Scope(related, scope)
            back = getattr(field, "field", None) if field.auto_created else None
            remote = back.name if back is not None else next((f[0] for f in self.fields(related) if f[4] is getattr(field, "remote_field", None)), "pk")
            here = "pk" if field.one_to_many or field.many_to_many or field.auto_created else field.name
            return f"{related.__name__}.objects.filter({remote}=OuterRef({here!r}){', ' + self.keywords(inside, 1) if self.chance(.35) else ''})"
        inside = Scope(self.pick(self.main), scope)
        return f"{inside.model.__name__}.objects.filter({self.keywords(inside, 1)})"

    def scalar(self, scope, kind):
        """Subquery(…) that gives one value of a kind."""
        if scope.outer:
            return "Value(1)"
        text = self.correlated(scope)
        model = next(m for m in self.models if m.__name__ == text.split(".")[0])
        inside = Scope(model)
        found = self.walk(model, (kind,), 1)
        if kind == "int" and self.chance(.3):
            by = self.walk(model, None, 0)
            body = f"{text}{self.pick(['.order_by()', ''])}.values({by[0]!r}).annotate(n={self.pick(['Count(%r)' % 'pk', 'Count(%r)' % '*'])}).values('n')"
            return f"Subquery({body}{self.pick(['', '[:1]'])})"
        order = f".order_by({self.order(inside)})" if self.chance(.6) else ""
        return f"Subquery({text}{order}.values{self.pick(['', '_list'])}({(found[0] if found else 'pk')!r})[:1]{', output_field=IntegerField()' if kind == 'int' and self.chance(.1) else ''})"

    # expressions

    def expression(self, scope, kind, depth=1):
        r = self.rng
        found = self.name(scope, (kind,))
        if depth <= 0 or kind not in FUNCTIONS or not FUNCTIONS[kind] or self.chance(.12):
            if scope.outer and self.chance(.3):
                other = self.name(scope.outer, (kind,), 1)
                if other:
                    return f"OuterRef({other[0]!r})"
            return f"F({found[0]!r})" if found else f"Value({self.value(kind)})" if kind in ("int", "str", "bool", "float", "decimal") else f"Value({self.value(kind)}, output_field={self.output(kind)})"
        if self.chance(.13):
            return self.case(scope, kind, depth - 1)
        if self.chance(.05) and not scope.outer:
            return self.scalar(scope, kind)
        template = self.pick(FUNCTIONS[kind])
        if kind == "json" and "!r" in template:
            found = self.walk(scope.model, ("json",), 1)
            return f"KT({found[0] + '__a' !r})" if found else "JSONObject(a=1)"
        return self.fill(template, scope, depth)

    def fill(self, template, scope, depth):
        values = {}
        maker = self

        class Holes(dict):
            def __missing__(self, key):
                if key in HOLES:
                    return maker.expression(scope, HOLES[key], depth - 1)
                return {"n": lambda: str(maker.rng.randint(1, 9)), "v": lambda: maker.value("str"), "x": lambda: maker.expression(scope, maker.pick(NUMBERS), depth - 1), "q": lambda: maker.condition(scope, maker.pick([0, 0, 1])),
                        "kw": lambda: maker.keywords(scope, 2), "sub": lambda: maker.correlated(scope) if not scope.outer else f"{scope.model.__name__}.objects.all()"}[key]()
        import string
        parts = []
        for literal, hole, _, _ in string.Formatter().parse(template):
            parts.append(literal)
            if hole is not None:
                parts.append(Holes(values)[hole])
        return "".join(parts)

    def output(self, kind):
        return {"int": "IntegerField()", "str": "CharField()", "float": "FloatField()", "decimal": "DecimalField(max_digits=9, decimal_places=2)", "date": "DateField()", "datetime": "DateTimeField()", "time": "TimeField()", "duration": "DurationField()",
                "bool": "BooleanField()", "uuid": "UUIDField()", "json": "JSONField()", "ip": "GenericIPAddressField()", "binary": "BinaryField()"}.get(kind, "TextField()")

    def case(self, scope, kind, depth):
        def result():
            return f"Value({self.value(kind)})" if kind in ("int", "str", "bool", "decimal", "float") and self.chance(.6) else self.expression(scope, kind, depth)
        whens = []
        for _ in range(self.pick({1: 6, 2: 3, 3: 1})):
            whens.append(f"When({self.pick([self.keywords(scope, 2), self.condition(scope, 1)])}, then={result()})")
        default = f", default={result()}" if self.chance(.7) else ""
        output = f", output_field={self.output(kind)}" if self.chance(.4) else ""
        return f"Case({', '.join(whens)}{default}{output})"

    def aggregate(self, scope, depth=1):
        """(text, kind) of an aggregate."""
        name = self.pick({"Count": 12, "Sum": 6, "Avg": 4, "Min": 3, "Max": 4, "StdDev": .5, "Variance": .5, "StringAgg": 0})
        extra = ""
        if name == "Count":
            if self.chance(.12):
                what, kind = "'*'", "int"
            else:
                found = self.name(scope)
                what = repr(found[0]) if found and self.chance(.85) else f"{self.expression(scope, self.pick(['int', 'str']), depth)}"
            kind = "int"
            if self.chance(.3) and what != "'*'":
                extra += ", distinct=True"
        else:
            kinds = NUMBERS if name not in ("Min", "Max") else (self.pick(["int", "float", "decimal", "str", "date", "datetime"]),)
            if name in ("Sum", "Avg") and self.chance(.06):
                kinds = ("duration",)
            found = self.name(scope, kinds)
            if found and self.chance(.75):
                what, kind = repr(found[0]), found[1]
            else:
                kind = self.pick(kinds)
                what = self.expression(scope, kind, depth)
            if self.chance(.08):
                extra += ", distinct=True"
            if name in ("Avg", "StdDev", "Variance") and kind == "int":
                kind = "float"
            if self.chance(.1) and kind in NUMBERS:
                extra += f", default={self.value(kind)}"
            if self.chance(.05):
                extra += f", output_field={self.output(kind)}"
        if self.chance(.18):
            extra += f", filter={self.condition(scope, self.pick([0, 0, 1]))}"
        text = f"{name}({what}{extra})"
        if self.chance(.1) and kind in NUMBERS:
            return self.pick([f"Coalesce({text}, 0)", f"{text} * 2", f"{text} + {self.aggregate(scope, 0)[0]}", f"Coalesce({text}, Value(0))", f"Cast({text}, IntegerField())", f"Round({text})"]), kind
        return text, kind

    def window(self, scope):
        inside = self.fill(self.pick(WINDOWS), scope, 1)
        parts = []
        if self.chance(.6):
            by = self.name(scope, None, 1)
            parts.append(f"partition_by={self.pick(['F(%r)' % by[0], '[F(%r)]' % by[0], repr(by[0])])}")
        if self.chance(.7):
            parts.append(f"order_by={self.pick([repr('-pk'), self.ordering(scope), '[' + self.ordering(scope) + ', ' + repr('pk') + ']'])}")
        if self.chance(.15):
            parts.append(f"frame={self.pick(['RowRange(start=None, end=0)', 'RowRange(start=-1, end=1)', 'ValueRange(start=None, end=0)', 'ValueRange()'])}")
        return f"Window({', '.join([inside] + parts)})", "int"

    def annotation(self, scope):
        what = self.pick({"aggregate": 40, "expression": 40, "path": 7, "subquery": 7, "window": 5, "condition": 4})
        if what == "aggregate":
            return self.aggregate(scope)
        if what == "window":
            return self.window(scope)
        kind = self.pick({"int": 10, "str": 10, "float": 2, "decimal": 3, "date": 3, "datetime": 3, "duration": 1, "bool": 4, "json": .7, "time": .4})
        if what == "path":
            found = self.name(scope)
            return f"F({found[0]!r})", found[1]
        if what == "subquery":
            return self.scalar(scope, kind), kind
        if what == "condition":
            return self.pick([f"Exists({self.correlated(scope)})", self.condition(scope, 1)]), "bool"
        return self.expression(scope, kind, self.pick([1, 1, 2, 2, 3])), kind

    # the parts of a chain

    def ordering(self, scope):
        found = self.name(scope, None, 2) or ("pk",)
        text = f"F({found[0]!r})" if self.chance(.7) else self.expression(scope, self.pick(["int", "str"]), 1)
        return text + self.pick([".asc()", ".desc()", ".desc(nulls_last=True)", ".asc(nulls_first=True)", ".asc(nulls_last=True)", ".desc(nulls_first=True)"]) if not text.startswith("-") else f"({text}).desc()"

    def order(self, scope):
        out = []
        for _ in range(self.pick({1: 6, 2: 3, 3: 1})):
            found = self.name(scope, None, 2)
            out.append(self.pick({repr(found[0] if found else "pk"): 6, repr("-" + found[0] if found else "-pk"): 5, self.ordering(scope): 2, "'pk'": 1, "'?'": .15}))
        return ", ".join(out)

    def paths(self, scope, least=0):
        out = []
        for _ in range(max(least, self.pick({0: 1, 1: 6, 2: 5, 3: 3, 4: 1}))):
            found = self.name(scope, None, 2)
            if found:
                text = found[0]
                if found[1] in ("date", "datetime") and self.chance(.12):
                    text += self.pick(["__year", "__month"])
                if found[1] == "json" and self.chance(.3):
                    text += "__a"
                out.append(text)
        return out or ["pk"]

    def fresh(self, scope):
        self.count += 1
        if self.chance(.004):
            return self.pick([f[0] for f in self.fields(scope.model)] or ["pk"])
        return self.pick("abcdexyz") + str(self.count % 7)

    def single(self, model, most=2):
        """A path for select_related."""
        parts, at = [], model
        for _ in range(self.rng.randint(1, most)):
            steps = [f for f in self.fields(at) if f[1] == "rel" and not f[3] and not (f[4].auto_created and not f[4].one_to_one)] or (self.fields(at) if self.chance(.1) else [])
            if not steps:
                break
            step = self.pick(steps)
            name = step[4].get_accessor_name() if step[4].auto_created and hasattr(step[4], "get_accessor_name") and self.chance(.2) else step[0]
            parts.append(name or step[0])
            at = step[2] or at
        return "__".join(parts)

    def step(self, scope, state):
        """One method call of a chain."""
        kinds = {"filter": 30, "exclude": 9, "order_by": 9, "annotate": 13, "alias": 2.5, "distinct": 4, "select_related": 4, "only": 2.5, "defer": 2.5, "reverse": 1.5, "values": 6, "values_list": 5, "slice": 4, "filtered": 1.5, "prefetch": 1.5, "combine": 1.2,
                 "union": 1.5, "all": .5, "none": .15, "for_update": .5, "dates": .6, "extra": .3, "complex": .4}
        what = self.pick(kinds)
        if state.get("sliced") and what not in ("values", "values_list", "only", "prefetch") and not self.chance(.04):
            return ""
        if state.get("union") and what not in ("order_by", "slice", "union") and not self.chance(.04):
            return ""
        if state.get("values") and what in ("select_related", "only", "defer", "prefetch", "for_update") and not self.chance(.05):
            return ""
        if what in ("filter", "exclude"):
            return f".{what}({self.arguments(scope)})"
        if what == "order_by":
            return f".order_by({self.order(scope) if self.chance(.93) else ''})"
        if what in ("annotate", "alias"):
            added, positional = [], []
            for _ in range(self.pick({1: 7, 2: 2, 3: .5})):
                text, kind = self.annotation(scope)
                if self.chance(.06) and text.split("(")[0] in ("Count", "Sum", "Max", "Min", "Avg") and text.endswith(")") and text.count("(") == 1 and "'*'" not in text:
                    path = text.split("'")[1] if "'" in text else None
                    if path:
                        positional.append(text)
                        scope.names[f"{path}__{text.split('(')[0].lower()}"] = kind
                        continue
                added.append((self.fresh(scope), text, kind))
            scope.names.update((n, k) for n, _, k in added)
            return f".{what}({', '.join(positional + [f'{n}={t}' for n, t, _ in added])})"
        if what == "distinct":
            return ".distinct()" if self.chance(.85) else f".distinct({', '.join(repr(p) for p in self.paths(scope)[:2])})"
        if what == "select_related":
            found = [p for p in (self.single(scope.model) for _ in range(self.rng.randint(1, 2))) if p]
            return f".select_related({', '.join(map(repr, found))})" if self.chance(.95) else ".select_related(None)"
        if what in ("only", "defer"):
            names = [self.single(scope.model, 1) + "__" if self.chance(.2) else "" for _ in range(2)]
            found = [self.walk(scope.model, None, 0) for _ in range(self.rng.randint(1, 3))]
            out = [f[0] for f in found if f and (what == "only" or f[0] != "pk")]
            related = self.single(scope.model, 1)
            if self.chance(.25) and related:
                step = next((f for f in self.fields(scope.model) if f[0] == related), None)
                more = step and step[2] and self.walk(step[2], None, 0)
                if more:
                    state["related"] = related
                    return f".select_related({related!r}).{what}({', '.join(map(repr, out[:1] + [related + '__' + more[0]]))})"
            return f".{what}({', '.join(map(repr, out))})"
        if what in ("values", "values_list"):
            state["values"] = True
            names = self.paths(scope)
            if self.chance(.12):
                text, kind = self.annotation(scope)
                if what == "values":
                    name = self.fresh(scope)
                    scope.names[name] = kind
                    return f".values({', '.join([*map(repr, names), f'{name}={text}'])})"
                return f".values_list({', '.join([*map(repr, names), text])})"
            if self.chance(.1):
                return f".{what}()"
            if what == "values_list" and self.chance(.35):
                return f".values_list({names[0]!r}, {self.pick(['flat=True', 'named=True'])})"
            return f".{what}({', '.join(map(repr, names))})"
        if what == "slice":
            state["sliced"] = True
            low = self.rng.randint(0, 4)
            return self.pick({f"[:{low + 1}]": 5, f"[{low}:{low + 5}]": 3, f"[{low}:]": 1, "[:0]": .2})
        if what == "filtered":
            steps = [f for f in self.fields(scope.model) if f[1] == "rel" and f[2] in self.models]
            if not steps:
                return ""
            step = self.pick(steps)
            inside = Scope(step[2])
            found = dict(self.lookup(inside) for _ in range(self.rng.randint(1, 2)))
            condition = f"Q({', '.join(f'{step[0]}__{k}={v}' for k, v in found.items() if 'F(' not in v)})"
            if self.chance(.2):
                condition = self.condition(scope, 1)
            name = self.fresh(scope)
            use, value = self.lookup(inside)
            return f".annotate({name}=FilteredRelation({step[0]!r}, condition={condition})).{self.pick(['filter', 'filter', 'exclude'])}({name}__{use}={value})" if self.chance(.8) else f".annotate({name}=FilteredRelation({step[0]!r}, condition={condition}), n1=Count({name!r}))"
        if what == "prefetch":
            steps = [f for f in self.fields(scope.model) if f[1] == "rel"]
            if not steps:
                return ""
            step = self.pick(steps)
            name = step[4].get_accessor_name() if step[4].auto_created and hasattr(step[4], "get_accessor_name") else step[0]
            if not name:
                return ""
            if self.chance(.3) and step[2] in self.models:
                return f".prefetch_related(Prefetch({name!r}, queryset={step[2].__name__}.objects.filter({self.keywords(Scope(step[2]), 1)})))"
            return f".prefetch_related({name!r})"
        if what == "combine":
            inside = Scope(scope.model)
            other = f"{scope.model.__name__}.objects" + "".join(self.step(inside, {"union": False, "values": True, "sliced": False}) if self.chance(.3) else f".filter({self.keywords(inside)})" for _ in range(self.rng.randint(1, 2)))
            return ("&" if self.chance(.4) else "|") + other
        if what == "union":
            state["union"] = True
            inside = Scope(scope.model)
            other = f"{scope.model.__name__}.objects.filter({self.keywords(inside)})"
            if state.get("values"):
                other += f".values_list({', '.join(map(repr, self.paths(inside)))})"
            return self.pick({f".union({other})": 5, f".union({other}, all=True)": 2, f".intersection({other})": 2, f".difference({other})": 2})
        if what == "for_update":
            return f".select_for_update({self.pick(['', 'skip_locked=True', 'nowait=True', 'no_key=True', 'of=(%r,)' % 'self'])})"
        if what == "dates":
            found = self.walk(scope.model, ("date", "datetime"), 1)
            if not found:
                return ""
            state["values"] = state["sliced"] = True
            if found[1] == "date":
                return f".dates({found[0]!r}, {self.pick(['year', 'month', 'week', 'day'])!r}{self.pick(['', ', order=%r' % 'DESC'])})"
            return f".datetimes({found[0]!r}, {self.pick(['year', 'month', 'day', 'hour', 'second'])!r})"
        if what == "extra":
            return self.pick([".extra(select={'e9': '1 + 2'})", ".extra(where=['1 = 1'])", ".extra(order_by=['pk'])", ".extra(where=['id > %s'], params=[3])"])
        if what == "complex":
            return f".complex_filter({{{', '.join(repr(k) + ': ' + v for k, v in [self.lookup(scope)])}}})"
        return f".{what}()"

    def terminal(self, scope, state):
        what = self.pick({"": 62, "count": 8, "exists": 6, "first": 5, "last": 3, "get": 4, "aggregate": 8, "in_bulk": 1, "latest": 1.5, "earliest": 1, "item": 1.5, "contains": .7, "list": 1})
        if what in ("count", "exists", "first", "last"):
            return f".{what}()"
        if what == "get":
            return f".get({self.arguments(scope)})" if self.chance(.8) else ".get()"
        if what == "aggregate":
            out = [(f"r{i}", *self.aggregate(scope)) for i in range(self.pick({1: 7, 2: 2}))]
            return f".aggregate({', '.join(f'{n}={t}' for n, t, _ in out)})"
        if what == "in_bulk":
            kind = self.kind_of(scope.model._meta.pk) if scope.model._meta.pk.name != "pk" else "other"
            return f".in_bulk([{self.value(kind)}, {self.value(kind)}])" if self.chance(.7) else ".in_bulk()"
        if what in ("latest", "earliest"):
            return f".{what}({self.pick([repr(p) for p in self.paths(scope)] + ['', repr('-pk')])})"
        if what == "item":
            return f"[{self.rng.randint(0, 3)}]"
        if what == "contains":
            return f".contains({scope.model.__name__}(pk=3))"
        return ""

    def base(self, scope):
        model = scope.model
        if self.chance(.06):
            backs = [f for f in self.fields(model) if f[1] == "rel" and f[3] and f[2] in self.models and not model._meta.parents]
            if backs:
                name, _, related, _, field = self.pick(backs)
                accessor = field.get_accessor_name() if field.auto_created and hasattr(field, "get_accessor_name") else name
                if accessor:
                    owner = f"{model.__name__}(pk={self.value('int') if self.kind_of(model._meta.pk) == 'int' else self.value(self.kind_of(model._meta.pk))})"
                    scope.model = related
                    return f"{owner}.{accessor}"
        managers = [m.name for m in model._meta.managers if not m.name.startswith("_")]
        manager = self.pick(managers) if managers and self.chance(.3) else "objects" if "objects" in managers or not managers else managers[0]
        return f"{model.__name__}.{manager}"

    def query(self):
        self.count = 0
        model = self.pick(self.rich) if not self.chance(.02) else self.pick(self.models)
        scope = Scope(model)
        text = self.base(scope)
        state = {}
        for i in range(self.pick({1: 30, 2: 34, 3: 20, 4: 10, 5: 5})):
            part = self.step(scope, state)
            if part[:1] in ("&", "|"):
                text = f"({text}.all() {part[0]} {part[1:]})"
            elif part[:1] == "[" and text.count(".") == 1 and "(" not in text:
                text += ".all()" + part
            else:
                text += part
        end = self.terminal(scope, state)
        if text.count(".") == 1 and "(" not in text and (not end or end[:1] == "["):
            text += ".all()"
        return text + end
