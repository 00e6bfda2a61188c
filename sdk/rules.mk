# SPDX-License-Identifier: BSD-2-Clause
SDK_STAMP = $(if $(filter $(EMBEDDED_SDK),$(MICROKIT_SDK)),$(BOARD_SDK)/.built)
