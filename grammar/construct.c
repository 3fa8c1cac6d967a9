/*
 * Constructors that need more than their parts: targets, parameters, arguments, chains, blocks.
 *
 * In: what a rule of python.y has gathered. Out: the node, as CPython's `ast` has it. Where Python's own
 * grammar would refuse an operand it is reported here, and the node is built all the same.
 * Example: `a = b = c` comes as the list [a, b, c] and becomes Assign(targets=[a, b], value=c).
 */
#include "grammar/parser.h"

#include <assert.h>

static Node *list_item(const Parser *parser, List list, uint32_t index) { return parser->scratch[list.mark + index]; }

/* The list without its first items, for a list of which two parts are taken. */
static List list_slice(List list, uint32_t from, uint32_t count) { return (List){list.mark + from, count}; }

/* Recovery */

Node *parser_unreadable(Parser *parser, Extent at) {
    parser_recovered(parser);
    return MAKE_NODE(parser, Unreadable, at, .body = {0});
}

void parser_recovered(Parser *parser) { parser->recovering = false; }

/* A block below a line that was not understood is read quietly; below any other it is said. */
void parser_begin_unexpected_block(Parser *parser, List statements) {
    Node *last = statements.count ? list_item(parser, statements, statements.count - 1) : NULL;
    if (last && last->kind == NODE_Unreadable) return;
    Layout *layout = &parser->layout;
    for (int i = 0; i < layout->count; i++) {
        const Token *token = &layout->tokens[i];
        if (token->end == token->start) continue;
        layout_report(layout, CODE_SYNTAX_ERROR, (Extent){token->start, token->end}, "unexpected indent");
        return;
    }
}

List parser_unexpected_block(Parser *parser, Extent at, List statements, List block) {
    Nodes body = parser_take(parser, block);
    if (body.count) at.start = body.items[0]->start;
    Node *last = statements.count ? list_item(parser, statements, statements.count - 1) : NULL;
    if (last && last->kind == NODE_Unreadable && !NODE_AS(Unreadable, last)->body.count) {
        NODE_AS(Unreadable, last)->body = body;
        last->end = at.end;
        return statements;
    }
    return parser_push(parser, statements, MAKE_NODE(parser, Unreadable, at, .body = body));
}

/* An empty block is said at the keyword of its header; the layout has gone on to the next line by now. */
void parser_check_block(Parser *parser, Extent header, const char *what, List block) {
    if (block.count) return;
    diagnostics_add(parser->diagnostics, CODE_SYNTAX_ERROR, SEVERITY_ERROR,
                    (Span){parser->source, header.start, header.end}, "expected an indented block after %s", what);
}

/* Targets */

static const char *const node_descriptions[NODE_KIND_COUNT] = {
    [NODE_Call] = "a function call",
    [NODE_Constant] = "a literal",
    [NODE_JoinedStr] = "an f-string",
    [NODE_TemplateStr] = "a t-string",
    [NODE_Compare] = "a comparison",
    [NODE_Lambda] = "a lambda",
    [NODE_IfExp] = "a conditional expression",
    [NODE_Dict] = "a dict display",
    [NODE_Set] = "a set display",
    [NODE_ListComp] = "a list comprehension",
    [NODE_SetComp] = "a set comprehension",
    [NODE_DictComp] = "a dict comprehension",
    [NODE_GeneratorExp] = "a generator expression",
    [NODE_Await] = "an await expression",
    [NODE_Yield] = "a yield expression",
    [NODE_YieldFrom] = "a yield expression",
    [NODE_NamedExpr] = "a named expression",
    [NODE_Starred] = "a starred expression",
    [NODE_Tuple] = "a tuple",
    [NODE_List] = "a list",
};

static const char *node_describe(const Node *node) {
    if (node->kind == NODE_Constant) {
        ConstantKind kind = NODE_AS(Constant, node)->value.kind;
        if (kind == CONSTANT_NONE) return "None";
        if (kind == CONSTANT_TRUE) return "True";
        if (kind == CONSTANT_FALSE) return "False";
    }
    const char *text = node_descriptions[node->kind];
    return text ? text : "an expression";
}

static bool node_is_place(const Node *node) {
    return node->kind == NODE_Name || node->kind == NODE_Attribute || node->kind == NODE_Subscript;
}

