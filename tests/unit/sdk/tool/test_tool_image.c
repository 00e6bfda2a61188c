/* SPDX-License-Identifier: BSD-2-Clause */
/* What the image says of itself: threads, channels, interrupts, memory to clear, variables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sdk/tool/tool_fixture.h"
#include <stdlib.h>
#include <string.h>

#define PROGRAM "<program_image path='p.elf' />"

static const char system_text[] =
    "<memory_region name='ring' size='0x2000' />"
    "<memory_region name='guest_ram' size='0x1000000' />"
    "<memory_region name='fixed' size='0x10_000' phys_addr='0x50000000' />"
    "<memory_region name='device' size='0x1000' phys_addr='0x9010000' />"
    "<memory_region name='images' prefill_path='file.bin' />"
    "<memory_region name='padded' size='0x200000' page_size='0x200000' prefill_path='file.bin' />"
    "<protection_domain name='driver' priority='100' budget='100' period='10000' smc='true'>"
    "  " PROGRAM "  <map mr='ring' vaddr='0x1000000' setvar_vaddr='var_a' setvar_size='var_b' />"
    "  <map mr='device' vaddr='0x2000000' perms='rw' cached='false' />"
    "  <irq irq='33' id='5' setvar_id='var_c' />"
    "  <irq irq='30' id='61' trigger='edge' />"
    "  <setvar symbol='var_d' region_paddr='fixed' />"
    "</protection_domain>"
    "<protection_domain name='vmm' priority='50' passive='true'>" PROGRAM
    "  <protection_domain name='child' priority='40' id='7'>" PROGRAM "</protection_domain>"
    "  <virtual_machine name='guest' priority='30' budget='2000'>"
    "    <vcpu id='0' /><vcpu id='1' cpu='0' />"
    "    <map mr='guest_ram' vaddr='0x40000000' perms='rwx' />"
    "  </virtual_machine>"
    "  <map mr='guest_ram' vaddr='0x40000000' />"
    "  <map mr='ring' vaddr='0x1000000' perms='r' />"
    "</protection_domain>"
    "<channel><end pd='vmm' id='3' pp='true' /><end pd='driver' id='9' /></channel>"
    "<channel><end pd='child' id='0' notify='false' /><end pd='vmm' id='60' /></channel>";

static struct build built;

static int setup(void **state)
{
    if (fixture_setup(state) != 0) {
        return -1;
    }
    fixture_build_good(&built, system_text);
    return 0;
}

static int teardown(void **state)
{
    build_free(&built);
    return fixture_teardown(state);
}

static const struct region *region(const char *name)
{
    return &built.system.regions[model_find(&built.system, NAME_REGION, name)->index];
}

/* A variable of a PD's program, by its address there. */
static uint64_t variable(unsigned pd, uint64_t vaddr)
{
    uint64_t root = fixture_threads(&built)[pd].space & 0xfffffffff000;
    uint64_t value;

    memcpy(&value, fixture_at(&built, fixture_walk(&built, root, vaddr).paddr), sizeof value);
    return value;
}

static void info(void **state)
{
    const struct image_info *i = fixture_info(&built);

    (void)state;
    assert_int_equal(i->magic, IMAGE_MAGIC);
    assert_int_equal(i->num_threads, 5);
    assert_int_equal(i->num_irqs, 2);
    assert_int_equal(i->objects_vaddr % 64, 0);
    const uint8_t *objects = fixture_at(&built, i->objects_vaddr);
    for (unsigned byte = 0; byte < 5 * FIXTURE_THREAD; byte++) {
        assert_int_equal(objects[byte], 0);
    }
    assert_int_equal(built.image_bytes % 0x1000, 0);
    assert_memory_equal(built.image + 0x2000, "data", 4); /* the kernel, in its place */
    assert_int_equal(i->reserved, 0);
}

static void threads(void **state)
{
    const struct image_thread *t = fixture_threads(&built);

    (void)state;
    assert_string_equal(t[0].name, "driver");
    assert_int_equal(t[0].kind, IMAGE_PD);
    assert_int_equal(t[0].priority, 100);
    assert_int_equal(t[0].budget_us, 100);
    assert_int_equal(t[0].period_us, 10000);
    assert_int_equal(t[0].flags, IMAGE_SMC | IMAGE_PTIMER);
    assert_int_equal(t[0].parent, IMAGE_NONE);
    assert_int_equal(t[0].entry_vaddr, 0x200000);
    assert_int_equal(t[0].stack_vaddr, IMAGE_STACK_TOP_VADDR);
    assert_string_equal(t[1].name, "vmm");
    assert_int_equal(t[1].flags, IMAGE_PASSIVE);
    assert_int_equal(t[1].budget_us, 1000);
    assert_int_equal(t[1].period_us, 1000);
    assert_string_equal(t[2].name, "child");
    assert_int_equal(t[2].parent, 1);
    assert_int_equal(t[2].id, 7);
    assert_int_equal(t[1].child[7], 2);
    assert_int_equal(t[1].child[6], IMAGE_NONE);
    for (unsigned i = 3; i < 5; i++) {
        assert_string_equal(t[i].name, "guest");
        assert_int_equal(t[i].kind, IMAGE_VCPU);
        assert_int_equal(t[i].priority, 30);
        assert_int_equal(t[i].period_us, 2000);
        assert_int_equal(t[i].parent, 1);
        assert_int_equal(t[i].id, i - 3);
        assert_int_equal(t[1].vcpu[i - 3], i);
        assert_int_equal(t[i].entry_vaddr, 0);
        assert_int_equal(t[i].stack_vaddr, 0);
    }
    assert_int_equal(t[1].vcpu[2], IMAGE_NONE);
    assert_int_equal(t[0].vcpu[0], IMAGE_NONE);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(t[i].frame_paddr % 0x1000, 0);
        for (unsigned j = 0; j < i; j++) {
            assert_true(t[i].frame_paddr != t[j].frame_paddr);
        }
    }
}

