/* SPDX-License-Identifier: BSD-2-Clause */
/* Initial RAM disks: what Linux makes of them, and the RAM that this takes. */
#include "compose/fit.h"
#include "compose/limits.h"
#include "tests/unit/compose/compose_rig.h"

#include <lzma.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include <cmocka.h>

#define MIB         (1ul << 20)
#define FILE_BYTES  100001u /* whole pages: 102400 */
#define FILE_PAGES  102400u
#define ROOM        (4 * MIB)
#define NO_LIMIT    UINT64_MAX
#define NUM_FORMATS 5

static struct arena arena;
static uint8_t cpio[FILE_BYTES + 1024];
static size_t cpio_bytes;

/* ---- Archives ---------------------------------------------------------------------------------*/

static size_t pack_plain(uint8_t *to, const uint8_t *from, size_t length)
{
    memcpy(to, from, length);
    return length;
}

static size_t pack_gzip(uint8_t *to, const uint8_t *from, size_t length)
{
    return rig_gzip(to, ROOM, from, length);
}

static size_t pack_xz_with(uint8_t *to, const uint8_t *from, size_t length, lzma_check check)
{
    size_t used = 0;
    assert_int_equal(lzma_easy_buffer_encode(1, check, NULL, from, length, to, &used, ROOM),
                     LZMA_OK);
    return used;
}

static size_t pack_xz(uint8_t *to, const uint8_t *from, size_t length)
{
    return pack_xz_with(to, from, length, LZMA_CHECK_CRC32);
}

static size_t pack_lzma(uint8_t *to, const uint8_t *from, size_t length)
{
    lzma_options_lzma options;
    lzma_stream stream = LZMA_STREAM_INIT;
    assert_false(lzma_lzma_preset(&options, 1));
    assert_int_equal(lzma_alone_encoder(&stream, &options), LZMA_OK);
    stream.next_in = from;
    stream.avail_in = length;
    stream.next_out = to;
    stream.avail_out = ROOM;
    assert_int_equal(lzma_code(&stream, LZMA_FINISH), LZMA_STREAM_END);
    size_t used = ROOM - stream.avail_out;
    lzma_end(&stream);
    return used;
}

static size_t pack_zstd(uint8_t *to, const uint8_t *from, size_t length)
{
    size_t used = ZSTD_compress(to, ROOM, from, length, 1);
    assert_false(ZSTD_isError(used));
    return used;
}

static size_t (*const formats[NUM_FORMATS])(uint8_t *to, const uint8_t *from,
                                            size_t length) = { pack_plain, pack_gzip, pack_xz,
                                                               pack_lzma, pack_zstd };

/* Of exactly its length, so that ASan sees a byte behind it. */
static const char *unpack(const uint8_t *bytes, size_t length, uint64_t most,
                          struct initrd_contents *contents)
{
    uint8_t *copy = malloc(length);
    memcpy(copy, bytes, length);
    const char *fault = initrd_unpack(&arena, copy, length, most, contents);
    free(copy);
    return fault;
}

static void expect(const uint8_t *bytes, size_t length, uint64_t expected)
{
    struct initrd_contents contents;
    const char *fault = unpack(bytes, length, NO_LIMIT, &contents);
    if (fault != NULL) {
        fail_msg("%s", fault);
    }
    assert_int_equal(contents.bytes, expected);
    assert_false(contents.is_more);
}

static void expect_fault(const uint8_t *bytes, size_t length, const char *expected)
{
    struct initrd_contents contents;
    const char *fault = unpack(bytes, length, NO_LIMIT, &contents);
    if (fault == NULL || strcmp(fault, expected) != 0) {
        fail_msg("%zu bytes: %s, not: %s", length, fault == NULL ? "good" : fault, expected);
    }
}

static uint8_t *to;

static int setup(void **state)
{
    (void)state;
    to = calloc(1, 4 * ROOM);
    cpio_bytes = rig_cpio(cpio, FILE_BYTES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(to);
    arena_free(&arena);
    return 0;
}

static void any_archive_behind_any(void **state)
{
    (void)state;
    for (unsigned a = 0; a < NUM_FORMATS; a++) {
        for (unsigned b = 0; b < NUM_FORMATS; b++) {
            for (unsigned padding = 0; padding < 600; padding += 199) {
                memset(to, 0, 2 * ROOM);
                size_t length = formats[a](to, cpio, cpio_bytes) + padding;
                length += formats[b] == pack_plain ? (4 - length % 4) % 4 : 0;
                length += formats[b](to + length, cpio, cpio_bytes);
                memset(to + length, 0, 512);
                expect(to, length + 512, 2 * FILE_PAGES);
            }
        }
    }
}

static void files_take_whole_pages(void **state)
{
    static const uint32_t sizes[] = { 0, 1, 4096, 4097 };
    static const uint32_t pages[] = { 0, 1, 1, 2 };
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        expect(to, rig_cpio(to, sizes[i]), pages[i] * 4096ul);
    }
    /* Folders and devices take none, nor does a short link. */
    size_t length = rig_cpio(to, 0);
    memcpy(to + 14, "000041ed", 8);
    memcpy(to + 54, "00001000", 8);
    memset(to + length, 0, 0x1000);
    expect(to, length + 0x1000, 0);
}

