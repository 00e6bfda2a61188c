# SPDX-License-Identifier: BSD-2-Clause
"""systems/vswitch: two guests joined by the switch, and what their seeds promise."""

import re

import net_tools
import qemu

IMAGE = qemu.system_image("vswitch")
OPTIONS = {"memory": "1G", "names": "vm"}


def test_the_seed_s_words(machine):
    """As a reader of the seed types them."""
    vm0, vm1 = machine.guests
    vm0.run("ifconfig eth0 192.168.1.1")
    vm1.run("ifconfig eth0 192.168.1.2")
    output = vm1.run("ping -c 6 192.168.1.1")
    assert "6 packets transmitted, 6 packets received, 0% packet loss" in output
    for seq in range(6):
        assert f"64 bytes from 192.168.1.1: seq={seq} ttl=64" in output


def test_cards_have_addresses_of_their_own(machine):
    macs = [net_tools.mac(guest) for guest in machine.guests]
    assert len(set(macs)) == 2
    for address in macs:
        assert int(address[:2], 16) & 3 == 2  # one station, locally administered
    for guest in machine.guests:
        assert "mtu 1500" in guest.run("ip link show eth0")
        assert guest.run("ls /sys/class/net").split() == ["eth0", "lo"]


def test_a_thousand_pings(machine, say):
    vm0, vm1 = machine.guests
    for guest, to in ((vm1, "192.168.1.1"), (vm0, "192.168.1.2")):
        counts, times = net_tools.ping(guest, to, "-A -c 1000")
        assert counts == (1000, 1000)
        say(f"ping: {times}")


def test_neighbours_are_found_over_ipv6(machine):
    vm0, vm1 = machine.guests
    own = re.search(r"inet6 (fe80::[0-9a-f:]+)", vm0.run("ip -6 addr show eth0"))[1]
    assert "3 packets received" in vm1.run(f"ping -6 -c 3 {own}%eth0")
    assert own in vm1.run("ip -6 neigh")


def test_tcp_both_ways(machine, say):
    vm0, vm1 = machine.guests
    net_tools.serve_iperf(vm0)
    for words, options in (("out", ""), ("back", "-R"), ("both", "--bidir")):
        end = net_tools.iperf(vm1, "192.168.1.1", f"-t {net_tools.SECONDS} {options}")
        net_tools.check_stream(end)
        if words == "both":
            net_tools.check_stream(end, "_bidir_reverse")
        say(f"TCP {words}: {net_tools.megabits(end['sum_received'])}")


def test_udp(machine, say):
    """What arrives is counted by the receiver; a rate that one core can bear loses nothing."""
    _, vm1 = machine.guests
    end = net_tools.iperf(vm1, "192.168.1.1", f"-u -b 2M -t {net_tools.SECONDS}")
    assert end["sum"]["packets"] > 500 and end["sum"]["lost_packets"] == 0
    paced = end["sum"]["packets"] / net_tools.SECONDS
    end = net_tools.iperf(vm1, "192.168.1.1", "-u -b 0 -t 3")
    say(f"UDP at full speed: {net_tools.megabits(end['sum'])} sent, "
        f"{end['sum']['lost_percent']:.0f} % lost")
    assert end["sum"]["packets"] - end["sum"]["lost_packets"] > paced  # in 3 s more than in 1 s of that rate


def test_a_file_arrives_as_it_was(machine):
    """8 MB over HTTP, from files that no two machines have in common."""
    vm0, vm1 = machine.guests
    vm0.run("mkdir -p /tmp/www; head -c 8000000 /dev/urandom >/tmp/www/file; httpd -h /tmp/www")
    wanted = vm0.run("md5sum </tmp/www/file")
    assert vm1.run("wget -q -O - http://192.168.1.1/file | md5sum") == wanted


def test_frames_of_every_length_pass(machine):
    """From the shortest to the longest, fragments of packets among them."""
    _, vm1 = machine.guests
    for size in (0, 1, 17, 18, 46, 1471, 1472, 1473, 8000, 65000):
        counts, _ = net_tools.ping(vm1, "192.168.1.1", f"-c 2 -A -s {size}")
        assert counts == (2, 2), size


def test_a_vlan_within_a_vlan(machine, say):
    """Full-size packets behind two tags, which the MTU does not count: pings, then TCP."""
    for guest in machine.guests:
        guest.run("ip link add link eth0 name v5 type vlan id 5")
        guest.run("ip link add link v5 name q6 type vlan id 6")
        guest.run("ip link set v5 up; ip link set q6 up")
        guest.run(f"ifconfig q6 192.168.6.{guest.index + 1}")
        assert "mtu 1500" in guest.run("ip link show q6")
    vm0, vm1 = machine.guests
    counts, _ = net_tools.ping(vm1, "192.168.6.1", "-A -c 20 -s 1472")
    assert counts == (20, 20)
    if "iperf3" not in vm0.run("ps"):
        net_tools.serve_iperf(vm0)
    for words, options in (("out", ""), ("back", "-R")):
        end = net_tools.iperf(vm1, "192.168.6.1", f"-n 2M {options}")
        net_tools.check_stream(end)
        say(f"TCP {words} behind two tags: {net_tools.megabits(end['sum_received'])}")
    assert "dropped" not in machine.log


def test_a_reboot_leaves_the_other_alone(machine):
    """And the rebooted guest's card works again."""
    vm0, vm1 = machine.guests
    vm0.start("reboot")
    vm0.login()
    vm1.answers()
    vm0.run("ifconfig eth0 192.168.1.1")
    counts, _ = net_tools.ping(vm1, "192.168.1.1")
    assert counts == (100, 100)
