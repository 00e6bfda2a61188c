/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF-64 Object File Format, version 1.5; ELF for the Arm 64-bit Architecture (AAELF64). */
#include "sdk/tool/elf_file.h"
#include "sdk/tool/arena.h"
#include <elf.h>
#include <string.h>

#define PAGE_MASK   0xffful
#define ADDRESS_TOP (UINT64_MAX - PAGE_MASK)

/* Does the table lie in the file? Its end may be anywhere in 64 bits. */
static bool is_complete(const struct elf *elf, struct elf_table table)
{
    return table.offset <= elf->size && table.entry_bytes > 0 &&
           table.count <= (elf->size - table.offset) / table.entry_bytes;
}

/* Copies entry `index` of a complete table, for it may be unaligned; false: it is not there. */
static bool read_entry(const struct elf *elf, const struct elf_table *table, uint64_t index,
                       void *to, size_t bytes)
{
    if (index >= table->count || bytes > table->entry_bytes) {
        return false;
    }
    memcpy(to, elf->bytes + table->offset + index * table->entry_bytes, bytes);
    return true;
}

/* Is the string at `offset` of a string table `name`, with its ending zero? */
static bool string_is(const struct elf *elf, const struct elf_table *strings, uint64_t offset,
                      const char *name)
{
    size_t bytes = strlen(name) + 1;
    return offset <= strings->count && bytes <= strings->count - offset &&
           memcmp(elf->bytes + strings->offset + offset, name, bytes) == 0;
}

static const char *parse_header(struct elf *elf, Elf64_Ehdr *header)
{
    if (elf->size < SELFMAG || memcmp(elf->bytes, ELFMAG, SELFMAG) != 0) {
        return "is not an ELF file";
    }
    if (elf->size < sizeof *header) {
        return "is truncated: its ELF header is not complete";
    }
    memcpy(header, elf->bytes, sizeof *header);
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_AARCH64) {
        return "is not for AArch64 (64 bits, little endian)";
    }
    if (header->e_type != ET_EXEC) {
        return "is not an executable at fixed addresses; link it with microkit.ld and without -pie";
    }
    elf->entry = header->e_entry;
    return NULL;
}

static const char *add_segment(struct elf *elf, const Elf64_Phdr *header)
{
    unsigned perms = ((header->p_flags & PF_R) != 0 ? PERM_READ : 0) |
                     ((header->p_flags & PF_W) != 0 ? PERM_WRITE : 0) |
                     ((header->p_flags & PF_X) != 0 ? PERM_EXECUTE : 0);
    if (elf->num_segments == ELF_MAX_SEGMENTS) {
        return "has more than 16 segments to load";
    }
    if (!is_complete(elf, (struct elf_table){ header->p_offset, header->p_filesz, 1 })) {
        return "is truncated: a segment ends behind the end of the file";
    }
    if (header->p_filesz > header->p_memsz) {
        return "is damaged: a segment has more bytes in the file than in memory";
    }
    /* A page is left above, so that addresses rounded up stay addresses. */
    if (header->p_vaddr >= ADDRESS_TOP || header->p_memsz > ADDRESS_TOP - header->p_vaddr) {
        return "is damaged: a segment ends behind the end of the address space";
    }
    if ((perms & PERM_WRITE) && (perms & PERM_EXECUTE)) {
        return "has a segment that is both writable and executable; link it with microkit.ld";
    }
    elf->segments[elf->num_segments++] = (struct elf_segment){
        .vaddr = header->p_vaddr,
        .mem_bytes = header->p_memsz,
        .file_bytes = header->p_filesz,
        .data = elf->bytes + header->p_offset,
        .perms = perms,
        .base = header->p_vaddr & ~PAGE_MASK,
        .bytes = ((header->p_vaddr & PAGE_MASK) + header->p_memsz + PAGE_MASK) & ~PAGE_MASK,
    };
    return NULL;
}

