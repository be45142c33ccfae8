/* The run: agents register, calls are placed, everybody talks while we measure, everybody hangs up. */
#define _GNU_SOURCE
#include "load.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct run run = {
    .scheduling = "ordinary", .lateness = {.unit = 0.02}, .gaps = {{.unit = 0.05}, {.unit = 0.05}}, .through = {.unit = 0.02}, .setup = {.unit = 0.1},
    .setup_to_voice = {.unit = 1}, .answer_to_voice = {.unit = 0.1},
    .answer_to_caller = {.unit = 0.1}, .first_word = {.unit = 0.1},
};

enum stage { REGISTERING, DIALLING, SETTLING, MEASURING, HANGING_UP, CLEARED, UNREGISTERING, DONE };
static enum stage stage;
static nanos stage_since;
static int progress; /* what is registered, placed or hung up so far in this stage */
static volatile sig_atomic_t interrupted;

static void interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void enter(enum stage next, nanos now)
{
    static const char *names[] = {"registering", "dialling", "settling", "measuring",
                                  "hanging up",  "cleared",  "leaving",  "done"};
    if (options.verbose)
        fprintf(stderr, "%s: %lu placed, %lu connected, %lu bridged\n", names[next], run.placed, run.connected,
                run.bridged);
    stage = next;
    stage_since = now;
    progress = 0;
}

/* ---- SIP in */

static void new_request(const struct line *line, const struct message *request)
{
    char user[TOKEN];
    struct agent *agent = NULL;

    if (!strcmp(request->method, "ACK"))
        return;
    if (strcmp(request->method, "INVITE") || line != &run.phones) {
        bool harmless = !strcmp(request->method, "OPTIONS") || !strcmp(request->method, "NOTIFY");
        answer_statelessly(line, request, harmless ? 200 : 481);
        return;
    }
    user_of(request->uri, user, sizeof user);
    agent = options.registers ? find_agent(user) : free_agent();
    if (agent)
        be_called(agent, request);
    else
        answer_statelessly(line, request, options.registers ? 404 : 486);
}

static void receive_message(const struct line *line, char *text, const struct sockaddr_in *source)
{
    static struct message message;
    char token[16], shown[32];
    int index;

    if (options.verbose > 1)
        fprintf(stderr, "<--- %s\n%s\n", show_address(source, shown), text);
    if (!read_message(&message, text, source))
        return;
    struct leg *leg = find_leg(&message);
    if (leg && message.code)
        leg_response(leg, &message);
    else if (leg)
        leg_request(leg, &message);
    else if (!message.code)
        new_request(line, &message);
    else if (sscanf(message.branch, "z9hG4bK%15[^.].r%d.", token, &index) == 2 && !strcmp(token, run.token) &&
             index >= 0 && index < agent_count)
        agent_response(&agents[index], &message);
}

static void receive(const struct line *line)
{
    static char text[65536];
    struct sockaddr_in source;

    for (;;) {
        socklen_t size = sizeof source;
        ssize_t length = recvfrom(line->fd, text, sizeof text - 1, 0, (struct sockaddr *)&source, &size);
        if (length < 0)
            return;
        text[length] = 0;
        receive_message(line, text, &source);
    }
}

/* ---- stages; each returns when it has done what is due now */

static bool due(nanos now, double per_second)
{
    return (double)(now - stage_since) >= progress * 1e9 / per_second;
}

static bool all_registered(void)
{
    run.registered = run.refused = 0;
    for (int i = 0; i < agent_count; i++) {
        run.registered += agents[i].registered;
        run.refused += agents[i].refused;
    }
    return (int)(run.registered + run.refused) == agent_count;
}

static void register_agents(nanos now)
{
    while (options.registers && progress < agent_count && due(now, 200))
        send_register(&agents[progress++], 600, "");
    if (options.registers && !all_registered())
        return;
    for (int i = 0; i < options.watching; i++) {
        options.watched[i].cpu_idle = cpu_seconds(options.watched[i].pid);
        options.watched[i].resident_idle = resident_kilobytes(options.watched[i].pid);
    }
    enter(DIALLING, now);
}

static void dial(nanos now)
{
    while (progress < options.calls && due(now, options.cps)) {
        place_call();
        progress++;
    }
    bool complete = run.bridged + run.failed >= run.placed;
    bool late = now - stage_since > (nanos)(options.calls / options.cps * 1e9) + options.setup_timeout * SECOND;
    if (progress < options.calls || !(complete || late))
        return;
    for (int i = 0; i < options.watching; i++)
        options.watched[i].cpu_up = cpu_seconds(options.watched[i].pid);
    enter(SETTLING, now);
}

