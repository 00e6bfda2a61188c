/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/blk/partition.h"

#include "io/virt/blk/gpt.h"

#include <string.h>

#define BLOCK_BYTES 4096u

/* The master boot record (UEFI 2.10, 5.2.1), and types of partitions in it. */
enum {
    MBR_ENTRIES = 446,
    MBR_SIGNATURE = 510,
    MBR_ENTRY_BYTES = 16,
    MBR_COUNT = 4,
    ENTRY_STATUS = 0,
    ENTRY_TYPE = 4,
    ENTRY_FIRST = 8,
    ENTRY_SECTORS = 12,
    TYPE_UNUSED = 0x00,
    TYPE_EXTENDED_CHS = 0x05,
    TYPE_EXTENDED_LBA = 0x0f,
    TYPE_EXTENDED_LINUX = 0x85,
    TYPE_GPT = 0xee,
};

const uint8_t *partition_bytes(const struct partition_disk *disk, uint64_t sector, uint64_t bytes)
{
    uint64_t disk_bytes = disk->blocks * BLOCK_BYTES;
    if (sector >= partition_disk_sectors(disk)) {
        return NULL;
    }
    uint64_t at = sector * disk->sector_bytes;
    uint64_t tail_at = disk_bytes - disk->window_bytes;
    if (bytes > disk_bytes - at) {
        return NULL;
    }
    if (at <= disk->window_bytes && bytes <= disk->window_bytes - at) {
        return disk->head + at;
    }
    return at >= tail_at ? disk->tail + (at - tail_at) : NULL;
}

static const uint8_t *mbr_entry(const struct partition_disk *disk, uint32_t index)
{
    return disk->head + MBR_ENTRIES + (size_t)index * MBR_ENTRY_BYTES;
}

/* 5.2.3: a protective partition says that the disk has a GPT. One of four is enough. */
static bool is_protective(const struct partition_disk *disk)
{
    bool found = false;
    for (uint32_t i = 0; i < MBR_COUNT; i++) {
        found |= mbr_entry(disk, i)[ENTRY_TYPE] == TYPE_GPT;
    }
    return found;
}

static enum partition_error check_mbr_entry(const uint8_t *entry)
{
    uint8_t type = entry[ENTRY_TYPE];
    if (entry[ENTRY_STATUS] != 0x00 && entry[ENTRY_STATUS] != 0x80) {
        return PARTITION_STATUS;
    }
    if (type == TYPE_EXTENDED_CHS || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX) {
        return PARTITION_EXTENDED;
    }
    return partition_le32(entry + ENTRY_FIRST) == 0 ? PARTITION_ON_TABLE : PARTITION_OK;
}

static void read_mbr_entry(const uint8_t *entry, struct partition *partition)
{
    uint64_t sectors = partition_le32(entry + ENTRY_SECTORS);
    partition->first_sector = partition_le32(entry + ENTRY_FIRST);
    if (entry[ENTRY_TYPE] == TYPE_UNUSED) {
        partition->error = PARTITION_ABSENT;
    } else if (sectors == 0) {
        partition->error = PARTITION_EMPTY;
        partition->last_sector = partition->first_sector;
    } else {
        partition->error = check_mbr_entry(entry);
        partition->last_sector = partition->first_sector + sectors - 1;
    }
}

/* It has sectors, right or wrong, that no other may use. */
static bool occupies(const struct partition *partition)
{
    return partition->error != PARTITION_ABSENT && partition->error != PARTITION_EMPTY &&
           partition->error != PARTITION_REVERSED;
}

static bool overlap(const struct partition *a, const struct partition *b)
{
    return occupies(a) && occupies(b) && a->first_sector <= b->last_sector &&
           b->first_sector <= a->last_sector;
}

/* Of two that overlap neither can be trusted. One that is wrong in itself keeps that error. */
static void find_overlaps(struct partition_table *table)
{
    for (uint32_t i = 0; i < table->count; i++) {
        for (uint32_t k = i + 1; k < table->count; k++) {
            struct partition *a = &table->partitions[i], *b = &table->partitions[k];
            if (overlap(a, b)) {
                a->error = a->error == PARTITION_OK ? PARTITION_OVERLAP : a->error;
                b->error = b->error == PARTITION_OK ? PARTITION_OVERLAP : b->error;
            }
        }
    }
}

/* Bounds and alignment of one that is fine so far; the end is rounded down to whole blocks. */
static void place(const struct partition_disk *disk, struct partition *partition)
{
    uint64_t per_block = BLOCK_BYTES / disk->sector_bytes;
    uint64_t sectors = partition->last_sector - partition->first_sector + 1;
    if (partition->last_sector >= partition_disk_sectors(disk)) {
        partition->error = PARTITION_BEHIND_END;
    } else if (partition->first_sector % per_block != 0) {
        partition->error = PARTITION_UNALIGNED;
    } else if (sectors < per_block) {
        partition->error = PARTITION_SHORT;
    } else {
        partition->first_block = partition->first_sector / per_block;
        partition->blocks = sectors / per_block;
    }
}

void partition_parse(const struct partition_disk *disk, struct partition_table *table)
{
    memset(table, 0, sizeof(*table));
    if (disk->blocks == 0 || disk->blocks > PARTITION_BLOCKS_MAX ||
        disk->window_bytes < BLOCK_BYTES) {
        table->error = PARTITION_DISK_SIZE;
        return;
    }
    if (disk->head[MBR_SIGNATURE] != 0x55 || disk->head[MBR_SIGNATURE + 1] != 0xaa) {
        table->error = PARTITION_NO_TABLE;
        return;
    }
    if (is_protective(disk)) {
        gpt_parse(disk, table);
    } else {
        table->count = MBR_COUNT;
        for (uint32_t i = 0; i < MBR_COUNT; i++) {
            read_mbr_entry(mbr_entry(disk, i), &table->partitions[i]);
        }
    }
    for (uint32_t i = 0; i < table->count; i++) {
        if (table->partitions[i].error == PARTITION_OK) {
            place(disk, &table->partitions[i]);
        }
    }
    find_overlaps(table);
}

enum partition_error partition_error_of(const struct partition_table *table, uint32_t index)
{
    if (table->error != PARTITION_OK) {
        return table->error;
    }
    return index < table->count ? table->partitions[index].error : PARTITION_ABSENT;
}

const char *partition_error_text(enum partition_error error)
{
#define PARTITION_TEXT(name, text) [name] = text,
    static const char *const texts[] = { PARTITION_ERRORS(PARTITION_TEXT) };
#undef PARTITION_TEXT
    return (size_t)error < sizeof(texts) / sizeof(texts[0]) ? texts[error] : "unknown";
}
