/* SPDX-License-Identifier: BSD-2-Clause */
/* Disks are made with the layout that sfdisk and sgdisk use, and then damaged. */
#include "io/virt/blk/gpt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define BLOCKS  4096u /* 16 MiB */
#define SECTORS (BLOCKS * 8)
#define ENTRIES 128u

static uint8_t head[PARTITION_WINDOW], tail[PARTITION_WINDOW];
static struct partition_disk disk;
static struct partition_table table;

static void put32(uint8_t *p, uint64_t value)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

static void put64(uint8_t *p, uint64_t value)
{
    put32(p, value);
    put32(p + 4, value >> 32);
}

static uint8_t *mbr_entry(uint32_t index)
{
    return head + 446 + index * 16;
}

static void put_mbr(uint32_t index, uint8_t type, uint32_t first, uint32_t sectors)
{
    mbr_entry(index)[4] = type;
    put32(mbr_entry(index) + 8, first);
    put32(mbr_entry(index) + 12, sectors);
}

static void empty_disk(void)
{
    memset(head, 0, sizeof(head));
    memset(tail, 0, sizeof(tail));
    disk = (struct partition_disk){ head, tail, PARTITION_WINDOW, 512, BLOCKS };
    head[510] = 0x55;
    head[511] = 0xaa;
}

/* Three partitions: 1 MiB to 5, 5 to 9, none, 9 to the end but 7 sectors. */
static void mbr_disk(void)
{
    empty_disk();
    put_mbr(0, 0x0c, 2048, 8192);
    put_mbr(1, 0x83, 10240, 8192);
    put_mbr(3, 0x83, 18432, SECTORS - 18432 - 7);
    mbr_entry(1)[0] = 0x80;
}

static uint8_t *primary(void)
{
    return head + 512;
}

static uint8_t *backup(void)
{
    return tail + PARTITION_WINDOW - 512;
}

static uint8_t *entries_of(const uint8_t *header)
{
    return header == primary() ? head + 1024 : tail + PARTITION_WINDOW - 33 * 512;
}

/* Makes the checksums of a copy right. */
static void seal(uint8_t *header)
{
    put32(header + 88, gpt_crc32(0, entries_of(header), ENTRIES * 128));
    put32(header + 16, 0);
    put32(header + 16, gpt_crc32(0, header, 92));
}

static void put_header(uint8_t *header, uint64_t my, uint64_t other, uint64_t entries)
{
    memcpy(header, "EFI PART", 8);
    put32(header + 8, 0x10000);
    put32(header + 12, 92);
    put64(header + 24, my);
    put64(header + 32, other);
    put64(header + 40, 34);
    put64(header + 48, SECTORS - 34);
    put64(header + 72, entries);
    put32(header + 80, ENTRIES);
    put32(header + 84, 128);
}

static void put_gpt(uint8_t *header, uint32_t index, uint64_t first, uint64_t last)
{
    uint8_t *entry = entries_of(header) + index * 128;
    memset(entry, 0xa5, 16);
    put64(entry + 32, first);
    put64(entry + 40, last);
}

static void both_gpt(uint32_t index, uint64_t first, uint64_t last)
{
    put_gpt(primary(), index, first, last);
    put_gpt(backup(), index, first, last);
    seal(primary());
    seal(backup());
}

static void gpt_disk(void)
{
    empty_disk();
    put_mbr(0, 0xee, 1, SECTORS - 1);
    put_header(primary(), 1, SECTORS - 1, 2);
    put_header(backup(), SECTORS - 1, 1, SECTORS - 33);
    both_gpt(0, 2048, 10239);
    both_gpt(1, 10240, 18431);
    both_gpt(127, 18432, SECTORS - 34);
}