static const Nodes *node_elements(Node *node) {
    if (node->kind == NODE_Tuple) return &NODE_AS(Tuple, node)->elts;
    return node->kind == NODE_List ? &NODE_AS(List, node)->elts : NULL;
}

/* Brackets limit the depth: a target nests no deeper than they do. */
void parser_check_target(Parser *parser, Node *target, const char *verb) {
    if (node_is_place(target)) return;
    const Nodes *elements = node_elements(target);
    for (int i = 0; elements && i < elements->count; i++) parser_check_target(parser, elements->items[i], verb);
    if (elements) return;
    if (target->kind == NODE_Starred && strcmp(verb, "delete") != 0) {
        parser_check_target(parser, NODE_AS(Starred, target)->value, verb);
        return;
    }
    Diagnostic *diagnostic = parser_report(parser, node_extent(target), "cannot %s %s", verb, node_describe(target));
    if (diagnostic && target->kind != NODE_Constant && strcmp(verb, "assign to") == 0)
        diagnostic->help = SLICE("perhaps you meant '==' instead of '='?");
}

Node *parser_targets(Parser *parser, Extent at, List items) {
    Node *tuple = MAKE_NODE(parser, Tuple, at, .elts = parser_take(parser, items));
    parser_check_target(parser, tuple, "assign to");
    return tuple;
}

Node *parser_assign(Parser *parser, Extent at, List chain) {
    Node *value = list_item(parser, chain, chain.count - 1);
    for (uint32_t i = 0; i + 1 < chain.count; i++)
        parser_check_target(parser, list_item(parser, chain, i), "assign to");
    Nodes targets = parser_take(parser, list_slice(chain, 0, chain.count - 1));
    return MAKE_NODE(parser, Assign, at, .targets = targets, .value = value);
}

Node *parser_augmented(Parser *parser, Extent at, Node *target, int op, Node *value) {
    if (!node_is_place(target))
        parser_report(parser, node_extent(target), "%s is an illegal target of an augmented assignment",
                      node_describe(target));
    return MAKE_NODE(parser, AugAssign, at, .target = target, .op = op, .value = value);
}

Node *parser_annotated(Parser *parser, Extent at, Extent target_at, Node *target, Node *annotation, Node *value) {
    if (!node_is_place(target)) {
        bool several = node_elements(target) != NULL;
        parser_report(parser, node_extent(target),
                      several ? "only a single target (not %s) can be annotated"
                              : "%s is an illegal target of an annotation",
                      several ? node_describe(target) + 2 : node_describe(target));
    }
    bool is_simple = target->kind == NODE_Name && target->start == target_at.start;
    return MAKE_NODE(parser, AnnAssign, at, .target = target, .annotation = annotation, .value = value,
                     .simple = is_simple);
}

Node *parser_delete(Parser *parser, Extent at, List targets) {
    for (uint32_t i = 0; i < targets.count; i++) parser_check_target(parser, list_item(parser, targets, i), "delete");
    return MAKE_NODE(parser, Delete, at, .targets = parser_take(parser, targets));
}

/* Names */

Atom parser_dotted_name(Parser *parser, Extent at, Atom left, Atom right) {
    Slice text = layout_text(&parser->layout, at);
    if (text.length != left->text.length + 1 + right->text.length)
        text = slice_format(parser->arena, "%.*s.%.*s", SLICE_ARGS(left->text), SLICE_ARGS(right->text));
    return atom_intern(parser->atoms, text);
}

List parser_star_alias(Parser *parser, Extent at) {
    Atom star = atom_intern_text(parser->atoms, "*");
    return parser_list_of(parser, MAKE_NODE(parser, alias, at, .name = star));
}

/* Definitions */

Node *parser_decorate(Parser *parser, List decorators, Node *definition) {
    Nodes list = parser_take(parser, decorators);
    if (definition->kind == NODE_ClassDef) NODE_AS(ClassDef, definition)->decorator_list = list;
    else if (definition->kind == NODE_FunctionDef) NODE_AS(FunctionDef, definition)->decorator_list = list;
    else NODE_AS(AsyncFunctionDef, definition)->decorator_list = list;
    return definition;
}

Node *parser_class(Parser *parser, Extent at, Atom name, List type_params, Node *bases, List body) {
    parser_check_block(parser, (Extent){at.start, at.start + 5}, "class definition", body);
    NodeClassDef class = {.node = parser_header(parser, NODE_ClassDef, at), .name = name};
    if (bases) {
        class.bases = NODE_AS(Call, bases)->args;
        class.keywords = NODE_AS(Call, bases)->keywords;
    }
    class.body = parser_take(parser, body);
    class.type_params = parser_take(parser, type_params);
    return parser_keep(parser, &class, sizeof class);
}

