/* SPDX-License-Identifier: BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/sdk/tool/tool_fixture.h"
#include <elf.h>
#include <stdlib.h>
#include <string.h>

/* What elf_file.h promises of the segments of a file that is accepted. */
static void check_segments(const struct elf *elf)
{
    assert_in_range(elf->num_segments, 1, ELF_MAX_SEGMENTS);
    for (unsigned i = 0; i < elf->num_segments; i++) {
        const struct elf_segment *segment = &elf->segments[i];
        assert_int_not_equal(segment->mem_bytes, 0);
        assert_true(segment->file_bytes <= segment->mem_bytes);
        assert_true(segment->data >= elf->bytes &&
                    segment->file_bytes <= (size_t)(elf->bytes + elf->size - segment->data));
        assert_true(segment->base <= segment->vaddr &&
                    segment->vaddr + segment->mem_bytes <= segment->base + segment->bytes);
        assert_int_not_equal(segment->perms & (PERM_WRITE | PERM_EXECUTE),
                             PERM_WRITE | PERM_EXECUTE);
    }
}

/* Parses a copy of exactly that size, so that AddressSanitizer sees each byte read too far, and
 * looks everything up. */
static const char *parse_copy(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    struct elf elf;
    uint64_t vaddr = 0, length;

    assert_non_null(copy);
    memcpy(copy, bytes, size);
    const char *wrong = elf_parse(&elf, size ? copy : NULL, size);
    if (!wrong) {
        volatile uint8_t sum = 0;
        check_segments(&elf);
        elf_symbol(&elf, "microkit_pps", &vaddr, &length);
        char contents[16] = "";
        if (elf_read(&elf, vaddr, contents, sizeof contents)) {
            sum += contents[0];
        }
        for (unsigned i = 0; i < elf.num_segments; i++) {
            for (uint64_t j = 0; j < elf.segments[i].file_bytes; j++) {
                sum += elf.segments[i].data[j];
            }
        }
        elf_segment_at(&elf, elf.entry, 8);
        (void)sum;
    }
    free(copy);
    return wrong;
}

static void good_file(void **state)
{
    struct fixture_elf program = fixture_program();
    uint64_t vaddr, bytes;
    struct elf elf;
    size_t size;

    (void)state;
    uint8_t *file = fixture_make_elf(&program, &size);
    assert_null(elf_parse(&elf, file, size));
    assert_int_equal(elf.entry, 0x200000);
    assert_int_equal(elf.num_segments, 3);
    assert_int_equal(elf.segments[0].perms, PERM_READ | PERM_EXECUTE);
    assert_int_equal(elf.segments[2].perms, PERM_READ | PERM_WRITE);
    assert_int_equal(elf.segments[2].mem_bytes, 0x2000);
    assert_true(elf_symbol(&elf, "small", &vaddr, &bytes));
    assert_int_equal(vaddr, 0x2020d0);
    assert_int_equal(bytes, 4);
    assert_false(elf_symbol(&elf, "smal", &vaddr, &bytes));
    assert_false(elf_symbol(&elf, "small_", &vaddr, &bytes));
    char contents[64];
    assert_true(elf_read(&elf, 0x200000, contents, sizeof contents));
    assert_string_equal(contents, "text");
    assert_true(elf_read(&elf, 0x2021f8, contents, 8)); /* the last bytes of .data */
    assert_false(elf_read(&elf, 0x2021f9, contents, 8));
    assert_false(elf_read(&elf, 0x1ffff8, contents, 8));
    assert_ptr_equal(elf_segment_at(&elf, 0x203ff8, 8), &elf.segments[2]);
    assert_null(elf_segment_at(&elf, 0x203ff9, 8));
    assert_null(elf_segment_at(&elf, 0, UINT64_MAX));
    free(file);
}

