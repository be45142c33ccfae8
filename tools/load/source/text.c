/* Reading SIP and SDP text. Forgiving: it is a load generator, not a judge. */
#include "load.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    char compact;
} compacts[] = {{"Via", 'v'}, {"From", 'f'}, {"To", 't'}, {"Call-ID", 'i'}, {"Contact", 'm'}, {"Content-Length", 'l'}};

static char compact_of(const char *name)
{
    for (size_t i = 0; i < sizeof compacts / sizeof *compacts; i++)
        if (!strcasecmp(name, compacts[i].name))
            return compacts[i].compact;
    return 0;
}

/* Where the value begins when this line is the named header, else NULL. */
static const char *value_of(const char *line, const char *name, char compact)
{
    size_t length = strlen(name);

    if (!strncasecmp(line, name, length))
        line += length;
    else if (compact && (*line | 0x20) == compact)
        line++;
    else
        return NULL;
    line += strspn(line, " \t");
    if (*line != ':')
        return NULL;
    return line + 1 + strspn(line + 1, " \t");
}

static const char *next_line(const char *line)
{
    const char *end = strstr(line, "\r\n");
    return end && end[2] != '\r' && end[2] ? end + 2 : NULL;
}

/* Copies the value of the which-th header of that name (0 is the first). */
bool header(const char *text, const char *name, int which, char *value, int room)
{
    char compact = compact_of(name);

    for (const char *line = next_line(text); line; line = next_line(line)) {
        const char *at = value_of(line, name, compact);
        if (!at || which--)
            continue;
        int length = (int)strcspn(at, "\r\n");
        if (length >= room)
            return false;
        memcpy(value, at, length);
        value[length] = 0;
        return true;
    }
    *value = 0;
    return false;
}

/* Copies all headers of a name as lines, each under the name `as`, in order or reversed. */
int copy_headers(const char *text, const char *name, const char *as, bool reversed, char *out, int room)
{
    char compact = compact_of(name), line_text[VALUE];
    int used = 0;

    *out = 0;
    for (const char *line = next_line(text); line; line = next_line(line)) {
        const char *value = value_of(line, name, compact);
        if (!value)
            continue;
        int length = snprintf(line_text, sizeof line_text, "%s: %.*s\r\n", as, (int)strcspn(value, "\r\n"), value);
        if (length >= (int)sizeof line_text || used + length >= room)
            return used;
        memmove(out + (reversed ? length : 0), out, reversed ? used + 1 : 0);
        memcpy(out + (reversed ? 0 : used), line_text, length);
        used += length;
        out[used] = 0;
    }
    return used;
}

/* A header parameter after the address, such as tag or branch. */
bool parameter(const char *value, const char *name, char *out, int room)
{
    const char *at = strrchr(value, '>');
    size_t length = strlen(name);

    for (at = at ? at : value; (at = strchr(at, ';')); ) {
        at += 1 + strspn(at + 1, " ");
        if (strncasecmp(at, name, length) || at[length] != '=')
            continue;
        int size = (int)strcspn(at + length + 1, ";, \r\n");
        snprintf(out, room, "%.*s", size, at + length + 1);
        return true;
    }
    *out = 0;
    return false;
}

/* The URI in a Contact, From or To value. */
void address_of(const char *value, char *uri, int room)
{
    const char *open = strchr(value, '<');

    if (open)
        snprintf(uri, room, "%.*s", (int)strcspn(open + 1, ">"), open + 1);
    else
        snprintf(uri, room, "%.*s", (int)strcspn(value, ";, \r\n"), value);
}

void user_of(const char *uri, char *user, int room)
{
    const char *colon = strchr(uri, ':');
    const char *at = colon ? strchr(colon, '@') : NULL;

    *user = 0;
    if (at)
        snprintf(user, room, "%.*s", (int)strcspn(colon + 1, "@;:"), colon + 1);
}

bool read_address(const char *text, struct sockaddr_in *address, int default_port)
{
    char host[64];
    int port = default_port;

    if (sscanf(text, "%63[0-9.]:%d", host, &port) < 1 || port < 0 || port > 65535)
        return false;
    memset(address, 0, sizeof *address);
    address->sin_family = AF_INET;
    address->sin_port = htons((uint16_t)port);
    return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

/* The IPv4 address of a SIP URI; false for a name, which is then left to the packet's source. */
bool host_of(const char *uri, struct sockaddr_in *address)
{
    const char *host = strchr(uri, '@');

    if (!host)
        host = strchr(uri, ':');
    return host && read_address(host + 1, address, 5060);
}

const char *show_address(const struct sockaddr_in *address, char room[32])
{
    char host[INET_ADDRSTRLEN];

    inet_ntop(AF_INET, &address->sin_addr, host, sizeof host);
    snprintf(room, 32, "%s:%d", host, ntohs(address->sin_port));
    return room;
}

/* Where the far end of an SDP body takes its audio, and whether it wants any just now. */
bool audio_of(const char *body, struct sockaddr_in *address, bool *wanted)
{
    const char *audio = strstr(body, "m=audio "), *connection = audio ? strstr(audio, "\nc=IN IP4 ") : NULL;

    if (!audio)
        return false;
    if (!connection)
        connection = strstr(body, "\nc=IN IP4 ");
    if (!connection || !read_address(connection + 10, address, 0))
        return false;
    address->sin_port = htons((uint16_t)atoi(audio + 8));
    *wanted = !strstr(body, "a=sendonly") && !strstr(body, "a=inactive") && address->sin_addr.s_addr && address->sin_port;
    return true;
}

bool read_message(struct message *message, char *text, const struct sockaddr_in *source)
{
    char cseq[64], via[VALUE], contact[VALUE];
    const char *end = strstr(text, "\r\n\r\n");

    if (!end || !header(text, "Call-ID", 0, message->call_id, VALUE) || !header(text, "CSeq", 0, cseq, sizeof cseq) ||
        !header(text, "From", 0, message->from, VALUE) || !header(text, "To", 0, message->to, VALUE) ||
        !header(text, "Via", 0, via, VALUE) || sscanf(cseq, "%u %31s", &message->cseq, message->method) != 2)
        return false;
    message->text = text;
    message->body = end + 4;
    message->source = *source;
    message->code = 0;
    *message->uri = 0;
    if (!strncmp(text, "SIP/2.0 ", 8))
        message->code = atoi(text + 8);
    else if (sscanf(text, "%31s %511s", message->method, message->uri) != 2)
        return false;
    parameter(via, "branch", message->branch, VALUE);
    *message->contact = 0;
    if (header(text, "Contact", 0, contact, VALUE))
        address_of(contact, message->contact, VALUE);
    return true;
}
