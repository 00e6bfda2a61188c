/* SPDX-License-Identifier: BSD-2-Clause */
/* Each mistake has its message, with its line and its remedy. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sdk/tool/tool_fixture.h"
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A PD, with an attribute or so more and with contents. */
#define PD(name, more, inside)                                                                     \
    "<protection_domain name='" name "' priority='10' " more                                       \
    "><program_image path='p.elf' />" inside "</protection_domain>\n"
#define A(inside)           PD("a", "", inside)
#define MR(name, more)      "<memory_region name='" name "' " more " />\n"
#define CHANNEL(one, other) "<channel><end " one " /><end " other " /></channel>\n"
#define VM(more, inside)    "<virtual_machine name='g' " more ">" inside "</virtual_machine>"

struct mistake {
    const char *xml; /* after <system>, so the first line is 1 */
    unsigned line;
    const char *text;
};

static const struct mistake mistakes[] = {
    /* XML */
    { "<protection_domain>", 1, "it" },
    { "\n\n</wrong>", 3, "mismatched tag; correct the markup" },
    { "\nwords", 2, "there is text here; take it out" },
    /* elements and attributes */
    { "\n<thing />", 2, "unknown element \"thing\" in system; it may hold: memory_region" },
    { "<map mr='a' vaddr='0' />", 1, "unknown element \"map\" in system" },
    { A("\n<vcpu id='0' />"), 2,
      "unknown element \"vcpu\" in protection_domain; it may hold: "
      "protection_domain program_image map irq setvar virtual_machine" },
    { A("\n<irq irq='33' id='1'><map /></irq>"), 2,
      "unknown element \"map\" in irq; it may hold: "
      "nothing" },
    { MR("m", "colour='red'"), 1,
      "unknown attribute \"colour\" of memory_region; it may have: "
      "name size page_size phys_addr prefill_path" },
    { "<channel id='1' />", 1, "unknown attribute \"id\" of channel; it may have: none" },
    { "<protection_domain name='a' />", 1, "protection_domain has no attribute \"priority\"; add" },
    { MR("m", ""), 1, "memory_region \"m\" has no size; give size or prefill_path" },
    { A("\n<map mr='m' />"), 2, "map has no attribute \"vaddr\"" },
    { "<protection_domain name='a' priority='1' />\n", 1, "has no program; add <program_image" },
    { A("\n<program_image path='p.elf' />"), 2, "second program_image" },
    { A("\n" VM("", "")), 2, "virtual_machine \"g\" has no vcpu; add <vcpu" },
    { A("\n" VM("", "<vcpu id='0' />") "\n" VM("", "")), 3, "second virtual_machine" },
    { "<channel>\n<end pd='a' id='1' />\n</channel>" A(""), 1, "fewer than two ends" },
    { "<channel><end pd='a' id='1' /><end pd='b' id='1' />\n<end pd='c' id='1' /></channel>", 2,
      "third end" },
    /* numbers and words */
    { MR("m", "size='big'"), 1, "size=\"big\" is not a number; write it like 4096" },
    { MR("m", "size='0x'"), 1, "is not a number" },
    { MR("m", "size='-1'"), 1, "is not a number" },
    { MR("m", "size=''"), 1, "is not a number" },
    { MR("m", "size='0x10000000000000000'"), 1, "is not a number" },
    { MR("m", "size='0'"), 1, "size=\"0\" is out of range; it must be 1 to" },
    { PD("a", "stack_size='0x1001'", ""), 1, "stack_size=\"0x1001\" is not a multiple" },
    { PD("a", "stack_size='0x2000000'", ""), 1, "out of range; it must be 4096 to 16777216" },
    { "<protection_domain name='a' priority='255' />", 1, "must be 0 to 254" },
    { PD("a", "budget='0'", ""), 1, "budget=\"0\" is out of range" },
    { PD("a", "budget='2000' period='1000'", ""), 1,
      "the budget (2000 us) is more than the period"
      " (1000 us)" },
    { PD("a", "passive='yes'", ""), 1, "must be \"true\" or \"false\"" },
    { PD("a", "cpu='1'", ""), 1, "cpu=\"1\": this kernel runs on one core" },
    { A("\n<irq irq='33' id='62' />"), 2, "id=\"62\" is out of range; it must be 0 to 61" },
    { A("\n<irq irq='33' id='1' trigger='rising' />"), 2, "must be \"level\" or \"edge\"" },
    { A(VM("", "\n<vcpu id='8' />")), 2, "must be 0 to 7" },
    { CHANNEL("pd='a' id='62'", "pd='b' id='1'"), 1, "must be 0 to 61" },
    { MR("m", "size='0x1000' page_size='0x4000'"), 1, "must be 0x1000 or 0x200000" },
    { MR("m", "size='0x1000'") A("\n<map mr='m' vaddr='0x1000' perms='w' />"), 3,
      "cannot be had without reading; add r" },
    { MR("m", "size='0x1000'") A("\n<map mr='m' vaddr='0x1000' perms='' />"), 3, "add r" },
    { MR("m", "size='0x1000'") A("\n<map mr='m' vaddr='0x1000' perms='rr' />"), 3,
      "use each of r, w, x at most once" },
    { MR("m", "size='0x1000'") A("\n<map mr='m' vaddr='0x1000' perms='rwx' />"), 3,
      "may not be writable and executable in a protection domain" },
    { MR("", "size='0x1000'"), 1, "wrong length; it must have 1 to 63 bytes" },
    { PD("0123456789012345678901234567890123456789012345678901234567890123", "", ""), 1,
      "wrong length" },
    /* names and ids */
    { MR("m", "size='0x1000'") MR("m", "size='0x1000'"), 2,
      "memory_region \"m\" exists already, in line 1; give it another name" },
    { A("") A(""), 2, "protection_domain \"a\" exists already, in line 1" },
    { A(VM("", "<vcpu id='0' />")) PD("b", "", VM("", "<vcpu id='0' />")), 2,
      "virtual_machine \"g\" exists already" },
    { A("\n<map mr='m' vaddr='0x1000' />"), 2, "there is no memory_region \"m\"; declare it" },
    { A("\n<setvar symbol='var_a' region_paddr='m' />"), 2, "there is no memory_region \"m\"" },
    { A("") "<channel><end pd='a' id='1' />\n<end pd='b' id='1' /></channel>", 3,
      "there is no protection_domain \"b\"" },
    { A("") CHANNEL("pd='a' id='1'", "pd='a' id='2'"), 2, "joins \"a\" with itself" },
    { A("") PD("b", "", "") CHANNEL("pd='a' id='1'", "pd='b' id='1'")
          CHANNEL("pd='a' id='1'", "pd='b' id='1'"),
      4, "channel id 1 of protection_domain \"a\" is taken by line 3" },
    { A("<irq irq='33' id='1' />") PD("b", "", "") CHANNEL("pd='b' id='1'", "pd='a' id='1'"), 3,
      "channel id 1 of protection_domain \"a\" is taken by line 1; choose another" },
    { A("<irq irq='33' id='1' />\n<irq irq='34' id='1' />"), 2, "is taken by line 1" },
    { A(PD("b", "id='1'", "") PD("c", "id='1'", "")), 2,
      "child id 1 of protection_domain \"a\" is taken by line 1" },
    { A(VM("", "<vcpu id='2' />\n<vcpu id='2' />")), 2, "child id 2" },
    { A(VM("", "\n<vcpu id='2' />") "\n" PD("b", "id='2'", "")), 2, "child id 2" },
    { PD("a", "id='1'", ""), 1, "has an id but no parent; leave id out" },
    { A("\n" PD("b", "", "")), 2, "is a child without an id; give it one" },
    { A("<irq irq='33' id='1' setvar_id='var_a' />\n<irq irq='34' id='2' setvar_id='var_a' />"), 2,
      "symbol \"var_a\" is set already, in line 1" },
    { A("") PD("b", "", "") CHANNEL("pd='a' id='1' pp='true'", "pd='b' id='1'"), 3,
      "\"a\" (priority 10) may not call \"b\" (priority 10); the callee's priority must be "
      "higher" },
    /* regions and mappings */
    { MR("m", "size='0x1800'") A(""), 1,
      "the size of memory_region \"m\" is 0x1800; it must be a "
      "multiple of the page size, 0x1000" },
    { MR("m", "size='0x1000' page_size='0x200000'") A(""), 1, "page size, 0x200000" },
    { MR("m", "size='0x1000' phys_addr='0x10'") A(""), 1, "phys_addr 0x10 of memory_region \"m\"" },
    { MR("m", "size='0x2000' phys_addr='0xfffffffff000'") A(""), 1, "end below 2^48" },
    { MR("m", "size='0x1000'") A("\n<map mr='m' vaddr='0x1010' />"), 3,
      "vaddr 0x1010 is wrong for memory_region \"m\"; it must be a multiple" },
    { MR("m", "size='0x200000' page_size='0x200000'") A("\n<map mr='m' vaddr='0x1000' />"), 3,
      "0x200000" },
    { MR("m", "size='0x2000'") A("\n<map mr='m' vaddr='0x7efffff000' />"), 3,
      "goes too far; it must end at or below 0x7f00000000" },
    { MR("m", "size='0x2000'") A("\n<map mr='m' vaddr='0xfffffffffffff000' />"), 3, "too far" },
    { MR("m", "size='0x2000'") A(VM("", "<vcpu id='0' />\n<map mr='m' vaddr='0x7ffffff000' />")), 3,
      "0x8000000000" },
    { MR("m", "size='0x2000'")
          A("<map mr='m' vaddr='0x1000000' />\n<map mr='m' vaddr='0x1001000' />"),
      3,
      "the map of \"m\" (0x1001000 to 0x1002fff) overlaps the map of \"m\" (0x1000000 to "
      "0x1001fff) in protection_domain \"a\"; move one" },
    { MR("m", "size='0x2000'") A("\n<map mr='m' vaddr='0x202000' />"), 3,
      "overlaps a page of the program \"p.elf\"" },
    { MR("m", "size='0x2000'") A("\n<map mr='m' vaddr='0x204000' />"), 3,
      "overlaps the IPC buffer of \"p.elf\"" },
    { MR("m", "size='0x2000'")
          A(VM("", "<vcpu id='0' /><map mr='m' vaddr='0' />\n<map mr='m' vaddr='0x1000' />")),
      3, "in virtual_machine \"g\"" },
    { A(VM("", "<vcpu id='0' />\n<map mr='m' vaddr='0' setvar_size='x' />")), 2,
      "a virtual machine has no variables" },
    /* physical memory */
    { MR("m", "size='0x2000' phys_addr='0x9010000'") MR("n", "size='0x1000' phys_addr='0x9011000'")
          A(""),
      2, "memory_region \"n\" (0x9011000 to 0x9011fff) overlaps memory_region \"m\"" },
    { MR("m", "size='0x1000' phys_addr='0x8011000'") A(""), 1,
      "overlaps a device of \"the kernel" },
    { MR("m", "size='0x1000' phys_addr='0x70001000'") A(""), 1,
      "overlaps the place of \"the image" },
    { MR("m", "size='0x2000' phys_addr='0x3ffff000'") A(""), 1, "lies in RAM in part only" },
    { MR("m", "size='0x10000000'") MR("n", "size='0x40000000'") A(""), 2,
      "memory is exhausted: 256." },
    { MR("m", "size='0x10000000'") MR("n", "size='0x40000000'") A(""), 2,
      "the biggest regions are \"n\" 1024.0 MiB, \"m\" 256.0 MiB; make some smaller" },
    { MR("m", "size='0x38000000'") A(""), 1, "but in no piece that holds memory_region \"m\"" },
    { MR("m", "size='0x10000000' prefill_path='file.bin'") A(""), 0,
      "memory is exhausted: the image needs" },
    { MR("m", "size='0x4000000000' page_size='0x1000' phys_addr='0x800000000000'")
          A("<map mr='m' vaddr='0x10000000' />"),
      0, "the page tables would fill a quarter of the RAM" },
    /* interrupts */
    { A("\n<irq irq='288' id='1' />"), 2, "irq 288 does not exist; this board has 16 to 287" },
    { A("\n<irq irq='15' id='1' />"), 2, "irq 15 does not exist" },
    { A("\n<irq irq='27' id='1' />"), 2, "irq 27 belongs to the kernel" },
    { A("<irq irq='33' id='1' />\n<irq irq='33' id='2' />"), 2, "belongs to \"a\" already" },
    { A("<irq irq='30' id='1' />\n<irq irq='26' id='2' />"), 2, "belongs to \"a\" already" },
    /* files */
    { "<protection_domain name='a' priority='1'>\n<program_image path='no.elf' />"
      "</protection_domain>",
      2,
      "the file \"no.elf\" was not found; correct its path, or name its folder with "
      "--search-path" },
    { "<protection_domain name='a' priority='1'>\n<program_image path='/tmp' />"
      "</protection_domain>",
      2, "was not found" },
    { "<protection_domain name='a' priority='1'>\n<program_image path='file.bin' />"
      "</protection_domain>",
      2, "the program \"file.bin\" is not an ELF file" },
    { MR("m", "prefill_path='no.bin'") A(""), 1, "the file \"no.bin\" was not found" },
    { MR("m", "prefill_path='empty.bin'") A(""), 1, "the file \"empty.bin\" is empty" },
    { MR("m", "prefill_path='file.bin' size='0x1000'") A(""), 1,
      "the file file.bin has 5000 bytes, memory_region \"m\" 0x1000; make the region larger" },
    { MR("m", "prefill_path='file.bin' phys_addr='0x50000000'") A(""), 1, "leave phys_addr out" },
    /* symbols */
    { A("\n<setvar symbol='var_z' region_paddr='m' />") MR("m", "size='0x1000'"), 2,
      "the program \"p.elf\" has no symbol \"var_z\"; define it" },
    { A("\n<irq irq='33' id='1' setvar_id='small' />"), 2,
      "the symbol \"small\" of the program \"p.elf\" has no room for 8 bytes" },
    { "", 0, "the system has no protection_domain; add one" },
};

