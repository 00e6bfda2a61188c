# SPDX-License-Identifier: BSD-2-Clause
# What several parts use. pd/: of all PDs.
# Linked into each PD that the supervisor can restart.
RESTART_SRCS := lib/pd/restart.c
