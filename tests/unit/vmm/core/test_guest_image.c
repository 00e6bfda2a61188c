/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot images' checks: each mistake has its message, and nothing is written for it. */
#include "tests/unit/vmm/core/vmm_log_fake.h"
#include "vmm/core/guest_image.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define MIB        0x100000ul
#define RAM        0x40000000ul
#define RAM_BYTES  (16 * MIB)
#define KERNEL_TOP 0x1000 /* bytes of the test's Image */
#define FILL       0xa5

static uint8_t *memory, *kernel, *initrd, *dtb;
static struct guest_ram ram;
static struct vmm_config config;

static void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void put64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof(value));
}

static void put32_big_endian(uint8_t *at, uint32_t value)
{
    put32(at, __builtin_bswap32(value));
}

static void fill_images(void)
{
    memset(kernel, 0x11, KERNEL_TOP);
    memset(initrd, 0x22, 5000);
    memset(dtb, 0x33, 256);
    put64(kernel + 8, 0);           /* text_offset */
    put64(kernel + 16, 3 * MIB);    /* image_size */
    put64(kernel + 24, 2);          /* little endian, 4 KiB pages */
    put32(kernel + 56, 0x644d5241); /* magic */
    put32_big_endian(dtb, 0xd00dfeed);
    put32_big_endian(dtb + 4, 256);
}

/* Images of exactly their size, so that ASan sees a read beyond one. */
static int setup(void **state)
{
    (void)state;
    memory = malloc(RAM_BYTES);
    kernel = malloc(KERNEL_TOP);
    initrd = malloc(5000);
    dtb = malloc(256);
    memset(memory, FILL, RAM_BYTES);
    memset(logged, 0, sizeof(logged));
    fill_images();
    ram = (struct guest_ram){ memory, RAM, RAM_BYTES };
    config = (struct vmm_config){
        .ram_gpa = RAM,
        .ram_bytes = RAM_BYTES,
        .kernel = { (uintptr_t)kernel, KERNEL_TOP },
        .initrd = { (uintptr_t)initrd, 5000 },
        .dtb = { (uintptr_t)dtb, 256 },
        .kernel_gpa = RAM + 2 * MIB,
        .initrd_gpa = RAM + 8 * MIB,
        .dtb_gpa = RAM + 6 * MIB,
    };
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    free(kernel);
    free(initrd);
    free(dtb);
    return 0;
}

static void loads_all(void **state)
{
    gpa_t entry = 0;
    (void)state;
    assert_true(image_load(&config, &ram, &entry));
    assert_int_equal(entry, RAM + 2 * MIB);
    assert_memory_equal(memory + 2 * MIB, kernel, KERNEL_TOP);
    assert_memory_equal(memory + 8 * MIB, initrd, 5000);
    assert_memory_equal(memory + 6 * MIB, dtb, 256);
    assert_int_equal(memory[2 * MIB + KERNEL_TOP], FILL);
    assert_int_equal(memory[8 * MIB + 5000], FILL);
    assert_string_equal(logged, "");
}

static void text_offset(void **state)
{
    gpa_t entry = 0;
    (void)state;
    put64(kernel + 8, 0x80000);
    assert_true(image_load(&config, &ram, &entry));
    assert_int_equal(entry, RAM + 2 * MIB + 0x80000);
    assert_memory_equal(memory + 2 * MIB + 0x80000, kernel, KERNEL_TOP);
    /* Before 3.17: no size, and an offset in the header that may be of the wrong endianness. */
    put64(kernel + 8, 0x0000080000000000);
    put64(kernel + 16, 0);
    assert_true(image_load(&config, &ram, &entry));
    assert_int_equal(entry, RAM + 2 * MIB + 0x80000);
}

static void without_initrd(void **state)
{
    gpa_t entry = 0;
    (void)state;
    config.initrd = (struct vmm_image){ 0, 0 };
    config.initrd_gpa = 0;
    assert_true(image_load(&config, &ram, &entry));
}

/* Exactly fitting is fitting. */
static void side_by_side(void **state)
{
    gpa_t entry = 0;
    (void)state;
    config.dtb_gpa = RAM + 5 * MIB;
    config.initrd_gpa = RAM + 5 * MIB + 256;
    assert_true(image_load(&config, &ram, &entry));
    config.initrd_gpa = RAM + RAM_BYTES - 5000;
    assert_true(image_load(&config, &ram, &entry));
    config.kernel_gpa = RAM;
    put64(kernel + 16, 5 * MIB);
    assert_true(image_load(&config, &ram, &entry));
}

static void expect_refusal(const char *message)
{
    gpa_t entry = 0x123;
    memset(logged, 0, sizeof(logged));
    assert_false(image_load(&config, &ram, &entry));
    assert_int_equal(entry, 0x123);
    if (strstr(logged, message) == NULL || strchr(logged, '\n') != strrchr(logged, '\n')) {
        fail_msg("\"%s\" is not in: %s", message, logged);
    }
    for (size_t i = 0; i < RAM_BYTES; i += 512) {
        assert_int_equal(memory[i], FILL);
    }
}

