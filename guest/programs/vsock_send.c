/* SPDX-License-Identifier: BSD-2-Clause */
/* vsock_send CID: sends vsock_recv, which waits on that CID, what it expects. */
#include "guest/programs/demo.h"
#include "guest/programs/vsock.h"

#define NAME    "VSOCK SEND"
#define INFO(x) printf(NAME "|INFO: " x "\n")

int main(int argc, char **argv)
{
    static uint8_t bytes[DEMO_BYTES];
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc != 2) {
        fprintf(stderr, "usage: vsock_send CID (the receiver's)\n");
        return 2;
    }
    INFO("starting");
    struct sockaddr_vm address = vsock_address(NAME, argv[1], DEMO_PORT);
    printf(NAME "|INFO: creating socket to send on CID %u\n", address.svm_cid);
    int peer = vsock_connect(NAME, &address, SOCK_STREAM);
    INFO("connected, preparing payload");
    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = demo_byte(i);
    }
    printf(NAME "|INFO: now sending %d bytes!\n", DEMO_BYTES);
    vsock_send_all(NAME, peer, bytes, sizeof(bytes));
    close(peer);
    return 0;
}
