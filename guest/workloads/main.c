/* The first and only program of the workloads' initramfs. As /init it reads its orders from the kernel's command line,
 *
 *     visa.workload=NAME,ITERATIONS:NAME,ITERATIONS...
 *
 * does them one after the other, and switches the machine off. As `init exit` it ends at once: what fork-exec executes.
 * Anywhere else `init NAME ITERATIONS` does one workload. */
#include "system.h"

enum { ORDERS_BYTES = 2048, LINE_BYTES = 128 };

/* Arguments of reboot(2) and of a failed /init's exit. */
static const long REBOOT_MAGIC = 0xfee1dead, REBOOT_MAGIC2 = 672274793, REBOOT_POWER_OFF = 0x4321fedc;

static const struct {
    const char *name;
    workload *run;
} WORKLOADS[] = {
    {"compute", compute},
    {"syscall", get_parent},
    {"fault-fresh", fault_fresh},
    {"fault-recycled", fault_recycled},
    {"fork", fork_wait},
    {"fork-exec", fork_exec},
    {"pipe", ping_pong},
    {"chase-small", chase_small},
    {"chase-large", chase_large},
    {"mprotect", protect},
    {"sleep", sleep_short},
    {"console", print_lines},
    {"block-read-4k", read_4k},
    {"block-read-64k", read_64k},
    {"block-write-4k", write_4k},
    {"block-write-64k", write_64k},
};

/* gcc makes calls of these two. */
void *memset(void *to, int byte, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++)
        ((volatile uint8_t *)to)[at] = (uint8_t)byte;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    for (size_t at = 0; at < bytes; at++)
        ((volatile uint8_t *)to)[at] = ((const uint8_t *)from)[at];
    return to;
}

static size_t length_of(const char *text)
{
    size_t length = 0;
    while (text[length])
        length++;
    return length;
}

/* Whether `text` begins with `word`. */
static int begins_with(const char *text, const char *word)
{
    while (*word)
        if (*text++ != *word++)
            return 0;
    return 1;
}

/* A line made of words and numbers, written at once. */
struct line {
    char text[LINE_BYTES];
    size_t length;
};

static void add(struct line *line, const char *text, size_t length)
{
    for (size_t at = 0; at < length && line->length < LINE_BYTES; at++)
        line->text[line->length++] = text[at];
}

static void add_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[24];
    size_t first = sizeof digits;
    do
        digits[--first] = "0123456789abcdef"[number % base];
    while (number /= base);
    add(line, " ", 1);
    add(line, digits + first, sizeof digits - first);
}

static void print(const struct line *line)
{
    CALL3(SYS_WRITE, 1, line->text, line->length);
}

void fail(const char *what, long answer)
{
    struct line line = {.length = 0};
    add(&line, "workload: failed: ", 18);
    add(&line, what, length_of(what));
    add_number(&line, (uint64_t)-answer, 10);
    add(&line, "\n", 1);
    print(&line);
    leave(1);
}

long must(const char *what, long answer)
{
    if (answer < 0)
        fail(what, answer);
    return answer;
}

