/*
 * ormc help: one page a command, as a manual page would have it. The texts are data; the options'
 * lines are the same everywhere and stand once.
 */
#include <string.h>

#include "cli/cli.h"

#define OPTION_MODELS                                                                                                  \
    "  -m, --models [LABEL=]PATH  Models: a Python file or a package directory; repeatable. LABEL is\n"                \
    "                             the Django app label; without it, the name of the directory that\n"                  \
    "                             holds the file. Models defined in FILE itself count too. Django and\n"               \
    "                             SQLAlchemy are told apart by what the file says.\n"
#define OPTION_DIALECT                                                                                                 \
    "  -d, --dialect NAME         postgresql, sqlite, mysql or mariadb. Default: what the program's own\n"             \
    "                             engine URL says, else postgresql.\n"
#define OPTION_EXPR                                                                                                    \
    "  -e, --expr TEXT            An expression or statements; repeatable. Names of models, Q, F, select,\n"           \
    "                             func, datetime, Decimal, timezone … need no import.\n"
#define OPTION_SET                                                                                                     \
    "      --set NAME=VALUE       The value of a free variable or function parameter: a Python literal,\n"             \
    "                             else a string; repeatable.\n"
#define OPTION_SETTING                                                                                                 \
    "      --setting NAME=VALUE   A Django setting that changes SQL (USE_TZ, TIME_ZONE, AUTH_USER_MODEL,\n"            \
    "                             DEFAULT_AUTO_FIELD …), read like --set; repeatable. Default: the\n"                \
    "                             project's settings module, else Django's own for a new project.\n"                   \
    "                             current_timezone is what timezone.activate() was given.\n"
#define OPTION_FORMAT "      --format text|json     Default: text.\n"
#define OPTION_INLINE                                                                                                  \
    "      --inline               Write the parameters into the SQL as literals of the dialect, so that it\n"          \
    "                             can be pasted into psql, sqlite3 or mysql and runs.\n"
#define OPTION_DATABASE                                                                                                \
    "      --database URL         sqlite:///relative.db, sqlite:////absolute.db, sqlite:// (memory),\n"                \
    "                             postgresql://…, mysql://…, mariadb://…; a SQLAlchemy driver suffix\n"          \
    "                             (postgresql+asyncpg://) is accepted and ignored.\n"
#define OPTION_CALL "      --call 'f(…)'          Which function of the file to run.\n"
#define OPTION_TIMEOUT "      --timeout SECONDS      Ends a statement that takes longer.\n"
#define OPTION_EXPLAIN "      --explain              Also show the database's plan of each statement.\n"
#define EXIT_STATUS                                                                                                    \
    "\nEXIT STATUS\n"                                                                                                  \
    "  0  all is well\n"                                                                                               \
    "  1  something was refused; the rest is still printed, the diagnostics go to standard error\n"                    \
    "  2  wrong usage, or unreadable input\n"                                                                          \
    "  3  a database failed\n"

static const char overview[] =
    "ormc compiles Django and SQLAlchemy queries in Python source text to the SQL the ORM sends,\n"
    "without running Python.\n"
    "\n"
    "USAGE\n"
    "  ormc COMMAND [OPTION]… [FILE]…\n"
    "\n"
    "COMMANDS\n"
    "  sql      print the SQL of every query found in files or expressions\n"
    "  batch    translate JSON Lines: one expression a line, for tools and tests\n"
    "  schema   print CREATE TABLE and the indexes and constraints of the models\n"
    "  run      run a program or an expression on a database and print the rows\n"
    "  golden   check, or rewrite, Markdown files that hold queries and their SQL\n"
    "  verify   run on several databases and compare the rows\n"
    "  help     show the page of a command: ormc help sql\n"
    "\n"
    "OPTIONS\n"
    "      --version              Print the version.\n"
    "      --help                 After a command: its page.\n"
    "\n"
    "EXAMPLES\n"
    "  ormc sql -m shop=shop/models.py -e \"Book.objects.filter(author__name='Le Guin')\"\n"
    "  ormc sql -m shop=shop/models.py -d sqlite shop/views.py\n"
    "  ormc schema -m shop=shop/models.py -d sqlite | sqlite3 shop.db\n"
    "  ormc run -m shop=shop/models.py -e \"Book.objects.count()\" --database sqlite:///shop.db\n" EXIT_STATUS;

