/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/image.h"

#include "compose/device_tree.h"
#include "compose/limits.h"
#include "compose/plan.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define KERNEL_MAX      (1ul << 32) /* image_size and text_offset of a sane Image are below */
#define ARM64_MAGIC     0x644d5241u /* "ARM\x64" */
#define FLAG_BIG_ENDIAN 1u

#define INITRD_ALIGN    0x10000ul /* a page, of whatever size the kernel uses */

/* Linux: Documentation/arm64/booting.rst, "Decompress the kernel image". */
struct arm64_header {
    uint32_t code[2];
    uint64_t text_offset;
    uint64_t image_size;
    uint64_t flags;
    uint64_t reserved[3];
    uint32_t magic;
    uint32_t pe_offset;
};
_Static_assert(sizeof(struct arm64_header) == 64, "Linux's layout");

/* What people give in place of an Image, and what they should do. */
static const struct {
    const char *magic;
    size_t bytes;
    const char *advice;
} mistaken[] = {
    { "\x1f\x8b", 2, "it is compressed with gzip; unpack it with gunzip first" },
    { "\x28\xb5\x2f\xfd", 4, "it is compressed with zstd; unpack it with unzstd first" },
    { "\xfd"
      "7zXZ",
      5, "it is compressed with xz; unpack it with unxz first" },
    { "\x7f"
      "ELF",
      4, "it is an ELF file; give arch/arm64/boot/Image in place of vmlinux" },
    { "\x27\x05\x19\x56", 4, "it is a uImage; give arch/arm64/boot/Image" },
};

static const char *what_it_is(const struct arm64_header *header, size_t bytes)
{
    for (size_t i = 0; i < sizeof(mistaken) / sizeof(mistaken[0]); i++) {
        if (bytes >= mistaken[i].bytes &&
            memcmp(header, mistaken[i].magic, mistaken[i].bytes) == 0) {
            return mistaken[i].advice;
        }
    }
    return "its header has no arm64 magic; give arch/arm64/boot/Image";
}

/* Returns what is wrong with a kernel's header, or NULL. */
static const char *header_fault(const struct arm64_header *header, size_t bytes)
{
    if (bytes < sizeof(*header) || le32toh(header->magic) != ARM64_MAGIC) {
        return what_it_is(header, bytes);
    }
    if ((le64toh(header->flags) & FLAG_BIG_ENDIAN) != 0) {
        return "it is big endian; build it with CONFIG_CPU_LITTLE_ENDIAN";
    }
    if (header->image_size == 0) {
        return "its header tells no image_size; use Linux 3.17 or later";
    }
    if (le64toh(header->image_size) >= KERNEL_MAX || le64toh(header->text_offset) >= KERNEL_MAX ||
        le64toh(header->text_offset) % PAGE_BYTES != 0) {
        return "its header is damaged (image_size or text_offset); build or fetch it again";
    }
    return NULL;
}

/* Whether a kernel has the allocator that keeps a part of RAM for devices: by its message. */
static bool has_cma(const uint8_t *bytes, size_t length)
{
    static const char message[] = "cma: Reserved ";
    return memmem(bytes, length, message, sizeof(message) - 1) != NULL;
}

static const char *inspect_kernel(const struct images *images, struct arena *arena,
                                  struct image *image, const uint8_t *bytes)
{
    struct arm64_header header = { 0 };
    size_t length = (size_t)image->file_bytes;
    (void)images;
    (void)arena;
    memcpy(&header, bytes, length < sizeof(header) ? length : sizeof(header));
    uint64_t image_size = le64toh(header.image_size);
    image->ram_bytes = image_size > image->file_bytes ? image_size : image->file_bytes;
    image->text_offset = le64toh(header.text_offset);
    image->has_cma = has_cma(bytes, length);
    return header_fault(&header, length);
}

static const char *inspect_initrd(const struct images *images, struct arena *arena,
                                  struct image *image, const uint8_t *bytes)
{
    image->ram_bytes = image->file_bytes;
    return initrd_unpack(arena, bytes, (size_t)image->file_bytes, images->most_bytes,
                         &image->contents);
}

const struct images images_of_kernels = { .kind = "kernel",
                                          .option = "linux",
                                          .way_out = "",
                                          .no_such = "is no arm64 Image",
                                          .inspect = inspect_kernel };
const struct images images_of_initrds = { .kind = "initrd",
                                          .option = "initrd",
                                          .way_out = ", `initrd: none`,",
                                          .no_such = "cannot be unpacked by Linux",
                                          .inspect = inspect_initrd };

/* Opens a path that must be a file with something in it; tells the error. */
static FILE *open_image(const struct images *images, struct diag *diag, struct mark at,
                        const char *path, struct stat *status)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL || fstat(fileno(file), status) != 0) {
        diag_error(diag, at, "cannot read the %s '%s': %s; give the path of a file", images->kind,
                   path, strerror(errno));
    } else if (!S_ISREG(status->st_mode) || status->st_size == 0) {
        diag_error(diag, at, "the %s '%s' is %s; give the path of a file", images->kind, path,
                   S_ISREG(status->st_mode) ? "empty" : "not a file");
    } else {
        return file;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return NULL;
}

/* Reads what the open file tells of itself. */
static const char *inspect(const struct images *images, struct arena *arena, struct image *image,
                           FILE *file)
{
    size_t length = (size_t)image->file_bytes;
    uint8_t *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fileno(file), 0);
    if (bytes == MAP_FAILED) {
        return strerror(errno);
    }
    const char *fault = images->inspect(images, arena, image, bytes);
    (void)munmap(bytes, length);
    return fault;
}

struct image *images_find(struct images *images, struct diag *diag, struct mark at,
                          const char *path)
{
    struct stat status = { 0 };
    FILE *file = open_image(images, diag, at, path, &status);
    if (file == NULL) {
        return NULL;
    }
    struct image *image = images->first;
    while (image != NULL && (image->device != status.st_dev || image->inode != status.st_ino)) {
        image = image->next;
    }
    const char *fault = NULL;
    if (image == NULL) {
        image = arena_alloc(diag->arena, sizeof(*image));
        *image = (struct image){ .path = path,
                                 .file_bytes = (uint64_t)status.st_size,
                                 .device = status.st_dev,
                                 .inode = status.st_ino };
        fault = inspect(images, diag->arena, image, file);
        if (fault == NULL) {
            image->name = arena_printf(diag->arena, "%s%u", images->kind, images->count++);
            APPEND(images->first, image);
        }
    }
    (void)fclose(file);
    if (fault != NULL) {
        diag_error(diag, at, "the %s '%s' %s: %s", images->kind, path, images->no_such, fault);
        return NULL;
    }
    return image;
}

/*
 * The kernel first: its base is the start of RAM, the Image lies text_offset bytes above. Above all
 * that its image_size claims (its .bss too) the device tree, which must not cross a multiple of
 * 2 MiB; then the initrd.
 */
struct placement place_images(uint64_t ram_gpa, const struct image *kernel,
                              const struct image *initrd)
{
    struct placement place = { .kernel_gpa = ram_gpa };
    place.dtb_gpa = round_up(ram_gpa + kernel->text_offset + kernel->ram_bytes, GUEST_PAGE_BYTES);
    place.end_gpa = place.dtb_gpa + DEVICE_TREE_MAX_BYTES;
    if (initrd != NULL) {
        place.initrd_gpa = round_up(place.end_gpa, INITRD_ALIGN);
        place.end_gpa = place.initrd_gpa + initrd->ram_bytes;
    }
    return place;
}
