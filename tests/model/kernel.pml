/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel on one core (sdk/kernel/core: ipc.c, sched.c, turn.c, vcpu.c, irq.c): a driver PD with a
 * device's interrupt, a VMM PD that it notifies, and two vCPUs of that VMM at the same priority
 * that set their virtual timers and wait in WFI; vCPU A gets an interrupt for what the driver has
 * seen. The device's interrupts and the time come whenever they like; the kernel runs with
 * interrupts masked, so what comes then stays pending. Searched for: a core that sleeps for ever
 * (an end that is none) though a vCPU has not heard of its timer or of the device's data, and two
 * interrupts in one list register.
 *
 * Names are the kernel's. Left out: budgets (one that is used up only puts its thread to the tail;
 * here that may happen at any tick), calls, stopping, more list registers than the two in use.
 * What a list register holds is one variable, in the core or in memory: whose they are is told by
 * `loaded` (cpu->vcpu).
 *
 * The search finds an error with -DNO_NOTIFIED_LOOK (ipc_receive blocks though something has been
 * notified), -DNO_PENDING_LOOK (vcpu_wait blocks though an interrupt is pending), -DUNMASKED_WFI (idle
 * takes an interrupt and then sleeps), -DNO_WATCH (vcpu_unload without watch_vtimer), -DNO_ENDED_LOOK
 * (vcpu_unload without vcpu_maintenance), -DNO_EVENT_WAKE (raise_event without wake_from_wfi) and
 * -DNO_REARM (timer_fired leaves timer_at). That vcpu_ack_vtimer looks after the timer of a vCPU in
 * WFI makes no difference here: this VMM acknowledges only while the vCPU waits for it.
 */
#define TICKS  2
#define EVENTS 2 /* of the device */
#define TIMERS 1 /* that each vCPU sets, at most */
#define NEVER  255

#define DRIVER 0
#define VMM    1
#define A      2
#define B      3
#define NOBODY 4

#define IS_VCPU(t) ((t) >= A)

mtype = { READY, RECEIVING, FAULTED, WFI };         /* enum thread_state */
mtype = { EMPTY, PENDING, ACTIVE, ENDED };          /* a list register; ENDED: its bit in EISR */
mtype = { NOTIFICATION, LR_TIMER, LR_DEVICE, VPPI }; /* what a PD receives */
#define TIMER_LR  0
#define DEVICE_LR 1

/* The machine. */
byte now, data;          /* the device's data is counted */
bit dev_pending;         /* an edge stays, enabled or not */
bit dev_enabled = 1;
byte cntp = NEVER;       /* the kernel's timer */
bit vtimer_enabled;      /* INTID 27 at the GIC: !cpu->vtimer_masked */
byte loaded = NOBODY;

/* Threads; the second index of a vCPU's is that of a list register. */
mtype state[4];
byte wake_at[4] = NEVER; /* sleep_next; NEVER: not asleep */
byte turns[2] = NOBODY;  /* the vCPUs' ready queue, head first */
bit notified[2];
mtype got[2];            /* in x0 of a PD that goes on */
byte from;               /* whose fault the VMM got: replying_to */
chan senders = [2] of { byte };
mtype fault_event[4];
bit event_vppi[4], event_timer_lr[4], event_device_lr[4];
bit vtimer_masked[4];
mtype timer_lr[4], device_lr[4];
bit ctl[4];              /* CNTV_CTL, CNTV_CVAL */
byte cval[4];

/* The kernel. */
byte current = NOBODY;
byte timer_at = NEVER;

/* Programs: where each is, and what it knows. */
byte at[4];
byte driver_seen, guest_seen;
byte set[4], rung[4];
bit device_lr_used, again;

