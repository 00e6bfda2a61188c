/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_serve: the other end of vsock_bench, until it is killed. One process serves all
 * connections, so that ten thousand of them cost no more than they must.
 */
#include "guest/programs/vsock_bench.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>

#define NAME        "vsock_serve"
#define MAX_ENTRIES 1100 /* listeners and connections */

/* Of each entry of `polls`. */
struct entry {
    enum bench_service service;
    bool listens;
    struct bench_sum sum;
    uint64_t bytes;
    uint8_t rest[8]; /* of a word, whose other part is to come */
};

static struct pollfd polls[MAX_ENTRIES];
static struct entry entries[MAX_ENTRIES];
static unsigned num_entries;

static void add(int fd, enum bench_service service, bool listens)
{
    if (fd < 0 || num_entries == MAX_ENTRIES) {
        vsock_fail(NAME, "cannot take a connection");
    }
    polls[num_entries] = (struct pollfd){ .fd = fd, .events = POLLIN };
    entries[num_entries++] = (struct entry){ .service = service, .listens = listens };
}

static void serve_at(enum bench_service service, const void *address, socklen_t length)
{
    int family = ((const struct sockaddr *)address)->sa_family, one = 1;
    int fd = socket(family, bench_type(service), 0);
    if (family == AF_INET) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* connections inherit it */
    }
    if (fd < 0 || bind(fd, address, length) != 0 || listen(fd, 128) != 0) {
        vsock_fail(NAME, "cannot serve");
    }
    add(fd, service, true);
}

static void serve(enum bench_service service)
{
    struct sockaddr_vm vm = { .svm_family = AF_VSOCK,
                              .svm_cid = VMADDR_CID_ANY,
                              .svm_port = bench_port(service) };
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)bench_port(service)) };
    serve_at(service, &vm, sizeof(vm));
    if (bench_type(service) == SOCK_STREAM) {
        serve_at(service, &in, sizeof(in));
    }
}

static void end_of(unsigned i, bool whole)
{
    const struct entry *entry = &entries[i];
    uint64_t answer = entry->service == BENCH_COUNT ? entry->bytes : entry->sum.sums;
    if (whole && entry->service <= BENCH_COUNT) {
        send(polls[i].fd, &answer, sizeof(answer), MSG_NOSIGNAL);
    }
    close(polls[i].fd);
    num_entries--;
    polls[i] = polls[num_entries];
    entries[i] = entries[num_entries];
}

static void send_back(int fd, const uint8_t *bytes, size_t length)
{
    for (ssize_t sent; length > 0; bytes += sent, length -= (size_t)sent) {
        if ((sent = send(fd, bytes, length, MSG_NOSIGNAL)) <= 0) {
            return; /* recv() will tell that the peer is gone */
        }
    }
}

/* False: the connection has ended. */
static bool receive(unsigned i)
{
    static uint8_t buffer[8 + BENCH_MAX_BYTES];
    struct entry *entry = &entries[i];
    size_t held = entry->bytes % 8;
    memcpy(buffer, entry->rest, held);
    ssize_t got = recv(polls[i].fd, buffer + held, BENCH_MAX_BYTES, 0);
    if (got <= 0) {
        end_of(i, got == 0);
        return false;
    }
    entry->bytes += (uint64_t)got;
    if (entry->service <= BENCH_SUM_PACKETS) {
        size_t length = held + (size_t)got;
        bench_sum_add(&entry->sum, buffer, length);
        memcpy(entry->rest, buffer + length / 8 * 8, length % 8);
    } else if (entry->service >= BENCH_ECHO) {
        send_back(polls[i].fd, buffer + held, (size_t)got);
    }
    return true;
}

int main(void)
{
    for (unsigned service = 0; service < BENCH_NUM_SERVICES; service++) {
        serve(service);
    }
    puts("serving");
    fflush(stdout);
    while (poll(polls, num_entries, -1) >= 0) {
        for (unsigned i = 0; i < num_entries;) {
            bool there = true;
            if (polls[i].revents != 0 && entries[i].listens) {
                add(accept(polls[i].fd, NULL, NULL), entries[i].service, false);
            } else if (polls[i].revents != 0) {
                there = receive(i);
            }
            i += there; /* the last entry has come to its place */
        }
    }
    vsock_fail(NAME, "cannot wait");
}
