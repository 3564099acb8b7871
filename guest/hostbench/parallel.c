/* Threads, atomic instructions, and code that changes. */
#include "host.h"

enum {
    SYS_EXIT = 93,
    SYS_FUTEX = 98,
    FUTEX_WAIT_PRIVATE = 128,
    FUTEX_WAKE_PRIVATE = 129,
    CLONE_VM = 0x100,
    CLONE_FS = 0x200,
    CLONE_FILES = 0x400,
    CLONE_SIGHAND = 0x800,
    CLONE_THREAD = 0x10000,
    CLONE_CHILD_CLEARTID = 0x200000,
    PROT_EXEC = 4,
    STACK_BYTES = 4 * PAGE_BYTES,
};

/* -- Switches between two threads of a process: each waits until it is its turn. */

enum turn { MINE, YOURS, OVER };

static volatile int turn, alive;

static void wait_while(volatile int *word, int value)
{
    system_call(SYS_FUTEX, (long)word, FUTEX_WAIT_PRIVATE, value, 0, 0, 0);
}

static void pass_on(int to)
{
    turn = to;
    CALL3(SYS_FUTEX, &turn, FUTEX_WAKE_PRIVATE, 1);
}

static void __attribute__((noreturn)) play(void)
{
    while (turn != OVER) {
        if (turn == YOURS)
            pass_on(MINE);
        else
            wait_while(&turn, MINE);
    }
    for (;;)
        CALL1(SYS_EXIT, 0);
}

/* Starts a thread that plays, on a stack of its own. When it ends, the kernel sets `alive` to 0 and wakes who waits. */
static void start_thread(uint8_t *stack)
{
    long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_CHILD_CLEARTID;
    register long a0 __asm__("a0") = flags;
    register long a1 __asm__("a1") = (long)(stack + STACK_BYTES);
    register long a2 __asm__("a2") = 0;
    register long a3 __asm__("a3") = 0;
    register long a4 __asm__("a4") = (long)&alive;
    register long a7 __asm__("a7") = SYS_CLONE;
    __asm__ volatile("    ecall\n"
                     "    bnez a0, 1f\n"
                     "    jr %[body]\n"
                     "1:\n"
                     : "+r"(a0)
                     : "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a7), [body] "r"(play)
                     : "memory");
    must("clone", a0);
}

void switch_threads(long index, long iterations)
{
    uint8_t *stack = map_pages(STACK_BYTES);
    uint64_t turns = 0;
    turn = MINE, alive = 1;
    start_thread(stack);
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        pass_on(YOURS);
        while (turn == YOURS)
            wait_while(&turn, YOURS);
        turns++;
    }
    workload_end(index, turns);
    pass_on(OVER);
    /* The kernel's wake is not a private one. */
    while (alive)
        system_call(SYS_FUTEX, (long)&alive, 0, 1, 0, 0, 0);
    CALL2(SYS_MUNMAP, stack, STACK_BYTES);
}

/* -- Atomic instructions: additions, exchanges, maxima, and compare-and-exchange by LR and SC. */

void atomics(long index, long iterations)
{
    static uint64_t words[8];
    static uint32_t halves[8];
    uint64_t sum = 0;
    for (int n = 0; n < 8; n++)
        words[n] = 0, halves[n] = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        uint64_t *word = &words[i & 7], seen = *word;
        uint32_t *half = &halves[i & 7];
        sum += __atomic_fetch_add(word, (uint64_t)i, __ATOMIC_RELAXED);
        sum ^= __atomic_exchange_n(half, (uint32_t)i, __ATOMIC_ACQ_REL);
        sum += __atomic_fetch_or(half, 1, __ATOMIC_SEQ_CST);
        uint64_t greater = seen + (uint64_t)i;
        if (!__atomic_compare_exchange_n(word, &greater, greater * 3 + 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
            fail("compare and exchange", 0);
        sum += *word;
    }
    workload_end(index, sum);
}

/* -- Code that changes: a function's first instruction is replaced, made visible with fence.i, and called. */

static uint32_t add_immediate(uint32_t immediate)
{
    enum { ADDI_A0_A0 = 0x00050513, IMMEDIATE_SHIFT = 20 };
    return ADDI_A0_A0 | immediate << IMMEDIATE_SHIFT;
}

void modify_code(long index, long iterations)
{
    enum { JALR_ZERO_RA = 0x00008067, FUNCTIONS = 4, DISTANCE = 64 };
    long answer = system_call(SYS_MMAP, 0, PAGE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (answer < 0 && answer > -PAGE_BYTES)
        fail("mmap", answer);
    volatile uint32_t *code = (volatile uint32_t *)answer;
    for (int function = 0; function < FUNCTIONS; function++) {
        code[function * DISTANCE] = add_immediate(1);
        code[function * DISTANCE + 1] = JALR_ZERO_RA;
    }
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        volatile uint32_t *changed = code + (i % FUNCTIONS) * DISTANCE;
        *changed = add_immediate((uint32_t)(i * 5 & 0x7ff));
        __asm__ volatile("fence.i" ::: "memory");
        for (int function = 0; function < FUNCTIONS; function++)
            sum = ((uint64_t(*)(uint64_t))(uintptr_t)(code + function * DISTANCE))(sum) ^ sum << 1;
    }
    workload_end(index, sum);
    CALL2(SYS_MUNMAP, answer, PAGE_BYTES);
}
