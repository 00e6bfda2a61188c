/* SPDX-License-Identifier: BSD-2-Clause */
/* What the composer's tests stand on: a scratch folder with a board, a kernel and an initrd. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RIG_BOARD_RAM    (1ul << 30)
#define RIG_RAM_PADDR    0x40000000ul
#define RIG_UART_ADDR    0x09000000ul
#define RIG_GICV_ADDR    0x08040000ul
#define RIG_KERNEL_BYTES 0x3000ul
#define RIG_IMAGE_SIZE   ((33ul << 20) + 0x3000) /* what the kernel's header claims */
#define RIG_INITRD_BYTES 0x1834ul
#define RIG_UNPACKED     (5ul << 20) /* a file of zeroes in the initrd */

/* Makes the folder, with board.dtb, Image and initrd in it, and goes there. cmocka's setup. */
int rig_setup(void **state);

/* Removes the folder. cmocka's teardown. */
int rig_teardown(void **state);

/* Writes into `to` a cpio archive (newc) of one regular file of `bytes` zeroes; returns its length,
 * the entry at its end included. */
size_t rig_cpio(uint8_t *to, uint32_t bytes);

/* Compresses by gzip; returns the length. */
size_t rig_gzip(uint8_t *to, size_t room, const uint8_t *from, size_t length);

/* Writes a file of the folder. */
void rig_write(const char *name, const void *bytes, size_t length);

/* Returns a file's bytes, to be freed. */
void *rig_read(const char *name, size_t *length);

/* Writes board.dtb, for a board of so much RAM; with_gicv false leaves out the GIC's GICV.
 * It has the virtio-mmio slots 0 to 31 and PSCI, or none of these. */
void rig_write_board(uint64_t ram_bytes, bool with_gicv);
void rig_write_board_without_slots(void);

/* What --partition says in the runs to come; NULL: nothing. */
extern const char *rig_partition;

/* What --most-ram says in the runs to come; 0: nothing. */
extern uint64_t rig_most_ram;

/* Composes `yaml` (as system.yaml) into the folder `out`; returns what was told, to be freed, and
 * whether it was good in *good. The defaults are Image and initrd. */
char *rig_compose(const void *yaml, size_t length, const char *out, bool *good);

/* The same without the defaults for kernel and initrd. */
char *rig_compose_bare(const char *yaml, const char *out, bool *good);
