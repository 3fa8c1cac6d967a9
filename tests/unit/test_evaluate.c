/* The evaluator on Python text: each case is a program and the repr of its variable `x`. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "compiler/evaluate/evaluator.h"

static void *allocate(void *user, size_t size) {
    (void)user;
    return malloc(size);
}
static void release(void *user, void *block) {
    (void)user;
    free(block);
}
static void exhausted(void *user) {
    (void)user;
    abort();
}

typedef struct Case {
    const char *text, *wanted;
} Case;

static Slice result;

static void keep_result(void *user, Evaluator *ev, Value *value) {
    (void)user;
    result = value_repr(ev, value);
}

static Evaluator *make(void) {
    static const Allocator allocator = {allocate, release, NULL};
    EvaluatorOptions options = {.allocator = &allocator, .exhausted = exhausted};
    Evaluator *ev = evaluator_create(&options);
    evaluator_load(ev);
    return ev;
}

static void check_cases(const Case *cases, size_t count) {
    Evaluator *ev = make();
    int failed = 0;
    for (size_t i = 0; i < count; i++) {
        EvaluatorHost host = {.result = keep_result};
        evaluator_begin(ev, NULL, &host);
        result = SLICE("(nothing)");
        Source *source = source_from_text(evaluator_arena(ev), SLICE("<test>"), slice_from(cases[i].text));
        evaluator_run_text(ev, source, true);
        DiagnosticList *list = evaluator_diagnostics(ev);
        if (list->count) result = list->items[0].message;
        if (!slice_equals_text(result, cases[i].wanted)) {
            printf("%s\n   wanted %s\n   got    %.*s\n", cases[i].text, cases[i].wanted, SLICE_ARGS(result));
            failed++;
        }
    }
    evaluator_destroy(ev);
    assert_int_equal(failed, 0);
}

static void test_values(void **state) {
    (void)state;
    static const Case cases[] = {
        {"1 + 2 * 3", "7"},
        {"2 ** 63 - 1", "9223372036854775807"},
        {"2 ** 100", "1267650600228229401496703205376"},
        {"-7 // 2, -7 % 3, 7 / 2", "(-4, 2, 3.5)"},
        {"0.1 + 0.2", "0.30000000000000004"},
        {"1e16, 1e22, 1.5e-7, 100.0", "(1e+16, 1e+22, 1.5e-07, 100.0)"},
        {"'a' 'b' + \"c's\"", "\"abc's\""},
        {"'%s is %05.2f, %d%%' % ('x', 3.14159, 7)", "'x is 03.14, 7%'"},
        {"'{} {!r}|{a.real}'.replace('.real', '').format(1, 'x', a=3)", "\"1 'x'|3\""},
        {"f'{1+1:>4}|{\"x\"!r}|{3.14159:.2f}|{1234567:,}'", "\"   2|'x'|3.14|1,234,567\""},
        {"[x * 2 for x in range(5) if x % 2]", "[2, 6]"},
        {"{k: v for k, v in zip('ab', (1, 2))}", "{'a': 1, 'b': 2}"},
        {"sorted({3, 1, 2}, reverse=True)", "[3, 2, 1]"},
        {"a, *b, c = [1, 2, 3, 4]\n(a, b, c)", "(1, [2, 3], 4)"},
        {"x = {'a': 1} | {'b': 2}\nx['c'] = 3\nx.pop('a')\nx", "{'b': 2, 'c': 3}"},
        {"'a,b,,c'.split(','), ' x '.strip(), 'abc'[::-1], 'abc'[-2:]", "(['a', 'b', '', 'c'], 'x', 'cba', 'bc')"},
        {"1 < 2 <= 2 != 3, 'a' in 'cab', 3 not in [1, 2], None is None", "(True, True, True, True)"},
        {"any([]), all([]), sum([1, 2.5]), max(1, 3, 2), min([4, 2])", "(False, True, 3.5, 3, 2)"},
        {"0 or 'x', 1 and 2, not 0", "('x', 2, True)"},
        {"isinstance(True, int), isinstance('', (int, str)), type(1) is int", "(True, True, True)"},
        {"list(map(lambda x: x + 1, [1, 2])), list(filter(None, [0, 1]))", "([2, 3], [1])"},
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void test_classes(void **state) {
    (void)state;
    static const Case cases[] = {
        {"class A:\n  def f(self): return 'A' + self.g()\n  def g(self): return '1'\n"
         "class B(A):\n  def f(self): return 'B' + super().f()\n  def g(self): return '2'\nB().f()",
         "'BA2'"},
        {"class A:\n  def __init__(self, x=1, *args, y, **kw): self.v = (x, args, y, kw)\nA(5, 6, y=7, z=8).v",
         "(5, (6,), 7, {'z': 8})"},
        {"class A:\n  n = 1\n  @property\n  def p(self): return self.n + 1\n  @classmethod\n  def c(cls): return "
         "cls.n\n"
         "  @staticmethod\n  def s(x): return x\n(A().p, A.c(), A.s(3), A().s(4))",
         "(2, 1, 3, 4)"},
        {"class X: pass\nclass Y(X): pass\nclass Z(X): pass\nclass W(Y, Z): pass\n[c.__name__ for c in W.__mro__]",
         "['W', 'Y', 'Z', 'X', 'object']"},
        {"class A:\n  def __add__(self, o): return 'add'\n  def __getitem__(self, k): return k\n  def __call__(self, "
         "x): return x\n"
         "  def __len__(self): return 0\n(A() + 1, A()[2], A()(3), bool(A()))",
         "('add', 2, 3, False)"},
        {"import enum\nclass C(enum.Enum):\n  red = 'r'\n  green = 'g'\n(C.red.value, C('g').name, C['red'] is C.red, "
         "len(C))",
         "('r', 'green', True, 2)"},
        {"from enum import IntEnum, auto\nclass C(IntEnum):\n  a = auto()\n  b = auto()\n(C.b + 1, C.a < C.b, C.a == "
         "1, [int(c) for c in C])",
         "(3, True, True, [1, 2])"},
        {"class A: pass\nA().x", "'A' object has no attribute 'x'"},
        {"def f(a, b): pass\nf(1)", "f() missing 1 required argument: 'b'"},
        {"def f(a): pass\nf(1, c=2)", "f() got an unexpected keyword argument 'c'"},
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void test_statements(void **state) {
    (void)state;
    static const Case cases[] = {
        {"try:\n  {}['a']\nexcept KeyError as e:\n  x = 'caught'\nelse:\n  x = 'no'\nfinally:\n  y = 1\n(x, y)",
         "('caught', 1)"},
        {"class E(Exception): pass\ntry:\n  raise E('m')\nexcept (ValueError, E) as e:\n  x = str(e)\nx", "'m'"},
        {"def f():\n  for i in range(10):\n    if i == 3: break\n    yield i\nlist(f())", "[0, 1, 2]"},
        {"x = 0\nwhile True:\n  x += 1\n  if x > 4: break\nx", "5"},
        {"class M:\n  def __enter__(self): return 5\n  def __exit__(self, *a): return True\nwith M() as m:\n  raise "
         "ValueError()\nm",
         "5"},
        {"match {'k': [1, 2, 3]}:\n  case {'k': [a, *b]}: x = (a, b)\nx", "(1, [2, 3])"},
        {"match 3:\n  case 1 | 2: x = 'low'\n  case int(n) if n > 2: x = n\nx", "3"},
        {"async def f(x): return x\nawait f(3)", "3"},
        {"def f():\n  n = 0\n  def g():\n    nonlocal n\n    n += 1\n    return n\n  g()\n  return g()\nf()", "2"},
        {"def d(f):\n  def w(*a, **k): return ('w', f(*a, **k))\n  return w\n@d\ndef f(x): return x\nf(1)", "('w', 1)"},
        {"f = lambda a, *b, c=3: (a, b, c)\nf(1, 2)", "(1, (2,), 3)"},
        {"def f(n): return f(n - 1)\nf(0)", "calls are nested more than 120 deep"},
        {"1 / 0", "division by zero"},
        {"x = y + 'a'\nx", "y + 'a'"},
        {"request.user.pk", "name 'request' is not defined"},
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

static void test_standard(void **state) {
    (void)state;
    static const Case cases[] = {
        {"datetime.datetime(2024, 2, 28, 23, 59) + timedelta(minutes=2, days=1)",
         "datetime.datetime(2024, 3, 1, 0, 1)"},
        {"date(2024, 3, 1) - date(2024, 2, 1), date(2024, 5, 17).isocalendar(), date(2024, 5, 17).strftime('%d %b %Y')",
         "(datetime.timedelta(days=29), (2024, 20, 5), '17 May 2024')"},
        {"datetime.datetime.fromisoformat('2024-05-17T12:30:45.123456+02:00').isoformat()",
         "'2024-05-17T12:30:45.123456+02:00'"},
        {"from zoneinfo import ZoneInfo\nd = datetime.datetime(2024, 7, 1, 12, "
         "tzinfo=ZoneInfo('Europe/Amsterdam'))\nstr(d), str(d.astimezone(datetime.timezone.utc))",
         "('2024-07-01 12:00:00+02:00', '2024-07-01 10:00:00+00:00')"},
        {"from zoneinfo import ZoneInfo\nstr(datetime.datetime(2055, 1, 1, 12, "
         "tzinfo=ZoneInfo('Australia/Melbourne')))",
         "'2055-01-01 12:00:00+11:00'"},
        {"timedelta(days=1, hours=-1), timedelta(hours=1) / 2, date(2024, 1, 1) < date(2024, 1, 2), date(2024, 1, "
         "31).replace(day=1)",
         "(datetime.timedelta(seconds=82800), datetime.timedelta(seconds=1800), True, datetime.date(2024, 1, 1))"},
        {"date(2024, 2, 30)", "day is out of range for month"},
        {"Decimal('1.10') + 2, Decimal('1') / 3, Decimal('10') * Decimal('0.50'), -Decimal('1E+3'), Decimal('7') // 2",
         "(Decimal('3.10'), Decimal('0.3333333333333333333333333333'), Decimal('5.00'), Decimal('-1E+3'), "
         "Decimal('3'))"},
        {"Decimal('2.675').quantize(Decimal('0.01')), Decimal('1.0') == 1, Decimal(0.5), Decimal('1.5') > 1, "
         "Decimal('0.0000001')",
         "(Decimal('2.68'), True, Decimal('0.5'), True, Decimal('1E-7'))"},
        {"str(UUID('12345678123456781234567812345678'))", "'12345678-1234-5678-1234-567812345678'"},
        {"from functools import reduce, partial\nimport operator as o\n(reduce(o.add, [1, 2, 3]), partial(max, 5)(7), "
         "reduce(o.or_, (x for x in [1, 2])))",
         "(6, 7, 3)"},
        {"from dataclasses import dataclass, field\n@dataclass\nclass P:\n  x: int\n  y: int = 2\n  z: list = "
         "field(default_factory=list)\np = P(1)\n(p.x, p.y, p.z)",
         "(1, 2, [])"},
        {"from collections import defaultdict\nd = defaultdict(list)\nd['a'].append(1)\ndict(d)", "{'a': [1]}"},
        {"from contextlib import contextmanager\nlog = []\n@contextmanager\ndef c():\n  log.append('in')\n  try:\n    "
         "yield 5\n  finally:\n    log.append('out')\n"
         "with c() as x:\n  log.append(x)\nlog",
         "['in', 5, 'out']"},
        {"from itertools import chain\nlist(chain([1], (2, 3))), list(chain.from_iterable([[1], [2]]))",
         "([1, 2, 3], [1, 2])"},
        {"from itertools import *\nlist(product('ab', [1, 2])), list(combinations([1, 2, 3], 2)), "
         "list(permutations([1, 2])), "
         "list(accumulate([1, 2, 3]))",
         "([('a', 1), ('a', 2), ('b', 1), ('b', 2)], [(1, 2), (1, 3), (2, 3)], [(1, 2), (2, 1)], [1, 3, 6])"},
        {"from itertools import *\nlist(pairwise([1, 2, 3])), list(batched(range(3), 2)), list(zip_longest([1], [2, "
         "3])), "
         "list(takewhile(lambda x: x < 2, [1, 2, 1])), list(filterfalse(None, [0, 1]))",
         "([(1, 2), (2, 3)], [(0, 1), (2,)], [(1, 2), (None, 3)], [1], [0])"},
        {"from operator import *\nmethodcaller('upper')('a'), contains([1], 1), getitem({'a': 2}, 'a'), lshift(1, 3)",
         "('A', True, 2, 8)"},
        {"from copy import copy, deepcopy\na = {'k': [1]}\nb, c = copy(a), deepcopy(a)\nb['x'] = 1\nc['k'].append(2)\n"
         "b['k'].append(3)\na, c",
         "({'k': [1, 3]}, {'k': [1, 2]})"},
        {"from typing import NamedTuple\nclass P(NamedTuple):\n  x: int\n  y: int = 2\n  def sum(self): return self.x "
         "+ "
         "self.y\np = P(1)\na, b = p\n(p, p.y, p[0], a, len(p), p.sum(), p._replace(x=5), p._asdict(), P._fields, p == "
         "(1, 2))",
         "(P(x=1, y=2), 2, 1, 1, 2, 3, P(x=5, y=2), {'x': 1, 'y': 2}, ('x', 'y'), True)"},
        {"from collections import namedtuple\nP = namedtuple('P', 'x, y', defaults=[3])\n(P(1), P(y=1, x=2)._make([7, "
         "8]))",
         "(P(x=1, y=3), P(x=7, y=8))"},
        {"from typing import NamedTuple\nclass P(NamedTuple):\n  x: int\nP()",
         "P.__new__() missing 1 required positional argument: 'x'"},
        {"from typing import NamedTuple\nclass P(NamedTuple):\n  x: int\nP(z=1)",
         "P.__new__() got an unexpected keyword argument 'z'"},
        {"from typing import TypedDict\nclass D(TypedDict, total=False):\n  x: int\nD(x=1)", "{'x': 1}"},
        {"import json\njson.dumps({'a': [1, None, 'x']})", "'{\"a\": [1, null, \"x\"]}'"},
        {"from typing import Optional, List\nx: Optional[List[int]] = None\nx", "None"},
    };
    check_cases(cases, sizeof cases / sizeof *cases);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_statements),
        cmocka_unit_test(test_standard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
