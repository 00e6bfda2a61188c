/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/keys.h"

#include "compose/limits.h"

#include <sddf/config.h>

/* In the order of enum serial_switch. */
static const char *const switch_words[] = { "ctrl-backslash", "at", "return-at", NULL };

const char *const color_words[] = { "red",     "green", "yellow", "blue",
                                    "magenta", "cyan",  "none",   NULL };
const char *const color_sgr[] = { "31", "32", "33", "34", "35", "36", "" };

#define TABLE(words, structure, array)                                                             \
    {                                                                                              \
        .what = (words), .bytes = sizeof(structure), .keys = (array),                              \
        .num_keys = sizeof(array) / sizeof((array)[0])                                             \
    }

#define KEY(word, sort, structure, member, ...)                                                    \
    {                                                                                              \
        .name = (word), .kind = (sort), .offset = offsetof(struct structure, member), __VA_ARGS__  \
    }
#define REQUIRED     .required = true
#define HELP(words)  .help = (words)
#define OTHERWISE(x) .fallback = (x)
#define COUNT(a, b)  .min = (a), .max = (b)

static const char *const bool_words[] = { "false", "true", NULL };

static const char *const serves_words[] = { "nothing", "disk", NULL };

static const struct key guest_console_keys[] = {
    KEY("enabled", KEY_CHOICE, guest_console, enabled, .choices = bool_words, .initial = 1,
        OTHERWISE("true"), HELP("whether the guest has a virtIO console")),
    KEY("columns", KEY_COUNT, guest_console, columns, COUNT(1, 65535),
        OTHERWISE("not told to the guest"), HELP("width of the terminal")),
    KEY("rows", KEY_COUNT, guest_console, rows, COUNT(1, 65535), OTHERWISE("not told to the guest"),
        HELP("height of the terminal")),
};
static const struct key_table guest_console_table =
    TABLE("a guest's console", struct guest_console, guest_console_keys);

static const struct key guest_net_keys[] = {
    KEY("network", KEY_NAME, guest_net, network, REQUIRED, HELP("one of `networks`")),
    KEY("mac", KEY_MAC, guest_net, mac,
        OTHERWISE("derived from the system's, the guest's and the network's name"),
        HELP("the card's address; frames from another are dropped")),
    KEY("bridge", KEY_CHOICE, guest_net, bridge, .choices = bool_words, OTHERWISE("false"),
        HELP("whether the guest passes on frames of other stations: then the switch learns their "
             "addresses, and takes frames from any")),
};
static const struct key_table guest_net_table =
    TABLE("a guest's network card", struct guest_net, guest_net_keys);

static const struct key guest_vsock_keys[] = {
    KEY("cid", KEY_COUNT, guest_vsock, cid, REQUIRED, COUNT(MIN_CID, MAX_CID),
        HELP("its context id, by which other guests reach it; no two may have the same")),
};
static const struct key_table guest_vsock_table =
    TABLE("a guest's sockets", struct guest_vsock, guest_vsock_keys);

static const char *const qemu_words[] = { "nothing", "net", "disk", NULL };

static const struct key guest_device_keys[] = {
    KEY("node", KEY_TEXT, guest_device, node, REQUIRED,
        HELP("the path of the device's node in the board's device tree. Whole pages are passed "
             "through: of QEMU's virtio-mmio slots, eight a page from `/virtio_mmio@a000000` on, "
             "16 to 23 cannot be where the system has a network card, 24 to 31 where it has a "
             "disk")),
    KEY("qemu", KEY_CHOICE, guest_device, qemu, .choices = qemu_words, OTHERWISE("nothing"),
        HELP("what `make qemu` puts into this virtio-mmio slot: a network card of its own, or "
             "DISK=")),
};
static const struct key_table guest_device_table =
    TABLE("a passed-through device", struct guest_device, guest_device_keys);
static const struct key guest_device_key = { .name = "passthrough",
                                             .kind = KEY_SWITCH_MAP,
                                             .table = &guest_device_table };

