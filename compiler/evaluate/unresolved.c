/*
 * Names that stand for nothing that is known here: misspelt, never imported, or of a module that was not given.
 *
 * Input: what stands where a model or a statement should, and imports. Output: diagnostics; nothing is raised, so that
 * the rest is still read. Example: `Bok.objects.all()` gives "name 'Bok' is not defined", help "did you mean 'Book'?".
 * Invariants: what Python itself would refuse for certain is an error in a text of the command line and a warning in a
 * file (documents leave imports out); a module that was not given is a warning. A parameter is never reported,
 * and a name or a module is reported once a file.
 */
#include <assert.h>
#include <string.h>

#include "compiler/evaluate/internal.h"

const Type undefined_origin = {.name = "undefined", .kind = VALUE_NATIVE};
const Type reported_origin = {.name = "reported", .kind = VALUE_NATIVE};
const Type import_origin = {.name = "import", .kind = VALUE_NATIVE};

/* The leftmost part of attributes, calls and items: `Bok` of `Bok.objects.all()`. */
static const Node *expression_root(const Node *node) {
    for (;;) {
        switch (node->kind) {
        case NODE_Attribute: node = NODE_AS(Attribute, node)->value; break;
        case NODE_Call: node = NODE_AS(Call, node)->func; break;
        case NODE_Subscript: node = NODE_AS(Subscript, node)->value; break;
        case NODE_Await: node = NODE_AS(Await, node)->value; break;
        default: return node;
        }
    }
}

/* ---- suggestions ---- */

static void offer_names(Suggestion *near, const AtomMap *names, const Value *except) {
    for (int i = 0; i < names->count; i++)
        if (names->entries[i].key && names->entries[i].value != except)
            suggestion_offer(near, names->entries[i].key->text);
}

static Slice help_from(Evaluator *ev, const Suggestion *near) {
    if (!suggestion_found(near)) return (Slice){"", 0};
    return slice_format(ev->arena, "did you mean '%.*s'?", SLICE_ARGS(near->best));
}

/* A module of the program that has the very name; NULL: none. */
static const ModuleValue *module_that_has(const Evaluator *ev, Atom name) {
    for (int i = 0; i < ev->program_count; i++) {
        const ModuleValue *module = ev->programs[i]->module;
        const Value *found = module ? atom_map_get(&module->names, name) : NULL;
        if (found && !value_is_unknown(found)) return module;
    }
    return NULL;
}

/* Where the name can be had, or what is in reach and spelt like it; `unknown` is what the name itself was bound to. */
static Slice visible_name_like(Evaluator *ev, Atom name, const Value *unknown) {
    const ModuleValue *home = module_that_has(ev, name);
    if (home)
        return slice_format(ev->arena, "did you forget 'from %.*s import %.*s'?", SLICE_ARGS(home->name->text),
                            SLICE_ARGS(name->text));
    assert(ev->frame->scope);
    Suggestion near = suggestion_start(name->text);
    for (const Scope *scope = ev->frame->scope; scope; scope = scope->parent) offer_names(&near, scope->names, unknown);
    if (ev->frame->scope->module == ev->text_module) offer_names(&near, &ev->free_names, unknown);
    offer_names(&near, &ev->builtins.module->names, unknown);
    return help_from(ev, &near);
}

/* ---- is the name bound anywhere in the file? ---- */

