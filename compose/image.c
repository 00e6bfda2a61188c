/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/image.h"

#include "compose/device_tree.h"
#include "compose/limits.h"
#include "compose/plan.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define KERNEL_MAX      (1ul << 32) /* image_size and text_offset of a sane Image are below */
#define ARM64_MAGIC     0x644d5241u /* "ARM\x64" */
#define FLAG_BIG_ENDIAN 1u

#define INITRD_ALIGN    0x10000ul /* a page, of whatever size the kernel uses */
/*
 * What the kernel and a shell want beside the images: a kernel's own data grow with it. Found by
 * booting Debian's with ever less, down to "System is deadlocked on memory".
 */
#define WORK_BYTES(kernel_bytes) ((kernel_bytes) / 3 + (4ul << 20))

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
    for (size_t i = 0; i < sizeof(mistaken) / sizeof(mistaken[0]); i++)
        if (bytes >= mistaken[i].bytes && memcmp(header, mistaken[i].magic, mistaken[i].bytes) == 0)
            return mistaken[i].advice;
    return "its header has no arm64 magic; give arch/arm64/boot/Image";
}

/* Returns what is wrong with a kernel's header, or NULL. */
static const char *header_fault(const struct arm64_header *header, size_t bytes)
{
    if (bytes < sizeof(*header) || le32toh(header->magic) != ARM64_MAGIC)
        return what_it_is(header, bytes);
    if ((le64toh(header->flags) & FLAG_BIG_ENDIAN) != 0)
        return "it is big endian; build it with CONFIG_CPU_LITTLE_ENDIAN";
    if (header->image_size == 0)
        return "its header tells no image_size; use Linux 3.17 or later";
    if (le64toh(header->image_size) >= KERNEL_MAX || le64toh(header->text_offset) >= KERNEL_MAX ||
        le64toh(header->text_offset) % PAGE_BYTES != 0)
        return "its header is damaged (image_size or text_offset); build or fetch it again";
    return NULL;
}

static const char *inspect_kernel(struct image *image, FILE *file)
{
    struct arm64_header header = { 0 };
    size_t bytes = fread(&header, 1, sizeof(header), file);
    uint64_t image_size = le64toh(header.image_size);
    image->ram_bytes = image_size > image->file_bytes ? image_size : image->file_bytes;
    image->text_offset = le64toh(header.text_offset);
    return header_fault(&header, bytes);
}

/* A gzip file ends with the size of what it holds, modulo 2^32. */
static uint64_t gzip_bytes(FILE *file, uint64_t otherwise)
{
    unsigned char magic[2] = { 0 };
    uint32_t size = 0;
    if (fread(magic, 1, sizeof(magic), file) != sizeof(magic) || magic[0] != 0x1f ||
        magic[1] != 0x8b || fseek(file, -(long)sizeof(size), SEEK_END) != 0 ||
        fread(&size, 1, sizeof(size), file) != sizeof(size))
        return otherwise;
    return le32toh(size) > otherwise ? le32toh(size) : otherwise;
}

static const char *inspect_initrd(struct image *image, FILE *file)
{
    image->ram_bytes = image->file_bytes;
    image->unpacked_bytes = gzip_bytes(file, image->file_bytes);
    return NULL;
}

const struct images images_of_kernels = { "kernel", "linux", "", inspect_kernel, NULL, 0 };
const struct images images_of_initrds = { "initrd",       "initrd", ", `initrd: none`,",
                                          inspect_initrd, NULL,     0 };

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
    if (file != NULL)
        (void)fclose(file);
    return NULL;
}

struct image *images_find(struct images *images, struct diag *diag, struct mark at,
                          const char *path)
{
    struct stat status = { 0 };
    FILE *file = open_image(images, diag, at, path, &status);
    if (file == NULL)
        return NULL;
    struct image *image = images->first;
    while (image != NULL && (image->device != status.st_dev || image->inode != status.st_ino))
        image = image->next;
    const char *fault = NULL;
    if (image == NULL) {
        image = arena_alloc(diag->arena, sizeof(*image));
        *image = (struct image){ .path = path,
                                 .file_bytes = (uint64_t)status.st_size,
                                 .device = status.st_dev,
                                 .inode = status.st_ino };
        fault = images->inspect(image, file);
        if (fault == NULL) {
            image->name = arena_printf(diag->arena, "%s%u", images->kind, images->count++);
            APPEND(images->first, image);
        }
    }
    (void)fclose(file);
    if (fault != NULL) {
        diag_error(diag, at, "the %s '%s' is no arm64 Image: %s", images->kind, path, fault);
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
    uint64_t end_gpa = place.dtb_gpa + DEVICE_TREE_MAX_BYTES;
    uint64_t unpacked_bytes = 0;
    if (initrd != NULL) {
        place.initrd_gpa = round_up(end_gpa, INITRD_ALIGN);
        end_gpa = place.initrd_gpa + initrd->ram_bytes;
        unpacked_bytes = initrd->unpacked_bytes;
    }
    place.least_ram_bytes = round_up(
        end_gpa - ram_gpa + unpacked_bytes + WORK_BYTES(kernel->ram_bytes), GUEST_PAGE_BYTES);
    return place;
}
