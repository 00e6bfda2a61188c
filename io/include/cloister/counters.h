/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What PDs count: each has a page (or more) that it alone writes, and the counters PD reads them
 * all and prints them when the operator asks. A page is a list of groups of 64-bit counts: one of
 * the PD itself, then one of its guest, or of each client or port. What the counts of a group are
 * called stands here, once, for who counts and for who prints.
 *
 * Counts only grow, from 0 at the start of the system, and cost an increment each. A reader may see
 * one of two that belong together before the other.
 */
#pragma once

#include <sddf/config.h>
#include <stddef.h>
#include <stdint.h>

#define COUNTERS_CONFIG_MAGIC 0x3130736e74756f63ul /* "counts01", little endian */
#define COUNTERS_MAX_GROUPS   160u
#define COUNTERS_GROUP        16u /* counts of a group; a group's place in a page is n times that */
#define COUNTERS_NO_CHANNEL   0xffu

/* Rows are X(name in the code, what is printed). */
#define COUNTERS_OF_PD(X)                                                                          \
    X(PD_NOTIFIED, "notifications received")                                                       \
    X(PD_NOTIFIES, "notifications sent")

/* Of a VMM, beside those above: what its guest leaves the core for. */
#define COUNTERS_OF_GUEST(X)                                                                       \
    X(GUEST_GIC, "exits: interrupt controller")                                                    \
    X(GUEST_PL011, "exits: PL011")                                                                 \
    X(GUEST_CONSOLE, "exits: console")                                                             \
    X(GUEST_BLOCK, "exits: block")                                                                 \
    X(GUEST_NET, "exits: net")                                                                     \
    X(GUEST_VSOCK, "exits: vsock")                                                                 \
    X(GUEST_RNG, "exits: rng")                                                                     \
    X(GUEST_OTHER, "exits: other memory")                                                          \
    X(GUEST_TIMER, "exits: timer")                                                                 \
    X(GUEST_MAINTENANCE, "exits: end of interrupt")                                                \
    X(GUEST_SMC, "exits: SMC")                                                                     \
    X(GUEST_SYSREG, "exits: system register")                                                      \
    X(GUEST_INSTRUCTION, "exits: other instruction")                                               \
    X(GUEST_INJECTED, "interrupts injected")                                                       \
    X(GUEST_KICKS, "queue kicks")                                                                  \
    X(GUEST_COPIED, "bytes copied by the VMM")

/* Of a port of a switch. */
#define COUNTERS_OF_PORT(X)                                                                        \
    X(PORT_SENT, "sent")                                                                           \
    X(PORT_SENT_BYTES, "bytes sent")                                                               \
    X(PORT_RECEIVED, "received, a copy each")                                                      \
    X(PORT_RECEIVED_BYTES, "bytes copied to it")                                                   \
    X(PORT_DROP_LENGTH, "dropped: length")                                                         \
    X(PORT_DROP_OFFLOAD, "dropped: offload")                                                       \
    X(PORT_DROP_SOURCE, "dropped: source address")                                                 \
    X(PORT_DROP_NOBODY, "dropped: for nobody")                                                     \
    X(PORT_DROP_ROOM, "dropped: receiver has no room")                                             \
    X(PORT_DROP_SHARE, "dropped: receiver has no room for more of it")

/* Of a client of the block virtualiser. */
#define COUNTERS_OF_BLK(X)                                                                         \
    X(BLK_READS, "reads")                                                                          \
    X(BLK_WRITES, "writes")                                                                        \
    X(BLK_OTHERS, "flushes and others")                                                            \
    X(BLK_BLOCKS, "blocks of 4096 bytes")                                                          \
    X(BLK_REFUSED, "refused")                                                                      \
    X(BLK_FAILED, "failed on the disk")

/* Of a client of a network virtualiser. */
#define COUNTERS_OF_NET(X)                                                                         \
    X(NET_FRAMES, "frames")                                                                        \
    X(NET_DROPPED, "dropped")

#define COUNTERS_ROW(name, text) COUNT_##name,
enum { COUNTERS_OF_PD(COUNTERS_ROW) COUNT_PD_ALL };
enum { COUNTERS_OF_GUEST(COUNTERS_ROW) COUNT_GUEST_ALL };
enum { COUNTERS_OF_PORT(COUNTERS_ROW) COUNT_PORT_ALL };
enum { COUNTERS_OF_BLK(COUNTERS_ROW) COUNT_BLK_ALL };
enum { COUNTERS_OF_NET(COUNTERS_ROW) COUNT_NET_ALL };
#undef COUNTERS_ROW

_Static_assert(COUNT_GUEST_ALL <= COUNTERS_GROUP && COUNT_PORT_ALL <= COUNTERS_GROUP, "they fit");

enum counters_kind {
    COUNTERS_PD,
    COUNTERS_GUEST,
    COUNTERS_PORT,
    COUNTERS_BLK,
    COUNTERS_NET,
};

/* The record of who counts (section ".counters_page"). Its first group is of COUNTERS_PD. */
struct counters_page {
    uint64_t vaddr; /* a page or more, mapped rw; 0: nobody wants to know */
};

struct counters_group {
    uint64_t vaddr; /* of its first count */
    uint8_t kind;   /* enum counters_kind */
    char name[SDDF_NAME_BYTES];
};

/* The record of who prints (section ".counters_config"). */
struct counters_config {
    uint64_t magic;
    struct sddf_serial_connection tx; /* to the transmit virtualiser */
    uint8_t ask_channel;              /* who asks notifies here */
    uint32_t num_groups;
    struct counters_group groups[COUNTERS_MAX_GROUPS];
};

/* Group `n` of a page, or `own`, memory of the PD's, where there is no page. */
static inline uint64_t *counters_of(const struct counters_page *page, uint64_t *own, uint32_t n)
{
    return page->vaddr == 0 ? own : (uint64_t *)(uintptr_t)page->vaddr + (size_t)n * COUNTERS_GROUP;
}
