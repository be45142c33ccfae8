/* RTP of one leg. Every frame carries, seven times over, who speaks, which frame it is and when it left, in G.711
 * bytes that survive decoding and encoding (only mu-law 0x7F does not, and it is never used). A frame that was cut out
 * of two is still read, whatever the offset. */
#define _GNU_SOURCE
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TAG = 22, COPIES = FRAME / TAG, FILL = 0xd0, PORTS = 20000 };
static const uint8_t magic[4] = {0xc1, 0x41, 0xc2, 0x42}; /* bytes that no six-bit digit uses */

struct tag {
    uint32_t leg, frame;
    uint64_t microseconds;
};

static uint8_t digit(unsigned value)
{
    return value < 32 ? 0xa0 | value : 0x20 | (value - 32);
}

static unsigned value_of(uint8_t digit)
{
    return (digit & 0x1f) | (digit & 0x80 ? 0 : 32);
}

static void write_number(uint8_t *out, int digits, uint64_t number)
{
    for (int i = 0; i < digits; i++)
        out[i] = digit(number >> (6 * i) & 63);
}

static uint64_t read_number(const uint8_t *in, int digits)
{
    uint64_t number = 0;

    for (int i = digits - 1; i >= 0; i--)
        number = number << 6 | value_of(in[i]);
    return number;
}

static unsigned check_of(const uint8_t *tag)
{
    unsigned sum = 0;

    for (int i = 4; i < TAG - 2; i++)
        sum = sum * 3 + tag[i];
    return sum & 0xfff;
}

static void write_payload(uint8_t *payload, const struct tag *tag)
{
    memcpy(payload, magic, 4);
    write_number(payload + 4, 4, tag->leg);
    write_number(payload + 8, 4, tag->frame);
    write_number(payload + 12, 8, tag->microseconds);
    write_number(payload + 20, 2, check_of(payload));
    for (int copy = 1; copy < COPIES; copy++)
        memcpy(payload + copy * TAG, payload, TAG);
    memset(payload + COPIES * TAG, FILL, FRAME - COPIES * TAG);
}

/* The first whole tag at or after `from`; returns where it begins, -1 when there is none. */
static int find_tag(const uint8_t *payload, int length, int from, struct tag *tag)
{
    while (from + TAG <= length) {
        const uint8_t *at = memmem(payload + from, length - from, magic, 4);
        if (!at || at + TAG > payload + length)
            return -1;
        if (read_number(at + 20, 2) == check_of(at)) {
            tag->leg = (uint32_t)read_number(at + 4, 4);
            tag->frame = (uint32_t)read_number(at + 8, 4);
            tag->microseconds = read_number(at + 12, 8);
            return (int)(at - payload);
        }
        from = (int)(at - payload) + 1;
    }
    return -1;
}

void open_voice(struct voice *voice, const struct sockaddr_in *host)
{
    static int next;

    voice->address = *host;
    for (int tries = 0; tries < PORTS / 2; tries++) {
        voice->port = options.rtp_port + next;
        next = (next + 2) % PORTS;
        voice->address.sin_port = htons((uint16_t)voice->port);
        voice->fd = open_udp(&voice->address, 65536);
        if (voice->fd >= 0)
            break;
        if (errno != EADDRINUSE) {
            perror("rtpload: RTP socket");
            exit(2);
        }
    }
    if (voice->fd < 0) {
        fprintf(stderr, "rtpload: no free RTP port from %d to %d\n", options.rtp_port, options.rtp_port + PORTS);
        exit(2);
    }
    voice->source = (uint32_t)random();
    voice->sequence = (uint16_t)random();
    voice->timestamp = (uint32_t)random();
}

void close_voice(struct voice *voice)
{
    voice->sending = false;
    if (voice->fd >= 0)
        close(voice->fd);
    voice->fd = -1;
}

void send_frame(struct leg *leg)
{
    struct voice *voice = &leg->voice;
    uint8_t packet[12 + FRAME] = {0x80, (uint8_t)options.payload, voice->sequence >> 8, voice->sequence & 0xff};
    uint32_t timestamp = htonl(voice->timestamp), source = htonl(voice->source);
    struct tag tag = {(uint32_t)leg->id, voice->frame++ & 0xffffff, (uint64_t)clock_now() / 1000};

    memcpy(packet + 4, &timestamp, 4);
    memcpy(packet + 8, &source, 4);
    write_payload(packet + 12, &tag);
    voice->sequence++;
    voice->timestamp += FRAME;
    if (!voice->first_sent)
        voice->first_sent = clock_now();
    if (sendto(voice->fd, packet, sizeof packet, 0, (struct sockaddr *)&voice->remote, sizeof voice->remote) < 0)
        run.send_errors++;
    else if (run.measuring)
        voice->sent++;
}

