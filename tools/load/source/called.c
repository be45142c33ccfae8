/* What comes in on a leg: an INVITE to an agent, and the requests of any dialog. */
#include "load.h"

#include <string.h>

/* Whose call is it? We put the caller's leg into its number. */
static void pair(struct leg *leg, const struct message *invite)
{
    char uri[VALUE], number[TOKEN];
    int id;
    size_t prefix = strlen(options.caller_prefix);

    address_of(invite->from, uri, sizeof uri);
    user_of(uri, number, sizeof number);
    if (strncmp(number, options.caller_prefix, prefix) || sscanf(number + prefix, "%d", &id) != 1)
        return;
    if (id < 0 || id >= leg_count || !legs[id]->caller)
        return;
    leg->peer = id;
}

void be_called(struct agent *agent, const struct message *invite)
{
    char ringing[PACKET];

    if (agent->busy_with) {
        run.presented_twice++;
        answer_statelessly(&run.phones, invite, 486);
        return;
    }
    struct leg *leg = new_leg(&run.phones, false);
    struct dialog *dialog = &leg->dialog;
    leg->agent = agent;
    agent->busy_with = leg;
    leg->phase = RINGING;
    leg->answer_at = leg->invited + options.answer_after * MILLISECOND;
    leg->kept_length = snprintf(leg->kept, PACKET, "%s", invite->text);
    snprintf(dialog->user, TOKEN, "%s", agent->user);
    snprintf(dialog->call_id, VALUE, "%s", invite->call_id);
    snprintf(dialog->remote, VALUE, "%s", invite->from);
    snprintf(dialog->local, VALUE, "%.300s;tag=%s", invite->to, dialog->tag);
    follow(dialog, invite);
    leg->reply.to = invite->source;
    pair(leg, invite);
    transmit(dialog->line, ringing, write_reply(dialog, invite, 180, NULL, ringing), &invite->source);
}

/* The final reply to the INVITE that is kept, sent until it is acknowledged. */
static void reply_to_invite(struct leg *leg, int code)
{
    char sdp[512];
    struct message invite;
    struct sockaddr_in to = leg->reply.to;

    read_message(&invite, leg->kept, &to);
    int length = write_reply(&leg->dialog, &invite, code, code < 300 ? describe(leg, sdp) : NULL, leg->reply.bytes);
    start_resend(leg->dialog.line, &leg->reply, length, &to, true);
}

void answer(struct leg *leg)
{
    struct message invite;

    leg->phase = ANSWERED;
    leg->answered = clock_now();
    read_message(&invite, leg->kept, &leg->reply.to);
    take_audio(leg, &invite);
    if (leg->peer >= 0)
        legs[leg->peer]->peer = leg->id;
    reply_to_invite(leg, 200);
}

/* An INVITE in the dialog, or the first one repeated. */
static void invited_again(struct leg *leg, const struct message *invite)
{
    char tag[TOKEN];

    if (!parameter(invite->to, "tag", tag, sizeof tag)) {
        if (leg->reply.active)
            transmit(leg->dialog.line, leg->reply.bytes, leg->reply.length, &leg->reply.to);
        return;
    }
    leg->kept_length = leg->caller ? leg->kept_length : snprintf(leg->kept, PACKET, "%s", invite->text);
    take_audio(leg, invite);
    char sdp[512];
    int length = write_reply(&leg->dialog, invite, 200, describe(leg, sdp), leg->reply.bytes);
    start_resend(leg->dialog.line, &leg->reply, length, &invite->source, true);
}

static void acknowledged(struct leg *leg, const struct message *ack)
{
    leg->reply.active = false;
    if (leg->phase != ANSWERED)
        return;
    leg->phase = TALKING;
    take_audio(leg, ack); /* the answer, when our 200 was the offer */
}

static void say(struct leg *leg, const struct message *request, int code, const char *body)
{
    char bytes[PACKET];

    transmit(leg->dialog.line, bytes, write_reply(&leg->dialog, request, code, body, bytes), &request->source);
}

static void far_end_hung_up(struct leg *leg, const struct message *bye)
{
    say(leg, bye, 200, NULL);
    if (leg->phase == ENDED)
        return;
    if (!run.leaving && run.measuring)
        fprintf(stderr, "rtpload: the peer ended leg %d while measuring\n", leg->id);
    leg->reply.active = leg->request.active = false;
    end_leg(leg);
}

static void far_end_cancelled(struct leg *leg, const struct message *cancel)
{
    say(leg, cancel, 200, NULL);
    if (leg->phase != RINGING)
        return;
    run.cancelled++;
    reply_to_invite(leg, 487);
    end_leg(leg);
}

void leg_request(struct leg *leg, const struct message *request)
{
    char sdp[512];
    const char *method = request->method;

    if (!strcmp(method, "ACK"))
        acknowledged(leg, request);
    else if (!strcmp(method, "INVITE"))
        invited_again(leg, request);
    else if (!strcmp(method, "BYE"))
        far_end_hung_up(leg, request);
    else if (!strcmp(method, "CANCEL"))
        far_end_cancelled(leg, request);
    else if (!strcmp(method, "UPDATE") && strstr(request->body, "m=audio")) {
        take_audio(leg, request);
        say(leg, request, 200, describe(leg, sdp));
    } else
        say(leg, request, strcmp(method, "REFER") ? 200 : 603, NULL);
}