static void wrong_kernels(void **state)
{
    (void)state;
    put32(kernel + 56, 0x644d5242);
    expect_refusal("kernel: no arm64 Linux Image (4096 bytes)");
    put32(kernel, 0x00088b1f);
    expect_refusal("gunzip");
    put32(kernel, 0x464c457f);
    expect_refusal("arch/arm64/boot/Image");
    fill_images();
    put64(kernel + 24, 1);
    expect_refusal("CONFIG_CPU_BIG_ENDIAN");
    fill_images();
    config.kernel.size_bytes = 63;
    expect_refusal("63 bytes are too short");
    config.kernel.size_bytes = 0;
    expect_refusal("0 bytes are too short");
    config.kernel.size_bytes = KERNEL_TOP;
    config.kernel_gpa = RAM + MIB;
    expect_refusal("2 MiB");
}

static void impossible_text_offsets(void **state)
{
    static const uint64_t offsets[] = {
        1, 0x80001, RAM_BYTES, 0x7ffffffffffff000, 0xfffffffffffff000, 0ul - RAM
    };
    (void)state;
    for (size_t i = 0; i < sizeof(offsets) / sizeof(offsets[0]); i++) {
        put64(kernel + 8, offsets[i]);
        expect_refusal("text_offset");
    }
    put64(kernel + 8, RAM_BYTES - 0x1000);
    expect_refusal("kernel: 3145728 bytes at 0x411ff000 do not fit in RAM");
}

static void huge_kernels(void **state)
{
    static const uint64_t sizes[] = { RAM_BYTES, 14 * MIB + 1,        UINT64_MAX,
                                      0ul - RAM, 0ul - RAM - 2 * MIB, 1ul << 63 };
    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        put64(kernel + 16, sizes[i]);
        expect_refusal("give it more memory");
    }
}

static void outside_ram(void **state)
{
    static const uint64_t places[] = {
        0, RAM - 8, RAM + RAM_BYTES - 248, RAM + RAM_BYTES, 0xfffffffffffffff8, 0x8000000000000000
    };
    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        setup(state);
        config.dtb_gpa = places[i];
        expect_refusal("device tree: 256 bytes at");
        config.dtb_gpa = RAM + 6 * MIB;
        config.initrd_gpa = places[i];
        expect_refusal("initrd: 5000 bytes at");
        config.initrd_gpa = RAM + 8 * MIB;
        config.kernel_gpa = places[i] & ~(2 * MIB - 1);
        if (config.kernel_gpa - RAM < RAM_BYTES) {
            config.kernel_gpa = RAM + RAM_BYTES - 2 * MIB;
        }
        expect_refusal("kernel: 3145728 bytes at");
        teardown(state);
    }
    setup(state);
    config.initrd.size_bytes = UINT64_MAX - 100;
    expect_refusal("initrd");
}

static void overlaps(void **state)
{
    static const uint64_t into_kernel[] = { 2 * MIB, 3 * MIB, 5 * MIB - 8 };
    (void)state;
    for (size_t i = 0; i < sizeof(into_kernel) / sizeof(into_kernel[0]); i++) {
        config.dtb_gpa = RAM + into_kernel[i]; /* in its .bss */
        expect_refusal("kernel (3145728 bytes at 0x40200000) and device tree (256 at");
        config.dtb_gpa = RAM + 6 * MIB;
        config.initrd_gpa = RAM + into_kernel[i];
        expect_refusal("kernel (3145728 bytes at 0x40200000) and initrd (5000 at");
        config.initrd_gpa = RAM + 8 * MIB;
    }
    config.initrd_gpa = RAM + 6 * MIB - 4999;
    expect_refusal("device tree (256 bytes at 0x40600000) and initrd");
    config.initrd_gpa = RAM + 2 * MIB - 1;
    expect_refusal("overlap");
}

static void wrong_device_trees(void **state)
{
    (void)state;
    put32_big_endian(dtb, 0xedfe0dd0);
    expect_refusal("compile it with dtc");
    fill_images();
    config.dtb.size_bytes = 39;
    expect_refusal("no flattened device tree (39 bytes)");
    config.dtb.size_bytes = 0;
    expect_refusal("no flattened device tree");
    config.dtb.size_bytes = 255;
    expect_refusal("says 256 bytes, there are 255");
    config.dtb.size_bytes = 256;
    put32_big_endian(dtb + 4, 39);
    expect_refusal("says 39 bytes");
    put32_big_endian(dtb + 4, 0xffffffff);
    expect_refusal("says 4294967295 bytes");
    fill_images();
    config.dtb_gpa += 4;
    expect_refusal("multiple of 8");
    config.dtb_gpa -= 4;
    config.dtb.size_bytes = 2 * MIB + 1;
    expect_refusal("2 MiB");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(loads_all),      TEST(text_offset),
        TEST(without_initrd), TEST(side_by_side),
        TEST(wrong_kernels),  TEST(impossible_text_offsets),
        TEST(huge_kernels),   cmocka_unit_test_teardown(outside_ram, teardown),
        TEST(overlaps),       TEST(wrong_device_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