/* Three words on the scratch stack would do; one record is clearer. */
List parser_parameter(Parser *parser, ParameterKind kind, Extent at, Atom name, Node *annotation, Node *fallback) {
    Parameter *parameter = arena_allocate(parser->arena, sizeof *parameter);
    *parameter = (Parameter){.kind = kind, .at = at, .fallback = fallback};
    if (name) parameter->arg = MAKE_NODE(parser, arg, at, .arg = name, .annotation = annotation);
    return parser_list_of(parser, parameter);
}

typedef struct ParameterCounts {
    uint32_t positional; /* before `/` */
    uint32_t plain;      /* between `/` and `*` */
    uint32_t keyword;    /* after `*` */
    uint32_t defaults;
    const Parameter *slash, *star, *double_star;
} ParameterCounts;

static void parser_count_plain(Parser *parser, const Parameter *parameter, ParameterCounts *counts) {
    if (counts->star) {
        counts->keyword++;
        return;
    }
    counts->plain++;
    if (parameter->fallback) counts->defaults++;
    else if (counts->defaults)
        parser_report(parser, parameter->at, "parameter without a default follows parameter with a default");
}

static ParameterCounts parser_count_parameters(Parser *parser, List list) {
    ParameterCounts counts = {0};
    for (uint32_t i = 0; i < list.count; i++) {
        const Parameter *parameter = parser->scratch[list.mark + i];
        if (counts.double_star) parser_report(parser, parameter->at, "parameters cannot follow var-keyword parameter");
        switch (parameter->kind) {
        case PARAMETER_PLAIN: parser_count_plain(parser, parameter, &counts); break;
        case PARAMETER_BARE_STAR:
        case PARAMETER_STAR:
            if (counts.star) parser_report(parser, parameter->at, "* may appear only once");
            counts.star = parameter;
            break;
        case PARAMETER_DOUBLE_STAR: counts.double_star = parameter; break;
        case PARAMETER_SLASH:
            if (counts.slash) parser_report(parser, parameter->at, "/ may appear only once");
            else if (counts.star) parser_report(parser, parameter->at, "/ must be ahead of *");
            else if (!counts.plain) parser_report(parser, parameter->at, "at least one parameter must precede /");
            counts.slash = parameter;
            counts.positional += counts.plain;
            counts.plain = 0;
            break;
        }
    }
    if (counts.star && counts.star->kind == PARAMETER_BARE_STAR && !counts.keyword)
        parser_report(parser, counts.star->at, "named parameters must follow bare *");
    return counts;
}

static Nodes nodes_allocate(Parser *parser, uint32_t count) {
    if (!count) return (Nodes){0};
    return (Nodes){arena_allocate(parser->arena, count * sizeof(Node *)), (int)count};
}

Node *parser_parameters(Parser *parser, Extent at, List list) {
    ParameterCounts counts = parser_count_parameters(parser, list);
    Nodes keyword_args = nodes_allocate(parser, counts.keyword),
          keyword_defaults = nodes_allocate(parser, counts.keyword);
    Nodes positional = nodes_allocate(parser, counts.positional + counts.plain);
    Nodes defaults = nodes_allocate(parser, counts.defaults);
    int keyword = 0, plain = 0, fallback = 0;
    bool after_star = false;
    for (uint32_t i = 0; i < list.count; i++) {
        const Parameter *parameter = parser->scratch[list.mark + i];
        if (parameter->kind == PARAMETER_STAR || parameter->kind == PARAMETER_BARE_STAR) after_star = true;
        if (parameter->kind != PARAMETER_PLAIN) continue;
        if (after_star) {
            assert(keyword_args.items && keyword_defaults.items);
            keyword_args.items[keyword] = parameter->arg;
            keyword_defaults.items[keyword++] = parameter->fallback;
            continue;
        }
        assert(positional.items && (defaults.items || !parameter->fallback));
        positional.items[plain++] = parameter->arg;
        if (parameter->fallback) defaults.items[fallback++] = parameter->fallback;
    }
    parser->scratch_top = list.mark;
    int before_slash = (int)counts.positional;
    Nodes only = {positional.items, before_slash};
    Nodes args = {before_slash ? positional.items + before_slash : positional.items, positional.count - before_slash};
    return MAKE_NODE(parser, arguments, at, .posonlyargs = only, .args = args,
                     .vararg = counts.star ? counts.star->arg : NULL, .kwonlyargs = keyword_args,
                     .kw_defaults = keyword_defaults, .kwarg = counts.double_star ? counts.double_star->arg : NULL,
                     .defaults = defaults);
}

