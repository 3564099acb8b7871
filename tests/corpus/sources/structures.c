/* Sorting, a balanced tree (treap), recursion, function pointers, longjmp, varargs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t seed = 88172645463325252ull;
static uint64_t next(void) { seed ^= seed << 13; seed ^= seed >> 7; return seed ^= seed << 17; }

struct node { struct node *child[2]; uint32_t key, weight; int count; };

static struct node *join(struct node *low, struct node *high)
{
    if (!low) return high;
    if (!high) return low;
    if (low->weight > high->weight) { low->child[1] = join(low->child[1], high); return low; }
    high->child[0] = join(low, high->child[0]);
    return high;
}

static void split(struct node *tree, uint32_t key, struct node **low, struct node **high)
{
    if (!tree) { *low = *high = 0; return; }
    if (tree->key < key) { *low = tree; split(tree->child[1], key, &tree->child[1], high); }
    else { *high = tree; split(tree->child[0], key, low, &tree->child[0]); }
}

static struct node *insert(struct node *tree, uint32_t key)
{
    struct node *low, *high, *at;
    for (at = tree; at; at = at->child[at->key < key]) if (at->key == key) { at->count++; return tree; }
    at = calloc(1, sizeof *at);
    at->key = key; at->count = 1; at->weight = (uint32_t)(next() >> 32);
    split(tree, key, &low, &high);
    return join(join(low, at), high);
}

static uint64_t walk(const struct node *tree, uint64_t sum, int depth, int *deepest)
{
    if (!tree) return sum;
    if (depth > *deepest) *deepest = depth;
    sum = walk(tree->child[0], sum, depth + 1, deepest);
    sum = sum * 31 + tree->key * (uint64_t)tree->count;
    return walk(tree->child[1], sum, depth + 1, deepest);
}

static int ascending(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}
static int by_digits(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    int sums[2] = {0, 0};
    for (int32_t v = abs(x); v; v /= 10) sums[0] += v % 10;
    for (int32_t v = abs(y); v; v /= 10) sums[1] += v % 10;
    return sums[0] != sums[1] ? sums[0] - sums[1] : ascending(a, b);
}

static void heap_sort(int32_t *v, int n)
{
    for (int start = n / 2; start-- > 0;) for (int at = start, c; (c = 2 * at + 1) < n; at = c) {
        if (c + 1 < n && v[c + 1] > v[c]) c++;
        if (v[at] >= v[c]) break;
        int32_t t = v[at]; v[at] = v[c]; v[c] = t;
    }
    while (n-- > 1) {
        int32_t t = v[0]; v[0] = v[n]; v[n] = t;
        for (int at = 0, c; (c = 2 * at + 1) < n; at = c) {
            if (c + 1 < n && v[c + 1] > v[c]) c++;
            if (v[at] >= v[c]) break;
            t = v[at]; v[at] = v[c]; v[c] = t;
        }
    }
}

static long total(int count, ...)
{
    va_list list;
    long sum = 0;
    va_start(list, count);
    for (int i = 0; i < count; i++) sum += i & 1 ? (long)(va_arg(list, double) * 4) : va_arg(list, long);
    va_end(list);
    return sum;
}

static jmp_buf out;
static int queens(int n, int row, unsigned columns, unsigned left, unsigned right, int *found)
{
    if (row == n) { if (++*found == 50) longjmp(out, row); return 1; }
    int sum = 0;
    for (unsigned free = ~(columns | left | right) & ((1u << n) - 1); free; free &= free - 1) {
        unsigned bit = free & -free;
        sum += queens(n, row + 1, columns | bit, (left | bit) << 1, (right | bit) >> 1, found);
    }
    return sum;
}

static char *words[5000];
static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(void)
{
    static int32_t v[20000], w[20000];
    struct node *tree = 0;
    int deepest = 0, found = 0;
    for (int i = 0; i < 20000; i++) v[i] = (int32_t)(next() >> 40) - (1 << 23);
    memcpy(w, v, sizeof v);
    qsort(v, 20000, sizeof *v, ascending);
    heap_sort(w, 20000);
    printf("%d %d %d %d\n", memcmp(v, w, sizeof v), v[0], v[9999], v[19999]);
    qsort(w, 20000, sizeof *w, by_digits);
    uint64_t h = 0;
    for (int i = 0; i < 20000; i++) h = h * 1000003 + (uint32_t)w[i];
    printf("%016llx\n", (unsigned long long)h);
    for (int i = 0; i < 30000; i++) tree = insert(tree, (uint32_t)(next() % 7001));
    h = walk(tree, 0, 1, &deepest);
    printf("%016llx %d\n", (unsigned long long)h, deepest);
    printf("%ld\n", total(6, 10L, 1.25, -3L, 2.5, 1L << 40, -0.75));
    printf("%d\n", queens(7, 0, 0, 0, 0, &found));
    found = 0;
    int row = setjmp(out);
    if (!row) queens(9, 0, 0, 0, 0, &found);
    printf("%d %d\n", row, found);
    for (int i = 0; i < 5000; i++) {
        char text[40];
        snprintf(text, sizeof text, "%c%llx-%d", (int)('a' + next() % 26), (unsigned long long)next() >> 40, i);
        words[i] = strdup(text);
    }
    qsort(words, 5000, sizeof *words, by_text);
    printf("%s %s %s\n", words[0], words[2500], words[4999]);
    return 0;
}
