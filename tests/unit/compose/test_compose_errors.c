/* SPDX-License-Identifier: BSD-2-Clause */
/* Every mistake in a YAML file has its place and its sentence. */
#include "tests/unit/compose/compose_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NETWORK(rest, nets)                                                                        \
    "system: s\nnetworks: [{name: lan" rest "}]\nguests:\n  - {name: a, memory: 256M, net: [" nets \
    "]}\n"
#define GUEST(rest) "system: s\nguests:\n  - name: a\n    memory: 256M\n" rest

/* A wrong file and all that is told of it, without "system.yaml:". */
static const struct {
    const char *yaml;
    const char *told;
} wrong[] = {
    /* Not YAML at all. */
    { "", "1:1: error: the file is empty; it must begin with `system: NAME`" },
    { "# nothing\n", "1:1: error: the file is empty; it must begin with `system: NAME`" },
    { "system: s\n\tguests: 1\n",
      "2:1: error: this is not YAML: found a tab character that violates indentation (while "
      "scanning a plain scalar from line 1 on); mend the indentation, colon or quote here" },
    { "system: 's\n", "2:1: error: this is not YAML: found unexpected end of stream (while "
                      "scanning a quoted scalar "
                      "from line 1 on); mend the indentation, colon or quote here" },
    { "system: s\nx\377y: 1\n",
      "2:2: error: this is not YAML: invalid leading UTF-8 octet; mend the indentation, colon or "
      "quote here" },
    /* Byte order marks, line ends of other systems, characters of several bytes. */
    { "\xef\xbb\xbf", "1:1: error: the file is empty; it must begin with `system: NAME`" },
    { "\xef\xbb\xbfsystem: s\n",
      "1:1: error: a system has no 'guests'; add `guests:` (the guests; the first has "
      "index 0)" },
    { "\xef\xbb\xbfsystem: s\r\nguests: 3\r\n",
      "2:9: error: 'guests' is a single value; it must be a list, each element beginning with '- "
      "'" },
    { "\xef\xbb\xbfsystem: s\rx\303\266y\377: 1\n",
      "2:4: error: this is not YAML: invalid leading UTF-8 octet; mend the indentation, colon or "
      "quote here" },
    { "system: s\r\nx\377y: 1\r\n",
      "2:2: error: this is not YAML: invalid leading UTF-8 octet; mend the indentation, colon or "
      "quote here" },
    { "\xff\xfes\1", "1:1: error: the file is encoded in UTF-16; save it in UTF-8, as `iconv -f "
                     "UTF-16 -t UTF-8` does" },
    { "\xfe\xff\1s", "1:1: error: the file is encoded in UTF-16; save it in UTF-8, as `iconv -f "
                     "UTF-16 -t UTF-8` does" },
    { GUEST("---\nsystem: t\n"),
      "6:1: error: a second document begins here; a file describes one system, remove the line "
      "'---'" },
    /* Types. */
    { "- a\n", "1:1: error: a system must be a map of `key: value` lines, this is a list" },
    { "hello\n",
      "1:1: error: a system must be a map of `key: value` lines, this is a single value" },
    { "system: s\nguests: 3\n", "2:9: error: 'guests' is a single value; it must be a list, each "
                                "element beginning with '- '" },
    { "system: s\nguests: []\n", "2:9: error: 'guests' has 0 elements; it must have 1 to 56" },
    { "system: s\nguests:\n  - a\n",
      "3:5: error: a guest must be a map of `key: value` lines, this is a single value" },
    { "system: [s]\nguests:\n  - {name: a, memory: 256M}\n",
      "1:9: error: 'system' is a list; it must be a name of 1 to 32 letters, digits, '-' and '_', "
      "a "
      "letter first" },
    { "system: s\n[a]: b\nguests:\n  - {name: a, memory: 256M}\n",
      "2:1: error: a list stands where a key of a system is expected; write `key: value`" },
    { GUEST("    console: [80, 25]\n"),
      "5:14: error: a guest's console must be a map of `key: value` lines, this is a list" },
    { GUEST("    console: maybe\n"),
      "5:14: error: 'console' is 'maybe'; it must be one of false, true" },
    { GUEST("    memory2: 3\n"),
      "5:5: error: unknown key 'memory2' in a guest (did you mean 'memory'?); the keys are name, "
      "count, memory, kernel, initrd, cmdline, color, vcpus, disk, partition, readonly, serves, "
      "net, "
      "vsock, rng, passthrough, console" },
    /* Keys. */
    { "sytem: s\nguests:\n  - {name: a, memory: 256M}\n",
      "1:1: error: unknown key 'sytem' in a system (did you mean 'system'?); the keys are system, "
      "seed, console, vsock, networks, guests\n"
      "1:1: error: a system has no 'system'; add `system:` (the system's name)" },
    { GUEST("    zzz: 3\n"),
      "5:5: error: unknown key 'zzz' in a guest; the keys are name, count, memory, "
      "kernel, initrd, cmdline, "
      "color, vcpus, disk, partition, readonly, serves, net, vsock, rng, passthrough, console" },
    { GUEST("    console: {cols: 80}\n"),
      "5:15: error: unknown key 'cols' in a guest's console; the keys are enabled, columns, rows" },
    { GUEST("    \"a\\0b\": 3\n"),
      "5:5: error: unknown key '' in a guest; the keys are name, count, memory, kernel, initrd, "
      "cmdline, "
      "color, vcpus, disk, partition, readonly, serves, net, vsock, rng, passthrough, console" },
    { GUEST("    memory: 128M\n"),
      "5:5: error: 'memory' is given twice in a guest, first in line 4; remove one" },
    { "system: s\nsystem: s\nguests:\n  - {name: a, memory: 256M}\n",
      "2:1: error: 'system' is given twice in a system, first in line 1; remove one" },
    { "system: s\nguests:\n  - name: a\n",
      "3:5: error: a guest has no 'memory'; add `memory:` (its RAM)" },
    { "system: s\nguests:\n  - memory: 256M\n",
      "3:5: error: a guest has no 'name'; add `name:` (its name, also its host name; its VMM is "
      "called NAME_vmm)" },
    { "system: s\n",
      "1:1: error: a system has no 'guests'; add `guests:` (the guests; the first has "
      "index 0)" },
    { "system: s\nconsole:\n  switch: crtl-backslash\nguests:\n  - {name: a, memory: 256M}\n",
      "3:11: error: 'switch' is 'crtl-backslash' (did you mean 'ctrl-backslash'?); it must be one "
      "of "
      "ctrl-backslash, at, return-at" },
    /* Values. */
    { "system: s\nguests:\n  - {name: a, memory: 255M}\n",
      "3:23: error: 'memory' is '255M'; it must be a size from 2M to 256G, a multiple of 2M, such "
      "as "
      "256M" },
    { "system: s\nguests:\n  - {name: a, memory: 0}\n",
      "3:23: error: 'memory' is '0'; it must be a size from 2M to 256G, a multiple of 2M, such as "
      "256M" },
    { "system: s\nguests:\n  - {name: a, memory: 300G}\n",
      "3:23: error: 'memory' is '300G'; it must be a size from 2M to 256G, a multiple of 2M, such "
      "as "
      "256M" },
    { "system: s\nguests:\n  - {name: a, memory: 99999999999999999999G}\n",
      "3:23: error: 'memory' is '99999999999999999999G'; it must be a size from 2M to 256G, a "
      "multiple of 2M, such as 256M" },
    { "system: s\nguests:\n  - {name: a, memory: 256 parsecs}\n",
      "3:23: error: 'memory' is '256 parsecs'; it must be a size from 2M to 256G, a multiple of "
      "2M, "
      "such as 256M" },
    { "system: s\nguests:\n  - {name: a, memory: -2M}\n",
      "3:23: error: 'memory' is '-2M'; it must be a size from 2M to 256G, a multiple of 2M, such "
      "as "
      "256M" },
    { "system: s\nguests:\n  - {name: a, memory: \"25\\0M\"}\n",
      "3:23: error: 'memory' holds a zero byte; it must be a size from 2M to 256G, a multiple of "
      "2M, "
      "such as 256M" },
    { GUEST("    vcpus: 5\n"), "5:12: error: 'vcpus' is '5'; it must be a number from 1 to 4" },
    { GUEST("    vcpus: two\n"), "5:12: error: 'vcpus' is 'two'; it must be a number from 1 to 4" },
    { GUEST("    color: gren\n"), "5:12: error: 'color' is 'gren' (did you mean 'green'?); it must "
                                  "be one of red, green, yellow, "
                                  "blue, magenta, cyan, none" },
    { GUEST("    console: {columns: 80}\n"),
      "5:24: error: the console has 'columns' without 'rows'; give both or neither" },
    { GUEST("    console: {columns: 80, rows: 0}\n"),
      "5:34: error: 'rows' is '0'; it must be a number from 1 to 65535" },
    { GUEST("    cmdline: \"a\\nb\"\n"),
      "5:14: error: 'cmdline' is 'a?b'; it must be one line of at most 1024 characters" },
    { GUEST("    cmdline: quiet hostname=b\n"),
      "5:14: error: 'cmdline' sets hostname= in 'quiet hostname=b'; the guest's `name` is its host "
      "name, remove it" },
    { GUEST("    kernel: ''\n"), "5:13: error: 'kernel' is ''; it must be a file's path" },
    /* Names. */
    { "system: s\nguests:\n  - {name: 0a, memory: 256M}\n",
      "3:12: error: 'name' is '0a'; it must be a name of 1 to 32 letters, digits, '-' and '_', a "
      "letter first" },
    { "system: s\nguests:\n  - {name: a/b, memory: 256M}\n",
      "3:12: error: 'name' is 'a/b'; it must be a name of 1 to 32 letters, digits, '-' and '_', a "
      "letter first" },
    { "system: s\nguests:\n  - {name: abcdefghijklmnopqrstuvwxyzabcdefg, memory: 256M}\n",
      "3:12: error: 'name' is 'abcdefghijklmnopqrstuvwxyzabcdefg'; it must be a name of 1 to 32 "
      "letters, digits, '-' and '_', a letter first" },
    { GUEST("  - name: a\n    memory: 256M\n"),
      "5:11: error: there is a guest named 'a' already, in line 3; give each a name of its own" },
    { "system: s\nguests:\n  - {name: timer_driver, memory: 256M}\n",
      "3:12: error: 'timer_driver' is the name of a part of the system; give the guest another, "
      "such "
      "as guest0" },
    { "system: s\nguests:\n  - {name: a_vmm, memory: 256M}\n",
      "3:12: error: the guest's name 'a_vmm' ends with '_vmm', as names of VMMs do; give it "
      "another, "
      "such as guest0" },
    /* Images and memory. */
    { GUEST("    kernel: nowhere\n"), "5:13: error: cannot read the kernel './nowhere': No such "
                                      "file or directory; give the path of "
                                      "a file" },
    { GUEST("    kernel: .\n"),
      "5:13: error: the kernel './.' is not a file; give the path of a file" },
    { GUEST("    initrd: empty\n"),
      "5:13: error: the initrd './empty' is empty; give the path of a file" },
    { GUEST("    kernel: gzipped\n"), "5:13: error: the kernel './gzipped' is no arm64 Image: it "
                                      "is compressed with gzip; unpack it "
                                      "with gunzip first" },
    { GUEST("    kernel: vmlinux\n"),
      "5:13: error: the kernel './vmlinux' is no arm64 Image: it is an ELF file; give "
      "arch/arm64/boot/Image in place of vmlinux" },
    { GUEST("    kernel: initrd\n"),
      "5:13: error: the kernel './initrd' is no arm64 Image: it is compressed with gzip; unpack it "
      "with gunzip first" },
    { GUEST("    kernel: system.yaml\n"),
      "5:13: error: the kernel './system.yaml' is no arm64 Image: its header has no arm64 magic; "
      "give arch/arm64/boot/Image" },
    /* 33 MiB of kernel, up to 34, 64 KiB of device tree, the initrd, 5 MiB unpacked, 33 / 3 + 4 MiB
     * to work.
     */
    { "system: s\nguests:\n  - {name: a, memory: 32M}\n",
      "3:23: error: 32M of memory is too little for a's kernel and initrd, which is 5M unpacked; "
      "give it at least 56M" },
    { "system: s\nguests:\n  - {name: a, memory: 46M, initrd: none}\n",
      "3:23: error: 46M of memory is too little for a's kernel; give it at least 50M" },
    { GUEST("  - {name: b, memory: 512M}\n  - {name: c, memory: 256M}\n"),
      "6:23: error: the board's RAM (1G) has no place for the 256M of c; beside the image and what "
      "is placed before it, 252M are free, in one piece 252M at most; give the guests less, or the "
      "board more (QEMU_MEMORY=)" },
    /* More than one. */
    { "system: s\nguests:\n  - {name: a, memory: 1M, vcpus: 9, colour: red}\n",
      "3:23: error: 'memory' is '1M'; it must be a size from 2M to 256G, a multiple of 2M, such as "
      "256M\n"
      "3:34: error: 'vcpus' is '9'; it must be a number from 1 to 4\n"
      "3:37: error: unknown key 'colour' in a guest (did you mean 'color'?); the keys are name, "
      "count, memory, kernel, initrd, cmdline, color, vcpus, disk, partition, readonly, serves, "
      "net, "
      "vsock, rng, passthrough, console" },
    /* Several at once. */
    { GUEST("    count: 59\n"), "5:12: error: 'count' is '59'; it must be a number from 1 to 56" },
    { GUEST("    count: 0\n"), "5:12: error: 'count' is '0'; it must be a number from 1 to 56" },
    { GUEST("    count: 50\n  - {name: b, memory: 256M, count: 9}\n"),
      "6:36: error: the guests up to this one are 59; a system has at most 56" },
    { "system: s\nguests:\n  - {name: abcdefghijklmnopqrstuvwxyzabcde, memory: 256M, count: 11}\n",
      "3:12: error: with an index behind it 'abcdefghijklmnopqrstuvwxyzabcde' is longer than 32 "
      "characters; shorten it" },
    { GUEST("    count: 2\n  - {name: a1, memory: 256M}\n"),
      "6:12: error: there is a guest named 'a1' already, in line 3; give each a name of its own" },
    { GUEST("    count: 2\n    disk: true\n    partition: 1\n"),
      "7:16: error: a0 and a1 both have partition 1 and would spoil each other's file system; give "
      "them different ones, or `readonly: true` to both" },
    /* Disks. */
    { GUEST("    partition: 1\n"),
      "5:16: error: a has no disk that 'partition' could be about; add "
      "`disk: true` or remove it" },
    { GUEST("    disk: false\n    readonly: true\n"),
      "6:15: error: a has no disk that 'readonly' could be about; add `disk: true` or remove it" },
    { GUEST("    serves: disk\n"), "5:13: error: a serves a disk that it has not; add the board's, "
                                   "such as `passthrough: [{node: "
                                   "/virtio_mmio@a001e00, qemu: disk}]`" },
    { GUEST("    serves: disk\n    passthrough: [/x]\n"),
      "5:13: error: a serves the disk to nobody; add `disk: true` to other guests" },
    { GUEST("    serves: disk\n    disk: true\n"),
      "5:13: error: a serves the disk and has `disk: true`; its disk is its own, remove one of the "
      "two" },
    { GUEST("    serves: disk\n    passthrough: [/x]\n  - {name: b, memory: 256M, disk: true}\n"
            "  - {name: c, memory: 256M, passthrough: [/y], serves: disk}\n"),
      "8:56: error: c serves the disk as another guest does; there is one disk, let one of them "
      "serve it" },
    { GUEST("    count: 9\n    disk: true\n  - {name: s, memory: 256M, passthrough: [/x], serves: "
            "disk}\n"),
      "7:56: error: s serves more guests than it can; give a disk to 8 at most" },
    { GUEST("    disk: true\n    partition: 128\n"),
      "6:16: error: 'partition' is '128'; it must be a number from 0 to 127" },
    { GUEST("    disk: true\n    partition: 1\n  - {name: b, memory: 256M, disk: true, partition: "
            "1, readonly: true}\n"),
      "7:52: error: a and b both have partition 1 and would spoil each other's file system; give "
      "them different ones, or `readonly: true` to both" },
    /* Networks. */
    { NETWORK("", "{network: lann}"),
      "4:45: error: there is no network 'lann' (did you mean 'lan'?); add it to `networks`" },
    { GUEST("    net: [{network: lan}]\n"),
      "5:21: error: there is no network 'lan'; add it to `networks`" },
    { NETWORK(", mtu: 9001", "{network: lan}"),
      "2:29: error: 'mtu' is '9001'; it must be a number from 576 to 9000" },
    { NETWORK(", mtu: 1501, uplink: true", "{network: lan}"),
      "2:29: error: the network card takes packets of 1500 bytes at most; make 'mtu' smaller, or "
      "the network one without `uplink`" },
    { NETWORK("}, {name: lan", "{network: lan}"),
      "2:32: error: there is a network named 'lan' already, in line 2; give each a name of its "
      "own" },
    { NETWORK("", "{network: lan}, {network: lan}"),
      "4:61: error: a is on the network 'lan' twice; one card is enough" },
    { NETWORK("", "{network: lan, mac: \"53:54:01:00:00:fd\"}"),
      "4:55: error: 'mac' is '53:54:01:00:00:fd'; it must be the MAC address of one station, such "
      "as 52:54:01:00:00:fd" },
    { NETWORK("", "{network: lan, mac: \"52:54:01:00:00:fd:\"}"),
      "4:55: error: 'mac' is '52:54:01:00:00:fd:'; it must be the MAC address of one station, such "
      "as 52:54:01:00:00:fd" },
    { NETWORK("", "{network: lan, mac: \"52:54:01:00:00:fd\"}]}\n  - {name: b, memory: 256M, net: "
                  "[{network: lan, mac: \"52:54:01:00:00:FD\"}"),
      "4:55: error: a card of b has the MAC address 52:54:01:00:00:fd too; give each its own, or "
      "none\n"
      "5:55: error: a card of a has the MAC address 52:54:01:00:00:FD too; give each its own, or "
      "none" },
    { NETWORK(", allow: [[a, uplink], [a, b]]", "{network: lan}"),
      "2:36: error: the network 'lan' has no uplink; add `uplink: true` or remove this\n"
      "2:49: error: 'b' is no guest on the network 'lan'; give it a card there or remove it" },
    { NETWORK(", allow: [[a]]", "{network: lan}"),
      "2:32: error: 'allow' has 1 elements; it must have 2 to 17" },
    { NETWORK(", allow: [a]", "{network: lan}"),
      "2:32: error: 'allow' is a single value; it must be a list, each element beginning with '- "
      "'" },
    /* Sockets. */
    { GUEST("    vsock: {cid: 2}\n"),
      "5:18: error: 'cid' is '2'; it must be a number from 3 to 4294967294" },
    { GUEST("    vsock: {}\n"),
      "5:12: error: a guest's sockets has no 'cid'; add `cid:` (its context id, by which other "
      "guests reach it; no two may have the same)" },
    { GUEST("    vsock: {cid: 3}\n  - {name: b, memory: 256M, vsock: {cid: 3}}\n"),
      "6:42: error: a has the CID 3 already; give b another" },
    { "system: s\nvsock: {allow: [[a, b]]}\nguests:\n  - {name: a, memory: 256M, vsock: {cid: "
      "3}}\n",
      "2:21: error: 'b' is no guest with sockets; give it `vsock: {cid: ...}` or remove it" },
    { "system: s\nnetworks: [{name: vsock}]\nguests:\n  - {name: a, memory: 256M}\n",
      "2:19: error: 'vsock' is the name of the sockets' switch; give the network another" },
    { "system: s\nguests:\n  - {name: lan_switch, memory: 256M}\n",
      "3:12: error: the guest's name 'lan_switch' ends with '_switch', as names of switches do; "
      "give it another, such as guest0" },
};

