/* SHA-256, CRC-32, Adler-32, FNV-1a, MurmurHash's finalizer: shifts, rotations, tables that the program makes itself. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint32_t k[64], initial[8], crc_table[256];

static uint32_t rotate(uint32_t x, int n) { return x >> n | x << (32 - n); }

/* The first 32 bits of the fractional part of the n-th root (2 or 3) of a prime, by integers alone. */
static uint32_t root_fraction(unsigned prime, int n)
{
    unsigned __int128 low = 0, high = (unsigned __int128)1 << 40;
    while (high - low > 1) {
        unsigned __int128 middle = low + (high - low) / 2, power = middle;
        for (int i = 1; i < n; i++) power *= middle;
        if (power > (unsigned __int128)prime << (32 * n)) high = middle; else low = middle;
    }
    return (uint32_t)low;
}

static void make_tables(void)
{
    int found = 0;
    for (unsigned candidate = 2; found < 64; candidate++) {
        int is_prime = 1;
        for (unsigned d = 2; d * d <= candidate; d++) if (candidate % d == 0) { is_prime = 0; break; }
        if (!is_prime) continue;
        k[found] = root_fraction(candidate, 3);
        if (found < 8) initial[found] = root_fraction(candidate, 2);
        found++;
    }
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0xedb88320u : c >> 1;
        crc_table[i] = c;
    }
}

static void sha_block(uint32_t state[8], const uint8_t *block)
{
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)block[4 * i] << 24 | block[4 * i + 1] << 16 | block[4 * i + 2] << 8 | block[4 * i + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t a = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) + ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t b = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        for (int j = 7; j > 0; j--) v[j] = v[j - 1];
        v[4] += a;
        v[0] = a + b;
    }
    for (int i = 0; i < 8; i++) state[i] += v[i];
}

static void sha256(const uint8_t *text, size_t length, uint32_t state[8])
{
    uint8_t last[128] = {0};
    size_t whole = length / 64 * 64, rest = length - whole, end = rest < 56 ? 64 : 128;
    memcpy(state, initial, sizeof initial);
    for (size_t at = 0; at < whole; at += 64) sha_block(state, text + at);
    memcpy(last, text + whole, rest);
    last[rest] = 0x80;
    for (int i = 0; i < 8; i++) last[end - 1 - i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    for (size_t at = 0; at < end; at += 64) sha_block(state, last + at);
}

static uint64_t mix(uint64_t x)
{
    x ^= x >> 33; x *= 0xff51afd7ed558ccdull; x ^= x >> 33; x *= 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

int main(void)
{
    static uint8_t text[100000];
    uint32_t state[8];
    make_tables();
    for (size_t i = 0; i < sizeof text; i++) text[i] = (uint8_t)(mix(i) >> 13);
    sha256((const uint8_t *)"abc", 3, state);
    printf("%08x%08x\n", state[0], state[7]);
    for (size_t length = 0; length <= sizeof text; length = length * 3 + 55) {
        uint32_t crc = ~0u, a = 1, b = 0;
        uint64_t fnv = 0xcbf29ce484222325ull;
        for (size_t i = 0; i < length; i++) {
            crc = crc >> 8 ^ crc_table[(crc ^ text[i]) & 255];
            a = (a + text[i]) % 65521;
            b = (b + a) % 65521;
            fnv = (fnv ^ text[i]) * 0x100000001b3ull;
        }
        sha256(text, length, state);
        printf("%zu ", length);
        for (int i = 0; i < 8; i++) printf("%08x", state[i]);
        printf(" %08x %08x %016llx %016llx\n", ~crc, b << 16 | a, (unsigned long long)fnv, (unsigned long long)mix(fnv));
    }
    return 0;
}