/* Nothing that the parser finds good may be outside of the disk, or overlap. */
static void check_sane(void)
{
    assert_true(table.count <= PARTITION_MAX);
    for (uint32_t i = 0; i < PARTITION_MAX + 2; i++) {
        assert_non_null(partition_error_text(partition_error_of(&table, i)));
        if (partition_error_of(&table, i) != PARTITION_OK) {
            continue;
        }
        const struct partition *a = &table.partitions[i];
        assert_true(a->blocks > 0 && a->first_block < disk.blocks);
        assert_true(a->blocks <= disk.blocks - a->first_block);
        for (uint32_t k = 0; k < i; k++) {
            const struct partition *b = &table.partitions[k];
            assert_true(partition_error_of(&table, k) != PARTITION_OK ||
                        a->first_block >= b->first_block + b->blocks ||
                        b->first_block >= a->first_block + a->blocks);
        }
    }
}

/* From copies of exactly the windows' size, so that ASan sees a byte beyond. */
static void parse(void)
{
    uint8_t *a = malloc(disk.window_bytes), *b = malloc(disk.window_bytes);
    struct partition_disk copy = disk;
    memcpy(a, head, disk.window_bytes);
    memcpy(b, tail + PARTITION_WINDOW - disk.window_bytes, disk.window_bytes);
    copy.head = a;
    copy.tail = b;
    partition_parse(&copy, &table);
    free(a);
    free(b);
    check_sane();
}

static void expect(uint32_t index, uint64_t first, uint64_t blocks)
{
    assert_int_equal(partition_error_of(&table, index), PARTITION_OK);
    assert_int_equal(table.partitions[index].first_block, first);
    assert_int_equal(table.partitions[index].blocks, blocks);
}

static void a_good_mbr(void **state)
{
    (void)state;
    mbr_disk();
    parse();
    assert_false(table.gpt);
    expect(0, 256, 1024);
    expect(1, 1280, 1024);
    expect(3, 2304, BLOCKS - 2304 - 1); /* whole blocks only */
    assert_int_equal(partition_error_of(&table, 2), PARTITION_ABSENT);
    assert_int_equal(partition_error_of(&table, 4), PARTITION_ABSENT);
    assert_int_equal(partition_error_of(&table, UINT32_MAX), PARTITION_ABSENT);
}

static void a_good_gpt(void **state)
{
    (void)state;
    gpt_disk();
    parse();
    assert_true(table.gpt);
    assert_int_equal(table.primary, PARTITION_OK);
    assert_int_equal(table.backup, PARTITION_OK);
    expect(0, 256, 1024);
    expect(1, 1280, 1024);
    expect(127, 2304, BLOCKS - 2304 - 5);
    assert_int_equal(partition_error_of(&table, 2), PARTITION_ABSENT);
}

static void sectors_of_4096(void **state)
{
    (void)state;
    empty_disk();
    disk.sector_bytes = 4096;
    put_mbr(0, 0x83, 7, 9);
    put_mbr(1, 0x83, 16, BLOCKS - 16);
    parse();
    expect(0, 7, 9);
    expect(1, 16, BLOCKS - 16);
    put_mbr(2, 0x83, BLOCKS - 1, 2);
    parse();
    assert_int_equal(partition_error_of(&table, 2), PARTITION_BEHIND_END);
    assert_int_equal(partition_error_of(&table, 1), PARTITION_OVERLAP);
    expect(0, 7, 9);
}