static const char sql_page[] =
    "ormc sql - print the SQL of every query found\n"
    "\n"
    "USAGE\n"
    "  ormc sql [OPTION]… [FILE]… [-e EXPR]…\n"
    "\n"
    "Reads Python (.py) and Markdown with fenced python blocks (.md, .txt), or '-' for standard\n"
    "input, evaluates it symbolically, and prints the statements of each query that the program\n"
    "would execute, with its place. What can't be known, such as a function's parameter, becomes a\n"
    "named parameter. Files that the given ones import are found beside them. In fenced blocks names\n"
    "need no import, as in EXPR.\n"
    "\n"
    "OPTIONS\n" OPTION_MODELS OPTION_DIALECT
    "                             Repeatable.\n" OPTION_EXPR OPTION_INLINE OPTION_SET OPTION_SETTING OPTION_FORMAT
    "      --dump STAGE           Print a middle form instead: tokens, syntax, models\n"
    "                             (Django's, JSON, one a line), schema, query or sql.\n"
    "      --golden DIR           Check one golden file a source file in DIR, so that a change of SQL\n"
    "                             shows up in review; FILEs may be directories.\n"
    "      --update               With --golden: write the files.\n"
    "\n"
    "EXAMPLES\n"
    "  ormc sql -m models.py -d sqlite -d postgresql -e \"select(User).where(User.id == 1)\"\n"
    "  ormc sql --format json app.py | jq '.queries[].statements[].sql'\n"
    "  ormc sql --golden sql/ src/\n" EXIT_STATUS;

static const char batch_page[] =
    "ormc batch - translate JSON Lines\n"
    "\n"
    "USAGE\n"
    "  ormc batch [OPTION]… < CASES > ANSWERS\n"
    "\n"
    "Reads a JSON object a line and answers with one a line, in order, flushed as it goes. Models are\n"
    "loaded once, so this is the fast way to translate many expressions.\n"
    "\n"
    "  {\"id\": \"x\", \"expr\": \"Author.objects.filter(name='a')\", \"settings\": {\"USE_TZ\": true}}\n"
    "  {\"id\": \"x\", \"ok\": true, \"statements\": [{\"kind\": \"select\", \"sql\": \"…\", \"params\": […]}]}\n"
    "  {\"id\": \"x\", \"ok\": false, \"error\": {\"code\": \"field-error\", \"message\": \"…\", \"help\": \"…\",\n"
    "   \"line\": 1, \"column\": 23}}\n"
    "\n"
    "expr may be several lines; its last expression is the query, answered as if it were executed.\n"
    "settings (optional) override the command's for this line. Transaction statements are left out.\n"
    "\n"
    "OPTIONS\n" OPTION_MODELS OPTION_DIALECT OPTION_INLINE OPTION_SET OPTION_SETTING EXIT_STATUS;

static const char schema_page[] =
    "ormc schema - print the tables of the models\n"
    "\n"
    "USAGE\n"
    "  ormc schema [OPTION]… -m [LABEL=]PATH…\n"
    "\n"
    "Prints CREATE TABLE, CREATE INDEX and constraints in an order in which they run: for Django what\n"
    "migrate would do for the given models, for SQLAlchemy what metadata.create_all() does.\n"
    "\n"
    "OPTIONS\n" OPTION_MODELS OPTION_DIALECT "                             Repeatable.\n" OPTION_SETTING OPTION_FORMAT
    "      --dump STAGE           As for ormc sql.\n"
    "\n"
    "EXAMPLES\n"
    "  ormc schema -m shop=shop/models.py -d sqlite | sqlite3 shop.db\n" EXIT_STATUS;

static const char run_page[] =
    "ormc run - run queries on a database and print the rows\n"
    "\n"
    "USAGE\n"
    "  ormc run [OPTION]… [FILE]… [-e EXPR]… --database URL\n"
    "\n"
    "Interprets the program: its statements run in order through the asynchronous executor, results of\n"
    "earlier ones feed later ones, branches are decided by the rows. A file's top level runs, or the\n"
    "function that --call names. Ctrl-C cancels the running statement, rolls back and exits with 130.\n"
    "Work that takes longer than a second shows on the terminal how far it has come.\n"
    "\n"
    "OPTIONS\n" OPTION_MODELS OPTION_EXPR OPTION_DATABASE OPTION_CALL OPTION_SET OPTION_SETTING OPTION_TIMEOUT
        OPTION_EXPLAIN "      --format text|json|csv Default: text, a table a statement.\n"
    "\n"
    "EXAMPLES\n"
    "  ormc run -m models.py -e \"select(User.name)\" --database sqlite:///app.db --format csv\n"
    "  ormc run app.py --call 'main()' --database postgresql://localhost/app\n" EXIT_STATUS;