/* Removes "system.yaml:" from the beginning of each line and the last newline, in place. */
static void strip(char *told)
{
    static const char prefix[] = "system.yaml:";
    char *to = told;
    for (char *line = told; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        assert_int_equal(strncmp(line, prefix, sizeof(prefix) - 1), 0);
        size_t kept = length - (sizeof(prefix) - 1);
        memmove(to, line + sizeof(prefix) - 1, kept);
        line += length + 1;
        to += kept;
        *to++ = *line == '\0' ? '\0' : '\n';
    }
}

static void wrong_files_are_told(void **state)
{
    (void)state;
    unsigned failures = 0;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        bool good;
        char *told = rig_compose(wrong[i].yaml, strlen(wrong[i].yaml), "out", &good);
        strip(told);
        if (good || strcmp(told, wrong[i].told) != 0) {
            print_error("--- %s\n- %s\n+ %s\n", wrong[i].yaml, wrong[i].told, told);
            failures++;
        }
        free(told);
    }
    assert_int_equal(failures, 0);
}

/* Returns a file of `count` guests, to be freed. */
static char *guests_file(const char *head, unsigned count, const char *each)
{
    char *yaml = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&yaml, &length);
    fprintf(out, "system: s\n%sguests:\n", head);
    for (unsigned i = 0; i < count; i++) {
        fprintf(out, "  - {name: g%u, memory: 64M%s}\n", i, each);
    }
    (void)fclose(out);
    return yaml;
}

