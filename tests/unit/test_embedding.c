/*
 * The library inside a long-lived process: memory stays where it is over many translations, and threads that each have
 * a context of their own don't meet (built with -fsanitize=thread, this is the test of that).
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "include/ormc.h"

static const char django_models[] = "from django.db import models\n"
                                    "class Author(models.Model):\n"
                                    "    name = models.CharField(max_length=50)\n"
                                    "class Book(models.Model):\n"
                                    "    title = models.CharField(max_length=50)\n"
                                    "    author = models.ForeignKey(Author, models.CASCADE, related_name='books')\n";
static const char sqlalchemy_models[] = "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column\n"
                                        "class Base(DeclarativeBase): pass\n"
                                        "class User(Base):\n"
                                        "    __tablename__ = 'users'\n"
                                        "    id: Mapped[int] = mapped_column(primary_key=True)\n"
                                        "    name: Mapped[str]\n";

/* The number makes each text another one. Some are refused. */
static const char *const django_texts[] = {
    "Author.objects.filter(name='x%d', books__title__contains='y')",
    "Book.objects.select_related('author').exclude(author__name='%d').order_by('-title')[:3]",
    "Author.objects.annotate(n=Count('books')).filter(n__gt=%d)",
    "Author.objects.filter(nam=%d)",
    "Author.objects.filter(name='%d'",
    "Author.objects.create(name='%d')",
    "Author.objects.filter(pk=%d).delete()",
};
static const char *const sqlalchemy_texts[] = {
    "select(User).where(User.name == 'x%d')",
    "select(func.count(User.id).label('n')).group_by(User.name).having(func.count() > %d)",
    "insert(User).values([{'name': 'a%d'}, {'name': 'b'}])",
    "select(User).where(User.nam == %d)",
    "session.add(User(name='%d')); session.commit()",
};

typedef struct Heap {
    size_t bytes, blocks;
} Heap;

static void *allocate(void *user, size_t size) {
    enum { HEAD = 16 };
    Heap *heap = user;
    char *block = malloc(size + HEAD);
    if (!block) return NULL;
    memcpy(block, &size, sizeof size);
    heap->bytes += size;
    heap->blocks++;
    return block + HEAD;
}

static void release(void *user, void *block) {
    Heap *heap = user;
    size_t size;
    if (!block) return;
    memcpy(&size, (char *)block - 16, sizeof size);
    heap->bytes -= size;
    heap->blocks--;
    free((char *)block - 16);
}

static OrmcContext *context_make(Heap *heap, const char *models, const char *dialect) {
    OrmcOptions options = {.size = sizeof options, .dialect = dialect};
    if (heap) options.allocate = allocate, options.release = release, options.allocator_user = heap;
    OrmcContext *context = ormc_context_create(&options);
    if (context) ormc_context_add_models_text(context, "shop", "shop/models.py", models, strlen(models));
    return context;
}

/* How much SQL came of it: the same number gives the same. */
static size_t translate(OrmcContext *context, const char *format, int number) {
    char text[300];
    const OrmcTranslation *translation;
    snprintf(text, sizeof text, format, number);
    ormc_context_translate_text(context, NULL, text, strlen(text), &translation);
    size_t length = 0;
    for (int i = 0; translation && i < ormc_translation_query_count(translation); i++) {
        const OrmcQuery *query = ormc_translation_query(translation, i);
        for (int j = 0; j < query->statement_count; j++) length += query->statements[j].sql.length;
    }
    if (translation) length += 1000 * (size_t)ormc_translation_diagnostic_count(translation);
    return length;
}

static size_t translate_all(OrmcContext *context, const char *const *texts, int count, int number) {
    size_t length = 0;
    for (int i = 0; i < count; i++) length += translate(context, texts[i], number);
    return length;
}

#define COUNT(list) ((int)(sizeof list / sizeof *list))

static void check_memory(const char *models, const char *const *texts, int count) {
    Heap heap = {0};
    OrmcContext *context = context_make(&heap, models, "sqlite");
    for (int i = 0; i < 50; i++) translate_all(context, texts, count, 100000 + i);
    size_t before = heap.bytes;
    for (int i = 0; i < 300; i++) translate_all(context, texts, count, 100000 + i);
    assert_int_equal(heap.bytes, before);
    ormc_context_destroy(context);
    assert_int_equal(heap.bytes, 0);
    assert_int_equal(heap.blocks, 0);
}

static void test_memory(void **state) {
    (void)state;
    check_memory(django_models, django_texts, COUNT(django_texts));
    check_memory(sqlalchemy_models, sqlalchemy_texts, COUNT(sqlalchemy_texts));
}

/* Names are kept, but not for ever. */
static void test_memory_of_names(void **state) {
    (void)state;
    enum { NAMES = 100, ROUNDS = 900 };
    Heap heap = {0};
    size_t most = 0, first = 0;
    OrmcContext *context = context_make(&heap, django_models, "sqlite");
    char *text = malloc(NAMES * 40 + 100);
    assert_non_null(text);
    for (int round = 0; round < ROUNDS; round++) {
        const OrmcTranslation *translation;
        size_t length = (size_t)sprintf(text, "Author.objects.filter(name__in=[");
        for (int i = 0; i < NAMES; i++) length += (size_t)sprintf(text + length, "name_%d_%d, ", round, i);
        length += (size_t)sprintf(text + length, "])");
        assert_int_equal(ormc_context_translate_text(context, NULL, text, length, &translation), ORMC_OK);
        if (round == 0) first = heap.bytes;
        if (heap.bytes > most) most = heap.bytes;
    }
    assert_true(most < first + (8u << 20));
    assert_true(translate(context, "Author.objects.filter(name='%d')", 1) > 0);
    ormc_context_destroy(context);
    assert_int_equal(heap.bytes, 0);
    free(text);
}

typedef struct Worker {
    pthread_t thread;
    bool django;
    size_t length;
} Worker;

static void *work(void *user) {
    Worker *worker = user;
    static const char *const dialects[] = {"sqlite", "postgresql", "mariadb"};
    OrmcContext *context = context_make(NULL, worker->django ? django_models : sqlalchemy_models, NULL);
    for (int i = 0; i < 15; i++) {
        ormc_context_set_dialect(context, dialects[i % 3]);
        worker->length += worker->django ? translate_all(context, django_texts, COUNT(django_texts), i)
                                         : translate_all(context, sqlalchemy_texts, COUNT(sqlalchemy_texts), i);
    }
    ormc_context_destroy(context);
    return NULL;
}

static void test_threads(void **state) {
    (void)state;
    Worker alone[2] = {{.django = true}, {.django = false}}, workers[6] = {0};
    work(&alone[0]);
    work(&alone[1]);
    for (int i = 0; i < 6; i++) {
        workers[i].django = i % 2 == 0;
        assert_int_equal(pthread_create(&workers[i].thread, NULL, work, &workers[i]), 0);
    }
    for (int i = 0; i < 6; i++) {
        pthread_join(workers[i].thread, NULL);
        assert_int_equal(workers[i].length, alone[i % 2].length);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory), cmocka_unit_test(test_memory_of_names),
                                       cmocka_unit_test(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
