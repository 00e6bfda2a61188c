/* SPDX-License-Identifier: BSD-2-Clause */
#include "io/virt/serial_rx/serial_rx_core.h"

#include "sdk/libc/format.h"

#include <cloister/guest_state.h>

#define LINE_BYTES  200
#define CHUNK_BYTES 256u

/* Puts a line into the log, or nothing if it has no room for all of it. */
static void log_line(struct rx_core *core, const char *line, size_t length)
{
    if (serial_queue_free(&core->log) >= length) {
        (void)serial_queue_enqueue(&core->log, line, (uint32_t)length);
        core->logged = true;
    }
}

static const char *current_name(const struct rx_core *core)
{
    return core->config->clients[core->current].name;
}

/* Where the input goes, and how to move it. */
static void say_help(struct rx_core *core)
{
    char line[LINE_BYTES];
    size_t length = format_text(line, sizeof(line), "input: %s (%s)\r\n", current_name(core),
                                switch_keys_help(core->config->switch_keys));
    log_line(core, line, length);
}

/* By enum guest_state. */
static const char *const stopped_texts[GUEST_STATES] = {
    [GUEST_OFF] = "has powered off",
    [GUEST_CRASHED] = "has crashed",
    [GUEST_FAILED] = "is not started",
};

static const char *start_keys(const struct rx_core *core)
{
    return switch_keys_start_help(core->config->switch_keys);
}

/* Says that the current client's guest is stopped and takes no input. */
static void say_stopped(struct rx_core *core, enum guest_state state)
{
    char line[LINE_BYTES];
    size_t length = format_text(line, sizeof(line), "input: %s %s; %s starts it again\r\n",
                                current_name(core), stopped_texts[state], start_keys(core));
    core->clients[core->current].told = true;
    core->clients[core->current].told_at = core->ops->now();
    log_line(core, line, length);
}

static void say_current(struct rx_core *core)
{
    char line[LINE_BYTES];
    uint64_t dropped = core->clients[core->current].dropped;
    enum guest_state state = guest_state_of(&core->clients[core->current].queue);
    if (guest_is_stopped(state)) {
        say_stopped(core, state);
        return;
    }
    size_t length =
        dropped == 0
            ? format_text(line, sizeof(line), "input: %s\r\n", current_name(core))
            : format_text(line, sizeof(line), "input: %s (which has not taken %lu bytes)\r\n",
                          current_name(core), (unsigned long)dropped);
    log_line(core, line, length);
}

static void say_wrong_index(struct rx_core *core)
{
    char line[LINE_BYTES];
    size_t length = format_text(line, sizeof(line), "input: no such guest, stays with %s\r\n",
                                current_name(core));
    log_line(core, line, length);
}

static void say_dropping(struct rx_core *core)
{
    char line[LINE_BYTES];
    size_t length =
        format_text(line, sizeof(line), "input: %s does not read, its input is dropped\r\n",
                    current_name(core));
    log_line(core, line, length);
}

static void say_no_answer(struct rx_core *core)
{
    char line[LINE_BYTES];
    size_t length = format_text(line, sizeof(line), "input: the VMM of %s does not answer\r\n",
                                current_name(core));
    log_line(core, line, length);
}

static bool takes_input(const struct rx_core *core, uint32_t client)
{
    return client < core->num_clients && core->config->clients[client].conn.queue.vaddr != 0;
}

void serial_rx_core_init(struct rx_core *core, const struct serial_virt_rx_config *config,
                         const struct serial_ops *ops)
{
    memset(core, 0, sizeof(*core)); /* in place: a stack is one page */
    core->config = config;
    core->ops = ops;
    core->num_clients =
        config->num_clients < SDDF_MAX_CLIENTS ? config->num_clients : SDDF_MAX_CLIENTS;
    core->driver = serial_queue_connect_consumer(&config->driver);
    core->log = serial_queue_connect_producer(&config->log);
    core->keys = switch_keys_start(config->switch_keys);
    for (uint32_t i = 0; i < core->num_clients; i++) {
        if (takes_input(core, i)) {
            core->clients[i].queue = serial_queue_connect_producer(&config->clients[i].conn);
        }
    }
    while (core->current + 1 < core->num_clients && !takes_input(core, core->current)) {
        core->current++;
    }
    say_help(core);
}

