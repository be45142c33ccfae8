/* One party of one call: what callers and agents' phones have in common. */
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

struct leg **legs;
int leg_count;

struct leg *new_leg(const struct line *line, bool caller)
{
    struct leg *leg = calloc(1, sizeof *leg);

    legs = realloc(legs, (size_t)(leg_count + 1) * sizeof *legs);
    if (!leg || !legs) {
        fprintf(stderr, "rtpload: out of memory\n");
        exit(2);
    }
    legs[leg_count] = leg;
    leg->id = leg_count++;
    leg->peer = -1;
    leg->caller = caller;
    leg->invited = clock_now();
    leg->dialog.line = line;
    snprintf(leg->dialog.tag, TOKEN, "%s.l%d", run.token, leg->id);
    open_voice(&leg->voice, &line->address);
    struct epoll_event interest = {.events = EPOLLIN, .data.u32 = (uint32_t)leg->id + 2};
    epoll_ctl(run.epoll, EPOLL_CTL_ADD, leg->voice.fd, &interest);
    return leg;
}

/* The leg that a response's branch, or a request's To tag or Call-ID, belongs to. */
struct leg *find_leg(const struct message *message)
{
    char tag[TOKEN], token[16];
    int id;

    if (message->code) {
        if (sscanf(message->branch, "z9hG4bK%15[^.].l%d.", token, &id) != 2)
            return NULL;
    } else if (!parameter(message->to, "tag", tag, sizeof tag)) {
        for (id = leg_count - 1; id >= 0; id--)
            if (!legs[id]->caller && !strcmp(legs[id]->dialog.call_id, message->call_id))
                return legs[id];
        return NULL;
    } else if (sscanf(tag, "%15[^.].l%d", token, &id) != 2) {
        return NULL;
    }
    return id >= 0 && id < leg_count && !strcmp(token, run.token) ? legs[id] : NULL;
}

const char *describe(const struct leg *leg, char room[512])
{
    char host[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &leg->voice.address.sin_addr, host, sizeof host);
    snprintf(room, 512,
             "v=0\r\no=- %d 1 IN IP4 %s\r\ns=-\r\nc=IN IP4 %s\r\nt=0 0\r\nm=audio %d RTP/AVP %d 101\r\n"
             "a=rtpmap:%d %s/8000\r\na=rtpmap:101 telephone-event/8000\r\na=ptime:20\r\na=sendrecv\r\n",
             leg->id + 1, host, host, leg->voice.port, options.payload, options.payload,
             options.payload == 8 ? "PCMA" : "PCMU");
    return room;
}

void end_leg(struct leg *leg)
{
    leg->phase = ENDED;
    close_voice(&leg->voice);
    if (leg->agent && leg->agent->busy_with == leg)
        leg->agent->busy_with = NULL;
}

void fail_leg(struct leg *leg, int code)
{
    leg->code = code;
    leg->failed = true;
    run.failed++;
    end_leg(leg);
}

/* Sends a request of the dialog until it is answered; an INVITE's branch is remembered for its CANCEL and ACK. */
void send_request(struct leg *leg, const char *method, const char *extra, const char *body)
{
    char branch[TOKEN];
    struct outgoing request = {method, branch, extra, body, ++leg->dialog.cseq};
    bool invite = !strcmp(method, "INVITE");

    snprintf(branch, sizeof branch, "z9hG4bK%s.l%d.%u", run.token, leg->id, request.cseq);
    if (invite)
        memcpy(leg->branch, branch, sizeof branch);
    int length = write_request(&leg->dialog, &request, leg->request.bytes);
    start_resend(leg->dialog.line, &leg->request, length, &leg->dialog.hop, !invite);
}

void take_audio(struct leg *leg, const struct message *message)
{
    struct sockaddr_in remote;
    bool wanted;

    if (!audio_of(message->body, &remote, &wanted))
        return;
    leg->voice.remote = remote;
    leg->voice.sending = wanted && leg->voice.fd >= 0;
}

void leg_timers(struct leg *leg, nanos now)
{
    if (leg->phase == RINGING && now >= leg->answer_at)
        answer(leg);
    if (expired(leg->dialog.line, &leg->reply, now))
        run.timed_out++; /* our answer was never acknowledged */
    if (!expired(leg->dialog.line, &leg->request, now))
        return;
    run.timed_out++;
    if (leg->phase == INVITING)
        fail_leg(leg, 408);
    else
        end_leg(leg);
}

/* Ends the call from this side, whatever its phase. */
void hang_up(struct leg *leg)
{
    if (leg->phase == INVITING) {
        leg->cancelled = true;
        if (!leg->request.active)
            send_cancel(leg);
    } else if (leg->phase == TALKING || leg->phase == ANSWERED) {
        leg->phase = CLEARING;
        leg->voice.sending = false;
        leg->authorized = false;
        send_request(leg, "BYE", NULL, NULL);
    }
}
