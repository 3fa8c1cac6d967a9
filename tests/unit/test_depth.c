/*
 * Programs of many lines that each wrap what the line before made: thousands of levels of expressions, subqueries, set
 * operations. Every one is translated or refused for its depth; none overruns the stack, and none takes time that
 * doubles with each line.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "include/ormc.h"

static const char django_models[] = "from django.db import models\n"
                                    "from django.db.models import *\n"
                                    "from django.db.models.functions import *\n"
                                    "class A(models.Model):\n"
                                    "    x = models.IntegerField()\n"
                                    "    y = models.CharField(max_length=10)\n"
                                    "    parent = models.ForeignKey('self', models.CASCADE)\n";
static const char sqlalchemy_models[] = "from sqlalchemy import *\n"
                                        "from sqlalchemy.orm import *\n"
                                        "from sqlalchemy.dialects import postgresql\n"
                                        "class Base(DeclarativeBase): pass\n"
                                        "class A(Base):\n"
                                        "    __tablename__ = 'a'\n"
                                        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
                                        "    x: Mapped[int]\n"
                                        "    y: Mapped[str]\n"
                                        "session = Session(create_engine('sqlite://'))\n";

typedef struct Case {
    const char *models, *first, *again;
    int times;
    const char *last;
} Case;

static const Case cases[] = {
    {django_models, "e = F('y')\n", "e = Lower(e)\n", 20000, "list(A.objects.annotate(z=e))\n"},
    {django_models, "e = F('x')\n", "e = e + 1\n", 20000, "list(A.objects.annotate(z=e))\n"},
    {django_models, "q = Q(x=1)\n", "q = ~(q | Q(x=2)) & Q(x=3)\n", 10000, "list(A.objects.filter(q))\n"},
    {django_models, "q = A.objects.all()\n", "q = A.objects.filter(parent__in=q)\n", 20000, "list(q)\n"},
    {django_models, "q = A.objects.all()\n", "q = q.union(A.objects.all())\n", 40, "list(q)\n"},
    {django_models, "q = A.objects.all()\n", "q = q.union(A.objects.all())\n", 2000, "list(q)\n"},
    {django_models, "t = ()\n", "t = (t, 1)\n", 2000, "list(A.objects.filter(x__in=[t]))\n"},
    {sqlalchemy_models, "e = A.y\n", "e = func.lower(e)\n", 20000, "session.execute(select(e))\n"},
    {sqlalchemy_models, "e = A.x == 1\n", "e = not_(and_(e, A.y == 'b'))\n", 10000, "session.execute(select(e))\n"},
    {sqlalchemy_models, "e = A.x\n", "e = cast(e, String)\n", 20000, "session.execute(select(e))\n"},
    {sqlalchemy_models, "e = A.x\n", "e = (e + 1) * 2\n", 5000, "session.execute(select(e))\n"},
    {sqlalchemy_models, "q = select(A.id)\n", "q = select(A.id).where(A.id.in_(q))\n", 10000, "session.execute(q)\n"},
    {sqlalchemy_models, "q = select(A.id)\n", "q = q.union(select(A.id))\n", 500, "session.execute(q)\n"},
    {sqlalchemy_models, "t = Integer()\n", "t = postgresql.DOMAIN('d', t)\n", 20000,
     "session.execute(select(cast(A.x, t)))\n"},
};

static char *text_of(const Case *wanted, size_t *length) {
    size_t room = strlen(wanted->models) + strlen(wanted->first) + strlen(wanted->last) + 1;
    size_t again = strlen(wanted->again), at;
    char *text = malloc(room + again * (size_t)wanted->times);
    assert_non_null(text);
    strcpy(text, wanted->models);
    strcat(text, wanted->first);
    at = strlen(text);
    for (int i = 0; i < wanted->times; i++, at += again) memcpy(text + at, wanted->again, again);
    strcpy(text + at, wanted->last);
    *length = strlen(text);
    return text;
}

static void test_depth(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        OrmcOptions options = {.size = sizeof options, .dialect = "postgresql"};
        OrmcContext *context = ormc_context_create(&options);
        size_t length;
        char *text = text_of(&cases[i], &length);
        const OrmcTranslation *translation;
        OrmcStatus status = ormc_context_translate_text(context, NULL, text, length, &translation);
        if (status == ORMC_REFUSED) {
            assert_true(ormc_translation_diagnostic_count(translation) > 0);
        } else {
            if (status != ORMC_OK) fail_msg("%s: status %d", cases[i].again, (int)status);
            assert_true(ormc_translation_query_count(translation) > 0);
        }
        ormc_context_destroy(context);
        free(text);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_depth)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