static void check_channel(unsigned thread, unsigned id, unsigned flags, unsigned peer,
                          unsigned peer_channel)
{
    const struct image_channel *c = &fixture_threads(&built)[thread].channel[id];

    assert_int_equal(c->flags, flags);
    assert_int_equal(c->peer, peer);
    assert_int_equal(c->peer_channel, peer_channel);
}

static void channels(void **state)
{
    (void)state;
    check_channel(1, 3, IMAGE_MAY_NOTIFY | IMAGE_MAY_CALL, 0, 9);
    check_channel(0, 9, IMAGE_MAY_NOTIFY, 1, 3);
    check_channel(2, 0, 0, 1, 60);
    check_channel(1, 60, IMAGE_MAY_NOTIFY, 2, 0);
    check_channel(0, 5, IMAGE_IRQ, 0, 0);
    check_channel(0, 61, IMAGE_IRQ, 1, 0);
    check_channel(0, 0, 0, 0, 0);
}

static void irqs(void **state)
{
    const struct image_irq *irq = fixture_at(&built, fixture_info(&built)->irqs_vaddr);

    (void)state;
    assert_int_equal(irq[0].intid, 33);
    assert_int_equal(irq[0].thread, 0);
    assert_int_equal(irq[0].channel, 5);
    assert_int_equal(irq[0].edge, 0);
    assert_int_equal(irq[1].intid, 26); /* 30 is another one here */
    assert_int_equal(irq[1].channel, 61);
    assert_int_equal(irq[1].edge, 1);
}

static void variables(void **state)
{
    uint64_t root = fixture_threads(&built)[2].space & 0xfffffffff000;

    (void)state;
    assert_string_equal(fixture_at(&built, fixture_walk(&built, root, 0x202010).paddr), "child");
    assert_int_equal(variable(0, 0x202080) & 0xff, 0);
    assert_int_equal(variable(1, 0x202080) & 0xff, 1);
    assert_int_equal(variable(0, 0x202090), 1ul << 5 | 1ul << 61);
    assert_int_equal(variable(0, 0x202098), 1ul << 9);
    assert_int_equal(variable(1, 0x202098), 1ul << 3 | 1ul << 60);
    assert_int_equal(variable(1, 0x2020a0), 1ul << 3);
    assert_int_equal(variable(2, 0x202098), 0);
    assert_int_equal(variable(0, 0x2020b0), 0x1000000);
    assert_int_equal(variable(0, 0x2020b8), 0x2000);
    assert_int_equal(variable(0, 0x2020c0), 5);
    assert_int_equal(variable(0, 0x203100), 0x50000000);
    assert_int_equal(variable(1, 0x2020b0), 0);
}

static void prefilled(void **state)
{
    const struct region *images = region("images"), *padded = region("padded");

    (void)state;
    assert_int_equal(images->size, 0x2000); /* the file's size, in pages */
    assert_int_equal(padded->paddr % 0x200000, 0);
    const uint8_t *bytes = fixture_at(&built, padded->paddr);
    for (unsigned i = 0; i < 5000; i++) {
        assert_int_equal(bytes[i], 0x5a);
    }
    assert_int_equal(bytes[5000], 0);
    assert_int_equal(bytes[0x1fffff], 0);
    assert_memory_equal(fixture_at(&built, images->paddr), bytes, 0x2000);
}

static bool is_cleared(const struct region *r)
{
    const struct image_info *i = fixture_info(&built);
    const struct image_range *zero = fixture_at(&built, i->zero_vaddr);

    for (unsigned n = 0; n < i->num_zero; n++) {
        if (r->paddr >= zero[n].base_paddr &&
            r->paddr + r->size <= zero[n].base_paddr + zero[n].size_bytes) {
            return true;
        }
    }
    return false;
}