static const struct key guest_keys[] = {
    KEY("name", KEY_NAME, guest, name, REQUIRED,
        HELP("its name, also its host name; its VMM is called NAME_vmm")),
    KEY("count", KEY_COUNT, guest, count, COUNT(1, MAX_GUESTS), OTHERWISE("one guest, named NAME"),
        HELP("so many equal guests, named NAME0, NAME1...")),
    KEY("memory", KEY_SIZE, guest, memory, REQUIRED, COUNT(GUEST_PAGE_BYTES, GUEST_MAX_RAM_BYTES),
        .multiple = GUEST_PAGE_BYTES, HELP("its RAM")),
    KEY("kernel", KEY_PATH, guest, kernel, OTHERWISE("the guest kernel that is built, or LINUX="),
        HELP("an arm64 Image, not compressed; from the YAML file's folder on")),
    KEY("initrd", KEY_PATH, guest, initrd,
        OTHERWISE("the root file system that is built, or INITRD="),
        HELP("an initial RAM disk, or `none`")),
    KEY("cmdline", KEY_TEXT, guest, cmdline, OTHERWISE("nothing"),
        HELP("added to the kernel's command line")),
    KEY("color", KEY_CHOICE, guest, color, .choices = color_words, OTHERWISE("the next of the six"),
        HELP("the colour of its output")),
    KEY("vcpus", KEY_COUNT, guest, vcpus, COUNT(1, GUEST_MAX_VCPUS), .initial = 1, OTHERWISE("1"),
        HELP("how many cores it sees")),
    KEY("disk", KEY_CHOICE, guest, disk, .choices = bool_words, OTHERWISE("false"),
        HELP("whether it has a virtIO block device: a partition of the board's disk")),
    KEY("partition", KEY_COUNT, guest, partition, COUNT(0, MAX_PARTITION),
        OTHERWISE("the lowest that no other guest has; PARTITION= for the first guest with a disk"),
        HELP("which one, from 0, in the order of the partition table (MBR or GPT)")),
    KEY("readonly", KEY_CHOICE, guest, readonly, .choices = bool_words, OTHERWISE("false"),
        HELP("whether its disk is read-only; only such guests may share a partition")),
    KEY("serves", KEY_CHOICE, guest, serves, .choices = serves_words, OTHERWISE("nothing"),
        HELP("`disk`: the disk of the guests with one, 8 at most, is served by this guest, which "
             "has it by `passthrough` as its own `/dev/vda`")),
    KEY("net", KEY_LIST, guest, net, COUNT(1, VMM_MAX_NETS), .table = &guest_net_table,
        OTHERWISE("no card"), HELP("its virtIO network cards: `eth0`, `eth1`...")),
    KEY("vsock", KEY_MAP, guest, vsock, .table = &guest_vsock_table, OTHERWISE("none"),
        HELP("its virtIO sockets, to other guests that have them: `vsock: {cid: 3}`")),
    KEY("rng", KEY_CHOICE, guest, rng, .choices = bool_words, .initial = 1, OTHERWISE("true"),
        HELP("whether it has a virtIO entropy device, and a fresh `rng-seed` at each start")),
    KEY("passthrough", KEY_LIST, guest, passthrough, COUNT(1, VMM_MAX_PASSED),
        .table = &guest_device_table, .element = &guest_device_key, OTHERWISE("none"),
        HELP("devices of the board that it has to itself, each by its node's path, or a map. "
             "Without an IOMMU they reach all memory")),
    KEY("console", KEY_SWITCH_MAP, guest, console, .table = &guest_console_table, OTHERWISE("true"),
        HELP("its virtIO console: `true`, `false` or a map")),
};
static const struct key_table guest_table = TABLE("a guest", struct guest, guest_keys);

static const struct key system_console_keys[] = {
    KEY("switch", KEY_CHOICE, system_console, switch_keys, .choices = switch_words,
        .initial = SERIAL_SWITCH_CTRL_BACKSLASH, OTHERWISE("ctrl-backslash"),
        HELP("what moves the input: `ctrl-backslash` (Ctrl-\\, index from 0, Enter), `at` (`@` and "
             "a digit from 1) or `return-at` (Return, `@`, index from 0)")),
};
static const struct key_table system_console_table =
    TABLE("the console", struct system_console, system_console_keys);

static const struct key member_key = { .name = "allow", .kind = KEY_NAME };
static const struct key group_key = {
    .name = "allow", .kind = KEY_LIST, .element = &member_key, COUNT(2, SWITCH_PORTS + 1)
};

