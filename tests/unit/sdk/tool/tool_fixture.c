/* SPDX-License-Identifier: BSD-2-Clause */
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
#include <unistd.h>

#define IMAGE_INFO_AT 0x2040 /* from the kernel's base */

static char folder[64];

/* Appends to a growing file, aligned to 8; returns the offset. */
static uint64_t append(uint8_t **file, size_t *size, const void *bytes, size_t count)
{
    size_t offset = (*size + 7) & ~7ul;

    *file = realloc(*file, offset + count + 1);
    assert_non_null(*file);
    memset(*file + *size, 0, offset - *size);
    if (count) {
        memcpy(*file + offset, bytes, count);
    }
    *size = offset + count;
    return offset;
}

static uint32_t add_string(char *strings, size_t *used, const char *text)
{
    uint32_t offset = (uint32_t)*used;

    strcpy(strings + *used, text);
    *used += strlen(text) + 1;
    return offset;
}

static uint64_t append_symbols(const struct fixture_elf *elf, uint8_t **file, size_t *size,
                               Elf64_Shdr *symtab, Elf64_Shdr *strtab)
{
    Elf64_Sym symbols[32] = { 0 };
    char strings[1024] = "";
    size_t used = 1, count = 1;

    for (const struct fixture_symbol *s = elf->symbols; s->name; s++) {
        symbols[count++] = (Elf64_Sym){ .st_name = add_string(strings, &used, s->name),
                                        .st_shndx = 1,
                                        .st_value = s->vaddr,
                                        .st_size = s->bytes };
    }
    symtab->sh_offset = append(file, size, symbols, count * sizeof *symbols);
    symtab->sh_size = count * sizeof *symbols;
    strtab->sh_offset = append(file, size, strings, used);
    strtab->sh_size = used;
    return count;
}

uint8_t *fixture_make_elf(const struct fixture_elf *elf, size_t *size)
{
    static const char names[] = "\0.symtab\0.strtab\0.shstrtab";
    Elf64_Ehdr header = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
                                       EV_CURRENT },
                          .e_type = ET_EXEC,
                          .e_machine = EM_AARCH64,
                          .e_version = EV_CURRENT,
                          .e_entry = elf->entry,
                          .e_ehsize = sizeof header,
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_shentsize = sizeof(Elf64_Shdr),
                          .e_shnum = 5,
                          .e_shstrndx = 4 };
    Elf64_Phdr segments[20] = { 0 };
    Elf64_Shdr sections[5] = { { 0 },
                               { .sh_type = SHT_PROGBITS },
                               { .sh_name = 1, .sh_type = SHT_SYMTAB, .sh_link = 3 },
                               { .sh_name = 9, .sh_type = SHT_STRTAB },
                               { .sh_name = 17, .sh_type = SHT_STRTAB } };
    uint8_t *file = NULL;

    *size = 0;
    append(&file, size, &header, sizeof header);
    for (const struct fixture_segment *s = elf->segments; s->mem_bytes; s++) {
        segments[header.e_phnum++] =
            (Elf64_Phdr){ .p_type = PT_LOAD,
                          .p_flags = s->flags,
                          .p_offset = append(&file, size, s->data, s->file_bytes),
                          .p_vaddr = s->vaddr,
                          .p_filesz = s->file_bytes,
                          .p_memsz = s->mem_bytes };
    }
    append_symbols(elf, &file, size, &sections[2], &sections[3]);
    sections[4].sh_size = sizeof names;
    sections[4].sh_offset = append(&file, size, names, sizeof names);
    header.e_phoff = append(&file, size, segments, header.e_phnum * sizeof *segments);
    header.e_shoff = append(&file, size, sections, sizeof sections);
    memcpy(file, &header, sizeof header);
    return file;
}

struct fixture_elf fixture_program(void)
{
    static const char text[64] = "text", rodata[16] = "rodata", data[512] = "data";

    return (struct fixture_elf){
        .entry = 0x200000,
        .segments = { { 0x200000, text, sizeof text, sizeof text, PF_R | PF_X },
                      { 0x201000, rodata, sizeof rodata, sizeof rodata, PF_R },
                      { 0x202000, data, sizeof data, 0x2000, PF_R | PF_W } },
        .symbols = { { "microkit_name", 0x202010, 64 },
                     { "microkit_passive", 0x202080, 1 },
                     { "microkit_irqs", 0x202090, 8 },
                     { "microkit_notifications", 0x202098, 8 },
                     { "microkit_pps", 0x2020a0, 8 },
                     { "var_a", 0x2020b0, 8 },
                     { "var_b", 0x2020b8, 8 },
                     { "var_c", 0x2020c0, 8 },
                     { "var_d", 0x203100, 8 }, /* in .bss */
                     { "small", 0x2020d0, 4 },
                     { "__sel4_ipc_buffer_obj", 0x204000, 0 } },
    };
}

