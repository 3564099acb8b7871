/* The first and only program of the initramfs of `visa bench --host`. As /init it reads its orders from the kernel's
 * command line,
 *
 *     visa.host=NAME,ITERATIONS:NAME,ITERATIONS...
 *
 * does them one after the other, and switches the machine off. As `init exit` it ends at once: what fork-exec executes.
 *
 * The host, which sees nothing but the console, measures between two lines of its own:
 *
 *     @host ready                     /init begins
 *     @host begin INDEX               the workload with this place among the orders begins
 *     @host end INDEX CHECKSUM        it has ended, and has found this (hexadecimal)
 *     @host done                      all have
 */
#include "host.h"

enum { ORDERS_BYTES = 2048, LINE_BYTES = 96, TCSBRK = 0x5409 };

/* Arguments of reboot(2). */
static const long REBOOT_MAGIC = 0xfee1dead, REBOOT_MAGIC2 = 672274793, REBOOT_POWER_OFF = 0x4321fedc;

static const struct {
    const char *name;
    workload *run;
} WORKLOADS[] = {
    {"integer", compute},
    {"records", records},
    {"sha256", digest},
    {"compress", compress},
    {"sieve", sieve},
    {"memcpy", copy},
    {"calls", calls},
    {"indirect", calls_indirect},
    {"bytecode", interpret},
    {"nbody", bodies},
    {"matmul", matrices},
    {"float", single_precision},
    {"chase-small", chase_small},
    {"chase-large", chase_large},
    {"walk", walks},
    {"syscall", get_parent},
    {"fault-fresh", fault_fresh},
    {"fault-recycled", fault_recycled},
    {"fork", fork_wait},
    {"fork-exec", fork_exec},
    {"pipe", ping_pong},
    {"switch", switch_threads},
    {"atomics", atomics},
    {"self-modify", modify_code},
    {"mprotect", protect},
};

/* gcc makes calls of these two. */
void *memset(void *to, int byte, size_t bytes)
{
    uint8_t *at = to;
    while (bytes--)
        *at++ = (uint8_t)byte;
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *at = to;
    const uint8_t *next = from;
    while (bytes--)
        *at++ = *next++;
    return to;
}

/* What follows `word` in `text`, if `text` begins with it. */
static const char *after(const char *text, const char *word)
{
    while (*word)
        if (*text++ != *word++)
            return NULL;
    return text;
}

/* A line made of words and numbers, written at once. */
struct line {
    char text[LINE_BYTES];
    size_t length;
};

static void add(struct line *line, const char *text)
{
    while (*text && line->length < LINE_BYTES)
        line->text[line->length++] = *text++;
}

static void add_number(struct line *line, uint64_t number, unsigned base)
{
    char digits[24];
    size_t first = sizeof digits - 1;
    digits[first] = 0;
    do
        digits[--first] = "0123456789abcdef"[number % base];
    while (number /= base);
    add(line, " ");
    add(line, digits + first);
}

/* Prints a line, and waits until its last byte has left the machine: nothing of it falls into what is measured next. */
static void print(struct line *line)
{
    add(line, "\n");
    CALL3(SYS_WRITE, 1, line->text, line->length);
    /* An argument other than 0 makes it tcdrain. */
    CALL3(SYS_IOCTL, 1, TCSBRK, 1);
}

void fail(const char *what, long answer)
{
    struct line line = {.length = 0};
    add(&line, "\n@host failed: ");
    add(&line, what);
    add_number(&line, (uint64_t)-answer, 10);
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

static void say(const char *word)
{
    struct line line = {.length = 0};
    add(&line, "\n@host ");
    add(&line, word);
    print(&line);
}

void workload_begin(long index)
{
    struct line line = {.length = 0};
    add(&line, "\n@host begin");
    add_number(&line, (uint64_t)index, 10);
    print(&line);
}

void workload_end(long index, uint64_t checksum)
{
    struct line line = {.length = 0};
    add(&line, "\n@host end");
    add_number(&line, (uint64_t)index, 10);
    add_number(&line, checksum, 16);
    print(&line);
}

static const char *read_number(const char *text, long *number)
{
    for (*number = 0; *text >= '0' && *text <= '9'; text++)
        *number = *number * 10 + (*text - '0');
    return text;
}

/* Does the order that `text` begins with; what follows it. */
static const char *do_order(long index, const char *text)
{
    for (size_t n = 0; n < sizeof WORKLOADS / sizeof *WORKLOADS; n++) {
        const char *rest = after(text, WORKLOADS[n].name);
        if (!rest || *rest != ',')
            continue;
        long iterations;
        rest = read_number(rest + 1, &iterations);
        WORKLOADS[n].run(index, iterations);
        return rest;
    }
    fail("no such workload", 0);
}

/* Does what `visa.host=` on the kernel's command line says. */
static void do_orders(void)
{
    static char text[ORDERS_BYTES];
    int file = (int)must("/proc/cmdline", CALL4(SYS_OPENAT, AT_FDCWD, "/proc/cmdline", O_RDONLY, 0));
    must("/proc/cmdline", CALL3(SYS_READ, file, text, ORDERS_BYTES - 1));
    CALL1(SYS_CLOSE, file);
    const char *at = text, *orders = NULL;
    while (*at && !(orders = after(at, "visa.host=")))
        at++;
    for (long index = 0; orders && *orders && *orders != ' ' && *orders != '\n'; index++) {
        orders = do_order(index, orders);
        orders += *orders == ':';
    }
}

static void __attribute__((noreturn)) be_init(void)
{
    say("ready");
    must("mount /proc", system_call(SYS_MOUNT, (long)"proc", (long)"/proc", (long)"proc", 0, 0, 0));
    do_orders();
    say("done");
    CALL4(SYS_REBOOT, REBOOT_MAGIC, REBOOT_MAGIC2, REBOOT_POWER_OFF, 0);
    leave(1);
}

/* The stack as the kernel leaves it: argc, then argv. */
void __attribute__((noreturn, used)) enter(const long *stack)
{
    const char *const *arguments = (const char *const *)(stack + 1);
    if (stack[0] == 2 && after(arguments[1], "exit"))
        leave(7);
    if (CALL1(SYS_GETPID, 0) == 1)
        be_init();
    fail("it is not process 1", 0);
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