static void truncated_at_every_byte(void **state)
{
    struct fixture_elf program = fixture_program();
    size_t size;
    uint8_t *file = fixture_make_elf(&program, &size);

    (void)state;
    assert_null(parse_copy(file, size));
    for (size_t i = 0; i < size; i++) {
        assert_non_null(parse_copy(file, i));
    }
    free(file);
}

/* Magic, class and byte order; type and machine: each value is checked. */
static bool is_identity(size_t offset)
{
    return offset < EI_VERSION ||
           (offset >= offsetof(Elf64_Ehdr, e_type) && offset < offsetof(Elf64_Ehdr, e_version));
}

static bool is_contents(const struct elf *elf, size_t offset)
{
    for (unsigned i = 0; i < elf->num_segments; i++) {
        size_t begin = (size_t)(elf->segments[i].data - elf->bytes);
        if (offset >= begin && offset - begin < elf->segments[i].file_bytes) {
            return true;
        }
    }
    return false;
}

/* Damage of what identifies the file is refused, damage of what it loads is not seen; anything else
 * is refused, or gives segments within the file. */
static void damaged_at_every_byte(void **state)
{
    static const uint8_t values[] = { 0, 1, 0x7f, 0x80, 0xff };
    struct fixture_elf program = fixture_program();
    struct elf good;
    unsigned num_refused = 0;
    size_t size;

    (void)state;
    uint8_t *file = fixture_make_elf(&program, &size);
    assert_null(elf_parse(&good, file, size));
    for (size_t i = 0; i < size; i++) {
        for (size_t j = 0; j < sizeof values; j++) {
            uint8_t kept = file[i];
            file[i] = values[j];
            bool is_refused = parse_copy(file, size) != NULL;
            file[i] = kept;
            num_refused += is_refused;
            if (is_identity(i) || is_contents(&good, i)) {
                assert_int_equal(is_refused, is_identity(i) && values[j] != kept);
            }
        }
    }
    assert_true(num_refused > 5 * EI_VERSION);
    free(file);
}

static const char *parse_program(const struct fixture_elf *program)
{
    size_t size;
    uint8_t *file = fixture_make_elf(program, &size);
    const char *wrong = parse_copy(file, size);

    free(file);
    assert_non_null(wrong);
    return wrong;
}

static void wrong_segments(void **state)
{
    struct fixture_elf program = fixture_program();

    (void)state;
    program.segments[1].flags = PF_R | PF_W | PF_X;
    assert_non_null(strstr(parse_program(&program), "both writable and executable"));
    program = fixture_program();
    program.segments[1].mem_bytes = 3;
    assert_non_null(strstr(parse_program(&program), "more bytes in the file than in memory"));
    program = fixture_program();
    program.segments[1].vaddr = UINT64_MAX - 8;
    assert_non_null(strstr(parse_program(&program), "behind the end of the address space"));
    program = fixture_program();
    for (unsigned i = 0; i < 19; i++) {
        program.segments[i] = program.segments[1];
    }
    assert_non_null(strstr(parse_program(&program), "more than 16 segments"));
    program.segments[0].mem_bytes = 0;
    assert_non_null(strstr(parse_program(&program), "nothing to load"));
}

static void wrong_kinds(void **state)
{
    struct fixture_elf program = fixture_program();
    size_t size;
    uint8_t *file = fixture_make_elf(&program, &size);
    Elf64_Ehdr *header = (Elf64_Ehdr *)file;

    (void)state;
    assert_non_null(strstr(parse_copy((const uint8_t *)"#!/bin/sh\n", 10), "not an ELF file"));
    header->e_machine = EM_X86_64;
    assert_non_null(strstr(parse_copy(file, size), "not for AArch64"));
    header->e_machine = EM_AARCH64;
    header->e_type = ET_DYN;
    assert_non_null(strstr(parse_copy(file, size), "not an executable"));
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_file),
        cmocka_unit_test(truncated_at_every_byte),
        cmocka_unit_test(damaged_at_every_byte),
        cmocka_unit_test(wrong_segments),
        cmocka_unit_test(wrong_kinds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
