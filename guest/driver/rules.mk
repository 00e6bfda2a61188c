# SPDX-License-Identifier: BSD-2-Clause
# What a guest has that serves its disk to others: the guests' archive with uio_blk, and with a module
# that Debian's kernel is built without, from the same kernel's source.
#
#   initrd.cpio.gz + uio_blk, uio_pdrv_genirq.ko, rootfs/ -> initrd-driver.cpio.gz
GUEST_DRIVER_DIR := $(GUEST_DIR)/driver
GUEST_DRIVER_MODULE := $(GUEST_DRIVER_DIR)/module/uio_pdrv_genirq.ko
GUEST_DRIVER_PROGRAM := $(GUEST_OWN_DIR)/driver/uio_blk

$(GUEST_DRIVER_MODULE): guest/driver/module.sh guest/fetch.sh $(GUEST_DIR)/.tree
	@$(call need,download compiler)
	@mkdir -p $(@D)
	guest/driver/module.sh $(GUEST_DIR)/tree $(GUEST_CACHE) $@

# Its queues lie in memory that takes aligned accesses only.
$(GUEST_DRIVER_PROGRAM): GUEST_PROGRAM_FLAGS := -Iio/include -mstrict-align
$(GUEST_DRIVER_PROGRAM): guest/programs/uio_blk.c guest/programs/uio_blk_serve.c $(GUEST_PROGRAM_HEADERS) \
    $(addprefix io/include/,cloister/blk_check.h cloister/uio_blk.h sddf/blk_queue.h sddf/config.h) \
    | need-compiler
	$(guest_program)

$(GUEST_DIR)/initrd-driver.cpio.gz: $(GUEST_DIR)/initrd.cpio.gz $(GUEST_DRIVER_PROGRAM) \
    $(GUEST_DRIVER_MODULE) $(shell find guest/driver/rootfs)
	@$(call need,archive)
	@rm -rf $(GUEST_DRIVER_DIR)/root && mkdir -p $(GUEST_DRIVER_DIR)/root/bin $(GUEST_DRIVER_DIR)/root/lib
	cp $(GUEST_DRIVER_PROGRAM) $(GUEST_DRIVER_DIR)/root/bin
	cp $(GUEST_DRIVER_MODULE) $(GUEST_DRIVER_DIR)/root/lib
	cp -r guest/driver/rootfs/. $(GUEST_DRIVER_DIR)/root
	$(call with_files,$(GUEST_DRIVER_DIR)/root) >$@