/* with */

Node *parser_with_item(Parser *parser, Extent at, Node *expression, Node *target) {
    parser_check_target(parser, target, "assign to");
    return MAKE_NODE(parser, withitem, at, .context_expr = expression, .optional_vars = target);
}

/*
 * What stands in the brackets of `with (…):`. It is one item that is a tuple where an element is no
 * plain expression: `with (a := b, c):`.
 */
List parser_with_items(Parser *parser, Extent at, List items) {
    bool is_tuple = false, has_target = false;
    for (uint32_t i = 0; i < items.count; i++) {
        const Nodewithitem *item = (const Nodewithitem *)(const void *)list_item(parser, items, i);
        is_tuple |= item->context_expr->kind == NODE_NamedExpr || item->context_expr->kind == NODE_Starred;
        has_target |= item->optional_vars != NULL;
    }
    if (!is_tuple || items.count == 1) return items;
    if (has_target) {
        parser_report(parser, at, "a tuple of a 'with' statement can't hold 'as'");
        return items;
    }
    for (uint32_t i = 0; i < items.count; i++)
        parser->scratch[items.mark + i] = NODE_AS(withitem, list_item(parser, items, i))->context_expr;
    Node *tuple = MAKE_NODE(parser, Tuple, at, .elts = parser_take(parser, items));
    return parser_list_of(parser, MAKE_NODE(parser, withitem, at, .context_expr = tuple));
}

List parser_with_generator(Parser *parser, Extent at, Node *element, List generators) {
    Nodes list = parser_take(parser, generators);
    Node *generator = MAKE_NODE(parser, GeneratorExp, at, .elt = element, .generators = list);
    return parser_list_of(parser, MAKE_NODE(parser, withitem, at, .context_expr = generator));
}

/* try: the handlers of except* are marked by a flag in front of the node */

typedef struct Handler {
    NodeExceptHandler handler;
    bool is_star;
} Handler;

static Node *parser_make_handler(Parser *parser, Extent at, Extent header, Node *type, Atom name, List body,
                                 bool is_star) {
    parser_check_block(parser, header, is_star ? "'except*' statement" : "'except' statement", body);
    Handler made = {.handler = {.node = parser_header(parser, NODE_ExceptHandler, at), .type = type, .name = name},
                    .is_star = is_star};
    made.handler.body = parser_take(parser, body);
    return parser_keep(parser, &made, sizeof made);
}

Node *parser_handler(Parser *parser, Extent at, Extent header, Node *type, Atom name, List body) {
    return parser_make_handler(parser, at, header, type, name, body, false);
}

Node *parser_star_handler(Parser *parser, Extent at, Extent header, Node *type, Atom name, List body) {
    return parser_make_handler(parser, at, header, type, name, body, true);
}

static void parser_say_at(Parser *parser, Extent at, const char *message) {
    diagnostics_add(parser->diagnostics, CODE_SYNTAX_ERROR, SEVERITY_ERROR, (Span){parser->source, at.start, at.end},
                    "%s", message);
}

Node *parser_try(Parser *parser, Extent at, Extent header, List body, List handlers, List orelse, List finalbody) {
    parser_check_block(parser, header, "'try' statement", body);
    bool is_star = false;
    for (uint32_t i = 0; i < handlers.count; i++) {
        const Handler *handler = (const Handler *)(const void *)list_item(parser, handlers, i);
        const Node *node = &handler->handler.node;
        Extent keyword = {node->start, node->start + 6};
        if (i && handler->is_star != is_star)
            parser_say_at(parser, keyword, "cannot have both 'except' and 'except*' on the same 'try'");
        is_star = handler->is_star;
        if (!handler->handler.type && i + 1 < handlers.count)
            parser_say_at(parser, keyword, "default 'except:' must be last");
    }
    if (!handlers.count && orelse.count) parser_say_at(parser, header, "expected 'except' before 'else'");
    else if (!handlers.count && !finalbody.count)
        parser_say_at(parser, header, "expected 'except' or 'finally' block after 'try'");
    NodeTry made = {.node = parser_header(parser, is_star ? NODE_TryStar : NODE_Try, at)};
    made.body = parser_take(parser, body);
    made.handlers = parser_take(parser, handlers);
    made.orelse = parser_take(parser, orelse);
    made.finalbody = parser_take(parser, finalbody);
    return parser_keep(parser, &made, sizeof made);
}