struct kernel_info fixture_board(void)
{
    return (struct kernel_info){
        .magic = IMAGE_MAGIC,
        .board = "a board",
        .load_paddr = FIXTURE_LOAD,
        .vaddr_offset = FIXTURE_OFFSET,
        .thread_bytes = FIXTURE_THREAD,
        .num_irqs = 288,
        .ram = { { 0x40000000, 0x40000000 } },
        .device = { { 0x8000000, 0x1000 }, { 0x8010000, 0x2000 } },
        .shared_device = { { 0x9000000, 0x1000 } },
        .irq_alias = { { 30, 26 } },
        .reserved_irq = { 25, 27 },
        .min_ram_bytes = 0x40000000,
    };
}

void fixture_write(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

void fixture_write_elf(const char *path, const struct fixture_elf *elf)
{
    size_t size;
    uint8_t *bytes = fixture_make_elf(elf, &size);

    fixture_write(path, bytes, size);
    free(bytes);
}

/* Kernel: kernel_info in the text, an unaligned amount of bss behind the data. */
void fixture_write_kernel(const struct kernel_info *info)
{
    static const char data[0x200] = "data";
    uint64_t base = info->load_paddr + info->vaddr_offset;
    struct fixture_elf elf = {
        .entry = base,
        .segments = { { base, info, sizeof *info, 0x1008, PF_R | PF_X },
                      { base + 0x2000, data, sizeof data, 0x3010, PF_R | PF_W },
                      { base + 0x6000, data, 8, 8, PF_R } },
        .symbols = { { "kernel_info", base, sizeof *info },
                     { "image_info", base + IMAGE_INFO_AT, sizeof(struct image_info) } },
    };

    fixture_write_elf("kernel.elf", &elf);
}

int fixture_setup(void **state)
{
    struct fixture_elf program = fixture_program();
    struct kernel_info board = fixture_board();
    uint8_t bytes[5000];

    (void)state;
    strcpy(folder, "/tmp/cloister-tool-XXXXXX");
    if (!mkdtemp(folder) || chdir(folder) != 0) {
        return -1;
    }
    memset(bytes, 0x5a, sizeof bytes);
    fixture_write("file.bin", bytes, sizeof bytes);
    fixture_write("empty.bin", bytes, 0);
    fixture_write_elf("p.elf", &program);
    fixture_write_kernel(&board);
    return 0;
}

int fixture_teardown(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return chdir("/") == 0 ? system(command) : -1;
}

bool fixture_build(struct build *build, const char *xml, struct error *error)
{
    static const struct load_paths no_paths;
    FILE *file = fopen("test.system", "w");

    assert_non_null(file);
    fprintf(file, "<system>%s</system>", xml);
    fclose(file);
    *error = (struct error){ .file = "test.system" };
    return build_run(build, "test.system", "kernel.elf", &no_paths, error);
}

void fixture_build_good(struct build *build, const char *xml)
{
    struct error error;

    if (!fixture_build(build, xml, &error)) {
        fail_msg("%s", error.text);
    }
    assert_string_equal(error.text, "");
}

void *fixture_at(const struct build *build, uint64_t address)
{
    uint64_t paddr = address >= FIXTURE_OFFSET ? address - FIXTURE_OFFSET : address;

    assert_in_range(paddr, FIXTURE_LOAD, FIXTURE_LOAD + build->image_bytes - 1);
    return build->image + (paddr - FIXTURE_LOAD);
}

const struct image_info *fixture_info(const struct build *build)
{
    return fixture_at(build, FIXTURE_LOAD + IMAGE_INFO_AT);
}

const struct image_thread *fixture_threads(const struct build *build)
{
    return fixture_at(build, fixture_info(build)->threads_vaddr);
}

struct fixture_leaf fixture_walk(const struct build *build, uint64_t root, uint64_t vaddr)
{
    for (unsigned level = 1; level <= 3; level++) {
        unsigned shift = 39 - 9 * level;
        const uint64_t *table = fixture_at(build, root);
        uint64_t entry = table[vaddr >> shift & 511];
        uint64_t address = entry & 0xfffffffff000ul;
        if (!(entry & 1)) {
            break;
        }
        bool is_leaf = level == 3 || !(entry & 2);
        assert_true(level < 3 || (entry & 2)); /* at level 3 only pages are valid */
        if (is_leaf) {
            uint64_t bytes = 1ul << shift;
            assert_int_equal(address % bytes, 0);
            return (struct fixture_leaf){ entry, address | (vaddr & (bytes - 1)), bytes };
        }
        root = address;
    }
    return (struct fixture_leaf){ 0 };
}