/* One entry of a good MBR is replaced. Partition 0 is fine throughout where it says so. */
static void damaged_mbr_entries(void **state)
{
    (void)state;
    static const struct {
        uint8_t status, type;
        uint32_t first, sectors;
        enum partition_error error;
        bool others_fine;
    } cases[] = {
        { 0x01, 0x83, 10240, 8192, PARTITION_STATUS, true },
        { 0x7f, 0x83, 10240, 8192, PARTITION_STATUS, true },
        { 0x00, 0x05, 10240, 8192, PARTITION_EXTENDED, true },
        { 0x00, 0x0f, 10240, 8192, PARTITION_EXTENDED, true },
        { 0x00, 0x85, 10240, 8192, PARTITION_EXTENDED, true },
        { 0x00, 0x05, 0, 1, PARTITION_EXTENDED, true }, /* the start of a loop of tables */
        { 0x00, 0x83, 10240, 0, PARTITION_EMPTY, true },
        { 0x00, 0x83, 0, 2048, PARTITION_ON_TABLE, true },
        { 0x00, 0x83, 0, UINT32_MAX, PARTITION_ON_TABLE, false },
        { 0x00, 0x83, 10241, 8, PARTITION_UNALIGNED, true },
        { 0x00, 0x83, 63, 1000, PARTITION_UNALIGNED, true },
        { 0x00, 0x83, 10240, 7, PARTITION_SHORT, true },
        { 0x00, 0x83, SECTORS, 8, PARTITION_BEHIND_END, true },
        { 0x00, 0x83, SECTORS - 8, 9, PARTITION_BEHIND_END, true },
        { 0x00, 0x83, UINT32_MAX, UINT32_MAX, PARTITION_BEHIND_END, true },
        { 0x00, 0x83, 0xfffffff8, 8, PARTITION_BEHIND_END, true },
        { 0x00, 0x83, 8, UINT32_MAX, PARTITION_BEHIND_END, false },
        { 0x00, 0x83, 2048, 8192, PARTITION_OVERLAP, false },
        { 0x00, 0x83, 10232, 8192, PARTITION_OVERLAP, false },
        { 0x00, 0x83, 2056, 8, PARTITION_OVERLAP, false },
        { 0x00, 0x83, 1024, 16384, PARTITION_OVERLAP, false },
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        mbr_disk();
        put_mbr(3, 0, 0, 0);
        put_mbr(1, cases[i].type, cases[i].first, cases[i].sectors);
        mbr_entry(1)[0] = cases[i].status;
        parse();
        assert_int_equal(partition_error_of(&table, 1), cases[i].error);
        assert_int_equal(partition_error_of(&table, 0),
                         cases[i].others_fine ? PARTITION_OK : PARTITION_OVERLAP);
    }
}

static void no_table_at_all(void **state)
{
    (void)state;
    static const uint16_t signatures[] = { 0x0000, 0xaa00, 0x0055, 0x55aa, 0xffff };
    for (uint32_t i = 0; i < 5; i++) {
        mbr_disk();
        head[510] = (uint8_t)signatures[i];
        head[511] = (uint8_t)(signatures[i] >> 8);
        parse();
        assert_int_equal(partition_error_of(&table, 0), PARTITION_NO_TABLE);
    }
    mbr_disk();
    disk.blocks = 0;
    parse();
    assert_int_equal(table.error, PARTITION_DISK_SIZE);
    disk.blocks = UINT64_MAX;
    parse();
    assert_int_equal(table.error, PARTITION_DISK_SIZE);
}

static void a_short_disk(void **state)
{
    (void)state;
    mbr_disk();
    disk.blocks = 1280; /* cut in the middle */
    parse();
    expect(0, 256, 1024);
    assert_int_equal(partition_error_of(&table, 1), PARTITION_BEHIND_END);
    assert_int_equal(partition_error_of(&table, 3), PARTITION_BEHIND_END);
    gpt_disk();
    disk.blocks = 1280;
    memset(tail, 0, sizeof(tail));
    parse();
    assert_int_equal(table.backup, GPT_UNREACHABLE);
    expect(0, 256, 1024);
    assert_int_equal(partition_error_of(&table, 1), PARTITION_BEHIND_END);
    gpt_disk();
    disk.blocks = 1;
    disk.window_bytes = 4096;
    parse();
    assert_int_equal(table.error, PARTITION_GPT_BAD);
}

