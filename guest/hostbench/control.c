/* Work that is mostly jumps: calls, indirect calls, an interpreter. */
#include "host.h"

/* -- Calls: Fibonacci's numbers by two functions that call each other, so that each call stays a call. */

enum { FIBONACCI = 27 };

static uint64_t fibonacci_even(int n);

static uint64_t __attribute__((noinline)) fibonacci_odd(int n)
{
    return n < 2 ? (uint64_t)n : fibonacci_even(n - 1) + fibonacci_even(n - 2);
}

static uint64_t __attribute__((noinline)) fibonacci_even(int n)
{
    return n < 2 ? (uint64_t)n : fibonacci_odd(n - 1) + fibonacci_odd(n - 2);
}

void calls(long index, long iterations)
{
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        sum = sum * 31 + fibonacci_odd(FIBONACCI - (int)(i & 1));
    workload_end(index, sum);
}

/* -- Indirect calls: one of 16 functions, in an order that does not repeat soon. */

#define FUNCTION(n, expression) \
    static uint64_t __attribute__((noinline)) function_##n(uint64_t x) \
    { \
        return expression; \
    }
FUNCTION(0, x + 1)
FUNCTION(1, x ^ 0x55)
FUNCTION(2, x << 1)
FUNCTION(3, x >> 3)
FUNCTION(4, x * 3)
FUNCTION(5, x - 7)
FUNCTION(6, ~x)
FUNCTION(7, x | 0x100)
FUNCTION(8, x & ~0x40ul)
FUNCTION(9, x + (x >> 5))
FUNCTION(10, x ^ x >> 7)
FUNCTION(11, x * 5 + 1)
FUNCTION(12, -x)
FUNCTION(13, x + 0x1234)
FUNCTION(14, x ^ x << 9)
FUNCTION(15, x - (x >> 2))

typedef uint64_t function(uint64_t x);

void calls_indirect(long index, long iterations)
{
    static function *const volatile FUNCTIONS[16] = {
        function_0, function_1, function_2,  function_3,  function_4,  function_5,  function_6,  function_7,
        function_8, function_9, function_10, function_11, function_12, function_13, function_14, function_15,
    };
    uint32_t random = 16;
    uint64_t x = 1;
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        x = FUNCTIONS[next_random(&random) >> 8 & 15](x);
    workload_end(index, x);
}

/* -- An interpreter of a stack machine: the steps of all Collatz sequences from the numbers below a limit. */

enum operation { PUSH, LOAD, STORE, ADD, MULTIPLY, HALVE, IS_ODD, LESS, JUMP, JUMP_IF_NOT, STOP };
enum variable { NUMBER, VALUE, STEPS, LIMIT, VARIABLES };

static const struct instruction {
    uint8_t operation, operand;
} PROGRAM[] = {
    /*  0 */ {PUSH, 1},      {STORE, NUMBER},
    /*  2 */ {LOAD, NUMBER}, {STORE, VALUE},
    /*  4 */ {PUSH, 1},      {LOAD, VALUE},      {LESS, 0},     {JUMP_IF_NOT, 25},
    /*  8 */ {LOAD, STEPS},  {PUSH, 1},          {ADD, 0},      {STORE, STEPS},
    /* 12 */ {LOAD, VALUE},  {IS_ODD, 0},        {JUMP_IF_NOT, 21},
    /* 15 */ {LOAD, VALUE},  {PUSH, 3},          {MULTIPLY, 0}, {PUSH, 1}, {ADD, 0}, {JUMP, 23},
    /* 21 */ {LOAD, VALUE},  {HALVE, 0},
    /* 23 */ {STORE, VALUE}, {JUMP, 4},
    /* 25 */ {LOAD, NUMBER}, {PUSH, 1},          {ADD, 0},      {STORE, NUMBER},
    /* 29 */ {LOAD, NUMBER}, {LOAD, LIMIT},      {LESS, 0},     {JUMP_IF_NOT, 34},
    /* 33 */ {JUMP, 2},
    /* 34 */ {STOP, 0},
};

static uint64_t __attribute__((noinline)) run(const struct instruction *program, uint64_t limit)
{
    uint64_t stack[8], variables[VARIABLES] = {[LIMIT] = limit};
    uint64_t *top = stack;
    for (const struct instruction *at = program;; at++) {
        switch ((enum operation)at->operation) {
        case PUSH:
            *top++ = at->operand;
            break;
        case LOAD:
            *top++ = variables[at->operand];
            break;
        case STORE:
            variables[at->operand] = *--top;
            break;
        case ADD:
            top--;
            top[-1] += *top;
            break;
        case MULTIPLY:
            top--;
            top[-1] *= *top;
            break;
        case HALVE:
            top[-1] >>= 1;
            break;
        case IS_ODD:
            top[-1] &= 1;
            break;
        case LESS:
            top--;
            top[-1] = top[-1] < *top;
            break;
        case JUMP:
            at = program + at->operand - 1;
            break;
        case JUMP_IF_NOT:
            if (!*--top)
                at = program + at->operand - 1;
            break;
        case STOP:
            return variables[STEPS];
        }
    }
}

void interpret(long index, long iterations)
{
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        sum = sum * 31 + run(PROGRAM, (uint64_t)(1000 + i % 16));
    workload_end(index, sum);
}
