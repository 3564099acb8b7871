/* The workloads of `visa bench --host`: those of ../workloads that do not depend on the machine, and these. */
#ifndef HOST_H
#define HOST_H

#include "../workloads/system.h"

workload records, digest, compress, sieve, copy, interpret, calls, calls_indirect, bodies, matrices, single_precision,
    switch_threads, atomics, modify_code, walks;

/* A pseudo-random number of 24 bits. */
static inline uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* A checksum of bytes: FNV-1a. */
static inline uint64_t checksum_of(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint64_t sum = 0xcbf29ce484222325;
    while (count--)
        sum = (sum ^ *at++) * 0x100000001b3;
    return sum;
}

#endif
