/* SPDX-License-Identifier: BSD-2-Clause */
/* Walks the built tables as the MMU would, and checks where they lead and with what rights. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sdk/tool/tool_fixture.h"
#include <string.h>

/* Stage 1 (DDI 0487 D8.3.2). */
#define AF          (1ul << 10)
#define SH_INNER    (3ul << 8)
#define NG          (1ul << 11)
#define PXN         (1ul << 53)
#define UXN         (1ul << 54)
#define AP_EL0      (1ul << 6)
#define AP_RO       (1ul << 7)
#define NORMAL      (1ul << 2)
#define LOW         3ul /* valid, page */
#define BLOCK       1ul

#define KERNEL      (AF | SH_INNER | NORMAL)
#define USER        (KERNEL | NG | PXN | AP_EL0)
#define ADDRESS     0xfffffffff000ul
#define ROOT(space) ((space)&ADDRESS)

static const char system_text[] =
    "<memory_region name='ram' size='0x4000000' page_size='0x200000' />"
    "<memory_region name='small' size='0x3000' />"
    "<memory_region name='large' size='0x400000' />"
    "<memory_region name='uart' size='0x1000' phys_addr='0x9000000' />"
    "<memory_region name='gicv' size='0x1000' phys_addr='0x8040000' />"
    "<memory_region name='images' prefill_path='file.bin' />"
    "<protection_domain name='vmm' priority='10' stack_size='0x4000'>"
    "  <program_image path='p.elf' />"
    "  <map mr='ram' vaddr='0x40000000' perms='rw' />"
    "  <map mr='small' vaddr='0x1000000' perms='r' cached='false' />"
    "  <map mr='uart' vaddr='0x2000000' perms='rw' />"
    "  <map mr='images' vaddr='0x3000000' perms='r' />"
    "  <virtual_machine name='guest' priority='5'>"
    "    <vcpu id='0' /><vcpu id='3' />"
    "    <map mr='ram' vaddr='0x80000000' perms='rwx' />"
    "    <map mr='gicv' vaddr='0x8010000' perms='rw' />"
    "    <map mr='images' vaddr='0x90000000' perms='r' />"
    "  </virtual_machine>"
    "</protection_domain>"
    "<protection_domain name='other' priority='11'>"
    "  <program_image path='p.elf' />"
    "  <map mr='small' vaddr='0x1000000' perms='rx' />"
    "  <map mr='large' vaddr='0x6000000' perms='rw' />"
    "</protection_domain>";

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

static uint64_t region_paddr(const char *name)
{
    return built.system.regions[model_find(&built.system, NAME_REGION, name)->index].paddr;
}

/* The tables lead from vaddr to paddr with exactly these attributes and this page size. */
static void check(uint64_t root, uint64_t vaddr, uint64_t paddr, uint64_t bytes,
                  uint64_t attributes)
{
    struct fixture_leaf leaf = fixture_walk(&built, ROOT(root), vaddr);

    assert_int_equal(leaf.paddr, paddr);
    assert_int_equal(leaf.bytes, bytes);
    assert_int_equal(leaf.descriptor & ~ADDRESS, attributes);
}

static void check_unmapped(uint64_t root, uint64_t vaddr)
{
    assert_int_equal(fixture_walk(&built, ROOT(root), vaddr).descriptor, 0);
}

static void programs(void **state)
{
    const struct image_thread *threads = fixture_threads(&built);
    const struct elf *elf = &built.system.pds[0].elf;
    uint64_t space = threads[0].space;

    (void)state;
    check(space, 0x200000, elf->segments[0].paddr, 0x1000, USER | AP_RO | LOW);
    check(space, 0x201008, elf->segments[1].paddr + 8, 0x1000, USER | AP_RO | UXN | LOW);
    check(space, 0x203123, elf->segments[2].paddr + 0x1123, 0x1000, USER | UXN | LOW);
    check(space, 0x204000, threads[0].frame_paddr, 0x1000, USER | UXN | LOW);
    check_unmapped(space, 0x205000);
    check_unmapped(space, 0);
    assert_memory_equal(fixture_at(&built, elf->segments[1].paddr), "rodata", 6);
    /* The two PDs have programs of their own, though of one file. */
    assert_true(fixture_walk(&built, ROOT(threads[1].space), 0x202000).paddr !=
                fixture_walk(&built, ROOT(space), 0x202000).paddr);
}