static bool is_word(char byte) {
    return byte == '_' || (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || ((unsigned char)byte & 0x80);
}

static Slice word_before(Slice text, size_t at) {
    while (at && (text.start[at - 1] == ' ' || text.start[at - 1] == '(')) at--;
    size_t end = at;
    while (at && is_word(text.start[at - 1])) at--;
    return slice_sub(text, at, end);
}

/* Whether this occurrence of a name may bind it: in doubt, yes. */
static bool occurrence_binds(Slice text, size_t start, size_t end) {
    static const char *const binders[] = {"import", "as", "def", "class", "global", "nonlocal", "for", "lambda"};
    Slice before = word_before(text, start);
    for (size_t i = 0; i < sizeof binders / sizeof *binders; i++)
        if (slice_equals_text(before, binders[i])) return true;
    while (end < text.length && text.start[end] == ' ') end++;
    char next = end < text.length ? text.start[end] : '\n';
    if (next == '=') return end + 1 == text.length || text.start[end + 1] != '=';
    return strchr(".()[]+-*/|&<>!", next) == NULL;
}

/* Where the word next stands, from `at`; the text's length: nowhere. */
static size_t text_find_word(Slice text, Slice word, size_t at) {
    for (; at + word.length <= text.length; at++) {
        const char *found = memchr(text.start + at, word.start[0], text.length - at);
        if (!found) break;
        at = (size_t)(found - text.start);
        size_t end = at + word.length;
        if (end > text.length) break;
        bool alone = (!at || !is_word(text.start[at - 1])) && (end == text.length || !is_word(text.start[end]));
        if (alone && memcmp(found, word.start, word.length) == 0) return at;
    }
    return text.length;
}

static bool text_binds(Slice text, Slice name) {
    for (size_t at = text_find_word(text, name, 0); at < text.length; at = text_find_word(text, name, at + 1))
        if (occurrence_binds(text, at, at + name.length)) return true;
    return false;
}

/* ---- reports ---- */

static bool already_said(const Evaluator *ev, const Source *source, Slice message) {
    for (int i = 0; i < ev->reporting->count; i++)
        if (ev->reporting->items[i].span.source == source && slice_equals(ev->reporting->items[i].message, message))
            return true;
    return false;
}

static void report(Evaluator *ev, Span span, Severity severity, Slice message, Slice help) {
    if (!span.source || already_said(ev, span.source, message)) return;
    Diagnostic *added = diagnostics_add(ev->reporting, CODE_UNKNOWN_MODEL, severity, span, "%.*s", SLICE_ARGS(message));
    if (help.length) added->help = slice_copy(ev->reporting->arena, help);
}

static const char *dotted_as_path(Evaluator *ev, Slice dotted) {
    Buffer path;
    buffer_init(&path, ev->arena);
    for (size_t i = 0; i < dotted.length; i++) buffer_put(&path, dotted.start[i] == '.' ? '/' : dotted.start[i]);
    return slice_terminated(ev->arena, buffer_view(&path));
}

bool evaluator_report_unresolved(Evaluator *ev, const Value *unknown, const Node *site) {
    if (!value_is_unknown(unknown) || !site || !ev->frame || ev->tries) return false;
    const Node *root =
        expression_root(((const UnknownValue *)unknown)->node ? ((const UnknownValue *)unknown)->node : site);
    if (root->kind != NODE_Name) root = expression_root(site);
    if (root->kind != NODE_Name) return false;
    Atom name = NODE_AS(Name, root)->id;
    const ModuleValue *module = ev->frame->scope->module;
    const Value *found = scope_lookup(ev, ev->frame->scope, name);
    if (!found || !value_is_unknown(found)) return false;
    const Type *origin = ((const UnknownValue *)found)->origin_type;
    bool from_text = module == ev->text_module;
    if (origin == &undefined_origin && !module->open && module->source &&
        !text_binds(module->source->text, name->text)) {
        Slice message = slice_format(ev->arena, "name '%.*s' is not defined", SLICE_ARGS(name->text));
        report(ev, evaluator_span(ev, root), from_text ? SEVERITY_ERROR : SEVERITY_WARNING, message,
               visible_name_like(ev, name, found));
        return true;
    }
    if (origin == &reported_origin) return true;
    if (origin != &import_origin) return false;
    Slice home = *(const Slice *)((const UnknownValue *)found)->origin;
    report(ev, evaluator_span(ev, root), SEVERITY_WARNING,
           slice_format(ev->arena, "the module '%.*s' is not known: queries on what it defines are not found",
                        SLICE_ARGS(home)),
           slice_format(ev->arena, "give its file with -m: -m %s.py", dotted_as_path(ev, home)));
    return true;
}

/* An error stands within these bytes: what comes of it needs no word of its own. */
static bool diagnosed_within(const Evaluator *ev, Span span) {
    const DiagnosticList *list = ev->reporting;
    for (int i = diagnostics_from(list, span.source, span.start); i < list->count; i++) {
        const Diagnostic *known = &list->items[list->by_place[i]];
        if (known->span.source != span.source || known->span.start > span.end) return false;
        if (known->span.end <= span.end && known->code == CODE_UNKNOWN_MODEL) return true;
    }
    return false;
}

void evaluator_refuse_unknown(Evaluator *ev, Slice text, Span span) {
    if (ev->error.pending) return;
    evaluator_raise(ev, ev->builtins.exceptions[EXCEPTION_VALUE], span, "the value of '%.*s' is not known",
                    SLICE_ARGS(text));
    evaluator_raise_help(ev, "give it with --set, or the file that defines it with -m");
}

void evaluator_warn_open(Evaluator *ev, const Arguments *arguments, const char *what) {
    Span span = evaluator_span(ev, arguments->unknown_node ? arguments->unknown_node : arguments->site);
    if (ev->host.has_rows) evaluator_refuse_unknown(ev, span_text(span), span);
    else evaluator_warn(ev, CODE_UNSUPPORTED, span, "%s that are not known here are left out", what);
}

void evaluator_leave_out(Evaluator *ev, const Node *site, const char *what) {
    Span span = evaluator_span(ev, site);
    if (!ev->host.has_rows) evaluator_warn(ev, CODE_UNSUPPORTED, span, "a statement whose %s is left out", what);
    else if (!ev->error.pending)
        evaluator_raise(ev, ev->builtins.exceptions[EXCEPTION_VALUE], span, "a statement whose %s is not sent", what);
}

Diagnostic *evaluator_warn_left_out(Evaluator *ev, const Value *unknown, Span span, const char *what) {
    if (ev->host.has_rows) {
        evaluator_refuse_unknown(ev, ((const UnknownValue *)unknown)->text, span);
        return NULL;
    }
    const Node *node = ((const UnknownValue *)unknown)->node;
    if (node && node->kind == NODE_Call && evaluator_report_unresolved(ev, unknown, node)) return NULL;
    if (node && diagnosed_within(ev, evaluator_span(ev, node))) return NULL;
    return diagnostics_add(ev->reporting, CODE_UNSUPPORTED, SEVERITY_WARNING, span,
                           "%s that is not known here is left out", what);
}

/* Whether a module of the program certainly has no such name: the text never says it, and makes no names unseen. A
 * package may have it as a file. */
static bool module_lacks(const ModuleValue *module, Slice name) {
    static const char *const makers[] = {"globals", "__getattr__", "setattr", "exec"};
    if (!module->source || module->is_package) return false;
    Slice text = module->source->text;
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (text_find_word(text, slice_from(makers[i]), 0) < text.length) return false;
    return text_find_word(text, name, 0) == text.length;
}

/* Names that the modules have, that are not known here, and that look like others which are. */
static const char *const real_names[] = {
    "Cast",  "Compiled", "Composite",  "Field", "Insert", "SelectBase", "Synonym",    "TextIO",
    "Trunc", "Type",     "TypeClause", "Union", "fields", "ifloordiv",  "imod",       "imul",
    "ipow",  "isub",     "itruediv",   "ixor",  "mapper", "pos",        "ROUND_05UP",
};

/* A native module knows not all that the real one has: only what looks like a slip is one. */
static bool module_name_is_slip(const ModuleValue *module, Slice name, Suggestion *near) {
    near->distance = name.length <= 4 ? 2 : 3;
    offer_names(near, &module->names, NULL);
    for (size_t i = 0; i < sizeof real_names / sizeof *real_names; i++)
        if (slice_equals_text(name, real_names[i])) return false;
    return suggestion_found(near);
}

bool module_report_missing(Evaluator *ev, const ModuleValue *module, Slice imported_as, Atom name, const Node *site) {
    if (ev->tries || !site || module->missing || module->open || ev->error.pending) return false;
    Suggestion near = suggestion_start(name->text);
    if (module->native) {
        if (!module_name_is_slip(module, name->text, &near)) return false;
    } else {
        if (!module_lacks(module, name->text)) return false;
        offer_names(&near, &module->names, NULL);
    }
    Slice message = slice_format(ev->arena, "module '%.*s' has no attribute '%.*s'", SLICE_ARGS(module->name->text),
                                 SLICE_ARGS(name->text));
    if (imported_as.length)
        message = slice_format(ev->arena, "cannot import name '%.*s' from '%.*s'", SLICE_ARGS(name->text),
                               SLICE_ARGS(imported_as));
    report(ev, attribute_span(ev, site), SEVERITY_ERROR, message, help_from(ev, &near));
    return true;
}