static void each_mistake(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        const struct mistake *m = &mistakes[i];
        char place[64];
        struct error error;
        struct build build;
        snprintf(place, sizeof place,
                 m->line ? "test.system:%u: error: " : "test.system: error: ", m->line);
        if (fixture_build(&build, m->xml, &error)) {
            fail_msg("this was taken for good: %s", m->xml);
        }
        if (strncmp(error.text, place, strlen(place)) != 0 || !strstr(error.text, m->text)) {
            fail_msg("%s\nsays: %s\nnot:  %s... %s", m->xml, error.text, place, m->text);
        }
        build_free(&build);
    }
}

static void expect_refused(const char *xml, const char *text)
{
    struct error error;
    struct build build;

    assert_false(fixture_build(&build, xml, &error));
    if (!strstr(error.text, text)) {
        fail_msg("says: %s\nnot:  %s", error.text, text);
    }
    build_free(&build);
}

static void too_many(void **state)
{
    char *xml = calloc(1, 100000), *at = xml;

    (void)state;
    assert_non_null(xml);
    for (int i = 0; i < 64; i++) {
        at += sprintf(at,
                      "<protection_domain name='p%d' priority='1'><program_image path='p.elf' "
                      "/></protection_domain>",
                      i);
    }
    expect_refused(xml, "there are more than 63 protection domains; put some together");
    at = xml;
    for (int i = 0; i < 9; i++) {
        at += sprintf(at,
                      "<protection_domain name='p%d' priority='1'><program_image path='p.elf' "
                      "/><virtual_machine name='g%d'>",
                      i, i);
        for (int j = 0; j < 8; j++) {
            at += sprintf(at, "<vcpu id='%d' />", j);
        }
        at += sprintf(at, "</virtual_machine></protection_domain>");
    }
    expect_refused(xml, "there are more than 64 vcpus");
    /* Nested as deep as can be: the stack of open elements holds it. */
    at = xml;
    for (int i = 0; i < 64; i++) {
        at += sprintf(at, "<protection_domain name='p%d' priority='1' %s>", i, i ? "id='1'" : "");
    }
    expect_refused(xml, "there are more than 63 protection domains");
    free(xml);
}