static double own_cpu(void)
{
    struct rusage use;

    getrusage(RUSAGE_SELF, &use);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
           (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

static void settle(nanos now)
{
    if (now - stage_since < options.settle * SECOND && !interrupted)
        return;
    run.measuring = true;
    run.measured_from = now;
    run.own_cpu = -own_cpu();
    for (int i = 0; i < options.watching; i++) {
        options.watched[i].cpu_before = cpu_seconds(options.watched[i].pid);
        options.watched[i].resident_before = resident_kilobytes(options.watched[i].pid);
    }
    enter(MEASURING, now);
}

static void measure(nanos now)
{
    if (now - stage_since < options.seconds * SECOND && !interrupted)
        return;
    run.measuring = false;
    run.measured_for = now - run.measured_from;
    run.own_cpu += own_cpu();
    for (int i = 0; i < options.watching; i++) {
        options.watched[i].cpu_after = cpu_seconds(options.watched[i].pid);
        options.watched[i].resident_after = resident_kilobytes(options.watched[i].pid);
    }
    run.leaving = true;
    enter(HANGING_UP, now);
}

/* Every second call is ended by its agent, when it has one. */
static void end_call(struct leg *caller)
{
    static int turn;
    struct leg *agent_leg = caller->peer >= 0 ? legs[caller->peer] : NULL;

    if (caller->phase == ENDED)
        return;
    if (turn++ % 2 && agent_leg && agent_leg->phase == TALKING) {
        run.ended_by_agent++;
        hang_up(agent_leg);
    } else {
        run.ended_by_caller++;
        hang_up(caller);
    }
}

static void end_calls(nanos now)
{
    static int leg;

    while (leg < leg_count && due(now, options.cps)) {
        while (leg < leg_count && !legs[leg]->caller)
            leg++;
        if (leg < leg_count)
            end_call(legs[leg++]);
        progress++;
    }
    if (leg == leg_count)
        enter(CLEARED, now);
}

static void await_ends(nanos now)
{
    bool busy = false;

    for (int i = 0; i < leg_count && !busy; i++)
        busy = legs[i]->phase != ENDED || legs[i]->reply.active;
    if (!busy || now - stage_since > 10 * SECOND)
        enter(UNREGISTERING, now);
}

static void unregister_agents(nanos now)
{
    bool waiting = false;

    while (options.registers && progress < agent_count && due(now, 200)) {
        if (agents[progress].registered)
            send_register(&agents[progress], 0, "");
        progress++;
    }
    for (int i = 0; i < agent_count; i++)
        waiting |= agents[i].request.active;
    if (!options.registers || (progress == agent_count && !waiting) || now - stage_since > agent_count * SECOND / 200 + 3 * SECOND)
        enter(DONE, now);
}

static void (*const stages[])(nanos now) = {register_agents, dial,       settle,           measure,
                                            end_calls,       await_ends, unregister_agents};

/* ---- the clock: each leg sends in its own millisecond of twenty */

static void tick(nanos beat)
{
    int slot = (int)(beat / MILLISECOND % 20);

    for (int i = slot; i < leg_count; i += 20) {
        if (!legs[i]->voice.sending)
            continue;
        send_frame(legs[i]);
        if (run.measuring)
            observe(&run.lateness, (double)(clock_now() - beat) / MILLISECOND);
    }
    if (slot % 10)
        return;
    nanos now = clock_now();
    for (int i = 0; i < leg_count; i++)
        leg_timers(legs[i], now);
    for (int i = 0; i < agent_count; i++)
        agent_timers(&agents[i], now);
}

static void wait_until(nanos beat)
{
    struct epoll_event events[512];
    nanos left = beat - clock_now();
    struct timespec time = {0, left > 0 ? left : 0};
    int count = epoll_pwait2(run.epoll, events, 512, &time, NULL);

    for (int i = 0; i < count; i++) {
        uint32_t which = events[i].data.u32;
        if (which == 0)
            receive(&run.trunk);
        else if (which == 1)
            receive(&run.phones);
        else
            hear(legs[which - 2]);
    }
}

static void go(void)
{
    nanos beat = clock_now();

    stage_since = beat;
    while (stage != DONE) {
        nanos now = clock_now();
        if (interrupted && stage < SETTLING)
            enter(SETTLING, now);
        stages[stage](now);
        for (; beat <= now; beat += MILLISECOND) {
            run.slips += run.measuring && now - beat > 5 * MILLISECOND;
            tick(beat);
        }
        wait_until(beat);
    }
}

static void open_lines(void)
{
    struct epoll_event interest = {.events = EPOLLIN};

    run.epoll = epoll_create1(EPOLL_CLOEXEC);
    open_line(&run.trunk, &options.trunk);
    open_line(&run.phones, &options.phones);
    epoll_ctl(run.epoll, EPOLL_CTL_ADD, run.trunk.fd, &interest);
    interest.data.u32 = 1;
    epoll_ctl(run.epoll, EPOLL_CTL_ADD, run.phones.fd, &interest);
}

/* What we measure with must not wait for what we measure: real time if we may, else what niceness we may. */
static void take_precedence(void)
{
    struct sched_param lowest = {.sched_priority = sched_get_priority_min(SCHED_FIFO)};

    if (options.ordinary)
        return;
    if (sched_setscheduler(0, SCHED_FIFO, &lowest) == 0)
        run.scheduling = "real time";
    else if (setpriority(PRIO_PROCESS, 0, -10) == 0)
        run.scheduling = "nice -10";
}

static void raise_limits(void)
{
    struct rlimit limit;

    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

int main(int count, char **words)
{
    read_options(count, words);
    srandom((unsigned)(clock_now() ^ getpid()));
    snprintf(run.token, sizeof run.token, "%lx", (unsigned long)random());
    raise_limits();
    take_precedence();
    signal(SIGINT, interrupt);
    signal(SIGTERM, interrupt);
    open_lines();
    hire_agents();
    go();
    report();
    return 0;
}
