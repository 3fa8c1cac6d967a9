/*
 * Exhausted memory: the n-th allocation fails, for every n, and the call gives ORMC_NO_MEMORY, nothing leaks, and the
 * same context works once there is memory again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "include/ormc.h"

typedef struct Meter {
    long allowed; /* allocations until the next one fails; below 0: never */
    long blocks;  /* handed out and not given back */
} Meter;

static void *meter_allocate(void *user, size_t size) {
    Meter *meter = user;
    if (meter->allowed == 0) return NULL;
    if (meter->allowed > 0) meter->allowed--;
    void *block = malloc(size);
    if (block) meter->blocks++;
    return block;
}

static void meter_release(void *user, void *block) {
    Meter *meter = user;
    if (block) meter->blocks--;
    free(block);
}

static const char django_models[] = "from django.db import models\n"
                                    "class Author(models.Model):\n"
                                    "    name = models.CharField(max_length=50)\n"
                                    "class Book(models.Model):\n"
                                    "    title = models.CharField(max_length=50)\n"
                                    "    author = models.ForeignKey(Author, models.CASCADE)\n";
static const char django_query[] = "Book.objects.filter(author__name='x').order_by('title')";
static const char sqlalchemy_models[] = "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
                                        "class Base(DeclarativeBase): pass\n"
                                        "class User(Base):\n"
                                        "    __tablename__ = 'users'\n"
                                        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
                                        "    name: Mapped[str]\n";
static const char sqlalchemy_query[] = "select(User).where(User.name == 'x')";

/* Models, a translation and its JSON. */
static OrmcStatus work(OrmcContext *context, const char *models, const char *query) {
    OrmcStatus status = ormc_context_add_models_text(context, "shop", "shop/models.py", models, strlen(models));
    if (status == ORMC_NO_MEMORY) return status;
    const OrmcTranslation *translation;
    status = ormc_context_translate_text(context, NULL, query, strlen(query), &translation);
    if (!translation) return status;
    assert_int_equal(status, ORMC_OK);
    assert_int_equal(ormc_translation_query_count(translation), 1);
    return ormc_translation_render_json(translation).data ? ORMC_OK : ORMC_NO_MEMORY;
}

static void try_every_allocation(const char *models, const char *query) {
    OrmcStatus status = ORMC_NO_MEMORY;
    for (long n = 0; status != ORMC_OK; n++) {
        assert_true(n < 100000);
        Meter meter = {.allowed = n};
        OrmcOptions options = {.size = sizeof options,
                               .allocate = meter_allocate,
                               .release = meter_release,
                               .allocator_user = &meter,
                               .dialect = "sqlite"};
        OrmcContext *context = ormc_context_create(&options);
        if (context) {
            status = work(context, models, query);
            assert_true(status == ORMC_OK || status == ORMC_NO_MEMORY);
            meter.allowed = -1;
            const OrmcTranslation *translation;
            OrmcStatus again = ormc_context_translate_text(context, NULL, "1 + 1", 5, &translation);
            assert_int_not_equal(again, ORMC_NO_MEMORY);
            ormc_context_destroy(context);
        }
        assert_int_equal(meter.blocks, 0);
    }
}

static void test_django(void **state) {
    (void)state;
    try_every_allocation(django_models, django_query);
}

static void test_sqlalchemy(void **state) {
    (void)state;
    try_every_allocation(sqlalchemy_models, sqlalchemy_query);
}

/* A line of batch is answered, or not at all. */
static void test_batch(void **state) {
    (void)state;
    static const char line[] = "{\"id\": \"a\", \"expr\": \"Book.objects.get(pk=1)\"}";
    OrmcText answer = {NULL, 0};
    for (long n = 0; !answer.data; n++) {
        Meter meter = {.allowed = n};
        OrmcOptions options = {
            .size = sizeof options, .allocate = meter_allocate, .release = meter_release, .allocator_user = &meter};
        OrmcContext *context = ormc_context_create(&options);
        if (context) {
            bool added = ormc_context_add_models_text(context, "shop", "shop/models.py", django_models,
                                                      strlen(django_models)) == ORMC_OK;
            answer = ormc_context_answer_line(context, line, strlen(line));
            if (!added) answer.data = NULL;
            if (answer.data) assert_non_null(strstr(answer.data, "\"ok\": true"));
            ormc_context_destroy(context);
        }
        assert_int_equal(meter.blocks, 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_django), cmocka_unit_test(test_sqlalchemy),
                                       cmocka_unit_test(test_batch)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
