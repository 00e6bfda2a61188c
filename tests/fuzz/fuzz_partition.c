/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a disk: what the parser calls a partition lies on the disk, and no two overlap.
 * Input: flags (bits 0, 1: sector size; bit 2: make the GPT's checksums right), 16 bits of the
 * disk's size, then the disk's first bytes, and behind them as many last ones.
 */
#include "io/virt/blk/gpt.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIX 3u

static void put32(uint8_t *p, uint32_t value)
{
    for (int i = 0; i < 4; i++) {
        p[i] = (uint8_t)(value >> (8 * i));
    }
}

/* Checksums of a header's entries and of the header, where its sizes make sense. */
static void seal(const struct partition_disk *disk, uint64_t sector)
{
    uint8_t *header = (uint8_t *)(uintptr_t)partition_bytes(disk, sector, disk->sector_bytes);
    if (header == NULL) {
        return;
    }
    uint32_t bytes = partition_le32(header + 12);
    uint64_t entries = (uint64_t)partition_le32(header + 80) * partition_le32(header + 84);
    const uint8_t *table = partition_bytes(disk, partition_le64(header + 72), entries);
    if (table != NULL) {
        put32(header + 88, gpt_crc32(0, table, entries));
    }
    if (bytes >= 92 && bytes <= disk->sector_bytes) {
        put32(header + 16, 0);
        put32(header + 16, gpt_crc32(0, header, bytes));
    }
}

static void check(const struct partition_disk *disk, const struct partition_table *table)
{
    for (uint32_t i = 0; i < PARTITION_MAX; i++) {
        const struct partition *a = &table->partitions[i];
        if (partition_error_of(table, i) != PARTITION_OK) {
            continue;
        }
        if (a->blocks == 0 || a->blocks > disk->blocks ||
            a->first_block > disk->blocks - a->blocks || a->first_block == 0) {
            abort();
        }
        for (uint32_t k = 0; k < i; k++) {
            const struct partition *b = &table->partitions[k];
            if (partition_error_of(table, k) == PARTITION_OK &&
                a->first_block < b->first_block + b->blocks &&
                b->first_block < a->first_block + a->blocks) {
                abort();
            }
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct partition_table table;
    if (size < PREFIX) {
        return 0;
    }
    uint64_t blocks = data[1] | (uint64_t)data[2] << 8;
    uint64_t window = blocks * 4096 < PARTITION_WINDOW ? blocks * 4096 : PARTITION_WINDOW;
    size_t half = (size - PREFIX) / 2 < window ? (size - PREFIX) / 2 : window;
    uint8_t *head = calloc(1, window + 1), *tail = calloc(1, window + 1);
    struct partition_disk disk = { head, tail, (uint32_t)window, 512u << (data[0] & 3), blocks };
    memcpy(head, data + PREFIX, half);
    memcpy(tail + window - half, data + PREFIX + half, half);
    if (data[0] & 4) {
        seal(&disk, 1);
        seal(&disk, partition_disk_sectors(&disk) - 1);
    }
    partition_parse(&disk, &table);
    check(&disk, &table);
    free(head);
    free(tail);
    return 0;
}
