/* One JSON object: what was placed, what was heard, what it cost. */
#include "load.h"

static double share(uint64_t part, uint64_t rest)
{
    return part + rest ? 100.0 * (double)part / (double)(part + rest) : 0;
}

static void print_histogram(const char *name, const struct histogram *histogram)
{
    printf("\"%s\":{\"n\":%lu,\"p50\":%.2f,\"p99\":%.2f,\"p999\":%.2f},", name, histogram->total,
           percentile(histogram, 0.5), percentile(histogram, 0.99), percentile(histogram, 0.999));
}

static void add(struct hearing *sum, const struct hearing *one)
{
    sum->packets += one->packets;
    sum->rtp_lost += one->rtp_lost;
    sum->late += one->late;
    sum->frames += one->frames;
    sum->frames_lost += one->frames_lost;
    sum->frames_repeated += one->frames_repeated;
    sum->silent += one->silent;
    sum->untagged += one->untagged;
    sum->wrong_leg += one->wrong_leg;
    if (one->longest_gap > sum->longest_gap)
        sum->longest_gap = one->longest_gap;
}

static void print_hearing(const char *name, bool caller)
{
    struct hearing sum = {0};
    uint64_t sent = 0, deaf = 0;
    int count = 0;

    for (int i = 0; i < leg_count; i++) {
        if (legs[i]->caller != caller || !legs[i]->answered)
            continue;
        count++;
        sent += legs[i]->voice.sent;
        deaf += legs[i]->voice.heard.frames == 0;
        add(&sum, &legs[i]->voice.heard);
    }
    printf("\"%s\":{", name);
    print_histogram("gap_ms", &run.gaps[caller]);
    printf("\"legs\":%d,\"deaf_legs\":%lu,\"sent\":%lu,\"packets\":%lu,\"rtp_lost_pct\":%.4f,"
           "\"frames\":%lu,\"frames_lost\":%lu,\"frames_lost_pct\":%.4f,\"frames_repeated\":%lu,\"silent\":%lu,"
           "\"untagged\":%lu,\"wrong_leg\":%lu,\"gaps_over_40ms\":%lu,\"gap_max_ms\":%.2f},",
           count, deaf, sent, sum.packets, share(sum.rtp_lost, sum.packets), sum.frames, sum.frames_lost,
           share(sum.frames_lost, sum.frames), sum.frames_repeated, sum.silent, sum.untagged, sum.wrong_leg, sum.late,
           (double)sum.longest_gap / MILLISECOND);
}

static double setup_cpu(const struct watched *process)
{
    return run.connected ? 1000 * (process->cpu_up - process->cpu_idle) / (double)run.connected : 0;
}

static void print_watched(double seconds)
{
    printf("\"processes\":{");
    for (int i = 0; i < options.watching; i++) {
        const struct watched *one = &options.watched[i];
        printf("%s\"%s\":{\"pid\":%d,\"setup_cpu_ms_per_call\":%.3f,\"cpu_pct\":%.2f,\"resident_kb_idle\":%ld,\"resident_kb_up\":%ld,"
               "\"resident_kb_end\":%ld}",
               i ? "," : "", one->name, one->pid, setup_cpu(one), 100 * (one->cpu_after - one->cpu_before) / seconds,
               one->resident_idle, one->resident_before, one->resident_after);
    }
    printf("},");
}

static void count_ends(int *left_behind, uint64_t *wrong)
{
    for (int i = 0; i < leg_count; i++) {
        *left_behind += legs[i]->phase != ENDED;
        *wrong += legs[i]->voice.heard.wrong_leg;
    }
}

void report(void)
{
    double seconds = run.measured_for > 0 ? (double)run.measured_for / SECOND : 1e-9;
    uint64_t wrong = 0;
    int left_behind = 0;

    count_ends(&left_behind, &wrong);
    printf("{\"calls\":%lu,\"connected\":%lu,\"bridged\":%lu,\"failed\":%lu,\"wrong_leg\":%lu,\"presented_twice\":%lu,"
           "\"left_behind\":%d,\"timed_out\":%lu,\"cancelled\":%lu,\"hung_up_by_callers\":%lu,\"hung_up_by_agents\":%lu,"
           "\"agents\":%d,\"agents_registered\":%lu,\"retransmissions\":%lu,\"send_errors\":%lu,\"seconds\":%.2f,",
           run.placed, run.connected, run.bridged, run.failed, wrong, run.presented_twice, left_behind, run.timed_out,
           run.cancelled, run.ended_by_caller, run.ended_by_agent, agent_count, run.registered, run.retransmissions,
           run.send_errors, seconds);
    print_histogram("setup_ms", &run.setup);
    print_histogram("setup_to_voice_ms", &run.setup_to_voice);
    print_histogram("answer_to_voice_ms", &run.answer_to_voice);
    print_histogram("answer_to_caller_ms", &run.answer_to_caller);
    print_histogram("first_word_ms", &run.first_word);
    print_histogram("through_ms", &run.through);
    print_hearing("callers_hear", true);
    print_hearing("agents_hear", false);
    print_watched(seconds);
    printf("\"generator\":{");
    print_histogram("send_late_ms", &run.lateness);
    printf("\"scheduling\":\"%s\",\"cpu_pct\":%.2f,\"slips\":%lu}}\n", run.scheduling,
           100 * run.own_cpu / seconds, run.slips);
}
