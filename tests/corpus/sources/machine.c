/* An interpreter of a small stack machine, a run-length and dictionary packer, and a game of life: loops in loops, big
 * switches, tables of bytes. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { PUSH, ADD, SUB, MUL, MOD, DUP, SWAP, OVER, DROP, LESS, JUMP_IF_ZERO, JUMP, STORE, LOAD, CALL, RETURN, HALT };

static int64_t memory[64];

static int64_t execute(const int64_t *code, uint64_t *steps)
{
    int64_t stack[256], calls[64], top = 0, depth = 0;
    for (int64_t at = 0;; (*steps)++) switch (code[at++]) {
    case PUSH: stack[top++] = code[at++]; break;
    case ADD: top--; stack[top - 1] += stack[top]; break;
    case SUB: top--; stack[top - 1] -= stack[top]; break;
    case MUL: top--; stack[top - 1] *= stack[top]; break;
    case MOD: top--; stack[top - 1] %= stack[top]; break;
    case DUP: stack[top] = stack[top - 1]; top++; break;
    case SWAP: { int64_t t = stack[top - 1]; stack[top - 1] = stack[top - 2]; stack[top - 2] = t; break; }
    case OVER: stack[top] = stack[top - 2]; top++; break;
    case DROP: top--; break;
    case LESS: top--; stack[top - 1] = stack[top - 1] < stack[top]; break;
    case JUMP_IF_ZERO: if (!stack[--top]) at = code[at]; else at++; break;
    case JUMP: at = code[at]; break;
    case STORE: top--; memory[stack[top] & 63] = stack[top - 1]; top--; break;
    case LOAD: stack[top - 1] = memory[stack[top - 1] & 63]; break;
    case CALL: calls[depth++] = at + 1; at = code[at]; break;
    case RETURN: at = calls[--depth]; break;
    case HALT: return stack[top - 1];
    }
}

/* Euclid's algorithm over a range of numbers; memory[0] is the sum, memory[1] the number. */
static const int64_t program[] = {
    PUSH, 0, PUSH, 0, STORE, PUSH, 1, PUSH, 1, STORE,         /*  0 */
    PUSH, 1, LOAD, PUSH, 20000, LESS, JUMP_IF_ZERO, 43,       /* 10: while memory[1] < 20000 */
    PUSH, 1, LOAD, PUSH, 5040, CALL, 47,                      /* 18: their greatest common divisor */
    PUSH, 0, LOAD, ADD, PUSH, 0, STORE,                       /* 25 */
    PUSH, 1, LOAD, PUSH, 1, ADD, PUSH, 1, STORE, JUMP, 10,    /* 32: the next number */
    PUSH, 0, LOAD, HALT,                                      /* 43 */
    DUP, JUMP_IF_ZERO, 55, SWAP, OVER, MOD, JUMP, 47,         /* 47: (a, b) becomes (b, a mod b) until b is 0 */
    DROP, RETURN,                                             /* 55 */
};

static size_t pack(const uint8_t *from, size_t length, uint8_t *to)
{
    static int32_t last[4096];
    size_t out = 0;
    memset(last, -1, sizeof last);
    for (size_t i = 0; i < length;) {
        size_t best = 0;
        if (i + 3 < length) {
            unsigned h = (from[i] * 2654435761u ^ from[i + 1] * 40503u ^ from[i + 2] * 977u) >> 4 & 4095;
            int32_t at = last[h];
            last[h] = (int32_t)i;
            if (at >= 0 && i - (size_t)at < 65535)
                while (best < 255 && i + best < length && from[at + best] == from[i + best]) best++;
            if (best >= 4) {
                to[out++] = 255; to[out++] = (uint8_t)best;
                to[out++] = (uint8_t)(i - (size_t)at); to[out++] = (uint8_t)((i - (size_t)at) >> 8);
                i += best;
                continue;
            }
        }
        if (from[i] == 255) to[out++] = 255, to[out++] = 0; else to[out++] = from[i];
        i++;
    }
    return out;
}

static size_t unpack(const uint8_t *from, size_t length, uint8_t *to)
{
    size_t out = 0;
    for (size_t i = 0; i < length;) {
        if (from[i] != 255) { to[out++] = from[i++]; continue; }
        if (!from[i + 1]) { to[out++] = 255; i += 2; continue; }
        size_t n = from[i + 1], back = from[i + 2] | (size_t)from[i + 3] << 8;
        for (i += 4; n--; out++) to[out] = to[out - back];
    }
    return out;
}

int main(void)
{
    static uint8_t text[60000], packed[130000], again[60000], board[2][64][64];
    uint64_t steps = 0;
    uint32_t x = 12345;
    int64_t sum = execute(program, &steps);
    printf("%lld %llu\n", (long long)sum, (unsigned long long)steps);
    for (size_t i = 0; i < sizeof text; i++) {
        x = x * 1103515245 + 12345;
        text[i] = i > 300 && x >> 29 ? text[i - 100 - (x >> 16) % 7] : (uint8_t)(x >> 20);
    }
    size_t n = pack(text, sizeof text, packed), m = unpack(packed, n, again);
    printf("%zu %zu %d\n", n, m, memcmp(text, again, sizeof text));
    for (int i = 0; i < 64 * 64; i++) board[0][i / 64][i % 64] = text[i] & 1;
    for (int generation = 0; generation < 200; generation++)
        for (int r = 0; r < 64; r++) for (int c = 0; c < 64; c++) {
            int near = 0;
            for (int dr = -1; dr <= 1; dr++) for (int dc = -1; dc <= 1; dc++)
                if (dr || dc) near += board[generation & 1][(r + dr) & 63][(c + dc) & 63];
            board[~generation & 1][r][c] = near == 3 || (near == 2 && board[generation & 1][r][c]);
        }
    int alive = 0;
    uint32_t h = 0;
    for (int i = 0; i < 64 * 64; i++) { alive += board[0][i / 64][i % 64]; h = h * 33 + board[0][i / 64][i % 64]; }
    printf("%d %08x\n", alive, h);
    return 0;
}
