#!/usr/bin/env python3
"""Random SQLAlchemy programs: ormc's statements and parameters against what SQLAlchemy's compiler gives, on three dialects.

    /path/to/python tests/oracle/random_sqlalchemy.py --ormc build/ormc [--count 2000] [--seed 1] [--show 10] [--dialect D] [--only WORD]

No server is asked: SQLAlchemy compiles without a connection. Models: seeds/random_sqlalchemy.py. Where SQLAlchemy raises, ormc
must refuse. What differs is grouped by its shape (the first place where the texts part). Exit status 1 on any difference.
"""
import argparse, collections, datetime, decimal, enum, json, pathlib, random, re, subprocess, sys, uuid, warnings

import sqlalchemy
import sqlalchemy.orm
from sqlalchemy.dialects import mysql, sqlite
from sqlalchemy.dialects.postgresql import asyncpg

MODELS = pathlib.Path(__file__).parent / "seeds" / "random_sqlalchemy.py"
DIALECTS = {"postgresql": asyncpg.dialect(dbapi=asyncpg.dialect.import_dbapi()), "sqlite": sqlite.dialect(), "mysql": mysql.dialect(paramstyle="qmark")}
DIALECTS["mysql"].server_version_info = (8, 0, 36)
PARAMETER = re.compile(r"(\$\d+|\?)(::((TIMESTAMP|TIME) (WITH|WITHOUT) TIME ZONE|DOUBLE PRECISION|(CHARACTER|BIT) VARYING|[A-Za-z_]\w*)(\(\d+(, ?\d+)?\))?(\[\])*)?", re.I)
LITERALS = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*"|`(?:[^`]|``)*`)""")
CODES = {
    "ArgumentError": {"argument-error"}, "InvalidRequestError": {"invalid-request"}, "CompileError": {"not-supported", "argument-error"},
    "UnsupportedCompilationError": {"not-supported"}, "NoForeignKeysError": {"argument-error", "invalid-request"}, "TypeError": {"type-error"},
    "AmbiguousForeignKeysError": {"argument-error", "invalid-request"}, "AttributeError": {"type-error", "field-error"}, "NotImplementedError": {"not-supported"},
}

# columns of every thing that can stand in FROM, by what they hold: n number, f real, d decimal, s text, b boolean, D date, T moment, j JSON
CORE = {
    "people": {"id": "n", "name": "s", "age": "n", "score": "f", "price": "d", "active": "b", "born": "D", "created": "T", "note": "s", "doc": "j", "order": "n", "mixed": "s"},
    "visits": {"id": "n", "person_id": "n", "place": "s", "cost": "d", "day": "D", "name": "s", "seen": "T"},
    "marks": {"visit_id": "n", "number": "n", "value": "n", "name": "s"},
    "light": {"id": "n", "name": "s", "flag": "b"},
}
CORE_LINKS = {("people", "visits"), ("visits", "marks")}
MAPPED = {
    "Author": {"id": "n", "name": "s", "age": "n", "rating": "f", "born": "D", "active": "b", "bio": "s", "title": "s", "adult": "b"},
    "Profile": {"id": "n", "author_id": "n", "site": "s"},
    "Publisher": {"id": "n", "name": "s", "book_count": "n"},
    "Book": {"id": "n", "title": "s", "pages": "n", "price": "d", "published": "D", "author_id": "n", "publisher_id": "n", "heading": "s"},
    "Review": {"id": "n", "book_id": "n", "stars": "n", "text": "s"},
    "Tag": {"id": "n", "name": "s"},
    "Node": {"id": "n", "name": "s", "parent_id": "n"},
    "Company": {"id": "n", "name": "s"},
    "Employee": {"id": "n", "name": "s", "type": "s", "company_id": "n"},
    "Engineer": {"id": "n", "name": "s", "type": "s", "company_id": "n", "language": "s"},
    "Manager": {"id": "n", "name": "s", "level": "n"},
    "Boss": {"id": "n", "name": "s", "level": "n", "golf": "n"},
    "Machine": {"id": "n", "name": "s", "engineer_id": "n"},
    "Vehicle": {"id": "n", "name": "s", "wheels": "n", "company_id": "n"},
    "Car": {"id": "n", "name": "s", "wheels": "n", "doors": "n"},
    "Sports": {"id": "n", "name": "s", "doors": "n"},
    "Truck": {"id": "n", "name": "s", "load": "n"},
    "Shape": {"id": "n", "name": "s"},
    "Circle": {"id": "n", "name": "s", "radius": "n"},
}
# relationship: (target, to many)
LINKS = {
    "Author": {"books": ("Book", True), "profile": ("Profile", False)}, "Profile": {"author": ("Author", False)}, "Publisher": {"books": ("Book", True)},
    "Book": {"author": ("Author", False), "publisher": ("Publisher", False), "tags": ("Tag", True), "reviews": ("Review", True)}, "Review": {"book": ("Book", False)},
    "Tag": {"books": ("Book", True)}, "Node": {"children": ("Node", True), "parent": ("Node", False)}, "Company": {"staff": ("Employee", True), "fleet": ("Vehicle", True)},
    "Employee": {"company": ("Company", False)}, "Engineer": {"company": ("Company", False), "machines": ("Machine", True)}, "Manager": {"company": ("Company", False)},
    "Boss": {"company": ("Company", False)}, "Machine": {"engineer": ("Engineer", False)}, "Vehicle": {"company": ("Company", False)}, "Car": {"company": ("Company", False)},
    "Sports": {"company": ("Company", False)}, "Truck": {"company": ("Company", False)}, "Shape": {}, "Circle": {},
}
CHILDREN = {"Employee": ["Engineer", "Manager", "Boss"], "Manager": ["Boss"], "Vehicle": ["Car", "Truck", "Sports"], "Car": ["Sports"]}


class Source:
    """Something that stands in FROM: its text, and the texts of its columns by what they hold."""

    def __init__(self, text, columns, mapped=None, table=None):
        self.text, self.columns, self.mapped, self.table = text, columns, mapped, table

    def of(self, kinds):
        return [c for c, k in self.columns.items() if k in kinds]