uint8_t *map_pages(size_t bytes)
{
    long answer = system_call(SYS_MMAP, 0, (long)bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (answer < 0 && answer > -PAGE_BYTES)
        fail("mmap", answer);
    CALL3(SYS_MADVISE, answer, bytes, MADV_NOHUGEPAGE);
    return (uint8_t *)answer;
}

void __attribute__((noinline)) workload_ready(void)
{
    __asm__ volatile("" ::: "memory");
}

void __attribute__((noinline)) workload_begin(long index)
{
    __asm__ volatile("" ::"r"(index) : "memory");
}

void __attribute__((noinline)) workload_end(long index, uint64_t checksum)
{
    __asm__ volatile("" ::"r"(index), "r"(checksum) : "memory");
    struct line line = {.length = 0};
    add(&line, "workload:", 9);
    add_number(&line, (uint64_t)index, 10);
    add_number(&line, checksum, 16);
    add(&line, "\n", 1);
    print(&line);
}

static long number_of(const char *text)
{
    long number = 0;
    for (; *text >= '0' && *text <= '9'; text++)
        number = number * 10 + (*text - '0');
    return number;
}

/* Does the workload that `order` names, up to `separator`, so many times. */
static void do_order(long index, const char *order, char separator, long iterations)
{
    for (size_t n = 0; n < sizeof WORKLOADS / sizeof *WORKLOADS; n++) {
        size_t length = length_of(WORKLOADS[n].name);
        if (begins_with(order, WORKLOADS[n].name) && order[length] == separator) {
            WORKLOADS[n].run(index, iterations);
            return;
        }
    }
    fail("no such workload", 0);
}

/* Does what `visa.workload=` on the kernel's command line says. */
static void do_orders(void)
{
    static char text[ORDERS_BYTES];
    int file = (int)must("/proc/cmdline", CALL4(SYS_OPENAT, AT_FDCWD, "/proc/cmdline", O_RDONLY, 0));
    long length = must("/proc/cmdline", CALL3(SYS_READ, file, text, ORDERS_BYTES - 1));
    text[length] = 0;
    CALL1(SYS_CLOSE, file);
    const char *at = text;
    while (*at && !begins_with(at, "visa.workload="))
        at++;
    at += *at ? 14 : 0;
    for (long index = 0; *at && *at != ' ' && *at != '\n'; index++) {
        const char *number = at;
        while (*number && *number != ',')
            number++;
        do_order(index, at, ',', number_of(number + (*number == ',')));
        while (*at && *at != ':' && *at != ' ' && *at != '\n')
            at++;
        at += *at == ':';
    }
}

/* Loads the kernel modules that the archive may hold, in the order that their list says. */
static void load_modules(void)
{
    static char order[ORDERS_BYTES];
    long file = CALL4(SYS_OPENAT, AT_FDCWD, "/modules/order", O_RDONLY, 0);
    if (file < 0)
        return;
    long length = must("/modules/order", CALL3(SYS_READ, file, order, ORDERS_BYTES - 1));
    CALL1(SYS_CLOSE, file);
    for (long at = 0; at < length; at++) {
        struct line path = {.length = 0};
        add(&path, "/modules/", 9);
        for (; at < length && order[at] != '\n'; at++)
            add(&path, &order[at], 1);
        add(&path, ".ko", 4);
        long module = must(path.text, CALL4(SYS_OPENAT, AT_FDCWD, path.text, O_RDONLY, 0));
        must(path.text, CALL3(SYS_FINIT_MODULE, module, "", 0));
        CALL1(SYS_CLOSE, module);
    }
}

static void __attribute__((noreturn)) be_init(void)
{
    workload_ready();
    must("mount /proc", system_call(SYS_MOUNT, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0));
    must("mount /dev", system_call(SYS_MOUNT, (long)"dev", (long)"/dev", (long)"devtmpfs", 0, 0, 0));
    load_modules();
    do_orders();
    CALL4(SYS_REBOOT, REBOOT_MAGIC, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0);
    leave(1);
}

/* The stack as the kernel leaves it: argc, then argv. */
void __attribute__((noreturn, used)) enter(const long *stack)
{
    long count = stack[0];
    const char *const *arguments = (const char *const *)(stack + 1);
    if (count == 2 && begins_with(arguments[1], "exit"))
        leave(7);
    if (count == 3) {
        do_order(0, arguments[1], 0, number_of(arguments[2]));
        leave(0);
    }
    if (CALL1(SYS_GETPID, 0) == 1)
        be_init();
    fail("usage: init WORKLOAD ITERATIONS", 0);
}

__asm__(".globl _start\n"
        "_start:\n"
        "    .option push\n"
        "    .option norelax\n"
        "    lla gp, __global_pointer$\n"
        "    .option pop\n"
        "    mv a0, sp\n"
        "    andi sp, sp, -16\n"
        "    tail enter\n");