static void what_is_no_archive_counts_as_it_is(void **state)
{
    (void)state;
    memset(to, 0xa5, 10000);
    expect(to, 10000, 12288);
    size_t length = formats[0](to, cpio, cpio_bytes);
    memset(to + length, 0xa5, 10000);
    expect(to, length + 10000, FILE_PAGES + 12288);
    /* A disk image that is compressed; '0' in it begins no entry. */
    static uint8_t image[200000];
    memset(image, '0', sizeof(image));
    image[0] = 0xa5;
    for (unsigned i = 1; i < NUM_FORMATS; i++) {
        expect(to, formats[i](to, image, sizeof(image)), round_up(sizeof(image), 4096));
    }
}

static void cut_archives_are_told(void **state)
{
    static const char *const told[NUM_FORMATS] = {
        "the cpio archive at byte 0 of it ends too early; build or fetch it again",
        "the gzip archive at byte 0 of it ends too early; build or fetch it again",
        "the xz archive at byte 0 of it ends too early; build or fetch it again",
        "the lzma archive at byte 0 of it ends too early; build or fetch it again",
        "the zstd archive at byte 0 of it ends too early; build or fetch it again"
    };
    (void)state;
    for (unsigned i = 0; i < NUM_FORMATS; i++) {
        size_t length = formats[i](to, cpio, cpio_bytes);
        /* A cpio archive ends with an entry; without it Linux takes the files all the same. */
        size_t cut = i == 0 ? 110 : 6;
        for (; cut < length - (i == 0 ? 130 : 1); cut += 1 + length / 90) {
            expect_fault(to, cut, told[i]);
        }
    }
    memset(to, 0, ROOM);
    size_t length = formats[1](to, cpio, cpio_bytes) + 100;
    size_t second = formats[2](to + length, cpio, cpio_bytes);
    char expected[128];
    (void)snprintf(expected, sizeof(expected),
                   "the xz archive at byte %zu of it ends too early; build or fetch it again",
                   length);
    expect_fault(to, length + second - 1, expected);
}

static void damaged_archives_are_told(void **state)
{
    (void)state;
    for (unsigned i = 1; i < NUM_FORMATS; i++) {
        size_t length = formats[i](to, cpio, cpio_bytes);
        struct initrd_contents contents;
        memset(to + length / 2, 0x5a, 8);
        (void)unpack(to, length, NO_LIMIT, &contents); /* lzma and zstd have no checksum here */
    }
    size_t length = formats[1](to, cpio, cpio_bytes);
    to[length - 6] ^= 1; /* of the CRC */
    expect_fault(to, length,
                 "the gzip archive at byte 0 of it is damaged; build or fetch it again");
    length = pack_xz_with(to, cpio, cpio_bytes, LZMA_CHECK_CRC64);
    expect_fault(to, length,
                 "the xz archive at byte 0 of it has a check that Linux does not know; compress it "
                 "with `xz --check=crc32`");
    length = rig_cpio(to, 5);
    memcpy(to, "070707", 6);
    expect_fault(to, length,
                 "the cpio archive at byte 0 of it is in cpio's old format; make it with `cpio -o "
                 "-H newc`");
    memcpy(to, "0xx707", 6);
    expect_fault(to, length,
                 "the cpio archive at byte 0 of it is damaged, an entry has no magic of cpio's; "
                 "build or fetch it again");
    memcpy(to, "070701zz", 8);
    memcpy(to + 14, "zz", 2);
    expect_fault(to, length,
                 "the cpio archive at byte 0 of it is damaged, an entry's header has fields that "
                 "are no numbers; build or fetch it again");
}

/* A cheap fuzzer: bytes that are wrong do no harm, in whatever part of an archive they are. */
static void any_bytes_do_no_harm(void **state)
{
    (void)state;
    srand(5);
    for (unsigned round = 0; round < 1500; round++) {
        struct initrd_contents contents;
        size_t length = formats[round % NUM_FORMATS](to, cpio, 2000);
        for (int n = rand() % 4; n >= 0; n--) {
            to[(size_t)rand() % length] = (uint8_t)rand();
        }
        const char *fault = unpack(to, 1 + (size_t)rand() % length, MIB, &contents);
        assert_true(contents.bytes <= MIB || fault != NULL);
    }
}

