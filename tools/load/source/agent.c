/* Registration of the agents' phones: one address of record each, all on one socket. */
#include "load.h"

#include <stdlib.h>
#include <string.h>

struct agent *agents;
int agent_count;

static void hire(const char *user, const char *password)
{
    struct agent *agent = &agents[agent_count];

    memset(agent, 0, sizeof *agent);
    agent->index = agent_count++;
    snprintf(agent->user, sizeof agent->user, "%s", user);
    snprintf(agent->password, sizeof agent->password, "%s", password);
    agent->dialog.line = &run.phones;
    agent->dialog.hop = options.peer;
    snprintf(agent->dialog.user, sizeof agent->dialog.user, "%s", user);
    snprintf(agent->dialog.call_id, sizeof agent->dialog.call_id, "r%d.%s", agent->index, run.token);
    snprintf(agent->dialog.target, sizeof agent->dialog.target, "sip:%s", options.domain);
    snprintf(agent->dialog.remote, sizeof agent->dialog.remote, "<sip:%s@%s>", user, options.domain);
    snprintf(agent->dialog.local, sizeof agent->dialog.local, "<sip:%s@%s>;tag=%s.r%d", user, options.domain,
             run.token, agent->index);
}

static void hire_listed(char *list)
{
    char *rest = NULL;

    for (char *entry = strtok_r(list, ",", &rest); entry; entry = strtok_r(NULL, ",", &rest)) {
        char *colon = strchr(entry, ':');
        if (!colon) {
            fprintf(stderr, "rtpload: --agents wants user:password,user:password, not %s\n", entry);
            exit(2);
        }
        *colon = 0;
        hire(entry, colon + 1);
    }
}

void hire_agents(void)
{
    char name[TOKEN];
    char *list = strdup(options.agents ? options.agents : "");
    int listed = 1;

    for (const char *at = list; *at; at++)
        listed += *at == ',';
    agents = calloc((size_t)(listed + options.agent_count), sizeof *agents);
    if (!agents || !list)
        exit(2);
    hire_listed(list);
    free(list);
    for (int i = 0; i < options.agent_count; i++) {
        snprintf(name, sizeof name, "%s%d", options.agent_prefix, i);
        hire(name, options.agent_password);
    }
}

struct agent *find_agent(const char *user)
{
    for (int i = 0; i < agent_count; i++)
        if (!strcmp(agents[i].user, user))
            return &agents[i];
    return NULL;
}

/* For a peer that knows no agents and calls our address as it is. */
struct agent *free_agent(void)
{
    for (int i = 0; i < agent_count; i++)
        if (!agents[i].busy_with)
            return &agents[i];
    return NULL;
}

void send_register(struct agent *agent, int expires, const char *authorization)
{
    char branch[TOKEN], extra[2048];
    struct dialog *dialog = &agent->dialog;
    struct outgoing request = {.method = "REGISTER", .branch = branch, .extra = extra, .cseq = ++dialog->cseq};

    agent->expires = expires;
    agent->refresh_at = 0;
    snprintf(branch, sizeof branch, "z9hG4bK%s.r%d.%u", run.token, agent->index, dialog->cseq);
    snprintf(extra, sizeof extra, "Expires: %d\r\n%s", expires, authorization);
    start_resend(dialog->line, &agent->request, write_request(dialog, &request, agent->request.bytes), &dialog->hop,
                 true);
}

void agent_response(struct agent *agent, const struct message *response)
{
    char line[2048];
    int code = response->code;

    if (response->cseq != agent->dialog.cseq || code < 200 || !agent->request.active)
        return;
    agent->request.active = false;
    if ((code == 401 || code == 407) && !agent->authorized) {
        agent->authorized = true;
        if (authorize(response, "REGISTER", agent->dialog.target, agent->user, agent->password, line, sizeof line)) {
            send_register(agent, agent->expires, line);
            return;
        }
        fprintf(stderr, "rtpload: %s is challenged without MD5\n", agent->user);
    }
    agent->authorized = false;
    agent->registered = code < 300 && agent->expires > 0;
    agent->refused = code >= 300;
    agent->refresh_at = agent->registered ? clock_now() + agent->expires * SECOND / 2 : 0;
    if (agent->refused)
        fprintf(stderr, "rtpload: registration of %s refused: %.40s\n", agent->user, response->text);
}

void agent_timers(struct agent *agent, nanos now)
{
    if (expired(agent->dialog.line, &agent->request, now)) {
        agent->refused = true;
        agent->registered = false;
        fprintf(stderr, "rtpload: registration of %s is not answered\n", agent->user);
    }
    if (agent->refresh_at && now >= agent->refresh_at && !run.leaving)
        send_register(agent, agent->expires, "");
}