static void memory_to_clear(void **state)
{
    const struct image_info *info = fixture_info(&built);
    const struct image_range *zero = fixture_at(&built, info->zero_vaddr);
    uint64_t sum = 0;

    (void)state;
    assert_true(is_cleared(region("ring")));
    assert_true(is_cleared(region("guest_ram")));
    assert_true(is_cleared(region("fixed")));
    assert_false(is_cleared(region("device")));
    assert_false(is_cleared(region("images")));
    for (unsigned i = 0; i < info->num_zero; i++) {
        assert_int_equal(zero[i].base_paddr % 0x1000, 0);
        assert_int_equal(zero[i].size_bytes % 0x1000, 0);
        assert_true(zero[i].base_paddr + zero[i].size_bytes <= FIXTURE_LOAD ||
                    zero[i].base_paddr >= FIXTURE_LOAD + built.image_bytes);
        assert_true(i == 0 || zero[i].base_paddr > zero[i - 1].base_paddr + zero[i - 1].size_bytes);
        sum += zero[i].size_bytes;
    }
    assert_int_equal(sum, 0x2000 + 0x1000000 + 0x10000);
}

static void regions_are_apart(void **state)
{
    (void)state;
    for (unsigned i = 1; i < built.layout.num_parts; i++) {
        const struct layout_part *low = &built.layout.parts[i - 1], *high = low + 1;
        assert_true(low->base + low->bytes <= high->base);
    }
    assert_int_equal(region("guest_ram")->paddr % 0x200000, 0);
}

/* A region without phys_addr stays in what the board is sure to have. */
static void sure_ram_only(void **state)
{
    static const char text[] =
        "<memory_region name='m' size='0x20000000' />"
        "<protection_domain name='a' priority='1'>" PROGRAM "</protection_domain>";
    struct kernel_info board = fixture_board();
    struct build other;
    struct error error;

    (void)state;
    board.load_paddr = 0x40000000;
    board.min_ram_bytes = 0x20000000;
    board.ram[0].size_bytes = 0x100000000;
    fixture_write_kernel(&board);
    assert_false(fixture_build(&other, text, &error));
    assert_non_null(strstr(error.text, "memory is exhausted"));
    build_free(&other);
    board.min_ram_bytes = 0x40000000;
    fixture_write_kernel(&board);
    assert_true(fixture_build(&other, text, &error));
    assert_in_range(other.system.regions[0].paddr, 0x40000000, 0x60000000);
    build_free(&other);
    board = fixture_board();
    fixture_write_kernel(&board);
}

static void same_input_same_image(void **state)
{
    struct build other;

    (void)state;
    fixture_build_good(&other, system_text);
    assert_int_equal(other.image_bytes, built.image_bytes);
    assert_memory_equal(other.image, built.image, built.image_bytes);
    build_free(&other);
}

static void search_paths(void **state)
{
    const char *folders[] = { "/nowhere", "." };
    struct load_paths paths = { folders, 2 };
    struct error error = { .file = "test.system" };
    struct build other;

    (void)state;
    assert_true(build_run(&other, "test.system", "kernel.elf", &paths, &error));
    build_free(&other);
}

static void report(void **state)
{
    static const char *const wanted[] = {
        "PROTECTION DOMAIN driver\n  program p.elf\n",
        "priority 100, 100 us of each 10000 us, may call the firmware (SMC)",
        "child 7 of vmm, which gets its faults",
        "channel 3: notifies and calls driver (its channel 9)",
        "channel 0: hears vmm (its channel 60)",
        "channel 61: interrupt 30, edge (INTID 26 here; the PD has the physical timer)",
        "VIRTUAL MACHINE guest\n  run by vmm; vCPUs: 0 1\n",
        "  ring (8 KiB):  driver rw-  vmm r--\n",
        "  guest_ram (16 MiB):  guest guest rwx  vmm rw-\n",
        "  device (4 KiB, device):  driver rw-\n",
        "  0x0050000000      64 KiB  region fixed\n",
    };
    /* A stranger reads these first. */
    static const char begins[] = "SUMMARY\n"
                                 "  system              test.system\n"
                                 "  board               a board, configuration debug\n"
                                 "  image               ";
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    (void)state;
    assert_non_null(out);
    report_write(&built, "test.system", "debug", out);
    fclose(out);
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        if (!strstr(text, wanted[i])) {
            fail_msg("not in the report: %s\n%s", wanted[i], text);
        }
    }
    assert_memory_equal(text, begins, sizeof begins - 1);
    assert_non_null(strstr(text, "\n  RAM                 1024 MiB that each such board has: "));
    assert_non_null(strstr(text, "\nHOW TO READ THIS\n"));
    assert_true(strstr(text, "HOW TO READ THIS") < strstr(text, "\nIMAGE\n"));
    assert_null(strstr(text, "No IOMMU"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(info),
        cmocka_unit_test(threads),
        cmocka_unit_test(channels),
        cmocka_unit_test(irqs),
        cmocka_unit_test(variables),
        cmocka_unit_test(prefilled),
        cmocka_unit_test(memory_to_clear),
        cmocka_unit_test(regions_are_apart),
        cmocka_unit_test(sure_ram_only),
        cmocka_unit_test(same_input_same_image),
        cmocka_unit_test(search_paths),
        cmocka_unit_test(report),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
