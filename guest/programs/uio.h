/* SPDX-License-Identifier: BSD-2-Clause */
/* A driver in user space: what Linux's UIO tells of a device in sysfs, and its regions. */
#pragma once

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The path of an attribute of UIO device `index`. */
struct uio_path {
    char text[96];
};

static inline struct uio_path uio_attribute(unsigned index, const char *attribute)
{
    struct uio_path path;
    (void)snprintf(path.text, sizeof(path.text), "/sys/class/uio/uio%u/%s", index, attribute);
    return path;
}

/* Reads an attribute's line; false if there is none. */
static inline bool uio_read(unsigned index, const char *attribute, char *line, int bytes)
{
    FILE *file = fopen(uio_attribute(index, attribute).text, "re");
    bool good = file != NULL && fgets(line, bytes, file) != NULL;
    if (file != NULL) {
        fclose(file);
    }
    if (good) {
        line[strcspn(line, "\n")] = '\0';
    }
    return good;
}

/* Maps region `map` of an open device, uncached; its size goes to *bytes. NULL: errno tells. */
static inline void *uio_map(unsigned index, int device, unsigned map, uint64_t *bytes)
{
    char attribute[32], line[32];
    (void)snprintf(attribute, sizeof(attribute), "maps/map%u/size", map);
    if (!uio_read(index, attribute, line, sizeof(line)) || sscanf(line, "%lx", bytes) != 1) {
        return NULL;
    }
    void *at = mmap(NULL, *bytes, PROT_READ | PROT_WRITE, MAP_SHARED, device,
                    (off_t)map * sysconf(_SC_PAGESIZE));
    return at == MAP_FAILED ? NULL : at;
}

/* Lets the device interrupt, once: until then it can be polled for reading. */
static inline bool uio_enable(int device)
{
    const int32_t enable = 1;
    return write(device, &enable, sizeof(enable)) == sizeof(enable);
}

/* Takes note of the interrupts since the last time; waits for one if there was none. */
static inline bool uio_wait(int device)
{
    int32_t count;
    return read(device, &count, sizeof(count)) == sizeof(count);
}

/* Registers' worth of a region, as one LDP or STP: the hardware takes aligned accesses only. */
typedef volatile unsigned __int128 uio_pair;

/* Copies between a region and memory, both aligned, multiples of 64 bytes. */
static inline void uio_copy(uio_pair *to, const uio_pair *from, size_t bytes)
{
    for (size_t i = 0; i < bytes / sizeof(*to); i += 4) {
        unsigned __int128 a = from[i], b = from[i + 1], c = from[i + 2], d = from[i + 3];
        to[i] = a;
        to[i + 1] = b;
        to[i + 2] = c;
        to[i + 3] = d;
    }
}
