/* SPDX-License-Identifier: BSD-2-Clause */
/* composer: a system's YAML file and the board's device tree -> all that the image is built from.
 */
#include "compose/compose.h"
#include "compose/keys.h"

#include <getopt.h>

static const char usage[] =
    "usage: composer SYSTEM.yaml --board-dtb FILE --out FOLDER [--linux FILE] [--initrd FILE]\n    "
    "   composer --reference\n\n  --board-dtb FILE  the board's device tree\n  --out FOLDER      "
    "where system.xml, records, device trees and link.mk are written\n  --linux FILE      the "
    "kernel of guests that name none: an arm64 Image\n  --initrd FILE     the initial RAM disk of "
    "guests that name none\n  --reference       write the keys of SYSTEM.yaml, as Markdown\n";

static const struct option long_options[] = {
    { "board-dtb", required_argument, NULL, 'b' },
    { "out", required_argument, NULL, 'o' },
    { "linux", required_argument, NULL, 'l' },
    { "initrd", required_argument, NULL, 'i' },
    { "reference", no_argument, NULL, 'r' },
    { "help", no_argument, NULL, 'h' },
    { 0 },
};

enum { EXIT_GOOD, EXIT_ERRORS, EXIT_USAGE };

/* Reads the command line. Returns false if it says what else to do, in *status. */
static bool read_options(int argc, char **argv, struct compose_options *options, int *status)
{
    int letter;
    *status = EXIT_GOOD;
    while ((letter = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
        switch (letter) {
        case 'b':
            options->board_path = optarg;
            break;
        case 'o':
            options->out_folder = optarg;
            break;
        case 'l':
            options->defaults.kernel = optarg;
            break;
        case 'i':
            options->defaults.initrd = optarg;
            break;
        case 'r':
            keys_reference(stdout);
            return false;
        case 'h':
            fputs(usage, stdout);
            return false;
        default:
            fputs(usage, stderr);
            *status = EXIT_USAGE;
            return false;
        }
    }
    if (optind != argc - 1 || options->board_path == NULL || options->out_folder == NULL) {
        fputs(usage, stderr);
        *status = EXIT_USAGE;
        return false;
    }
    options->system_path = argv[optind];
    return true;
}

int main(int argc, char **argv)
{
    struct compose_options options = { 0 };
    int status;
    if (!read_options(argc, argv, &options, &status)) {
        return status;
    }
    return compose(&options, stderr) ? EXIT_GOOD : EXIT_ERRORS;
}
