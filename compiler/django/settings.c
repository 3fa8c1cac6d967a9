/*
 * django.conf, django.apps, django.contrib.auth, django.utils.translation, django.utils.timezone.
 *
 * Invariant: a setting that nobody has set has Django's default for a new project, and is unknown where there is none.
 *
 * Example: settings.AUTH_USER_MODEL is "auth.User"; apps.get_model("shop", "Order") is the class Order.
 */
#include <time.h>

#include "compiler/django/field_prepare.h"
#include "compiler/django/model_build.h"
#include "compiler/django/settings.h"
#include "grammar/parser.h"

Value *django_ignore(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    return value_none(ev);
}

static Value *django_same(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count ? arguments->items[0] : value_none(ev);
}

/* ---- django.conf ---- */

static Value *settings_get_attribute(Evaluator *ev, Value *self, Atom name, const Node *site) {
    (void)self;
    const char *text = slice_terminated(evaluator_arena(ev), name->text);
    Value *value = evaluator_setting(ev, text);
    if (value) return value;
    static const char *const defaults[][2] = {{"AUTH_USER_MODEL", "auth.User"},
                                              {"TIME_ZONE", "UTC"},
                                              {"LANGUAGE_CODE", "en-us"},
                                              {"DEFAULT_AUTO_FIELD", "django.db.models.BigAutoField"},
                                              {"MEDIA_ROOT", ""},
                                              {"MEDIA_URL", "/"}};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (strcmp(text, defaults[i][0]) == 0) return value_string(ev, slice_from(defaults[i][1]));
    if (strcmp(text, "USE_TZ") == 0) return value_bool(ev, true);
    if (strcmp(text, "DEBUG") == 0) return value_bool(ev, false);
    return value_unknown(ev, slice_format(evaluator_arena(ev), "settings.%s", text), site, NULL);
}

static const Type settings_type = {
    .name = "LazySettings", .kind = VALUE_NATIVE, .get_attribute = settings_get_attribute};

void setup_conf(Evaluator *ev, ModuleValue *module) {
    Value *settings = arena_allocate_zeroed(evaluator_arena(ev), sizeof *settings);
    *settings = (Value){&settings_type, evaluator_object_class(ev)};
    module_define(ev, module, "settings", settings);
}

/* ---- django.apps ---- */

static Value *apps_get_model(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *app = NULL, *name = NULL, *ready = NULL;
    if (!arguments_bind(ev, arguments, "get_model", "app_label | model_name require_ready", &app, &name, &ready))
        return NULL;
    if (!value_is_text(app) || (name && !value_is_none(name) && !value_is_text(name)))
        return value_unknown_at(ev, arguments->site);
    DjModel *model = value_is_text(name) ? django_model_by_label(ev, value_text(name), value_as_atom(ev, app))
                                         : django_model_by_label(ev, value_text(app), NULL);
    return model ? (Value *)model->cls : value_unknown_at(ev, arguments->site);
}

static Value *apps_get_models(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    const Models *models = django_models(ev);
    ListValue *list = value_list(ev);
    for (int i = 0; i < models->count; i++)
        if (!models->items[i]->auto_created) list_append(ev, list, (Value *)models->items[i]->cls);
    return (Value *)list;
}

void setup_apps(Evaluator *ev, ModuleValue *module) {
    static const NativeMethod methods[] = {{"get_model", apps_get_model, NATIVE_STATICMETHOD, NULL},
                                           {"get_models", apps_get_models, NATIVE_STATICMETHOD, NULL},
                                           {NULL, NULL, NATIVE_METHOD, NULL}};
    NativeClass apps = {.name = "Apps", .methods = methods}, config = {.name = "AppConfig"};
    module_define(ev, module, "apps", (Value *)module_define_class(ev, module, &apps, NULL));
    module_define_class(ev, module, &config, NULL);
}

/* ---- django.contrib.auth ---- */

static Value *auth_get_user_model(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    DjModel *model = django_model_by_label(ev, django_setting_text(ev, "AUTH_USER_MODEL", "auth.User"), NULL);
    return model ? (Value *)model->cls : value_unknown_at(ev, arguments->site);
}

static Value *auth_get_user(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *cls = auth_get_user_model(ev, self, arguments);
    DjModel *model = django_model_of_value(cls);
    Slice text = span_text(evaluator_span(ev, arguments->site));
    if (!model) return cls;
    return value_optional(ev, instance_unknown_of_class(ev, model->cls, text, arguments->site), text, arguments->site);
}

void setup_auth(Evaluator *ev, ModuleValue *module) {
    module_define_function(ev, module, "get_user_model", auth_get_user_model);
    module_define_function(ev, module, "authenticate", auth_get_user);
    module_define_function(ev, module, "get_user", auth_get_user);
    module_define_function(ev, module, "login", django_ignore);
    module_define_function(ev, module, "logout", django_ignore);
}

