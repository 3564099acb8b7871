/* Floating point: rounding modes, flags, conversions, the mathematical library, a matrix, an orbit. */
#include <fenv.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define N 48

static double a[N][N], b[N][N], x[N];

static uint64_t pattern(double value) { uint64_t bits; memcpy(&bits, &value, sizeof bits); return bits; }

static void rounding(void)
{
    static const int modes[] = {FE_TONEAREST, FE_TOWARDZERO, FE_DOWNWARD, FE_UPWARD};
    static const double values[] = {0.5, 1.5, -2.5, 1e-310, 3.9999999999999996, -1e18 / 3, 16777217.0, INFINITY};
    for (int m = 0; m < 4; m++) {
        fesetround(modes[m]);
        for (unsigned i = 0; i < sizeof values / sizeof *values; i++) {
            volatile double v = values[i], third = v / 3;
            volatile float narrow = (float)v;
            feclearexcept(FE_ALL_EXCEPT);
            volatile double root = sqrt(v < 0 ? -v : v), fused = fma(v, third, -root);
            printf("%d %a %a %a %a %g %d\n", m, v, third, root, fused, narrow, fetestexcept(FE_ALL_EXCEPT) != 0);
            if (fabs(v) < 1e9) printf(" %ld %lld %.0f\n", lrint(v), llrint(-third), nearbyint(third));
        }
    }
    fesetround(FE_TONEAREST);
}

static double solve(void)
{
    double sum = 0;
    for (int i = 0; i < N; i++) {
        x[i] = i % 5 - 2;
        for (int j = 0; j < N; j++) a[i][j] = (i * 7 + j * 13) % 19 - 9 + (i == j ? 50 : 0);
    }
    for (int i = 0; i < N; i++) for (int j = 0; j < N; j++) {
        b[i][j] = 0;
        for (int k = 0; k < N; k++) b[i][j] += a[i][k] * a[k][j];
    }
    for (int pivot = 0; pivot < N; pivot++) for (int row = pivot + 1; row < N; row++) {
        double factor = a[row][pivot] / a[pivot][pivot];
        for (int column = pivot; column < N; column++) a[row][column] -= factor * a[pivot][column];
        x[row] -= factor * x[pivot];
    }
    for (int row = N - 1; row >= 0; row--) {
        for (int column = row + 1; column < N; column++) x[row] -= a[row][column] * x[column];
        x[row] /= a[row][row];
        sum += x[row] * b[row][N - 1 - row];
    }
    return sum;
}

int main(void)
{
    float single = 1;
    double p[2] = {1, 0}, v[2] = {0, 1}, step = 1.0 / 512;
    long double wide = 1;
    rounding();
    printf("%.15e\n", solve());
    for (int i = 0; i < 20000; i++) {
        double r = p[0] * p[0] + p[1] * p[1], pull = -step / (r * sqrt(r));
        for (int k = 0; k < 2; k++) { v[k] += pull * p[k]; p[k] += step * v[k]; }
    }
    printf("%.12g %.12g %.12g\n", p[0], p[1], hypot(v[0], v[1]));
    for (int i = 1; i < 300; i++) {
        single = single * 1.0001f + (float)i / (single + 3);
        wide = wide * 1.25L / (1 + (long double)i / 7) + i;
    }
    printf("%a %.20Lg\n", single, wide);
    for (int i = -20; i <= 20; i++) {
        double t = i * 0.37;
        printf("%016llx %016llx %.13g %.13g %.13g %.13g %.13g\n", (unsigned long long)pattern(t * t * t),
               (unsigned long long)pattern(t / 7), sin(t), exp(t), atan2(t, 2 - t), pow(fabs(t), 1.3), lgamma(t + 9));
    }
    printf("%d %d %d %g %g\n", isnan(sqrt(-1.0)), fpclassify(4e-320) == FP_SUBNORMAL, signbit(-0.0) != 0, fmin(NAN, 2), fmod(-7.5, 2));
    printf("%u %d %llu %lld\n", (unsigned)3e9, (int)-7.9, (unsigned long long)1.8e19, (long long)-9.2e18);
    return 0;
}