#define VTIMER_LINE      (loaded != NOBODY && vtimer_enabled && ctl[loaded] && cval[loaded] <= now)
#define MAINTENANCE_LINE (loaded != NOBODY && (timer_lr[loaded] == ENDED || device_lr[loaded] == ENDED))
#define DEVICE_LINE      (dev_pending && dev_enabled)
#define TIMER_LINE       (cntp <= now)
#define IRQ              (VTIMER_LINE || MAINTENANCE_LINE || DEVICE_LINE || TIMER_LINE)
#define HAS_EVENTS(t)    (event_vppi[t] || event_timer_lr[t] || event_device_lr[t])
#define FIRST_WAKE       (wake_at[A] < wake_at[B] -> wake_at[A] : wake_at[B])
#define ALL_DONE                                                                                   \
    (now == TICKS && data == EVENTS && guest_seen == EVENTS && rung[A] == set[A] && rung[B] == set[B])

/* ---- sched.c, thread.c: a vCPU that has used a part of its slice goes to the head. */
inline thread_resume(t)
{
    state[t] = READY;
    if
    :: IS_VCPU(t) && turns[0] != NOBODY -> turns[1] = t
    :: IS_VCPU(t) -> turns[1] = turns[0]; turns[0] = t
    :: !IS_VCPU(t)
    fi
}

/* sched_dequeue() and a new state. */
inline block(t, why)
{
    state[t] = why;
    wake_at[t] = NEVER;
    if
    :: turns[0] == t -> turns[0] = turns[1]; turns[1] = NOBODY
    :: turns[1] == t -> turns[1] = NOBODY
    :: else
    fi
}

inline wake_sleepers()
{
    if
    :: wake_at[A] <= now -> wake_at[A] = NEVER; thread_resume(A)
    :: else
    fi;
    if
    :: wake_at[B] <= now -> wake_at[B] = NEVER; thread_resume(B)
    :: else
    fi
}

/* timer_arm(cpu, when) */
inline timer_arm()
{
    if
    :: when < timer_at -> timer_at = when; cntp = when
    :: else
    fi;
    when = 0
}

/* ---- ipc.c */
inline ipc_notify(pd)
{
    notified[pd] = 1;
    if
    :: state[pd] == RECEIVING -> got[pd] = NOTIFICATION; notified[pd] = 0; thread_resume(pd)
    :: else
    fi
}

inline deliver(child)
{
    got[VMM] = fault_event[child];
    fault_event[child] = 0;
    from = child
}

inline ipc_fault(child)
{
    block(child, FAULTED);
    if
    :: state[VMM] == RECEIVING -> deliver(child); thread_resume(VMM)
    :: else -> senders!child
    fi
}

inline ipc_receive(pd)
{
    if
#ifndef NO_NOTIFIED_LOOK
    :: notified[pd] -> got[pd] = NOTIFICATION; notified[pd] = 0
    :: !notified[pd] && pd == VMM && nempty(senders) -> senders?first; deliver(first); first = 0
    :: !notified[pd] && (pd != VMM || empty(senders)) -> block(pd, RECEIVING)
#else
    :: pd == VMM && nempty(senders) -> senders?first; deliver(first); first = 0
    :: pd != VMM || empty(senders) -> block(pd, RECEIVING)
#endif
    fi
}

/* ---- vcpu.c */
inline wake_from_wfi(t)
{
    if
    :: state[t] == WFI -> wake_at[t] = NEVER; thread_resume(t)
    :: else
    fi
}

/* The second half of raise_event(). */
inline event_raised(t)
{
#ifndef NO_EVENT_WAKE
    wake_from_wfi(t)
#else
    skip
#endif
}

inline watch_vtimer(t)
{
    if
    :: state[t] == WFI && ctl[t] && !vtimer_masked[t] -> wake_at[t] = cval[t]
    :: state[t] == WFI && !(ctl[t] && !vtimer_masked[t]) -> wake_at[t] = NEVER
    :: else
    fi
}

inline vcpu_maintenance(t)
{
    if
    :: timer_lr[t] == ENDED -> timer_lr[t] = EMPTY; event_timer_lr[t] = 1; event_raised(t)
    :: else
    fi;
    if
    :: device_lr[t] == ENDED -> device_lr[t] = EMPTY; event_device_lr[t] = 1; event_raised(t)
    :: else
    fi
}

inline vcpu_unload()
{
    if
    :: loaded != NOBODY ->
#ifndef NO_ENDED_LOOK
        vcpu_maintenance(loaded);
#endif
        other = loaded;
        loaded = NOBODY;
#ifndef NO_WATCH
        watch_vtimer(other);
#endif
        other = 0
    :: else
    fi
}

