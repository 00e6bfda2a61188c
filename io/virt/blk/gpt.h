/* SPDX-License-Identifier: BSD-2-Clause */
/* GUID partition tables, for partition.c. */
#pragma once

#include "io/virt/blk/partition.h"

/* `bytes` bytes at sector `sector` if they lie in one of the windows, else NULL. */
const uint8_t *partition_bytes(const struct partition_disk *disk, uint64_t sector, uint64_t bytes);

/* Little-endian numbers at any address. */
static inline uint32_t partition_le32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t partition_le64(const uint8_t *p)
{
    return partition_le32(p) | (uint64_t)partition_le32(p + 4) << 32;
}

/* Sectors of the disk. */
static inline uint64_t partition_disk_sectors(const struct partition_disk *disk)
{
    return disk->blocks * (4096 / disk->sector_bytes);
}

/* Fills in the entries of the better copy; bounds, alignment and overlaps are left to do. */
void gpt_parse(const struct partition_disk *disk, struct partition_table *table);

/* CRC-32 as UEFI and Ethernet have it; `crc` is 0 at first, or the result so far. */
uint32_t gpt_crc32(uint32_t crc, const uint8_t *bytes, size_t count);