static void doctype_and_entities(void **state)
{
    static const char bomb[] = "<!DOCTYPE s [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;'>]>"
                               "<system>&b;</system>";
    struct error error = { .file = "x" };
    struct arena arena = { 0 };
    struct system system = { .arena = &arena, .error = &error };

    (void)state;
    assert_false(xml_parse(&system, bomb, sizeof bomb - 1));
    assert_non_null(strstr(error.text, "x:1: error: a document type is not supported"));
    arena_free(&arena);
}

/* The document's every prefix is refused without a fault, and so is each single byte changed,
 * unless it is still good. */
static void cut_and_damaged(void **state)
{
    static const char good[] =
        "<system><memory_region name='m' size='0x1_000' page_size='4096' />"
        "<protection_domain name='a' priority='3'><program_image path='p' />"
        "<map mr='m' vaddr='0x1000000' perms='rw' setvar_vaddr='v' /><irq irq='33' id='3' />"
        "<virtual_machine name='g'><vcpu id='1' /></virtual_machine></protection_domain>"
        "<protection_domain name='b' priority='4'><program_image path='p' /></protection_domain>"
        "<channel><end pd='a' id='1' pp='true' /><end pd='b' id='2' /></channel></system>";
    char copy[sizeof good];

    (void)state;
    for (size_t i = 0; i < 4 * sizeof good; i++) {
        struct error error = { .file = "x" };
        struct arena arena = { 0 };
        struct system system = { .arena = &arena, .error = &error };
        size_t size = i < sizeof good ? i : sizeof good - 1;
        memcpy(copy, good, sizeof good);
        if (i >= sizeof good) {
            copy[i % (sizeof good - 1)] ^= (char)(1 << (i / sizeof good));
        }
        bool is_good = xml_parse(&system, copy, size) && check_system(&system);
        assert_true(is_good == (error.text[0] == 0));
        if (i < sizeof good) {
            assert_true(is_good == (i == sizeof good - 1));
        }
        arena_free(&arena);
    }
}