static void expect(const char *yaml, const char *expected)
{
    bool good;
    char *told = rig_compose(yaml, strlen(yaml), "out", &good);
    assert_false(good);
    strip(told);
    assert_string_equal(told, expected);
    free(told);
}

static void expect_good(const char *yaml)
{
    bool good;
    char *told = rig_compose(yaml, strlen(yaml), "out", &good);
    assert_string_equal(told, "");
    assert_true(good);
    free(told);
}

static void limits_are_told(void **state)
{
    (void)state;
    char *yaml = guests_file("", 59, "");
    expect(yaml, "3:3: error: 'guests' has 59 elements; it must have 1 to 56");
    free(yaml);
    yaml = guests_file("console: {switch: at}\n", 10, "");
    expect(yaml, "2:19: error: 'at' names a guest by one digit and reaches 9, there are 10; use "
                 "ctrl-backslash or return-at");
    free(yaml);
    yaml = guests_file("", 20, ", vcpus: 4");
    expect(yaml, "19:37: error: the guests up to this one have 68 vCPUs together; a system has at "
                 "most 64, give some guests fewer");
    free(yaml);
}

static void too_many_pds_are_told(void **state)
{
    (void)state;
    rig_write_board(64ul << 30, true);
    char *yaml = guests_file("", 56, ", disk: true");
    expect(yaml, "3:3: error: this system has 65 protection domains, a VMM for each guest among "
                 "them; the Microkit has at most 63, remove 2 guests");
    free(yaml);
    rig_write_board(RIG_BOARD_RAM, true);
}

