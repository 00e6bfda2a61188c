# SPDX-License-Identifier: BSD-2-Clause
UNIT_TESTS += test_net_queue

test_net_queue_SRCS := tests/unit/test_net_queue.c
test_net_queue_LIBS := -lpthread
