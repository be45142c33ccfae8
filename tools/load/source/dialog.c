/* What one side of a dialog says: requests over the route set (RFC 3261 12.2.1.1) and replies. */
#include "load.h"

#include <string.h>

static int write_body(const char *body, char *out, int room)
{
    if (!body)
        return snprintf(out, room, "Content-Length: 0\r\n\r\n");
    return snprintf(out, room, "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s", strlen(body), body);
}

static int capped(int length)
{
    return length < PACKET ? length : PACKET - 1;
}

int write_request(const struct dialog *dialog, const struct outgoing *request, char *out)
{
    int length = snprintf(out, PACKET,
                          "%s %s SIP/2.0\r\n"
                          "Via: SIP/2.0/UDP %s;branch=%s;rport\r\n"
                          "%s"
                          "From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %u %s\r\n"
                          "Contact: <sip:%s@%s>\r\nMax-Forwards: 70\r\n%s",
                          request->method, dialog->target, dialog->line->text, request->branch, dialog->routes,
                          dialog->local, dialog->remote, dialog->call_id, request->cseq, request->method,
                          dialog->user, dialog->line->text, request->extra ? request->extra : "");
    length = capped(length);
    return capped(length + write_body(request->body, out + length, PACKET - length));
}

/* `dialog` may be NULL for a reply that starts none. */
int write_reply(const struct dialog *dialog, const struct message *request, int code, const char *body, char *out)
{
    char known[TOKEN];
    const char *word = code < 200 ? "Ringing" : code < 300 ? "OK" : code == 486 ? "Busy Here" : "Refused";
    int length = snprintf(out, PACKET, "SIP/2.0 %d %s\r\n", code, word);

    length += copy_headers(request->text, "Via", "Via", false, out + length, PACKET - length);
    length += copy_headers(request->text, "Record-Route", "Record-Route", false, out + length, PACKET - length);
    length += snprintf(out + length, PACKET - length, "From: %s\r\nTo: %s", request->from, request->to);
    length = capped(length);
    if (!parameter(request->to, "tag", known, sizeof known))
        length += snprintf(out + length, PACKET - length, ";tag=%s", dialog ? dialog->tag : run.token);
    length = capped(length);
    length += snprintf(out + length, PACKET - length, "\r\nCall-ID: %s\r\nCSeq: %u %s\r\n", request->call_id,
                       request->cseq, request->method);
    length = capped(length);
    if (dialog)
        length += snprintf(out + length, PACKET - length, "Contact: <sip:%s@%s>\r\n", dialog->user, dialog->line->text);
    length = capped(length);
    return capped(length + write_body(body, out + length, PACKET - length));
}

void answer_statelessly(const struct line *line, const struct message *request, int code)
{
    char bytes[PACKET];

    transmit(line, bytes, write_reply(NULL, request, code, NULL, bytes), &request->source);
}

/* Takes the far end's Contact as target and, when the dialog is new, its Record-Route as route set. */
void follow(struct dialog *dialog, const struct message *message)
{
    char first[VALUE], uri[VALUE];

    if (*message->contact)
        snprintf(dialog->target, sizeof dialog->target, "%s", message->contact);
    copy_headers(message->text, "Record-Route", "Route", message->code != 0, dialog->routes, sizeof dialog->routes);
    dialog->hop = message->source;
    if (*dialog->routes) {
        snprintf(first, sizeof first, "%s", dialog->routes + strlen("Route: "));
        address_of(first, uri, sizeof uri);
        host_of(uri, &dialog->hop);
    } else {
        host_of(dialog->target, &dialog->hop);
    }
}