#define THREE(memory, rest)                                                                        \
    "system: s\nguests:\n  - {name: a, memory: " memory rest                                       \
    "}\n  - {name: b, memory: " memory rest "}\n  - {name: c, memory: " memory rest "}\n"

/* The image lies in the middle of the RAM: two fit below it, none above. */
static void what_has_no_place_is_told(void **state)
{
    (void)state;
    expect(THREE("300M", ""),
           "5:23: error: the board's RAM (1G) has no place for the 300M of c; beside the image and "
           "what is placed before it, 420M are free, in one piece 252M at most; give the guests "
           "less, or the board more (QEMU_MEMORY=)");
    expect(THREE("300M", ", disk: true"),
           "5:23: error: the board's RAM (1G) has no place for the 300M of c; beside the image and "
           "what is placed before it, 419M are free, in one piece 252M at most; give the guests "
           "less, or the board more (QEMU_MEMORY=)");
    expect_good(THREE("250M", ""));
    expect_good(
        "system: s\nguests:\n  - {name: a, memory: 600M, disk: true}\n  - {name: b, memory: "
        "200M, disk: true}\n  - {name: c, memory: 150M, disk: true}\n");
}

/* The embedded kernel uses 1 GiB, whatever QEMU has. */
static void ram_that_is_not_used_is_none(void **state)
{
    (void)state;
    rig_write_board(2ul << 30, true);
    expect_good(THREE("300M", ""));
    rig_most_ram = RIG_BOARD_RAM;
    expect(THREE("300M", ""),
           "5:23: error: the board's RAM (1G) has no place for the 300M of c; beside the image and "
           "what is placed before it, 420M are free, in one piece 252M at most; give the guests "
           "less");
    rig_write_board(512ul << 20, true);
    expect(GUEST(""),
           "3:3: error: the image needs 3M from 0x70000000 on, but the board's RAM is 512M from "
           "0x40000000 on; give it 771M or more (QEMU_MEMORY=), or the guests smaller images");
    rig_most_ram = 0;
    rig_write_board(RIG_BOARD_RAM, true);
}

