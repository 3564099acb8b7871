/* What the workloads need of Linux: system calls by number, and a few words on top. There is no C library: what a
 * workload executes is what stands here. */
#ifndef SYSTEM_H
#define SYSTEM_H

#include <stddef.h>
#include <stdint.h>

/* Numbers of system calls (Linux, include/uapi/asm-generic/unistd.h). */
enum {
    SYS_IOCTL = 29,
    SYS_MKDIRAT = 34,
    SYS_MOUNT = 40,
    SYS_OPENAT = 56,
    SYS_CLOSE = 57,
    SYS_PIPE2 = 59,
    SYS_READ = 63,
    SYS_WRITE = 64,
    SYS_PREAD64 = 67,
    SYS_PWRITE64 = 68,
    SYS_EXIT_GROUP = 94,
    SYS_NANOSLEEP = 101,
    SYS_REBOOT = 142,
    SYS_GETPID = 172,
    SYS_GETPPID = 173,
    SYS_MUNMAP = 215,
    SYS_CLONE = 220,
    SYS_EXECVE = 221,
    SYS_MMAP = 222,
    SYS_MPROTECT = 226,
    SYS_MADVISE = 233,
    SYS_WAIT4 = 260,
    SYS_FINIT_MODULE = 273,
};

enum {
    AT_FDCWD = -100,
    O_RDONLY = 0,
    O_RDWR = 2,
    O_DIRECT = 040000,
    PROT_READ = 1,
    PROT_WRITE = 2,
    MAP_PRIVATE = 2,
    MAP_ANONYMOUS = 0x20,
    MADV_NOHUGEPAGE = 15,
    SIGCHLD = 17,
    PAGE_BYTES = 4096,
};

static inline long system_call(long number, long a, long b, long c, long d, long e, long f)
{
    register long a0 __asm__("a0") = a;
    register long a1 __asm__("a1") = b;
    register long a2 __asm__("a2") = c;
    register long a3 __asm__("a3") = d;
    register long a4 __asm__("a4") = e;
    register long a5 __asm__("a5") = f;
    register long a7 __asm__("a7") = number;
    __asm__ volatile("ecall" : "+r"(a0) : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5), "r"(a7) : "memory");
    return a0;
}

#define CALL1(number, a) system_call(number, (long)(a), 0, 0, 0, 0, 0)
#define CALL2(number, a, b) system_call(number, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL3(number, a, b, c) system_call(number, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL4(number, a, b, c, d) system_call(number, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)

/* Ends the process. */
static inline void __attribute__((noreturn)) leave(int status)
{
    for (;;)
        CALL1(SYS_EXIT_GROUP, status);
}

/* A copy of the process: 0 in the copy, its number in the original. */
static inline long copy_process(void)
{
    return CALL2(SYS_CLONE, SIGCHLD, 0);
}

/* Waits for a process; its exit status. */
static inline int wait_for(long process)
{
    int status = -1;
    CALL4(SYS_WAIT4, process, &status, 0, 0);
    return status >> 8 & 0xff;
}

/* Says what failed, with the kernel's answer, and ends the process. */
void __attribute__((noreturn)) fail(const char *what, long answer);

/* `answer`, unless it is one of the kernel's errors. */
long must(const char *what, long answer);

/* Private memory in 4 KiB pages, none of which is there yet. */
uint8_t *map_pages(size_t bytes);

/* What the host watches: it has breakpoints at these three and reads their arguments. */
void workload_ready(void);
void workload_begin(long index);
void workload_end(long index, uint64_t checksum);

/* A workload: it sets itself up, calls workload_begin, does its work so many times, calls workload_end with what it
 * has found, and leaves nothing behind. */
typedef void workload(long index, long iterations);

workload compute, get_parent, fault_fresh, fault_recycled, fork_wait, fork_exec, ping_pong, chase_small, chase_large,
    protect, sleep_short, print_lines, read_4k, read_64k, write_4k, write_64k;

#endif
