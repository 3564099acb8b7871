/* Work on integers and bytes: records and strings, a hash, a compressor, a sieve, copies. */
#include "host.h"

/* -- Records: assignments of structures, comparisons of strings, small procedures, array cells. */

enum { TEXT_LENGTH = 31, TABLE_ORDER = 50 };

enum kind { FIRST, SECOND, THIRD, FOURTH };

struct record {
    struct record *other;
    enum kind kind, wanted;
    int number;
    char text[TEXT_LENGTH];
};

static struct record one, other;
static int cells[TABLE_ORDER], table[TABLE_ORDER][TABLE_ORDER];
static int flag, counter;

static void __attribute__((noinline)) copy_text(char *to, const char *from)
{
    while ((*to++ = *from++))
        ;
}

static int __attribute__((noinline)) compare_texts(const char *left, const char *right)
{
    while (*left && *left == *right)
        left++, right++;
    return (uint8_t)*left - (uint8_t)*right;
}

static enum kind __attribute__((noinline)) choose_kind(enum kind kind, int number)
{
    switch (kind) {
    case FIRST:
        return number > 100 ? FIRST : FOURTH;
    case SECOND:
        return THIRD;
    case THIRD:
        return number & 1 ? FIRST : SECOND;
    default:
        return THIRD;
    }
}

static void __attribute__((noinline)) add_numbers(int left, int right, int *sum)
{
    *sum = left + 2 + right;
}

static void __attribute__((noinline)) fill_cells(int place, int value)
{
    int row = place + 5;
    cells[row] = value;
    cells[row + 1] = cells[row];
    cells[row + 30] = row;
    for (int column = row; column <= row + 1; column++)
        table[row][column] = row;
    table[row][row - 1] += 1;
    table[row + 20][row] = cells[row];
    counter = 5;
}

static void __attribute__((noinline)) follow_record(struct record *from)
{
    struct record *next = from->other;
    *next = *from;
    from->number = 5;
    next->number = from->number;
    next->other = from->other;
    if (next->kind == FIRST) {
        next->number = 6;
        next->wanted = choose_kind(from->wanted, counter);
        add_numbers(next->number, 10, &next->number);
    } else {
        *from = *next;
    }
}

void records(long index, long iterations)
{
    char first[TEXT_LENGTH], second[TEXT_LENGTH];
    one = (struct record){.other = &other, .kind = FIRST, .wanted = THIRD, .number = 40};
    copy_text(one.text, "a record, and thirty letters.");
    copy_text(first, "of two texts, this is the 1st");
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        int number = 2, result = 0;
        copy_text(second, "of two texts, this is the 2nd");
        flag = compare_texts(first, second) < 0;
        while (number < 3) {
            result = 5 * number - 3;
            add_numbers(number, result, &result);
            number++;
        }
        fill_cells(number, result);
        follow_record(&one);
        for (char letter = 'A'; letter <= (flag ? 'B' : 'C'); letter++)
            if (letter == 'B')
                one.wanted = choose_kind(one.wanted, (int)i);
        number = number * result / (counter + 1);
        sum += (uint64_t)(number + other.number + (int)other.wanted + table[8][7]);
    }
    workload_end(index, sum);
}

/* -- SHA-256 (FIPS 180-4) of a buffer that each digest changes. */

enum { BLOCK_BYTES = 64, HASHED_BYTES = 4096, ROUNDS = 64, STATE_WORDS = 8 };

static const uint32_t ROUND_CONSTANTS[ROUNDS] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static const uint32_t STATE_AT_START[STATE_WORDS] = {
    0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};

