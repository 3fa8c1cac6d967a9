/*
 * Fuzz target of the whole pipeline: any text, as an expression over small models of both ORMs, to SQL.
 *
 * The first byte chooses the dialect and whether literals are written into the text. The contexts are made once, so the
 * runs also show whether a translation leaves something behind that harms the next one.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "include/ormc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char django_models[] = "from django.db import models\n"
                                    "class Author(models.Model):\n"
                                    "    name = models.CharField(max_length=50)\n"
                                    "    age = models.IntegerField(null=True)\n"
                                    "    friends = models.ManyToManyField('self')\n"
                                    "class Book(models.Model):\n"
                                    "    title = models.CharField(max_length=50)\n"
                                    "    author = models.ForeignKey(Author, models.CASCADE, related_name='books')\n"
                                    "    written = models.DateTimeField(null=True)\n"
                                    "    data = models.JSONField(default=dict)\n"
                                    "    class Meta:\n"
                                    "        ordering = ['title']\n";

static const char sqlalchemy_models[] =
    "from sqlalchemy import ForeignKey\n"
    "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship\n"
    "class Base(DeclarativeBase): pass\n"
    "class User(Base):\n"
    "    __tablename__ = 'users'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    "    name: Mapped[str]\n"
    "    posts: Mapped[list['Post']] = relationship(back_populates='user')\n"
    "class Post(Base):\n"
    "    __tablename__ = 'posts'\n"
    "    id: Mapped[int] = mapped_column(primary_key=True)\n"
    "    title: Mapped[str | None]\n"
    "    user_id: Mapped[int] = mapped_column(ForeignKey('users.id'))\n"
    "    user: Mapped[User] = relationship(back_populates='posts')\n";

enum { CONTEXT_COUNT = 2, RUNS_OF_A_CONTEXT = 500 };

static OrmcContext *context_new(int which) {
    OrmcOptions options = {.size = sizeof options,
                           .inline_literals = which == 1,
                           .step_limit = 20000,
                           .path_limit = 8,
                           .nesting_limit = 60};
    OrmcContext *context = ormc_context_create(&options);
    if (!context) abort();
    ormc_context_add_models_text(context, "shop", "shop/models.py", django_models, strlen(django_models));
    ormc_context_add_models_text(context, NULL, "blog/tables.py", sqlalchemy_models, strlen(sqlalchemy_models));
    return context;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static OrmcContext *contexts[CONTEXT_COUNT];
    static int runs[CONTEXT_COUNT];
    static const char *const dialects[] = {"postgresql", "sqlite", "mysql", "mariadb"};
    if (size == 0) return 0;
    int which = data[0] >> 2 & 1;
    if (contexts[which] && runs[which]++ == RUNS_OF_A_CONTEXT) {
        ormc_context_destroy(contexts[which]);
        contexts[which] = NULL;
        runs[which] = 0;
    }
    if (!contexts[which]) contexts[which] = context_new(which);
    OrmcContext *context = contexts[which];
    ormc_context_set_dialect(context, dialects[data[0] & 3]);
    const OrmcTranslation *translation;
    ormc_context_translate_text(context, NULL, (const char *)data + 1, size - 1, &translation);
    if (!translation) return 0;
    ormc_translation_render_json(translation);
    ormc_translation_render_diagnostics(translation, false);
    return 0;
}
