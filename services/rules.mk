# SPDX-License-Identifier: BSD-2-Clause
# The PDs that are no I/O. The supervisor restarts all others, and nothing restarts it.
entropy_SRCS := $(addprefix services/entropy/,sha256.c chacha20.c health.c entropy_core.c entropy_pd.c) \
    $(RESTART_SRCS)
counters_SRCS := $(addprefix services/counters/,counters_core.c counters_pd.c) $(RESTART_SRCS)
supervisor_SRCS := $(addprefix services/supervisor/,clock.c reason.c supervisor_pd.c)
PROGRAMS += entropy counters supervisor
