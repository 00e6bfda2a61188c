# SPDX-License-Identifier: BSD-2-Clause
HOST_PROGRAMS += microkit
# Everything but the options: the tests link it too.
TOOL_SRCS := $(addprefix sdk/tool/,arena.c system_xml.c system_check.c elf_file.c load.c layout.c \
    tables.c emit.c report.c report_head.c build.c)
microkit_SRCS := sdk/tool/microkit_main.c $(TOOL_SRCS)
microkit_LIBS := -lexpat
