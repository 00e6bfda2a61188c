/* SPDX-License-Identifier: BSD-2-Clause */
/* vsock_recv CID: waits on the guest's own CID for vsock_send, and verifies what arrives. */
#include "guest/programs/demo.h"
#include "guest/programs/vsock.h"

#define NAME        "VSOCK RECV"
#define INFO(x)     printf(NAME "|INFO: " x "\n")

#define CHUNK_BYTES 4096 /* so that one sees it come */

/* Receives until the peer closes; returns how many bytes came, at most `room`. */
static size_t receive(int peer, uint8_t *bytes, size_t room)
{
    size_t total = 0;
    for (;;) {
        size_t left = room - total;
        ssize_t got = recv(peer, bytes + total, left < CHUNK_BYTES ? left : CHUNK_BYTES, 0);
        if (got < 0) {
            vsock_fail(NAME, "cannot receive");
        }
        if (got == 0) {
            return total;
        }
        total += (size_t)got;
        if (total < DEMO_BYTES) {
            printf(NAME "|INFO: Accumulatively received %zu bytes\n", total);
        }
    }
}

int main(int argc, char **argv)
{
    static uint8_t bytes[DEMO_BYTES + 1];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2) {
        fprintf(stderr, "usage: vsock_recv CID (the guest's own)\n");
        return 2;
    }
    INFO("starting");
    struct sockaddr_vm address = vsock_address(NAME, argv[1], DEMO_PORT);
    printf(NAME "|INFO: creating socket to wait on CID %u\n", address.svm_cid);
    int peer = vsock_accept(NAME, &address, SOCK_STREAM);
    INFO("peer connected");
    size_t total = receive(peer, bytes, sizeof(bytes));
    printf(NAME "|INFO: Total bytes received %zu, verifying data...\n", total);
    for (size_t i = 0; i < total; i++) {
        if (bytes[i] != demo_byte(i)) {
            printf(NAME "|ERROR: byte %zu is %u and should be %u\n", i, bytes[i], demo_byte(i));
            return 1;
        }
    }
    if (total != DEMO_BYTES) {
        printf(NAME "|ERROR: %d bytes should have come\n", DEMO_BYTES);
        return 1;
    }
    INFO("All is well in the universe");
    return 0;
}