static void a_wrong_partition_option_is_told(void **state)
{
    (void)state;
    rig_partition = "1";
    expect(GUEST(""), " error: PARTITION is '1', but no guest has a disk; add `disk: true` to "
                      "one");
    rig_partition = "128";
    expect(GUEST("    disk: true\n"),
           " error: PARTITION is '128'; it must be a number from 0 to 127");
    rig_partition = "1x";
    expect(GUEST("    disk: true\n"),
           " error: PARTITION is '1x'; it must be a number from 0 to 127");
    rig_partition = NULL;
}

static void missing_defaults_are_told(void **state)
{
    (void)state;
    bool good;
    char *told = rig_compose_bare(GUEST(""), "out", &good);
    assert_false(good);
    strip(told);
    assert_string_equal(
        told, "3:5: error: a has no kernel and there is no default; add `kernel: PATH` or call "
              "compose with --linux\n"
              "3:5: error: a has no initrd and there is no default; add `initrd: PATH`, `initrd: "
              "none`, or call compose with --initrd");
    free(told);
}

static void expect_board(const char *expected)
{
    bool good;
    char *told = rig_compose(GUEST(""), strlen(GUEST("")), "out", &good);
    assert_false(good);
    assert_string_equal(told, expected);
    free(told);
}

static void wrong_boards_are_told(void **state)
{
    (void)state;
    rig_write("board.dtb", "no tree", 7);
    expect_board("board.dtb: error: this is not a device tree; give a .dtb file, as dtc or QEMU's "
                 "dumpdtb write it\n");
    rig_write_board(RIG_BOARD_RAM, false);
    expect_board("board.dtb: error: the board has no GICv2 with a virtual CPU interface; on QEMU's "
                 "virt give -machine virtualization=on,gic-version=2\n");
    rig_write_board_without_slots();
    expect(GUEST("    disk: true\n"),
           "5:11: error: the board has no disk: its device tree has no virtio,mmio slot 31; use "
           "another board, or remove this");
    expect(
        NETWORK(", uplink: true", "{network: lan}"),
        "2:32: error: the board has no network card: its device tree has no virtio,mmio slot 23; "
        "use another board, or remove this");
    rig_write_board(RIG_BOARD_RAM, true);
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    bool good;
    char *told = rig_compose(GUEST(""), strlen(GUEST("")), "Image/out", &good);
    assert_false(good);
    assert_non_null(strstr(told, "Image/out: error: cannot write: Not a directory\n"));
    free(told);
}

