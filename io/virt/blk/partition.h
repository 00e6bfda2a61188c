/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Partition tables: MBR with its four primary partitions, and GPT (UEFI 2.10, chapter 5). Pure
 * functions on the first and the last bytes of a disk, which may hold anything at all.
 *
 * A wrong partition is wrong by itself: the others stay usable. A GPT's two copies are both
 * checked; the backup is used where the primary is bad. Sectors of tables are the disk's own.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PARTITION_MAX        128u                /* in a GPT; four in an MBR */
#define PARTITION_BLOCKS_MAX (UINT64_C(1) << 51) /* a disk's bytes are a 64-bit number */
#define PARTITION_WINDOW                                                                           \
    0x8000u /* bytes at each end of the disk in which tables are looked for                        \
             */

/* What can be wrong with a table, with a copy of a GPT, with a partition. */
#define PARTITION_ERRORS(X)                                                                        \
    X(PARTITION_OK, "it is fine")                                                                  \
    X(PARTITION_NO_TABLE, "the disk has no partition table: sector 0 does not end with 55 AA")     \
    X(PARTITION_DISK_SIZE, "a disk of this size has no partition table")                           \
    X(PARTITION_GPT_BAD, "both copies of its GPT are bad")                                         \
    X(GPT_UNREACHABLE, "it does not lie in the first or last 32 KiB of the disk")                  \
    X(GPT_NO_SIGNATURE, "there is no 'EFI PART'")                                                  \
    X(GPT_REVISION, "its revision is not 1.0")                                                     \
    X(GPT_HEADER_SIZE, "its header's size is wrong")                                               \
    X(GPT_HEADER_CRC, "its header's checksum is wrong")                                            \
    X(GPT_PLACE, "its header says that it lies elsewhere")                                         \
    X(GPT_ALTERNATE, "its header does not name the other copy")                                    \
    X(GPT_USABLE, "the area for partitions that it names is wrong or holds the table itself")      \
    X(GPT_ENTRY_SIZE, "its entries' size is wrong")                                                \
    X(GPT_ENTRY_COUNT, "it has no entries, or more than 128")                                      \
    X(GPT_ENTRIES_PLACE, "its entries do not lie in the first or last 32 KiB, beside its header")  \
    X(GPT_ENTRIES_CRC, "its entries' checksum is wrong")                                           \
    X(PARTITION_ABSENT, "it is not in the table")                                                  \
    X(PARTITION_STATUS, "its status byte is neither 00 nor 80: this may be no partition table")    \
    X(PARTITION_EXTENDED, "it is an extended partition; make it a primary one, or use a GPT")      \
    X(PARTITION_EMPTY, "it has no sectors")                                                        \
    X(PARTITION_REVERSED, "it ends before it begins")                                              \
    X(PARTITION_ON_TABLE, "it lies on the partition table")                                        \
    X(PARTITION_OUTSIDE, "it lies outside of the area that the GPT's header names")                \
    X(PARTITION_BEHIND_END, "it ends behind the end of the disk")                                  \
    X(PARTITION_UNALIGNED, "it does not begin at a multiple of 4096 bytes")                        \
    X(PARTITION_SHORT, "it is shorter than one block of 4096 bytes")                               \
    X(PARTITION_OVERLAP, "it overlaps another partition")

#define PARTITION_ENUM(name, text) name,
enum partition_error { PARTITION_ERRORS(PARTITION_ENUM) };
#undef PARTITION_ENUM

/* A disk as the parser sees it. */
struct partition_disk {
    const uint8_t *head; /* its first bytes */
    const uint8_t *tail; /* its last ones */
    uint32_t
        window_bytes; /* in head, and in tail: PARTITION_WINDOW, or the disk if it is shorter */
    uint32_t sector_bytes; /* 512 to 4096, a power of two */
    uint64_t blocks;       /* of the disk, of 4096 bytes */
};

struct partition {
    enum partition_error error; /* OK: use it; ABSENT: nothing below is valid */
    uint64_t first_sector;      /* as the table has it */
    uint64_t last_sector;
    uint64_t first_block; /* valid if it is fine */
    uint64_t blocks;
};

struct partition_table {
    enum partition_error error; /* if not OK, there is no partition */
    bool gpt;
    enum partition_error primary; /* of a GPT: its two copies */
    enum partition_error backup;
    uint32_t count; /* entries below; any other is absent */
    struct partition partitions[PARTITION_MAX];
};

/* Reads the table of a disk. The result is written in place: a stack is one page. */
void partition_parse(const struct partition_disk *disk, struct partition_table *table);

/* The error of partition `index`, which may be any number: the table's, or its own. */
enum partition_error partition_error_of(const struct partition_table *table, uint32_t index);

/* What an error means, as a sentence that goes on from "partition 1: ". */
const char *partition_error_text(enum partition_error error);
