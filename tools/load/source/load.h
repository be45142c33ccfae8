/* Load generator: a trunk that places calls and the agents' phones that answer them, in one thread.
 *
 *   text.c    reading and writing SIP text          voice.c   RTP, and who hears whom
 *   digest.c  MD5 and the digest response           measure.c histograms, CPU and memory of other processes
 *   wire.c    sockets, retransmission               report.c  the JSON object at the end
 *   dialog.c  requests and replies of a dialog      options.c the command line
 *   leg.c caller.c called.c  one party of one call  rtpload.c the run from registration to report
 *   agent.c   registration of one phone
 */
#ifndef LOAD_H
#define LOAD_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

typedef int64_t nanos; /* of the monotonic clock */
#define MILLISECOND 1000000LL
#define SECOND 1000000000LL
#define T1 (500 * MILLISECOND) /* RFC 3261 17.1.1.1 */
#define T2 (4 * SECOND)
#define TIMEOUT (32 * SECOND) /* 64 * T1 */

enum { TOKEN = 128, VALUE = 512, ROUTES = 2048, PACKET = 4096, FRAME = 160, MOST_WATCHED = 8 };

/* ---- measure.c */
#define BUCKETS 20001
struct histogram {
    double unit; /* milliseconds of one bucket */
    uint64_t total;
    uint32_t count[BUCKETS];
};
void observe(struct histogram *histogram, double milliseconds);
double percentile(const struct histogram *histogram, double share); /* milliseconds, -1 when empty */

struct watched {
    const char *name;
    int pid;
    double cpu_idle, cpu_up;      /* seconds of CPU before the first call, and once all are up */
    double cpu_before, cpu_after; /* around the measuring */
    long resident_idle, resident_before, resident_after; /* kB */
};
double cpu_seconds(int pid);
long resident_kilobytes(int pid);

/* ---- options.c */
struct options {
    struct sockaddr_in peer, trunk, phones;
    const char *to, *domain, *agents, *agent_prefix, *agent_password, *trunk_user, *trunk_password, *caller_prefix;
    int agent_count, calls, seconds, settle, setup_timeout, answer_after, rtp_port, verbose, payload;
    double cps;
    bool registers, ordinary;
    struct watched watched[MOST_WATCHED];
    int watching;
};
extern struct options options;
void read_options(int count, char **words);

/* ---- text.c */
struct message {
    char *text; /* NUL-terminated, as received */
    const char *body;
    int code; /* 0 for a request */
    unsigned cseq;
    char method[32]; /* of CSeq for a response */
    char uri[VALUE], call_id[VALUE], from[VALUE], to[VALUE], contact[VALUE], branch[VALUE];
    struct sockaddr_in source;
};
bool read_message(struct message *message, char *text, const struct sockaddr_in *source);
bool header(const char *text, const char *name, int which, char *value, int room);
int copy_headers(const char *text, const char *name, const char *as, bool reversed, char *out, int room);
bool parameter(const char *value, const char *name, char *out, int room);
void address_of(const char *value, char *uri, int room);
void user_of(const char *uri, char *user, int room);
bool host_of(const char *uri, struct sockaddr_in *address);
bool read_address(const char *text, struct sockaddr_in *address, int default_port);
const char *show_address(const struct sockaddr_in *address, char room[32]);
bool audio_of(const char *body, struct sockaddr_in *address, bool *wanted);

/* ---- digest.c */
bool authorize(const struct message *challenge, const char *method, const char *uri, const char *user,
               const char *password, char *line, int room);

/* ---- wire.c */
struct line { /* one UDP socket that speaks SIP */
    int fd;
    struct sockaddr_in address;
    char text[32]; /* host:port */
};
struct resend { /* a datagram that is sent again until something stops it */
    bool active, slow; /* slow: the gap grows to T2 only */
    int length;
    nanos next, gap, deadline;
    struct sockaddr_in to;
    char bytes[PACKET];
};
nanos clock_now(void);
int open_udp(const struct sockaddr_in *address, int buffer);
void open_line(struct line *line, const struct sockaddr_in *address);
void transmit(const struct line *line, const char *bytes, int length, const struct sockaddr_in *to);
void start_resend(const struct line *line, struct resend *resend, int length, const struct sockaddr_in *to, bool slow);
bool expired(const struct line *line, struct resend *resend, nanos now); /* sends again what is due */

