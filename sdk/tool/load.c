/* SPDX-License-Identifier: BSD-2-Clause */
#include "sdk/tool/build.h"
#include <stdio.h>
#include <string.h>

#define MAX_PATH      4096
#define KERNEL_WINDOW (~0ul << IMAGE_USER_BITS) /* where TTBR1_EL2 begins */

bool load_file(const struct system *s, const char *path, unsigned long line,
               const struct load_paths *paths, const uint8_t **bytes, size_t *size)
{
    char candidate[MAX_PATH];
    *bytes = arena_read(s->arena, path, size);
    for (unsigned i = 0; !*bytes && paths && path[0] != '/' && i < paths->count; i++) {
        snprintf(candidate, sizeof candidate, "%s/%s", paths->folders[i], path);
        *bytes = arena_read(s->arena, candidate, size);
    }
    return *bytes || refuse(s, line,
                            "the file \"%s\" was not found; correct its path, or name its folder "
                            "with --search-path",
                            path);
}

bool load_prefills(struct system *s, const struct load_paths *paths)
{
    for (EACH(r, s, regions)) {
        if (!r->prefill_path) {
            continue;
        }
        if (!load_file(s, r->prefill_path, r->line, paths, &r->prefill, &r->prefill_bytes)) {
            return false;
        }
        if (!r->size) {
            r->size = model_align_up(r->prefill_bytes, r->page_size ? r->page_size : MODEL_PAGE);
        }
        refuse_if(s, !r->size, r->line,
                  "the file \"%s\" is empty; give the region a size, or fill the file",
                  r->prefill_path);
    }
    return model_good(s);
}

/* What a program must be, beside a good ELF file. NULL, or the end of a sentence. */
static const char *check_program(struct pd *pd)
{
    uint64_t bytes;
    for (EACH(segment, &pd->elf, segments)) {
        if (segment->vaddr + segment->mem_bytes > IMAGE_USER_TOP_VADDR) {
            return "has a segment outside of 0 to 0x7effffffff; link it with microkit.ld";
        }
    }
    const struct elf_segment *entry = elf_segment_at(&pd->elf, pd->elf.entry, 4);
    if (!entry || !(entry->perms & PERM_EXECUTE)) {
        return "starts outside of its code; link it with microkit.ld and libmicrokit.a";
    }
    if (!elf_symbol(&pd->elf, "__sel4_ipc_buffer_obj", &pd->ipc_vaddr, &bytes)) {
        return "has no symbol __sel4_ipc_buffer_obj; link it with microkit.ld and libmicrokit.a, "
               "and do not strip it";
    }
    if (pd->ipc_vaddr % MODEL_PAGE || pd->ipc_vaddr >= IMAGE_USER_TOP_VADDR) {
        return "has __sel4_ipc_buffer_obj at a wrong address; it must be a multiple of 0x1000";
    }
    return NULL;
}

bool load_programs(struct system *s, const struct load_paths *paths)
{
    for (EACH(pd, s, pds)) {
        const uint8_t *bytes;
        size_t size;
        if (!load_file(s, pd->program_path, pd->program_line, paths, &bytes, &size)) {
            return false;
        }
        const char *wrong = elf_parse(&pd->elf, bytes, size);
        wrong = wrong ? wrong : check_program(pd);
        refuse_if(s, wrong, pd->program_line, "the program \"%s\" %s", pd->program_path, wrong);
    }
    return model_good(s);
}

/* Does the kernel's window, the upper 39 bits, reach all of the ranges? */
static bool window_holds(const struct kernel_info *info, const struct image_range *ranges,
                         unsigned count)
{
    for (unsigned i = 0; i < count && ranges[i].size_bytes; i++) {
        uint64_t base = ranges[i].base_paddr + info->vaddr_offset;
        if (ranges[i].base_paddr % MODEL_PAGE || ranges[i].size_bytes % MODEL_PAGE ||
            base < KERNEL_WINDOW || ranges[i].size_bytes - 1 > UINT64_MAX - base) {
            return false;
        }
    }
    return true;
}

/* What the kernel says of itself must make sense, for layout and tables rest on it. */
static const char *check_kernel(struct kernel *kernel)
{
    struct kernel_info *info = &kernel->info;
    uint64_t vaddr = 0, bytes = 0, lowest = UINT64_MAX;
    if (!elf_symbol(&kernel->elf, "kernel_info", &vaddr, &bytes) || bytes < sizeof *info ||
        !elf_read(&kernel->elf, vaddr, info, sizeof *info)) {
        return "is not one of Cloister: it has no kernel_info";
    }
    if (info->magic != IMAGE_MAGIC) {
        return "is of another version than this tool; take both from one SDK";
    }
    if (!elf_symbol(&kernel->elf, "image_info", &kernel->image_info_vaddr, &bytes) ||
        bytes != sizeof(struct image_info) ||
        !elf_segment_at(&kernel->elf, kernel->image_info_vaddr, bytes)) {
        return "has no image_info of the right size; take kernel and tool from one SDK";
    }
    if (info->load_paddr % MODEL_PAGE || info->vaddr_offset % MODEL_PAGE ||
        info->thread_bytes == 0 || info->thread_bytes % 64 || info->num_irqs == 0 ||
        !window_holds(info, info->ram, 4) || !window_holds(info, info->device, 8) ||
        !window_holds(info, info->shared_device, 2)) {
        return "has a damaged kernel_info";
    }
    for (EACH(segment, &kernel->elf, segments)) {
        segment->paddr = segment->base - info->vaddr_offset;
        if (segment->paddr < lowest) {
            lowest = segment->paddr;
        }
        if (segment->vaddr < info->vaddr_offset) {
            lowest = 0;
        }
    }
    return lowest == info->load_paddr ? NULL : "is not linked to load_paddr + vaddr_offset";
}

bool load_kernel(struct kernel *kernel, const struct system *s, const char *path)
{
    const uint8_t *bytes;
    size_t size;
    if (!load_file(s, path, 0, NULL, &bytes, &size)) {
        return false;
    }
    const char *wrong = elf_parse(&kernel->elf, bytes, size);
    wrong = wrong ? wrong : check_kernel(kernel);
    return refuse_if(s, wrong, 0, "the kernel \"%s\" %s", path, wrong);
}
