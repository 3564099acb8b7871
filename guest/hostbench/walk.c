/* Loads that miss the TLB while the host's caches have all that they want. */
#include "host.h"

enum { WALKED_BYTES = 16 << 20 };

/* What is only read is the page of zeros, wherever it is: one page, in 4096 places. */
void walks(long index, long iterations)
{
    uint8_t *area = map_pages(WALKED_BYTES);
    uint64_t at = 0, read = 0, sum = 0;
    for (size_t page = 0; page < WALKED_BYTES; page += PAGE_BYTES)
        sum += ((volatile uint8_t *)area)[page];
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        /* The next address waits for this load. */
        read = *(volatile uint64_t *)(area + at + read);
        at = (at + PAGE_BYTES) % WALKED_BYTES;
    }
    workload_end(index, sum + at + read);
    CALL2(SYS_MUNMAP, area, WALKED_BYTES);
}
