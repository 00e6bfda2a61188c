/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * etherwatch INTERFACE SECONDS: tells every frame that arrives there, whoever it is for, as a line
 * "from FROM to TO type TYPE bytes BYTES", and at the end how many there were.
 */
#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

static int fail(const char *what)
{
    fprintf(stderr, "etherwatch: %s: %s\n", what, strerror(errno));
    return 1;
}

static void print_mac(const char *before, const uint8_t *mac)
{
    printf("%s%02x:%02x:%02x:%02x:%02x:%02x", before, mac[0], mac[1], mac[2], mac[3], mac[4],
           mac[5]);
}

static int open_interface(const char *name)
{
    int fd = socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL));
    struct sockaddr_ll address = { .sll_family = AF_PACKET,
                                   .sll_protocol = htons(ETH_P_ALL),
                                   .sll_ifindex = (int)if_nametoindex(name) };
    struct packet_mreq promiscuous = { .mr_ifindex = address.sll_ifindex,
                                       .mr_type = PACKET_MR_PROMISC };
    if (fd < 0 || address.sll_ifindex == 0 ||
        bind(fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) != 0) {
        return -1;
    }
    return fd;
}

/* Returns whether it was a frame from outside. */
static int take(int fd)
{
    uint8_t frame[2048];
    struct sockaddr_ll from;
    socklen_t length = sizeof(from);
    ssize_t bytes =
        recvfrom(fd, frame, sizeof(frame), MSG_TRUNC, (struct sockaddr *)&from, &length);
    if (bytes < ETH_HLEN || from.sll_pkttype == PACKET_OUTGOING) {
        return 0;
    }
    print_mac("from ", frame + ETH_ALEN);
    print_mac(" to ", frame);
    printf(" type %04x bytes %zd\n", frame[12] << 8 | frame[13], bytes);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: etherwatch INTERFACE SECONDS\n");
        return 2;
    }
    int fd = open_interface(argv[1]);
    if (fd < 0) {
        return fail(argv[1]);
    }
    time_t end = time(NULL) + atoi(argv[2]);
    unsigned long frames = 0;
    while (time(NULL) < end) {
        struct pollfd wait = { .fd = fd, .events = POLLIN };
        if (poll(&wait, 1, 200) > 0) {
            frames += (unsigned long)take(fd);
        }
    }
    printf("etherwatch: %lu frames\n", frames);
    return 0;
}
