/*
 * What an unknown name must be, by how it is used: `teacher.mentees` in a function whose parameter `teacher` has no
 * annotation is some Teacher, where the models have a Teacher with such an attribute.
 *
 * Invariant: only one model fits, or none is guessed.
 */
#include "compiler/django/guess.h"
#include "compiler/django/model_build.h"

/* order_line or orderline is the name of OrderLine. */
static bool name_fits(Slice name, Slice model_name) {
    size_t m = 0;
    for (size_t i = 0; i < name.length; i++) {
        if (name.start[i] == '_') continue;
        if (m == model_name.length || name.start[i] != model_name.start[m]) return false;
        m++;
    }
    return m == model_name.length;
}

static bool model_has_attribute(Evaluator *ev, DjModel *model, Atom name) {
    if (slice_equals_text(name->text, "pk")) return true;
    DjFound found = model_find_field(ev, model, name);
    return found.field || related_attribute(ev, model, name) || class_find(model->cls, name);
}

Value *django_guess_name(Evaluator *ev, Atom name, Slice attribute, bool awaited, const Node *site) {
    DjState *state = django_state(ev);
    (void)awaited;
    if (!state->model_class || !attribute.length) return NULL;
    Atom wanted = atom_intern(evaluator_atoms(ev), attribute);
    DjModel *only = NULL;
    for (int i = 0; i < state->models.count; i++) {
        DjModel *model = state->models.items[i];
        if (model->auto_created || !name_fits(name->text, model->model_name->text)) continue;
        if (!model_has_attribute(ev, model, wanted)) continue;
        if (only) return NULL;
        only = model;
    }
    return only ? (Value *)instance_unknown(ev, only, name->text, site, NULL) : NULL;
}

Value *django_adopt_unknown(Evaluator *ev, const UnknownValue *unknown, Atom attribute, const Node *site) {
    static const char *const managers[] = {"objects", "_default_manager", "_base_manager"};
    for (size_t i = 0; i < sizeof managers / sizeof *managers; i++)
        if (slice_equals_text(attribute->text, managers[i])) evaluator_report_unresolved(ev, &unknown->head, site);
    return NULL;
}
