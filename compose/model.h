/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a person wrote: a system's YAML file as C structures. Every value knows its place in the
 * file, so that whatever is found wrong later can be told there. keys.c says which key fills which
 * member.
 */
#pragma once

#include "compose/diag.h"

/* One value. Which of text and number counts is the key's affair (keys.c). */
struct value {
    struct mark at; /* line 0: not written, the default */
    const char *text;
    uint64_t number; /* a size in bytes, a count, or the index of a choice */
};

/* Returns whether the file gives the value. */
static inline bool value_given(const struct value *value)
{
    return value->at.line != 0;
}

struct list {
    struct mark at;
    size_t count;
    void *items;
};

/* Returns where a list of elements of `bytes` bytes ends; NULL for one that is not written. */
static inline void *list_end(const struct list *list, size_t bytes)
{
    return list->items == NULL ? NULL : (char *)list->items + list->count * bytes;
}

/* Every structure that a map fills begins with the map's place. */
struct guest_console {
    struct mark at;
    struct value enabled;
    struct value columns;
    struct value rows;
};

/* A network: a switch that guests have a port on. */
struct network {
    struct mark at;
    struct value name;
    struct value uplink;
    struct value mtu;
    struct list allow;  /* of struct list of struct value: names that may talk with each other */
    unsigned num_ports; /* check_networks() counts; handed out in the order of the guests */
};

/* A guest's card. */
struct guest_net {
    struct mark at;
    struct value network;
    struct value mac; /* check_networks() derives one that is not written */
    struct value bridge;
    struct network *joined; /* and finds these two */
    unsigned port;
};

/* A guest's sockets; line 0: it has none. */
struct guest_vsock {
    struct mark at;
    struct value cid;
    unsigned port; /* check_sockets() hands it out */
};

/* A device of the board that a guest has to itself. */
struct guest_device {
    struct mark at;
    struct value node; /* its path in the board's device tree */
    struct value qemu; /* what QEMU is to put there; 0: nothing */
};

struct guest {
    struct mark at;
    struct value name;
    struct value count; /* written: so many of them, NAME0...; expand_counts() makes them */
    struct value memory;
    struct value kernel;
    struct value initrd;
    struct value cmdline;
    struct value color;
    struct value vcpus;
    struct value disk;      /* 1: a partition of the system's disk */
    struct value partition; /* from 0; check_model() fills in those that are not written */
    struct value readonly;
    struct value rng;
    struct value serves;     /* 1: its disk, to the guests with `disk` */
    struct list net;         /* of struct guest_net */
    struct list passthrough; /* of struct guest_device */
    struct guest_vsock vsock;
    struct guest_console console;
};

struct system_console {
    struct mark at;
    struct value switch_keys; /* enum serial_switch */
};

struct system_vsock {
    struct mark at;
    struct list allow; /* as a network's */
};

struct model {
    struct mark at;
    struct value name;
    struct value seed; /* a file */
    struct system_console console;
    struct system_vsock vsock;
    struct list networks; /* of struct network */
    struct list guests;   /* of struct guest */
};

/* Returns guest `index`. */
static inline struct guest *model_guest(const struct model *model, size_t index)
{
    return (struct guest *)model->guests.items + index;
}

/* The head of a loop over all guests. */
#define EACH_GUEST(each, model)                                                                    \
    struct guest *each = model_guest(model, 0);                                                    \
    each < model_guest(model, (model)->guests.count);                                              \
    each++

/* The heads of loops over all networks, over a guest's cards and its passed-through devices. */
#define EACH_NETWORK(each, model)                                                                  \
    struct network *each = (model)->networks.items;                                                \
    each != list_end(&(model)->networks, sizeof(*each));                                           \
    each++
#define EACH_NET(net, guest)                                                                       \
    struct guest_net *net = (guest)->net.items;                                                    \
    net != list_end(&(guest)->net, sizeof(*net));                                                  \
    net++

#define EACH_DEVICE(device, guest)                                                                 \
    struct guest_device *device = (guest)->passthrough.items;                                      \
    device != list_end(&(guest)->passthrough, sizeof(*device));                                    \
    device++

/* Returns the first network with an uplink, or NULL. */
static inline struct network *model_first_uplink(const struct model *model)
{
    for (EACH_NETWORK(network, model)) {
        if (network->uplink.number != 0) {
            return network;
        }
    }
    return NULL;
}

/* Returns the guest that serves its disk to the others, or NULL. */
static inline struct guest *model_server(const struct model *model)
{
    for (EACH_GUEST(guest, model)) {
        if (guest->serves.number != 0) {
            return guest;
        }
    }
    return NULL;
}

/* Returns the first guest with a disk, or NULL. */
static inline struct guest *model_first_disk(const struct model *model)
{
    for (EACH_GUEST(guest, model)) {
        if (guest->disk.number != 0) {
            return guest;
        }
    }
    return NULL;
}

/*
 * yaml.c. Fills the model from `length` bytes of YAML, any bytes, by the table of keys. Returns
 * false if errors were told. What the model points to lives in diag's arena.
 */
bool yaml_read(struct diag *diag, const void *bytes, size_t length, struct model *model);

/* check.c. Tells what is wrong between a model's values, and fills in the colours and partitions
 * that are not written. Returns false if errors were told. */
bool check_model(struct diag *diag, struct model *model);

/* count.c. Makes the guests that `count` stands for. Returns false if an error was told. */
bool expand_counts(struct diag *diag, struct model *model);

/* check_net.c. The same for networks: joins cards and networks, derives MAC addresses. */
void check_networks(struct diag *diag, struct model *model);

/* Whom a port's frames may reach by the `allow` of its network: bit n is port n, bit `uplink_bit`
 * the uplink. */
uint32_t network_allow(const struct model *model, const struct network *network,
                       const struct guest *from, unsigned uplink_bit);

/* The same for what comes in by the uplink. */
uint32_t network_allow_uplink(const struct model *model, const struct network *network);

/* The same for sockets. */
void check_sockets(struct diag *diag, struct model *model);
uint32_t sockets_allow(const struct model *model, const struct guest *from);

/* Returns how many guests have sockets. */
unsigned sockets_count(const struct model *model);
