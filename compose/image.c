/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/image.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define KERNEL_ALIGN    0x200000ul
#define KERNEL_MAX      (1ul << 32) /* image_size of a sane Image is below */
#define ARM64_MAGIC     0x644d5241u /* "ARM\x64" */
#define FLAG_BIG_ENDIAN 1u

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

void images_init(struct images *images, const char *kind)
{
    *images = (struct images){ .kind = kind };
    images->end = &images->first;
}

static struct image *find(const struct images *images, const struct stat *status)
{
    for (struct image *image = images->first; image != NULL; image = image->next) {
        if (image->device == status->st_dev && image->inode == status->st_ino) {
            return image;
        }
    }
    return NULL;
}

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

static struct image *add(struct images *images, struct arena *arena, const char *path,
                         const struct stat *status)
{
    struct image *image = arena_alloc(arena, sizeof(*image));
    image->path = path;
    image->name = arena_printf(arena, "%s%u", images->kind, images->count++);
    image->file_bytes = (uint64_t)status->st_size;
    image->ram_bytes = image->file_bytes;
    image->unpacked_bytes = image->file_bytes;
    image->device = status->st_dev;
    image->inode = status->st_ino;
    *images->end = image;
    images->end = &image->next;
    return image;
}

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
    if (le64toh(header->image_size) >= KERNEL_MAX || le64toh(header->text_offset) >= KERNEL_ALIGN) {
        return "its header is damaged (image_size or text_offset); build or fetch it again";
    }
    return NULL;
}

struct image *images_kernel(struct images *images, struct arena *arena, struct diag *diag,
                            struct mark at, const char *path)
{
    struct stat status = { 0 };
    struct arm64_header header = { 0 };
    FILE *file = open_image(images, diag, at, path, &status);
    if (file == NULL) {
        return NULL;
    }
    size_t bytes = fread(&header, 1, sizeof(header), file);
    (void)fclose(file);
    const char *fault = header_fault(&header, bytes);
    if (fault != NULL) {
        diag_error(diag, at, "the kernel '%s' is no arm64 Image: %s", path, fault);
        return NULL;
    }
    struct image *image = find(images, &status);
    if (image == NULL) {
        image = add(images, arena, path, &status);
        uint64_t image_size = le64toh(header.image_size);
        image->ram_bytes = image_size > image->file_bytes ? image_size : image->file_bytes;
        image->text_offset = le64toh(header.text_offset);
    }
    return image;
}

/* A gzip file ends with the size of what it holds, modulo 2^32. */
static uint64_t gzip_bytes(FILE *file, uint64_t otherwise)
{
    unsigned char magic[2] = { 0 };
    uint32_t size = 0;
    if (fread(magic, 1, sizeof(magic), file) != sizeof(magic) || magic[0] != 0x1f ||
        magic[1] != 0x8b || fseek(file, -(long)sizeof(size), SEEK_END) != 0 ||
        fread(&size, 1, sizeof(size), file) != sizeof(size)) {
        return otherwise;
    }
    return le32toh(size) > otherwise ? le32toh(size) : otherwise;
}

struct image *images_initrd(struct images *images, struct arena *arena, struct diag *diag,
                            struct mark at, const char *path)
{
    struct stat status = { 0 };
    FILE *file = open_image(images, diag, at, path, &status);
    if (file == NULL) {
        return NULL;
    }
    struct image *image = find(images, &status);
    if (image == NULL) {
        image = add(images, arena, path, &status);
        image->unpacked_bytes = gzip_bytes(file, image->file_bytes);
    }
    (void)fclose(file);
    return image;
}