static void expect_program_refused(struct fixture_elf *program, const char *text)
{
    fixture_write_elf("q.elf", program);
    expect_refused("<protection_domain name='a' priority='1'><program_image path='q.elf' />"
                   "</protection_domain>",
                   text);
}

static void wrong_programs(void **state)
{
    struct fixture_elf q = fixture_program();

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        q = fixture_program();
        const char *lost = q.symbols[i].name;
        q.symbols[i].name = "lost";
        char text[128];
        snprintf(text, sizeof text, "the program \"q.elf\" has no symbol \"%s\"", lost);
        expect_program_refused(&q, text);
    }
    q = fixture_program();
    q.symbols[10].name = "lost";
    expect_program_refused(&q, "has no symbol __sel4_ipc_buffer_obj; link it with microkit.ld");
    q = fixture_program();
    q.symbols[10].vaddr += 8;
    expect_program_refused(&q, "__sel4_ipc_buffer_obj at a wrong address");
    q = fixture_program();
    q.symbols[0].vaddr = 0x500000;
    expect_program_refused(&q, "the symbol \"microkit_name\" of the program \"q.elf\" has no room");
    q = fixture_program();
    q.segments[2].vaddr = IMAGE_USER_TOP_VADDR - 0x1000;
    expect_program_refused(&q, "has a segment outside of 0 to 0x7effffffff");
    q = fixture_program();
    q.entry = 0x202000;
    expect_program_refused(&q, "starts outside of its code");
    q = fixture_program();
    q.segments[1].vaddr = 0x200800;
    expect_program_refused(&q, "overlaps a page of the program");
    q = fixture_program();
    q.segments[0].flags = PF_R | PF_W | PF_X;
    expect_program_refused(&q, "test.system:1: error: the program \"q.elf\" has a segment that is "
                               "both writable and executable");
}