static inline uint32_t rotated(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

static void hash_block(uint32_t *state, const uint8_t *block)
{
    uint32_t schedule[ROUNDS];
    for (int t = 0; t < 16; t++)
        schedule[t] = (uint32_t)block[4 * t] << 24 | (uint32_t)block[4 * t + 1] << 16 |
                      (uint32_t)block[4 * t + 2] << 8 | block[4 * t + 3];
    for (int t = 16; t < ROUNDS; t++) {
        uint32_t early = schedule[t - 15], late = schedule[t - 2];
        schedule[t] = schedule[t - 16] + (rotated(early, 7) ^ rotated(early, 18) ^ early >> 3) + schedule[t - 7] +
                      (rotated(late, 17) ^ rotated(late, 19) ^ late >> 10);
    }
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    for (int t = 0; t < ROUNDS; t++) {
        uint32_t x = h + (rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25)) + ((e & f) ^ (~e & g)) +
                     ROUND_CONSTANTS[t] + schedule[t];
        uint32_t y = (rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
        h = g, g = f, f = e, e = d + x;
        d = c, c = b, b = a, a = x + y;
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void digest(long index, long iterations)
{
    static uint8_t buffer[HASHED_BYTES + BLOCK_BYTES];
    for (int at = 0; at < HASHED_BYTES; at++)
        buffer[at] = (uint8_t)(at * 7);
    /* The last block is padding: a one, zeros, and the number of bits. */
    buffer[HASHED_BYTES] = 0x80;
    buffer[sizeof buffer - 2] = (uint8_t)(HASHED_BYTES * 8 >> 8);
    buffer[sizeof buffer - 1] = (uint8_t)(HASHED_BYTES * 8);
    uint32_t state[STATE_WORDS] = {0};
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        for (int word = 0; word < STATE_WORDS; word++)
            state[word] = STATE_AT_START[word];
        for (size_t at = 0; at < sizeof buffer; at += BLOCK_BYTES)
            hash_block(state, buffer + at);
        buffer[i % HASHED_BYTES] ^= (uint8_t)state[0];
    }
    workload_end(index, (uint64_t)state[0] << 32 | state[1]);
}

/* -- A compressor of the Lempel-Ziv kind: a hash finds where three bytes stood last. */

enum {
    INPUT_BYTES = 64 << 10,
    PACKED_BYTES = INPUT_BYTES + INPUT_BYTES / 8,
    HASH_BITS = 12,
    MATCH_MIN = 4,
    MATCH_MAX = MATCH_MIN + 127,
};

static uint8_t input[INPUT_BYTES], packed[PACKED_BYTES], unpacked[INPUT_BYTES];

/* Words of a small vocabulary, so that there is something to find. */
static void write_text(uint32_t *random)
{
    for (size_t at = 0; at < INPUT_BYTES;) {
        uint32_t word = next_random(random) % 509, length = 2 + word % 7;
        for (uint32_t letter = 0; letter < length && at < INPUT_BYTES; letter++)
            input[at++] = (uint8_t)('a' + (word * 31 + letter * letter * 7) % 26);
        if (at < INPUT_BYTES)
            input[at++] = ' ';
    }
}

static inline uint32_t word_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* A byte below 128 says how many bytes follow as they are, less one; a byte from 128 how long a match is, less the
 * least, with its distance in two bytes. */
static size_t __attribute__((noinline)) pack(void)
{
    static uint16_t last[1 << HASH_BITS];
    for (int slot = 0; slot < 1 << HASH_BITS; slot++)
        last[slot] = 0;
    size_t at = 0, out = 0, literals = 0;
    while (at < INPUT_BYTES) {
        size_t length = 0, candidate = 0;
        if (at + MATCH_MAX < INPUT_BYTES) {
            uint32_t slot = word_at(input + at) * 2654435761u >> (32 - HASH_BITS);
            candidate = last[slot];
            last[slot] = (uint16_t)at;
            if (candidate < at && word_at(input + candidate) == word_at(input + at))
                for (length = MATCH_MIN; length < MATCH_MAX && input[candidate + length] == input[at + length];)
                    length++;
        }
        if (length) {
            packed[out++] = (uint8_t)(128 + length - MATCH_MIN);
            packed[out++] = (uint8_t)(at - candidate);
            packed[out++] = (uint8_t)((at - candidate) >> 8);
            at += length, literals = 0;
        } else {
            if (literals % 128 == 0)
                packed[out++] = 0;
            else
                packed[out - literals % 128 - 1]++;
            packed[out++] = input[at++];
            literals++;
        }
    }
    return out;
}

static size_t __attribute__((noinline)) unpack(size_t bytes)
{
    size_t out = 0;
    for (size_t at = 0; at < bytes;) {
        size_t length = packed[at++];
        if (length < 128) {
            for (length++; length; length--)
                unpacked[out++] = packed[at++];
        } else {
            size_t distance = packed[at] | (size_t)packed[at + 1] << 8;
            at += 2;
            for (length += MATCH_MIN - 128; length; length--, out++)
                unpacked[out] = unpacked[out - distance];
        }
    }
    return out;
}

void compress(long index, long iterations)
{
    uint32_t random = 0x4c5a3737;
    write_text(&random);
    uint64_t sum = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        size_t bytes = pack();
        if (unpack(bytes) != INPUT_BYTES)
            fail("unpacked length", 0);
        sum = sum * 31 + bytes;
        input[next_random(&random) % INPUT_BYTES] ^= 1;
    }
    workload_end(index, sum ^ checksum_of(unpacked, INPUT_BYTES));
}

/* -- The sieve of Eratosthenes, a byte for each number. */

enum { NUMBERS = 4 << 20 };

void sieve(long index, long iterations)
{
    uint8_t *composite = map_pages(NUMBERS);
    uint64_t primes = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        for (uint32_t n = 0; n < NUMBERS; n++)
            composite[n] = 0;
        for (uint32_t n = 2; n < NUMBERS; n++) {
            if (composite[n])
                continue;
            primes++;
            for (uint64_t multiple = (uint64_t)n * n; multiple < NUMBERS; multiple += n)
                composite[multiple] = 1;
        }
    }
    workload_end(index, primes);
    CALL2(SYS_MUNMAP, composite, NUMBERS);
}

/* -- Copies of a MiB, 64 bytes a turn. */

enum { COPIED_BYTES = 1 << 20 };

static void __attribute__((noinline)) copy_words(uint64_t *to, const uint64_t *from, size_t words)
{
    for (; words; words -= 8, to += 8, from += 8) {
        uint64_t a = from[0], b = from[1], c = from[2], d = from[3];
        uint64_t e = from[4], f = from[5], g = from[6], h = from[7];
        to[0] = a, to[1] = b, to[2] = c, to[3] = d;
        to[4] = e, to[5] = f, to[6] = g, to[7] = h;
    }
}

void copy(long index, long iterations)
{
    uint64_t *from = (uint64_t *)map_pages(COPIED_BYTES), *to = (uint64_t *)map_pages(COPIED_BYTES);
    const size_t words = COPIED_BYTES / sizeof *from;
    for (size_t word = 0; word < words; word++)
        from[word] = word * 0x9e3779b97f4a7c15, to[word] = 0;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        copy_words(to, from, words);
        from[(size_t)i % words] = to[(size_t)(i * 7 + 1) % words];
    }
    workload_end(index, checksum_of(to, COPIED_BYTES));
    CALL2(SYS_MUNMAP, from, COPIED_BYTES);
    CALL2(SYS_MUNMAP, to, COPIED_BYTES);
}
