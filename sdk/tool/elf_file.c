/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF-64 Object File Format, version 1.5; ELF for the Arm 64-bit Architecture (AAELF64). */
#include "sdk/tool/elf_file.h"
#include <elf.h>
#include <string.h>

#define ADDRESS_TOP (UINT64_MAX - 0xfff)

/* Copies `bytes` at `offset` of the file, which may be unaligned; false: they are not there. */
static bool read_at(const struct elf *elf, uint64_t offset, void *to, size_t bytes)
{
    if (offset > elf->size || bytes > elf->size - offset)
        return false;
    memcpy(to, elf->bytes + offset, bytes);
    return true;
}

static bool lies_in_file(const struct elf *elf, uint64_t offset, uint64_t bytes)
{
    return offset <= elf->size && bytes <= elf->size - offset;
}

static bool table_lies_in_file(const struct elf *elf, const struct elf_table *table)
{
    /* count has at most 16 bits in headers; for symbols it comes from a division. */
    return table->offset <= elf->size && table->entry_bytes > 0 &&
           table->count <= (elf->size - table->offset) / table->entry_bytes;
}

/* Reads entry `index` of a table that table_lies_in_file() has accepted. */
static bool read_entry(const struct elf *elf, const struct elf_table *table, uint64_t index,
                       void *to, size_t bytes)
{
    return index < table->count && bytes <= table->entry_bytes &&
           read_at(elf, table->offset + index * table->entry_bytes, to, bytes);
}

/* Is the string at `offset` of a string table `name`, with its ending zero? */
static bool string_is(const struct elf *elf, uint64_t table, uint64_t table_bytes, uint64_t offset,
                      const char *name)
{
    size_t bytes = strlen(name) + 1;

    return offset <= table_bytes && bytes <= table_bytes - offset &&
           memcmp(elf->bytes + table + offset, name, bytes) == 0;
}

static const char *parse_header(struct elf *elf, Elf64_Ehdr *header)
{
    if (elf->size < SELFMAG || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0)
        return "is not an ELF file";
    if (!read_at(elf, 0, header, sizeof *header))
        return "is truncated: its ELF header is not complete";
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_AARCH64)
        return "is not for AArch64 (64 bits, little endian)";
    if (header->e_type != ET_EXEC)
        return "is not an executable at fixed addresses; link it with microkit.ld and without -pie";
    elf->entry = header->e_entry;
    return NULL;
}

static const char *add_segment(struct elf *elf, const Elf64_Phdr *header)
{
    unsigned perms = (header->p_flags & PF_R ? PERM_READ : 0) |
                     (header->p_flags & PF_W ? PERM_WRITE : 0) |
                     (header->p_flags & PF_X ? PERM_EXECUTE : 0);

    if (elf->num_segments == ELF_MAX_SEGMENTS)
        return "has more than 16 segments to load";
    if (!lies_in_file(elf, header->p_offset, header->p_filesz))
        return "is truncated: a segment ends behind the end of the file";
    if (header->p_filesz > header->p_memsz)
        return "is damaged: a segment has more bytes in the file than in memory";
    /* A page is left above, so that addresses rounded up stay addresses. */
    if (header->p_vaddr >= ADDRESS_TOP || header->p_memsz > ADDRESS_TOP - header->p_vaddr)
        return "is damaged: a segment ends behind the end of the address space";
    if ((perms & PERM_WRITE) && (perms & PERM_EXECUTE))
        return "has a segment that is both writable and executable; link it with microkit.ld";
    elf->segments[elf->num_segments++] = (struct elf_segment){
        .vaddr = header->p_vaddr,
        .mem_bytes = header->p_memsz,
        .file_bytes = header->p_filesz,
        .data = elf->bytes + header->p_offset,
        .perms = perms,
    };
    return NULL;
}

static const char *parse_segments(struct elf *elf, const Elf64_Ehdr *header)
{
    struct elf_table table = { header->e_phoff, header->e_phnum, header->e_phentsize };
    Elf64_Phdr entry;

    if (!table_lies_in_file(elf, &table))
        return "is truncated: its program headers end behind the end of the file";
    for (uint64_t i = 0; i < table.count; i++) {
        if (!read_entry(elf, &table, i, &entry, sizeof entry))
            return "is damaged: its program headers are too small";
        if (entry.p_type != PT_LOAD || entry.p_memsz == 0)
            continue;
        const char *wrong = add_segment(elf, &entry);
        if (wrong)
            return wrong;
    }
    return elf->num_segments ? NULL : "has nothing to load";
}

