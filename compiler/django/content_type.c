/*
 * Content types in conditions: the id of a model's row in django_content_type, which Django looks up once.
 */
#include "compiler/django/django.h"
#include "compiler/django/fetch.h"
#include "compiler/django/instance.h"
#include "compiler/django/query_state.h"

static DjExpr *equals(Evaluator *ev, const char *name, Slice text, const Node *site) {
    DjExpr *condition = dj_expr_new(ev, DJ_CONDITION, site, 0);
    condition->as.condition.name = slice_from(name);
    condition->as.condition.value = value_string(ev, text);
    condition->as.condition.value_node = site;
    condition->as.condition.span = evaluator_span(ev, site);
    return condition;
}

Value *dj_content_type_id(Evaluator *ev, DjModel *model, const Node *site) {
    DjModel *types = django_model_by_label(ev, SLICE("contenttypes.ContentType"), NULL);
    if (!types) return evaluator_raise_id(ev, EXCEPTION_UNSUPPORTED, site, "content types are not installed");
    Slice text = slice_format(evaluator_arena(ev), "ContentType(%.*s).pk", SLICE_ARGS(model->label));
    UnknownValue *id = (UnknownValue *)value_unknown(ev, text, site, NULL);
    DjExpr *q = dj_q_new(ev, site);
    dj_q_push(ev, q, equals(ev, "app_label", model->app_label->text, site));
    dj_q_push(ev, q, equals(ev, "model", model->model_name->text, site));
    return (Value *)id;
}
