/* SPDX-License-Identifier: BSD-2-Clause */
#include "compose/keys.h"
#include "compose/limits.h"
#include "compose/output.h"
#include "compose/sddf.h"
#include "compose/system.h"

#include <string.h>

#define QUEUE_BYTES  PAGE_BYTES
#define DATA_BYTES   0x10000ul
#define DEFAULT_BAUD 115200

/*
 * One direction: a queue that both sides write, and data that only the producer writes. `name` is
 * whose connection it is; the ends' records are filled in.
 */
static void connect(struct plan *plan, const char *name, struct pd *producer,
                    struct sddf_serial_connection *producer_end, struct pd *consumer,
                    struct sddf_serial_connection *consumer_end)
{
    const char *queue_name = arena_printf(plan->arena, "%s_queue", name);
    const char *data_name = arena_printf(plan->arena, "%s_data", name);
    const struct region *queue = plan_region(plan, queue_name, QUEUE_BYTES, PAGE_BYTES);
    const struct region *data = plan_region(plan, data_name, DATA_BYTES, PAGE_BYTES);
    const struct channel *channel = plan_channel(plan, producer, consumer);
    producer_end->queue = sddf_map(plan, producer, queue, "rw");
    producer_end->data = sddf_map(plan, producer, data, "rw");
    producer_end->channel = channel->a.id;
    consumer_end->queue = sddf_map(plan, consumer, queue, "rw");
    consumer_end->data = sddf_map(plan, consumer, data, "r");
    consumer_end->channel = channel->b.id;
}

void serial_plan(struct system *system, struct pd *timer)
{
    struct plan *plan = &system->plan;
    struct serial *s = &system->serial;
    const struct board *board = system->board;
    s->driver = plan_pd(plan, "serial_driver", board->uart_program, PRIORITY_SERIAL_DRIVER);
    sddf_plan_driver(plan, s->driver, &board->uart_irq, "uart", &board->uart);
    s->virt_tx = plan_pd(plan, "serial_virt_tx", "serial_virt_tx.elf", PRIORITY_SERIAL_VIRT_TX);
    s->tx = plan_record(plan, s->virt_tx, ".serial_virt_tx_config", sizeof(*s->tx));
    sddf_set_magic(&s->tx->magic, SDDF_SERIAL);
    s->virt_rx = plan_pd(plan, "serial_virt_rx", "serial_virt_rx.elf", PRIORITY_SERIAL_VIRT_RX);
    s->rx = plan_record(plan, s->virt_rx, ".serial_virt_rx_config", sizeof(*s->rx));
    sddf_set_magic(&s->rx->magic, SDDF_SERIAL);
    s->rx->switch_keys = (uint8_t)system->model->console.switch_keys.number;
    struct sddf_serial_driver_config *driver =
        plan_record(plan, s->driver, ".serial_driver_config", sizeof(*driver));
    sddf_set_magic(&driver->magic, SDDF_SERIAL);
    driver->default_baud = DEFAULT_BAUD;
    driver->rx_enabled = true;
    connect(plan, "serial_driver_tx", s->virt_tx, &s->tx->driver, s->driver, &driver->tx);
    connect(plan, "serial_driver_rx", s->driver, &driver->rx, s->virt_rx, &s->rx->driver);
    s->tx->timer_channel = sddf_connect_timer(plan, s->virt_tx, timer);
    s->rx->timer_channel = sddf_connect_timer(plan, s->virt_rx, timer);
}

void serial_plan_client(struct system *system, struct pd *vmm, const struct guest *guest)
{
    struct plan *plan = &system->plan;
    struct serial *serial = &system->serial;
    struct sddf_serial_client_config *client =
        plan_record(plan, vmm, ".serial_client_config", sizeof(*client));
    struct serial_virt_tx_client *tx = &serial->tx->clients[serial->tx->num_clients++];
    struct serial_virt_rx_client *rx = &serial->rx->clients[serial->rx->num_clients++];
    const char *name = guest->name.text;
    sddf_set_magic(&client->magic, SDDF_SERIAL);
    sddf_set_name(tx->name, name);
    sddf_set_name(rx->name, name);
    memcpy(tx->colour, color_sgr[guest->color.number], strlen(color_sgr[guest->color.number]));
    connect(plan, arena_printf(plan->arena, "%s_tx", name), vmm, &client->tx, serial->virt_tx,
            &tx->conn);
    connect(plan, arena_printf(plan->arena, "%s_rx", name), serial->virt_rx, &rx->conn, vmm,
            &client->rx);
}

void serial_plan_writer(struct system *system, const char *name, struct pd *pd,
                        struct sddf_serial_connection *conn)
{
    struct serial *serial = &system->serial;
    struct serial_virt_tx_client *tx = &serial->tx->clients[serial->tx->num_clients++];
    sddf_set_name(tx->name, name);
    connect(&system->plan, arena_printf(system->plan.arena, "%s_tx", name), pd, conn,
            serial->virt_tx, &tx->conn);
}

/* The receive virtualiser sees which guests run: it asks for the end when all have powered off. */
static void plan_power_off(struct system *system)
{
    struct serial_virt_rx_config *rx = system->serial.rx;
    struct pd *supervisor = system->plan.supervisor;
    if (system->board->is_qemu) {
        sddf_set_name(rx->leave, "Ctrl-a x leaves QEMU");
    }
    if (!system->board->can_power_off) {
        return;
    }
    struct channel *channel = plan_channel(&system->plan, system->serial.virt_rx, supervisor);
    channel->a.calls = true;
    supervisor->smc = true;
    rx->can_power_off = true;
    rx->supervisor_channel = channel->a.id;
}

void serial_plan_log(struct system *system)
{
    plan_power_off(system);
    serial_plan_writer(system, "console", system->serial.virt_rx, &system->serial.rx->log);
}

#define NAMES_SHOWN 8

/* The keys of the console, by enum serial_switch: a prefix, what chooses a guest, and the number of
 * the first guest. switch_keys.c does what they say. */
static const struct {
    const char *prefix;
    const char *chooser;
    unsigned first;
} conventions[] = {
    [SERIAL_SWITCH_CTRL_BACKSLASH] = { "Ctrl-\\", "index Enter", 0 },
    [SERIAL_SWITCH_AT] = { "@", "digit", 1 },
    [SERIAL_SWITCH_RETURN_AT] = { "Return @", "index", 0 },
};

static void write_key(FILE *out, const char *prefix, const char *key, const char *what)
{
    int length = fprintf(out, "  %s %s", prefix, key);
    fprintf(out, "%*s%s", length < 26 ? 26 - length : 1, "", what);
}

void serial_write_keys(FILE *out, const struct system *system, const char *folder)
{
    (void)folder;
    unsigned long convention = system->model->console.switch_keys.number;
    const char *prefix = conventions[convention].prefix;
    size_t count = system->model->guests.count;
    write_key(out, prefix, conventions[convention].chooser, "moves the input to a guest:");
    for (size_t i = 0; i < count && i < NAMES_SHOWN; i++) {
        fprintf(out, "%s %zu %s", i > 0 ? "," : "", i + conventions[convention].first,
                model_guest(system->model, i)->name.text);
    }
    fputs(count > NAMES_SHOWN ? ", ...\n" : "\n", out);
    write_key(out, prefix, "?", "shows the counters\n");
    write_key(out, prefix, "!", "starts the guest that has the input, if it is stopped\n");
    write_key(out, "poweroff", "",
              system->board->can_power_off
                  ? "in each guest leaves cleanly: the machine goes off after the last\n"
                  : "in each guest before the machine is switched off keeps their disks clean\n");
}
