# SPDX-License-Identifier: BSD-2-Clause
HOST_PROGRAMS += microkit
microkit_SRCS := $(call sources_in,sdk/tool)
microkit_LIBS := -lexpat