static const struct key network_keys[] = {
    KEY("name", KEY_NAME, network, name, REQUIRED,
        HELP("its name; its switch is called NAME_switch")),
    KEY("uplink", KEY_CHOICE, network, uplink, .choices = bool_words, OTHERWISE("false"),
        HELP("whether the board's network card is on it")),
    KEY("mtu", KEY_COUNT, network, mtu, COUNT(MIN_MTU, MAX_MTU), .initial = DEFAULT_MTU,
        OTHERWISE("1500"),
        HELP("bytes of the largest packet, without its Ethernet header and up to two VLAN tags; "
             "1500 at most with an uplink")),
    KEY("allow", KEY_LIST, network, allow, COUNT(1, MAX_GROUPS), .element = &group_key,
        OTHERWISE("everybody with everybody"),
        HELP("who may talk with whom: lists of guests' names, and `uplink`; two may if a list has "
             "both, such as `[[web, uplink], [web, database]]`")),
};
static const struct key_table network_table = TABLE("a network", struct network, network_keys);

static const struct key system_vsock_keys[] = {
    KEY("allow", KEY_LIST, system_vsock, allow, COUNT(1, MAX_GROUPS), .element = &group_key,
        OTHERWISE("everybody with everybody"),
        HELP("which guests' sockets may reach each other: lists of guests' names")),
};
static const struct key_table system_vsock_table =
    TABLE("the sockets", struct system_vsock, system_vsock_keys);

static const struct key top_keys[] = {
    KEY("system", KEY_NAME, model, name, REQUIRED, HELP("the system's name")),
    KEY("seed", KEY_PATH, model, seed, OTHERWISE("none: nothing of it is in the image"),
        HELP("a file of 32 to 256 bytes, mixed into the random bytes of each start; it is in the "
             "image, and serves alone where the board's counter has no jitter")),
    KEY("console", KEY_MAP, model, console, .table = &system_console_table,
        OTHERWISE("its keys' defaults"), HELP("the terminal that all guests share")),
    KEY("vsock", KEY_MAP, model, vsock, .table = &system_vsock_table,
        OTHERWISE("its keys' defaults"), HELP("the sockets between guests")),
    KEY("networks", KEY_LIST, model, networks, COUNT(1, MAX_NETWORKS), .table = &network_table,
        OTHERWISE("none"), HELP("the networks that guests' cards are on")),
    KEY("guests", KEY_LIST, model, guests, REQUIRED, COUNT(1, MAX_GUESTS), .table = &guest_table,
        HELP("the guests; the first has index 0")),
};
const struct key_table system_keys = TABLE("a system", struct model, top_keys);

/* The manual's example: a test composes it. */
static const char reference_head[] =
    "# The system file\n\n"
    "<!-- SPDX-License-Identifier: BSD-2-Clause. Written by `composer --reference`; `make unit` "
    "compares. -->\n\n"
    "A system is one YAML file, `system.yaml`. Keys with a default may be left out;\n"
    "adding a guest is adding an element to `guests`. What is wrong in a file is told with its "
    "line\n"
    "and with what would be right.\n\n"
    "```yaml\n"
    "system: example\n\n"
    "console:\n"
    "  switch: at                    # @1, @2, @3 move the input\n\n"
    "networks:\n"
    "  - name: lan\n"
    "    uplink: true\n"
    "    allow: [[web, uplink], [web, database]]\n\n"
    "guests:\n"
    "  - name: web\n"
    "    memory: 192M\n"
    "    net: [{network: lan, mac: 52:54:01:00:00:fd}]\n"
    "  - name: database\n"
    "    memory: 512MiB              # the same as 512M\n"
    "    vcpus: 2\n"
    "    disk: true\n"
    "    net: [{network: lan}]\n"
    "    color: cyan\n"
    "    cmdline: quiet loglevel=3\n"
    "    console: {columns: 100, rows: 30}\n"
    "  - name: silent\n"
    "    memory: 64M\n"
    "    console: false\n"
    "    color: none\n"
    "```\n\n"
    "Sizes are numbers of bytes or of `K`, `M`, `G` (powers of 1,024).\n";

static void reference_of(FILE *out, struct arena *arena, const struct key_table *table)
{
    fprintf(out, "\n## Keys of %s\n\n| key | value | default | meaning |\n|---|---|---|---|\n",
            table->what);
    for (size_t i = 0; i < table->num_keys; i++) {
        const struct key *key = &table->keys[i];
        fprintf(out, "| `%s` | %s | %s | %s |\n", key->name, scalar_wanted(arena, key),
                key->required ? "must be given" : key->fallback, key->help);
    }
    for (size_t i = 0; i < table->num_keys; i++) {
        if (table->keys[i].table != NULL) {
            reference_of(out, arena, table->keys[i].table);
        }
    }
}

void keys_reference(FILE *out)
{
    struct arena arena = { 0 };
    fputs(reference_head, out);
    reference_of(out, &arena, &system_keys);
    arena_free(&arena);
}
