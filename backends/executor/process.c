/*
 * Whether this is still the process that made a mark, or a child of it: asked of each statement, so it costs no call of
 * the system where the kernel can clear memory on fork.
 *
 *     process_mark(&mark) → process_is_marked(&mark): true; after fork(), in the child: false
 */
#define _DEFAULT_SOURCE /* madvise() */
#include <sys/mman.h>
#include <unistd.h>

#include "backends/executor/executor.h"

enum { MARK_SIZE = 4096 };

void process_mark(ProcessMark *mark) {
    *mark = (ProcessMark){.process = getpid()};
#ifdef MADV_WIPEONFORK
    void *page = mmap(NULL, MARK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return;
    if (madvise(page, MARK_SIZE, MADV_WIPEONFORK) != 0) {
        munmap(page, MARK_SIZE);
        return;
    }
    mark->wiped = page;
    *mark->wiped = 1;
#endif
}

bool process_is_marked(const ProcessMark *mark) { return mark->wiped ? *mark->wiped : getpid() == mark->process; }

void process_unmark(ProcessMark *mark) {
    if (mark->wiped) munmap(mark->wiped, MARK_SIZE);
    mark->wiped = NULL;
}
