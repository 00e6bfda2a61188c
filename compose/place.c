/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/place.h"

#include "compose/device_tree.h"
#include "compose/limits.h"

#define INITRD_ALIGN 0x10000ul /* a page, of whatever size the kernel uses */
/*
 * What the kernel and a shell want beside the images: a kernel's own data grow with it. Found by
 * booting Debian's with ever less, down to "System is deadlocked on memory".
 */
#define WORK_BYTES(kernel_bytes) ((kernel_bytes) / 3 + (4ul << 20))

static uint64_t round_up(uint64_t value, uint64_t multiple)
{
    return (value + multiple - 1) / multiple * multiple;
}

/*
 * The kernel first, at text_offset from a multiple of 2 MiB; above all that its image_size claims
 * (its .bss too) the device tree, which must not cross a multiple of 2 MiB; then the initrd.
 */
struct placement place_images(uint64_t ram_gpa, const struct image *kernel,
                              const struct image *initrd)
{
    struct placement place = { .kernel_gpa = ram_gpa + kernel->text_offset };
    place.dtb_gpa = round_up(place.kernel_gpa + kernel->ram_bytes, GUEST_PAGE_BYTES);
    uint64_t end_gpa = place.dtb_gpa + DEVICE_TREE_MAX_BYTES;
    uint64_t unpacked_bytes = 0;
    if (initrd != NULL) {
        place.initrd_gpa = round_up(end_gpa, INITRD_ALIGN);
        end_gpa = place.initrd_gpa + initrd->ram_bytes;
        unpacked_bytes = initrd->unpacked_bytes;
    }
    place.least_ram_bytes = round_up(
        end_gpa - ram_gpa + unpacked_bytes + WORK_BYTES(kernel->ram_bytes), GUEST_PAGE_BYTES);
    return place;
}
