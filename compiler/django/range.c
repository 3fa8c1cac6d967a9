/*
 * Range values. Input: the constructor's arguments; output: a value that a range field's parameter is made of.
 *
 * Example: DateRange(date(2024, 1, 1), None) has the text [2024-01-01,).
 */
#include "compiler/django/model_build.h"
#include "compiler/django/range.h"

static Value *range_bound(Value *value) { return value && !value_is_none(value) ? value : NULL; }

static Value *range_create(Evaluator *ev, Class *cls, const Arguments *arguments) {
    Value *lower = NULL, *upper = NULL, *bounds = NULL, *empty = NULL;
    if (!arguments_bind(ev, arguments, "__init__", "| lower upper bounds empty", &lower, &upper, &bounds, &empty))
        return NULL;
    DjRange *range = instance_allocate(ev, cls, sizeof *range);
    range->lower = range_bound(lower);
    range->upper = range_bound(upper);
    range->bounds = value_is_text(bounds) ? value_text(bounds) : SLICE("[)");
    range->empty = empty && value_truthy(ev, empty);
    static const char *const known[] = {"[)", "(]", "()", "[]"};
    for (size_t i = 0; i < 4; i++)
        if (slice_equals_text(range->bounds, known[i])) return (Value *)range;
    Slice shown = value_repr(ev, bounds);
    return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "bound flags not valid: %.*s", SLICE_ARGS(shown));
}

DjRange *range_new(Evaluator *ev, Value *lower, Value *upper, Slice bounds) {
    DjRange *range = arena_allocate_zeroed(evaluator_arena(ev), sizeof *range);
    range->head.head = (Value){&django_range_type, evaluator_object_class(ev)};
    range->lower = range_bound(lower);
    range->upper = range_bound(upper);
    range->bounds = bounds;
    return range;
}

static void bound_write(Evaluator *ev, Buffer *out, Value *bound, const Node *site) {
    if (!bound) return;
    Slice text = value_text_or_empty(value_str(ev, bound, site));
    bool quoted = text.length == 0;
    for (size_t i = 0; i < text.length; i++) quoted = quoted || strchr("()[],\"\\ \t\n\r\f\v", text.start[i]);
    if (!quoted) {
        buffer_slice(out, text);
        return;
    }
    buffer_put(out, '"');
    for (size_t i = 0; i < text.length; i++) {
        if (text.start[i] == '"' || text.start[i] == '\\') buffer_put(out, text.start[i]);
        buffer_put(out, text.start[i]);
    }
    buffer_put(out, '"');
}

Slice range_text(Evaluator *ev, DjRange *range, const Node *site) {
    if (range->empty) return SLICE("empty");
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    buffer_put(&out, range->bounds.start[0]); /* of an end that is not there, too: psycopg sends what was given */
    bound_write(ev, &out, range->lower, site);
    buffer_put(&out, ',');
    bound_write(ev, &out, range->upper, site);
    buffer_put(&out, range->bounds.start[1]);
    return buffer_view(&out);
}

static Value *range_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)site;
    DjRange *range = (DjRange *)self;
    if (slice_equals_text(name->text, "lower")) return range->lower ? range->lower : value_none(ev);
    if (slice_equals_text(name->text, "upper")) return range->upper ? range->upper : value_none(ev);
    if (slice_equals_text(name->text, "isempty")) return value_bool(ev, range->empty);
    if (slice_equals_text(name->text, "_bounds")) return value_string(ev, range->bounds);
    return NULL;
}

static void range_describe(Evaluator *ev, Value *self, Buffer *out) {
    Slice text = range_text(ev, (DjRange *)self, NULL);
    buffer_format(out, "%.*s(%.*s)", SLICE_ARGS(self->cls->name->text), SLICE_ARGS(text));
}

const Type django_range_type = {.name = "Range",
                                .kind = VALUE_NATIVE,
                                .get_attribute = range_get_attribute,
                                .describe = range_describe,
                                .has_attributes = true};

void ranges_define(Evaluator *ev, ModuleValue *module) {
    static const char *const names[] = {"Range", "NumericRange", "DateRange", "DateTimeRange", "DateTimeTZRange"};
    Class *base = NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        NativeClass spec = {.name = names[i], .instance_type = &django_range_type, .create = range_create};
        Class *cls = module_define_class(ev, module, &spec, base);
        if (!base) base = cls;
    }
}