inline vcpu_load(t)
{
    vcpu_unload();
    vtimer_enabled = !vtimer_masked[t];
    loaded = t
}

inline vcpu_inject_timer(t)
{
    assert(timer_lr[t] != ACTIVE);
    timer_lr[t] = PENDING;
    wake_from_wfi(t)
}

inline vcpu_inject_device(t)
{
    assert(device_lr[t] != ACTIVE);
    device_lr[t] = PENDING;
    wake_from_wfi(t)
}

inline vcpu_ack_vtimer(t)
{
    vtimer_masked[t] = 0;
    if
    :: loaded == t -> vtimer_enabled = 1
    :: else -> watch_vtimer(t)
    fi
}

inline vcpu_wait(t)
{
    if
#ifndef NO_PENDING_LOOK
    :: timer_lr[t] == PENDING || device_lr[t] == PENDING
#endif
    :: else -> block(t, WFI)
    fi
}

inline vcpu_deliver_event(t)
{
    if
    :: event_timer_lr[t] -> event_timer_lr[t] = 0; fault_event[t] = LR_TIMER
    :: !event_timer_lr[t] && event_device_lr[t] -> event_device_lr[t] = 0; fault_event[t] = LR_DEVICE
    :: else -> event_vppi[t] = 0; fault_event[t] = VPPI
    fi;
    ipc_fault(t)
}

/* ---- irq.c: any one of those that are pending; or spurious. */
inline irq_handle()
{
    if
    :: DEVICE_LINE -> dev_pending = 0; dev_enabled = 0; ipc_notify(DRIVER)
    :: TIMER_LINE ->
        cntp = NEVER;
#ifndef NO_REARM
        timer_at = NEVER;
#endif
        wake_sleepers();
        if
        :: turns[1] != NOBODY -> first = turns[0]; turns[0] = turns[1]; turns[1] = first; first = 0 /* sched_expire() */
        :: skip
        fi
    :: VTIMER_LINE ->
        vtimer_enabled = 0;
        vtimer_masked[loaded] = 1;
        event_vppi[loaded] = 1;
        event_raised(loaded)
    :: MAINTENANCE_LINE -> vcpu_maintenance(loaded)
    :: !IRQ
    fi
}

/* ---- switch.c */
inline idle()
{
    if
    :: loaded != NOBODY && state[loaded] != WFI -> vcpu_unload()
    :: else
    fi;
    when = FIRST_WAKE; timer_arm();
#ifdef UNMASKED_WFI
    if
    :: IRQ -> irq_handle()
    :: !IRQ
    fi;
#endif
    if
    :: IRQ -> irq_handle()
    :: ALL_DONE && !IRQ -> goto done
    fi
}

inline choose()
{
    do
    :: state[DRIVER] == READY -> next = DRIVER; break
    :: state[DRIVER] != READY && state[VMM] == READY -> next = VMM; break
    :: state[DRIVER] != READY && state[VMM] != READY && turns[0] != NOBODY ->
        next = turns[0];
        if
        :: HAS_EVENTS(next) -> vcpu_deliver_event(next)
        :: else -> break
        fi
    :: state[DRIVER] != READY && state[VMM] != READY && turns[0] == NOBODY -> current = NOBODY; idle()
    od
}

inline kernel_exit()
{
    do
    :: next == current && next != NOBODY -> break
    :: else ->
        choose();
        if
        :: next == current
        :: next != current && IS_VCPU(next) && loaded != next -> current = next; vcpu_load(next); next = NOBODY
        :: else -> current = next
        fi
    od;
    /* sched_deadline(): who is not alone has a slice. */
    if
    :: turns[1] != NOBODY && IS_VCPU(current) && now + 1 < FIRST_WAKE -> when = now + 1; timer_arm()
    :: else -> when = FIRST_WAKE; timer_arm()
    fi;
    next = NOBODY;
    leave = 0
}