/* ---- dialog.c */
struct dialog {
    const struct line *line;
    char call_id[VALUE], local[VALUE], remote[VALUE + 2], target[VALUE], routes[ROUTES], tag[TOKEN], user[TOKEN];
    struct sockaddr_in hop;
    unsigned cseq;
};
struct outgoing { /* what a request is made of */
    const char *method, *branch, *extra, *body;
    unsigned cseq;
};
int write_request(const struct dialog *dialog, const struct outgoing *request, char *out);
int write_reply(const struct dialog *dialog, const struct message *request, int code, const char *body, char *out);
void answer_statelessly(const struct line *line, const struct message *request, int code);
void follow(struct dialog *dialog, const struct message *message); /* learn target, routes and next hop */

/* ---- voice.c */
struct hearing { /* counted while measuring, but for first_peer and wrong_leg, which are always */
    nanos last_arrival, longest_gap, first_peer;
    uint32_t sequence, frame;
    bool started, framed;
    uint64_t packets, rtp_lost, late, frames, frames_lost, frames_repeated, silent, untagged, wrong_leg;
};
struct voice {
    int fd, port;
    bool sending;
    struct sockaddr_in address, remote;
    uint16_t sequence;
    uint32_t timestamp, source, frame;
    uint64_t sent;
    nanos first_sent;
    struct hearing heard;
};
struct leg;
void open_voice(struct voice *voice, const struct sockaddr_in *host);
void close_voice(struct voice *voice);
void send_frame(struct leg *leg);
void hear(struct leg *leg);

/* ---- leg.c */
enum phase { INVITING, RINGING, ANSWERED, TALKING, CLEARING, ENDED };
struct agent;
struct leg { /* one party of one call */
    int id, peer; /* peer: the leg whose voice it must hear, -1 while none */
    enum phase phase;
    bool caller, cancelled, failed, authorized;
    int code; /* of the refusal */
    nanos invited, answered, answer_at;
    struct agent *agent;
    struct dialog dialog;
    struct resend request, reply;
    char branch[TOKEN]; /* of the INVITE we sent */
    char kept[PACKET];  /* the caller's ACK, for a repeated 200; the called party's INVITE, for its replies */
    int kept_length;
    struct voice voice;
};
extern struct leg **legs;
extern int leg_count;
struct leg *new_leg(const struct line *line, bool caller);
struct leg *find_leg(const struct message *message);
const char *describe(const struct leg *leg, char room[512]); /* our SDP */
void take_audio(struct leg *leg, const struct message *message);
void send_request(struct leg *leg, const char *method, const char *extra, const char *body);
void end_leg(struct leg *leg);
void fail_leg(struct leg *leg, int code);
void leg_timers(struct leg *leg, nanos now);
void hang_up(struct leg *leg);

/* ---- caller.c */
void place_call(void);
void send_cancel(struct leg *leg);
void leg_response(struct leg *leg, const struct message *response);

/* ---- called.c */
void be_called(struct agent *agent, const struct message *invite);
void answer(struct leg *leg);
void leg_request(struct leg *leg, const struct message *request);

/* ---- agent.c */
struct agent {
    int index;
    char user[TOKEN], password[TOKEN];
    bool registered, refused, authorized;
    int expires;
    nanos refresh_at;
    struct leg *busy_with;
    struct dialog dialog;
    struct resend request;
};
extern struct agent *agents;
extern int agent_count;
void hire_agents(void);
struct agent *find_agent(const char *user);
struct agent *free_agent(void);
void send_register(struct agent *agent, int expires, const char *authorization);
void agent_response(struct agent *agent, const struct message *response);
void agent_timers(struct agent *agent, nanos now);

/* ---- the run */
struct run {
    struct line trunk, phones;
    int epoll;
    bool measuring, leaving;
    char token[16]; /* tells this run's branches and tags from another's */
    nanos measured_from, measured_for;
    uint64_t retransmissions, send_errors, slips, presented_twice, placed, connected, bridged, failed;
    uint64_t ended_by_caller, ended_by_agent, timed_out, cancelled, registered, refused;
    double own_cpu;
    const char *scheduling;
    struct histogram lateness; /* of our own packets, behind the millisecond they belong to */
    struct histogram gaps[2], through, setup, setup_to_voice, answer_to_voice; /* gaps: of agents, of callers */
    struct histogram answer_to_caller; /* an agent's 200 to the caller's voice at that agent */
    struct histogram first_word;       /* an agent's first frame sent to the first the caller hears */
};
extern struct run run;
void report(void);

#endif