/* As editors of other systems write it; the first two were saved in UTF-16. */
static void encodings_are_found_out(void **state)
{
    static const char little[] = "s\0y\0";
    static const char big[] = "\0s\0y";
    static const char marked[] = "\xef\xbb\xbfsystem: s\r\nguests:\r\n  - name: a\r\n    memory: "
                                 "256M\r\n";
    (void)state;
    for (int i = 0; i < 2; i++) {
        bool good;
        char *told = rig_compose(i == 0 ? little : big, 4, "out", &good);
        assert_false(good);
        assert_non_null(strstr(told, "UTF-16"));
        free(told);
    }
    bool good;
    char *told = rig_compose(marked, sizeof(marked) - 1, "out", &good);
    assert_string_equal(told, "");
    assert_true(good);
    free(told);
}

/* A cheap fuzzer: a good file with one byte changed or cut short is good or told, no more. */
static void damaged_files_do_no_harm(void **state)
{
    static const char yaml[] =
        "system: s\nconsole: {switch: at}\nguests:\n  - &x\n    name: \"a\"\n"
        "    memory: 256M\n    console: {columns: 80, rows: 25}\n";
    static const char bytes[] = "\0\t\n\"'#&*-:,[]{}|>?!%@`\\a0\377\302";
    (void)state;
    for (size_t at = 0; at < sizeof(yaml); at++) {
        for (size_t i = 0; i < sizeof(bytes); i++) {
            char damaged[sizeof(yaml)];
            memcpy(damaged, yaml, sizeof(yaml));
            damaged[at] = bytes[i];
            bool good;
            char *told = rig_compose(damaged, i == 0 ? at : sizeof(yaml) - 1, "out", &good);
            assert_true(good == (told[0] == '\0'));
            free(told);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(wrong_files_are_told),
        cmocka_unit_test(encodings_are_found_out),
        cmocka_unit_test(limits_are_told),
        cmocka_unit_test(too_many_pds_are_told),
        cmocka_unit_test(what_has_no_place_is_told),
        cmocka_unit_test(ram_that_is_not_used_is_none),
        cmocka_unit_test(a_wrong_partition_option_is_told),
        cmocka_unit_test(missing_defaults_are_told),
        cmocka_unit_test(wrong_boards_are_told),
        cmocka_unit_test(a_folder_that_cannot_be_written_is_told),
        cmocka_unit_test(damaged_files_do_no_harm),
    };
    return cmocka_run_group_tests(tests, rig_setup, rig_teardown);
}
