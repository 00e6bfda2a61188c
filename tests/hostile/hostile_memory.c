/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/hostile/hostile_memory.h"

#include "tests/hostile/hostile.h"

#include <stddef.h>

#define MAX_EXTENTS 600u
#define GAP_BYTES   64u

/* Whole words, in ascending order. */
struct extent {
    uint64_t begin, end;
    enum mem_writer writer;
};

extern char _start[], constant_end[], image_end[];

static uint64_t first, last, next;
static struct extent extents[MAX_EXTENTS];
static unsigned num_extents;
static uint64_t program_sum, sealed_sum;
static bool sealed;

static uint64_t pattern(uint64_t address)
{
    return address * 0x9e3779b97f4a7c15ul;
}

static volatile uint64_t *word_at(uint64_t address)
{
    return (volatile uint64_t *)address;
}

static void fill(uint64_t begin, uint64_t end)
{
    for (uint64_t at = begin; at < end; at += 8) {
        *word_at(at) = pattern(at);
    }
}

static uint64_t sum(uint64_t value, uint64_t begin, uint64_t end)
{
    for (uint64_t at = begin; at < end; at += 8) {
        value = (value ^ *word_at(at)) * 0x100000001b3ul;
    }
    return value;
}

static uint64_t sum_of_driver(void)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < num_extents; i++) {
        if (extents[i].writer == MEM_DRIVER) {
            value = sum(value, extents[i].begin, extents[i].end);
        }
    }
    return value;
}

void mem_init(uint64_t ram_end)
{
    first = (uint64_t)image_end;
    last = ram_end;
    program_sum = sum(0, (uint64_t)_start, (uint64_t)constant_end);
    fill(first, last);
    mem_begin();
}

uint64_t mem_end(void)
{
    return last;
}

void mem_begin(void)
{
    for (unsigned i = 0; i < num_extents; i++) {
        fill(extents[i].begin, extents[i].end);
    }
    num_extents = 0;
    next = first;
    sealed = false;
}

static void *take(uint64_t begin, uint64_t bytes, enum mem_writer writer)
{
    uint64_t from = begin & ~7ul;
    uint64_t end = (begin + bytes + 7) & ~7ul;
    if (num_extents == MAX_EXTENTS || end > last) {
        say("died: a row takes too much memory");
        for (;;) {
        }
    }
    unsigned place = num_extents++;
    for (; place > 0 && extents[place - 1].begin > from; place--) {
        extents[place] = extents[place - 1];
    }
    extents[place] = (struct extent){ from, end, writer };
    for (uint64_t at = from; at < end; at += 8) {
        *word_at(at) = 0;
    }
    return (void *)begin;
}

void *mem_take(uint64_t bytes, uint64_t alignment, enum mem_writer writer)
{
    uint64_t begin = (next + GAP_BYTES + alignment - 1) & ~(alignment - 1);
    next = (begin + bytes + 7) & ~7ul;
    return take(begin, bytes, writer);
}

void *mem_take_at(uint64_t address, uint64_t bytes, enum mem_writer writer)
{
    return take(address, bytes, writer);
}

void mem_seal(void)
{
    sealed_sum = sum_of_driver();
    sealed = true;
}

void mem_unseal(void)
{
    sealed = false;
}

static bool is_pattern(uint64_t begin, uint64_t end)
{
    for (uint64_t at = begin; at < end; at += 8) {
        if (*word_at(at) != pattern(at)) {
            return false;
        }
    }
    return true;
}

bool mem_is_intact(void)
{
    uint64_t at = first;
    bool intact = sum(0, (uint64_t)_start, (uint64_t)constant_end) == program_sum &&
                  (!sealed || sum_of_driver() == sealed_sum);
    for (unsigned i = 0; i < num_extents; i++) {
        intact = intact && is_pattern(at, extents[i].begin);
        at = extents[i].end;
    }
    return intact && is_pattern(at, last);
}
