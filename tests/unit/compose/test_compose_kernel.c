/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel's place: compose writes it, the VMM reads it, and both follow the Image's header. */
#include "tests/unit/compose/compose_rig.h"
#include "tests/unit/compose/compose_xml.h"
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "vmm/core/guest_image.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define YAML "system: s\nguests: [{name: a, memory: 64M, kernel: offset}]\n"

static void write_kernel(uint64_t text_offset)
{
    static uint64_t kernel[RIG_KERNEL_BYTES / 8];
    kernel[1] = text_offset;
    kernel[2] = RIG_IMAGE_SIZE;
    kernel[7] = 0x644d5241;
    rig_write("offset", kernel, sizeof(kernel));
}

/* Reads an image where the VMM would find it mapped. */
static void *read_image(struct vmm_image *image, const char *path)
{
    size_t length;
    void *bytes = rig_read(path, &length);
    assert_int_equal(length, image->size_bytes);
    image->vaddr = (uintptr_t)bytes;
    return bytes;
}

static void load(struct vmm_config *config, uint64_t text_offset)
{
    struct guest_ram ram = { calloc(1, config->ram_bytes), config->ram_gpa, config->ram_bytes };
    void *images[] = { read_image(&config->kernel, "offset"), read_image(&config->initrd, "initrd"),
                       read_image(&config->dtb, "out/a.dtb") };
    gpa_t entry = 0;
    logged[0] = '\0';
    assert_non_null(ram.base);
    if (!image_load(config, &ram, &entry)) {
        fail_msg("text_offset 0x%lx: %s", (unsigned long)text_offset, logged);
    }
    /* Documentation/arm64/booting.rst: text_offset bytes from a base that is 2 MiB aligned. */
    assert_int_equal((entry - text_offset) % 0x200000, 0);
    assert_true(entry >= config->ram_gpa + text_offset);
    assert_memory_equal(ram.base + (entry - config->ram_gpa), images[0], RIG_KERNEL_BYTES);
    assert_true(config->dtb_gpa >= entry + RIG_IMAGE_SIZE);
    for (size_t i = 0; i < 3; i++) {
        free(images[i]);
    }
    free(ram.base);
}

static void kernels_are_loaded_at_their_text_offset(void **state)
{
    static const uint64_t offsets[] = { 0, 0x1000, 0x80000, 0x1ff000, 0x200000, 0x281000 };
    (void)state;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        struct vmm_config config;
        write_kernel(offsets[i]);
        struct composed system = composed_yaml(YAML, "out");
        composed_record(&system, "a_vmm", "vmm_config", &config, sizeof(config));
        load(&config, offsets[i]);
        free(system.xml);
    }
}

static void impossible_text_offsets_are_told(void **state)
{
    static const struct {
        uint64_t offset;
        const char *told;
    } wrong[] = {
        { 0x80001, "2:41: error: the kernel './offset' is no arm64 Image: its header is damaged "
                   "(image_size or text_offset); build or fetch it again\n" },
        { 1ul << 32, "2:41: error: the kernel './offset' is no arm64 Image: its header is damaged "
                     "(image_size or text_offset); build or fetch it again\n" },
        { 32ul << 20,
          "2:28: error: 64M of memory is too little for a's kernel and initrd, which is 5M "
          "unpacked; give it at least 88M\n" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        bool good;
        write_kernel(wrong[i].offset);
        char *told = rig_compose(YAML, sizeof(YAML) - 1, "out", &good);
        assert_false(good);
        assert_string_equal(strchr(told, ':') + 1, wrong[i].told);
        free(told);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_are_loaded_at_their_text_offset),
        cmocka_unit_test(impossible_text_offsets_are_told),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