/* ---- django.utils.text ---- */

static void slug_add(Buffer *out, uint32_t code) {
    char last = out->length ? out->data[out->length - 1] : 0;
    bool space = code == ' ' || (code >= '\t' && code <= '\r') || (code >= 0x1C && code <= 0x1F);
    if (space || code == '-') {
        if (last != '-') buffer_put(out, '-');
        return;
    }
    if (code >= 'A' && code <= 'Z') code += 32;
    bool word = (code >= 'a' && code <= 'z') || (code >= '0' && code <= '9') || code == '_';
    char bytes[4];
    if (code >= 0x80 ? unicode_follows_in_name(code) : word)
        buffer_slice(out, (Slice){bytes, unicode_write(bytes, code)});
}

/* "Crème brûlée!" → "creme-brulee"; with allow_unicode letters of all alphabets stay, in lower case. */
static Value *text_slugify(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *value = NULL, *keep = NULL;
    if (!arguments_bind(ev, arguments, "slugify", "value | allow_unicode", &value, &keep)) return NULL;
    if (!value_is_unknown(value)) value = value_str(ev, value, arguments->site);
    if (!value) return NULL;
    if (!value_is(value, VALUE_STRING)) return value_unknown_at(ev, arguments->site);
    bool all = keep && value_is_true(keep);
    Slice text = unicode_normal_form(evaluator_arena(ev), value_text(value));
    Buffer out;
    buffer_init(&out, evaluator_arena(ev));
    for (size_t i = 0, length; i < text.length; i += length ? length : 1) {
        uint32_t code = unicode_read(slice_sub(text, i, text.length), &length);
        uint32_t base = unicode_base(code);
        /* capitals with marks: what lower() makes of them is not known here */
        if (all && code >= 0x80 && base >= 'A' && base <= 'Z') return value_unknown_at(ev, arguments->site);
        if (!all) code = base;
        if (code && (all || code < 0x80)) slug_add(&out, code);
    }
    Slice slug = buffer_view(&out);
    while (slug.length && (slug.start[0] == '-' || slug.start[0] == '_')) slug = slice_sub(slug, 1, slug.length);
    while (slug.length && (slug.start[slug.length - 1] == '-' || slug.start[slug.length - 1] == '_')) slug.length--;
    return value_string(ev, slug);
}

void setup_text(Evaluator *ev, ModuleValue *module) { module_define_function(ev, module, "slugify", text_slugify); }

/* ---- django.utils.translation ---- */

static Value *translate_second(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    return arguments->count > 1 ? arguments->items[1] : value_none(ev);
}

void setup_translation(Evaluator *ev, ModuleValue *module) {
    static const char *const same[] = {"gettext", "gettext_lazy", "gettext_noop", "ugettext", "ugettext_lazy"};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) module_define_function(ev, module, same[i], django_same);
    module_define_function(ev, module, "pgettext", translate_second);
    module_define_function(ev, module, "pgettext_lazy", translate_second);
    module_define_function(ev, module, "ngettext", django_same);
    module_define_function(ev, module, "ngettext_lazy", django_same);
    module_define_function(ev, module, "activate", django_ignore);
}

/* ---- django.utils.timezone ---- */

static Value *moment_unknown(Evaluator *ev, const Arguments *arguments, ValueKind kind) {
    Slice text = span_text(evaluator_span(ev, arguments->site));
    return value_unknown(ev, text, arguments->site, (Value *)evaluator_builtin_class(ev, kind));
}

static Value *clock_value(Evaluator *ev) {
    struct timespec now;
    struct tm parts;
    if (!timespec_get(&now, TIME_UTC) || !gmtime_r(&now.tv_sec, &parts)) return NULL;
    DateTimeValue moment = {.year = parts.tm_year + 1900,
                            .month = parts.tm_mon + 1,
                            .day = parts.tm_mday,
                            .hour = parts.tm_hour,
                            .minute = parts.tm_min,
                            .second = parts.tm_sec,
                            .microsecond = (int)(now.tv_nsec / 1000),
                            .zone = django_use_tz(ev) ? value_zone(ev, SLICE("UTC")) : NULL};
    return value_datetime(ev, &moment);
}

static Value *timezone_now(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *now = evaluator_has_rows(ev) ? clock_value(ev) : NULL;
    return now ? now : moment_unknown(ev, arguments, VALUE_DATETIME);
}

static Value *with_zone(Evaluator *ev, Value *value, Value *zone) {
    DateTimeValue parts = *(DateTimeValue *)value;
    parts.zone = zone;
    return value_datetime(ev, &parts);
}

