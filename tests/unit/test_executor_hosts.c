/*
 * Names of hosts: looked up without blocking, each address tried. The test servers listen on Unix sockets only, so a
 * thread of the test carries bytes between a TCP port and the socket.
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "backends/executor/executor.h"
#include "backends/executor/socket.h"
#include "tests/unit/executor_helpers.h"

/* ---- a port that leads to a socket */

typedef struct Carrier {
    char path[108];
    int listener, port;
    pthread_t thread;
    int stop[2];
} Carrier;

enum { CARRIED = 16 };

static int carrier_reach(const Carrier *carrier) {
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof to.sun_path, "%s", carrier->path);
    int made = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(made, (struct sockaddr *)&to, sizeof to) == 0) return made;
    close(made);
    return -1;
}

/* Both directions of each connection are neighbours. */
static void carrier_accept(const Carrier *carrier, struct pollfd *ends, int *count) {
    int one = accept(carrier->listener, NULL, NULL), other = carrier_reach(carrier);
    if (one < 0 || other < 0 || *count + 2 > CARRIED) {
        if (one >= 0) close(one);
        if (other >= 0) close(other);
        return;
    }
    ends[(*count)++] = (struct pollfd){.fd = one, .events = POLLIN};
    ends[(*count)++] = (struct pollfd){.fd = other, .events = POLLIN};
}

static void carrier_carry(struct pollfd *ends, int index) {
    char bytes[4096];
    int partner = index ^ 1;
    ssize_t got = read(ends[index].fd, bytes, sizeof bytes);
    if (got > 0 && send(ends[partner].fd, bytes, (size_t)got, MSG_NOSIGNAL) == got) return;
    shutdown(ends[index].fd, SHUT_RDWR);
    shutdown(ends[partner].fd, SHUT_RDWR);
    ends[index].events = 0;
    ends[index].fd = ~ends[index].fd; /* poll() passes over it */
}

static void *carrier_run(void *user) {
    const Carrier *carrier = user;
    struct pollfd ends[CARRIED] = {{.fd = carrier->listener, .events = POLLIN},
                                   {.fd = carrier->stop[0], .events = POLLIN}};
    int count = 2;
    while (poll(ends, (nfds_t)count, -1) >= 0 && !ends[1].revents) {
        int before = count;
        if (ends[0].revents) carrier_accept(carrier, ends, &count);
        for (int i = 2; i < before; i++)
            if (ends[i].fd >= 0 && ends[i].revents) carrier_carry(ends, i);
    }
    for (int i = 2; i < count; i++) close(ends[i].fd >= 0 ? ends[i].fd : ~ends[i].fd);
    return NULL;
}

static void carrier_open(Carrier *carrier, const char *path) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
    socklen_t size = sizeof at;
    snprintf(carrier->path, sizeof carrier->path, "%s", path);
    carrier->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(carrier->listener, (struct sockaddr *)&at, sizeof at), 0);
    assert_int_equal(listen(carrier->listener, 8), 0);
    assert_int_equal(getsockname(carrier->listener, (struct sockaddr *)&at, &size), 0);
    carrier->port = ntohs(at.sin_port);
    assert_int_equal(pipe(carrier->stop), 0);
    assert_int_equal(pthread_create(&carrier->thread, NULL, carrier_run, carrier), 0);
}

static void carrier_close(Carrier *carrier) {
    assert_int_equal(write(carrier->stop[1], "x", 1), 1);
    pthread_join(carrier->thread, NULL);
    close(carrier->stop[0]);
    close(carrier->stop[1]);
    close(carrier->listener);
}

/* ---- names */

static void test_what_a_name_is(void **state) {
    (void)state;
    assert_true(host_is_name("localhost"));
    assert_true(host_is_name("db.example.org"));
    static const char *const others[] = {NULL, "", "/run/postgresql", "@abstract", "127.0.0.1", "::1", "fe80::1%eth0"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) assert_false(host_is_name(others[i]));
}

/* "localhost" is ::1 too on many machines, where nobody listens: the next address is tried. */
static void test_postgresql(void **state) {
    (void)state;
    const char *servers = getenv("ORMC_TEST_SERVERS");
    if (!servers) skip();
    char path[200], url[200];
    Carrier carrier;
    snprintf(path, sizeof path, "%s/postgresql/.s.PGSQL.5432", servers);
    carrier_open(&carrier, path);
    static const char *const forms[] = {"postgresql://ormc@localhost:%d/ormc", "postgresql://ormc@127.0.0.1:%d/ormc",
                                        "postgresql://ormc@/ormc?host=localhost,127.0.0.1&port=1,%d"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        snprintf(url, sizeof url, forms[i], carrier.port);
        TestPool test;
        test_open(&test, url, NULL);
        assert_int_equal(test_number(&test, "SELECT 41 + 1"), 42);
        test_close(&test);
    }
    carrier_close(&carrier);
}

