/* Work without the kernel: the kinds of steps that CoreMark takes (a list, a matrix, a state machine, a CRC), in code
 * of our own. */
#include "system.h"

enum { LIST_LENGTH = 64, ORDER = 12, TEXT_BYTES = 96 };

struct node {
    struct node *next;
    uint32_t key;
};

static uint32_t next_random(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* CRC-16 (polynomial 0x8005, reflected), bit by bit. */
static uint16_t crc_of(uint16_t crc, uint32_t value)
{
    for (int bit = 0; bit < 32; bit++, value >>= 1)
        crc = ((crc ^ value) & 1) ? (uint16_t)(crc >> 1 ^ 0xa001) : (uint16_t)(crc >> 1);
    return crc;
}

/* Puts nodes with random keys in order by insertion. */
static uint32_t sort_list(uint32_t *random)
{
    static struct node nodes[LIST_LENGTH];
    struct node head = {NULL, 0};
    for (int i = 0; i < LIST_LENGTH; i++) {
        struct node *node = &nodes[i], *at = &head;
        node->key = next_random(random) & 0xffff;
        while (at->next && at->next->key < node->key)
            at = at->next;
        node->next = at->next;
        at->next = node;
    }
    uint32_t sum = 0, place = 1;
    for (struct node *node = head.next; node; node = node->next)
        sum += place++ * node->key;
    return sum;
}

static uint32_t multiply_matrices(uint32_t *random)
{
    static int32_t a[ORDER][ORDER], b[ORDER][ORDER];
    for (int i = 0; i < ORDER; i++)
        for (int j = 0; j < ORDER; j++) {
            a[i][j] = (int32_t)(next_random(random) & 0xff) - 128;
            b[i][j] = (int32_t)(next_random(random) & 0xff) - 128;
        }
    uint32_t sum = 0;
    for (int i = 0; i < ORDER; i++)
        for (int j = 0; j < ORDER; j++) {
            int32_t cell = 0;
            for (int k = 0; k < ORDER; k++)
                cell += a[i][k] * b[k][j];
            sum = sum * 31 + (uint32_t)cell;
        }
    return sum;
}

/* Reads numbers, words and signs out of random text. */
static uint32_t scan_text(uint32_t *random)
{
    enum { START, NUMBER, FRACTION, WORD, STATES } state = START;
    uint32_t seen[STATES] = {0};
    for (int i = 0; i < TEXT_BYTES; i++) {
        uint32_t letter = "0123456789abcdef.,+- "[next_random(random) % 21];
        switch (state) {
        case START:
            state = letter >= '0' && letter <= '9' ? NUMBER : letter >= 'a' ? WORD : START;
            break;
        case NUMBER:
            state = letter == '.' ? FRACTION : letter >= '0' && letter <= '9' ? NUMBER : letter >= 'a' ? WORD : START;
            break;
        case FRACTION:
            state = letter >= '0' && letter <= '9' ? FRACTION : START;
            break;
        default:
            state = letter == ',' || letter == ' ' ? START : WORD;
        }
        seen[state]++;
    }
    return seen[START] | seen[NUMBER] << 8 | seen[FRACTION] << 16 | seen[WORD] << 24;
}

void compute(long index, long iterations)
{
    uint32_t random = 0x56495341;
    uint16_t crc = 0xffff;
    workload_begin(index);
    for (long i = 0; i < iterations; i++) {
        crc = crc_of(crc, sort_list(&random));
        crc = crc_of(crc, multiply_matrices(&random));
        crc = crc_of(crc, scan_text(&random));
    }
    workload_end(index, crc);
}
