/* System calls, processes, and waiting. */
#include "system.h"

enum { CHILD_STATUS = 42 };

void get_parent(long index, long iterations)
{
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        sum += (uint64_t)CALL1(SYS_GETPPID, 0) + 1;
    workload_end(index, sum);
}

void fork_wait(long index, long iterations)
{
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        long child = copy_process();
        if (child == 0)
            leave(CHILD_STATUS + (int)(i & 7));
        sum = sum * 31 + (uint64_t)wait_for(must("fork", child));
    }
    workload_end(index, sum);
}

void fork_exec(long index, long iterations)
{
    char *arguments[] = {"/init", "exit", NULL};
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        long child = copy_process();
        if (child == 0) {
            CALL3(SYS_EXECVE, "/init", arguments, NULL);
            leave(1);
        }
        sum = sum * 31 + (uint64_t)wait_for(must("fork", child));
    }
    workload_end(index, sum);
}

/* The other side of the ping-pong: returns each byte plus one, until the pipe ends. */
static void __attribute__((noreturn)) answer(int from, int to)
{
    uint8_t byte;
    while (CALL3(SYS_READ, from, &byte, 1) == 1) {
        byte++;
        CALL3(SYS_WRITE, to, &byte, 1);
    }
    leave(0);
}

/* A byte to another process and back: two system calls and one switch of the address space each way. */
void ping_pong(long index, long iterations)
{
    int there[2], back[2];
    must("pipe", CALL2(SYS_PIPE2, there, 0));
    must("pipe", CALL2(SYS_PIPE2, back, 0));
    long child = copy_process();
    if (child == 0) {
        CALL1(SYS_CLOSE, there[1]);
        CALL1(SYS_CLOSE, back[0]);
        answer(there[0], back[1]);
    }
    must("fork", child);
    uint8_t byte = 0;
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        CALL3(SYS_WRITE, there[1], &byte, 1);
        CALL3(SYS_READ, back[0], &byte, 1);
        sum += byte;
    }
    workload_end(index, sum);
    for (int end = 0; end < 2; end++) {
        CALL1(SYS_CLOSE, there[end]);
        CALL1(SYS_CLOSE, back[end]);
    }
    wait_for(child);
}

/* Sleeps of a millisecond. How long they take is the machine's affair, and no part of the checksum. */
void sleep_short(long index, long iterations)
{
    const int64_t millisecond[2] = {0, 1000000};
    uint64_t done = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        done += CALL2(SYS_NANOSLEEP, millisecond, 0) == 0;
    workload_end(index, done);
}
