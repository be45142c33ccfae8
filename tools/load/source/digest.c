/* MD5 (RFC 1321) and the digest response (RFC 2617 3.2.2, RFC 8760 leaves MD5 allowed). */
#define _GNU_SOURCE
#include "load.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint8_t turns[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

static uint32_t rotate(uint32_t value, int by)
{
    return value << by | value >> (32 - by);
}

static uint32_t mixed(int round, uint32_t b, uint32_t c, uint32_t d)
{
    switch (round) {
    case 0:
        return (b & c) | (~b & d);
    case 1:
        return (d & b) | (~d & c);
    case 2:
        return b ^ c ^ d;
    default:
        return c ^ (b | ~d);
    }
}

static void digest_block(uint32_t sum[4], const uint8_t block[64])
{
    static const int factor[4] = {1, 5, 3, 7}, start[4] = {0, 1, 5, 0};
    uint32_t words[16], a = sum[0], b = sum[1], c = sum[2], d = sum[3];

    for (int i = 0; i < 16; i++)
        words[i] = block[4 * i] | block[4 * i + 1] << 8 | block[4 * i + 2] << 16 | (uint32_t)block[4 * i + 3] << 24;
    for (int step = 0; step < 64; step++) {
        int round = step / 16;
        uint32_t constant = (uint32_t)floor(fabs(sin(step + 1)) * 4294967296.0);
        uint32_t next = a + mixed(round, b, c, d) + constant + words[(factor[round] * step + start[round]) % 16];
        a = d;
        d = c;
        c = b;
        b += rotate(next, turns[round][step % 4]);
    }
    sum[0] += a;
    sum[1] += b;
    sum[2] += c;
    sum[3] += d;
}

static void md5(const char *text, char hex[33])
{
    uint32_t sum[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
    uint8_t padded[4096] = {0};
    size_t length = strlen(text), whole = (length + 8) / 64 * 64 + 64;

    if (whole > sizeof padded) {
        fprintf(stderr, "rtpload: a challenge of more than 4 kB\n");
        exit(2);
    }
    memcpy(padded, text, length);
    padded[length] = 0x80;
    for (int i = 0; i < 8; i++)
        padded[whole - 8 + i] = (uint8_t)((uint64_t)length * 8 >> (8 * i));
    for (size_t at = 0; at < whole; at += 64)
        digest_block(sum, padded + at);
    for (int i = 0; i < 16; i++)
        sprintf(hex + 2 * i, "%02x", sum[i / 4] >> (8 * (i % 4)) & 0xff);
}

/* A field of a challenge, quoted or not. */
static bool field(const char *challenge, const char *name, char *out, int room)
{
    size_t length = strlen(name);

    for (const char *at = challenge; (at = strcasestr(at, name)); at += length) {
        bool whole = (at == challenge || strchr(" ,\t", at[-1])) && at[length] == '=';
        if (!whole)
            continue;
        at += length + 1;
        bool quoted = *at == '"';
        size_t size = strcspn(at + quoted, quoted ? "\"" : ", \t");
        if ((int)size >= room)
            return false;
        memcpy(out, at + quoted, size);
        out[size] = 0;
        return true;
    }
    return false;
}

static bool find_md5(const struct message *challenge, const char *name, char *value, int room)
{
    char algorithm[32];

    for (int which = 0; header(challenge->text, name, which, value, room); which++)
        if (!strncasecmp(value, "Digest", 6) &&
            (!field(value, "algorithm", algorithm, sizeof algorithm) || !strcasecmp(algorithm, "MD5")))
            return true;
    return false;
}

/* The Authorization line that answers a 401 or 407; false when no MD5 challenge is in it. */
bool authorize(const struct message *challenge, const char *method, const char *uri, const char *user,
               const char *password, char *line, int room)
{
    char value[1024], realm[VALUE], nonce[VALUE], opaque[VALUE], qop[64], joined[3000], ours[33], what[33], response[33];
    bool proxy = challenge->code == 407;

    if (!find_md5(challenge, proxy ? "Proxy-Authenticate" : "WWW-Authenticate", value, sizeof value) ||
        !field(value, "realm", realm, sizeof realm) || !field(value, "nonce", nonce, sizeof nonce))
        return false;
    bool counted = field(value, "qop", qop, sizeof qop);
    snprintf(joined, sizeof joined, "%s:%s:%s", user, realm, password);
    md5(joined, ours);
    snprintf(joined, sizeof joined, "%s:%s", method, uri);
    md5(joined, what);
    snprintf(joined, sizeof joined, "%s:%s:%s%s", ours, nonce, counted ? "00000001:c0ffee:auth:" : "", what);
    md5(joined, response);
    int length = snprintf(line, room,
                          "%s: Digest username=\"%s\", realm=\"%s\", nonce=\"%s\", uri=\"%s\", response=\"%s\", "
                          "algorithm=MD5%s",
                          proxy ? "Proxy-Authorization" : "Authorization", user, realm, nonce, uri, response,
                          counted ? ", qop=auth, nc=00000001, cnonce=\"c0ffee\"" : "");
    if (field(value, "opaque", opaque, sizeof opaque))
        length += snprintf(line + length, room - length, ", opaque=\"%s\"", opaque);
    return snprintf(line + length, room - length, "\r\n") < room - length;
}
