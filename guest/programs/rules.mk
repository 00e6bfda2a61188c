# SPDX-License-Identifier: BSD-2-Clause
# Programs for guests that busybox lacks.
#
# Our own, static, by clang: those of every guest, and those of the tests.
GUEST_OWN_DIR := $(GUEST_DIR)/own
GUEST_OWN_PROGRAMS := $(addprefix $(GUEST_OWN_DIR)/bin/,vsock_recv vsock_send)
GUEST_TEST_OWN_PROGRAMS := $(addprefix $(GUEST_OWN_DIR)/test/,vsock_bench vsock_serve etherwatch wake_latency)

define guest_program
	@$(call need,cross)
	@mkdir -p $(@D)
	$(call say,compile,$<)
	$(Q)clang --target=aarch64-linux-gnu -fuse-ld=lld -static -Wl,-s -std=c11 -D_GNU_SOURCE -O2 $(WARNINGS) \
	    $(PREFIX_MAP) -I. $(GUEST_PROGRAM_FLAGS) $(filter %.c,$^) -o $@
endef
GUEST_PROGRAM_HEADERS := $(wildcard guest/programs/*.h)
$(GUEST_OWN_DIR)/bin/%: guest/programs/%.c $(GUEST_PROGRAM_HEADERS) | need-compiler
	$(guest_program)
$(GUEST_OWN_DIR)/test/%: guest/programs/%.c $(GUEST_PROGRAM_HEADERS) | need-compiler
	$(guest_program)

# Others', for tests and figures: those of Debian's arm64 packages with the libraries they load.
# $(GUEST_DIR)/initrd-test.cpio.gz is the guests' archive with these programs.
GUEST_TEST_DIR := $(GUEST_DIR)/programs
GUEST_TEST_PACKAGES := fio postmark dosfstools e2fsprogs libext2fs2|libext2fs2t64 libcom-err2 libblkid1 \
    libuuid1 libc6 iperf3 libiperf0 libssl3|libssl3t64 libsctp1 libgcc-s1 zlib1g libzstd1
# busybox has applets called mke2fs and mkdosfs, so these names are others.
GUEST_TEST_PROGRAMS := sbin/mkfs.ext4 sbin/mkfs.fat usr/bin/iperf3
# `$(call install,ROOT,FOLDER,PROGRAM...)`
install = /usr/bin/python3 guest/programs/install.py $(GUEST_TEST_DIR)/tree $(1) $(2) $(3)

$(GUEST_TEST_DIR)/.tree: guest/fetch.sh guest/programs/rules.mk
	@$(call need,download)
	@mkdir -p $(@D)
	guest/fetch.sh $(GUEST_CACHE) $(@D)/tree $(foreach package,$(GUEST_TEST_PACKAGES),'$(package)')
	@touch $@

# The guests' archive with postmark in root's folder.
GUEST_POSTMARK := $(GUEST_DIR)/postmark
$(GUEST_DIR)/initrd-postmark.cpio.gz: $(GUEST_DIR)/initrd.cpio.gz $(GUEST_TEST_DIR)/.tree \
    guest/programs/install.py
	@$(call need,archive python)
	@rm -rf $(GUEST_POSTMARK)/root && mkdir -p -m 0700 $(GUEST_POSTMARK)/root/root
	$(call install,$(GUEST_POSTMARK)/root,root,usr/bin/postmark)
	$(call with_files,$(GUEST_POSTMARK)/root) >$@

# A folder's files as a second archive behind the guests' own: `$(call with_files,FOLDER) >OUT`.
with_files = { set -o pipefail; cat $(GUEST_DIR)/initrd.cpio.gz; find $(1) -exec touch -h -d @0 {} + && cd $(1) && \
    find . -mindepth 1 -print0 | LC_ALL=C sort -z | \
    cpio --quiet --null --reproducible -H newc -R 0:0 -o | gzip -n -9; }

$(GUEST_DIR)/initrd-test.cpio.gz: $(GUEST_DIR)/initrd.cpio.gz $(GUEST_TEST_DIR)/.tree \
    $(GUEST_TEST_OWN_PROGRAMS) guest/programs/install.py
	@$(call need,archive python)
	@rm -rf $(GUEST_TEST_DIR)/root && mkdir -p $(GUEST_TEST_DIR)/root/bin
	cp $(GUEST_TEST_OWN_PROGRAMS) $(GUEST_TEST_DIR)/root/bin
	@mkdir -m 0700 $(GUEST_TEST_DIR)/root/root
	$(call install,$(GUEST_TEST_DIR)/root,root,usr/bin/postmark)
	$(call install,$(GUEST_TEST_DIR)/root,bin,$(GUEST_TEST_PROGRAMS))
	$(call install,$(GUEST_TEST_DIR)/root,bin,--stub usr/bin/fio)
	$(call with_files,$(GUEST_TEST_DIR)/root) >$@
