/*
 * The app label that an AppConfig gives to the models of its package.
 *
 * In: the syntax of the apps.py beside models.py or the directory models/, never run. Out: what Django makes of it for
 * an app that is installed by the package's name; NULL where it says nothing that can be read off it. Example:
 *
 *     shop/apps.py    class ShopConfig(AppConfig):
 *                         name = "project.shop"
 *                         label = "store"                → the table of shop.models.Order is store_order
 */
#include "compiler/django/model_build.h"

typedef struct AppConfig {
    Slice name, label; /* empty: not given as a plain string */
    bool is_default, is_other;
} AppConfig;

/* AppConfig and, by their names, what projects derive from it: PluginConfig, core.ProjectAppConfig. */
static bool base_is_config(const Node *base) {
    if (base->kind == NODE_Name) return slice_ends_with(NODE_AS(Name, base)->id->text, "Config");
    return base->kind == NODE_Attribute && slice_ends_with(NODE_AS(Attribute, base)->attr->text, "Config");
}

static void config_set(AppConfig *config, Slice name, const Constant *value) {
    if (value->kind == CONSTANT_STRING && slice_equals_text(name, "name")) config->name = value->text;
    if (value->kind == CONSTANT_STRING && slice_equals_text(name, "label")) config->label = value->text;
    if (slice_equals_text(name, "default")) {
        config->is_default = value->kind == CONSTANT_TRUE;
        config->is_other = value->kind == CONSTANT_FALSE;
    }
}

static AppConfig config_read(const NodeClassDef *definition) {
    AppConfig config = {0};
    for (int i = 0; i < definition->body.count; i++) {
        const Node *node = definition->body.items[i], *target = NULL, *value = NULL;
        if (node->kind == NODE_Assign && NODE_AS(Assign, node)->targets.count == 1) {
            target = NODE_AS(Assign, node)->targets.items[0];
            value = NODE_AS(Assign, node)->value;
        } else if (node->kind == NODE_AnnAssign) {
            target = NODE_AS(AnnAssign, node)->target;
            value = NODE_AS(AnnAssign, node)->value;
        }
        if (target && value && target->kind == NODE_Name && value->kind == NODE_Constant)
            config_set(&config, NODE_AS(Name, target)->id->text, &NODE_AS(Constant, value)->value);
    }
    return config;
}

/* Without a label the last part of the name. */
static Slice config_label(const AppConfig *config) {
    if (config->label.length) return config->label;
    size_t start = config->name.length;
    while (start > 0 && config->name.start[start - 1] != '.') start--;
    return slice_sub(config->name, start, config->name.length);
}

/* The only class that counts, or the only one that says `default = True`; several that agree are as good as one. */
static Slice module_config_label(const NodeModule *tree) {
    Slice found = {"", 0};
    bool is_default = false, differs = false;
    for (int i = 0; i < tree->body.count; i++) {
        if (tree->body.items[i]->kind != NODE_ClassDef) continue;
        const NodeClassDef *definition = NODE_AS(ClassDef, tree->body.items[i]);
        if (!definition->bases.count || !base_is_config(definition->bases.items[0])) continue;
        AppConfig config = config_read(definition);
        if (config.is_other || (is_default && !config.is_default)) continue;
        bool first = !found.length || (config.is_default && !is_default);
        differs = !first && (differs || !slice_equals(found, config_label(&config)));
        if (first) found = config_label(&config);
        is_default = config.is_default;
    }
    return differs ? (Slice){"", 0} : found;
}

Atom app_config_label(Evaluator *ev, const ModuleValue *module) {
    const NodeModule *tree = module->label_given ? NULL : module_tree_beside(ev, module, "models", "apps");
    Slice label = tree ? module_config_label(tree) : (Slice){"", 0};
    return label.length ? atom_intern(evaluator_atoms(ev), label) : NULL;
}
