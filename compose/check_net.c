/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/limits.h"
#include "compose/model.h"

#include <string.h>

#define UPLINK "uplink" /* as a member of `allow` */

static void check_name(struct diag *diag, const struct model *model, const struct network *network)
{
    if (strcmp(network->name.text, "vsock") == 0) {
        diag_error(diag, network->name.at,
                   "'vsock' is the name of the sockets' switch; give the network another");
    }
    for (EACH_NETWORK(other, model)) {
        if (other >= network) {
            return;
        }
        if (strcmp(other->name.text, network->name.text) == 0) {
            diag_error(diag, network->name.at,
                       "there is a network named '%s' already, in line %u; give each a name of "
                       "its own",
                       network->name.text, other->name.at.line);
            return;
        }
    }
}

static void check_mtu(struct diag *diag, const struct network *network)
{
    if (network->uplink.number != 0 && network->mtu.number > DEFAULT_MTU) {
        diag_error(diag, network->mtu.at,
                   "the network card takes packets of %d bytes at most; make 'mtu' smaller, or "
                   "the network one without `uplink`",
                   DEFAULT_MTU);
    }
}

static struct network *find_network(struct diag *diag, const struct model *model,
                                    const struct value *name)
{
    const char *words[MAX_NETWORKS + 1];
    size_t count = 0;
    for (EACH_NETWORK(network, model)) {
        if (strcmp(network->name.text, name->text) == 0) {
            return network;
        }
        words[count++] = network->name.text;
    }
    words[count] = NULL;
    diag_error(diag, name->at, "there is no network '%s'%s; add it to `networks`", name->text,
               diag_meant(diag->arena, name->text, words));
    return NULL;
}

/* Returns a guest's card on the network, or NULL. */
static const struct guest_net *card_on(const struct guest *guest, const struct network *network)
{
    for (EACH_NET(net, guest)) {
        if (net->joined == network) {
            return net;
        }
    }
    return NULL;
}

static void join(struct diag *diag, const struct model *model, struct guest *guest,
                 struct guest_net *net)
{
    struct network *network = find_network(diag, model, &net->network);
    if (network == NULL) {
        return;
    }
    if (card_on(guest, network) != NULL) {
        diag_error(diag, net->network.at, "%s is on the network '%s' twice; one card is enough",
                   guest->name.text, network->name.text);
        return;
    }
    if (network->num_ports == SWITCH_PORTS) {
        diag_error(diag, net->network.at,
                   "the network '%s' has %u guests already, as many as a switch has ports; put "
                   "%s on another",
                   network->name.text, SWITCH_PORTS, guest->name.text);
        return;
    }
    net->joined = network;
    net->port = network->num_ports++;
}

/* ---- MAC addresses ---------------------------------------------------------------------------*/

static const struct guest *mac_owner(const struct model *model, const struct guest_net *end,
                                     uint64_t mac)
{
    for (EACH_GUEST(guest, model)) {
        for (EACH_NET(net, guest)) {
            if (net != end && net->mac.at.line != 0 && net->mac.number == mac) {
                return guest;
            }
        }
    }
    return NULL;
}

static uint64_t hash(uint64_t seed, const char *text)
{
    for (; *text != '\0'; text++) {
        seed = (seed ^ (unsigned char)*text) * 0x100000001b3; /* FNV-1a */
    }
    return seed;
}

/* The same for the same names, so that what a guest remembers of its cards stays true. */
static void derive_mac(const struct model *model, const struct guest *guest, struct guest_net *net)
{
    uint64_t value = hash(0xcbf29ce484222325, model->name.text);
    value = hash(hash(value, "/"), guest->name.text);
    value = hash(hash(value, "/"), net->network.text);
    do {
        net->mac.number = 0x020000000000 | (value++ & 0xffffffffff); /* locally administered */
    } while (mac_owner(model, net, net->mac.number) != NULL);
    net->mac.at = net->at;
}

static void check_mac(struct diag *diag, const struct model *model, const struct guest_net *net)
{
    const struct guest *other = mac_owner(model, net, net->mac.number);
    if (value_given(&net->mac) && other != NULL) {
        diag_error(diag, net->mac.at,
                   "a card of %s has the MAC address %s too; give each its own, or none",
                   other->name.text, net->mac.text);
    }
}

/* ---- Who may talk with whom ------------------------------------------------------------------*/

static const struct guest *find_guest(const struct model *model, const char *name)
{
    for (EACH_GUEST(guest, model)) {
        if (strcmp(guest->name.text, name) == 0) {
            return guest;
        }
    }
    return NULL;
}

static void check_member(struct diag *diag, const struct model *model,
                         const struct network *network, const struct value *member)
{
    const struct guest *guest = find_guest(model, member->text);
    if (strcmp(member->text, UPLINK) == 0) {
        if (network->uplink.number == 0) {
            diag_error(diag, member->at,
                       "the network '%s' has no uplink; add `uplink: true` or remove this",
                       network->name.text);
        }
    } else if (guest == NULL || card_on(guest, network) == NULL) {
        diag_error(diag, member->at,
                   "'%s' is no guest on the network '%s'; give it a card there or remove it",
                   member->text, network->name.text);
    }
}

