/*
 * Projects of several files, given in memory: each case is text in which `# --- NAME` begins a file, and what is found:
 * a query a line as "file:function: SQL up to FROM's table", a diagnostic as "! file: message".
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "include/ormc.h"

typedef struct Project {
    const char *name, *files, *wanted;
} Project;

#define TABLE "from sqlalchemy import MetaData, Table, Column, Integer, select\n"
#define NOTES "notes = Table('notes', MetaData(), Column('id', Integer))\n"

static const Project projects[] = {
    {"a file of a package is no module of its bare name",
     "# --- app/__init__.py\n"
     "# --- app/string.py\n"
     "# --- app/tables.py\n" TABLE NOTES "# --- app/views.py\n"
     "import string\nfrom sqlalchemy import select\nfrom app.tables import notes\nfrom .tables import notes as same\n"
     "LETTERS = string.Formatter()\n"
     "def one(s): return s.execute(select(notes))\n"
     "def two(s): return s.execute(select(same.c.id))\n",
     "app/views.py:one: SELECT notes.id FROM notes\napp/views.py:two: SELECT notes.id FROM notes\n"},
    {"the name of a directory inside a package is no module either",
     "# --- app/__init__.py\n"
     "# --- app/extras/__init__.py\n"
     "# --- app/extras/litestar/__init__.py\n"
     "# --- app/extras/litestar/dto.py\n"
     "from litestar.dto import Data\nclass Own(Data): pass\n",
     ""},
    {"unless the program changes the path",
     "# --- site/__init__.py\nimport sys\nsys.path.insert(0, 'site/apps')\n"
     "# --- site/apps/__init__.py\n"
     "# --- site/apps/blog/__init__.py\n"
     "# --- site/apps/blog/tables.py\n" TABLE NOTES
     "# --- site/views.py\nfrom sqlalchemy import select\nfrom blog.tables import notes\n"
     "def one(s): return s.execute(select(notes))\n",
     "site/views.py:one: SELECT notes.id FROM notes\n"},
    {"an importer's paths do not multiply by those of what it imports",
     "# --- app/__init__.py\n"
     "# --- app/a.py\n" TABLE NOTES "import os\nfrom . import b\n"
     "stmt = select(notes)\nif os.x: stmt = stmt.where(notes.c.id == 1)\nsession.execute(stmt)\n"
     "# --- app/b.py\nimport os\nif os.x: x = 1\nelif os.y: x = 2\nelse: x = 3\n",
     "app/a.py:-: SELECT notes.id FROM notes WHERE notes.id = ?\napp/a.py:-: SELECT notes.id FROM notes\n"},
    {"what only one path of a module defines is no entry point on another",
     "# --- app/a.py\n" TABLE NOTES "import os\n"
     "if os.x: session.execute(select(notes))\n"
     "else:\n    class Late:\n        def go(self, s): s.execute(select(notes.c.id))\n"
     "# --- app/b.py\nclass Other: pass\n",
     "app/a.py:-: SELECT notes.id FROM notes\n"},
    {"a subclass of what SQLAlchemy alone makes is not taken for it",
     "# --- app/a.py\nfrom sqlalchemy.sql.expression import ColumnClause\n"
     "class Stamp(ColumnClause):\n    def __init__(self, text, **kw):\n        super().__init__(text, **kw)\n"
     "def make(text): return Stamp(text)\n"
     "# --- app/b.py\n",
     ""},
    {"what decorators, the environment and Python's classes add is no mistake",
     "# --- app/cli.py\nimport os\nimport click\n"
     "@click.group()\ndef main(): pass\n"
     "@main.command()\ndef serve(port): pass\n"
     "serve()\nTABLE = str.maketrans('a', 'b')\n"
     "if 'HOME' in os.environ: HOME = os.environ['HOME']\nos.environ['LANG'] = 'C'\n"
     "globals()['NEW'].x\n"
     "class Base:\n    def __init_subclass__(cls, **kw): super().__init_subclass__(**kw)\n"
     "class Mixed(Base):\n    @classmethod\n    def make(cls): return cls.registry.get(1)\n"
     "# --- app/other.py\n",
     ""},
    {"a module that raises where it needs something goes on",
     "# --- app/a.py\n" TABLE "import extra\n"
     "if not extra.there: raise ImportError('needs extra')\n" NOTES
     "# --- app/b.py\nfrom sqlalchemy import select\nfrom a import notes\n"
     "def one(s): return s.execute(select(notes))\n",
     "app/b.py:one: SELECT notes.id FROM notes\n"},
    {"a synonym with options",
     "# --- app/a.py\nfrom sqlalchemy import Column, Integer, select\n"
     "from sqlalchemy.orm import declarative_base, synonym\nBase = declarative_base()\n"
     "class Note(Base):\n    __tablename__ = 'notes'\n    id = Column(Integer, primary_key=True)\n"
     "    number = synonym('id', descriptor=property(lambda self: self.id), info={})\n"
     "def one(s): return s.execute(select(Note).where(Note.number == 1))\n"
     "# --- app/b.py\n",
     "app/a.py:one: SELECT notes.id FROM notes WHERE notes.id = ?\n"},
    {"a field of a class that is no model, and of no class at all, leads nowhere",
     "# --- shop/models.py\nfrom django.db import models\nfrom extra import Translated\n"
     "class Tag(models.Model): pass\n"
     "class Own: tags = models.ManyToManyField('Tag')\n"
     "class Other(Translated): tags = models.ManyToManyField('Tag')\n"
     "free = models.ForeignKey('Tag', models.CASCADE)\n"
     "for field in (Own.tags, Other.tags, free):\n"
     "    there = field.through, field.related_model, field.target_field, str(field), repr(field)\n"
     "    rel = field.remote_field\n"
     "    back = rel.through, rel.model, rel.related_model, rel.target_field, str(rel), rel.get_accessor_name()\n"
     "# --- shop/views.py\nfrom shop.models import Own, Other, Tag\n"
     "def one(): return list(Tag.objects.filter(id=1).values('id'))\n"
     "one.when = Own.tags.through, Other.tags.through\n",
     "shop/views.py:one: SELECT \"shop_tag\".\"id\" AS \"id\" FROM \"shop_tag\" WHERE \"shop_tag\".\"id\" = ?\n"},
    {"an AppConfig's label is the app's, wherever below models/ the class stands",
     "# --- site/shop/apps.py\nfrom django.apps import AppConfig\n"
     "class ShopConfig(AppConfig):\n    \"\"\"\n    label = 'no'\n    \"\"\"\n    name = 'site.shop'\n    label = "
     "'store'\n"
     "# --- site/shop/models/__init__.py\nfrom .parts.tag import Tag\n"
     "# --- site/shop/models/parts/tag.py\nfrom django.db import models\nclass Tag(models.Model): pass\n"
     "# --- site/blog/apps.py\nfrom site.core import apps\n"
     "class Old(apps.SiteConfig):\n    name = 'site.blog'\n    label = 'old'\n"
     "class New(apps.SiteConfig):\n    name = 'site.blog'\n    default = True\n"
     "# --- site/blog/models/__init__.py\nfrom django.db import models\n"
     "class Post(models.Model): tag = models.ForeignKey('store.Tag', models.CASCADE)\n"
     "# --- site/mail/apps.py\nfrom django.apps import AppConfig\n"
     "class One(AppConfig): label = 'one'\n"
     "class Two(AppConfig): label = 'two'\n"
     "# --- site/mail/models.py\nfrom django.db import models\nclass Note(models.Model): pass\n"
     "# --- site/views.py\nfrom .shop.models import Tag\nfrom .blog.models import Post\nfrom .mail.models import Note\n"
     "def one(): return Post.objects.filter(tag__post=None).values('tag').count()\n"
     "def two(): return Note.objects.count()\n",
     "site/views.py:one: SELECT COUNT(*) AS \"__count\" FROM \"blog_post\" INNER JOIN \"store_tag\" ON "
     "(\"blog_post\".\"tag_id\" = \"store_tag\".\"id\") LEFT OUTER JOIN \"blog_post\" T3 ON "
     "(\"store_tag\".\"id\" = T3.\"tag_id\") WHERE T3.\"id\" IS NULL\n"
     "site/views.py:two: SELECT COUNT(*) AS \"__count\" FROM \"mail_note\"\n"},
    {"a queryset made without a model, or with one that is not known, is not known",
     "# --- shop/models.py\nfrom django.db import models\n"
     "class TagQuerySet(models.QuerySet):\n    def first_one(self): return self.filter(id=1)\n"
     "class Odd(models.QuerySet):\n    def __init__(self, kind, more=None): super().__init__(model=kind)\n"
     "class Tag(models.Model): pass\n"
     "# --- shop/views.py\nfrom django.db.models import QuerySet\nfrom .models import Odd, Tag, TagQuerySet\n"
     "def one(view): return TagQuerySet(view.model, using='x').defer('content').get()\n"
     "def two(): return QuerySet().only('x').first(), QuerySet().latest(), str(QuerySet()), list(QuerySet())\n"
     "def three(view): return Odd(view.kind).count(), Tag.objects.union(QuerySet())\n"
     "def four(): return TagQuerySet(Tag).first_one().count()\n"
     "def five(): return Odd(more=1, kind=Tag).count()\n",
     "shop/views.py:four: SELECT COUNT(*) AS \"__count\" FROM \"shop_tag\" WHERE \"shop_tag\".\"id\" = ?\n"
     "shop/views.py:five: SELECT COUNT(*) AS \"__count\" FROM \"shop_tag\"\n"},
};

static void add_files(OrmcContext *context, const char *files) {
    static const char mark[] = "# --- ";
    for (const char *at = files; at;) {
        at += strlen(mark);
        const char *text = strchr(at, '\n') + 1, *end = strstr(text, mark);
        char name[100];
        snprintf(name, sizeof name, "%.*s", (int)(text - 1 - at), at);
        size_t length = end ? (size_t)(end - text) : strlen(text);
        assert_int_equal(ormc_context_add_file_text(context, name, text, length), ORMC_OK);
        at = end;
    }
}

static void append(char *out, size_t size, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    size_t length = strlen(out);
    vsnprintf(out + length, size - length, format, arguments);
    va_end(arguments);
}

/* One line: SQLAlchemy breaks its statements. */
static void append_sql(char *out, size_t size, const OrmcText *sql) {
    for (size_t i = 0; i < sql->length; i++)
        if (sql->data[i] != '\n') append(out, size, "%c", sql->data[i]);
    append(out, size, "\n");
}