/* Room for `count` bytes. If not, the client has been asked to signal. */
static bool has_room(struct serial_producer *queue, uint32_t count)
{
    if (serial_queue_free(queue) >= count) {
        return true;
    }
    serial_queue_request_signal(queue);
    return serial_queue_free(queue) >= count;
}

/* Whether the current client's guest takes no input, for it is stopped. Says so now and then. */
static bool is_stopped(struct rx_core *core)
{
    struct rx_client *client = &core->clients[core->current];
    enum guest_state state = guest_state_of(&client->queue);
    if (!guest_is_stopped(state)) {
        client->told = false;
        return false;
    }
    if (!core->checked) {
        core->checked = true;
        if (!client->told || core->ops->now() - client->told_at >= RX_STOPPED_NS) {
            say_stopped(core, state);
        }
    }
    return true;
}

/* Gives input to the current client, or drops it if that is how things are. False: it must wait. */
static bool give(struct rx_core *core, const uint8_t *bytes, uint32_t count)
{
    struct rx_client *client = &core->clients[core->current];
    if (count == 0) {
        return true;
    }
    if (!takes_input(core, core->current)) {
        client->dropped += count;
        return true;
    }
    if (is_stopped(core)) {
        return true;
    }
    if (!has_room(&client->queue, count)) {
        client->dropped += core->dropping ? count : 0;
        return core->dropping;
    }
    if (serial_queue_fill(&client->queue) == 0) {
        client->said = false;
    }
    (void)serial_queue_enqueue(&client->queue, bytes, count);
    client->given = true;
    core->moved = true;
    /* It reads again; but if a command waits, the time that it had for that is over. */
    core->dropping = core->dropping && core->command_ahead;
    return true;
}

/* Requests a start of the current client's guest; its VMM says what comes of it. */
static void request_start(struct rx_core *core)
{
    struct rx_client *client = &core->clients[core->current];
    if (!takes_input(core, core->current)) {
        return;
    }
    if (guest_start_pending(&client->queue)) {
        say_no_answer(core);
    } else {
        guest_ask_start(&client->queue);
    }
    client->given = true;
}

/* Does what the switch keys say. */
static void obey(struct rx_core *core, const struct switch_result *command)
{
    core->command_ahead = false;
    core->dropping = false;
    core->stuck.set = false;
    if (command->action == SWITCH_COUNTERS) {
        core->asked = true;
    } else if (command->action == SWITCH_START) {
        request_start(core);
    } else if (command->action == SWITCH_WRONG) {
        say_help(core);
    } else if (takes_input(core, command->index)) {
        core->current = command->index;
        say_current(core);
    } else {
        say_wrong_index(core);
    }
}

/* Handles one byte of input; false, and nothing is changed, if it must wait. */
static bool move_byte(struct rx_core *core, uint8_t byte)
{
    struct switch_keys keys = core->keys;
    struct switch_result result = switch_keys_next(&keys, byte);
    if (!give(core, result.out, result.count)) {
        return false;
    }
    core->keys = keys;
    if (result.action != SWITCH_NONE) {
        obey(core, &result);
    }
    return true;
}

/* Handles input until there is none; false if some must wait for the client. */
static bool move_input(struct rx_core *core)
{
    uint8_t chunk[CHUNK_BYTES];
    for (;;) {
        uint32_t count = serial_queue_copy(&core->driver, 0, chunk, sizeof(chunk));
        uint32_t done = 0;
        while (done < count && move_byte(core, chunk[done])) {
            done++;
        }
        serial_queue_consume(&core->driver, done);
        core->scouted = core->scouted > done ? core->scouted - done : 0;
        core->taken |= done > 0;
        if (done < count) {
            return false;
        }
        if (count == 0) {
            return true;
        }
    }
}

/* Reads ahead of input that waits, each byte once, for the first switch command. */
static void scout(struct rx_core *core)
{
    uint8_t chunk[CHUNK_BYTES];
    if (core->scouted == 0) {
        core->scout = core->keys;
    }
    while (!core->command_ahead) {
        uint32_t count = serial_queue_copy(&core->driver, core->scouted, chunk, sizeof(chunk));
        for (uint32_t i = 0; i < count && !core->command_ahead; i++) {
            core->scouted++;
            core->command_ahead = switch_keys_next(&core->scout, chunk[i]).action != SWITCH_NONE;
        }
        if (count == 0) {
            return;
        }
    }
}