/* A bomb: 100 MiB of zeroes in 100 KiB. It is unpacked up to the limit. */
static void unpacking_ends_at_the_limit(void **state)
{
    static uint8_t zeroes[MIB];
    (void)state;
    size_t length = 0;
    for (unsigned i = 0; i < 100; i++) {
        length += rig_gzip(to + length, ROOM, zeroes, sizeof(zeroes));
    }
    struct initrd_contents contents;
    assert_null(unpack(to, length, 64 * MIB, &contents));
    assert_true(contents.is_more);
    assert_int_equal(contents.bytes, 64 * MIB);
    length = formats[4](to, cpio, cpio_bytes);
    assert_null(unpack(to, length, FILE_PAGES - 4096, &contents));
    assert_true(contents.is_more);
    assert_null(unpack(to, length, FILE_PAGES + 4096, &contents));
    assert_false(contents.is_more);
}

/* ---- RAM --------------------------------------------------------------------------------------*/

/* Debian's kernel 6.1.0, and the guests' archive with the tools of the tests. */
static const struct image debian = { .ram_bytes = 33619968, .has_cma = true };
static const struct image tools = { .ram_bytes = 7986913, .contents = { 19580 << 10, false } };

/* As guests with this much RAM did: they came to a shell, or died of it. */
static void ram_as_guests_were_seen_to_need_it(void **state)
{
    static const struct {
        uint64_t mib;
        bool boots;
    } seen[] = { { 104, true },  { 112, false }, { 116, false },
                 { 144, false }, { 152, true },  { 160, true } };
    const struct fit fit = { &debian, &tools, NULL };
    (void)state;
    for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
        if (fit_boots(&fit, seen[i].mib * MIB) != seen[i].boots) {
            fail_msg("%lu MiB", (unsigned long)seen[i].mib);
        }
    }
}

static void the_least_is_enough_from_there_on(void **state)
{
    static const char *const lines[] = { NULL, "cma=0", "quiet cma=16M x", "root=/dev/vda" };
    static const uint64_t least_mib[] = { 150, 86, 102, 76 };
    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        const struct fit fit = { &debian, &tools, lines[i] };
        uint64_t least = fit_least_bytes(&fit);
        if (least != least_mib[i] * MIB) {
            fail_msg("%s: %lu MiB", lines[i] == NULL ? "" : lines[i], (unsigned long)(least / MIB));
        }
        assert_false(fit_boots(&fit, least - 2 * MIB));
        for (uint64_t bytes = least; bytes < 4096 * MIB; bytes += 2 * MIB) {
            assert_true(fit_boots(&fit, bytes));
        }
    }
}

#define YAML "system: s\nguests: [{name: a, memory: 96M, initrd: %s%s}]\n"

static void expect_told(const char *initrd, const char *more, const char *expected)
{
    char yaml[200];
    bool good;
    (void)snprintf(yaml, sizeof(yaml), YAML, initrd, more);
    char *told = rig_compose(yaml, strlen(yaml), "out", &good);
    assert_string_equal(told, expected);
    assert_int_equal(good, expected[0] == '\0');
    free(told);
}

/* 33 MiB of kernel and 30 MiB unpacked are less than 96, but half of the rest is too little. */
static void what_does_not_fit_is_told_at_its_line(void **state)
{
    static uint8_t large[30 * MIB + 1024];
    (void)state;
    size_t bytes = rig_cpio(large, 30 * MIB);
    rig_write("large.xz", to, pack_xz(to, large, bytes));
    rig_write("large.zst", to, pack_zstd(to, large, bytes));
    static const char too_large[] =
        "system.yaml:2:28: error: 96M of memory is too little for a's kernel and initrd, which is "
        "30M unpacked; give it at least 100M\n";
    expect_told("large.xz", "", too_large);
    expect_told("large.zst", "", too_large);
    expect_told("large.zst", ", cmdline: 'root=/dev/vda'", "");
    memset(large, 0, sizeof(large));
    size_t length = 0;
    for (unsigned i = 0; i < 4; i++) {
        length += pack_zstd(to + length, large, 30 * MIB);
    }
    rig_write("bomb", to, length);
    expect_told("bomb", "",
                "system.yaml:2:28: error: 96M of memory is too little for a's kernel and initrd, "
                "which is more than 96M unpacked; give it more, or a smaller initrd\n");
    rig_write("cut", to, 100);
    expect_told("cut", "",
                "system.yaml:2:41: error: the initrd './cut' cannot be unpacked by Linux: the "
                "zstd archive at byte 0 of it ends too early; build or fetch it again\n");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(any_archive_behind_any),
        TEST(files_take_whole_pages),
        TEST(what_is_no_archive_counts_as_it_is),
        TEST(cut_archives_are_told),
        TEST(damaged_archives_are_told),
        TEST(any_bytes_do_no_harm),
        TEST(unpacking_ends_at_the_limit),
        TEST(ram_as_guests_were_seen_to_need_it),
        TEST(the_least_is_enough_from_there_on),
        TEST(what_does_not_fit_is_told_at_its_line),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
