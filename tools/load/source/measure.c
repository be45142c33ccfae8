/* Histograms, and what /proc says about another process. */
#include "load.h"

#include <string.h>
#include <unistd.h>

void observe(struct histogram *histogram, double milliseconds)
{
    long bucket = (long)(milliseconds / histogram->unit);

    if (bucket < 0)
        bucket = 0;
    if (bucket >= BUCKETS)
        bucket = BUCKETS - 1;
    histogram->count[bucket]++;
    histogram->total++;
}

double percentile(const struct histogram *histogram, double share)
{
    uint64_t passed = 0;

    for (int bucket = 0; bucket < BUCKETS && histogram->total; bucket++) {
        passed += histogram->count[bucket];
        if ((double)passed >= share * (double)histogram->total)
            return bucket * histogram->unit;
    }
    return -1;
}

/* User and system time of all its threads; 0 when there is no such process. */
double cpu_seconds(int pid)
{
    char path[64], text[2048];
    unsigned long user = 0, system = 0;

    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    const char *fields = strrchr(text, ')'); /* the program's name may hold blanks */
    if (!fields || sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return 0;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

long resident_kilobytes(int pid)
{
    char path[64], text[256];
    long kilobytes = 0;

    snprintf(path, sizeof path, "/proc/%d/status", pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    while (fgets(text, sizeof text, file))
        if (sscanf(text, "VmRSS: %ld", &kilobytes) == 1)
            break;
    fclose(file);
    return kilobytes;
}
