/* A caller: the client side of an INVITE on the trunk, and of the BYE that ends any leg. */
#include "load.h"

#include <string.h>

static void send_invite(struct leg *leg, const char *extra)
{
    char sdp[512];

    send_request(leg, "INVITE", extra, describe(leg, sdp));
}

void place_call(void)
{
    struct leg *leg = new_leg(&run.trunk, true);
    struct dialog *dialog = &leg->dialog;
    char peer[32], from[300];

    show_address(&options.peer, peer);
    snprintf(dialog->user, TOKEN, "%s%06d", options.caller_prefix, leg->id);
    snprintf(from, sizeof from, "<sip:%s@%s>", dialog->user, run.trunk.text);
    snprintf(dialog->call_id, VALUE, "c%d.%s", leg->id, run.token);
    snprintf(dialog->target, VALUE, "sip:%s@%s", options.to, peer);
    snprintf(dialog->remote, sizeof dialog->remote, "<%s>", dialog->target);
    snprintf(dialog->local, VALUE, "%s;tag=%s", from, dialog->tag);
    dialog->hop = options.peer;
    leg->phase = INVITING;
    run.placed++;
    send_invite(leg, "");
}

/* A request within the INVITE's transaction: its CANCEL, or the ACK of a refusal (RFC 3261 9.1, 17.1.1.3). */
static int write_companion(struct leg *leg, const char *method, const char *to, unsigned cseq, char *out)
{
    struct dialog same = leg->dialog;
    struct outgoing request = {.method = method, .branch = leg->branch, .cseq = cseq};

    snprintf(same.remote, sizeof same.remote, "%s", to);
    return write_request(&same, &request, out);
}

void send_cancel(struct leg *leg)
{
    int length = write_companion(leg, "CANCEL", leg->dialog.remote, leg->dialog.cseq, leg->request.bytes);

    start_resend(leg->dialog.line, &leg->request, length, &leg->dialog.hop, true);
}

static void acknowledge(struct leg *leg, unsigned cseq)
{
    char branch[TOKEN];
    struct outgoing request = {.method = "ACK", .branch = branch, .cseq = cseq};

    if (!leg->kept_length) {
        snprintf(branch, sizeof branch, "z9hG4bK%s.l%d.%ua", run.token, leg->id, cseq);
        leg->kept_length = write_request(&leg->dialog, &request, leg->kept);
    }
    transmit(leg->dialog.line, leg->kept, leg->kept_length, &leg->dialog.hop);
}

static void call_answered(struct leg *leg, const struct message *response)
{
    if (leg->phase != INVITING) {
        acknowledge(leg, response->cseq);
        return;
    }
    snprintf(leg->dialog.remote, VALUE, "%s", response->to);
    follow(&leg->dialog, response);
    acknowledge(leg, response->cseq);
    leg->request.active = false;
    leg->phase = TALKING;
    leg->answered = clock_now();
    run.connected++;
    observe(&run.setup, (double)(leg->answered - leg->invited) / MILLISECOND);
    take_audio(leg, response);
    if (leg->cancelled)
        hang_up(leg);
}

/* Answers a challenge once; false when there is nothing to answer it with. */
static bool try_again(struct leg *leg, const struct message *response, const char *method)
{
    char line[2048];
    const char *user = leg->agent ? leg->agent->user : options.trunk_user;
    const char *password = leg->agent ? leg->agent->password : options.trunk_password;

    if ((response->code != 401 && response->code != 407) || leg->authorized || !user || !password)
        return false;
    if (!authorize(response, method, leg->dialog.target, user, password, line, sizeof line))
        return false;
    leg->authorized = true;
    if (!strcmp(method, "INVITE"))
        send_invite(leg, line);
    else
        send_request(leg, method, line, NULL);
    return true;
}

static void call_refused(struct leg *leg, const struct message *response)
{
    char ack[PACKET];
    int length = write_companion(leg, "ACK", response->to, response->cseq, ack);

    transmit(leg->dialog.line, ack, length, &leg->dialog.hop);
    if (leg->phase != INVITING || response->cseq != leg->dialog.cseq)
        return;
    leg->request.active = false;
    if (leg->cancelled && response->code == 487) {
        run.cancelled++;
        end_leg(leg);
    } else if (!try_again(leg, response, "INVITE")) {
        if (options.verbose)
            fprintf(stderr, "call of leg %d refused: %.60s\n", leg->id, response->text);
        fail_leg(leg, response->code);
    }
}

void leg_response(struct leg *leg, const struct message *response)
{
    bool invite = !strcmp(response->method, "INVITE"), final = response->code >= 200;

    if (invite && !final && leg->phase == INVITING) {
        bool first = leg->request.active;
        leg->request.active = false; /* a provisional stops the repeats */
        if (first && leg->cancelled)
            send_cancel(leg);
    } else if (invite && final && response->code < 300) {
        call_answered(leg, response);
    } else if (invite && final) {
        call_refused(leg, response);
    } else if (final && !strcmp(response->method, "BYE") && leg->phase == CLEARING) {
        leg->request.active = false;
        leg->authorized = false;
        if (!try_again(leg, response, "BYE"))
            end_leg(leg);
    } else if (final && !strcmp(response->method, "CANCEL")) {
        leg->request.active = false;
    }
}
