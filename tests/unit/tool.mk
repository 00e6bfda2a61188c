# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_tool_elf test_tool_errors test_tool_image test_tool_tables

tool_TEST_SRCS := tests/unit/tool_fixture.c $(TOOL_SRCS)
test_tool_elf_SRCS := tests/unit/test_tool_elf.c $(tool_TEST_SRCS)
test_tool_elf_LIBS := -lexpat
test_tool_errors_SRCS := tests/unit/test_tool_errors.c $(tool_TEST_SRCS)
test_tool_errors_LIBS := -lexpat
test_tool_image_SRCS := tests/unit/test_tool_image.c $(tool_TEST_SRCS)
test_tool_image_LIBS := -lexpat
test_tool_tables_SRCS := tests/unit/test_tool_tables.c $(tool_TEST_SRCS)
test_tool_tables_LIBS := -lexpat