static void stacks_and_frames(void **state)
{
    const struct image_thread *threads = fixture_threads(&built);
    uint64_t space = threads[0].space, top = threads[0].stack_vaddr;

    (void)state;
    assert_int_equal(top, IMAGE_STACK_TOP_VADDR);
    for (uint64_t below = 8; below < 0x4000; below += 0x1000) {
        check(space, top - below, built.system.pds[0].stack_paddr + 0x4000 - below, 0x1000,
              USER | UXN | LOW);
    }
    check_unmapped(space, top);
    check_unmapped(space, top - 0x4000 - 8);
    check_unmapped(threads[1].space, top - 0x2000 - 8);
    check(space, IMAGE_VCPU_FRAME_VADDR(0), threads[2].frame_paddr, 0x1000, USER | UXN | LOW);
    check(space, IMAGE_VCPU_FRAME_VADDR(3), threads[3].frame_paddr, 0x1000, USER | UXN | LOW);
    check_unmapped(space, IMAGE_VCPU_FRAME_VADDR(1));
    check_unmapped(threads[1].space, IMAGE_VCPU_FRAME_VADDR(0));
}

static void regions_of_pds(void **state)
{
    const struct image_thread *threads = fixture_threads(&built);
    uint64_t space = threads[0].space, ram = region_paddr("ram");

    (void)state;
    check(space, 0x40000000, ram, 0x200000, USER | UXN | BLOCK);
    check(space, 0x43ffffff, ram + 0x3ffffff, 0x200000, USER | UXN | BLOCK);
    check_unmapped(space, 0x44000000);
    check(space, 0x1002000, region_paddr("small") + 0x2000, 0x1000,
          (USER & ~NORMAL) | AP_RO | UXN | LOW);
    check(space, 0x2000000, 0x9000000, 0x1000, (USER & ~NORMAL) | UXN | LOW);
    check(space, 0x3001000, region_paddr("images") + 0x1000, 0x1000, USER | AP_RO | UXN | LOW);
    check_unmapped(space, 0x3002000);
    check(threads[1].space, 0x1000000, region_paddr("small"), 0x1000, USER | AP_RO | LOW);
    /* No page size given, and all addresses allow large pages: so they are. */
    check(threads[1].space, 0x6200000, region_paddr("large") + 0x200000, 0x200000,
          USER | UXN | BLOCK);
    check_unmapped(threads[1].space, 0x40000000);
}

static void regions_of_guests(void **state)
{
    const struct image_thread *threads = fixture_threads(&built);
    uint64_t space = threads[2].space;
    const uint64_t normal = AF | SH_INNER | 0xful << 2;

    (void)state;
    /* Stage 2 (DDI 0487 D8.3.3): MemAttr bits 5:2, S2AP bits 7:6, XN bits 54:53. */
    check(space, 0x80000000, region_paddr("ram"), 0x200000, normal | 3ul << 6 | BLOCK);
    check(space, 0x90000000, region_paddr("images"), 0x1000, normal | 1ul << 6 | UXN | LOW);
    check(space, 0x8010000, 0x8040000, 0x1000, AF | SH_INNER | 1ul << 2 | 3ul << 6 | UXN | LOW);
    check_unmapped(space, 0x40000000);
    check_unmapped(space, 0x8011000);
    check_unmapped(space, 0);
}

static void space_numbers(void **state)
{
    const struct image_thread *threads = fixture_threads(&built);

    (void)state;
    assert_int_equal(threads[0].space >> 48, 1);
    assert_int_equal(threads[1].space >> 48, 2);
    assert_int_equal(threads[2].space >> 48, 1);
    assert_int_equal(threads[3].space, threads[2].space);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(threads[i].space % 0x1000, 0);
    }
}

