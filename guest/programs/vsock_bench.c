/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vsock_bench: throughput, round trips and many connections over AF_VSOCK, with checks. The peer
 * runs vsock_serve. HOST is its CID, or for comparison its IPv4 address: then it is TCP.
 *
 *   vsock_bench stream HOST BYTES SIZE     sends BYTES in writes of SIZE; checksum compared
 *   vsock_bench packet CID BYTES SIZE      the same in SEQPACKET messages of SIZE
 *   vsock_bench flow HOST BYTES SIZE       as stream, but nobody looks at the bytes: for figures
 *   vsock_bench echo HOST COUNT SIZE       round trips of SIZE bytes
 *   vsock_bench border CID COUNT SIZE      messages of 1 to SIZE bytes come back as they went
 *   vsock_bench connect HOST COUNT         connections opened and closed, one after another; each
 *                                          16th is used
 *   vsock_bench many HOST COUNT            COUNT connections open at once, each used
 *
 * The end of a stream is a half-close: the answer comes after it.
 */
#include "guest/programs/vsock_bench.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <time.h>

#define NAME     "vsock_bench"
#define MAX_MANY 1000

static uint8_t out[BENCH_MAX_BYTES], back[BENCH_MAX_BYTES];

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static uint64_t fill(uint64_t seed, size_t length)
{
    for (size_t i = 0; i + 8 <= length; i += 8) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        memcpy(out + i, &seed, sizeof(seed));
    }
    return seed;
}

static bool receive_all(int peer, void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t got = recv(peer, (char *)bytes + done, length - done, 0);
        if (got <= 0) {
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static int reach(const char *host, enum bench_service service)
{
    struct sockaddr_in in = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)bench_port(service)) };
    if (inet_aton(host, &in.sin_addr) == 0 || strchr(host, '.') == NULL) {
        struct sockaddr_vm address = vsock_address(NAME, host, bench_port(service));
        return vsock_connect(NAME, &address, bench_type(service));
    }
    int one = 1, peer = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer, (struct sockaddr *)&in, sizeof(in)) != 0) {
        vsock_fail(NAME, "cannot connect");
    }
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return peer;
}

/* Sends `bytes` and says how fast; what is not summed is not made anew for each write either. */
static int bulk(const char *host, uint64_t bytes, size_t size, enum bench_service service)
{
    bool summed = service != BENCH_COUNT;
    int peer = reach(host, service);
    struct bench_sum sum = { 0 };
    uint64_t seed = fill(1, size), answer;
    double start = now_s();
    for (uint64_t left = bytes; left > 0;) {
        size_t length = left < size ? (size_t)left : size;
        if (summed) {
            seed = fill(seed, length);
            bench_sum_add(&sum, out, length);
        }
        vsock_send_all(NAME, peer, out, length);
        left -= length;
    }
    shutdown(peer, SHUT_WR);
    if (!receive_all(peer, &answer, sizeof(answer))) {
        vsock_fail(NAME, "no answer");
    }
    double seconds = now_s() - start;
    bool right = answer == (summed ? sum.sums : bytes);
    printf("%llu bytes in %.3f s, %.1f MB/s, %s %s\n", (unsigned long long)bytes, seconds,
           (double)bytes / seconds / 1e6, summed ? "checksum" : "number",
           right ? "right" : "WRONG");
    return right ? 0 : 1;
}

static void round_trip(int peer, size_t size)
{
    vsock_send_all(NAME, peer, out, size);
    if (!receive_all(peer, back, size) || memcmp(out, back, size) != 0) {
        vsock_fail(NAME, "a wrong echo");
    }
}

static int echo(const char *host, unsigned long count, size_t size)
{
    int peer = reach(host, BENCH_ECHO);
    uint64_t seed = fill(1, size);
    double start = now_s();
    for (unsigned long i = 0; i < count; i++) {
        memcpy(out, &seed, size < sizeof(seed) ? size : sizeof(seed));
        seed++;
        round_trip(peer, size);
    }
    printf("%lu round trips of %zu bytes, %.1f us each\n", count, size,
           (now_s() - start) / (double)count * 1e6);
    return 0;
}

/* A few messages under way at a time, so that two of them could be taken for one. */
static int border(const char *host, unsigned long count, size_t size)
{
    enum { UNDER_WAY = 3 };
    int peer = reach(host, BENCH_ECHO_PACKETS);
    fill(1, sizeof(out));
    for (unsigned long sent = 0, came = 0; came < count;) {
        for (; sent < count && sent < came + UNDER_WAY; sent++) {
            vsock_send_all(NAME, peer, out + sent % 100, 1 + sent * 7919 % size);
        }
        size_t length = 1 + came * 7919 % size;
        if (recv(peer, back, sizeof(back), 0) != (ssize_t)length ||
            memcmp(out + came % 100, back, length) != 0) {
            vsock_fail(NAME, "a message with other borders");
        }
        came++;
    }
    printf("%lu messages of up to %zu bytes\n", count, size);
    return 0;
}

static int connect_often(const char *host, unsigned long count)
{
    double start = now_s();
    fill(1, 8);
    for (unsigned long i = 0; i < count; i++) {
        int peer = reach(host, BENCH_ECHO);
        if (i % 16 == 0) {
            round_trip(peer, 8);
        }
        close(peer);
    }
    printf("%lu connections, %.1f us each\n", count, (now_s() - start) / (double)count * 1e6);
    return 0;
}

static int connect_many(const char *host, unsigned long count)
{
    static int peers[MAX_MANY];
    fill(1, 8);
    for (unsigned long i = 0; i < count; i++) {
        peers[i] = reach(host, BENCH_ECHO);
    }
    for (unsigned long i = 0; i < count; i++) {
        round_trip(peers[i], 8);
    }
    printf("%lu connections at once\n", count);
    return 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: vsock_bench stream|packet|flow HOST BYTES SIZE\n"
                    "       vsock_bench echo|border HOST COUNT SIZE\n"
                    "       vsock_bench connect|many HOST COUNT\n");
    return 2;
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "";
    uint64_t count = argc > 3 ? strtoull(argv[3], NULL, 0) : 0;
    size_t size = argc > 4 ? strtoull(argv[4], NULL, 0) : 8;
    if (argc < 4 || argc > 5 || count == 0 || size == 0 || size > BENCH_MAX_BYTES - 100) {
        return usage();
    }
    if (strcmp(what, "stream") == 0) {
        return bulk(argv[2], count, (size + 7) / 8 * 8, BENCH_SUM);
    }
    if (strcmp(what, "packet") == 0) {
        return bulk(argv[2], count, (size + 7) / 8 * 8, BENCH_SUM_PACKETS);
    }
    if (strcmp(what, "flow") == 0) {
        return bulk(argv[2], count, size, BENCH_COUNT);
    }
    if (strcmp(what, "echo") == 0) {
        return echo(argv[2], count, size);
    }
    if (strcmp(what, "border") == 0) {
        return border(argv[2], count, size);
    }
    if (strcmp(what, "connect") == 0) {
        return connect_often(argv[2], count);
    }
    if (strcmp(what, "many") == 0 && count <= MAX_MANY) {
        return connect_many(argv[2], count);
    }
    return usage();
}
