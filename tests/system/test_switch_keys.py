# SPDX-License-Identifier: BSD-2-Clause
"""The other two conventions that move the input, and the size of a terminal: tests/system/at.yaml
and return_at.yaml. (test_virtio.py has Ctrl-\\.)"""

import pytest
import qemu

# 100 is an @ that is not typed: \x1c1\r@2\r@1\n@0\n\@\x1c2\n@3\r\n@2
NOISE = r"printf '\0341\r\1002\r\1001\n\1000\n\\\100\0342\n\1003\r\n\1002'"


@pytest.fixture(scope="module")
def at(boot_for_module):
    return log_in(boot_for_module(qemu.system_image("tests_system_at"), guests=3, switch="at"))


@pytest.fixture(scope="module")
def return_at(boot_for_module):
    return log_in(boot_for_module(qemu.system_image("tests_system_return_at"),
                                  switch="return-at"))


def log_in(machine):
    for guest in machine.guests:
        guest.login()
    return machine


def typed(guest, keys, count):
    """What a program in a raw terminal gets of the keys, in hexadecimal."""
    guest.start(f"stty raw -echo; echo REA''DY; head -c {count} | xxd -p; stty sane")
    guest.expect("READY")
    guest.send(keys)
    got = guest.expect(r"([0-9a-f]+)\r*\n")[1]
    guest.expect(guest.prompt)
    return bytes.fromhex(got).decode("latin-1")


def noise_moves_nothing(machine):
    first, second = machine.guests[:2]
    first.answers()
    said, second_said = len(machine.console.text), len(second.output.text)
    first.run(NOISE)
    first.answers()
    assert "input" not in machine.console.text[said:]
    assert second.output.text[second_said:] == ""


def test_at_moves_the_input_at_once(at):
    for guest in [*at.guests, *reversed(at.guests)]:
        assert guest.run("hostname").strip() == guest.name


def test_at_counts_from_1(at):
    at.guests[1].answers()
    for digit in "049":
        at.send(f"@{digit}")
        at.console.expect("input: no such guest, stays with guest1\r+\n")
    at.guests[1].answers()


def test_at_may_be_typed(at):
    guest = at.guests[0]
    assert typed(guest, r"a\@1b", 4) == "a@1b"
    assert typed(guest, "root@host @@x", 13) == "root@host @@x"
    assert typed(guest, "\\n\\\\@\\n\x1c1\r", 9) == "\\n\\@\\n\x1c1\r"
    assert guest.run(r"echo 'me\@1'").strip() == "me@1"


def test_at_start(at):
    at.start_again(1)
    at.guests[1].expect("guest1: is running")


def test_at_in_a_guests_output_moves_nothing(at):
    noise_moves_nothing(at)


def test_return_at_moves_the_input(return_at):
    for guest in return_at.guests * 2:
        assert guest.run("hostname").strip() == guest.name


def test_return_at_counts_from_0(return_at):
    return_at.guests[1].answers()
    for digit in "29":
        return_at.send(f"\r@{digit}")
        return_at.console.expect("input: no such guest, stays with guest1\r+\n")
    return_at.guests[1].answers()


def test_at_is_plain_but_behind_return(return_at):
    guest = return_at.guests[0]
    assert typed(guest, "root@1 @0\r@x\x1c1\r", 15) == "root@1 @0\r@x\x1c1\r"
    assert guest.run("echo me@1").strip() == "me@1"


def test_return_at_start(return_at):
    return_at.start_again(1)
    return_at.guests[1].expect("guest1: is running")


def test_return_at_in_a_guests_output_moves_nothing(return_at):
    noise_moves_nothing(return_at)


def test_the_terminal_has_the_size_that_the_yaml_says(at):
    assert at.guests[0].run("stty size").strip() == "50 132"
    assert at.guests[1].run("stty size").strip() == "61 211"
