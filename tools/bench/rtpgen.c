// RTP load: the far ends of LEGS calls, which say who heard whom, how late and how regularly.
//   rtpgen LEGS WARM SECONDS OWN_PORT JITTER_MS PARTIES < ports    (the engine's RTP port of each leg, one a line)
// Legs are spread evenly over the 20 ms. PARTIES 0: those below four fifths are bridged in pairs (i hears i ^ 1), the rest hear
// music. PARTIES n: they sit in conferences of n; the first of each speaks and all others, who send silence, hear it.
// Their legs speak 7 ms after one another.
// A frame says in its first octets, six bits each with the top bit set, so that none is silence: leg (3), frame number (2),
// check sums (4), so that a softened copy of a frame (loss concealment) is not taken for another leg's. One JSON object on stdout:
//   sent received            packets in the measured seconds
//   loss                     share of the engine's packets that did not come, by sequence number
//   heard_loss               share of the peer's frames that were not heard
//   wrong_leg                frames of a leg that is not the peer
//   concealed silent twice   frames that are nobody's, silence, and a second hearing of a frame, on bridged legs
//   dead                     legs that heard nothing
//   reports                  packets from elsewhere than RTP ports: RTCP
//   delay_*                  ms from the sending of a frame to the kernel's stamp of its arrival on the other leg
//   deviation_*              ms that a packet of the engine deviates from its own leg's 20 ms grid
//   late_*                   ms that this generator was late itself
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { SOCKETS = 20, FRAME = 160, PACKET = 172, BATCH = 128, CHUNK = 16, REMEMBERED = 64, CALENDAR = 128 };

struct leg {
    struct sockaddr_in to;
    uint8_t packet[PACKET + 4];
    uint32_t said;                      // frames sent
    int64_t said_at[REMEMBERED];        // when
    int seq, frame, heard, dead;        // last sequence number and peer frame heard; packets heard in the window
    int64_t k, first, last, span, got;  // extended sequence number: now, first and last in the window; frames of the peer
    int32_t *offset;                    // of each packet from the grid, 0.1 us
};

static int legs, bridged, parties, port_of[65536], sockets[SOCKETS], capacity;
static struct leg *leg;
static int64_t begin, end, delays, wrong, silent, concealed, twice, received, sent, reports;
static int32_t *delay;
static uint32_t dice = 2463534242u;

static int64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}
static uint32_t roll(void) { dice ^= dice << 13; dice ^= dice >> 17; dice ^= dice << 5; return dice; }
static int ascending(const void *a, const void *b) { int32_t x = *(int32_t *)a, y = *(int32_t *)b; return (x > y) - (x < y); }
static double at(int32_t *sorted, int64_t n, double share) { return n ? sorted[(int64_t)((n - 1) * share)] / 1e4 : -1; }
static uint8_t six(int value) { return (parties ? 0xc0 : 0x80) | (value & 0x3f); }  // low levels go through a mix bit by bit
static int speaks(int i) { return !parties || i % parties == 0; }
static void check(const uint8_t *b, uint8_t sums[4]) {
    uint32_t hash = 2166136261u;
    for (int j = 0; j < 5; j++) hash = (hash ^ b[j]) * 16777619u;
    for (int j = 0; j < 4; j++) sums[j] = six(hash >> (8 * j));
}
static int checked(const uint8_t *b) { uint8_t sums[4]; check(b, sums); return !memcmp(b + 5, sums, 4); }

