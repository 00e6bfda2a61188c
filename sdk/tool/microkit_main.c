/* SPDX-License-Identifier: BSD-2-Clause */
/* microkit: a system file and its programs -> one bootable image and a report. */
#include "sdk/tool/build.h"
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_PATH         4096
#define MAX_SEARCH_PATHS 64

struct options {
    const char *system, *board, *config, *image, *report;
    const char *folders[MAX_SEARCH_PATHS];
    unsigned num_folders;
};

static const char usage[] =
    "usage: microkit SYSTEM --board BOARD --config CONFIG [--search-path FOLDER...]\n              "
    "  [-o|--output loader.img] [-r|--report report.txt]\n";

static bool tell(const char *what, const char *which)
{
    fprintf(stderr, "microkit: error: %s%s\n%s", what, which, usage);
    return false;
}

static bool read_options(struct options *o, int argc, char **argv)
{
    static const struct option names[] = {
        { "board", required_argument, NULL, 'b' },       { "config", required_argument, NULL, 'c' },
        { "output", required_argument, NULL, 'o' },      { "report", required_argument, NULL, 'r' },
        { "search-path", required_argument, NULL, 's' }, { NULL, 0, NULL, 0 },
    };
    int option;
    *o = (struct options){ .image = "loader.img", .report = "report.txt" };
    while ((option = getopt_long(argc, argv, "-o:r:", names, NULL)) != -1) {
        const char **place = option == 1 && !o->system ? &o->system
                             : option == 'b'           ? &o->board
                             : option == 'c'           ? &o->config
                             : option == 'o'           ? &o->image
                             : option == 'r'           ? &o->report
                                                       : NULL;
        if (!place && option != 's') {
            return tell("this argument is unknown or wrong: ", argv[optind - 1]);
        }
        if (place) {
            *place = optarg;
        }
        /* All arguments up to the next option are search paths. */
        for (optind -= !place; !place && optind < argc && argv[optind][0] != '-'; optind++) {
            if (o->num_folders == MAX_SEARCH_PATHS) {
                return tell("there are too many search paths", "");
            }
            o->folders[o->num_folders++] = argv[optind];
        }
    }
    return (o->system && o->board && o->config) ||
           tell("SYSTEM, --board and --config must be given", "");
}

/* Finds the kernel in the SDK, the folder that holds bin/ and board/: it is named by the
 * environment, or this program lies in it. */
static bool find_kernel(const struct options *options, char path[MAX_PATH])
{
    const char *given = getenv("MICROKIT_SDK");
    char sdk[MAX_PATH] = "";
    if (given && *given) {
        snprintf(sdk, sizeof sdk, "%s", given);
    } else if (readlink("/proc/self/exe", sdk, sizeof sdk - 1) < 0) {
        return tell("MICROKIT_SDK must be set where /proc is not mounted", "");
    }
    for (int up = 0; up < 2 && !(given && *given); up++) {
        char *slash = strrchr(sdk, '/');
        if (slash) {
            *slash = 0;
        }
    }
    if (snprintf(path, MAX_PATH, "%s/board/%s/%s/elf/kernel.elf", sdk, options->board,
                 options->config) >= MAX_PATH) {
        return tell("the SDK's path is too long: ", sdk);
    }
    if (access(path, R_OK) == 0) {
        return true;
    }
    fprintf(stderr,
            "microkit: error: the SDK in %s has no board %s with configuration %s (there is no "
            "%s); correct --board or --config, or set MICROKIT_SDK\n",
            sdk, options->board, options->config, path);
    return false;
}

static bool write_to(const char *path, const void *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    bool good = file && fwrite(bytes, 1, size, file) == size;
    if (file && fclose(file) == 0 && good) {
        return true;
    }
    perror(path);
    return false;
}

/* A regular file appears whole or not at all: QEMU may be reading the old one. On failure there is
 * none, for half an image, or an old one, is worse. */
static bool write_file(const char *path, const void *bytes, size_t size)
{
    char new[MAX_PATH];
    struct stat status;
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
        return write_to(path, bytes, size);
    }
    snprintf(new, sizeof new, "%.*s.new", MAX_PATH - 5, path);
    bool good = write_to(new, bytes, size);
    if (good && rename(new, path) == 0) {
        return true;
    }
    if (good) {
        perror(path);
    }
    remove(new);
    remove(path);
    return false;
}

static bool write_outputs(const struct build *build, const struct options *options)
{
    char *text = NULL;
    size_t length = 0;
    FILE *report = open_memstream(&text, &length);
    report_write(build, options->system, options->config, report);
    bool good = fclose(report) == 0 &&
                write_file(options->image, build->image, build->image_bytes) &&
                write_file(options->report, text, length);
    free(text);
    return good;
}

int main(int argc, char **argv)
{
    struct options options;
    struct build build;
    char kernel[MAX_PATH];
    if (!read_options(&options, argc, argv) || !find_kernel(&options, kernel)) {
        return EXIT_FAILURE;
    }
    struct load_paths paths = { options.folders, options.num_folders };
    struct error error = { .file = options.system };
    bool good = build_run(&build, options.system, kernel, &paths, &error);
    if (!good) {
        fprintf(stderr, "%s\n", error.text);
    } else {
        good = write_outputs(&build, &options);
    }
    build_free(&build);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