/* A field of a GPT header, put into one copy, or into both. */
static const struct {
    uint32_t at, bytes;
    uint64_t value;
    enum partition_error error;
} header_cases[] = {
    { 0, 4, 0x21494645, GPT_NO_SIGNATURE },
    { 8, 4, 0x20000, GPT_REVISION },
    { 8, 4, 0, GPT_REVISION },
    { 12, 4, 91, GPT_HEADER_SIZE },
    { 12, 4, 513, GPT_HEADER_SIZE },
    { 12, 4, UINT32_MAX, GPT_HEADER_SIZE },
    { 24, 8, 7, GPT_PLACE },
    { 24, 8, UINT64_MAX, GPT_PLACE },
    { 32, 8, 0, GPT_ALTERNATE },
    { 40, 8, 1, GPT_USABLE },
    { 40, 8, 33, GPT_USABLE },
    { 40, 8, 0, GPT_USABLE },
    { 40, 8, UINT64_MAX, GPT_USABLE },
    { 48, 8, 33, GPT_USABLE },
    { 72, 8, 0, GPT_ENTRIES_PLACE },
    { 72, 8, 1, GPT_ENTRIES_PLACE },
    { 72, 8, 16384, GPT_ENTRIES_PLACE },
    { 72, 8, SECTORS, GPT_ENTRIES_PLACE },
    { 72, 8, UINT64_MAX, GPT_ENTRIES_PLACE },
    { 72, 8, 3, GPT_USABLE },
    { 80, 4, 0, GPT_ENTRY_COUNT },
    { 80, 4, 129, GPT_ENTRY_COUNT },
    { 80, 4, UINT32_MAX, GPT_ENTRY_COUNT },
    { 84, 4, 0, GPT_ENTRY_SIZE },
    { 84, 4, 64, GPT_ENTRY_SIZE },
    { 84, 4, 129, GPT_ENTRY_SIZE },
    { 84, 4, 384, GPT_ENTRY_SIZE },
    { 84, 4, 0x80000000, GPT_ENTRY_SIZE },
    { 88, 4, 0x12345678, GPT_ENTRIES_CRC },
};

static void put_case(uint8_t *header, uint32_t i)
{
    if (header_cases[i].bytes == 8) {
        put64(header + header_cases[i].at, header_cases[i].value);
    } else {
        put32(header + header_cases[i].at, header_cases[i].value);
    }
    put32(header + 16, 0);
    put32(header + 16, gpt_crc32(0, header, 92));
}

static void damaged_gpt_headers(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < sizeof(header_cases) / sizeof(header_cases[0]); i++) {
        gpt_disk();
        put_case(primary(), i);
        parse();
        assert_int_equal(table.primary, header_cases[i].error);
        assert_int_equal(table.backup, PARTITION_OK);
        expect(1, 1280, 1024); /* the backup is used */
        gpt_disk();
        put_case(backup(), i);
        parse();
        assert_int_equal(table.primary, PARTITION_OK);
        expect(1, 1280, 1024);
        if (header_cases[i].value == 33 && header_cases[i].at == 40) {
            continue; /* only the primary's own entries lie there */
        }
        assert_int_not_equal(table.backup, PARTITION_OK);
        put_case(primary(), i);
        parse();
        assert_int_equal(partition_error_of(&table, 1), PARTITION_GPT_BAD);
    }
}

static void copies_that_do_not_name_each_other(void **state)
{
    (void)state;
    gpt_disk();
    put64(primary() + 32, 1); /* the primary names itself */
    seal(primary());
    parse();
    assert_int_equal(table.primary, GPT_ALTERNATE);
    expect(0, 256, 1024);
    gpt_disk();
    put64(backup() + 32, SECTORS - 1);
    seal(backup());
    parse();
    assert_int_equal(table.backup, GPT_ALTERNATE);
    gpt_disk();
    put64(primary() + 32, 5000); /* somewhere in a partition */
    seal(primary());
    parse();
    assert_int_equal(table.primary, GPT_USABLE);
    assert_int_equal(table.error, PARTITION_GPT_BAD); /* it is not looked for elsewhere then */
}

static void damaged_gpt_entries(void **state)
{
    (void)state;
    static const struct {
        uint64_t first, last;
        enum partition_error error;
        bool others_fine;
    } cases[] = {
        { 10240, 10239, PARTITION_REVERSED, true },
        { UINT64_MAX, 0, PARTITION_REVERSED, true },
        { 0, 7, PARTITION_OUTSIDE, true },
        { 1, UINT64_MAX, PARTITION_OUTSIDE, false },
        { 33, 2047, PARTITION_OUTSIDE, true },
        { SECTORS - 40, SECTORS - 33, PARTITION_OUTSIDE, true },
        { UINT64_MAX, UINT64_MAX, PARTITION_OUTSIDE, true },
        { 10241, 10300, PARTITION_UNALIGNED, true },
        { 10240, 10246, PARTITION_SHORT, true },
        { 10239, 10247, PARTITION_UNALIGNED, false },
        { 10232, 10247, PARTITION_OVERLAP, false },
        { 2048, 10239, PARTITION_OVERLAP, false },
    };
    for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        gpt_disk();
        memset(entries_of(primary()) + 127 * 128, 0, 128);
        both_gpt(1, cases[i].first, cases[i].last);
        parse();
        assert_int_equal(partition_error_of(&table, 1), cases[i].error);
        assert_int_equal(partition_error_of(&table, 0),
                         cases[i].others_fine ? PARTITION_OK : PARTITION_OVERLAP);
    }
}