static void open_sockets(int port) {
    for (int g = 0; g < SOCKETS; g++) {
        int buffer = 64 << 20, on = 1;
        sockets[g] = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
        if (setsockopt(sockets[g], SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer))
            setsockopt(sockets[g], SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
        setsockopt(sockets[g], SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on);
        struct sockaddr_in own = {.sin_family = AF_INET, .sin_port = htons(port + g), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        if (bind(sockets[g], (void *)&own, sizeof own)) { perror("bind"); exit(1); }
    }
}

static void prepare(int i, int port) {
    struct leg *l = &leg[i];
    uint32_t ssrc = htonl(0x20000000 + i);
    l->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    l->seq = l->frame = -1;
    l->offset = malloc(capacity * sizeof *l->offset);
    l->packet[0] = 0x80;
    memcpy(l->packet + 8, &ssrc, 4);
    for (int j = 0; j < FRAME; j++) l->packet[12 + j] = six(j * 7 + i);
    port_of[port] = i;
}

static void fill(int i, int64_t when) {
    struct leg *l = &leg[i];
    uint32_t frame = l->said++, stamp = htonl(frame * FRAME);
    uint8_t *b = l->packet + 12;
    l->packet[2] = frame >> 8; l->packet[3] = frame;
    memcpy(l->packet + 4, &stamp, 4);
    l->said_at[frame % REMEMBERED] = when;
    if (!speaks(i)) { memset(b, 0xff, FRAME); return; }
    b[0] = six(i >> 12); b[1] = six(i >> 6); b[2] = six(i); b[3] = six(frame >> 6); b[4] = six(frame); check(b, b + 5);
}

// The legs due in this millisecond; neighbours in the list share a socket, so they leave in one system call.
static void say(const int *due, int n) {
    struct mmsghdr message[CHUNK];
    struct iovec part[CHUNK];
    for (int a = 0; a < n;) {
        int g = due[a] % SOCKETS, m = 0;
        int64_t when = now(CLOCK_REALTIME);
        for (; a < n && m < CHUNK && due[a] % SOCKETS == g; a++, m++) {
            fill(due[a], when);
            part[m] = (struct iovec){leg[due[a]].packet, PACKET};
            message[m].msg_hdr = (struct msghdr){.msg_name = &leg[due[a]].to, .msg_namelen = sizeof leg->to, .msg_iov = &part[m], .msg_iovlen = 1};
        }
        for (int done = 0; done < m;) {
            int k = sendmmsg(sockets[g], message + done, m - done, 0);
            if (k > 0 && when >= begin) sent += k;
            done += k > 0 ? k : 1;
        }
    }
}

static void judge(int i, const uint8_t *b, int64_t when) {
    struct leg *l = &leg[i];
    if (parties && speaks(i)) { wrong += b[0] != 0xff || b[1] != 0xff || b[5] != 0xff; return; }
    int id = (b[0] & 63) << 12 | (b[1] & 63) << 6 | (b[2] & 63), frame = (b[3] & 63) << 6 | (b[4] & 63);
    if (b[0] == 0xff && b[1] == 0xff && b[5] == 0xff) { silent++; return; }
    if (!checked(b)) { concealed++; return; }
    if (id != (parties ? i - i % parties : i ^ 1)) { wrong++; return; }
    struct leg *peer = &leg[id];
    if (((peer->said - 1 - frame) & 4095) < REMEMBERED) delay[delays++] = (when - peer->said_at[frame % REMEMBERED]) / 100;
    int step = l->frame < 0 ? 1 : (frame - l->frame) & 4095;
    if (step == 0 || step >= 2048) { twice += step == 0; return; }
    if (l->frame >= 0) { l->span += step; l->got++; }
    l->frame = frame;
}

static void hear(const uint8_t *packet, size_t size, int port, int64_t when) {
    int i = port_of[port];
    if (i < 0) { reports++; return; }
    if (size != PACKET) { concealed++; return; }
    struct leg *l = &leg[i];
    int seq = packet[2] << 8 | packet[3];
    if (l->seq >= 0) l->k += (int16_t)(seq - l->seq);
    l->seq = seq;
    if (when < begin || when >= end) return;
    received++;
    if (!l->heard) l->first = l->k;
    l->last = l->k;
    if (l->heard < capacity) l->offset[l->heard] = (when - begin - l->k * 20000000) / 100;
    l->heard++;
    if (i < bridged) judge(i, packet + 12, when);
}

static void listen_all(void) {
    static uint8_t data[BATCH][256];
    static char control[BATCH][64];
    struct sockaddr_in from[BATCH];
    struct mmsghdr message[BATCH];
    struct iovec part[BATCH];
    for (int g = 0; g < SOCKETS; g++)
        for (int n = BATCH; n == BATCH;) {
            for (int j = 0; j < BATCH; j++) {
                part[j] = (struct iovec){data[j], sizeof data[j]};
                message[j].msg_hdr = (struct msghdr){.msg_name = &from[j], .msg_namelen = sizeof from[j], .msg_iov = &part[j], .msg_iovlen = 1,
                                                     .msg_control = control[j], .msg_controllen = sizeof control[j]};
            }
            n = recvmmsg(sockets[g], message, BATCH, MSG_DONTWAIT, 0);
            for (int j = 0; j < n; j++) {
                struct timespec stamp;
                memcpy(&stamp, CMSG_DATA(CMSG_FIRSTHDR(&message[j].msg_hdr)), sizeof stamp);
                hear(data[j], message[j].msg_len, ntohs(from[j].sin_port), stamp.tv_sec * 1000000000LL + stamp.tv_nsec);
            }
        }
}

static void report(int32_t *late, int64_t lates) {
    int64_t span = 0, got = 0, peer_span = 0, peer_got = 0, n = 0;
    int dead = 0;
    int32_t *deviation = malloc((size_t)legs * capacity * sizeof *deviation), *sorted = malloc(capacity * sizeof *sorted);
    for (int i = 0; i < legs; i++) {
        struct leg *l = &leg[i];
        if (!l->heard) { dead++; continue; }
        int known = l->heard < capacity ? l->heard : capacity;
        span += l->last - l->first + 1; got += l->heard; peer_span += l->span; peer_got += l->got;
        memcpy(sorted, l->offset, known * sizeof *sorted);
        qsort(sorted, known, sizeof *sorted, ascending);
        for (int j = 0; j < known; j++) deviation[n++] = abs(l->offset[j] - sorted[known / 2]);
    }
    qsort(deviation, n, sizeof *deviation, ascending);
    qsort(delay, delays, sizeof *delay, ascending);
    qsort(late, lates, sizeof *late, ascending);
    printf("{\"sent\":%ld,\"received\":%ld,\"loss\":%.6f,\"heard_loss\":%.6f,\"wrong_leg\":%ld,\"concealed\":%ld,\"silent\":%ld,\"twice\":%ld,\"dead\":%d,\"reports\":%ld,"
           "\"delay_ms_p50\":%.3f,\"delay_ms_p99\":%.3f,\"delay_ms_max\":%.3f,\"deviation_ms_p50\":%.3f,\"deviation_ms_p99\":%.3f,\"deviation_ms_max\":%.3f,"
           "\"late_ms_p99\":%.3f,\"late_ms_max\":%.3f}\n",
           sent, received, span ? 1 - (double)got / span : 1, peer_span ? 1 - (double)peer_got / peer_span : 0, wrong, concealed, silent, twice, dead, reports,
           at(delay, delays, .5), at(delay, delays, .99), at(delay, delays, 1), at(deviation, n, .5), at(deviation, n, .99), at(deviation, n, 1),
           at(late, lates, .99), at(late, lates, 1));
}

int main(int count, char **words) {
    if (count != 7) { fprintf(stderr, "rtpgen LEGS WARM SECONDS OWN_PORT JITTER_MS PARTIES < ports\n"); return 2; }
    double warm = atof(words[2]), seconds = atof(words[3]);
    int jitter = atoi(words[5]);
    legs = atoi(words[1]); parties = atoi(words[6]); bridged = parties ? legs : (int)(legs * 0.8) & ~1; capacity = seconds * 50 + 200;
    leg = calloc(legs, sizeof *leg);
    delay = malloc((size_t)legs * capacity * sizeof *delay);
    memset(port_of, 0xff, sizeof port_of);
    for (int i = 0, port; i < legs; i++) { if (scanf("%d", &port) != 1) return 2; prepare(i, port); }
    open_sockets(atoi(words[4]));
    int *calendar[CALENDAR], planned[CALENDAR] = {0};
    for (int i = 0; i < CALENDAR; i++) calendar[i] = malloc(legs * sizeof(int));
    int64_t lates = 0, steps = (warm + seconds) * 1000, next = now(CLOCK_MONOTONIC);
    int32_t *late = malloc(steps * sizeof *late);
    begin = now(CLOCK_REALTIME) + warm * 1e9; end = begin + seconds * 1e9;
    for (int64_t ms = 0; ms < steps; ms++) {
        next += 1000000;
        struct timespec until = {next / 1000000000, next % 1000000000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
        late[lates++] = (now(CLOCK_MONOTONIC) - next) / 100;
        for (int i = (parties ? 3 * ms : ms) % SOCKETS; i < legs; i += SOCKETS) {
            int day = (ms + (jitter ? roll() % (jitter + 1) : 0)) % CALENDAR;
            calendar[day][planned[day]++] = i;
        }
        say(calendar[ms % CALENDAR], planned[ms % CALENDAR]);
        planned[ms % CALENDAR] = 0;
        listen_all();
    }
    report(late, lates);
    return 0;
}
