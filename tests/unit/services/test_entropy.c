/* SPDX-License-Identifier: BSD-2-Clause */
/* The entropy driver's core: published vectors, the health tests, and what becomes of the key. */
#include "services/entropy/entropy_core.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cloister/entropy.h>
#include <cmocka.h>

/* ---- Vectors ---------------------------------------------------------------------------------*/

static void chacha20_is_that_of_rfc_8439(void **state)
{
    static const uint8_t expected[CHACHA20_BLOCK_BYTES] = {
        0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15, 0x50, 0x0f, 0xdd, 0x1f, 0xa3,
        0x20, 0x71, 0xc4, 0xc7, 0xd1, 0xf4, 0xc7, 0x33, 0xc0, 0x68, 0x03, 0x04, 0x22,
        0xaa, 0x9a, 0xc3, 0xd4, 0x6c, 0x4e, 0xd2, 0x82, 0x64, 0x46, 0x07, 0x9f, 0xaa,
        0x09, 0x14, 0xc2, 0xd7, 0x05, 0xd9, 0x8b, 0x02, 0xa2, 0xb5, 0x12, 0x9c, 0xd1,
        0xde, 0x16, 0x4e, 0xb9, 0xcb, 0xd0, 0x83, 0xe8, 0xa2, 0x50, 0x3c, 0x4e,
    };
    static const uint32_t nonce[3] = { 0x09000000, 0x4a000000, 0 };
    uint32_t key[CHACHA20_KEY_WORDS], block[CHACHA20_BLOCK_WORDS];
    (void)state;
    for (unsigned i = 0; i < sizeof(key); i++) {
        ((uint8_t *)key)[i] = (uint8_t)i;
    }
    chacha20_block(key, 1, nonce, block); /* 2.3.2 */
    assert_memory_equal(block, expected, sizeof(expected));
    memset(key, 0, sizeof(key));
    chacha20_block(key, 0, (const uint32_t[3]){ 0 }, block); /* A.1, vector 1 */
    assert_int_equal(block[0], 0xade0b876);
    assert_int_equal(block[15], 0x8665eeb2);
}

static void sha256_is_that_of_fips_180(void **state)
{
    static const struct {
        const char *text;
        unsigned times;
        uint32_t digest[2]; /* its first and last word */
    } vectors[] = {
        { "", 1, { 0xe3b0c442, 0x7852b855 } },
        { "abc", 1, { 0xba7816bf, 0xf20015ad } },
        { "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
          1,
          { 0x248d6a61, 0x19db06c1 } },
        { "a", 1000000, { 0xcdc76e5c, 0xc7112cd0 } },
    };
    (void)state;
    for (unsigned i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        struct sha256 hash;
        uint32_t digest[SHA256_WORDS];
        sha256_init(&hash);
        for (unsigned n = 0; n < vectors[i].times; n++) {
            sha256_add(&hash, vectors[i].text, (uint32_t)strlen(vectors[i].text));
        }
        sha256_end(&hash, digest);
        assert_int_equal(digest[0], vectors[i].digest[0]);
        assert_int_equal(digest[SHA256_WORDS - 1], vectors[i].digest[1]);
    }
}

/* ---- Health tests ----------------------------------------------------------------------------*/

/* SP 800-90B, 4.4.1: so many equal ones in a row are too many, one fewer are not. */
static void a_source_that_hangs_is_seen(void **state)
{
    (void)state;
    for (unsigned value = 0; value < 256; value += 255) {
        struct health health = { 0 };
        for (unsigned round = 0; round < 2; round++) {
            for (unsigned i = 0; i < HEALTH_REPEATS - 1; i++) {
                health_add(&health, (uint8_t)value);
            }
            assert_false(health.failed);
            health_add(&health, 7);
            health_add(&health, (uint8_t)(round + 8));
        }
        for (unsigned i = 0; i < HEALTH_REPEATS; i++) {
            assert_false(health.failed);
            health_add(&health, (uint8_t)value);
        }
        assert_true(health.failed);
        health_add(&health, 7);
        assert_true(health.failed); /* for good */
    }
}