static Value *timezone_make_aware(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *value = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, "make_aware", "value | timezone", &value, &zone)) return NULL;
    if (value->type->kind != VALUE_DATETIME) return moment_unknown(ev, arguments, VALUE_DATETIME);
    if (((DateTimeValue *)value)->zone) {
        Slice shown = value_repr(ev, value);
        return evaluator_raise_id(ev, EXCEPTION_VALUE, arguments->site, "make_aware expects a naive datetime, got %.*s",
                                  SLICE_ARGS(shown));
    }
    return with_zone(ev, value, zone && !value_is_none(zone) ? zone : django_current_zone(ev));
}

static Value *timezone_make_naive(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    Value *value = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, "make_naive", "value | timezone", &value, &zone)) return NULL;
    if (value->type->kind != VALUE_DATETIME) return moment_unknown(ev, arguments, VALUE_DATETIME);
    if (!zone || value_is_none(zone)) zone = django_current_zone(ev);
    value = value_call_method(ev, value, "astimezone", &zone, 1, arguments->site);
    return value && value->type->kind == VALUE_DATETIME ? with_zone(ev, value, NULL) : value;
}

static Value *timezone_localtime(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *value = NULL, *zone = NULL;
    if (!arguments_bind(ev, arguments, "localtime", "| value timezone", &value, &zone)) return NULL;
    if (!value || value_is_none(value)) value = timezone_now(ev, self, arguments);
    if (value->type->kind != VALUE_DATETIME) return moment_unknown(ev, arguments, VALUE_DATETIME);
    if (!zone || value_is_none(zone)) zone = django_current_zone(ev);
    return value_call_method(ev, value, "astimezone", &zone, 1, arguments->site);
}

static Value *timezone_localdate(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *value = timezone_localtime(ev, self, arguments);
    if (!value || value->type->kind != VALUE_DATETIME) return value ? moment_unknown(ev, arguments, VALUE_DATE) : NULL;
    const DateTimeValue *moment = (const DateTimeValue *)value;
    return value_date(ev, moment->year, moment->month, moment->day);
}

static Value *timezone_is_aware(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    bool known = arguments->count == 1 && arguments->items[0]->type->kind == VALUE_DATETIME;
    if (!known) return value_unknown_at(ev, arguments->site);
    return value_bool(ev, ((DateTimeValue *)arguments->items[0])->zone != NULL);
}

static Value *timezone_is_naive(Evaluator *ev, Value *self, const Arguments *arguments) {
    Value *aware = timezone_is_aware(ev, self, arguments);
    return value_is_unknown(aware) ? aware : value_bool(ev, !value_is_true(aware));
}

static Value *timezone_current(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    return django_current_zone(ev);
}

static Value *timezone_default(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self, (void)arguments;
    return value_zone(ev, django_setting_text(ev, "TIME_ZONE", "UTC"));
}

static Value *timezone_fixed(Evaluator *ev, Value *self, const Arguments *arguments) {
    (void)self;
    int64_t minutes;
    if (arguments->count && arguments->items[0]->type->kind == VALUE_TIMEDELTA)
        return value_fixed_zone(ev, (int)(((TimeDeltaValue *)arguments->items[0])->microseconds / 1000000));
    if (!arguments->count || !value_as_integer(arguments->items[0], &minutes))
        return value_unknown_at(ev, arguments->site);
    return value_fixed_zone(ev, (int)minutes * 60);
}

void setup_timezone(Evaluator *ev, ModuleValue *module) {
    static const struct {
        const char *name;
        NativeCall call;
    } functions[] = {{"now", timezone_now},
                     {"make_aware", timezone_make_aware},
                     {"make_naive", timezone_make_naive},
                     {"localtime", timezone_localtime},
                     {"template_localtime", timezone_localtime},
                     {"localdate", timezone_localdate},
                     {"is_aware", timezone_is_aware},
                     {"is_naive", timezone_is_naive},
                     {"get_current_timezone", timezone_current},
                     {"get_default_timezone", timezone_default},
                     {"get_fixed_timezone", timezone_fixed},
                     {"activate", django_ignore},
                     {"deactivate", django_ignore}};
    static const char *const from_datetime[] = {"datetime", "timedelta", "tzinfo"};
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        module_define_function(ev, module, functions[i].name, functions[i].call);
    module_define(ev, module, "utc", value_zone(ev, SLICE("UTC")));
    ModuleValue *datetime = evaluator_import(ev, "datetime");
    for (size_t i = 0; datetime && i < 3; i++) {
        Value *value = atom_map_get(&datetime->names, django_atom(ev, from_datetime[i]));
        if (value) module_define(ev, module, from_datetime[i], value);
    }
}
