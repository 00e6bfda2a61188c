/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/serial_tx/serial_tx_core.h"

static void set_polling(struct tx_core *core, bool polling)
{
    core->polling = polling;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        serial_queue_set_polling(&core->clients[i].queue, polling);
    }
}

void serial_tx_core_init(struct tx_core *core, const struct serial_virt_tx_config *config,
                         const struct serial_ops *ops)
{
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->num_clients =
        config->num_clients < SDDF_MAX_CLIENTS ? config->num_clients : SDDF_MAX_CLIENTS;
    core->driver = serial_queue_connect_producer(&config->driver);
    for (uint32_t i = 0; i < core->num_clients; i++) {
        core->clients[i].queue = serial_queue_connect_consumer(&config->clients[i].conn);
    }
    core->turn = core->num_clients - 1; /* so that client 0 comes first */
    set_polling(core, false);           /* a former life may have said that it looks */
}

static bool has_output(const struct tx_core *core, uint32_t client)
{
    return serial_queue_length(&core->clients[client].queue) > 0;
}

/* The next client behind the turn's that has output, or num_clients. */
static uint32_t next_waiting(const struct tx_core *core)
{
    for (uint32_t i = 1; i < core->num_clients; i++) {
        uint32_t client = (core->turn + i) % core->num_clients;
        if (has_output(core, client)) {
            return client;
        }
    }
    return core->num_clients;
}

static bool others_wait(const struct tx_core *core)
{
    return next_waiting(core) < core->num_clients;
}

/* Cannot be short: every step has seen room for a frame and its bytes. */
static void put(struct tx_core *core, const void *bytes, size_t count)
{
    (void)serial_queue_enqueue(&core->driver, bytes, (uint32_t)count);
    core->written = true;
}

static void begin_turn(struct tx_core *core, uint32_t client)
{
    const char *colour = core->config->clients[client].colour;
    core->turn = client;
    core->in_turn = true;
    core->interrupt = false;
    core->turn_bytes = 0;
    core->turn_moved = true;
    core->patience_end = 0;
    if (colour[0] != '\0') {
        put(core, "\x1b[", 2);
        put(core, colour, strnlen(colour, TX_COLOUR_BYTES));
        put(core, "m", 1);
    }
}

static void end_turn(struct tx_core *core)
{
    core->in_turn = false;
    if (core->config->clients[core->turn].colour[0] != '\0') {
        put(core, "\x1b[0m", 4);
    }
    if (core->interrupt) {
        put(core, "\r\n", 2);
        core->interrupt = false;
    }
}

/* Room for a frame and a byte at least. If not, the driver has been asked to signal. */
static bool driver_has_room(struct tx_core *core)
{
    if (serial_queue_free(&core->driver) > TX_FRAME_BYTES) {
        return true;
    }
    serial_queue_request_signal(&core->driver);
    return serial_queue_free(&core->driver) > TX_FRAME_BYTES;
}

/* How many of the first `count` bytes of the chunk end with the last line end in it, or 0. */
static uint32_t whole_lines(const struct tx_core *core, uint32_t count)
{
    while (count > 0 && core->chunk[count - 1] != '\n') {
        count--;
    }
    return count;
}

/* Moves one piece of the output of the client whose turn it is, which has some. */
static void move_chunk(struct tx_core *core)
{
    struct tx_client *client = &core->clients[core->turn];
    bool contended = others_wait(core);
    /* The step has seen room for a whole frame; of that the beginning may be used up by now. */
    uint32_t room = serial_queue_free(&core->driver) - TX_END_BYTES;
    uint32_t count = serial_queue_copy(&client->queue, 0, core->chunk,
                                       room < TX_CHUNK_BYTES ? room : TX_CHUNK_BYTES);
    uint32_t lines = whole_lines(core, count);
    if (contended && lines > 0) {
        count = lines;
    }
    put(core, core->chunk, count);
    serial_queue_consume(&client->queue, count);
    client->consumed = true;
    core->moved = true;
    core->turn_moved = true;
    core->turn_bytes = contended ? core->turn_bytes + count : 0;
    if (count > 0 && count == lines) {
        end_turn(core);
    } else {
        core->interrupt = core->turn_bytes >= TX_LINE_BYTES;
    }
}

