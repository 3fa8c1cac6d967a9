/*
 * Paths: programs on a made-up ORM whose statements say what was done. `Q.where(x)` appends " x" to the text; `.run()`
 * executes; `.first()` executes and may be None. Each case is a program and its trace, one execution a line:
 * function: sql.
 */
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

typedef struct QueryValue {
    Value head;
    Slice text;
} QueryValue;

static Value *query_attribute(Evaluator *ev, Value *self, Atom name, const Node *site);
static const Type query_type;

static Value *query_make(Evaluator *ev, Slice text) {
    QueryValue *query = ARENA_NEW(evaluator_arena(ev), QueryValue);
    query->head = (Value){&query_type, evaluator_object_class(ev)};
    query->text = text;
    return &query->head;
}

static void query_run(Evaluator *ev, Value *self, const char *how, const Node *site) {
    Statement statement = {
        .kind = STATEMENT_SELECT,
        .sql = slice_format(evaluator_arena(ev), "%.*s%s", SLICE_ARGS(((QueryValue *)self)->text), how)};
    StatementList list = {&statement, 1, 1};
    evaluator_execute(ev, &list, site);
}

static Value *method_where(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    QueryValue *query = evaluator_native_data(ev);
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    buffer_slice(&out, query->text);
    for (int i = 0; i < arguments->count; i++)
        buffer_format(
            &out, " %.*s",
            SLICE_ARGS(value_is_unknown(arguments->items[i]) ? SLICE("?") : value_repr(ev, arguments->items[i])));
    for (int i = 0; i < arguments->keyword_count; i++)
        buffer_format(&out, " %.*s=%.*s", SLICE_ARGS(arguments->keywords[i].name->text),
                      SLICE_ARGS(value_is_unknown(arguments->keywords[i].value)
                                     ? SLICE("?")
                                     : value_repr(ev, arguments->keywords[i].value)));
    return query_make(ev, buffer_view(&out));
}

static Value *method_run(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    query_run(ev, evaluator_native_data(ev), "", arguments->site);
    return value_unknown_of(ev, NULL, arguments->site);
}

static Value *method_first(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    query_run(ev, evaluator_native_data(ev), " limit", arguments->site);
    return value_optional(ev, value_unknown_at(ev, arguments->site), SLICE("first"), arguments->site);
}

static Value *query_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    if (slice_equals_text(name->text, "where")) return value_native_function(ev, "where", method_where, self);
    if (slice_equals_text(name->text, "run")) return value_native_function(ev, "run", method_run, self);
    if (slice_equals_text(name->text, "first")) return value_native_function(ev, "first", method_first, self);
    return NULL;
}

static Value *query_iterate(Evaluator *ev, Value *self, const Node *site) {
    query_run(ev, self, "", site);
    return value_unknown_of(ev, NULL, site);
}

static const Type query_type = {
    .name = "Query", .kind = VALUE_NATIVE, .get_attribute = query_attribute, .iterate = query_iterate};

static bool family_execute(Evaluator *ev, Value *value, const Node *site) {
    if (value->type != &query_type) return false;
    query_run(ev, value, "", site);
    return true;
}

static void orm_setup(Evaluator *ev, ModuleValue *module) {
    module_define(ev, module, "Q", query_make(ev, SLICE("q")));
    module_define_exception(ev, module, "Missing", NULL, CODE_DOES_NOT_EXIST);
}

static const NativeModule orm_modules[] = {{"orm", orm_setup}, {NULL, NULL}};
static const char *const orm_free_names[] = {"orm", NULL};
static const NativeFamily orm_family = {
    .name = "orm", .modules = orm_modules, .free_names = orm_free_names, .execute_value = family_execute};

static Slice trace_of(const char *text, Arena *out_arena, Evaluator **out) {
    static const Allocator allocator = {allocate, release, NULL};
    static const NativeFamily *const families[] = {&orm_family, NULL};
    EvaluatorOptions options = {.allocator = &allocator, .exhausted = exhausted, .families = families};
    Evaluator *ev = *out = evaluator_create(&options);
    Source *source = source_from_text(evaluator_lasting_arena(ev), SLICE("app/test.py"), slice_from(text));
    evaluator_add_source(ev, source, SOURCE_PROGRAM, SLICE(""));
    evaluator_load(ev);
    EvaluatorHost host = {0};
    evaluator_begin(ev, NULL, &host);
    evaluator_run_sources(ev);
    Trace trace = evaluator_trace(ev);
    Buffer lines;
    (void)out_arena;
    buffer_init(&lines, evaluator_arena(ev));
    for (int i = 0; i < trace.count; i++)
        buffer_format(&lines, "%.*s: %.*s\n",
                      SLICE_ARGS(trace.items[i]->function ? trace.items[i]->function->text : SLICE("-")),
                      SLICE_ARGS(trace.items[i]->statements.items[0].sql));
    DiagnosticList *list = evaluator_diagnostics(ev);
    for (int i = 0; i < list->count; i++) buffer_format(&lines, "! %.*s\n", SLICE_ARGS(list->items[i].message));
    return buffer_view(&lines);
}

typedef struct Case {
    const char *text, *wanted;
} Case;