/* ---- Programs: one step of each; at[] is the pc */
inline driver()
{
    if
    :: at[DRIVER] == 0 -> driver_seen = data; got[DRIVER] = 0; at[DRIVER] = 1
    :: at[DRIVER] == 1 -> at[DRIVER] = 2; ipc_notify(VMM); leave = 1
    :: at[DRIVER] == 2 -> at[DRIVER] = 3; dev_enabled = 1; leave = 1 /* IRQ_ACK */
    :: at[DRIVER] == 3 -> at[DRIVER] = 0; ipc_receive(DRIVER); leave = 1
    fi
}

inline device_interrupt()
{
    if
    :: device_lr_used -> again = 1
    :: else -> device_lr_used = 1; vcpu_inject_device(A); leave = 1
    fi
}

/* notified() and fault(), vmm/arch/aarch64/vgic.c; then RECV or REPLY_RECV. */
inline vmm()
{
    if
    :: at[VMM] == 0 && got[VMM] == NOTIFICATION -> at[VMM] = 1; device_interrupt()
    :: at[VMM] == 0 && got[VMM] == VPPI -> at[VMM] = 2; vcpu_inject_timer(from); leave = 1
    :: at[VMM] == 0 && got[VMM] == LR_TIMER -> at[VMM] = 2; vcpu_ack_vtimer(from); leave = 1
    :: at[VMM] == 0 && got[VMM] == LR_DEVICE ->
        at[VMM] = 2;
        device_lr_used = 0;
        if
        :: again -> again = 0; device_interrupt()
        :: else
        fi
    :: at[VMM] == 1 -> at[VMM] = 0; got[VMM] = 0; ipc_receive(VMM); leave = 1
    :: at[VMM] == 2 ->
        at[VMM] = 0;
        got[VMM] = 0;
        thread_resume(from);
        from = 0;
        ipc_receive(VMM);
        leave = 1
    fi
}

/* Sets its timer, waits with its interrupts masked, then lets them in. */
inline guest(t)
{
    if
    :: at[t] == 0 && set[t] < TIMERS && !ctl[t] && now < TICKS && set[t] == rung[t] ->
        cval[t] = now + 1; ctl[t] = 1; set[t]++; at[t] = 1
    :: at[t] <= 1 -> at[t] = 2; vcpu_wait(t); leave = 1
    :: at[t] == 2 && timer_lr[t] == PENDING -> timer_lr[t] = ACTIVE; at[t] = 3
    :: at[t] == 3 -> ctl[t] = 0; cval[t] = 0; rung[t]++; timer_lr[t] = ENDED; at[t] = 2
    :: at[t] == 2 && device_lr[t] == PENDING -> device_lr[t] = ACTIVE; at[t] = 4
    :: at[t] == 4 -> guest_seen = driver_seen; at[t] = 5
    :: at[t] == 5 -> device_lr[t] = ENDED; at[t] = 2
    :: at[t] == 2 && timer_lr[t] != PENDING && device_lr[t] != PENDING -> at[t] = 0
    fi
}

/* Between two steps of whoever runs an interrupt may be taken. */
proctype core()
{
    byte next = NOBODY, first, other, when;
    bit leave = 1;
    do
    :: atomic {
        if
        :: leave
        :: !leave && IRQ -> irq_handle(); leave = 1
        :: !leave && current == DRIVER -> driver()
        :: !leave && current == VMM -> vmm()
        :: !leave && IS_VCPU(current) -> guest(current)
        fi;
        if
        :: leave -> kernel_exit()
        :: else
        fi
    }
    od;
done:
    skip
}

proctype machine()
{
    do
    :: now < TICKS -> now++
    :: atomic { data < EVENTS -> data++; dev_pending = 1 }
    :: now == TICKS && data == EVENTS -> break
    od
}

init
{
    atomic {
        state[DRIVER] = RECEIVING;
        state[VMM] = RECEIVING;
        timer_lr[A] = EMPTY;
        timer_lr[B] = EMPTY;
        device_lr[A] = EMPTY;
        device_lr[B] = EMPTY;
        state[A] = READY;
        state[B] = READY;
        turns[0] = A;
        turns[1] = B;
        run core();
        run machine()
    }
}