#define EACH_GROUP(group, allow)                                                                   \
    const struct list *group = (allow)->items;                                                     \
    group != list_end(allow, sizeof(*group));                                                      \
    group++
#define EACH_MEMBER(member, group)                                                                 \
    const struct value *member = (group)->items;                                                   \
    member != list_end(group, sizeof(*member));                                                    \
    member++

static bool has_member(const struct list *group, const char *name)
{
    for (EACH_MEMBER(member, group)) {
        if (strcmp(member->text, name) == 0) {
            return true;
        }
    }
    return false;
}

/* Whether two members, by name, may talk with each other. */
static bool allowed(const struct list *allow, const char *a, const char *b)
{
    for (EACH_GROUP(group, allow)) {
        if (has_member(group, a) && has_member(group, b)) {
            return true;
        }
    }
    return allow->count == 0;
}

static uint32_t reach(const struct model *model, const struct network *network, const char *from)
{
    uint32_t bits = 0;
    for (EACH_GUEST(guest, model)) {
        const struct guest_net *net = card_on(guest, network);
        if (net != NULL && strcmp(guest->name.text, from) != 0 &&
            allowed(&network->allow, from, guest->name.text)) {
            bits |= 1u << net->port;
        }
    }
    return bits;
}

uint32_t network_allow(const struct model *model, const struct network *network,
                       const struct guest *from, unsigned uplink_bit)
{
    bool out = network->uplink.number != 0 && allowed(&network->allow, from->name.text, UPLINK);
    return reach(model, network, from->name.text) | (uint32_t)out << uplink_bit;
}

uint32_t network_allow_uplink(const struct model *model, const struct network *network)
{
    return network->uplink.number != 0 ? reach(model, network, UPLINK) : 0;
}

void check_networks(struct diag *diag, struct model *model)
{
    for (EACH_NETWORK(network, model)) {
        check_name(diag, model, network);
        check_mtu(diag, network);
    }
    for (EACH_GUEST(guest, model)) {
        for (EACH_NET(net, guest)) {
            join(diag, model, guest, net);
        }
    }
    for (EACH_GUEST(guest, model)) {
        for (EACH_NET(net, guest)) {
            check_mac(diag, model, net);
        }
    }
    for (EACH_GUEST(guest, model)) {
        for (EACH_NET(net, guest)) {
            if (!value_given(&net->mac)) {
                derive_mac(model, guest, net);
            }
        }
    }
    for (EACH_NETWORK(network, model)) {
        for (EACH_GROUP(group, &network->allow)) {
            for (EACH_MEMBER(member, group)) {
                check_member(diag, model, network, member);
            }
        }
    }
}

/* ---- Sockets ---------------------------------------------------------------------------------*/

static bool has_sockets(const struct guest *guest)
{
    return guest->vsock.at.line != 0;
}

unsigned sockets_count(const struct model *model)
{
    unsigned count = 0;
    for (EACH_GUEST(guest, model)) {
        count += has_sockets(guest);
    }
    return count;
}

uint32_t sockets_allow(const struct model *model, const struct guest *from)
{
    uint32_t bits = 0;
    for (EACH_GUEST(guest, model)) {
        if (guest != from && has_sockets(guest) &&
            allowed(&model->vsock.allow, from->name.text, guest->name.text)) {
            bits |= 1u << guest->vsock.port;
        }
    }
    return bits;
}

static void check_cid(struct diag *diag, const struct model *model, const struct guest *guest)
{
    for (EACH_GUEST(other, model)) {
        if (other == guest) {
            return;
        }
        if (has_sockets(other) && other->vsock.cid.number == guest->vsock.cid.number) {
            diag_error(diag, guest->vsock.cid.at, "%s has the CID %lu already; give %s another",
                       other->name.text, (unsigned long)guest->vsock.cid.number, guest->name.text);
        }
    }
}

static void check_socket_member(struct diag *diag, const struct model *model,
                                const struct value *member)
{
    const struct guest *guest = find_guest(model, member->text);
    if (guest == NULL || !has_sockets(guest)) {
        diag_error(diag, member->at,
                   "'%s' is no guest with sockets; give it `vsock: {cid: ...}` or remove it",
                   member->text);
    }
}

void check_sockets(struct diag *diag, struct model *model)
{
    unsigned ports = 0;
    for (EACH_GUEST(guest, model)) {
        if (!has_sockets(guest)) {
            continue;
        }
        check_cid(diag, model, guest);
        guest->vsock.port = ports++;
        if (ports == SWITCH_PORTS + 1) {
            diag_error(diag, guest->vsock.at,
                       "%u guests before this one have sockets already, as many as a switch has "
                       "ports; remove 'vsock' here",
                       SWITCH_PORTS);
        }
    }
    for (EACH_GROUP(group, &model->vsock.allow)) {
        for (EACH_MEMBER(member, group)) {
            check_socket_member(diag, model, member);
        }
    }
}