static const Case cases[] = {
    {"def f(name, age):\n  q = Q\n  if name: q = q.where('n')\n  if age: q = q.where('a')\n  return q.run()\n",
     "f: q 'n' 'a'\nf: q 'a'\nf: q 'n'\nf: q\n"},
    {"def f(x: int | None = None):\n  q = Q\n  if x is not None: q = q.where(x)\n  return q.run()\n", "f: q ?\nf: q\n"},
    {"def f(x):\n  if x: return Q.where(1).run()\n  if not x: return Q.where(2).run()\n  return Q.where(3).run()\n",
     "f: q 1\nf: q 2\n"},
    {"def f(x):\n  u = Q.where(x).first()\n  if u is None: return None\n  return Q.where(u.id).run()\n",
     "f: q ? limit\nf: q ?\n"},
    {"def f():\n  try:\n    u = Q.first()\n  except Missing:\n    return Q.where('m').run()\n  return "
     "Q.where(u).run()\n",
     "f: q limit\nf: q 'm'\nf: q ?\n"},
    {"def f(words):\n  q = Q\n  for w in words:\n    q = q.where(w)\n  return q.run()\n", "f: q ?\nf: q\nf: q ? ?\n"},
    {"def f():\n  for row in Q:\n    Q.where(row.id).run()\n", "f: q\nf: q ?\n"},
    {"def make(): return Q.where('base')\ndef g(): return make().where('g').run()\n", "g: q 'base' 'g'\n"},
    {"def make(): return Q.where('base')\n", "make: q 'base'\n"},
    {"users = Q.where(1)\nmore = users.where(2)\n", "-: q 1 2\n"},
    {"def f(request): return render(request, 'x.html', {'rows': Q.where(1)})\n", "f: q 1\n"},
    {"def f(order):\n  q = Q\n  if order in {'a', 'b'}: q = q.where(order)\n  q.run()\n", "f: q 'a'\nf: q 'b'\nf: q\n"},
    {"OPS = {'x': 1, 'y': 2}\ndef f(k): return Q.where(OPS[k]).run()\n", "f: q 1\nf: q 2\n"},
    {"def f(**kw): return Q.where(1, **kw).run()\n", "f: q 1\n"},
    {"class A:\n  extra = 'a'\n  def q(self): return Q.where(self.extra)\n  def go(self): return self.q().run()\nclass "
     "B(A):\n  extra = 'b'\n",
     "go: q 'a'\ngo: q 'b'\n"},
    {"class V:\n  def __init__(self, slug): self.slug = slug\n  def get(self): return Q.where(s=self.slug).run()\n",
     "get: q s=?\n"},
    {"def f(a, b): return [x for x in Q if x.ok and b]\n", "f: q\n"},
    {"def f(x):\n  while x:\n    Q.run()\n", "f: q\n"},
    {"def f(n):\n  if n: f(n - 1)\n  Q.run()\n", "f: q\n"},
    {"def fact(n): return 1 if n < 2 else n * fact(n - 1)\ndef f(): Q.where(fact(5)).run()\n", "f: q 120\n"},
    {"def f(n=0):\n  try: return Q.where(n).first()\n  except Missing: return f(n + 1)\ndef g(): f(1)\n",
     "f: q ? limit\nf: q 1 limit\nf: q 2 limit\n"},
    {"def tree(node):\n  q = Q.where(node['v'])\n  for n in node['sub']: tree(n)\n  q.run()\n"
     "def f(): tree({'v': 1, 'sub': [{'v': 2, 'sub': [{'v': 3, 'sub': []}]}]})\n",
     "tree: q ?\ntree: q 3\ntree: q 2\ntree: q 1\n"},
    {"import itertools\ndef f(names, ages):\n  for a, b in itertools.product(names, ages): Q.where(a, b).run()\n",
     "f: q ? ?\n"},
    {"def f(x: str):\n  match x:\n    case [a, *b]: q = Q.where(1)\n    case {'k': v}: q = Q.where(2)\n"
     "    case str() as s if s: q = Q.where(3)\n    case _: q = Q.where(4)\n  q.run()\n",
     "f: q 3\nf: q 4\n"},
    {"class A: pass\nclass B: pass\ndef f(x: A | B):\n  if isinstance(x, A): return Q.where('a').run()\n  return "
     "Q.where('b').run()\n",
     "f: q 'a'\nf: q 'b'\n"},
    {"def f(x):\n  match x:\n    case 'a': q = Q.where(1)\n    case 'b': q = Q.where(2)\n    case _: return\n  "
     "q.run()\n",
     "f: q 1\nf: q 2\n"},
    {"items = []\ndef f(x):\n  if x: items.append(1)\n  Q.where(len(items)).run()\ndef g(): "
     "Q.where(len(items)).run()\n",
     "f: q 1\nf: q 0\ng: q 0\n"},
    {"for n in ['a', 'b']: Q.where(n).run()\n", "-: q 'a'\n-: q 'b'\n"},
    {"def f(): return Q.where(undefined_thing.pk).wher(1)\nx = 1\n", "! 'object' object has no attribute 'wher'\n"},
};

static void test_paths(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Evaluator *ev;
        char text[1000];
        snprintf(text, sizeof text, "from orm import Q, Missing\n%s", cases[i].text);
        Slice got = trace_of(text, NULL, &ev);
        if (!slice_equals_text(got, cases[i].wanted)) {
            printf("%s   wanted\n%s   got\n%.*s", cases[i].text, cases[i].wanted, SLICE_ARGS(got));
            failed++;
        }
        evaluator_destroy(ev);
    }
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_paths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
