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

# Others', for tests and figures: those built here from source with Debian's cross compiler, and those
# of Debian's arm64 packages with the libraries they load. $(GUEST_DIR)/initrd-test.cpio.gz is the
# guests' archive with these programs.
GUEST_CC := aarch64-linux-gnu-gcc
GUEST_TEST_DIR := $(GUEST_DIR)/programs
GUEST_TEST_PACKAGES := src:fio dosfstools e2fsprogs libext2fs2 libcom-err2 libblkid1 libuuid1 libc6 \
    iperf3 libiperf0 libssl3 libsctp1
# What a guest gets of them. busybox has applets called mke2fs and mkdosfs, so these names are others.
GUEST_TEST_PROGRAMS := sbin/mkfs.ext4 sbin/mkfs.fat usr/bin/iperf3
GUEST_TEST_LIBRARIES := lib/ld-linux-aarch64.so.1 $(addprefix lib/aarch64-linux-gnu/,libc.so.6 \
    libm.so.6 libcom_err.so.2 libext2fs.so.2 libe2p.so.2) \
    $(addprefix usr/lib/aarch64-linux-gnu/,libblkid.so.1 libuuid.so.1 libiperf.so.0 libcrypto.so.3 libssl.so.3 \
    libsctp.so.1)
# fio finds io_uring by itself; it needs no library.
FIO_OPTIONS := --cc=$(GUEST_CC) --build-static --disable-native --disable-numa --disable-rdma \
    --disable-http --disable-shm

$(GUEST_TEST_DIR)/.tree: guest/fetch.sh guest/programs/rules.mk
	@$(call need,download)
	@mkdir -p $(@D)
	guest/fetch.sh $(GUEST_CACHE) $(@D)/tree $(GUEST_TEST_PACKAGES)
	@touch $@

$(GUEST_TEST_DIR)/fio: $(GUEST_TEST_DIR)/.tree
	@$(call need,cross-gcc)
	@echo 'Building fio: $(@D)/fio.log'
	@cd $(@D)/tree/fio && { ./configure $(FIO_OPTIONS) && $(MAKE); } >../../fio.log 2>&1 || \
	    { tail -n 5 ../../fio.log >&2; \
	    echo 'fio cannot be built; $(@D)/fio.log has all messages, and make starts again after rm -r $(@D)' >&2; exit 1; }
	@aarch64-linux-gnu-strip -o $@ $(@D)/tree/fio/fio

# postmark as Debian packages it is this one file.
GUEST_POSTMARK := $(GUEST_DIR)/postmark
$(GUEST_POSTMARK)/postmark: guest/fetch.sh
	@$(call need,download cross-gcc)
	guest/fetch.sh $(GUEST_CACHE) $(@D)/tree src:postmark
	$(Q)$(GUEST_CC) -O2 -w -static -s -o $@ $(@D)/tree/postmark/postmark-*.c \
	    $(call or_say,postmark cannot be built; remove $(@D) and run make again)

# The guests' archive with postmark in root's folder.
$(GUEST_DIR)/initrd-postmark.cpio.gz: $(GUEST_DIR)/initrd.cpio.gz $(GUEST_POSTMARK)/postmark
	@rm -rf $(GUEST_POSTMARK)/root && mkdir -p -m 0700 $(GUEST_POSTMARK)/root/root
	cp $(GUEST_POSTMARK)/postmark $(GUEST_POSTMARK)/root/root
	$(call with_files,$(GUEST_POSTMARK)/root) >$@

# A folder's files as a second archive behind the guests' own: `$(call with_files,FOLDER) >OUT`.
with_files = { set -o pipefail; cat $(GUEST_DIR)/initrd.cpio.gz; find $(1) -exec touch -h -d @0 {} + && cd $(1) && \
    find . -mindepth 1 -print0 | LC_ALL=C sort -z | \
    cpio --quiet --null --reproducible -H newc -R 0:0 -o | gzip -n -9; }

$(GUEST_DIR)/initrd-test.cpio.gz: $(GUEST_DIR)/initrd.cpio.gz $(GUEST_TEST_DIR)/fio \
    $(GUEST_TEST_OWN_PROGRAMS) $(GUEST_POSTMARK)/postmark
	@$(call need,archive)
	@rm -rf $(GUEST_TEST_DIR)/root && mkdir -p $(GUEST_TEST_DIR)/root/bin $(GUEST_TEST_DIR)/root/lib
	cp $(GUEST_TEST_DIR)/fio $(GUEST_TEST_OWN_PROGRAMS) $(GUEST_TEST_DIR)/root/bin
	mkdir -m 0700 $(GUEST_TEST_DIR)/root/root && cp $(GUEST_POSTMARK)/postmark $(GUEST_TEST_DIR)/root/root
	cd $(GUEST_TEST_DIR)/tree && cp -L $(GUEST_TEST_PROGRAMS) ../root/bin && \
	    cp -L $(GUEST_TEST_LIBRARIES) ../root/lib \
	    $(call or_say,Debian's packages have other files than guest/programs/rules.mk lists; correct the lists there)
	$(call with_files,$(GUEST_TEST_DIR)/root) >$@
