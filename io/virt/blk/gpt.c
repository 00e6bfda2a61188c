/* SPDX-License-Identifier: BSD-2-Clause */
/* Tables and section numbers are those of the UEFI specification 2.10. */
#include "io/virt/blk/gpt.h"

#include <string.h>

#define HEADER_MIN     92u /* 5.3.2: bytes that a header has at least */
#define REVISION_1_0   0x00010000u
#define ENTRY_MIN      128u /* 5.3.3 */
#define ENTRY_MAX      4096u
#define PRIMARY_SECTOR 1u

/* Offsets in a header (table 5.5) and in an entry (table 5.6). */
enum {
    HEADER_REVISION = 8,
    HEADER_SIZE = 12,
    HEADER_CRC = 16,
    HEADER_MY_LBA = 24,
    HEADER_ALTERNATE_LBA = 32,
    HEADER_FIRST_USABLE = 40,
    HEADER_LAST_USABLE = 48,
    HEADER_ENTRIES_LBA = 72,
    HEADER_ENTRY_COUNT = 80,
    HEADER_ENTRY_SIZE = 84,
    HEADER_ENTRIES_CRC = 88,
    ENTRY_FIRST_LBA = 32,
    ENTRY_LAST_LBA = 40,
};

/* A copy of the table. */
struct gpt {
    uint64_t sector; /* of its header */
    bool checksum_ok;
    uint64_t alternate; /* from here on valid if checksum_ok */
    uint64_t first_usable;
    uint64_t last_usable;
    uint64_t entries_sector;
    uint32_t count;
    uint32_t entry_bytes;
    uint32_t entries_crc;
    const uint8_t *entries; /* valid if all is well */
};

