/* SPDX-License-Identifier: BSD-2-Clause */
/* composer: a system's YAML file and the board's device tree -> all that the image is built from.
 */
#include "compose/compose.h"
#include "compose/keys.h"

#include <getopt.h>
#include <stdlib.h>

static const char usage[] =
    "usage: composer SYSTEM.yaml --board-dtb FILE --out FOLDER [--linux FILE] [--initrd FILE] "
    "[--initrd-driver FILE] [--partition N] [--most-ram BYTES]\n       composer --reference\n\n  "
    "--board-dtb FILE  "
    "the board's device tree\n "
    " --out FOLDER      "
    "where system.xml, records, device trees and link.mk are written\n  --linux FILE      the "
    "kernel of guests that name none: an arm64 Image\n  --initrd FILE     the initial RAM disk of "
    "guests that name none\n  --initrd-driver FILE\n                    the same of a guest that "
    "serves its disk\n  --partition N     the partition of the first guest with a disk\n  "
    "--most-ram BYTES  so much of the board's RAM is used at most; all where it is left out\n  "
    "--reference       write the keys of SYSTEM.yaml, as Markdown\n";

/* Those with an argument come first, in the order of `places` below. */
enum {
    BOARD,
    OUT,
    LINUX,
    INITRD,
    INITRD_DRIVER,
    PARTITION,
    MOST_RAM,
    NUM_PLACES,
    REFERENCE = NUM_PLACES,
    HELP
};
static const struct option long_options[] = {
    { "board-dtb", required_argument, NULL, BOARD },
    { "out", required_argument, NULL, OUT },
    { "linux", required_argument, NULL, LINUX },
    { "initrd", required_argument, NULL, INITRD },
    { "initrd-driver", required_argument, NULL, INITRD_DRIVER },
    { "partition", required_argument, NULL, PARTITION },
    { "most-ram", required_argument, NULL, MOST_RAM },
    { "reference", no_argument, NULL, REFERENCE },
    { "help", no_argument, NULL, HELP },
    { 0 },
};

enum { EXIT_GOOD, EXIT_ERRORS, EXIT_USAGE };

/* Reads the command line. Returns false if it says what else to do, in *status. */
static bool read_options(int argc, char **argv, struct compose_options *options, int *status)
{
    const char *most_ram = "0";
    const char **places[NUM_PLACES] = { &options->board_path,
                                        &options->out_folder,
                                        &options->defaults.kernel,
                                        &options->defaults.initrd,
                                        &options->defaults.initrd_driver,
                                        &options->defaults.partition,
                                        &most_ram };
    int option;
    *status = EXIT_GOOD;
    while ((option = getopt_long(argc, argv, "", long_options, NULL)) >= 0 && option != '?') {
        if (option == REFERENCE) {
            keys_reference(stdout);
            return false;
        }
        if (option == HELP) {
            fputs(usage, stdout);
            return false;
        }
        *places[option] = optarg;
    }
    char *end;
    options->defaults.most_ram_bytes = strtoull(most_ram, &end, 0);
    if (option == '?' || *end != '\0' || optind != argc - 1 || options->board_path == NULL ||
        options->out_folder == NULL) {
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
