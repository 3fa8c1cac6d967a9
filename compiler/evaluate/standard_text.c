/*
 * What of the standard library is said in Python: functions of itertools and operator that are made of loops. They are
 * evaluated as the program's own functions are, so an unknown argument gives what a loop over it would. Iterators are
 * lists here; the endless ones (count, cycle) stay unknown.
 */
#include "compiler/evaluate/internal.h"
#include "compiler/evaluate/standard.h"

static const char itertools_text[] =
    "def product(*iterables, repeat=1):\n"
    "    rows = [()]\n"
    "    for pool in [list(i) for i in iterables] * repeat:\n"
    "        rows = [row + (item,) for row in rows for item in pool]\n"
    "    return rows\n"
    "def permutations(iterable, r=None):\n"
    "    pool = list(iterable)\n"
    "    rows = [()]\n"
    "    for _ in range(len(pool) if r is None else r):\n"
    "        rows = [row + (i,) for row in rows for i in range(len(pool)) if i not in row]\n"
    "    return [tuple(pool[i] for i in row) for row in rows]\n"
    "def combinations(iterable, r):\n"
    "    pool = list(iterable)\n"
    "    rows = [()]\n"
    "    for _ in range(r):\n"
    "        rows = [row + (i,) for row in rows for i in range(row[-1] + 1 if row else 0, len(pool))]\n"
    "    return [tuple(pool[i] for i in row) for row in rows]\n"
    "def combinations_with_replacement(iterable, r):\n"
    "    pool = list(iterable)\n"
    "    rows = [()]\n"
    "    for _ in range(r):\n"
    "        rows = [row + (i,) for row in rows for i in range(row[-1] if row else 0, len(pool))]\n"
    "    return [tuple(pool[i] for i in row) for row in rows]\n"
    "def accumulate(iterable, func=None, *, initial=None):\n"
    "    out = [] if initial is None else [initial]\n"
    "    for item in iterable:\n"
    "        out.append(item if not out else out[-1] + item if func is None else func(out[-1], item))\n"
    "    return out\n"
    "def starmap(function, iterable):\n"
    "    return [function(*row) for row in iterable]\n"
    "def takewhile(predicate, iterable):\n"
    "    out = []\n"
    "    for item in iterable:\n"
    "        if not predicate(item):\n"
    "            break\n"
    "        out.append(item)\n"
    "    return out\n"
    "def dropwhile(predicate, iterable):\n"
    "    out = []\n"
    "    for item in iterable:\n"
    "        if out or not predicate(item):\n"
    "            out.append(item)\n"
    "    return out\n"
    "def filterfalse(predicate, iterable):\n"
    "    return [item for item in iterable if not (item if predicate is None else predicate(item))]\n"
    "def compress(data, selectors):\n"
    "    return [item for item, chosen in zip(data, selectors) if chosen]\n"
    "def pairwise(iterable):\n"
    "    pool = list(iterable)\n"
    "    return list(zip(pool, pool[1:]))\n"
    "def batched(iterable, n, *, strict=False):\n"
    "    pool = list(iterable)\n"
    "    return [tuple(pool[i:i + n]) for i in range(0, len(pool), n)]\n"
    "def zip_longest(*iterables, fillvalue=None):\n"
    "    pools = [list(i) for i in iterables]\n"
    "    longest = max([len(p) for p in pools], default=0)\n"
    "    return [tuple(p[i] if i < len(p) else fillvalue for p in pools) for i in range(longest)]\n"
    "def tee(iterable, n=2):\n"
    "    pool = list(iterable)\n"
    "    return tuple(list(pool) for _ in range(n))\n"
    "def repeat(object, times):\n"
    "    return [object] * times\n";

void itertools_text_setup(Evaluator *ev, ModuleValue *module) {
    module_run_text(ev, module, SLICE("itertools"), slice_from(itertools_text));
}

static const char operator_text[] = "def contains(a, b):\n"
                                    "    return b in a\n"
                                    "def getitem(a, b):\n"
                                    "    return a[b]\n"
                                    "def abs(a):\n"
                                    "    return a if a >= 0 else -a\n"
                                    "def methodcaller(name, /, *args, **kwargs):\n"
                                    "    return lambda object: getattr(object, name)(*args, **kwargs)\n";

void operator_text_setup(Evaluator *ev, ModuleValue *module) {
    module_run_text(ev, module, SLICE("operator"), slice_from(operator_text));
}