/* Does the next thing that can be done; false if there is none, or no room for it. */
static bool step(struct tx_core *core)
{
    uint32_t next = core->turn;
    if (core->in_turn && !core->interrupt && !has_output(core, core->turn)) {
        return false; /* its line is unfinished and it says nothing: the deadline decides */
    }
    if (!core->in_turn) {
        next = next_waiting(core);
        if (next == core->num_clients) {
            next = core->turn;
        }
        if (next >= core->num_clients || !has_output(core, next)) {
            return false;
        }
    }
    if (!driver_has_room(core)) {
        return false;
    }
    if (core->interrupt) {
        end_turn(core);
        return true;
    }
    if (!core->in_turn) {
        begin_turn(core, next);
    }
    move_chunk(core);
    return true;
}

/* Clients that waited for room are told of it; one with a broken queue is reported, once. */
static void tell_clients(struct tx_core *core)
{
    for (uint32_t i = 0; i < core->num_clients; i++) {
        struct tx_client *client = &core->clients[i];
        if (client->consumed && serial_queue_must_signal(&client->queue)) {
            core->ops->notify(core->config->clients[i].conn.channel);
        }
        client->consumed = false;
        if (!client->told && serial_queue_consumer_broken(&client->queue)) {
            client->told = true;
            core->ops->report("serial tx: ignoring the broken queue of ");
            core->ops->report(core->config->clients[i].name);
            core->ops->report("\n");
        }
    }
}

/*
 * Where an unfinished line holds others up, its owner's silence is timed from its last byte, and
 * all of its pauses together from the first: one byte every now and then buys no more.
 */
static void watch_silence(struct tx_core *core)
{
    if (!core->in_turn || has_output(core, core->turn) || !others_wait(core)) {
        core->quiet.set = false;
        return;
    }
    if (core->quiet.set && !core->turn_moved) {
        return;
    }
    uint64_t now = core->ops->now();
    core->turn_moved = false;
    if (core->patience_end == 0) {
        core->patience_end = now + TX_PATIENCE_NS;
    }
    uint64_t left = core->patience_end > now ? core->patience_end - now : 0;
    left = left < TX_QUIET_NS ? left : TX_QUIET_NS;
    core->quiet = (struct serial_deadline){ .set = true, .at = now + left };
    if (!core->polling) { /* else each look is also one at the deadline */
        core->ops->set_timeout(left);
    }
}

static void move(struct tx_core *core)
{
    while (step(core)) {
    }
    /* Once an activation: the driver takes everything that it finds. */
    if (core->written) {
        core->written = false;
        core->ops->notify(core->config->driver.channel);
    }
    tell_clients(core);
    watch_silence(core);
}

/* Nothing but the timeout itself puts the next one off: deadlines of silences rest on it too. */
static void poll_on(struct tx_core *core)
{
    if (!core->polling) {
        set_polling(core, true);
    }
    core->ops->set_timeout(TX_POLL_NS);
}

void serial_tx_core_run(struct tx_core *core)
{
    core->moved = false;
    move(core);
    if (core->moved && !core->polling) {
        poll_on(core);
    }
}

/* Ends the turn of who has been silent for too long; a deadline to come has its timeout then. */
static void check_silence(struct tx_core *core)
{
    if (serial_deadline_passed(&core->quiet, core->ops)) {
        core->interrupt = core->in_turn;
    }
}

void serial_tx_core_timeout(struct tx_core *core)
{
    check_silence(core);
    core->moved = false;
    move(core);
    if (core->polling && !core->moved) {
        set_polling(core, false);
        check_silence(core);
        move(core);
    }
    if (core->moved) {
        poll_on(core);
    }
}
