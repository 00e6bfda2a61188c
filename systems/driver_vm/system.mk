# SPDX-License-Identifier: BSD-2-Clause
# The clients have postmark, and ext4 on their partitions.
GUEST_INITRD := $(if $(INITRD),$(INITRD),$(GUEST_DIR)/initrd-postmark.cpio.gz)
DISK_TYPE := ext4
