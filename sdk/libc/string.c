/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory functions that a freestanding C compiler calls, with words of 16 bytes. */
#include <stdint.h>
#include <string.h>

/* Two registers at a time; may_alias, since callers' memory has types of its own. */
typedef struct {
    uint64_t lo, hi;
} __attribute__((may_alias, aligned(8))) pair_t;

static int both_aligned(const void *a, const void *b)
{
    return (((uintptr_t)a | (uintptr_t)b) & 7) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    uint8_t *d = to;
    const uint8_t *s = from;
    if (both_aligned(d, s)) {
        for (; bytes >= sizeof(pair_t); bytes -= sizeof(pair_t)) {
            *(pair_t *)d = *(const pair_t *)s;
            d += sizeof(pair_t);
            s += sizeof(pair_t);
        }
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