/* Notes the symbol table `header` and the string table that its sh_link names. */
static const char *parse_symbols(struct elf *elf, const Elf64_Shdr *header)
{
    Elf64_Shdr strings;

    elf->symbols = (struct elf_table){ header->sh_offset, header->sh_size / sizeof(Elf64_Sym),
                                       sizeof(Elf64_Sym) };
    if (!table_lies_in_file(elf, &elf->symbols))
        return "is truncated: its symbol table ends behind the end of the file";
    if (!read_entry(elf, &elf->sections, header->sh_link, &strings, sizeof strings))
        return "is damaged: its symbol table has no names";
    if (!lies_in_file(elf, strings.sh_offset, strings.sh_size))
        return "is truncated: its symbols' names end behind the end of the file";
    elf->strings_offset = strings.sh_offset;
    elf->strings_bytes = strings.sh_size;
    return NULL;
}

static const char *parse_sections(struct elf *elf, const Elf64_Ehdr *header)
{
    Elf64_Shdr entry;

    elf->sections = (struct elf_table){ header->e_shoff, header->e_shnum, header->e_shentsize };
    if (header->e_shnum == 0)
        return NULL;
    if (!table_lies_in_file(elf, &elf->sections))
        return "is truncated: its section headers end behind the end of the file";
    if (!read_entry(elf, &elf->sections, header->e_shstrndx, &entry, sizeof entry))
        return "is damaged: its sections have no names";
    if (!lies_in_file(elf, entry.sh_offset, entry.sh_size))
        return "is truncated: its sections' names end behind the end of the file";
    elf->names_offset = entry.sh_offset;
    elf->names_bytes = entry.sh_size;
    for (uint64_t i = 0; i < elf->sections.count; i++) {
        if (!read_entry(elf, &elf->sections, i, &entry, sizeof entry))
            return "is damaged: its section headers are too small";
        if (entry.sh_type == SHT_SYMTAB)
            return parse_symbols(elf, &entry);
    }
    return NULL;
}

const char *elf_parse(struct elf *elf, const uint8_t *bytes, size_t size)
{
    Elf64_Ehdr header;

    *elf = (struct elf){ .bytes = bytes, .size = size };
    const char *wrong = parse_header(elf, &header);
    if (!wrong)
        wrong = parse_segments(elf, &header);
    if (!wrong)
        wrong = parse_sections(elf, &header);
    return wrong;
}

bool elf_symbol(const struct elf *elf, const char *name, uint64_t *vaddr, uint64_t *bytes)
{
    Elf64_Sym symbol;

    for (uint64_t i = 0; i < elf->symbols.count; i++) {
        if (!read_entry(elf, &elf->symbols, i, &symbol, sizeof symbol))
            return false;
        if (symbol.st_shndx == SHN_UNDEF ||
            !string_is(elf, elf->strings_offset, elf->strings_bytes, symbol.st_name, name))
            continue;
        *vaddr = symbol.st_value;
        *bytes = symbol.st_size;
        return true;
    }
    return false;
}

const uint8_t *elf_section(const struct elf *elf, const char *name, uint64_t *bytes)
{
    Elf64_Shdr section;

    for (uint64_t i = 0; i < elf->sections.count; i++) {
        if (!read_entry(elf, &elf->sections, i, &section, sizeof section))
            return NULL;
        if (section.sh_type == SHT_NOBITS ||
            !string_is(elf, elf->names_offset, elf->names_bytes, section.sh_name, name))
            continue;
        if (!lies_in_file(elf, section.sh_offset, section.sh_size))
            return NULL;
        *bytes = section.sh_size;
        return elf->bytes + section.sh_offset;
    }
    return NULL;
}

const struct elf_segment *elf_segment_at(const struct elf *elf, uint64_t vaddr, uint64_t bytes)
{
    for (unsigned i = 0; i < elf->num_segments; i++) {
        const struct elf_segment *s = &elf->segments[i];
        if (vaddr >= s->vaddr && vaddr - s->vaddr <= s->mem_bytes &&
            bytes <= s->mem_bytes - (vaddr - s->vaddr))
            return s;
    }
    return NULL;
}