/* 4.4.2: one value is nearly all that comes. `others` of a window are something else. */
static bool fails_with(unsigned others)
{
    struct health health = { 0 };
    for (unsigned window = 0; window < 4; window++) {
        for (unsigned i = 0; i < HEALTH_WINDOW; i++) {
            bool other = i % 13 == 12 && i / 13 < others; /* never two in a row */
            health_add(&health, other ? (uint8_t)i | 1 : 0);
        }
    }
    return health.failed;
}

static void a_source_that_mostly_says_one_thing_is_seen(void **state)
{
    (void)state;
    assert_false(fails_with(HEALTH_WINDOW - HEALTH_COMMON + 1));
    assert_true(fails_with(HEALTH_WINDOW - HEALTH_COMMON));
}

/* ---- The key ---------------------------------------------------------------------------------*/

static uint64_t samples; /* taken until now */

/* Enough noise for the tests of it; the same each time. */
static uint64_t good(void)
{
    return 1000 + (samples++ * 2654435761u >> 7) % 50;
}

static uint64_t constant(void)
{
    samples++;
    return 44;
}

static uint64_t other_later(void)
{
    return good() + (samples > ENTROPY_START_SAMPLES);
}

/* Two that take turns get the same. */
static uint64_t alike(void)
{
    return 1000 + (samples++ / 2 * 2654435761u >> 7) % 50;
}

static uint64_t constant_later(void)
{
    return samples < ENTROPY_START_SAMPLES ? good() : constant();
}

static struct entropy_core make(uint64_t (*source)(void), const char *seed)
{
    struct entropy_core core;
    samples = 0;
    entropy_core_init(&core, source, seed, (uint32_t)strlen(seed));
    assert_int_equal(samples, ENTROPY_START_SAMPLES);
    return core;
}

static bool same_next(struct entropy_core *a, struct entropy_core *b)
{
    uint8_t mine[64], other[64];
    assert_int_equal(entropy_core_get(a, mine, sizeof(mine)), sizeof(mine));
    assert_int_equal(entropy_core_get(b, other, sizeof(other)), sizeof(other));
    return memcmp(mine, other, sizeof(mine)) == 0;
}

static void without_a_good_source_there_is_nothing(void **state)
{
    uint8_t bytes[64] = { 0 };
    static const uint8_t none[sizeof(bytes)];
    (void)state;
    struct entropy_core core = make(constant, "");
    assert_true(core.health.failed);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(entropy_core_get(&core, bytes, sizeof(bytes)), 0);
    }
    assert_memory_equal(bytes, none, sizeof(bytes));
}

static void a_seed_serves_alone(void **state)
{
    (void)state;
    struct entropy_core a = make(constant, "one"), b = make(constant, "one");
    struct entropy_core c = make(constant, "two");
    assert_true(a.health.failed && a.ready);
    assert_true(same_next(&a, &b));
    assert_false(same_next(&a, &c));
}

static void a_seed_is_mixed_into_samples(void **state)
{
    (void)state;
    struct entropy_core a = make(good, "one"), b = make(good, "two"), c = make(good, "");
    assert_false(a.health.failed);
    assert_false(same_next(&a, &b));
    assert_false(same_next(&a, &c));
}

static bool contains(const void *all, size_t all_bytes, const void *part, size_t part_bytes)
{
    return memmem(all, all_bytes, part, part_bytes) != NULL;
}