static const char golden_page[] =
    "ormc golden - check Markdown files that hold queries and what they give\n"
    "\n"
    "USAGE\n"
    "  ormc golden [--update] [--database URL]… FILE.md…\n"
    "\n"
    "A golden file is prose and fenced blocks; a block's info string says what it is:\n"
    "\n"
    "  ```python models          the models of all cases below\n"
    "  ```sql data               rows, loaded before each case (or ```python data: objects saved)\n"
    "  ```python                 the query of this case; its heading is the case's name\n"
    "  ```sql postgresql         the SQL; sqlite, mysql, mariadb likewise; sql all where they agree\n"
    "  ```params                 the parameters, one a line: $1 = 'x'\n"
    "  ```rows                   the rows; checked on SQLite always, and on each --database\n"
    "  ```diagnostics            for a case that is refused, or that warns: the rendered text,\n"
    "                            for the dialect of the case's first block; diagnostics sqlite for others\n"
    "\n"
    "Prints a unified diff where a block differs and exits with 1.\n"
    "\n"
    "OPTIONS\n"
    "      --update               Rewrite the blocks in place.\n" OPTION_DATABASE OPTION_MODELS OPTION_DIALECT
    "                             Only the blocks of this dialect are checked; repeatable.\n" OPTION_SET OPTION_SETTING
        EXIT_STATUS;

static const char verify_page[] =
    "ormc verify - run on several databases and compare the rows\n"
    "\n"
    "USAGE\n"
    "  ormc verify [OPTION]… [FILE]… [-e EXPR]… --database URL --database URL…\n"
    "\n"
    "  ormc verify [OPTION]… FILE.md… --database URL --database URL…\n"
    "\n"
    "Runs the same program on each database and compares the rows of each statement with those of the\n"
    "first database. Where they disagree the rows are shown side by side, and the exit status is 1.\n"
    "What databases may rightly give otherwise is named, and no difference:\n"
    "\n"
/* clang-format off */
#define REASON(name, text, meaning) "  " text ": " meaning "\n"
#include "cli/reasons.def"
#undef REASON
    /* clang-format on */
    "\n"
    "The program works on the tables that the databases have; with --scratch on tables made from the\n"
    "models: on PostgreSQL in a schema, on MySQL and MariaDB in a database of its own, on SQLite in\n"
    "memory, dropped at the end, also after a failure or Ctrl-C. After a program that writes every\n"
    "table is compared.\n"
    "\n"
    "A FILE.md with models (```python models) is a golden file: each of its cases is run in a scratch\n"
    "place with the file's data; see 'ormc help golden'.\n"
    "\n"
    "OPTIONS\n" OPTION_MODELS OPTION_EXPR OPTION_DATABASE
    "                             Repeatable; the others are compared with the first.\n"
    "      --scratch              Make the models' tables in a scratch place.\n"
    "      --data FILE            Load this first: SQL, or a .py file that saves objects; repeatable, and\n"
    "                             means --scratch.\n" OPTION_CALL OPTION_SET OPTION_SETTING OPTION_TIMEOUT
        OPTION_EXPLAIN OPTION_FORMAT "\n"
    "EXAMPLES\n"
    "  ormc verify -m shop=models.py -e \"Book.objects.order_by('title')\" --data shop.sql \\\n"
    "      --database sqlite:// --database postgresql://localhost/test\n" EXIT_STATUS;

static const struct {
    const char *name, *page;
} pages[] = {{"sql", sql_page}, {"batch", batch_page},   {"schema", schema_page},
             {"run", run_page}, {"golden", golden_page}, {"verify", verify_page}};

int command_help(const char *name) {
    const char *best = NULL;
    int least = 3;
    if (!name) {
        fputs(overview, stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        int distance = words_distance(name, pages[i].name);
        if (distance == 0) {
            fputs(pages[i].page, stdout);
            return 0;
        }
        if (distance < least) best = pages[i].name, least = distance;
    }
    if (best) return usage_error("there is no page on '%s'; did you mean '%s'?", name, best);
    return usage_error("there is no page on '%s'; see 'ormc help'", name);
}
