# SPDX-License-Identifier: BSD-2-Clause
"""Linux's own tests of AF_VSOCK (tools/testing/vsock), one guest against another, with their control
connection over TCP on the switch. All of them apply."""

import os
import re

import net_tools
import pytest
import qemu

IMAGE = qemu.system_image("tests_system_vsock_linux")
OPTIONS = {"memory": "1G", "guests": 4}
CIDS = (3, 4)

pytestmark = pytest.mark.skipif(not os.path.exists(IMAGE), reason="only in make soak")


@pytest.fixture
def guests(machine):
    guests = machine.guests[:2]
    for guest in guests:
        net_tools.set_up(guest)
    return guests


@pytest.mark.parametrize("program", ("vsock_test", "vsock_diag_test"))
@pytest.mark.parametrize("server", (0, 1))
def test_linux_s_own(guests, program, server, say):
    client = guests[1 - server]
    server = guests[server]
    words = f"{program} --control-port=1234 --mode="
    server.run(f"{words}server --peer-cid={CIDS[client.index]} >/tmp/served 2>&1 & "
               "while ! netstat -ltn | grep -q :1234; do usleep 100000; done")
    said = client.run(f"{words}client --control-host={net_tools.address(server)} "
                      f"--peer-cid={CIDS[server.index]} 2>&1", timeout=300)
    wanted = len(re.findall(r"^\d+\t", client.run(f"{words}client --list", status=1),
                            re.MULTILINE))
    ends = re.findall(r"^\d+ - (.*)\.\.\.(.*)$", said, re.MULTILINE)
    say(f"{program}: {len(ends)} tests")
    assert wanted > 0 and len(ends) == wanted
    assert [end for end in ends if end[1] != "ok"] == []
    server.run("wait; cat /tmp/served")