/* After an answer neither it nor the key that it was made with is in memory. */
static void what_was_given_out_cannot_be_computed_again(void **state)
{
    uint32_t block[CHACHA20_BLOCK_WORDS];
    uint8_t bytes[ENTROPY_MAX_BYTES];
    (void)state;
    struct entropy_core core = make(good, "");
    for (unsigned i = 0; i < 3 * ENTROPY_POOL_SAMPLES; i++) {
        struct entropy_core before = core;
        entropy_core_get(&core, bytes, sizeof(bytes));
        assert_false(contains(&core, sizeof(core), before.key, 8));
        assert_false(contains(&core, sizeof(core), bytes, 8));
        if (core.pooled == 0) {
            continue; /* new samples have gone into the key first */
        }
        chacha20_block(before.key, 0, (const uint32_t[3]){ 0 }, block);
        assert_memory_equal(core.key, block, sizeof(core.key));
        chacha20_block(before.key, 1, (const uint32_t[3]){ 0 }, block);
        assert_memory_equal(bytes, block, sizeof(block));
    }
}

static void answers_have_the_length_that_was_asked_for(void **state)
{
    uint8_t bytes[ENTROPY_MAX_BYTES + 8], before[sizeof(bytes)];
    (void)state;
    struct entropy_core core = make(good, "");
    for (uint32_t wanted = 0; wanted < 2 * ENTROPY_MAX_BYTES; wanted += 7) {
        uint32_t most = wanted < ENTROPY_MAX_BYTES ? wanted : ENTROPY_MAX_BYTES;
        memset(bytes, 0, sizeof(bytes));
        assert_int_equal(entropy_core_get(&core, bytes, wanted), most);
        memset(before, 0, sizeof(before));
        assert_memory_equal(bytes + most, before, sizeof(bytes) - most);
        assert_true(most < 16 || memcmp(bytes + most - 16, before, 16) != 0);
    }
}

/* What is sampled later counts from the answer on with which there is enough of it. */
static void new_samples_go_into_the_key(void **state)
{
    (void)state;
    struct entropy_core a = make(good, ""), b = make(other_later, "");
    uint64_t first = samples;
    for (unsigned i = 1; i < ENTROPY_POOL_SAMPLES; i++) {
        assert_true(same_next(&a, &b));
    }
    assert_true(samples - first >= ENTROPY_POOL_SAMPLES - 1);
    assert_false(same_next(&a, &b));
}

/* Whoever knows all new samples, but not the key before, does not know the next one. */
static void the_old_key_stays_in_it(void **state)
{
    (void)state;
    struct entropy_core a = make(alike, "one"), b = make(alike, "two");
    for (unsigned i = 0; i < 2 * ENTROPY_POOL_SAMPLES; i++) {
        assert_false(same_next(&a, &b));
    }
}

/* A source that fails later: what there was serves on, nothing of the new goes in. */
static void a_source_may_fail_later(void **state)
{
    (void)state;
    struct entropy_core a = make(constant_later, "");
    struct entropy_core b = make(good, "");
    samples = ENTROPY_START_SAMPLES;
    for (unsigned i = 0; i < HEALTH_REPEATS; i++) {
        entropy_core_get(&a, &(uint8_t){ 0 }, 1);
        entropy_core_get(&b, &(uint8_t){ 0 }, 1);
    }
    assert_true(a.health.failed && a.ready && !b.health.failed);
    b.health.failed = true;
    for (unsigned i = 0; i < 3 * ENTROPY_POOL_SAMPLES; i++) {
        assert_true(same_next(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chacha20_is_that_of_rfc_8439),
        cmocka_unit_test(sha256_is_that_of_fips_180),
        cmocka_unit_test(a_source_that_hangs_is_seen),
        cmocka_unit_test(a_source_that_mostly_says_one_thing_is_seen),
        cmocka_unit_test(without_a_good_source_there_is_nothing),
        cmocka_unit_test(a_seed_serves_alone),
        cmocka_unit_test(a_seed_is_mixed_into_samples),
        cmocka_unit_test(what_was_given_out_cannot_be_computed_again),
        cmocka_unit_test(answers_have_the_length_that_was_asked_for),
        cmocka_unit_test(new_samples_go_into_the_key),
        cmocka_unit_test(the_old_key_stays_in_it),
        cmocka_unit_test(a_source_may_fail_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
