/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole system: from what a person wrote and what the board is to the plan of what will run. */
#pragma once

#include "compose/board.h"
#include "compose/device_tree.h"
#include "compose/image.h"
#include "compose/model.h"
#include "compose/plan.h"

#include <cloister/switch_config.h>
#include <sddf/config.h>

/* What guests have that do not say otherwise; NULL: they must say. */
struct defaults {
    const char *kernel;
    const char *initrd;
    const char *initrd_driver; /* of a guest that serves its disk */
    const char *partition;     /* of the first guest with a disk, a number */
    uint64_t most_ram_bytes;   /* that the Microkit's tool uses of the board's; 0: all */
};

/* What a guest boots from. */
struct guest_boot {
    const struct image *kernel;
    const struct image *initrd; /* or NULL */
    const char *tree_file;      /* of its device tree, in the output folder */
    struct device_tree tree;
    const struct region *ram;
    struct pd *vmm; /* once it is planned, and its record */
    struct vmm_config *config;
};

/* The serial driver and its two virtualisers (sDDF). */
struct serial {
    struct pd *driver, *virt_tx, *virt_rx;
    struct serial_virt_tx_config *tx;
    struct serial_virt_rx_config *rx;
};

/* The block driver and its virtualiser. */
struct disk {
    struct pd *pd; /* the virtualiser; NULL: no guest has a disk */
    struct blk_virt_config *virt;
};

/* The network card's virtualisers; NULL: no network has an uplink. */
struct net {
    struct pd *virt_tx, *virt_rx;
    struct net_virt_tx_config *tx;
    struct net_virt_rx_config *rx;
    struct region *rx_data;
};

/* The entropy driver; NULL: no guest has random bytes of it. */
struct entropy {
    struct pd *pd;
    const char *seed_path; /* or NULL */
};

/* The switch of a network. */
struct net_switch {
    struct pd *pd;
    struct switch_config *config;
};

struct system {
    struct diag *diag;
    const struct model *model;
    const struct board *board;
    const char *folder; /* where paths in the YAML file begin */
    const struct defaults *defaults;
    struct plan plan;
    struct images kernels, initrds;
    struct guest_boot *boots;  /* one a guest */
    const struct region *gicv; /* the GIC's virtual CPU interface, which all guests map */
    struct serial serial;
    struct disk disk;
    struct net net;
    struct entropy entropy;
    struct net_switch *switches; /* one a network */
    struct net_switch sockets;
};

/* guest_plan.c. Returns the path that a key means, from the YAML file on, or `fallback`. */
const char *path_of_key(const struct system *system, const struct value *key, const char *fallback);

/* guest_plan.c. Finds and places a guest's images. Returns false, with errors told, where they are
 * missing or its RAM is too small for them. */
bool guest_find_images(struct system *system, const struct guest *guest, struct guest_boot *boot);

/* passthrough.c. Gives a guest's virtual machine the board's devices that the file names for it,
 * and their interrupts to its VMM; tells errors. Whatever the system uses itself is planned before.
 */
struct passed passthrough_plan(struct system *system, const struct guest *guest, struct pd *vmm,
                               struct vmm_config *config);

/* Writes which virtio-mmio slots QEMU is to fill, and with what. */
void passthrough_write_slots(FILE *out, const struct system *system);

/* Adds a guest and its VMM to the plan, and makes its device tree; returns the VMM. */
struct pd *guest_plan(struct system *system, const struct guest *guest, struct guest_boot *boot);

/* memory.c. Tells what has no place in the board's RAM, all being planned. Returns false then. */
bool memory_check(const struct system *system);

/* supervisor.c. Adds the supervisor to the plan, before any other PD. */
void supervisor_plan(struct system *system);

/* Makes it the parent of all other PDs, when all have been planned. */
void supervisor_adopt(struct system *system);

/* serial.c. Adds driver and virtualisers to the plan. Both virtualisers call the timer driver. */
void serial_plan(struct system *system, struct pd *timer);

/* Makes a guest's VMM the next client of both virtualisers. */
void serial_plan_client(struct system *system, struct pd *vmm, const struct guest *guest);

/* Makes the receive virtualiser the last client of the other, for what it tells the person. */
void serial_plan_log(struct system *system);

/* Makes a PD that only writes the next client of the transmit virtualiser. */
void serial_plan_writer(struct system *system, const char *name, struct pd *pd,
                        struct sddf_serial_connection *conn);

/* counters.c. Adds the PD that prints what the others count; they are all planned. */
void counters_plan(struct system *system);
/* entropy.c. Adds the driver to the plan, if a guest wants it. */
void entropy_plan(struct system *system);

/* Lets a guest's VMM call it, if the guest wants that. */
void entropy_plan_client(struct system *system, struct pd *vmm, struct vmm_config *config,
                         const struct guest *guest);

/* Writes where the random bytes come from, and who has none. */
void entropy_write_note(FILE *out, const struct system *system);

/* disk.c. Adds driver and virtualiser to the plan. */
void disk_plan(struct system *system);

/* Bytes behind the RAM of a guest with a disk: its VMM's part of the data region. */
#define DISK_BOUNCE_BYTES 0x40000ul

/* Gives a client and its server queues, and what the server tells of the disk. */
void disk_connect(struct plan *plan, const char *name, uint16_t capacity, struct pd *client,
                  struct sddf_blk_connection *client_end, struct pd *server,
                  struct sddf_blk_connection *server_end);

/* Fills in what a guest's device tells of its disk. */
void disk_describe(struct vmm_block *block, const char *guest, bool read_only);

/* Makes a guest's VMM the next client of the virtualiser. The RAM's phys_addr is known. */
void disk_plan_client(struct system *system, struct pd *vmm, const struct region *ram,
                      struct vmm_block *block, const struct guest *guest);

/* guest_plan.c. The first interrupt behind those of the emulated devices that is free. */
uint32_t guest_next_intid(const struct vmm_config *config);

/* driver_vm.c. Adds a device for each guest with a disk to the record of the guest that serves it.
 */
void driver_vm_add_devices(const struct model *model, struct vmm_config *config);

/* Joins the guests with a disk to the guest that serves it, if there is one, all being planned. */
void driver_vm_plan(struct system *system, struct pd *timer);

/* net.c. Adds the switches of networks and sockets to the plan. */
void net_plan(struct system *system, struct pd *timer);

/* Gives a guest's VMM a port for each of its cards and for its sockets. */
void net_plan_client(struct system *system, struct pd *vmm, const struct region *ram,
                     struct vmm_config *config, const struct guest *guest);

/* uplink.c. Adds the network card's driver and virtualisers to the plan. */
void uplink_plan(struct system *system);

/* Makes the switch of a network the next client of both. */
void uplink_plan_client(struct system *system, const struct network *network,
                        struct net_switch *sw);