/* Input waits: time how long the client takes nothing, or keeps a command waiting. */
static void watch_client(struct rx_core *core)
{
    if (!core->stuck.set || (core->moved && !core->command_ahead)) {
        core->moved = false;
        serial_deadline_set(&core->stuck, core->ops, RX_STUCK_NS);
    }
}

static void notify_all(struct rx_core *core)
{
    for (uint32_t i = 0; i < core->num_clients; i++) {
        if (core->clients[i].given) {
            core->clients[i].given = false;
            core->ops->notify(core->config->clients[i].conn.channel);
        }
    }
    if (core->logged) {
        core->logged = false;
        core->ops->notify(core->config->log.channel);
    }
    if (core->asked) {
        core->asked = false;
        core->ops->notify(core->config->counters_channel);
    }
    if (core->taken && serial_queue_must_signal(&core->driver)) {
        core->ops->notify(core->config->driver.channel);
    }
    core->taken = false;
}

/* What is left to run: the guests that take input are all those there are. */
enum outlook { SOME_RUN, ALL_STOPPED, ALL_OFF };

static enum outlook outlook(const struct rx_core *core)
{
    enum outlook found = core->num_clients > 0 ? ALL_OFF : SOME_RUN;
    for (uint32_t i = 0; i < core->num_clients; i++) {
        enum guest_state state =
            takes_input(core, i) ? guest_state_of(&core->clients[i].queue) : GUEST_RUNS;
        if (!guest_is_stopped(state)) {
            return SOME_RUN;
        }
        found = state == GUEST_OFF ? found : ALL_STOPPED;
    }
    return found;
}

static bool may_power_off(const struct rx_core *core)
{
    return core->config->can_power_off && outlook(core) == ALL_OFF;
}

/* Says that no guest runs, and how to go on or leave. */
static void say_all_stopped(struct rx_core *core)
{
    char line[LINE_BYTES];
    size_t length = format_text(line, sizeof(line), "all guests are stopped; %s starts %s again",
                                start_keys(core), current_name(core));
    if (core->config->leave[0] != '\0') {
        length += format_text(line + length, sizeof(line) - length, "; %s", core->config->leave);
    }
    if (may_power_off(core)) {
        length += format_text(line + length, sizeof(line) - length,
                              "; without input the machine goes off in " RX_OFF_TEXT);
    }
    length += format_text(line + length, sizeof(line) - length, "\r\n");
    log_line(core, line, length);
}

/* Times the end, if no guest runs: input puts it off. */
static void watch_guests(struct rx_core *core)
{
    if (outlook(core) == SOME_RUN) {
        core->end.set = false;
        core->all_told = false;
    } else if (!core->all_told && !core->end.set) {
        serial_deadline_set(&core->end, core->ops, RX_SETTLE_NS);
    } else if (core->end.set && core->all_told && core->taken) {
        serial_deadline_set(&core->end, core->ops, RX_OFF_NS);
    }
}

/* On the timer's notification. Returns true if all guests have been off for RX_OFF_NS. */
static bool check_end(struct rx_core *core)
{
    if (!serial_deadline_passed(&core->end, core->ops)) {
        return false;
    }
    if (core->all_told) {
        return may_power_off(core);
    }
    core->all_told = true;
    say_all_stopped(core);
    if (may_power_off(core)) {
        serial_deadline_set(&core->end, core->ops, RX_OFF_NS);
    }
    return false;
}

static void run(struct rx_core *core)
{
    core->checked = false;
    if (move_input(core)) {
        core->stuck.set = false;
    } else {
        scout(core);
        watch_client(core);
    }
    watch_guests(core);
}

void serial_rx_core_run(struct rx_core *core)
{
    run(core);
    notify_all(core);
}

bool serial_rx_core_timeout(struct rx_core *core)
{
    if (serial_deadline_passed(&core->stuck, core->ops)) {
        core->dropping = true;
        if (!core->clients[core->current].said) {
            core->clients[core->current].said = true;
            say_dropping(core);
        }
    }
    run(core);
    bool over = check_end(core);
    notify_all(core);
    return over;
}