class Maker:
    """Programs as source text: assignments, then the statement."""

    def __init__(self, seed):
        self.rng = random.Random(seed)

    def pick(self, *options):
        """One of the options."""
        return self.rng.choice(options)

    def chance(self, p):
        return self.rng.random() < p

    def unique(self):
        self.binds += 1
        return self.binds

    def name(self, text, stem="v"):
        """Put text into a variable and give its name."""
        self.count += 1
        self.lines.append(f"{stem}{self.count} = {text}")
        return f"{stem}{self.count}"

    # values -------------------------------------------------------------------------------------------------------------------------

    def literal(self, kind):
        return {
            "n": lambda: str(self.rng.randint(-5, 99)), "f": lambda: self.pick("1.5", "0.25", "2"), "d": lambda: self.pick("decimal.Decimal('2.50')", "7", "1.25"),
            "s": lambda: self.pick("'a'", "'x%y_z'", "''", "'it\\'s'", "'ab/c'"), "b": lambda: self.pick("True", "False"),
            "D": lambda: "datetime.date(2020, 2, 29)", "T": lambda: "datetime.datetime(2021, 3, 4, 5, 6, 7)", "j": lambda: self.pick("{'a': 1}", "[1, 2]", "'x'", "5"),
        }[kind]()

    def typ(self, kind):
        return {
            "n": lambda: self.pick("Integer", "BigInteger", "SmallInteger", "Integer()"), "f": lambda: self.pick("Float", "Double", "Float(5)", "REAL"), "d": lambda: self.pick("Numeric", "Numeric(8, 2)", "DECIMAL(5)"),
            "s": lambda: self.pick("String", "String(20)", "Text", "Unicode(9)", "CHAR(3)", "VARCHAR(7)"), "b": lambda: "Boolean", "D": lambda: "Date", "T": lambda: self.pick("DateTime", "DateTime(timezone=True)", "TIMESTAMP"), "j": lambda: "JSON",
        }[kind]()

    def column(self, kinds):
        found = [c for s in self.scope for c in s.of(kinds)]
        return self.rng.choice(found) if found else f"literal({self.literal(kinds[0])})"

    def value(self, kind, depth):
        """An expression that holds `kind`."""
        return {"n": self.number, "f": self.real, "d": self.real, "s": self.text, "b": self.condition, "D": self.day, "T": self.moment, "j": self.json}[kind](depth)

    def number(self, depth):
        if depth <= 0 or self.chance(0.3):
            return self.column("n")
        one, two = self.number(depth - 1), self.number(depth - 1) if self.chance(0.6) else self.literal("n")
        return self.pick(
            lambda: f"({one} {self.pick('+', '-', '*', '/', '%', '//')} {two})", lambda: f"({self.literal('n')} {self.pick('+', '-', '*', '/')} {one})", lambda: f"func.coalesce({one}, {two})",
            lambda: f"func.length({self.text(depth - 1)})", lambda: f"func.char_length({self.text(depth - 1)})", lambda: f"cast({self.text(depth - 1)}, {self.typ('n')})", lambda: f"-({one})",
            lambda: f"case(({self.condition(depth - 1)}, {one}), else_={two})", lambda: f"case({{{self.literal('n')}: {one}, 7: {two}}}, value={self.number(0)})", lambda: f"func.abs({one})",
            lambda: f"case(({self.condition(0)}, {self.literal('n')}), ({self.condition(0)}, {one}))", lambda: f"extract({self.pick('year', 'month', 'day', 'hour', 'dow', 'epoch')!r}, {self.moment(depth - 1)})",
            lambda: f"func.nullif({one}, {two})", lambda: f"type_coerce({one}, {self.typ('n')})", lambda: f"literal({self.literal('n')})", lambda: f"func.made_up({one}, {two}, type_={self.typ('n')})",
            lambda: f"({one}).{self.pick('bitwise_and', 'bitwise_or', 'bitwise_xor', 'bitwise_lshift', 'bitwise_rshift')}({two})", lambda: f"({one}).op({self.pick('->', '&', '<<', '@@')!r})({two})",
            lambda: f"func.greatest({one}, {two})", lambda: f"literal_column('42', {self.typ('n')})", lambda: f"({one}).bitwise_not()", lambda: f"try_cast({one}, Integer)" if self.chance(0.1) else one,
            lambda: f"func.round({self.real(depth - 1)})", lambda: self.scalar(depth - 1, "n"), lambda: f"func.position({self.text(0)}, {self.text(0)})", lambda: f"bindparam('p{self.unique()}', {self.literal('n')})",
            lambda: f"{one}.label('lab{self.rng.randint(1, 3)}')" if self.chance(0.3) else one, lambda: f"({one}).self_group()" if self.chance(0.1) else one, lambda: f"null()" if self.chance(0.2) else one)()

    def real(self, depth):
        one = self.column("fd")
        if depth <= 0:
            return one
        return self.pick(lambda: one, lambda: f"({one} {self.pick('+', '-', '*', '/')} {self.pick(self.literal('d'), self.number(depth - 1), one)})", lambda: f"cast({self.number(depth - 1)}, {self.typ('fd'[self.chance(0.5)])})",
                         lambda: f"func.round({one}, 2)", lambda: f"func.coalesce({one}, 0)", lambda: f"func.sum({one}) / func.count()" if self.chance(0.2) else one, lambda: f"({self.number(depth - 1)} / {self.number(0)})",
                         lambda: f"({self.number(depth - 1)} // {self.number(0)})", lambda: f"func.power({one}, 2)", lambda: f"type_coerce({one}, {self.typ('d')})")()

    def text(self, depth):
        if depth <= 0 or self.chance(0.3):
            return self.column("s")
        one, two = self.text(depth - 1), self.text(depth - 1) if self.chance(0.5) else self.literal("s")
        return self.pick(
            lambda: f"func.lower({one})", lambda: f"func.upper({one})", lambda: f"({one} + {two})", lambda: f"({self.literal('s')} + {one})", lambda: f"func.concat({one}, {two})", lambda: f"({one}).concat({two})",
            lambda: f"func.substr({one}, 1, {self.number(0)})", lambda: f"cast({self.number(depth - 1)}, {self.typ('s')})", lambda: f"func.coalesce({one}, {two})", lambda: f"case(({self.condition(depth - 1)}, {one}), else_={two})",
            lambda: f"func.trim({one})", lambda: f"func.replace({one}, {self.literal('s')}, {two})", lambda: f"literal({self.literal('s')})", lambda: f"{one}.collate('C')", lambda: f"func.nullif({one}, {two})",
            lambda: f"collate({one}, 'nocase')", lambda: f"type_coerce({one}, {self.typ('s')})", lambda: f"({one}).regexp_replace('a', {self.literal('s')})", lambda: f"func.max({one})" if self.chance(0.2) else one,
            lambda: f"literal_column(\"'lit'\")", lambda: f"func.pg_catalog.format({one}, {two})", lambda: f"func.concat_ws('-', {one}, {two})", lambda: f"({one}).op('||')({two})", lambda: self.scalar(depth - 1, "s"),
            lambda: f"{self.json(depth - 1)}['k'].as_string()", lambda: f"cast({self.json(0)}['q'], String)", lambda: f"func.char_length({one}).cast(String)", lambda: f"literal({self.literal('s')}, {self.typ('s')})",
            lambda: f"func.current_user()", lambda: f"func.aggregate_strings({one}, ',')" if self.chance(0.3) else one)()

    def moment(self, depth):
        one = self.column("TD")
        return one if depth <= 0 else self.pick(lambda: one, lambda: f"func.now()", lambda: f"func.current_timestamp()", lambda: f"({one} + datetime.timedelta(days=2))", lambda: f"({one} - datetime.timedelta(hours=3))",
                                                lambda: f"func.date_trunc('month', {one})", lambda: f"cast({one}, {self.typ('T')})", lambda: f"func.coalesce({one}, {self.literal('T')})", lambda: f"literal({self.literal('T')})",
                                                lambda: f"func.strftime('%Y-%m', {one})")()

    def day(self, depth):
        one = self.column("D")
        return one if depth <= 0 else self.pick(lambda: one, lambda: f"cast({self.moment(0)}, Date)", lambda: "func.current_date()", lambda: f"literal({self.literal('D')})", lambda: f"func.max({one})" if self.chance(0.3) else one)()

    def json(self, depth):
        one = self.column("j")
        return one if depth <= 0 else self.pick(lambda: one, lambda: f"{one}['a']", lambda: f"{one}[('a', 1)]", lambda: f"{one}[2]", lambda: f"literal({self.literal('j')}, JSON)", lambda: f"cast({one}, JSON)")()

    def condition(self, depth):
        def single():
            kind = self.pick("n", "n", "n", "s", "s", "s", "f", "d", "D", "T", "b", "j")
            one = self.value(kind, depth - 1) if kind != "b" else self.column("b")
            two = self.value(kind, depth - 1) if self.chance(0.4) and kind not in "bj" else self.literal(kind)
            if kind == "b":
                return self.pick(one, f"{one}.is_(True)", f"{one} == {two}", f"{one}.is_not(False)", f"~{one}", f"not_({one})", f"{one}.is_(None)", f"{one} != {two}", f"{one}.isnot(None)")
            if kind == "j":
                return self.pick(f"{one}['k'].as_integer() {self.pick('==', '<', '>=')} 4", f"{one}[('a', 'b')].as_string() == 'x'", f"{one}['f'].as_float() > 1.5", f"{one}['t'].as_boolean() == True", f"{one}.is_(None)",
                                 f"{one} == {two}", f"{one}['n'].as_numeric(10, 2) == 3", f"{one}['k'].as_json() == {two}", f"{one} == JSON.NULL" if "literal" not in one else f"{one} == {two}", f"{one}['x'].is_(null())", f"{one}['s'].as_string().like('a%')")
            if kind == "s" and self.chance(0.5):
                return self.pick(
                    f"({one}).like({two})", f"({one}).ilike({two})", f"({one}).not_like({two}, escape='/')", f"({one}).not_ilike({two})", f"({one}).contains({two})", f"({one}).startswith({self.literal('s')}, autoescape=True)",
                    f"({one}).endswith({two})", f"({one}).icontains({two})", f"({one}).istartswith({self.literal('s')}, autoescape=True, escape='^')", f"({one}).iendswith({two})", f"({one}).regexp_match({two})",
                    f"({one}).regexp_match('a', flags='i')", f"({one}).match({two})", f"~({one}).contains({two})", f"not_(({one}).like({two}))", f"({one}).notlike({two})", f"({one}).contains({self.literal('s')}, autoescape=True)")
            return self.pick(
                lambda: f"({one} {self.pick('==', '!=', '<', '<=', '>', '>=')} {two})", lambda: f"({one} {self.pick('==', '!=', '<', '<=', '>', '>=')} {two})", lambda: f"({two} {self.pick('==', '<', '>=')} {one})", lambda: f"({one}).in_([{self.literal(kind)}, {self.literal(kind)}])",
                lambda: f"({one}).not_in([{self.literal(kind)}])", lambda: f"({one}).in_([])", lambda: f"({one}).notin_([])", lambda: f"({one}).in_([{self.literal(kind)}, None])", lambda: f"({one}).between({self.literal(kind)}, {two})", lambda: f"~({one}).between({self.literal(kind)}, {self.literal(kind)})",
                lambda: f"({one}).is_(None)", lambda: f"({one}).is_not(None)", lambda: f"({one} == None)", lambda: f"({one} != None)", lambda: f"({one}).is_distinct_from({two})", lambda: f"({one}).is_not_distinct_from({two})", lambda: f"({one}).in_({self.select_one(kind, depth - 1)})",
                lambda: f"({one}).not_in({self.select_one(kind, depth - 1)})", lambda: f"({one} == {self.pick('any_', 'all_')}({self.select_one(kind, depth - 1)}.scalar_subquery()))", lambda: f"({one} {self.pick('>', '==')} {self.scalar(depth - 1, kind)})", lambda: f"~({one}).in_([{self.literal(kind)}])",
                lambda: f"({one}).in_(bindparam('list{self.unique()}', [{self.literal(kind)}], expanding=True))", lambda: f"between({one}, {self.literal(kind)}, {two}, symmetric=True)", lambda: f"tuple_({one}, {self.column('n')}).in_([({self.literal(kind)}, 1), ({self.literal(kind)}, 2)])",
                lambda: f"(tuple_({one}, {self.column('n')}) {self.pick('==', '>')} tuple_({two}, 5))", lambda: f"({one}).op('~~')({two})", lambda: f"({one}).bool_op('&&')({two})", lambda: f"({one}).in_([{self.value(kind, 0)}, {self.literal(kind)}])")()
        if depth <= 0 or self.chance(0.5):
            if self.chance(0.12) and depth > 0:
                return self.exists(depth - 1)
            if self.chance(0.2):
                return self.related() or single()
            return single()
        return self.pick(
            lambda: f"and_({self.condition(depth - 1)}, {self.condition(depth - 1)})", lambda: f"or_({self.condition(depth - 1)}, {self.condition(depth - 1)})", lambda: f"({self.condition(depth - 1)} & {self.condition(depth - 1)})",
            lambda: f"({self.condition(depth - 1)} | {self.condition(depth - 1)})", lambda: f"not_({self.condition(depth - 1)})", lambda: f"~({self.condition(depth - 1)})", lambda: f"or_({single()}, and_({single()}, {single()}), {self.pick('true()', 'false()', 'text(%r)' % '1 = 1')})",
            lambda: f"and_(true(), {self.condition(depth - 1)})", lambda: f"not_(or_({self.condition(depth - 1)}, {single()}))", lambda: f"({single()} == {self.pick('True', 'False', single())})", lambda: f"or_(False, *[{single()}, {single()}])")()

    def related(self):
        """A condition on a relationship of what is in scope."""
        found = [s for s in self.scope if s.mapped and LINKS[s.mapped]]
        if not found:
            return None
        source = self.rng.choice(found)
        link = self.rng.choice(list(LINKS[source.mapped]))
        target, many = LINKS[source.mapped][link]
        one, column = f"{source.text}.{link}", self.inner(self.mapped(target), lambda: self.condition(0))
        if target in CHILDREN and self.chance(0.3):
            child = self.rng.choice(CHILDREN[target])
            one, column = f"{one}.of_type({child})", self.inner(self.mapped(child), lambda: self.condition(0))
        if many:
            return self.pick(f"{one}.any()", f"{one}.any({column})", f"~{one}.any({column})", f"{one}.contains({target}(id=4))" if ".of_type" not in one else f"{one}.any()", f"{one}.any(name='x')", f"{one}.and_({column}).any()")
        return self.pick(f"{one}.has()", f"{one}.has({column})", f"~{one}.has({column})", f"{one} == {target}(id=3)", f"{one} != {target}(id=3)", f"{one} == None", f"{one} != None", f"{one}.is_(None)", f"{one}.has(id=2)")

    # things in FROM -----------------------------------------------------------------------------------------------------------------

    def inner(self, source, make, outer=True):
        """Make something with `source` in scope, its enclosing sources too where it may correlate."""
        before = self.scope
        self.scope = [source] + (before if outer and self.chance(0.3) else [])
        text = make()
        self.scope = before
        return text

    def mapped(self, name, text=None):
        return Source(text or name, {f"{text or name}.{c}": k for c, k in MAPPED[name].items()}, mapped=name)

    def core(self, name, text=None):
        return Source(text or name, {f"{text or name}.c.{c}": k for c, k in CORE[name].items()}, table=name)

    def plain(self):
        """A table, a class, or an alias of one."""
        if self.orm:
            name = self.rng.choice(list(MAPPED))
            if self.chance(0.25):
                options = self.pick("", "", f", name='al{self.rng.randint(1, 3)}'", ", flat=True")
                return self.mapped(name, self.name(f"aliased({name}{options})", "a"))
            return self.mapped(name)
        name = self.rng.choice(list(CORE))
        if self.chance(0.25):
            return self.core(name, self.name(f"{name}.alias({self.pick('', '', repr('al') )})", "a"))
        return self.core(name)

    def source(self, depth):
        roll = self.rng.random()
        if depth <= 0 or roll < 0.7:
            return self.plain()
        return self.derived(depth - 1)

    def outputs(self, depth, few=3):
        """Named columns of a derived source: (texts, {name: kind})."""
        texts, kinds = [], {}
        for i in range(self.rng.randint(1, few)):
            kind = self.pick("n", "n", "s", "s", "f", "b", "D")
            if self.chance(0.4):
                column = self.column(kind)
                name = column.rsplit(".", 1)[-1]
                if "(" not in column and name not in kinds and name not in ("pages", "mixed", "heading", "title", "adult", "book_count"):
                    texts.append(column)
                    kinds[name] = kind
                    continue
            texts.append(f"({self.value(kind, depth)}).label('c{i}')")
            kinds[f"c{i}"] = kind
        return texts, kinds

    def derived(self, depth):
        """A subquery, CTE, lateral, VALUES, or a function as a table."""
        def make():
            texts, kinds = self.outputs(depth)
            return f"select({', '.join(texts)}){self.clauses(depth, small=True)}", kinds
        kind = self.pick("subquery", "subquery", "subquery", "cte", "cte", "recursive", "union", "values", "table_valued", "text", "lateral", "entity", "sample")
        if kind == "entity" and self.orm:
            name = self.rng.choice(list(MAPPED))
            source = self.mapped(name)
            sub = self.name(f"select({name}){self.inner(source, lambda: self.clauses(0, small=True), outer=False)}.subquery()", "sq")
            return self.mapped(name, self.name(f"aliased({name}, {sub})", "a"))
        if kind == "sample":
            base = self.rng.choice(list(MAPPED if self.orm else CORE))
            name = self.name(f"tablesample({base}, {self.pick('10', 'func.bernoulli(5)')}{self.pick('', ', seed=func.random()', ', name=%r' % 'smp')})", "a") if not self.orm else self.name(f"aliased({base}, tablesample({base}, 3))" if base not in ("Engineer", "Manager", "Boss") else f"aliased({base})", "a")
            return self.mapped(base, name) if self.orm else self.core(base, name)
        if kind == "values":
            name = self.name("values(column('n', Integer), column('s', String), name='vals').data([(1, 'a'), (2, 'b')])", "sq")
            return Source(name, {f"{name}.c.n": "n", f"{name}.c.s": "s"})
        if kind == "table_valued":
            name = self.name(self.pick("func.generate_series(1, 5).table_valued('value')", "func.json_each('[1]').table_valued('key', 'value', name='je')", "func.unnest(literal('{1}')).table_valued('value', with_ordinality='key').render_derived()"), "sq")
            return Source(name, {f"{name}.c.value": "n"})
        if kind == "text":
            name = self.name("text('SELECT id, name FROM people WHERE id > :low').bindparams(low=3).columns(id=Integer, name=String).subquery('txt')", "sq")
            return Source(name, {f"{name}.c.id": "n", f"{name}.c.name": "s"})
        base = self.plain()
        if kind == "recursive":
            key, parent = ("Node.id", "Node.parent_id") if self.orm else ("visits.c.id", "visits.c.person_id")
            name = self.name(f"select({key}.label('id'), literal(0).label('depth')).where({parent} == None).cte({self.pick(repr('tree'), 'name=%r' % 'walk')}, recursive=True)", "cte")
            if self.chance(0.5):
                name = self.name(f"{name}.{self.pick('union', 'union_all')}(select({key}, {name}.c.depth + 1).where({parent} == {name}.c.id))", "cte")
            else:
                name = self.name(f"{name}.union_all(select({key}, {name}.c.depth + 1).join({name}, {parent} == {name}.c.id))", "cte")
            return Source(name, {f"{name}.c.id": "n", f"{name}.c.depth": "n"})
        if kind == "union":
            one, two = self.plain(), self.plain()
            left = self.inner(one, lambda: f"select({self.column('n')}.label('u'), {self.column('s')}.label('w'))", outer=False)
            right = self.inner(two, lambda: f"select({self.column('n')}, {self.column('s')})", outer=False)
            name = self.name(f"{self.pick('union', 'union_all', 'except_', 'intersect')}({left}, {right}).{self.pick('subquery()', 'cte()', 'alias()', 'subquery(%r)' % 'un', 'limit(3).subquery()')}", "sq")
            return Source(name, {f"{name}.c.u": "n", f"{name}.c.w": "s"})
        text, kinds = self.inner(base, make, outer=kind == "lateral")
        ending = {"subquery": self.pick("subquery()", "subquery()", "subquery('sub')", "alias()", "alias('inner_')"), "cte": self.pick("cte()", "cte('common')", "cte('nested', nesting=True)", "cte().prefix_with('MATERIALIZED', dialect='postgresql')"), "lateral": self.pick("lateral()", "lateral('lat')")}
        name = self.name(f"{text}.{ending.get(kind, 'subquery()')}", "sq")
        if kind == "cte" and self.chance(0.2):
            name = self.name(f"{name}.alias()", "sq")
        return Source(name, {f"{name}.c.{c}": k for c, k in kinds.items()})

    def select_one(self, kind, depth):
        """A select of one column, perhaps correlated."""
        if depth < 0:
            return self.inner(self.plain(), lambda: f"select({self.column(kind)})")
        return self.inner(self.plain(), lambda: f"select({self.value(kind, min(depth, 1))}){self.clauses(min(depth, 1), small=True)}")

    def scalar(self, depth, kind):
        """A scalar subquery."""
        def make():
            column = self.value(kind, 0)
            return f"select({self.pick('func.max(%s)', '%s', 'func.min(%s)')  % column if kind != 'b' else column})"
        ending = self.pick("", "", f".limit(1)", f".where({{}})", f".where({{}})", ".correlate(None)" if self.chance(0.2) else "")
        def whole():
            text = make()
            return text + ending.replace("{}", self.condition(-1) if "{}" in ending else "") + ".scalar_subquery()"
        return self.inner(self.plain(), whole)

    def exists(self, depth):
        source = self.plain()
        return self.inner(source, lambda: self.pick(
            lambda: f"exists().where({self.condition(depth)})", lambda: f"exists({self.column('n')}).where({self.condition(depth)})", lambda: f"select({self.column('n')}).where({self.condition(depth)}).exists()",
            lambda: f"~exists(select({source.text}).where({self.condition(0)}))", lambda: f"select({source.text}).exists()", lambda: f"~select(literal(1)).select_from({source.text}).where({self.condition(0)}).exists()",
            lambda: f"exists().where({self.condition(0)}).select_from({source.text})", lambda: f"exists(text('1')).select_from({source.text}).where({self.condition(0)})")())

    # clauses ------------------------------------------------------------------------------------------------------------------------

    def window(self, depth):
        one = self.pick("func.row_number()", "func.rank()", f"func.sum({self.number(0)})", f"func.lag({self.column('ns')}, 1)", f"func.first_value({self.column('ns')})", f"func.count()", f"func.ntile(4)", f"func.avg({self.column('fdn')}).filter({self.condition(0)})")
        frame = self.pick("", "", ", rows=(None, 0)", ", rows=(-2, 3)", ", range_=(None, None)", ", range_=(0, None)", ", groups=(-1, 1)")
        part = self.pick("", f"partition_by={self.column('ns')}, ", f"partition_by=[{self.column('ns')}, {self.number(depth)}], ")
        return f"{one}.over({part}order_by={self.order(depth)}{frame})" if frame or self.chance(0.8) else f"{one}.over({part.rstrip(', ')})"

    def aggregate(self, depth):
        return self.pick(
            "func.count()", f"func.count({self.column('ns')})", f"func.count({self.column('ns')}.distinct())", f"func.count(distinct({self.column('ns')}))", f"func.sum({self.number(depth)})", f"func.avg({self.real(0)})", f"func.max({self.text(0)})",
            f"func.min({self.moment(0)})", f"func.sum(case(({self.condition(0)}, 1), else_=0))", f"func.count({self.column('n')}).filter({self.condition(0)})", f"func.array_agg({self.column('n')})", "func.count(text('*'))", "func.count('*')",
            f"func.percentile_cont(0.5).within_group({self.column('fdn')})", f"func.mode().within_group({self.column('ns')}.desc())", f"func.group_concat({self.column('s')}, ',')", f"func.bool_and({self.condition(0)})",
            f"func.string_agg({self.column('s')}, postgresql.aggregate_order_by(literal_column(\"','\"), {self.column('n')}.desc()))", f"func.array_agg(postgresql.aggregate_order_by({self.column('n')}, {self.column('s')}.asc()))")

    def order(self, depth):
        one = self.value(self.pick("n", "s", "D", "n"), min(depth, 1))
        return self.pick(one, f"({one}).desc()", f"({one}).asc()", f"desc({one})", f"({one}).desc().nulls_last()", f"nulls_first({one})", f"({one}).asc().nulls_first()", f"({one}).nullslast()")

    def join(self, depth):
        """A join clause to something new, which comes into scope."""
        mapped = [s for s in self.scope if s.mapped and LINKS[s.mapped]]
        if mapped and self.chance(0.7):
            source = self.rng.choice(mapped)
            link = self.rng.choice(list(LINKS[source.mapped]))
            target = LINKS[source.mapped][link][0]
            outer = self.pick("", "", "", ", isouter=True", ", full=True")
            method = self.pick("join", "join", "outerjoin") if not outer else "join"
            roll = self.rng.random()
            if target in CHILDREN and roll < 0.2:
                child = self.rng.choice(CHILDREN[target])
                self.scope = self.scope + [self.mapped(child)]
                return f".{method}({source.text}.{link}.of_type({child}){outer})"
            if roll < 0.35:
                alias = self.name(f"aliased({target})", "a")
                self.scope = self.scope + [self.mapped(target, alias)]
                return self.pick(f".{method}({source.text}.{link}.of_type({alias}){outer})", f".{method}({alias}, {source.text}.{link}{outer})")
            new = self.mapped(target)
            if any(s.text == target for s in self.scope):
                return ""
            if roll < 0.5:
                extra = self.inner(new, lambda: self.condition(0), outer=False)
                self.scope = self.scope + [new]
                return f".{method}({source.text}.{link}.and_({extra}){outer})"
            self.scope = self.scope + [new]
            return self.pick(f".{method}({source.text}.{link}{outer})", f".{method}({source.text}.{link}{outer})", f".{method}({target}{outer})", f".join_from({source.text}, {target}{outer})", f".{method}({target}, {source.text}.{link}{outer})")
        new = self.source(depth)
        if any(s.text == new.text for s in self.scope):
            return ""
        names = {s.table for s in self.scope}
        method = self.pick("join", "join", "outerjoin")
        linked = new.table and any((new.table, n) in CORE_LINKS or (n, new.table) in CORE_LINKS for n in names)
        self.scope = self.scope + [new]
        if linked and self.chance(0.7):
            return f".{method}({new.text}{self.pick('', ', isouter=True') if method == 'join' else ''})"
        left = self.rng.choice(self.scope[:-1])
        columns = left.of("n"), new.of("n")
        on = f"{self.rng.choice(columns[0])} == {self.rng.choice(columns[1])}" if all(columns) else self.condition(0)
        return self.pick(f".{method}({new.text}, {on})", f".{method}({new.text}, and_({on}, {self.condition(0)}))", f".join_from({left.text}, {new.text}, {on})", f".join({new.text}, {self.pick('true()', on)}, full=True)")

    def clauses(self, depth, small=False, grouped=False):
        text = ""
        if self.chance(0.2 if small else 0.5):
            for _ in range(self.rng.randint(1, 2)):
                text += self.join(depth)
        if self.chance(0.5):
            text += f".where({self.condition(depth)}{', ' + self.condition(0) if self.chance(0.2) else ''})"
        if self.chance(0.06):
            text += self.pick(".filter_by(name='n')", f".filter({self.condition(0)})", ".filter_by(id=5, name=None)")
        if grouped or self.chance(0.08):
            text += f".group_by({self.value(self.pick('n', 's'), min(depth, 1))}{', ' + self.column('s') if self.chance(0.3) else ''})"
            if self.chance(0.3):
                text += f".having({self.aggregate(0)} > {self.literal('n')})"
        if self.chance(0.25):
            text += f".order_by({self.order(depth)}{', ' + self.order(0) if self.chance(0.3) else ''})"
        if self.chance(0.1):
            text += self.pick(".distinct()", ".distinct()", f".distinct({self.column('n')})")
        if self.chance(0.2):
            text += self.pick(".limit(5)", ".limit(10).offset(20)", ".offset(3)", ".slice(2, 7)", ".fetch(4)", ".fetch(3, with_ties=True)", f".limit(literal(3))", f".fetch(10, percent=True)", ".limit(None)", ".offset(0)", ".limit(bindparam('lim', 3))", f".limit({self.number(0)})" if self.chance(0.1) else ".limit(1)")
        if not small and self.chance(0.08):
            text += self.pick(".with_for_update()", ".with_for_update(read=True)", ".with_for_update(nowait=True)", ".with_for_update(skip_locked=True)", f".with_for_update(of={self.scope[0].text})", ".with_for_update(key_share=True)", f".with_for_update(of={self.column('n')})" if self.chance(0.5) else ".with_for_update()")
        if self.chance(0.04):
            text += self.pick(".prefix_with('ALL')", ".suffix_with('-- end')", ".with_hint(people, 'USE INDEX x')", ".with_statement_hint('HINT')", ".prefix_with('SQL_SMALL', dialect='mysql')", ".select_from(people)", ".correlate(None)", ".order_by(None)", ".group_by(None)", ".add_columns(literal(9))",
                              ".with_only_columns(func.count())", ".reduce_columns()", ".correlate_except(people)", ".execution_options(a=1)")
        return text

    def options(self):
        """Loader options for the first mapped class in scope."""
        root = self.scope[0]
        if not root.mapped:
            return ""
        def path(source, depth):
            links = LINKS[source.mapped]
            if not links:
                return None
            link = self.rng.choice(list(links))
            target = links[link][0]
            attribute = f"{source.text}.{link}"
            if target in CHILDREN and self.chance(0.2):
                target = self.rng.choice(CHILDREN[target])
                attribute += f".of_type({self.pick(target, f'with_polymorphic({LINKS[source.mapped][link][0]}, [{target}])' )})"
            if self.chance(0.12):
                attribute += f".and_({self.inner(self.mapped(target), lambda: self.condition(0), outer=False)})" if ".of_type" not in attribute else ""
            strategy = self.pick("joinedload", "joinedload", "joinedload", "selectinload", "subqueryload", "lazyload", "raiseload", "noload", "immediateload", "defaultload")
            text = f"{strategy}({attribute}{', innerjoin=True' if strategy == 'joinedload' and self.chance(0.3) else ''})"
            if depth and self.chance(0.5):
                more = path(self.mapped(target), depth - 1)
                text += "." + more if more else ""
            elif self.chance(0.3):
                text += self.pick(f".load_only({self.inner(self.mapped(target), lambda: self.column('ns'), outer=False)})", f".defer({target}.id)", f".options(load_only({target}.id))", f".defer({self.inner(self.mapped(target), lambda: self.column('s'), outer=False)})", ".raiseload('*')" if self.chance(0.5) else "")
            return text
        plain = [c for c in root.columns if not c.endswith((".title", ".adult", ".heading"))]
        one = self.rng.choice(plain)
        found = self.pick(path(root, 2), path(root, 1), path(root, 0), f"load_only({one})", f"defer({one})", f"undefer({one})", f"defer({one}, raiseload=True)", "raiseload('*')", "lazyload('*')", "joinedload('*')", "undefer('*')", "defer('*')",
                          f"with_loader_criteria({root.mapped}, {root.mapped}.id > 3)", f"with_loader_criteria({root.mapped}, lambda cls: cls.id != 5)", f"Load({root.text}).load_only({one})", f"with_loader_criteria(Book, Book.pages > 9, include_aliases=True)")
        return f".options({found})" if found else ""

    # statements ---------------------------------------------------------------------------------------------------------------------

    def select(self, depth):
        self.scope = [self.source(depth)]
        if self.chance(0.1):
            self.scope.append(self.source(depth))
        roots = list(self.scope)
        if self.orm and self.scope[0].mapped in CHILDREN and self.chance(0.25):
            base = self.scope[0].mapped
            some = self.rng.sample(CHILDREN[base], self.rng.randint(1, len(CHILDREN[base])))
            name = self.name(f"with_polymorphic({base}, {self.pick('[' + ', '.join(some) + ']', repr('*'))}{self.pick('', ', aliased=True', ', flat=True')})", "wp")
            self.scope = roots = [self.mapped(base, name)]
        clauses = None
        columns, grouped = [], False
        shape = self.pick("whole", "whole", "columns", "columns", "aggregate", "mixed", "window")
        body = self.clauses(depth, grouped=shape == "aggregate" and self.chance(0.7))
        # columns may speak of what the joins brought, entities stay those we began with
        if shape == "whole" or shape == "mixed":
            columns += [s.text for s in roots]
        if shape in ("columns", "mixed"):
            for i in range(self.rng.randint(1, 4)):
                kind = self.pick("n", "n", "s", "s", "f", "b", "T", "D", "j", "d")
                one = self.column(kind) if self.chance(0.4) else self.value(kind, depth)
                columns.append(f"({one}).label({self.pick(repr('lab'), repr('Lab 2'), repr('order'), 'None')})" if self.chance(0.25) else one)
        if shape == "aggregate":
            columns += [self.aggregate(min(depth, 1)) for _ in range(self.rng.randint(1, 2))]
            columns += [self.column("ns")] if self.chance(0.5) else []
        if shape == "window":
            columns += [self.window(min(depth, 1)), self.column("n")]
        text = f"select({', '.join(columns)})"
        if shape != "whole" and self.chance(0.2):
            text += f".select_from({roots[0].text})"
        options = self.options() if self.orm and shape in ("whole", "mixed") and self.chance(0.4) else ""
        style = self.pick(*([""] * 12), ".set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)", ".set_label_style(LABEL_STYLE_NONE)")
        return text + body + options + style

    def eager(self, depth):
        """Classes with their loader options, and contains_eager over joins."""
        name = self.rng.choice([n for n in MAPPED if LINKS[n]])
        self.scope = [self.mapped(name)]
        if self.chance(0.3):
            link = self.rng.choice(list(LINKS[name]))
            target = LINKS[name][link][0]
            if target == name:
                alias = self.name(f"aliased({target})", "a")
                self.scope.append(self.mapped(target, alias))
                return f"select({name}).join({name}.{link}.of_type({alias})).options(contains_eager({name}.{link}.of_type({alias}))).where({self.condition(0)})"
            self.scope.append(self.mapped(target))
            return f"select({name}).{self.pick('join', 'outerjoin')}({name}.{link}).options(contains_eager({name}.{link}){self.pick('', f'.load_only({target}.id)')}).where({self.condition(0)}){self.pick('', '.limit(3)')}"
        body = self.clauses(min(depth, 1))
        return f"select({name}){body}" + "".join(self.options() for _ in range(self.rng.randint(1, 2)))

    def compound(self, depth):
        parts = []
        for _ in range(self.rng.randint(2, 3)):
            self.scope = [self.source(0)]
            parts.append(f"select({self.column('n')}, {self.value('s', depth - 1)}){self.clauses(min(depth, 1), small=True)}")
        text = self.pick(f"{self.pick('union', 'union_all', 'except_', 'intersect', 'except_all', 'intersect_all')}({', '.join(parts)})", f"{parts[0]}.{self.pick('union', 'union_all', 'intersect')}({', '.join(parts[1:])})", f"union(union_all({', '.join(parts)}), {parts[0]})")
        ending = self.pick("", "", ".order_by('id')", ".limit(5)", ".limit(5).offset(2)", ".order_by(text('1'))", ".subquery().select()", ".cte().select()", ".order_by(desc('name')).limit(3)")
        return text + ending

    def setters(self, source, depth):
        """Names and values of columns to write."""
        out = []
        for column in self.rng.sample(list(source.columns), min(len(source.columns), self.rng.randint(1, 3))):
            name, kind = column.rsplit(".", 1)[-1], source.columns[column]
            if name in ("adult", "book_count", "heading") or name == "title" and source.mapped == "Author":
                continue
            out.append((column, name, self.pick(self.literal(kind), self.literal(kind), "None", self.value(kind, depth) if kind not in "b" else "True")))
        return out or [(f"{source.text}.id" if source.mapped else f"{source.text}.c.id", "id", "1")]

    def flat(self):
        """A table or a class over one table, for writing."""
        if self.orm:
            return self.mapped(self.pick("Author", "Book", "Review", "Tag", "Node", "Publisher", "Vehicle", "Car", "Employee", "Engineer"))
        return self.core(self.pick("people", "visits", "marks", "light"))

    def returning(self, source, p=0.3):
        return f".returning({self.pick(source.text, self.column('ns'), self.column('n') + ', ' + self.value('s', 1))})" if self.chance(p) else ""

    def assign(self, items):
        if all(name.isidentifier() for _, name, _ in items) and self.chance(0.5):
            return ", ".join(f"{name}={value}" for _, name, value in items)
        return "{" + ", ".join(f"{self.pick(repr(name), column)}: {value}" for column, name, value in items) + "}"

    def insert(self, depth):
        source = self.flat()
        self.scope = []
        self.scope = [Source(source.text, {}, source.mapped, source.table)]
        kind = self.pick("values", "values", "many", "from_select", "conflict", "conflict", "duplicate", "none" if source.text != "people" else "values")
        if kind == "from_select":
            other = self.plain()
            return self.inner(other, lambda: f"insert({source.text}).from_select(['id', 'name'], select({self.column('n')}, {self.text(depth - 1)}){self.clauses(0, small=True)}{self.pick('', '')}){self.pick('', ', include_defaults=False')[:0]}", outer=False)
        items = [(c, n, v) for c, n, v in self.setters(source, 0)]
        self.scope = [source]
        if kind == "many":
            rows = ", ".join("{" + ", ".join(f"{n!r}: {self.literal(source.columns[c])}" for c, n, _ in items) + "}" for _ in range(2))
            return f"insert({source.text}).values([{rows}])" + self.returning(source)
        start = {"conflict": self.pick("postgresql.insert", "sqlite_insert"), "duplicate": "mysql_insert"}.get(kind, "insert")
        if start in ("sqlite_insert", "mysql_insert"):
            self.lines.insert(0, f"from sqlalchemy.dialects.{start[:-7]} import insert as {start}")
        elif start == "postgresql.insert" and self.chance(0.5):
            self.lines.insert(0, "from sqlalchemy.dialects.postgresql import insert as pg_insert")
            start = "pg_insert"
        literal_items = [(c, n, self.literal(source.columns.get(c, "n"))) for c, n, _ in items]
        text = f"{start}({source.text})" if kind == "none" else f"{start}({source.text}).values({self.assign(literal_items)})"
        if kind == "none":
            return text + self.returning(source)
        if kind == "values":
            return text + self.returning(source)
        first = items[0][1]
        if kind == "duplicate":
            stmt = self.name(text, "st")
            return f"{stmt}.on_duplicate_key_update({self.pick(f'{first}={stmt}.inserted.{first}', f'{{{first!r}: {self.literal(source.columns.get(items[0][0], chr(110)))}}}', f'[({first!r}, {stmt}.inserted.{first}), ({chr(39)}id{chr(39)}, 4)]', f'{first}=func.coalesce({stmt}.inserted.{first}, {items[0][0]})')})"
        stmt = self.name(text, "st")
        target = self.pick("index_elements=['id']", f"index_elements=[{source.of('n')[0]}]", "index_elements=['id'], index_where=text('id > 3')", f"index_elements=['id'], index_where={source.of('n')[0]} > 3", "constraint='uq_x'" if "sqlite" not in start else "index_elements=['id']")
        do = self.pick(f"on_conflict_do_nothing()", f"on_conflict_do_nothing({target})", f"on_conflict_do_update({target}, set_=dict({first}={stmt}.excluded.{first}))", f"on_conflict_do_update({target}, set_={{{first!r}: {self.literal(source.columns.get(items[0][0], 'n'))}, 'id': {stmt}.excluded.id + 1}}, where={self.condition(0)})",
                       f"on_conflict_do_update({target}, set_={{{items[0][0]}: {items[0][0]}}})", f"on_conflict_do_update({target}, set_={stmt}.excluded)")
        return f"{stmt}.{do}" + self.returning(source)

    def update(self, depth):
        source = self.flat()
        self.scope = [source]
        text = f"update({source.text})"
        extra = ""
        if self.chance(0.25):
            other = self.plain()
            if other.text != source.text:
                self.scope = [source, other]
                extra = f".where({source.of('n')[0]} == {other.of('n')[0]})" if source.of("n") and other.of("n") else ""
        if self.chance(0.8):
            extra += f".where({self.condition(depth)})"
        items = self.setters(source, depth - 1)
        self.scope = [source]
        values = f".values({self.assign(items)})" if self.chance(0.9) else f".ordered_values({', '.join(f'({c}, {v})' for c, n, v in items)})"
        return text + self.pick(extra + values, values + extra) + self.returning(source, 0.2)

    def delete(self, depth):
        source = self.flat()
        self.scope = [source]
        text = f"delete({source.text})"
        if self.chance(0.2):
            other = self.plain()
            if other.text != source.text and other.of("n"):
                self.scope = [source, other]
                text += f".where({source.of('n')[0]} == {other.of('n')[0]})"
        text += f".where({self.condition(depth)})" if self.chance(0.85) else ""
        self.scope = [source]
        return text + self.returning(source, 0.2)

    def typed(self, depth):
        """PostgreSQL's own types, and expressions standing alone."""
        tags, nums, body = "special.c.tags", "special.c.nums", "special.c.body"
        arrays = self.pick(
            f"{tags}.contains(['a'])", f"{tags}.contained_by(postgresql.array(['a', 'b']))", f"{nums}.overlap([1, 2])", f"{nums}[1] == 5", f"{nums}[1:3]", f"{nums}.any(5)", f"{nums}.all(5)", f"literal('x') == {tags}.any_()", f"any_({nums}) == 5", f"{nums} + [4]", f"{nums} == [1, 2]", f"postgresql.array([1, 2]) + {nums}",
            f"func.array_length({nums}, 1)", f"func.unnest({tags})", f"cast({tags}, ARRAY(Text))", f"postgresql.array([{nums}[1], 3])", f"5 < all_({nums})", f"{tags}.in_([['a'], ['b', 'c']])", f"func.array_agg({nums}[2]).overlap([3])", f"{nums}.is_(None)")
        jsonb = self.pick(
            f"{body}['a']", f"{body}['a']['b'].astext", f"{body}[('a', 'b', 1)].astext == 'x'", f"{body}.contains({{'a': 1}})", f"{body}.has_key('k')", f"{body}.has_any(postgresql.array(['a', 'b']))", f"{body}.has_all(['a'])", f"{body}.contained_by({{'q': [1]}})", f"{body}['n'].as_integer() > 4", f"{body}['n'].astext.cast(Integer) == 4",
            f"{body}.path_exists('$.a')", f"{body}.path_match('$.a == 1')", f"{body} - 'k'", f"{body}.delete_path(['a', 'b'])", f"{body}['s'].as_string().ilike('x%')", f"{body} == {{'a': None}}", f"{body}[0].astext.in_(['a', 'b'])", f"cast({body}['x'], Integer)", f"{body}.concat({{'z': 1}})", f"func.jsonb_build_object('a', {body}['b'])", f"{body}['b'].as_boolean()",
            f"{body} + {{'z': 1}}", f"{body}.op('?')('k')", f"literal({{'a': 1}}, JSONB)")
        others = self.pick(
            "special.c.span.contains(4)", "special.c.span.overlaps(special.c.span)", "special.c.span.adjacent_to(special.c.span)", "special.c.span << special.c.span", "special.c.pairs['k']", "special.c.pairs['k'] == 'v'", "special.c.pairs.has_key('z')", "special.c.pairs.contains({'a': '1'})", "special.c.words.match('a & b')",
            "func.to_tsvector('english', people.c.name).op('@@')(func.to_tsquery('x'))", "func.to_tsvector(people.c.name).match('q', postgresql_regconfig='english')", "special.c.words.bool_op('@@')(func.to_tsquery('a'))", "special.c.pairs.keys()", "special.c.pairs + special.c.pairs", "special.c.pairs.slice(postgresql.array(['a']))", "func.websearch_to_tsquery('a b')",
            "postgresql.to_tsvector(people.c.note)", "(special.c.span == postgresql.Range(1, 5))", "special.c.span.contained_by(postgresql.Range(1, None))", "special.c.span + special.c.span")
        self.scope = [self.core("people"), self.core("visits")]
        one = f"({self.pick(arrays, jsonb, others)})"
        return self.pick(one, f"select({one})", f"select({one}.label('x')).where(special.c.id == 3)", f"select(special.c.id).where({one})")

    def alone(self, depth):
        self.scope = [self.plain(), self.plain()]
        return self.pick(self.condition, self.number, self.text, self.moment, self.window, self.order, self.real, self.aggregate)(depth)

    def inheritance(self, depth):
        base = self.pick("Employee", "Vehicle", "Manager", "Car")
        child = self.rng.choice(CHILDREN[base])
        company = {"Employee": "staff", "Vehicle": "fleet", "Manager": "staff", "Car": "fleet"}[base]
        text = self.pick(
            lambda: f"select({child})", lambda: f"select({child}.id, {base}.name)", lambda: f"select(aliased({child}))", lambda: f"select({base}).where({child}.id > 3)", lambda: f"select(Company).join(Company.{company}.of_type({child})).where({child}.name == 'x')",
            lambda: f"select(Company).where(Company.{company}.of_type({child}).any({child}.id == 4))", lambda: f"select({child}, Company).join({child}.company)", lambda: f"select({child}).where({child}.company.has(name='q'))", lambda: f"select(func.count({child}.id))",
            lambda: f"select(Company, {child}).outerjoin({child}, {child}.company_id == Company.id)", lambda: f"select({base}).options(selectin_polymorphic({base}, [{child}]))", lambda: f"select({child}.name).union(select({base}.name))", lambda: f"select(Company).join({child})",
            lambda: f"select({child}).join(Company, isouter=True).where(Company.name.is_(None))", lambda: f"select({base}).where({base}.id.in_(select({child}.id)))", lambda: f"select({child}).options(joinedload({child}.company))", lambda: f"select(Company).options(joinedload(Company.{company}.of_type({child})))",
            lambda: f"select(Company.name).where(exists().where({child}.company_id == Company.id))", lambda: f"update({child}).values(name='z').where({child}.id == 4)", lambda: f"delete({child}).where({child}.id == 4)", lambda: f"select({child}.id, func.count()).group_by({child}.id)",
            lambda: f"select(with_polymorphic({base}, [{child}], {self.pick('aliased=True', 'flat=True', 'innerjoin=True')}))", lambda: f"select({base}.__table__.c.name)", lambda: f"select({child}).filter_by(name='x')", lambda: f"select(literal(1)).select_from({child})",
            lambda: f"select({child}).where({base}.type == 'x')" if base in ("Employee",) else f"select({child})", lambda: f"select(aliased({base}, flat=True)).limit(2)", lambda: f"select(Company).options(subqueryload(Company.{company}), joinedload(Company.{company}.of_type({child})))")()
        return text

    def program(self):
        self.lines, self.count, self.binds, self.scope = [], 0, 0, []
        self.orm = self.chance(0.5)
        depth = self.pick(0, 1, 1, 2, 2, 3)
        make = self.pick(*([self.select] * 8), self.eager, self.eager, self.compound, self.insert, self.insert, self.update, self.update, self.delete, self.typed, self.alone, self.alone, self.inheritance)
        last = make(depth)
        used, text = [], last
        for line in reversed(self.lines):
            if "import" in line or re.search(rf"\b{line.split(' = ')[0]}\b", text):
                used.insert(0, line)
                text += line
        return "\n".join(used + [last])


