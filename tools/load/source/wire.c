/* UDP sockets, and datagrams that are sent again until they are answered. */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

nanos clock_now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

int open_udp(const struct sockaddr_in *address, int buffer)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
    if (bind(fd, (const struct sockaddr *)address, sizeof *address) == 0)
        return fd;
    int fault = errno;
    close(fd);
    errno = fault;
    return -1;
}

void open_line(struct line *line, const struct sockaddr_in *address)
{
    socklen_t size = sizeof line->address;

    line->fd = open_udp(address, 4 << 20);
    if (line->fd < 0) {
        fprintf(stderr, "rtpload: cannot listen on udp %s: %s\n", show_address(address, line->text), strerror(errno));
        exit(2);
    }
    getsockname(line->fd, (struct sockaddr *)&line->address, &size);
    show_address(&line->address, line->text);
}

void transmit(const struct line *line, const char *bytes, int length, const struct sockaddr_in *to)
{
    char shown[32];

    if (options.verbose > 1)
        fprintf(stderr, "---> %s\n%.*s\n", show_address(to, shown), length, bytes);
    if (sendto(line->fd, bytes, length, 0, (const struct sockaddr *)to, sizeof *to) < 0)
        run.send_errors++;
}

void start_resend(const struct line *line, struct resend *resend, int length, const struct sockaddr_in *to, bool slow)
{
    nanos now = clock_now();

    resend->active = true;
    resend->slow = slow;
    resend->length = length;
    resend->to = *to;
    resend->gap = T1;
    resend->next = now + T1;
    resend->deadline = now + TIMEOUT;
    transmit(line, resend->bytes, length, to);
}

bool expired(const struct line *line, struct resend *resend, nanos now)
{
    if (!resend->active)
        return false;
    if (now >= resend->deadline) {
        resend->active = false;
        return true;
    }
    if (now >= resend->next) {
        run.retransmissions++;
        transmit(line, resend->bytes, resend->length, &resend->to);
        resend->gap = resend->slow && resend->gap * 2 > T2 ? T2 : resend->gap * 2;
        resend->next = now + resend->gap;
    }
    return false;
}
