# SPDX-License-Identifier: BSD-2-Clause
# Not `compose`: that is where its objects lie in the build.
HOST_PROGRAMS += composer

# All but main(), for the tests.
COMPOSE_SRCS := sdk/tool/arena.c $(addprefix compose/,diag.c keys.c scalar.c yaml.c check.c count.c check_net.c board.c board_device.c \
    image.c unpack.c initrd.c fit.c plan.c memory.c device_tree.c sddf.c supervisor.c serial.c entropy.c disk.c driver_vm.c net.c uplink.c counters.c passthrough.c guest_plan.c xml.c picture.c link.c output.c compose.c)
composer_SRCS := compose/composer_main.c $(COMPOSE_SRCS)
# liblzma and libzstd unpack initrds, as zlib does.
COMPOSE_LIBS := -lyaml -lfdt -llzma -lzstd -lz
composer_LIBS := $(COMPOSE_LIBS)