static const char *parse_segments(struct elf *elf, const Elf64_Ehdr *header)
{
    struct elf_table table = { header->e_phoff, header->e_phnum, header->e_phentsize };
    const char *wrong = NULL;
    Elf64_Phdr entry;
    if (!is_complete(elf, table)) {
        return "is truncated: its program headers end behind the end of the file";
    }
    if (table.count && table.entry_bytes < sizeof entry) {
        return "is damaged: its program headers are too small";
    }
    for (uint64_t i = 0; !wrong && read_entry(elf, &table, i, &entry, sizeof entry); i++) {
        if (entry.p_type == PT_LOAD && entry.p_memsz) {
            wrong = add_segment(elf, &entry);
        }
    }
    return wrong || elf->num_segments ? wrong : "has nothing to load";
}

/* Notes where section `index` lies, as entries of that size. */
static const char *parse_section(const struct elf *elf, uint64_t index, uint64_t entry_bytes,
                                 struct elf_table *table)
{
    Elf64_Shdr header;
    if (!read_entry(elf, &elf->sections, index, &header, sizeof header)) {
        return "is damaged: it names a section that it does not have";
    }
    *table = (struct elf_table){ header.sh_offset, header.sh_size / entry_bytes, entry_bytes };
    return is_complete(elf, *table) ? NULL : "is truncated: a section ends behind the file's end";
}

static const char *parse_sections(struct elf *elf, const Elf64_Ehdr *header)
{
    const char *wrong = NULL;
    Elf64_Shdr entry;
    elf->sections = (struct elf_table){ header->e_shoff, header->e_shnum, header->e_shentsize };
    if (header->e_shnum && !is_complete(elf, elf->sections)) {
        return "is truncated: its section headers end behind the end of the file";
    }
    for (uint64_t i = 0; !wrong && read_entry(elf, &elf->sections, i, &entry, sizeof entry); i++) {
        if (entry.sh_type == SHT_SYMTAB) {
            wrong = parse_section(elf, i, sizeof(Elf64_Sym), &elf->symbols);
            wrong = wrong ? wrong : parse_section(elf, entry.sh_link, 1, &elf->symbol_names);
        }
    }
    return wrong;
}

const char *elf_parse(struct elf *elf, const uint8_t *bytes, size_t size)
{
    Elf64_Ehdr header;
    *elf = (struct elf){ .bytes = bytes, .size = size };
    const char *wrong = parse_header(elf, &header);
    wrong = wrong ? wrong : parse_segments(elf, &header);
    return wrong ? wrong : parse_sections(elf, &header);
}

bool elf_symbol(const struct elf *elf, const char *name, uint64_t *vaddr, uint64_t *bytes)
{
    Elf64_Sym symbol;
    for (uint64_t i = 0; read_entry(elf, &elf->symbols, i, &symbol, sizeof symbol); i++) {
        *vaddr = symbol.st_value;
        *bytes = symbol.st_size;
        if (symbol.st_shndx != SHN_UNDEF &&
            string_is(elf, &elf->symbol_names, symbol.st_name, name)) {
            return true;
        }
    }
    return false;
}

const struct elf_segment *elf_segment_at(const struct elf *elf, uint64_t vaddr, uint64_t bytes)
{
    for (EACH(s, elf, segments)) {
        if (vaddr >= s->vaddr && vaddr - s->vaddr <= s->mem_bytes &&
            bytes <= s->mem_bytes - (vaddr - s->vaddr)) {
            return s;
        }
    }
    return NULL;
}

bool elf_read(const struct elf *elf, uint64_t vaddr, void *to, size_t bytes)
{
    const struct elf_segment *s = elf_segment_at(elf, vaddr, bytes);
    if (!s || vaddr - s->vaddr + bytes > s->file_bytes) {
        return false;
    }
    memcpy(to, s->data + (vaddr - s->vaddr), bytes);
    return true;
}
