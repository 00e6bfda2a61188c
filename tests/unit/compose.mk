# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_compose_errors test_compose_reference test_compose_system \
    test_compose_disk test_compose_net test_compose_passed test_compose_driver_vm test_compose_counters \
    test_compose_rng test_compose_kernel test_compose_initrd test_compose_console

compose_TEST_SRCS := tests/unit/compose_rig.c $(COMPOSE_SRCS)
test_compose_errors_SRCS := tests/unit/test_compose_errors.c $(compose_TEST_SRCS)
test_compose_errors_LIBS := $(COMPOSE_LIBS)
test_compose_reference_SRCS := tests/unit/test_compose_reference.c $(compose_TEST_SRCS)
test_compose_reference_LIBS := $(COMPOSE_LIBS)
test_compose_system_SRCS := tests/unit/test_compose_system.c tests/unit/compose_xml.c \
    $(compose_TEST_SRCS)
test_compose_system_LIBS := $(COMPOSE_LIBS) -lexpat
test_compose_disk_SRCS := tests/unit/test_compose_disk.c tests/unit/compose_xml.c $(compose_TEST_SRCS)
test_compose_disk_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_net_SRCS := tests/unit/test_compose_net.c tests/unit/compose_xml.c $(compose_TEST_SRCS)
test_compose_net_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_passed_SRCS := tests/unit/test_compose_passed.c tests/unit/compose_xml.c \
    $(compose_TEST_SRCS)
test_compose_passed_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_driver_vm_SRCS := tests/unit/test_compose_driver_vm.c tests/unit/compose_xml.c \
    $(compose_TEST_SRCS)
test_compose_driver_vm_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_rng_SRCS := tests/unit/test_compose_rng.c tests/unit/compose_xml.c $(compose_TEST_SRCS)
test_compose_rng_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_counters_SRCS := tests/unit/test_compose_counters.c tests/unit/compose_xml.c \
    $(compose_TEST_SRCS)
test_compose_counters_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_kernel_SRCS := tests/unit/test_compose_kernel.c tests/unit/compose_xml.c vmm/guest/image.c \
    sdk/libc/format.c $(compose_TEST_SRCS)
test_compose_kernel_LIBS := $(COMPOSE_LIBS) -lexpat

test_compose_initrd_SRCS := tests/unit/test_compose_initrd.c $(compose_TEST_SRCS)
test_compose_initrd_LIBS := $(COMPOSE_LIBS)

test_compose_console_SRCS := tests/unit/test_compose_console.c tests/unit/compose_xml.c \
    $(compose_TEST_SRCS)
test_compose_console_LIBS := $(COMPOSE_LIBS) -lexpat