/* The same three partitions, or a clear word: never others. */
static void check_original(void)
{
    if (table.error == PARTITION_OK && table.gpt) {
        expect(0, 256, 1024);
        expect(1, 1280, 1024);
        expect(127, 2304, BLOCKS - 2304 - 5);
    }
}

/* Headers and the first entries byte by byte, the many empty entries here and there. */
static void every_byte_of_a_gpt(void **state)
{
    (void)state;
    gpt_disk();
    for (uint32_t i = 512; i < 34 * 512; i += i < 1024 + 3 * 128 ? 1 : 13) {
        uint8_t flip = i % 3 == 0 ? 0xff : 0x01;
        uint8_t *in_head = &head[i], *in_tail = &tail[PARTITION_WINDOW - 1 - (i - 512)];
        *in_head ^= flip;
        parse();
        check_original();
        assert_int_equal(table.error, PARTITION_OK);
        *in_tail ^= flip;
        parse();
        check_original();
        *in_head ^= flip;
        parse();
        check_original();
        assert_int_equal(table.error, PARTITION_OK);
        *in_tail ^= flip;
    }
}

static void every_byte_of_an_mbr(void **state)
{
    (void)state;
    for (uint32_t i = 446; i < 512; i++) {
        for (uint32_t value = 0; value < 256; value++) {
            mbr_disk();
            head[i] = (uint8_t)value;
            parse();
        }
    }
}

static void noise(void **state)
{
    (void)state;
    srand(99);
    for (uint32_t round = 0; round < 4000; round++) {
        if (round % 2) {
            gpt_disk();
        } else {
            mbr_disk();
        }
        for (int i = rand() % 12; i >= 0; i--) {
            primary()[rand() % 100] = (uint8_t)rand();
            entries_of(primary())[rand() % 512] = (uint8_t)rand();
            mbr_entry(0)[rand() % 64] = (uint8_t)rand();
            backup()[rand() % 100] = (uint8_t)rand();
        }
        if (rand() % 4) {
            put32(primary() + 16, 0);
            put32(primary() + 16, gpt_crc32(0, primary(), 92));
        }
        if (rand() % 4) {
            seal(primary());
            seal(backup());
        }
        disk.sector_bytes = 512u << rand() % 4;
        disk.blocks = rand() % 8 ? BLOCKS : 8 + (uint64_t)rand() % BLOCKS;
        parse();
    }
}

static void the_checksum(void **state)
{
    (void)state;
    assert_int_equal(gpt_crc32(0, (const uint8_t *)"123456789", 9), 0xcbf43926);
    uint32_t parts =
        gpt_crc32(gpt_crc32(0, (const uint8_t *)"1234", 4), (const uint8_t *)"56789", 5);
    assert_int_equal(parts, 0xcbf43926);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_mbr),
        cmocka_unit_test(a_good_gpt),
        cmocka_unit_test(sectors_of_4096),
        cmocka_unit_test(damaged_mbr_entries),
        cmocka_unit_test(no_table_at_all),
        cmocka_unit_test(a_short_disk),
        cmocka_unit_test(damaged_gpt_headers),
        cmocka_unit_test(copies_that_do_not_name_each_other),
        cmocka_unit_test(damaged_gpt_entries),
        cmocka_unit_test(every_byte_of_a_gpt),
        cmocka_unit_test(every_byte_of_an_mbr),
        cmocka_unit_test(noise),
        cmocka_unit_test(the_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