static void expect_kernel_refused(const struct kernel_info *info, const char *text)
{
    fixture_write_kernel(info);
    expect_refused(A(""), text);
}

static void wrong_kernels(void **state)
{
    struct kernel_info board = fixture_board();

    (void)state;
    board.magic++;
    expect_kernel_refused(&board, "\"kernel.elf\" is of another version than this tool");
    board = fixture_board();
    board.thread_bytes = 100;
    expect_kernel_refused(&board, "damaged kernel_info");
    board = fixture_board();
    board.ram[0].size_bytes = 1ul << 39;
    expect_kernel_refused(&board, "damaged kernel_info");
    board = fixture_board();
    board.ram[0].base_paddr = 0x40000800;
    expect_kernel_refused(&board, "damaged kernel_info");
    struct fixture_elf program = fixture_program();
    fixture_write_elf("kernel.elf", &program);
    expect_refused(A(""), "the kernel \"kernel.elf\" is not one of Cloister");
    remove("kernel.elf");
    expect_refused(A(""), "test.system: error: the file \"kernel.elf\" was not found");
    board = fixture_board();
    fixture_write_kernel(&board);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake),         cmocka_unit_test(too_many),
        cmocka_unit_test(doctype_and_entities), cmocka_unit_test(cut_and_damaged),
        cmocka_unit_test(wrong_programs),       cmocka_unit_test(wrong_kernels),
    };

    return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
