/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * io/virt/blk/partition.c and gpt.c with any contents of a disk, as virt_start.c calls
 * them: a window at each end of the disk, of PARTITION_WINDOW bytes or the disk if it is shorter.
 */
#include "io/virt/blk/partition.h"

#define BLOCK_BYTES 4096u

static uint8_t head[PARTITION_WINDOW], tail[PARTITION_WINDOW];
static struct partition_table table;

static void parse(uint32_t sector_bytes, uint64_t blocks, uint32_t window_bytes)
{
    struct partition_disk disk = { head, tail, window_bytes, sector_bytes, blocks };
    any_bytes(head, sizeof(head));
    any_bytes(tail, sizeof(tail));
    partition_parse(&disk, &table);
    uint32_t index = (uint32_t)any;
    (void)partition_error_text(partition_error_of(&table, index));
    (void)partition_error_text((enum partition_error)any);
}

/* Sizes with their neighbours: nothing, shorter than a window, longer, and as long as can be. */
static const uint64_t sizes[] = {
    0, 1, 7, 9, 1u << 20, PARTITION_BLOCKS_MAX, PARTITION_BLOCKS_MAX + 1
};

int main(void)
{
    uint64_t most = PARTITION_WINDOW / BLOCK_BYTES;
    //@ loop unroll 2;
    for (uint32_t sector = 512; sector <= BLOCK_BYTES; sector *= 8) {
        //@ loop unroll 7;
        for (unsigned i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
            uint64_t blocks = sizes[i] < most ? sizes[i] : most;
            parse(sector, sizes[i], (uint32_t)blocks * BLOCK_BYTES);
        }
    }
    return 0;
}
