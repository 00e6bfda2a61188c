# SPDX-License-Identifier: BSD-2-Clause
# `make test` does three boots of each kind.
.PHONY: soak
soak: test-images proof ## boot two guests 200 times, and four 50 times; write much to their disks and sockets
	@$(call need,qemu-system-arm python3-pytest python3-pexpect)
	@$(MAKE) vsock-linux-image
	CLOISTER_TARGET_DIR=$(TARGET_DIR) CLOISTER_QEMU_CPU=$(QEMU_CPU) \
	    CLOISTER_BOOTS_OF_TWO=200 CLOISTER_BOOTS_OF_FOUR=50 CLOISTER_FIO_OPERATIONS=10000 \
	    CLOISTER_VSOCK_BYTES=1073741824 CLOISTER_NET_SECONDS=30 CLOISTER_HOSTILE_TIMES=8 \
	    CLOISTER_ENDURE_S=1800 CLOISTER_LIFE_S=3600 \
	    CLOISTER_CRASH_STEPS=40,90,170,260,400,700 \
	    /usr/bin/python3 -m pytest -p no:cacheprovider -q --durations=3 \
	    tests/system/test_boots.py tests/system/test_block.py tests/system/test_driver_vm.py \
	    tests/system/test_vsock.py tests/system/test_vsock_linux.py tests/system/test_vswitch.py tests/system/test_net.py tests/system/test_hostile.py \
	    tests/system/test_endurance.py tests/system/test_failing_parts.py \
	    $(PYTEST_ARGS)
