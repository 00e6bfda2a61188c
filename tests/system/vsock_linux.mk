# SPDX-License-Identifier: BSD-2-Clause
# Linux's own tests of AF_VSOCK as programs of the guests of vsock.yaml, for test_vsock_linux.py: only
# in `make soak`, since Debian's source of the kernel is 130 MB to download.
VSOCK_LINUX_DIR := $(GUEST_DIR)/vsock_linux
VSOCK_LINUX_PROGRAMS := $(addprefix $(VSOCK_LINUX_DIR)/bin/,vsock_test vsock_diag_test)
VSOCK_LINUX_INITRD := $(VSOCK_LINUX_DIR)/initrd.cpio.gz

$(VSOCK_LINUX_DIR)/.tree: guest/fetch.sh tests/system/vsock_linux.mk
	@$(call need,download)
	@mkdir -p $(@D)
	guest/fetch.sh $(GUEST_CACHE) $(@D)/tree src:linux:tools
	@touch $@

$(VSOCK_LINUX_PROGRAMS): $(VSOCK_LINUX_DIR)/bin/%: $(VSOCK_LINUX_DIR)/.tree
	@$(call need,cross-gcc)
	@mkdir -p $(@D)
	$(call say,compile,$*)
	$(Q)cd $(VSOCK_LINUX_DIR)/tree/linux/tools/testing/vsock && aarch64-linux-gnu-gcc -static -O2 -w \
	    -D_GNU_SOURCE -I. -I../../include $*.c timeout.c control.c util.c -o '$(abspath $@)' 2>$*.log || \
	    { cat $*.log; echo "Linux's $*.c cannot be built; remove $(VSOCK_LINUX_DIR) and run make again" >&2; exit 1; }

$(VSOCK_LINUX_INITRD): $(GUEST_DIR)/initrd.cpio.gz $(VSOCK_LINUX_PROGRAMS)
	@$(call need,archive)
	@rm -rf $(@D)/root && mkdir -p $(@D)/root/bin
	@cp $(VSOCK_LINUX_PROGRAMS) $(@D)/root/bin
	$(call with_files,$(VSOCK_LINUX_DIR)/root) >$@

.PHONY: vsock-linux-image
vsock-linux-image: $(VSOCK_LINUX_INITRD)
	@$(MAKE) image SYSTEM=tests/system/vsock.yaml INITRD=$(VSOCK_LINUX_INITRD) \
	    SYSTEM_DIR=$(TARGET_DIR)/systems/tests_system_vsock_linux
