/* SPDX-License-Identifier: BSD-2-Clause */
#include "vmm/core/guest_image.h"

#include "vmm/core/vmm_log.h"

#include <string.h>

#define MIB              0x100000ul
#define KERNEL_ALIGNMENT (2 * MIB)
#define PAGE_BYTES       4096
#define OLD_TEXT_OFFSET  0x80000 /* of kernels before 3.17, which leave image_size 0 */

#define IMAGE_MAGIC      0x644d5241u /* "ARM\x64" */
#define IMAGE_BIG_ENDIAN 1u
#define ELF_MAGIC        0x464c457fu
#define GZIP_MAGIC       0x8b1fu

#define DTB_MAGIC        0xd00dfeedu
#define DTB_MAX_BYTES    (2 * MIB)
#define DTB_ALIGNMENT    8
#define DTB_HEADER_BYTES 40

/* The Image's header; little endian. Of `flags`, the page size is left to kernel and core. */
struct image_header {
    uint32_t code[2];
    uint64_t text_offset;
    uint64_t image_size; /* with .bss */
    uint64_t flags;
    uint64_t reserved[3];
    uint32_t magic;
    uint32_t pe_offset;
};

_Static_assert(sizeof(struct image_header) == 64, "booting.rst, section 4");

/* Where an image goes. `bytes` may be more than the image has: the kernel's .bss. */
struct placement {
    const char *name;
    const struct vmm_image *image;
    gpa_t gpa;
    uint64_t bytes;
};

static bool check_magic(const struct vmm_image *kernel, const struct image_header *header)
{
    if (header->magic == IMAGE_MAGIC) {
        return true;
    }
    if ((header->code[0] & 0xffff) == GZIP_MAGIC) {
        vmm_log("kernel: compressed by gzip; unpack it with gunzip");
    } else if (header->code[0] == ELF_MAGIC) {
        vmm_log("kernel: an ELF file; take arch/arm64/boot/Image instead of vmlinux");
    } else {
        vmm_log("kernel: no arm64 Linux Image (%lu bytes); check LINUX= or the guest's kernel",
                kernel->size_bytes);
    }
    return false;
}

/* Fills in where the kernel goes. Whether it fits there is checked with the others. */
static bool check_kernel(const struct vmm_config *config, struct placement *place)
{
    const struct vmm_image *kernel = &config->kernel;
    struct image_header header;
    if (kernel->size_bytes < sizeof(header)) {
        vmm_log("kernel: %lu bytes are too short for an arm64 Image; check LINUX=",
                kernel->size_bytes);
        return false;
    }
    memcpy(&header, (const void *)(uintptr_t)kernel->vaddr, sizeof(header));
    if (!check_magic(kernel, &header)) {
        return false;
    }
    if ((header.flags & IMAGE_BIG_ENDIAN) != 0) {
        vmm_log("kernel: big endian; build it without CONFIG_CPU_BIG_ENDIAN");
        return false;
    }
    if (config->kernel_gpa % KERNEL_ALIGNMENT != 0) {
        vmm_log("kernel: 0x%lx is no multiple of 2 MiB; correct the guest's kernel address",
                config->kernel_gpa);
        return false;
    }
    uint64_t text_offset = header.image_size == 0 ? OLD_TEXT_OFFSET : header.text_offset;
    if (text_offset % PAGE_BYTES != 0 || text_offset >= config->ram_bytes) {
        vmm_log("kernel: its header's text_offset, 0x%lx, is impossible; is it damaged?",
                text_offset);
        return false;
    }
    uint64_t bytes = header.image_size;
    bytes = bytes > kernel->size_bytes ? bytes : kernel->size_bytes;
    *place = (struct placement){ "kernel", kernel, config->kernel_gpa + text_offset, bytes };
    return true;
}

static uint32_t big_endian(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static bool check_dtb(const struct vmm_config *config, struct placement *place)
{
    const struct vmm_image *dtb = &config->dtb;
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)dtb->vaddr;
    if (dtb->size_bytes < DTB_HEADER_BYTES || big_endian(bytes) != DTB_MAGIC) {
        vmm_log("device tree: no flattened device tree (%lu bytes); compile it with dtc",
                dtb->size_bytes);
        return false;
    }
    uint64_t total = big_endian(bytes + 4);
    if (total < DTB_HEADER_BYTES || total > dtb->size_bytes) {
        vmm_log("device tree: its header says %lu bytes, there are %lu; is it cut off?", total,
                dtb->size_bytes);
        return false;
    }
    if (dtb->size_bytes > DTB_MAX_BYTES) {
        vmm_log("device tree: %lu bytes are more than the 2 MiB that Linux takes; make it smaller",
                dtb->size_bytes);
        return false;
    }
    if (config->dtb_gpa % DTB_ALIGNMENT != 0) {
        vmm_log("device tree: 0x%lx is no multiple of 8; correct the guest's address for it",
                config->dtb_gpa);
        return false;
    }
    *place = (struct placement){ "device tree", dtb, config->dtb_gpa, dtb->size_bytes };
    return true;
}

static bool check_in_ram(const struct guest_ram *ram, const struct placement *place)
{
    if (guest_ram_at(ram, place->gpa, place->bytes) != NULL) {
        return true;
    }
    vmm_log("%s: %lu bytes at 0x%lx do not fit in RAM (%lu bytes at 0x%lx); give it more memory",
            place->name, place->bytes, place->gpa, ram->size_bytes, ram->gpa);
    return false;
}

/* Both lie in RAM, so no sum can overflow. */
static bool check_apart(const struct placement *a, const struct placement *b)
{
    if (a->gpa + a->bytes <= b->gpa || b->gpa + b->bytes <= a->gpa) {
        return true;
    }
    vmm_log("%s (%lu bytes at 0x%lx) and %s (%lu at 0x%lx) overlap; give it more memory", a->name,
            a->bytes, a->gpa, b->name, b->bytes, b->gpa);
    return false;
}

bool image_load(const struct vmm_config *config, const struct guest_ram *ram, gpa_t *entry)
{
    struct placement places[3];
    unsigned num = 2;
    if (!check_kernel(config, &places[0]) || !check_dtb(config, &places[1])) {
        return false;
    }
    if (config->initrd.size_bytes != 0) {
        places[num++] = (struct placement){ "initrd", &config->initrd, config->initrd_gpa,
                                            config->initrd.size_bytes };
    }
    for (unsigned i = 0; i < num; i++) {
        if (!check_in_ram(ram, &places[i])) {
            return false;
        }
        for (unsigned j = 0; j < i; j++) {
            if (!check_apart(&places[j], &places[i])) {
                return false;
            }
        }
    }
    for (unsigned i = 0; i < num; i++) {
        const struct vmm_image *image = places[i].image;
        memcpy(guest_ram_at(ram, places[i].gpa, image->size_bytes),
               (const void *)(uintptr_t)image->vaddr, image->size_bytes);
    }
    *entry = places[0].gpa;
    return true;
}