/* Four bits at a time: crcs[i] is the remainder of i. */
uint32_t gpt_crc32(uint32_t crc, const uint8_t *bytes, size_t count)
{
    static const uint32_t crcs[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
        0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
        0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    crc = ~crc;
    for (size_t i = 0; i < count; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ crcs[crc & 15];
        crc = crc >> 4 ^ crcs[crc & 15];
    }
    return ~crc;
}

/* The checksum is made with its own field as 0. */
static bool header_checksum_ok(const uint8_t *header, uint32_t bytes)
{
    static const uint8_t zero[4];
    uint32_t crc = gpt_crc32(0, header, HEADER_CRC);
    crc = gpt_crc32(crc, zero, sizeof(zero));
    crc = gpt_crc32(crc, header + HEADER_CRC + 4, bytes - HEADER_CRC - 4);
    return crc == partition_le32(header + HEADER_CRC);
}

/* Reads the fields of a header if it is one, unchecked but for its checksum. */
static enum partition_error read_header(const struct partition_disk *disk, struct gpt *gpt)
{
    const uint8_t *header = partition_bytes(disk, gpt->sector, disk->sector_bytes);
    if (header == NULL) {
        return GPT_UNREACHABLE;
    }
    if (memcmp(header, "EFI PART", 8) != 0) {
        return GPT_NO_SIGNATURE;
    }
    uint32_t bytes = partition_le32(header + HEADER_SIZE);
    if (bytes < HEADER_MIN || bytes > disk->sector_bytes) {
        return GPT_HEADER_SIZE;
    }
    if (!header_checksum_ok(header, bytes)) {
        return GPT_HEADER_CRC;
    }
    gpt->checksum_ok = true;
    gpt->alternate = partition_le64(header + HEADER_ALTERNATE_LBA);
    gpt->first_usable = partition_le64(header + HEADER_FIRST_USABLE);
    gpt->last_usable = partition_le64(header + HEADER_LAST_USABLE);
    gpt->entries_sector = partition_le64(header + HEADER_ENTRIES_LBA);
    gpt->count = partition_le32(header + HEADER_ENTRY_COUNT);
    gpt->entry_bytes = partition_le32(header + HEADER_ENTRY_SIZE);
    gpt->entries_crc = partition_le32(header + HEADER_ENTRIES_CRC);
    if (partition_le32(header + HEADER_REVISION) != REVISION_1_0) {
        return GPT_REVISION;
    }
    return partition_le64(header + HEADER_MY_LBA) == gpt->sector ? PARTITION_OK : GPT_PLACE;
}

static bool is_usable(const struct gpt *gpt, uint64_t sector)
{
    return gpt->first_usable <= sector && sector <= gpt->last_usable;
}

/* The area for partitions holds neither a header nor the entries. */
static bool area_is_right(const struct gpt *gpt, uint64_t entries_last)
{
    bool entries_outside =
        entries_last < gpt->first_usable || gpt->entries_sector > gpt->last_usable;
    return gpt->first_usable <= gpt->last_usable && !is_usable(gpt, gpt->sector) &&
           !is_usable(gpt, gpt->alternate) && !is_usable(gpt, PRIMARY_SECTOR) &&
           !is_usable(gpt, 0) && entries_outside;
}

/* Cannot overflow: the entries lie in a window, and there are 128 at most. */
static enum partition_error check_entries(const struct partition_disk *disk, struct gpt *gpt)
{
    uint32_t bytes = gpt->count * gpt->entry_bytes;
    uint64_t last = gpt->entries_sector + (bytes - 1) / disk->sector_bytes;
    gpt->entries = partition_bytes(disk, gpt->entries_sector, bytes);
    bool on_header = gpt->entries_sector <= gpt->sector && gpt->sector <= last;
    if (gpt->entries == NULL || gpt->entries_sector <= PRIMARY_SECTOR || on_header) {
        return GPT_ENTRIES_PLACE;
    }
    if (!area_is_right(gpt, last)) {
        return GPT_USABLE;
    }
    return gpt_crc32(0, gpt->entries, bytes) == gpt->entries_crc ? PARTITION_OK : GPT_ENTRIES_CRC;
}

/* Everything about the copy whose header lies at gpt->sector. */
static enum partition_error check_copy(const struct partition_disk *disk, struct gpt *gpt)
{
    enum partition_error error = read_header(disk, gpt);
    bool is_primary = gpt->sector == PRIMARY_SECTOR;
    if (error != PARTITION_OK) {
        return error;
    }
    if ((gpt->alternate == PRIMARY_SECTOR) == is_primary || gpt->alternate == 0) {
        return GPT_ALTERNATE; /* two copies name each other, and none itself */
    }
    /* 5.3.2: 128 times a power of two. */
    if (gpt->entry_bytes < ENTRY_MIN || gpt->entry_bytes > ENTRY_MAX ||
        (gpt->entry_bytes & (gpt->entry_bytes - 1)) != 0) {
        return GPT_ENTRY_SIZE;
    }
    if (gpt->count == 0 || gpt->count > PARTITION_MAX) {
        return GPT_ENTRY_COUNT;
    }
    return check_entries(disk, gpt);
}

static bool is_zero(const uint8_t *bytes, size_t count)
{
    uint8_t any = 0;
    for (size_t i = 0; i < count; i++) {
        any |= bytes[i];
    }
    return any == 0;
}

static void read_entry(const struct gpt *gpt, uint32_t index, struct partition *partition)
{
    const uint8_t *entry = gpt->entries + (size_t)index * gpt->entry_bytes;
    partition->error = PARTITION_ABSENT;
    if (is_zero(entry, 16)) {
        return; /* 5.3.3: an unused entry's type is all zeroes */
    }
    partition->first_sector = partition_le64(entry + ENTRY_FIRST_LBA);
    partition->last_sector = partition_le64(entry + ENTRY_LAST_LBA);
    partition->error = PARTITION_OK;
    if (partition->last_sector < partition->first_sector) {
        partition->error = PARTITION_REVERSED;
    } else if (!is_usable(gpt, partition->first_sector) ||
               !is_usable(gpt, partition->last_sector)) {
        partition->error = PARTITION_OUTSIDE;
    }
}

void gpt_parse(const struct partition_disk *disk, struct partition_table *table)
{
    struct gpt primary = { .sector = PRIMARY_SECTOR };
    table->gpt = true;
    table->primary = check_copy(disk, &primary);
    /* 5.3.2: the backup lies in the last sector; a header that is in order knows better. */
    struct gpt backup = { .sector = partition_disk_sectors(disk) - 1 };
    if (primary.checksum_ok && primary.alternate > PRIMARY_SECTOR) {
        backup.sector = primary.alternate;
    }
    table->backup = check_copy(disk, &backup);
    if (table->primary != PARTITION_OK && table->backup != PARTITION_OK) {
        table->error = PARTITION_GPT_BAD;
        return;
    }
    const struct gpt *used = table->primary == PARTITION_OK ? &primary : &backup;
    table->count = used->count;
    for (uint32_t i = 0; i < table->count; i++) {
        read_entry(used, i, &table->partitions[i]);
    }
}
