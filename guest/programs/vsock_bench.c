/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_bench: throughput, round trips and many connections over AF_VSOCK, with checks.
 *
 *   vsock_bench serve                             answers clients until it is killed
 *   vsock_bench stream CID BYTES SIZE             sends BYTES in writes of SIZE; checksum compared
 *   vsock_bench packet CID BYTES SIZE             the same in SEQPACKET messages of SIZE
 *   vsock_bench echo CID COUNT SIZE               round trips of SIZE bytes
 *   vsock_bench connect CID COUNT                 connections opened and closed, one after another
 *   vsock_bench many CID COUNT                    COUNT connections open at once, each used
 */
#include "guest/programs/vsock.h"

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#define NAME      "vsock_bench"
#define PORT      1235
#define MAX_BYTES (1u << 20) /* of one write or message */
#define MAX_MANY  1024

/* A connection begins with what the client wants. */
struct order {
    uint64_t bytes; /* to come; 0: whatever comes is sent back until the end */
};

static uint8_t buffer[MAX_BYTES];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* FNV-1a over 64-bit words, which both ends have whole: sizes are multiples of 8. */
static uint64_t checksum(uint64_t sum, const uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 8 <= length; i += 8) {
        uint64_t word;
        memcpy(&word, bytes + i, sizeof(word));
        sum = (sum ^ word) * 0x100000001b3;
    }
    return sum;
}

static uint64_t fill(uint64_t seed, uint8_t *bytes, size_t length)
{
    for (size_t i = 0; i + 8 <= length; i += 8) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        memcpy(bytes + i, &seed, sizeof(seed));
    }
    return seed;
}

static bool receive_all(int peer, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = recv(peer, (char *)bytes + done, length - done, 0);
        if (got <= 0)
            return false;
        done += (size_t)got;
    }
    return true;
}

/* ---- Server ----------------------------------------------------------------------------------*/

/* Takes a stream or messages, and answers with their checksum. A part of a word waits for its rest.
 */
static void serve_bulk(int peer, uint64_t bytes)
{
    uint64_t sum = 0;
    size_t held = 0;
    while (bytes > 0) {
        ssize_t got = recv(peer, buffer + held, sizeof(buffer) - held, 0);
        if (got <= 0)
            return;
        bytes -= (uint64_t)got;
        held += (size_t)got;
        sum = checksum(sum, buffer, held);
        memmove(buffer, buffer + held / 8 * 8, held % 8);
        held %= 8;
    }
    vsock_send_all(NAME, peer, &sum, sizeof(sum));
}

static void serve_echo(int peer)
{
    ssize_t got;
    while ((got = recv(peer, buffer, sizeof(buffer), 0)) > 0)
        vsock_send_all(NAME, peer, buffer, (size_t)got);
}

static void serve_one(int peer)
{
    struct order order;
    if (receive_all(peer, &order, sizeof(order))) {
        if (order.bytes > 0)
            serve_bulk(peer, order.bytes);
        else
            serve_echo(peer);
    }
}

/* Each client has a process of its own. */
static void serve(int type, unsigned port)
{
    struct sockaddr_vm any = { .svm_family = AF_VSOCK,
                               .svm_cid = VMADDR_CID_ANY,
                               .svm_port = port };
    int listener = socket(AF_VSOCK, type, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof(any)) != 0 ||
        listen(listener, 128) != 0)
        vsock_fail(NAME, "cannot serve");
    for (;;) {
        int peer = accept(listener, NULL, NULL);
        if (peer < 0)
            vsock_fail(NAME, "cannot accept");
        if (fork() == 0) {
            close(listener);
            serve_one(peer);
            _exit(0);
        }
        close(peer);
    }
}

static int run_server(void)
{
    signal(SIGCHLD, SIG_IGN);
    if (fork() == 0)
        serve(SOCK_SEQPACKET, PORT + 1);
    serve(SOCK_STREAM, PORT);
    return 0;
}

/* ---- Clients ---------------------------------------------------------------------------------*/