static void test_projects(void **state) {
    (void)state;
    int failed = 0;
    for (size_t i = 0; i < sizeof projects / sizeof *projects; i++) {
        OrmcContext *context = ormc_context_create(
            &(OrmcOptions){.size = sizeof(OrmcOptions), .dialect = "sqlite", .leave_transactions = true});
        add_files(context, projects[i].files);
        const OrmcTranslation *translation = NULL;
        ormc_context_translate_files(context, &translation);
        assert_non_null(translation);
        char got[4000] = "";
        for (int j = 0; j < ormc_translation_query_count(translation); j++) {
            const OrmcQuery *query = ormc_translation_query(translation, j);
            for (int k = 0; k < query->statement_count; k++) {
                append(got, sizeof got, "%s:%s: ", query->file.data,
                       query->function.length ? query->function.data : "-");
                append_sql(got, sizeof got, &query->statements[k].sql);
            }
        }
        for (int j = 0; j < ormc_translation_diagnostic_count(translation); j++) {
            const OrmcDiagnostic *found = ormc_translation_diagnostic(translation, j);
            append(got, sizeof got, "! %s: %s\n", found->file.data ? found->file.data : "-", found->message.data);
        }
        if (strcmp(got, projects[i].wanted) != 0) {
            printf("%s\n  wanted\n%s  got\n%s", projects[i].name, projects[i].wanted, got);
            failed++;
        }
        ormc_context_destroy(context);
    }
    assert_int_equal(failed, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_projects)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
