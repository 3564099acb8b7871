/* Floating point. The checksums are over the bits of the results: an engine that rounds otherwise is found out. */
#include "host.h"

/* -- Bodies that attract each other, in double precision. */

enum { BODIES = 5 };

static struct body {
    double x, y, z, vx, vy, vz, mass;
} system_of[BODIES];

static void place_bodies(void)
{
    uint32_t random = 5;
    for (int i = 0; i < BODIES; i++) {
        double *numbers = &system_of[i].x;
        for (int n = 0; n < 6; n++)
            numbers[n] = (double)(next_random(&random) % 2000) / (n < 3 ? 100.0 : 5000.0) - (n < 3 ? 10.0 : 0.2);
        system_of[i].mass = i ? 0.02 * i : 40.0;
    }
}

static void __attribute__((noinline)) advance(double step)
{
    for (int i = 0; i < BODIES; i++) {
        struct body *one = &system_of[i];
        for (int j = i + 1; j < BODIES; j++) {
            struct body *other = &system_of[j];
            double dx = one->x - other->x, dy = one->y - other->y, dz = one->z - other->z;
            double square = dx * dx + dy * dy + dz * dz + 0.01;
            double magnitude = step / (square * __builtin_sqrt(square));
            one->vx -= dx * other->mass * magnitude;
            one->vy -= dy * other->mass * magnitude;
            one->vz -= dz * other->mass * magnitude;
            other->vx += dx * one->mass * magnitude;
            other->vy += dy * one->mass * magnitude;
            other->vz += dz * one->mass * magnitude;
        }
    }
    for (int i = 0; i < BODIES; i++) {
        struct body *one = &system_of[i];
        one->x += step * one->vx;
        one->y += step * one->vy;
        one->z += step * one->vz;
    }
}

void bodies(long index, long iterations)
{
    place_bodies();
    workload_begin(index);
    for (long i = 0; i < iterations; i++)
        advance(0.001);
    workload_end(index, checksum_of(system_of, sizeof system_of));
}

/* -- A product of matrices in double precision: one fused multiply-add for two loads. */

enum { MATRIX_ORDER = 64 };

static double left[MATRIX_ORDER][MATRIX_ORDER], right[MATRIX_ORDER][MATRIX_ORDER], product[MATRIX_ORDER][MATRIX_ORDER];

static void __attribute__((noinline)) multiply(void)
{
    for (int i = 0; i < MATRIX_ORDER; i++)
        for (int j = 0; j < MATRIX_ORDER; j++) {
            double sum = 0;
            for (int k = 0; k < MATRIX_ORDER; k++)
                sum = __builtin_fma(left[i][k], right[k][j], sum);
            product[i][j] = sum;
        }
}

void matrices(long index, long iterations)
{
    uint32_t random = 64;
    for (int i = 0; i < MATRIX_ORDER; i++)
        for (int j = 0; j < MATRIX_ORDER; j++) {
            left[i][j] = (double)next_random(&random) / 3e7;
            right[i][j] = (double)next_random(&random) / 7e7 - 0.1;
        }
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        multiply();
        left[i % MATRIX_ORDER][i % 7] = product[i % 11][i % MATRIX_ORDER] / 16.0;
    }
    workload_end(index, checksum_of(product, sizeof product));
}

/* -- Single precision: a filter over samples, with conversions, comparisons, a division and a root. */

enum { SAMPLES = 1024, TAPS = 8 };

static float __attribute__((noinline)) filter(const int32_t *samples, const float *taps)
{
    float least = 1e9f, most = -1e9f, energy = 0.0f;
    for (int n = TAPS; n < SAMPLES; n++) {
        float value = 0.0f;
        for (int tap = 0; tap < TAPS; tap++)
            value += taps[tap] * (float)samples[n - tap];
        least = value < least ? value : least;
        most = value > most ? value : most;
        energy += value * value;
    }
    return __builtin_sqrtf(energy / (float)SAMPLES) / (most - least + 1.0f);
}

void single_precision(long index, long iterations)
{
    static int32_t samples[SAMPLES];
    static float taps[TAPS];
    uint32_t random = 32, sum = 0;
    for (int n = 0; n < SAMPLES; n++)
        samples[n] = (int32_t)(next_random(&random) & 0xffff) - 0x8000;
    for (int tap = 0; tap < TAPS; tap++)
        taps[tap] = (float)(TAPS - tap) / 19.0f;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        float level = filter(samples, taps);
        taps[i % TAPS] += level * 0.0625f;
        samples[i % SAMPLES] = (int32_t)(level * 32767.0f);
        sum = sum * 31 + (uint32_t)(level * 1e6f);
    }
    workload_end(index, (uint64_t)sum << 32 ^ checksum_of(taps, sizeof taps));
}
