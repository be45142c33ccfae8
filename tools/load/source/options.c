/* The command line. People use `python -m tools.load`, which checks what is typed and passes it on. */
#include "load.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

struct options options = {
    .to = "+442071230001", .domain = "acme.test", .agent_prefix = "load", .agent_password = "", .caller_prefix = "+44790",
    .calls = 1, .seconds = 10, .settle = 2, .setup_timeout = 30, .rtp_port = 30000, .cps = 20, .registers = true,
};

enum choice {
    PEER = 'a', TRUNK, PHONES, TO, DOMAIN_NAME, AGENTS, AGENT_PREFIX, AGENT_COUNT, AGENT_PASSWORD, TRUNK_USER,
    TRUNK_PASSWORD, CALLER_PREFIX, CALLS, CPS, SECONDS, SETTLE, SETUP_TIMEOUT, ANSWER_AFTER, RTP_PORT, PID, ALAW,
    NO_REGISTER, ORDINARY, VERBOSE
};

static const struct option known[] = {
    {"peer", 1, 0, PEER}, {"trunk-address", 1, 0, TRUNK}, {"agents-address", 1, 0, PHONES}, {"to", 1, 0, TO},
    {"domain", 1, 0, DOMAIN_NAME}, {"agents", 1, 0, AGENTS}, {"agent-prefix", 1, 0, AGENT_PREFIX},
    {"agent-count", 1, 0, AGENT_COUNT}, {"agent-password", 1, 0, AGENT_PASSWORD}, {"trunk-user", 1, 0, TRUNK_USER},
    {"trunk-password", 1, 0, TRUNK_PASSWORD}, {"caller-prefix", 1, 0, CALLER_PREFIX}, {"calls", 1, 0, CALLS},
    {"cps", 1, 0, CPS}, {"seconds", 1, 0, SECONDS}, {"settle", 1, 0, SETTLE}, {"setup-timeout", 1, 0, SETUP_TIMEOUT},
    {"answer-after", 1, 0, ANSWER_AFTER}, {"rtp-port", 1, 0, RTP_PORT}, {"pid", 1, 0, PID}, {"alaw", 0, 0, ALAW},
    {"no-register", 0, 0, NO_REGISTER}, {"ordinary", 0, 0, ORDINARY}, {"verbose", 0, 0, VERBOSE}, {0},
};

static void read_into(struct sockaddr_in *address, const char *text)
{
    if (read_address(text, address, 5060))
        return;
    fprintf(stderr, "rtpload: %s is no IPv4 address with a port\n", text);
    exit(2);
}

static void watch(char *text)
{
    char *sign = strchr(text, '=');

    if (!sign || options.watching == MOST_WATCHED) {
        fprintf(stderr, "rtpload: --pid wants name=pid, at most %d times\n", MOST_WATCHED);
        exit(2);
    }
    *sign = 0;
    options.watched[options.watching++] = (struct watched){.name = text, .pid = atoi(sign + 1)};
}

static void take(enum choice choice, char *value)
{
    switch (choice) {
    case PEER: read_into(&options.peer, value); break;
    case TRUNK: read_into(&options.trunk, value); break;
    case PHONES: read_into(&options.phones, value); break;
    case TO: options.to = value; break;
    case DOMAIN_NAME: options.domain = value; break;
    case AGENTS: options.agents = value; break;
    case AGENT_PREFIX: options.agent_prefix = value; break;
    case AGENT_COUNT: options.agent_count = atoi(value); break;
    case AGENT_PASSWORD: options.agent_password = value; break;
    case TRUNK_USER: options.trunk_user = value; break;
    case TRUNK_PASSWORD: options.trunk_password = value; break;
    case CALLER_PREFIX: options.caller_prefix = value; break;
    case CALLS: options.calls = atoi(value); break;
    case CPS: options.cps = atof(value); break;
    case SECONDS: options.seconds = atoi(value); break;
    case SETTLE: options.settle = atoi(value); break;
    case SETUP_TIMEOUT: options.setup_timeout = atoi(value); break;
    case ANSWER_AFTER: options.answer_after = atoi(value); break;
    case RTP_PORT: options.rtp_port = atoi(value); break;
    case PID: watch(value); break;
    case ALAW: options.payload = 8; break;
    case NO_REGISTER: options.registers = false; break;
    case ORDINARY: options.ordinary = true; break;
    case VERBOSE: options.verbose++; break;
    }
}

void read_options(int count, char **words)
{
    int choice;

    read_into(&options.peer, "127.0.0.1:5060");
    read_into(&options.trunk, "127.0.0.2:5080");
    read_into(&options.phones, "127.0.0.3:5090");
    while ((choice = getopt_long(count, words, "", known, NULL)) >= 0) {
        if (choice == '?')
            exit(2);
        take((enum choice)choice, optarg);
    }
    if (optind < count || options.calls < 1 || options.cps <= 0 || options.seconds < 1) {
        fprintf(stderr, "rtpload: nothing but options, at least one call, one second, and a rate above 0\n");
        exit(2);
    }
}
