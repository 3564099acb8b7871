/* 128-bit integers, bit manipulation, 8- and 16-bit arithmetic, bit fields, unaligned records, atomics and threads. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef __int128 i128;

static void show(u128 v) { printf("%016llx%016llx\n", (unsigned long long)(v >> 64), (unsigned long long)v); }

struct __attribute__((packed)) record { uint8_t kind; uint32_t size; int64_t offset; uint16_t check; };
struct fields { int a : 5; unsigned b : 11; long long c : 37; unsigned d : 1; };

static atomic_long counter;
static atomic_uchar bytes[8];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned long turn, log_sum;
static __thread long own;

static void *work(void *argument)
{
    long id = (long)argument;
    for (int i = 0; i < 3000; i++) {
        atomic_fetch_add(&counter, i * id);
        atomic_fetch_xor(&bytes[i & 7], (unsigned char)(i * 5 + id));
        own += i ^ id;
    }
    for (int round = 0; round < 40; round++) {
        pthread_mutex_lock(&lock);
        while (turn % 4 != (unsigned long)id) pthread_cond_wait(&changed, &lock);
        log_sum = log_sum * 31 + (unsigned long)(id + round);
        turn++;
        pthread_cond_broadcast(&changed);
        pthread_mutex_unlock(&lock);
    }
    return (void *)own;
}

int main(void)
{
    u128 a = (u128)0x123456789abcdef0ull << 64 | 0xfedcba9876543210ull, b = ((u128)1 << 67) - 5;
    i128 s = -(i128)a;
    show(a * b); show(a / b); show(a % b); show((u128)(s / 1000003)); show((u128)(s >> 9)); show(a >> 77 | a << 51);
    for (int i = 0; i < 2000; i++) { a = a * 6364136223846793005ull + b; if (i % 7 == 0) b ^= a / (i + 3); }
    show(a); show(b);
    uint64_t h = 0;
    for (uint64_t i = 1; i < 4000; i++) {
        uint64_t v = i * 0x9e3779b97f4a7c15ull;
        h = h * 3 + (uint64_t)__builtin_popcountll(v) + (uint64_t)__builtin_ctzll(v) * __builtin_clzll(v) + __builtin_bswap32((uint32_t)v);
        int8_t c = (int8_t)v; uint16_t d = (uint16_t)(v >> 5); int16_t e = (int16_t)(c * d);
        h += (uint64_t)(c / 3 + d % 7 - (e >> 2)) ^ (uint64_t)((int32_t)v / (int32_t)(i | 1));
        int32_t sum; int64_t product;
        h += __builtin_add_overflow((int32_t)v, (int32_t)(v >> 32), &sum) + 2u * __builtin_mul_overflow((int64_t)v, (int64_t)i, &product);
    }
    printf("%016llx\n", (unsigned long long)h);
    static uint8_t buffer[1000];
    for (int i = 0; i < 60; i++) {
        struct record r = {(uint8_t)i, (uint32_t)i * 77777u, -(int64_t)i << 33, (uint16_t)(i * 1237)};
        memcpy(buffer + 16 * i + i % 3, &r, sizeof r);
    }
    long total = 0;
    for (int i = 0; i < 60; i++) {
        const struct record *r = (const struct record *)(buffer + 16 * i + i % 3);
        total += r->kind + r->size + r->offset + r->check;
    }
    struct fields f = {-7, 2000, -123456789012ll, 1};
    for (int i = 0; i < 100; i++) { f.a += 3; f.b += 77; f.c += f.a * 1000000007ll; f.d ^= f.b; }
    printf("%ld %d %u %lld %u\n", total, f.a, f.b, (long long)f.c, f.d);
    pthread_t threads[4];
    long sums = 0;
    for (long i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, (void *)i);
    for (int i = 0; i < 4; i++) { void *result; pthread_join(threads[i], &result); sums = sums * 7 + (long)result; }
    printf("%ld %lu %ld", atomic_load(&counter), log_sum, sums);
    for (int i = 0; i < 8; i++) printf(" %02x", atomic_load(&bytes[i]));
    printf("\n");
    return 0;
}
