/* SPDX-License-Identifier: BSD-2-Clause */
/* What vsock_recv, vsock_send and vsock_bench have in common: addresses and error messages. */
#pragma once

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/vm_sockets.h>

/* Says what failed and ends the program. */
static inline void vsock_fail(const char *program, const char *what)
{
    fprintf(stderr, "%s|ERROR: %s: %s\n", program, what, strerror(errno));
    exit(1);
}

/* The address of a port; the CID is read from text. Ends the program if it is none. */
static inline struct sockaddr_vm vsock_address(const char *program, const char *cid, unsigned port)
{
    char *end;
    unsigned long number = strtoul(cid, &end, 10);
    if (*cid == '\0' || *end != '\0' || number > UINT32_MAX) {
        fprintf(stderr, "%s|ERROR: '%s' is no CID; give a number such as 3\n", program, cid);
        exit(2);
    }
    return (struct sockaddr_vm){ .svm_family = AF_VSOCK,
                                 .svm_cid = (unsigned)number,
                                 .svm_port = port };
}

/* Listens at an address and returns the first connection of the given type. */
static inline int vsock_accept(const char *program, const struct sockaddr_vm *address, int type)
{
    int listener = socket(AF_VSOCK, type, 0);
    if (listener < 0) {
        vsock_fail(program, "cannot make a socket (is there a vsock device?)");
    }
    if (bind(listener, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        vsock_fail(program, "cannot bind (is this CID the guest's own?)");
    }
    if (listen(listener, 1) != 0) {
        vsock_fail(program, "cannot listen");
    }
    int peer = accept(listener, NULL, NULL);
    if (peer < 0) {
        vsock_fail(program, "cannot accept");
    }
    close(listener);
    return peer;
}

/* Returns a connection of the given type to an address. */
static inline int vsock_connect(const char *program, const struct sockaddr_vm *address, int type)
{
    int peer = socket(AF_VSOCK, type, 0);
    if (peer < 0) {
        vsock_fail(program, "cannot make a socket (is there a vsock device?)");
    }
    if (connect(peer, (const struct sockaddr *)address, sizeof(*address)) != 0) {
        vsock_fail(program, "cannot connect");
    }
    return peer;
}

/* Sends all bytes. */
static inline void vsock_send_all(const char *program, int peer, const void *bytes, size_t length)
{
    for (size_t done = 0; done < length;) {
        ssize_t sent = send(peer, (const char *)bytes + done, length - done, MSG_NOSIGNAL);
        if (sent < 0) {
            vsock_fail(program, "cannot send");
        }
        done += (size_t)sent;
    }
}
