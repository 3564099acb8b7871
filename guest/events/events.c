/* What everyday events of a kernel cost, in instructions of the whole machine: an init for Linux that does each many
 * times and prints the average. Time passes by 100 ns for each 100 instructions, idle time apart.
 *
 *   riscv64-linux-gnu-gcc -O2 -static -o init events.c
 *   mkdir dev && printf 'init\ndev\n' | cpio -o -H newc | gzip > events.cpio.gz
 *
 * Words behind "--" on the kernel's command line name the events wanted; without any, all are done. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, TICK_NS = 100, PAGES_A_ROUND = 64, CHASE_PAGES = 4096, CHASE_STEP = 1597 };

static uint64_t now_ns(void)
{
    uint64_t ticks;
    __asm__ volatile("rdtime %0" : "=r"(ticks));
    return ticks * TICK_NS;
}

static char *fresh_pages(long pages)
{
    return mmap(0, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void compute(long count)
{
    volatile uint64_t value = 1;
    for (long i = 0; i < count; i++)
        value = value * 6364136223846793005u + 1442695040888963407u;
}

static void system_call(long count)
{
    for (long i = 0; i < count; i++)
        syscall(SYS_getppid);
}

static void page_fault(long count)
{
    for (long round = 0; round < count / PAGES_A_ROUND; round++) {
        char *memory = fresh_pages(PAGES_A_ROUND);
        for (int page = 0; page < PAGES_A_ROUND; page++)
            memory[page * PAGE] = 1;
        munmap(memory, PAGES_A_ROUND * PAGE);
    }
}

static void protect(long count)
{
    char *memory = fresh_pages(1);
    memory[0] = 1;
    for (long i = 0; i < count; i++) {
        mprotect(memory, PAGE, PROT_READ);
        mprotect(memory, PAGE, PROT_READ | PROT_WRITE);
        memory[0] = 1;
    }
    munmap(memory, PAGE);
}

static void fork_and_wait(long count)
{
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (!child)
            _exit(0);
        waitpid(child, 0, 0);
    }
}

static void fork_and_execute(long count)
{
    for (long i = 0; i < count; i++) {
        pid_t child = fork();
        if (!child) {
            execl("/init", "/init", "nothing", (char *)0);
            _exit(1);
        }
        waitpid(child, 0, 0);
    }
}

static void echo(int from, int to, long count)
{
    char byte = 0;
    for (long i = 0; i < count; i++)
        if (read(from, &byte, 1) != 1 || write(to, &byte, 1) != 1)
            return;
}

static void ping_pong(long count)
{
    int there[2], back[2];
    char byte = 0;
    if (pipe(there) || pipe(back))
        return;
    pid_t child = fork();
    if (!child) {
        echo(there[0], back[1], count);
        _exit(0);
    }
    if (write(there[1], &byte, 1) == 1)
        echo(back[0], there[1], count - 1);
    waitpid(child, 0, 0);
    close(there[0]), close(there[1]), close(back[0]), close(back[1]);
}

/* One load a page; the faults that make the pages are in the average. */
static void chase(long count)
{
    char *memory = fresh_pages(CHASE_PAGES);
    long page = 0;
    for (long i = 0; i < CHASE_PAGES; i++) {
        long next = (page + CHASE_STEP) % CHASE_PAGES;
        *(char **)(memory + page * PAGE) = memory + next * PAGE;
        page = next;
    }
    char *volatile at = memory;
    for (long i = 0; i < count; i++)
        at = *(char **)at;
    munmap(memory, (long)CHASE_PAGES * PAGE);
}

static void ignore(int number)
{
    (void)number;
}

static void signal_self(long count)
{
    signal(SIGUSR1, ignore);
    for (long i = 0; i < count; i++)
        raise(SIGUSR1);
}

static void read_page(long count)
{
    static char buffer[PAGE];
    int file = open("/dev/zero", O_RDONLY);
    for (long i = 0; i < count; i++)
        if (read(file, buffer, PAGE) != PAGE)
            return;
    close(file);
}

static void sleep_1ms(long count)
{
    struct timespec time = { 0, 1000000 };
    for (long i = 0; i < count; i++)
        nanosleep(&time, 0);
}

static const struct event {
    const char *name;
    void (*make)(long count);
    long count;
} EVENTS[] = {
    { "compute", compute, 2000000 },      { "syscall", system_call, 20000 },   { "fault", page_fault, 12800 },
    { "mprotect", protect, 2000 },        { "fork", fork_and_wait, 100 },      { "exec", fork_and_execute, 50 },
    { "pipe", ping_pong, 2000 },          { "chase", chase, 100000 },          { "signal", signal_self, 2000 },
    { "read", read_page, 2000 },          { "sleep", sleep_1ms, 100 },
};

static int is_wanted(const char *name, int count, char **words)
{
    int wanted = count < 2;
    for (int i = 1; i < count; i++)
        wanted |= !strcmp(words[i], name);
    return wanted;
}

int main(int count, char **words)
{
    if (count > 1 && !strcmp(words[1], "nothing"))
        return 0;
    mkdir("/dev", 0755);
    mount("devtmpfs", "/dev", "devtmpfs", 0, 0);
    int console = open("/dev/console", O_RDWR);
    dup2(console, 1);
    for (unsigned i = 0; i < sizeof EVENTS / sizeof *EVENTS; i++) {
        const struct event *event = &EVENTS[i];
        if (!is_wanted(event->name, count, words))
            continue;
        event->make(event->count / 10 + 1);
        uint64_t start = now_ns();
        event->make(event->count);
        uint64_t spent = now_ns() - start;
        printf("EVENT %-8s %8ld times %12.1f\n", event->name, event->count, (double)spent / event->count);
        fflush(stdout);
    }
    reboot(RB_POWER_OFF);
    return 1;
}
