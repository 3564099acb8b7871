/* Page faults, protection changes, and loads that hit or miss the TLB. */
#include "system.h"

enum {
    RECYCLED_BYTES = 64 * PAGE_BYTES,
    SMALL_BYTES = 256 << 10,
    LARGE_BYTES = 64 << 20,
    LINE_BYTES = 64,
};

/* Writes to each page, and reads back what the first 8 bytes are. */
static uint64_t touch(uint8_t *pages, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
        sum += pages[at + 1]; /* a new page is zero */
        pages[at] = (uint8_t)(at / PAGE_BYTES + 1);
        sum += pages[at];
    }
    return sum;
}

/* Pages that nobody had since the machine's start. */
void fault_fresh(long index, long iterations)
{
    size_t bytes = (size_t)iterations * PAGE_BYTES;
    uint8_t *pages = map_pages(bytes);
    workload_begin(index);
    workload_end(index, touch(pages, bytes));
    CALL2(SYS_MUNMAP, pages, bytes);
}

/* The same few pages again and again: mapped, written to, unmapped. */
void fault_recycled(long index, long iterations)
{
    uint64_t sum = 0;
    workload_begin(index);
    for (long done = 0; done < iterations; done += RECYCLED_BYTES / PAGE_BYTES) {
        uint8_t *pages = map_pages(RECYCLED_BYTES);
        sum = sum * 31 + touch(pages, RECYCLED_BYTES);
        CALL2(SYS_MUNMAP, pages, RECYCLED_BYTES);
    }
    workload_end(index, sum);
}

/* A page that is made read-only and writable again, and used in both states. */
void protect(long index, long iterations)
{
    volatile uint8_t *page = map_pages(PAGE_BYTES);
    uint64_t sum = 0;
    page[0] = 1;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        CALL3(SYS_MPROTECT, page, PAGE_BYTES, PROT_READ);
        sum += page[0];
        CALL3(SYS_MPROTECT, page, PAGE_BYTES, PROT_READ | PROT_WRITE);
        page[0] = (uint8_t)i;
    }
    workload_end(index, sum);
    CALL2(SYS_MUNMAP, page, PAGE_BYTES);
}

/* Follows a random cycle through `bytes`, one load every `stride` bytes. */
static void chase(long index, long iterations, size_t bytes, size_t stride)
{
    uint8_t *area = map_pages(bytes);
    size_t count = bytes / stride;
    /* Loads of different pages are to lie in different sets of a cache too. */
    size_t skew = stride >= PAGE_BYTES ? LINE_BYTES : 0;
#define PLACE(n) ((uint32_t *)(area + (n) * stride + (n) * skew % PAGE_BYTES))
    for (size_t n = 0; n < count; n++)
        *PLACE(n) = (uint32_t)n;
    /* Sattolo's shuffle: one cycle through all places. */
    uint64_t random = 0x2545f4914f6cdd1d;
    for (size_t n = count - 1; n > 0; n--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t other = (random >> 33) % n;
        uint32_t place = *PLACE(n);
        *PLACE(n) = *PLACE(other);
        *PLACE(other) = place;
    }
    /* Numbers become offsets, so that a step of the chase is hardly more than its load. */
    for (size_t n = 0; n < count; n++)
        *PLACE(n) = (uint32_t)((uint8_t *)PLACE(*PLACE(n)) - area);
    uint32_t at = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        at = *(volatile uint32_t *)(area + at);
    workload_end(index, at);
    CALL2(SYS_MUNMAP, area, bytes);
#undef PLACE
}

void chase_small(long index, long iterations)
{
    chase(index, iterations, SMALL_BYTES, LINE_BYTES);
}

void chase_large(long index, long iterations)
{
    chase(index, iterations, LARGE_BYTES, PAGE_BYTES);
}