/* A service file's names are looked up by the executor too. */
static void test_service_file(void **state) {
    (void)state;
    const char *servers = getenv("ORMC_TEST_SERVERS");
    if (!servers) skip();
    char path[200], file[64];
    Carrier carrier;
    snprintf(path, sizeof path, "%s/postgresql/.s.PGSQL.5432", servers);
    carrier_open(&carrier, path);
    snprintf(file, sizeof file, "/tmp/ormc-test-%ld.service", (long)getpid());
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fprintf(out, "[there]\nhost=localhost\nport=%d\nuser=ormc\ndbname=ormc\n", carrier.port);
    fprintf(out, "[nowhere]\nhost=no-such-host.invalid\nuser=ormc\n");
    assert_int_equal(fclose(out), 0);
    setenv("PGSERVICEFILE", file, 1);
    TestPool test;
    test_open(&test, "postgresql:///?service=there", NULL);
    assert_int_equal(test_number(&test, "SELECT 41 + 1"), 42);
    test_close(&test);
    test_open(&test, "postgresql:///?service=nowhere", NULL);
    const OrmcResult *result = test_execute(&test, "SELECT 1");
    assert_int_equal(ormc_result_error(result), ORMC_ERROR_CONNECT);
    assert_non_null(
        strstr(ormc_result_message(result), "\"no-such-host.invalid\" is not known")); /* not libpq's words */
    test_close(&test);
    unsetenv("PGSERVICEFILE");
    unlink(file);
    carrier_close(&carrier);
}

/* Where the host is libmariadb's to find, it does so on another thread: here it stands in an option file. */
static void test_mariadb_aside(void **state) {
    (void)state;
    const char *servers = getenv("ORMC_TEST_SERVERS");
    if (!servers) skip();
    char path[200], file[64], url[200];
    Carrier carrier;
    snprintf(path, sizeof path, "%s/mariadb/socket", servers);
    carrier_open(&carrier, path);
    snprintf(file, sizeof file, "/tmp/ormc-test-%ld.cnf", (long)getpid());
    FILE *out = fopen(file, "w");
    assert_non_null(out);
    fprintf(out, "[client]\nhost=127.0.0.1\nport=%d\n", carrier.port);
    assert_int_equal(fclose(out), 0);
    snprintf(url, sizeof url, "mariadb://ormc@/ormc?read_default_file=%s", file);
    TestPool test;
    test_open(&test, url, NULL);
    for (int i = 0; i < 20; i++) assert_int_equal(test_number(&test, "SELECT 41 + 1"), 42);
    test_close(&test);
    unlink(file);
    carrier_close(&carrier);
}

static void test_mariadb(void **state) {
    (void)state;
    const char *servers = getenv("ORMC_TEST_SERVERS");
    char name[128], path[200], url[300];
    struct addrinfo *found = NULL, hints = {.ai_family = AF_INET};
    if (!servers || gethostname(name, sizeof name) != 0 || getaddrinfo(name, NULL, &hints, &found) != 0) skip();
    freeaddrinfo(found);
    Carrier carrier;
    snprintf(path, sizeof path, "%s/mariadb/socket", servers);
    carrier_open(&carrier, path);
    const char *names[] = {name, "127.0.0.1"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(url, sizeof url, "mariadb://ormc@%s:%d/ormc", names[i], carrier.port);
        TestPool test;
        test_open(&test, url, NULL);
        assert_int_equal(test_number(&test, "SELECT 41 + 1"), 42);
        test_close(&test);
    }
    carrier_close(&carrier);
}

/* The loop goes on while a name is looked up, and a pool can be closed meanwhile. */
static void test_unknown_names(void **state) {
    (void)state;
    static const char *const urls[] = {"postgresql://ormc@no-such-host.invalid/ormc",
                                       "mariadb://ormc@no-such-host.invalid/ormc",
                                       "mariadb://ormc@no-such-host.invalid/ormc?ssl=true"};
    for (size_t i = 0; i < sizeof urls / sizeof *urls; i++) {
        OrmcPoolOptions options = {.size = sizeof options, .connect_timeout_ms = 20000, .wait_timeout_ms = 20000};
        TestPool test;
        test_open(&test, urls[i], &options);
        const OrmcResult *result = test_execute(&test, "SELECT 1");
        assert_int_equal(ormc_result_error(result), ORMC_ERROR_CONNECT);
        assert_non_null(strstr(ormc_result_message(result), "no-such-host.invalid"));
        test_close(&test);
        test_open(&test, urls[i], &options);
        OrmcCommand command = {.size = sizeof command, .sql = "SELECT 1"};
        assert_non_null(ormc_pool_execute(test.pool, &command));
        test_close(&test);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_what_a_name_is), cmocka_unit_test(test_postgresql),
                                       cmocka_unit_test(test_service_file),   cmocka_unit_test(test_mariadb),
                                       cmocka_unit_test(test_mariadb_aside),  cmocka_unit_test(test_unknown_names)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
