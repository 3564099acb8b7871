/* The console and the disk. */
#include "system.h"

enum { TCSBRK = 0x5409, LINE_BYTES = 64, SMALL = 4 << 10, LARGE = 64 << 10, DISK_BYTES = 16 << 20 };

/* Prints so many bytes in lines of 64, and waits until the last has left the machine. */
void print_lines(long index, long iterations)
{
    char line[LINE_BYTES];
    for (int i = 0; i < LINE_BYTES - 1; i++)
        line[i] = (char)('!' + i);
    line[LINE_BYTES - 1] = '\n';
    uint64_t written = 0;
    workload_begin(index);
    while (written < (uint64_t)iterations)
        written += (uint64_t)must("console", CALL3(SYS_WRITE, 1, line, LINE_BYTES));
    /* An argument other than 0 makes it tcdrain. */
    CALL3(SYS_IOCTL, 1, TCSBRK, 1);
    workload_end(index, written);
}

static uint64_t sum_of(const uint64_t *words, size_t bytes, uint64_t sum)
{
    for (size_t n = 0; n < bytes / sizeof *words; n += 64)
        sum = sum * 31 + words[n];
    return sum;
}

/* Requests of `bytes` each, one after the other through the disk, past the page cache. */
static void transfer(long index, long iterations, size_t bytes, int writes)
{
    int disk = (int)must("/dev/vda", CALL4(SYS_OPENAT, AT_FDCWD, "/dev/vda", O_RDWR | O_DIRECT, 0));
    uint8_t *buffer = map_pages(bytes);
    for (size_t at = 0; at < bytes; at++)
        buffer[at] = (uint8_t)(at * 7 + at / 256);
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        long offset = (long)((size_t)i * bytes % DISK_BYTES);
        long done = CALL4(writes ? SYS_PWRITE64 : SYS_PREAD64, disk, buffer, bytes, offset);
        if (done != (long)bytes)
            fail("disk", done);
        sum = sum_of((const uint64_t *)buffer, bytes, sum);
    }
    workload_end(index, sum);
    CALL2(SYS_MUNMAP, buffer, bytes);
    CALL1(SYS_CLOSE, disk);
}

void read_4k(long index, long iterations)
{
    transfer(index, iterations, SMALL, 0);
}

void read_64k(long index, long iterations)
{
    transfer(index, iterations, LARGE, 0);
}

void write_4k(long index, long iterations)
{
    transfer(index, iterations, SMALL, 1);
}

void write_64k(long index, long iterations)
{
    transfer(index, iterations, LARGE, 1);
}