def jsonable(value):
    """A parameter as ormc writes it in JSON, so that both sides read alike."""
    if isinstance(value, enum.Enum):  # one that is a number or text too goes as such
        return value.value if isinstance(value, (int, str)) else value.name
    if isinstance(value, (datetime.datetime, datetime.date, datetime.time)):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value // datetime.timedelta(microseconds=1)
    if isinstance(value, (list, tuple)):
        return [jsonable(v) for v in value]
    if isinstance(value, dict):
        return {k: jsonable(v) for k, v in value.items()}
    if isinstance(value, bytes):
        return "hex:" + value.hex()
    if type(value).__name__ == "Range":  # asyncpg's and SQLAlchemy's
        bounds = value.bounds if hasattr(value, "bounds") else "[" * value.lower_inc + "(" * (not value.lower_inc) + "]" * value.upper_inc + ")" * (not value.upper_inc)
        return f"{bounds[0]}{'' if value.lower is None else value.lower},{'' if value.upper is None else value.upper}{bounds[1]}"
    return value if isinstance(value, (int, float, str, bool, type(None))) else str(value)


def plain(value):
    """One spelling for a parameter of either side."""
    if isinstance(value, bool):
        return str(int(value))
    if value is None:
        return "NULL"
    if isinstance(value, str) and value[:1] in "[{":
        try:
            value = json.loads(value)
        except ValueError:
            pass
    if isinstance(value, list):
        return "[" + ", ".join(map(plain, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {plain(v)}" for k, v in sorted(value.items())) + "}"
    text = str(value)
    if re.fullmatch(r"-?\d+(\.\d+)?([eE][-+]?\d{1,3})?", text):
        number = decimal.Decimal(text)
        return str(int(number)) if number == number.to_integral_value() else "%.9g" % number
    text = re.sub(r"^(\d{4}-\d\d-\d\d)T", r"\1 ", text)
    return re.sub(r"(\d\d:\d\d:\d\d\.\d*?)0+$", r"\1", text).rstrip(".") if re.search(r"\d\d:\d\d:\d\d\.\d+$", text) else text


def fold(sql):
    """White space and $n folded outside quotes: (text, order of $n)."""
    out, order = [], []
    for i, part in enumerate(LITERALS.split(sql)):
        if i % 2 == 0:
            order += [int(n) for n in re.findall(r"\$(\d+)", part)]
            part = re.sub(r"\s+", " ", PARAMETER.sub("?", part))
            part = re.sub(r"\( ", "(", re.sub(r" \)", ")", part))
        out.append(part)
    return "".join(out).strip(), order


def expected(value, dialect):
    """SQLAlchemy's text and parameters, or its exception."""
    try:
        compiled = value.compile(dialect=dialect)
        values = compiled.construct_params(escape_names=False, _check=False, _no_postcompile=True)
        # what an execution puts in: defaults and onupdates of the statement's own table
        for written, name in ((compiled.insert_prefetch, "default"), (compiled.update_prefetch, "onupdate")) if compiled.isinsert or compiled.isupdate else ():
            for c in written:
                default = getattr(c, name)
                values.update({n: default.arg for n in values if n in (c.key, f"{c.key}_m0", f"{c.key}_m1") and values[n] is None and default is not None and default.is_scalar})
        state = compiled._process_parameters_for_postcompile(values)
        processors = {**compiled._bind_processors, **state.processors}
        params = [processors[n](state.parameters[n]) if n in processors else state.parameters[n] for n in state.positiontup or []]
    except Exception as error:
        return error, None
    text, order = fold(state.statement)
    if order:
        params = [params[n - 1] for n in order]
    return text, [plain(jsonable(p)) for p in params]


def given(answer):
    if not answer["ok"]:
        return answer["error"], None
    if not answer["statements"]:
        return "", []
    statement = answer["statements"][0]
    text, order = fold(statement["sql"])
    values = statement["params"]
    if order:
        values = [values[n - 1] for n in order]
    return text, [plain(v.get("value")) for v in values]


def same(theirs, ours):
    if isinstance(theirs[0], Exception) or not isinstance(ours[0], str):
        if not isinstance(theirs[0], Exception) or isinstance(ours[0], str):
            return False
        code = ours[0]["code"]
        return code in CODES.get(type(theirs[0]).__name__, {code} - {"unsupported", "syntax-error"})
    return theirs == ours


def shape(theirs, ours):
    """A group's name: where two texts part, or what one side said."""
    if isinstance(ours[0], dict):
        message = re.sub(r"\d+|'[^']*'", "_", ours[0]["message"])[:70]
        return f"refused {ours[0]['code']}: {message}" if not isinstance(theirs[0], Exception) else f"{type(theirs[0]).__name__}, ours {ours[0]['code']}: {message}"
    if isinstance(theirs[0], Exception):
        return f"accepted, they raise {type(theirs[0]).__name__}: " + re.sub(r"\d+|'[^']*'|<.*>|\"[^\"]*\"", "_", (str(theirs[0]) or "-").splitlines()[0])[:70]
    a, b = theirs[0], ours[0]
    if a == b:
        return f"parameters {next((f'{x[:20]} / {y[:20]}' for x, y in zip(theirs[1], ours[1]) if x != y), 'count')}"
    i = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    generalise = lambda t: re.sub(r"\d+", "#", re.sub(r"\b(?!(?:AS|FROM|SELECT|WHERE|JOIN|ON|AND|OR|NOT|IN|IS|CAST|NULL|LIMIT|ORDER|BY|EXISTS|WITH|anon)\b)[a-zA-Z]\w*", "w", t))
    return f"{generalise(a[max(0, i - 25):i])[-14:]}⟨{generalise(a[i:i + 18])[:12]}|{generalise(b[i:i + 18])[:12]}⟩"


def evaluate(text, names):
    *before, last = text.split("\n")
    scope = dict(names)
    exec("\n".join(before), scope)
    return eval(last, scope)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ormc", default="build/ormc")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="groups to show a dialect")
    parser.add_argument("--each", type=int, default=1, help="examples a group")
    parser.add_argument("--dialect", "-d", action="append")
    parser.add_argument("--only", help="groups whose name or examples hold this")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    names = {**vars(sqlalchemy), **vars(sqlalchemy.orm)}
    exec(compile(MODELS.read_text(), str(MODELS), "exec"), names)
    sqlalchemy.orm.configure_mappers()
    maker = Maker(options.seed)
    texts = [maker.program() for _ in range(options.count)]
    values = []
    for text in texts:
        try:
            value = evaluate(text, names)
            values.append(value if hasattr(value, "compile") else None)
        except Exception as error:
            values.append(error)
    lines = "".join(json.dumps({"id": str(i), "expr": text}) + "\n" for i, text in enumerate(texts))
    wrong = 0
    for name in options.dialect or DIALECTS:
        run = subprocess.run([options.ormc, "batch", "-m", str(MODELS), "-d", name], input=lines, capture_output=True, text=True)
        answers = {a["id"]: a for a in map(json.loads, run.stdout.splitlines())}
        counts, groups, refusals = collections.Counter(), collections.defaultdict(list), 0
        for i, (text, value) in enumerate(zip(texts, values)):
            if value is None:
                continue
            theirs = (value, None) if isinstance(value, Exception) else expected(value, DIALECTS[name])
            ours = given(answers[str(i)]) if str(i) in answers else ({"code": "no answer", "message": ""}, None)
            refusals += isinstance(theirs[0], Exception)
            good = same(theirs, ours)
            counts[good] += 1
            if not good:
                groups[shape(theirs, ours)].append((len(text), text, theirs, ours))
        shown = 0
        for title, cases in sorted(groups.items(), key=lambda g: -len(g[1])):
            if shown >= options.show or options.only and options.only not in title and not any(options.only in c[1] for c in cases):
                continue
            shown += 1
            print(f"== {name} {len(cases)}x {title}")
            for _, text, theirs, ours in sorted(cases, key=lambda c: c[0])[:options.each]:
                print("   " + text.replace("\n", "\n   ") + f"\n     SQLAlchemy {theirs[0] if isinstance(theirs[0], str) else repr(theirs[0])[:300]} {theirs[1]}\n     ormc       {ours[0]} {ours[1]}")
        total = sum(counts.values())
        wrong += counts[False]
        print(f"{name}: {counts[True]} of {total} equal ({100 * counts[True] / max(1, total):.2f}%), {refusals} that SQLAlchemy refuses", flush=True)
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
