# SPDX-License-Identifier: BSD-2-Clause
"""What guests meet outside: servers on this machine's loopback, which QEMU's user network has at
10.0.2.2. Each is used in a `with`, and serves as long as that lasts, in threads of its own."""

import contextlib
import hashlib
import http.server
import random
import socket
import socketserver
import struct
import threading

LOOPBACK = "127.0.0.1"
GATEWAY = "10.0.2.2"  # the loopback as a guest sees it
DNS_PORT = 53
TYPE_A = 1
HEADER_BYTES = 12
IS_ANSWER = 0x8180  # recursion asked for and available, no error


class Threads(socketserver.ThreadingMixIn):
    daemon_threads = True
    allow_reuse_address = True


class TcpServer(Threads, socketserver.TCPServer):
    pass


class UdpServer(Threads, socketserver.UDPServer):
    pass


@contextlib.contextmanager
def serving(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with server:
        yield server
        server.shutdown()


def dns_answer(query, name, address):
    """To a query of one question (RFC 1035, 4.1): its name's address, or that there is none."""
    wanted = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    question = query[HEADER_BYTES:query.index(b"\0", HEADER_BYTES) + 5]
    known = question[:-4].lower() == wanted and question[-4:-2] == struct.pack(">H", TYPE_A)
    record = struct.pack(">HHHIH", 0xc000 | HEADER_BYTES, TYPE_A, 1, 60, 4)
    return (query[:2] + struct.pack(">HHHHH", IS_ANSWER, 1, known, 0, 0) + question
            + (record + socket.inet_aton(address) if known else b""))


def serve_names(name, address):
    """A DNS server that knows one name. OSError at once: its port cannot be had."""
    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            query, own = self.request
            own.sendto(dns_answer(query, name, address), self.client_address)
    return serving(UdpServer((LOOPBACK, DNS_PORT), Handler))


def serve_file(num_bytes, together):
    """An HTTP server that has one file, and begins to send it when `together` ask for it. Returns it
    and the file's MD5."""
    data = random.Random(5).randbytes(num_bytes)
    barrier = threading.Barrier(together, timeout=60)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            barrier.wait()
            self.send_response(200)
            self.send_header("Content-Length", str(num_bytes))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass
    return serving(TcpServer((LOOPBACK, 0), Handler)), hashlib.md5(data).hexdigest()


def serve_sums():
    """A TCP server that reads to the end, answers nothing, and keeps each stream's MD5 in `sums`."""
    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            total = hashlib.md5()
            while chunk := self.rfile.read(65536):
                total.update(chunk)
            self.server.sums.append(total.hexdigest())
    server = TcpServer((LOOPBACK, 0), Handler)
    server.sums = []
    return serving(server)


def port_of(server):
    return server.server_address[1]
