/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory functions that a freestanding C compiler calls, with words of 16 bytes. Copies align
 * what they write, and read from wherever it lies: normal memory allows that. Where both sides are
 * aligned alike, as in device memory they must be, every access is aligned.
 */
#include <stdint.h>
#include <string.h>

/* Two registers at a time; may_alias, since callers' memory has types of its own. */
typedef struct {
    uint64_t lo, hi;
} __attribute__((may_alias, aligned(8))) pair_t;

/* Reads a pair at any address. The compiler, told to be strict, would take it byte by byte. */
static inline pair_t load_pair(const uint8_t *at)
{
    pair_t pair;
#ifdef __aarch64__
    __asm__("ldp %0, %1, [%2]"
            : "=r"(pair.lo), "=r"(pair.hi)
            : "r"(at), "m"(*(const uint8_t(*)[sizeof(pair_t)])at));
#else
    __builtin_memcpy(&pair, at, sizeof(pair));
#endif
    return pair;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    for (; bytes > 0 && ((uintptr_t)d & 7) != 0; bytes--) {
        *d++ = *s++;
    }
    for (; bytes >= 4 * sizeof(pair_t); bytes -= 4 * sizeof(pair_t)) {
        pair_t a = load_pair(s), b = load_pair(s + 16), c = load_pair(s + 32);
        pair_t e = load_pair(s + 48);
        pair_t *words = (pair_t *)d;
        words[0] = a;
        words[1] = b;
        words[2] = c;
        words[3] = e;
        d += 4 * sizeof(pair_t);
        s += 4 * sizeof(pair_t);
    }
    for (; bytes >= sizeof(pair_t); bytes -= sizeof(pair_t)) {
        *(pair_t *)d = load_pair(s);
        d += sizeof(pair_t);
        s += sizeof(pair_t);
    }
    for (; bytes > 0; bytes--) {
        *d++ = *s++;
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if ((uintptr_t)d - (uintptr_t)s >= bytes) {
        return memcpy(to, from, bytes);
    }
    while (bytes-- > 0) {
        d[bytes] = s[bytes];
    }
    return to;
}

void *memset(void *to, int value, size_t bytes)
{
    uint8_t *d = to;
    uint64_t word = 0x0101010101010101ul * (uint8_t)value;
    for (; bytes > 0 && ((uintptr_t)d & 7) != 0; bytes--) {
        *d++ = (uint8_t)value;
    }
    for (; bytes >= sizeof(pair_t); bytes -= sizeof(pair_t)) {
        *(pair_t *)d = (pair_t){ word, word };
        d += sizeof(pair_t);
    }
    for (; bytes > 0; bytes--) {
        *d++ = (uint8_t)value;
    }
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const uint8_t *x = a;
    const uint8_t *y = b;
    for (size_t i = 0; i < bytes; i++) {
        if (x[i] != y[i]) {
            return x[i] - y[i];
        }
    }
    return 0;
}

size_t strnlen(const char *s, size_t most)
{
    size_t n = 0;
    while (n < most && s[n] != '\0') {
        n++;
    }
    return n;
}

size_t strlen(const char *s)
{
    return strnlen(s, SIZE_MAX);
}