static int bulk(const char *cid, uint64_t bytes, size_t size, int type)
{
    struct sockaddr_vm address = vsock_address(NAME, cid, type == SOCK_STREAM ? PORT : PORT + 1);
    int peer = vsock_connect(NAME, &address, type);
    struct order order = { bytes };
    uint64_t seed = 1, sum = 0, other;
    double start = now_s();
    vsock_send_all(NAME, peer, &order, sizeof(order));
    for (uint64_t left = bytes; left > 0;) {
        size_t length = left < size ? (size_t)left : size;
        seed = fill(seed, buffer, length);
        sum = checksum(sum, buffer, length);
        vsock_send_all(NAME, peer, buffer, length);
        left -= length;
    }
    if (!receive_all(peer, &other, sizeof(other)))
        vsock_fail(NAME, "no answer");
    double seconds = now_s() - start;
    printf("%llu bytes in %.3f s, %.1f MB/s, checksum %s\n", (unsigned long long)bytes, seconds,
           (double)bytes / seconds / 1e6, sum == other ? "right" : "WRONG");
    return sum == other ? 0 : 1;
}

static int echo(const char *cid, unsigned long count, size_t size)
{
    static uint8_t back[MAX_BYTES];
    struct sockaddr_vm address = vsock_address(NAME, cid, PORT);
    int peer = vsock_connect(NAME, &address, SOCK_STREAM);
    struct order order = { 0 };
    uint64_t seed = 1;
    vsock_send_all(NAME, peer, &order, sizeof(order));
    double start = now_s();
    for (unsigned long i = 0; i < count; i++) {
        seed = fill(seed, buffer, size);
        vsock_send_all(NAME, peer, buffer, size);
        if (!receive_all(peer, back, size) || memcmp(buffer, back, size) != 0)
            vsock_fail(NAME, "a wrong echo");
    }
    printf("%lu round trips of %zu bytes, %.1f us each\n", count, size,
           (now_s() - start) / (double)count * 1e6);
    return 0;
}

/* Every connection carries a word there and back, so that it has really been one. */
static void use(int peer)
{
    struct order order = { 0 };
    uint64_t word = 0x0123456789abcdef, back = 0;
    vsock_send_all(NAME, peer, &order, sizeof(order));
    vsock_send_all(NAME, peer, &word, sizeof(word));
    if (!receive_all(peer, &back, sizeof(back)) || back != word)
        vsock_fail(NAME, "a wrong echo");
}

static int connect_often(const char *cid, unsigned long count)
{
    struct sockaddr_vm address = vsock_address(NAME, cid, PORT);
    double start = now_s();
    for (unsigned long i = 0; i < count; i++) {
        int peer = vsock_connect(NAME, &address, SOCK_STREAM);
        use(peer);
        close(peer);
    }
    printf("%lu connections, %.1f us each\n", count, (now_s() - start) / (double)count * 1e6);
    return 0;
}

static int connect_many(const char *cid, unsigned long count)
{
    static int peers[MAX_MANY];
    struct sockaddr_vm address = vsock_address(NAME, cid, PORT);
    for (unsigned long i = 0; i < count; i++)
        peers[i] = vsock_connect(NAME, &address, SOCK_STREAM);
    for (unsigned long i = 0; i < count; i++)
        use(peers[i]);
    printf("%lu connections at once\n", count);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: vsock_bench serve\n"
                    "       vsock_bench stream|packet CID BYTES SIZE\n"
                    "       vsock_bench echo CID COUNT SIZE\n"
                    "       vsock_bench connect|many CID COUNT\n");
    return 2;
}

int main(int argc, char **argv)
{
    unsigned long long count = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    size_t size = argc > 4 ? strtoull(argv[4], NULL, 0) / 8 * 8 : 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 2 && strcmp(argv[1], "serve") == 0)
        return run_server();
    if (argc == 5 && size >= 8 && size <= MAX_BYTES && count > 0) {
        if (strcmp(argv[1], "stream") == 0)
            return bulk(argv[2], count, size, SOCK_STREAM);
        if (strcmp(argv[1], "packet") == 0)
            return bulk(argv[2], count, size, SOCK_SEQPACKET);
        if (strcmp(argv[1], "echo") == 0)
            return echo(argv[2], (unsigned long)count, size);
    }
    if (argc == 4 && count > 0) {
        if (strcmp(argv[1], "connect") == 0)
            return connect_often(argv[2], (unsigned long)count);
        if (strcmp(argv[1], "many") == 0 && count <= MAX_MANY)
            return connect_many(argv[2], (unsigned long)count);
    }
    return usage();
}
