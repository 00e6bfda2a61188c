/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the headers of a guest's kernel and device tree, and as the places that its record
 * asks for, mostly those that are right. A guest's RAM holds the images that were accepted where
 * the entry point says, and is untouched where they were refused.
 */
#include "tests/fuzz/input.h"
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "vmm/core/guest_image.h"

#include <stdlib.h>

#define MIB       0x100000ull
#define RAM_GPA   0x40000000ull
#define RAM_BYTES (4 * MIB)
#define MAX_BYTES 1024u /* of an image */
#define FILL      0xa5

static uint8_t *memory;

static void put(uint8_t *at, uint64_t value, unsigned bytes)
{
    memcpy(at, &value, bytes);
}

/* An image of exactly its size, so that ASan sees a byte behind it. */
static struct vmm_image image(struct input *in, uint8_t fill)
{
    size_t bytes = take(in, 2) % MAX_BYTES;
    uint8_t *at = malloc(bytes + 1);
    memset(at, fill, bytes);
    return (struct vmm_image){ (uintptr_t)realloc(at, bytes > 0 ? bytes : 1), bytes };
}

static void kernel_header(struct input *in, const struct vmm_image *kernel)
{
    uint8_t *at = (uint8_t *)(uintptr_t)kernel->vaddr;
    uint8_t how = (uint8_t)take(in, 1);
    if (kernel->size_bytes < 64) {
        return;
    }
    put(at + 8, how & 1 ? take(in, 8) : (how & 2) * 0x40000ull, 8); /* text_offset */
    put(at + 16, how & 4 ? take(in, 8) : how % 64 * MIB / 16, 8);   /* image_size */
    put(at + 24, how & 8 ? take(in, 1) : 2, 8);                     /* flags */
    put(at + 56, how & 16 ? take(in, 4) : 0x644d5241, 4);
    put(at, how & 32 ? take(in, 4) : 0, 4);
}

static void dtb_header(struct input *in, const struct vmm_image *dtb)
{
    uint8_t *at = (uint8_t *)(uintptr_t)dtb->vaddr;
    uint8_t how = (uint8_t)take(in, 1);
    if (dtb->size_bytes < 8) {
        return;
    }
    put(at, how & 1 ? take(in, 4) : __builtin_bswap32(0xd00dfeed), 4);
    put(at + 4, how & 2 ? take(in, 4) : __builtin_bswap32((uint32_t)dtb->size_bytes), 4);
}

static gpa_t place(struct input *in, gpa_t usual)
{
    uint8_t how = (uint8_t)take(in, 1);
    return how % 4 != 0 ? usual : how & 4 ? take(in, 8) : RAM_GPA + take(in, 3);
}

static void expect_loaded(const struct vmm_image *image, gpa_t gpa)
{
    if (gpa < RAM_GPA || gpa - RAM_GPA > RAM_BYTES - image->size_bytes ||
        memcmp(memory + (gpa - RAM_GPA), (void *)(uintptr_t)image->vaddr, image->size_bytes) != 0) {
        abort();
    }
}

static void expect_untouched(void)
{
    if (memory[0] != FILL || memcmp(memory, memory + 1, RAM_BYTES - 1) != 0) {
        abort();
    }
}

static void load(struct input *in, struct vmm_config *config)
{
    const struct guest_ram ram = { memory, RAM_GPA, RAM_BYTES };
    gpa_t entry = 0;
    logged[0] = '\0';
    kernel_header(in, &config->kernel);
    dtb_header(in, &config->dtb);
    if (!image_load(config, &ram, &entry)) {
        if (strchr(logged, '\n') == NULL) {
            abort(); /* nobody is told why */
        }
        return;
    }
    expect_loaded(&config->kernel, entry);
    expect_loaded(&config->dtb, config->dtb_gpa);
    expect_loaded(&config->initrd, config->initrd_gpa);
    const struct vmm_image *images[] = { &config->kernel, &config->dtb, &config->initrd };
    gpa_t places[] = { entry, config->dtb_gpa, config->initrd_gpa };
    for (unsigned i = 0; i < 3; i++) {
        memset(memory + (places[i] - RAM_GPA), FILL, images[i]->size_bytes);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = { data, size };
    if (memory == NULL) {
        memory = malloc(RAM_BYTES);
        memset(memory, FILL, RAM_BYTES);
    }
    struct vmm_config config = {
        .ram_gpa = RAM_GPA,
        .ram_bytes = RAM_BYTES,
        .kernel = image(&in, 0x11),
        .initrd = image(&in, 0x22),
        .dtb = image(&in, 0x33),
        .kernel_gpa = place(&in, RAM_GPA),
        .initrd_gpa = place(&in, RAM_GPA + 3 * MIB),
        .dtb_gpa = place(&in, RAM_GPA + 2 * MIB),
    };
    if (config.initrd.size_bytes == 0) {
        config.initrd_gpa = RAM_GPA;
    }
    load(&in, &config);
    expect_untouched();
    free((void *)(uintptr_t)config.kernel.vaddr);
    free((void *)(uintptr_t)config.initrd.vaddr);
    free((void *)(uintptr_t)config.dtb.vaddr);
    return 0;
}