static void count_packet(struct hearing *heard, bool caller, uint16_t sequence, nanos now)
{
    if (heard->started) {
        nanos gap = now - heard->last_arrival;
        int16_t step = (int16_t)(sequence - (uint16_t)heard->sequence);
        observe(&run.gaps[caller], (double)gap / MILLISECOND);
        heard->late += gap > 40 * MILLISECOND;
        if (gap > heard->longest_gap)
            heard->longest_gap = gap;
        if (step > 1 && step <= 100)
            heard->rtp_lost += step - 1;
        else if (step < 0 && heard->rtp_lost)
            heard->rtp_lost--; /* it was late, not lost */
        if (step > 0)
            heard->sequence = sequence;
    } else {
        heard->started = true;
        heard->sequence = sequence;
    }
    heard->last_arrival = now;
    heard->packets++;
}

static bool is_silence(const uint8_t *payload, int length)
{
    for (int i = 0; i < length; i++)
        if ((payload[i] & 0x7f) != 0x7f && (payload[i] & 0x7f) != 0x55)
            return false;
    return true;
}

static void count_frame(struct hearing *heard, const struct tag *tag, nanos now)
{
    int step = (int)((tag->frame - heard->frame) << 8) >> 8; /* frame numbers have 24 bits */

    if (!heard->framed || step > 0) {
        if (heard->framed)
            heard->frames_lost += step - 1;
        heard->frame = tag->frame;
    } else if (step == 0) {
        heard->frames_repeated++;
    } else if (heard->frames_lost) {
        heard->frames_lost--;
    }
    heard->framed = true;
    heard->frames++;
    observe(&run.through, (double)(now / 1000 - (nanos)tag->microseconds) / 1000);
}

/* First words of the right voice: how long did it take? */
static void first_heard(struct leg *leg, nanos now)
{
    struct leg *agent_leg = leg->caller ? legs[leg->peer] : leg;

    leg->voice.heard.first_peer = now;
    observe(&run.answer_to_voice, (double)(now - agent_leg->answered) / MILLISECOND);
    if (!leg->caller) {
        observe(&run.answer_to_caller, (double)(now - leg->answered) / MILLISECOND);
        return;
    }
    observe(&run.first_word, (double)(now - agent_leg->voice.first_sent) / MILLISECOND);
    run.bridged++;
    observe(&run.setup_to_voice, (double)(now - leg->invited) / MILLISECOND);
}

/* Without numbers to go by, the first voice heard is the peer; it must then hear us and nobody else. */
static void adopt_peer(struct leg *leg, const struct tag *tag)
{
    struct leg *other = (int)tag->leg < leg_count ? legs[tag->leg] : NULL;

    if (!other || other == leg || other->caller == leg->caller || other->peer >= 0)
        return;
    leg->peer = other->id;
    other->peer = leg->id;
}

static bool right_voices(struct leg *leg, const uint8_t *payload, int length, int at, struct tag tag)
{
    if (leg->peer < 0 && !options.registers)
        adopt_peer(leg, &tag);
    for (; at >= 0; at = find_tag(payload, length, at + TAG, &tag))
        if ((int)tag.leg != leg->peer)
            return false;
    return true;
}

static void hear_frame(struct leg *leg, const uint8_t *payload, int length, nanos now)
{
    struct hearing *heard = &leg->voice.heard;
    struct tag tag;
    int at = find_tag(payload, length, 0, &tag);

    if (at < 0) {
        if (run.measuring && is_silence(payload, length))
            heard->silent++;
        else if (run.measuring)
            heard->untagged++;
        return;
    }
    if (!right_voices(leg, payload, length, at, tag)) {
        heard->wrong_leg++;
        if (options.verbose)
            fprintf(stderr, "leg %d should hear %d, hears %u\n", leg->id, leg->peer, tag.leg);
        return;
    }
    if (!heard->first_peer)
        first_heard(leg, now);
    if (run.measuring)
        count_frame(heard, &tag, now);
}

void hear(struct leg *leg)
{
    uint8_t packet[2048];
    struct voice *voice = &leg->voice;

    while (voice->fd >= 0) {
        int length = (int)recv(voice->fd, packet, sizeof packet, 0);
        if (length < 0)
            return;
        if (length < 12 + 80 || packet[0] >> 6 != 2 || (packet[1] & 0x7f) != options.payload)
            continue; /* RTCP, telephone-event, comfort noise */
        nanos now = clock_now();
        if (run.measuring)
            count_packet(&voice->heard, leg->caller, (uint16_t)(packet[2] << 8 | packet[3]), now);
        int payload = length - 12, frames = payload < FRAME ? 1 : payload / FRAME;
        for (int i = 0; i < frames; i++)
            hear_frame(leg, packet + 12 + i * FRAME, payload < FRAME ? payload : FRAME, now);
    }
}