/* Operators: `a and b and c` is one node, `a < b < c` too */

/* One more item at the end; the array doubles when its count reaches a power of two. */
static void *items_extend(Parser *parser, void *items, int count, size_t size) {
    if (count & (count - 1)) return items;
    return memcpy(arena_allocate(parser->arena, (size_t)count * 2 * size), items, (size_t)count * size);
}

static void nodes_append(Parser *parser, Nodes *nodes, Node *node) {
    nodes->items = items_extend(parser, nodes->items, nodes->count, sizeof *nodes->items);
    nodes->items[nodes->count++] = node;
}

Node *parser_bool(Parser *parser, Extent at, Extent left_at, BoolOperator op, Node *left, Node *right) {
    bool goes_on = left->kind == NODE_BoolOp && NODE_AS(BoolOp, left)->op == (int)op && left->start == left_at.start &&
                   left->end == left_at.end;
    if (goes_on) {
        nodes_append(parser, &NODE_AS(BoolOp, left)->values, right);
        left->end = at.end;
        return left;
    }
    List values = parser_push(parser, parser_list_of(parser, left), right);
    return MAKE_NODE(parser, BoolOp, at, .op = (int)op, .values = parser_take(parser, values));
}

Node *parser_compare(Parser *parser, Extent at, Node *left, int op, Node *right) {
    int *ops = arena_allocate(parser->arena, sizeof *ops);
    *ops = op;
    Nodes comparators = parser_take(parser, parser_list_of(parser, right));
    return MAKE_NODE(parser, Compare, at, .left = left, .ops = {ops, 1}, .comparators = comparators);
}

Node *parser_compare_more(Parser *parser, Extent at, Node *comparison, int op, Node *right) {
    NodeCompare *compare = NODE_AS(Compare, comparison);
    compare->ops.items = items_extend(parser, compare->ops.items, compare->ops.count, sizeof *compare->ops.items);
    compare->ops.items[compare->ops.count++] = op;
    nodes_append(parser, &compare->comparators, right);
    comparison->end = at.end;
    return comparison;
}

/* Calls and displays */

/* Whether an argument may stand where it does; CPython's own order of complaints. */
static void parser_check_argument(Parser *parser, const Node *argument, bool after_keyword, bool after_mapping) {
    if (argument->kind == NODE_keyword) return;
    if (argument->kind == NODE_Starred) {
        if (after_mapping)
            parser_report(parser, node_extent(argument),
                          "iterable argument unpacking follows keyword argument unpacking");
        return;
    }
    if (after_mapping)
        parser_report(parser, node_extent(argument), "positional argument follows keyword argument unpacking");
    else if (after_keyword)
        parser_report(parser, node_extent(argument), "positional argument follows keyword argument");
}

Node *parser_call(Parser *parser, Extent at, Node *function, List arguments) {
    uint32_t keyword_count = 0;
    bool after_mapping = false;
    for (uint32_t i = 0; i < arguments.count; i++) {
        const Node *argument = list_item(parser, arguments, i);
        parser_check_argument(parser, argument, keyword_count > 0, after_mapping);
        if (argument->kind != NODE_keyword) continue;
        keyword_count++;
        after_mapping |= !((const Nodekeyword *)(const void *)argument)->arg;
    }
    Nodes args, keywords = nodes_allocate(parser, keyword_count);
    if (!keyword_count) {
        args = parser_take(parser, arguments);
    } else {
        args = nodes_allocate(parser, arguments.count - keyword_count);
        int arg = 0, keyword = 0;
        for (uint32_t i = 0; i < arguments.count; i++) {
            Node *argument = list_item(parser, arguments, i);
            assert(argument->kind == NODE_keyword ? keywords.items : args.items);
            if (argument->kind == NODE_keyword) keywords.items[keyword++] = argument;
            else args.items[arg++] = argument;
        }
        parser->scratch_top = arguments.mark;
    }
    return MAKE_NODE(parser, Call, at, .func = function, .args = args, .keywords = keywords);
}