static void kernel_window(void **state)
{
    uint64_t root = fixture_info(&built)->kernel_ttbr1;
    const uint64_t data = KERNEL | PXN | UXN, device = AF | PXN | UXN | LOW;

    (void)state;
    /* Its own segments, a page each: text, data with bss, read-only data. */
    for (uint64_t at = 0; at < 0x2000; at += 0x1000) {
        check(root, FIXTURE_OFFSET + FIXTURE_LOAD + at, FIXTURE_LOAD + at, 0x1000,
              KERNEL | UXN | AP_RO | LOW);
    }
    for (uint64_t at = 0x2000; at < 0x6000; at += 0x1000) {
        check(root, FIXTURE_OFFSET + FIXTURE_LOAD + at, FIXTURE_LOAD + at, 0x1000, data | LOW);
    }
    check(root, FIXTURE_OFFSET + FIXTURE_LOAD + 0x6000, FIXTURE_LOAD + 0x6000, 0x1000,
          data | AP_RO | LOW);
    /* The RAM around them, in pages and then in blocks. */
    check(root, FIXTURE_OFFSET + FIXTURE_LOAD + 0x7000, FIXTURE_LOAD + 0x7000, 0x1000, data | LOW);
    check(root, FIXTURE_OFFSET + FIXTURE_LOAD - 1, FIXTURE_LOAD - 1, 0x200000, data | BLOCK);
    check(root, FIXTURE_OFFSET + 0x40000000, 0x40000000, 0x200000, data | BLOCK);
    check(root, FIXTURE_OFFSET + 0x7fffffff, 0x7fffffff, 0x200000, data | BLOCK);
    check_unmapped(root, FIXTURE_OFFSET + 0x80000000);
    check_unmapped(root, FIXTURE_OFFSET + 0x3fffffff);
    check(root, FIXTURE_OFFSET + 0x8000000, 0x8000000, 0x1000, device);
    check(root, FIXTURE_OFFSET + 0x8011000, 0x8011000, 0x1000, device);
    check(root, FIXTURE_OFFSET + 0x9000000, 0x9000000, 0x1000, device);
    check_unmapped(root, FIXTURE_OFFSET + 0x8001000);
    check_unmapped(root, FIXTURE_OFFSET);
}

static void boot_and_idle(void **state)
{
    const struct image_info *info = fixture_info(&built);
    const uint64_t *idle = fixture_at(&built, info->idle_ttbr0);

    (void)state;
    check(info->boot_ttbr0, FIXTURE_LOAD, FIXTURE_LOAD, 0x1000, KERNEL | NG | UXN | AP_RO | LOW);
    check(info->boot_ttbr0, FIXTURE_LOAD + 0x2000, FIXTURE_LOAD + 0x2000, 0x1000,
          KERNEL | NG | UXN | PXN | LOW);
    check_unmapped(info->boot_ttbr0, FIXTURE_LOAD + 0x7000);
    for (unsigned i = 0; i < 512; i++) {
        assert_int_equal(idle[i], 0);
    }
}

/* Visits the leaves below a table; levels 1 to 3. Returns how many there are. */
static unsigned check_leaves(uint64_t table_paddr, unsigned level, uint64_t low, uint64_t high)
{
    const uint64_t *table = fixture_at(&built, table_paddr);
    unsigned leaves = 0;

    for (unsigned i = 0; i < 512; i++) {
        uint64_t address = table[i] & ADDRESS;
        if (!(table[i] & 1)) {
            continue;
        }
        if (level < 3 && (table[i] & 2)) {
            leaves += check_leaves(address, level + 1, low, high);
            continue;
        }
        uint64_t bytes = 1ul << (39 - 9 * level);
        assert_true(address >= high || address + bytes <= low);
        leaves++;
    }
    return leaves;
}

/* No PD and no guest reaches the kernel, its objects or any table. */
static void nothing_maps_the_kernel(void **state)
{
    const struct image_thread *threads = fixture_threads(&built);
    const struct layout *l = &built.layout;
    uint64_t end = l->tables_paddr + built.tables.num_pages * 0x1000ul;

    (void)state;
    /* vmm: 4 program, IPC, 4 stack, 2 frames, 32 + 3 + 1 + 2 regions; other: 4, 1, 2, 3, 2. */
    assert_int_equal(check_leaves(ROOT(threads[0].space), 1, FIXTURE_LOAD, end), 49);
    assert_int_equal(check_leaves(ROOT(threads[1].space), 1, FIXTURE_LOAD, end), 12);
    assert_int_equal(check_leaves(ROOT(threads[2].space), 1, FIXTURE_LOAD, end), 35);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs),       cmocka_unit_test(stacks_and_frames),
        cmocka_unit_test(regions_of_pds), cmocka_unit_test(regions_of_guests),
        cmocka_unit_test(space_numbers),  cmocka_unit_test(kernel_window),
        cmocka_unit_test(boot_and_idle),  cmocka_unit_test(nothing_maps_the_kernel),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
