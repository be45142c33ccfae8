// The least a media process can do, in plain C: the reference beside which the media plane's CPU is put.
//   limit LEGS FIRST_PORT PEER_PORT PEER_SOCKETS
// Leg i has its own UDP socket on FIRST_PORT + i, connected to PEER_PORT + i % PEER_SOCKETS. Every 20 ms: one packet read per
// leg into a small jitter buffer, its frame decoded and kept as a recorder would, the peer's frame (four legs in five are
// bridged in pairs) or music encoded and sent. No depth control, no DTMF, no RTCP, no control channel. Ends with SIGTERM.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { FRAME = 160, PACKET = 172, TICK = 20000000, KEPT = 50 };

struct leg {
    int fd, on;
    uint16_t play, tag[8];
    uint8_t ring[8][FRAME], tx[PACKET], kept[KEPT][FRAME];
    int16_t pcm[FRAME];
};

static volatile sig_atomic_t stopped;
static int16_t linear[256];
static uint8_t ulaw[65536];

static void stop(int number) { (void)number; stopped = 1; }

static uint8_t encode(int sample) {
    int sign = 0, exponent = 7;
    if (sample < 0) { sign = 0x80; sample = -sample; }
    sample += 0x84;
    if (sample > 32767) sample = 32767;
    for (int bit = 0x4000; !(sample & bit) && exponent > 0; bit >>= 1) exponent--;
    return ~(sign | exponent << 4 | (sample >> (exponent + 3) & 15));
}

static void tables(void) {
    for (int i = 0; i < 256; i++) {
        int code = ~i & 255, size = (((code & 15) << 3) + 0x84) << ((code & 0x70) >> 4);
        linear[i] = code & 0x80 ? 0x84 - size : size - 0x84;
    }
    for (int i = 0; i < 65536; i++) ulaw[i] = encode((int16_t)i);
}

static int open_leg(int port, int peer) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (void *)&at, sizeof at)) { perror("bind"); exit(1); }
    at.sin_port = htons(peer);
    connect(fd, (void *)&at, sizeof at);
    return fd;
}

static void hear(struct leg *leg) {
    uint8_t packet[2048];
    for (int tries = 0; tries < 4; tries++) {
        ssize_t size = recv(leg->fd, packet, sizeof packet, MSG_DONTWAIT);
        if (size < 0) return;
        if (size != PACKET || (packet[0] & 0xc0) != 0x80 || packet[1] & 0x7f) continue;
        uint16_t seq = packet[2] << 8 | packet[3];
        if (!leg->on) { leg->on = 1; leg->play = seq - 2; }
        int16_t ahead = seq - leg->play;
        if (ahead < -8 || ahead >= 8) { leg->play = seq - 2; ahead = 2; }
        if (ahead >= 0) { memcpy(leg->ring[seq & 7], packet + 12, FRAME); leg->tag[seq & 7] = seq; }
        if (ahead >= 1) return;
    }
}

static void play(struct leg *leg, uint32_t tick) {
    static uint8_t silence[FRAME];
    if (!silence[0]) memset(silence, 0xff, FRAME);
    int slot = leg->play & 7;
    uint8_t *frame = leg->on && leg->tag[slot] == leg->play ? leg->ring[slot] : silence;
    for (int j = 0; j < FRAME; j++) leg->pcm[j] = linear[frame[j]];
    memcpy(leg->kept[tick % KEPT], frame, FRAME);
    if (leg->on) leg->play++;
}

static void speak(struct leg *leg, int number, const int16_t *sound, uint32_t tick) {
    uint32_t stamp = htonl(tick * FRAME), ssrc = htonl(0x10000000 + number);
    uint8_t *out = leg->tx;
    out[0] = 0x80; out[1] = 0; out[2] = tick >> 8; out[3] = tick;
    memcpy(out + 4, &stamp, 4); memcpy(out + 8, &ssrc, 4);
    for (int j = 0; j < FRAME; j++) out[12 + j] = ulaw[(uint16_t)sound[j]];
}

int main(int count, char **words) {
    if (count != 5) { fprintf(stderr, "limit LEGS FIRST_PORT PEER_PORT PEER_SOCKETS\n"); return 2; }
    int legs = atoi(words[1]), first = atoi(words[2]), peer = atoi(words[3]), peers = atoi(words[4]);
    int bridged = (int)(legs * 0.8) & ~1;
    struct rlimit files = {legs + 100, legs + 100};
    setrlimit(RLIMIT_NOFILE, &files);
    tables();
    struct leg *leg = calloc(legs, sizeof *leg);
    for (int i = 0; i < legs; i++) leg[i].fd = open_leg(first + i, peer + i % peers);
    int16_t music[KEPT * FRAME];
    for (int i = 0; i < KEPT * FRAME; i++) music[i] = i * 37 % 2000 - 1000;
    signal(SIGTERM, stop);
    puts("ready"); fflush(stdout);
    struct timespec next;
    clock_gettime(CLOCK_MONOTONIC, &next);
    for (uint32_t tick = 0; !stopped; tick++) {
        next.tv_nsec += TICK;
        if (next.tv_nsec >= 1000000000) { next.tv_nsec -= 1000000000; next.tv_sec++; }
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, 0);
        for (int i = 0; i < legs; i++) hear(&leg[i]);
        for (int i = 0; i < legs; i++) play(&leg[i], tick);
        for (int i = 0; i < legs; i++)
            speak(&leg[i], i, i < bridged ? leg[i ^ 1].pcm : music + tick % KEPT * FRAME, tick);
        for (int i = 0; i < legs; i++)
            if (send(leg[i].fd, leg[i].tx, PACKET, MSG_DONTWAIT) != PACKET) continue;
    }
    return 0;
}