Node *parser_group(Parser *parser, Extent at, List items) {
    Node *first = list_item(parser, items, 0);
    if (items.count > 1) return MAKE_NODE(parser, Tuple, at, .elts = parser_take(parser, items));
    if (first->kind == NODE_Starred) parser_report(parser, node_extent(first), "cannot use a starred expression here");
    parser->scratch_top = items.mark;
    return first;
}

Node *parser_dict(Parser *parser, Extent at, List items) {
    uint32_t count = items.count / 2;
    Nodes keys = nodes_allocate(parser, count), values = nodes_allocate(parser, count);
    for (uint32_t i = 0; i < count; i++) {
        keys.items[i] = list_item(parser, items, i * 2);
        values.items[i] = list_item(parser, items, i * 2 + 1);
    }
    parser->scratch_top = items.mark;
    return MAKE_NODE(parser, Dict, at, .keys = keys, .values = values);
}

Node *parser_comprehension(Parser *parser, Extent at, Node *target, Node *iterable, List ifs, bool is_async) {
    Nodes tests = parser_take(parser, ifs);
    return MAKE_NODE(parser, comprehension, at, .target = target, .iter = iterable, .ifs = tests, .is_async = is_async);
}

/* A lone slice stands for itself; a lone starred one makes a tuple. */
Node *parser_slices(Parser *parser, Extent at, List slices) {
    Node *first = list_item(parser, slices, 0);
    if (slices.count == 1 && first->kind != NODE_Starred) {
        parser->scratch_top = slices.mark;
        return first;
    }
    return MAKE_NODE(parser, Tuple, at, .elts = parser_take(parser, slices));
}

Node *parser_tuple_after(Parser *parser, Extent at, Node *first, List rest) {
    return MAKE_NODE(parser, Tuple, at, .elts = parser_take(parser, parser_prepend(parser, first, rest)));
}

/* Patterns */

/* `_` captures nothing. */
Atom parser_capture_name(Parser *parser, Atom name) {
    (void)parser;
    return slice_equals_text(name->text, "_") ? NULL : name;
}

Node *parser_pattern_as(Parser *parser, Extent at, Extent name_at, Node *pattern, Atom name) {
    if (!parser_capture_name(parser, name)) parser_report(parser, name_at, "cannot use '_' as a target");
    return MAKE_NODE(parser, MatchAs, at, .pattern = pattern, .name = name);
}

Node *parser_mapping_pattern(Parser *parser, Extent at, List items) {
    uint32_t count = items.count / 2;
    Atom rest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (list_item(parser, items, i * 2)) continue;
        rest = parser->scratch[items.mark + i * 2 + 1];
        if (i + 1 < count) parser_report(parser, at, "a double-starred name must be last in a mapping pattern");
        count = i;
    }
    Nodes keys = nodes_allocate(parser, count), patterns = nodes_allocate(parser, count);
    for (uint32_t i = 0; i < count; i++) {
        keys.items[i] = list_item(parser, items, i * 2);
        patterns.items[i] = list_item(parser, items, i * 2 + 1);
    }
    parser->scratch_top = items.mark;
    return MAKE_NODE(parser, MatchMapping, at, .keys = keys, .patterns = patterns, .rest = rest);
}

Node *parser_class_pattern(Parser *parser, Extent at, Node *class, List arguments) {
    uint32_t count = arguments.count / 2, plain = 0;
    while (plain < count && !list_item(parser, arguments, plain * 2)) plain++;
    Nodes patterns = nodes_allocate(parser, plain), keyword_patterns = nodes_allocate(parser, count - plain);
    Atoms names = {arena_allocate(parser->arena, count * sizeof(Atom)), (int)(count - plain)};
    for (uint32_t i = 0; i < count; i++) {
        Atom keyword = parser->scratch[arguments.mark + i * 2];
        Node *pattern = list_item(parser, arguments, i * 2 + 1);
        if (i < plain) {
            patterns.items[i] = pattern;
            continue;
        }
        if (!keyword) parser_report(parser, node_extent(pattern), "positional patterns follow keyword patterns");
        names.items[i - plain] = keyword;
        keyword_patterns.items[i - plain] = pattern;
    }
    parser->scratch_top = arguments.mark;
    return MAKE_NODE(parser, MatchClass, at, .cls = class, .patterns = patterns, .kwd_attrs = names,
                     .kwd_patterns = keyword_patterns);
}
