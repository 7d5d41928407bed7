/* date.c - days, months, years and "so long ago", as spans of time. All of it UTC, as cameras' clocks are taken to be. */
#include "ask/ask.h"

enum { DAY = 86400, YEAR_MAX = 9999 };

/* Days from 1970-01-01 to the civil date (proleptic Gregorian): years begin in March, so that leap days end them. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_of(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t z = days + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t of_era = z - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = y + era * 400 + (*month <= 2);
}

static int days_in(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* n digits at *s, which moves on; -1: not so. */
static int digits(const char **s, const char *end, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++, ++*s) {
        if (*s >= end || !ask_is_digit(**s))
            return -1;
        v = 10 * v + (**s - '0');
    }
    return v;
}

/* After `mark`, two digits from lo to hi; -1: not so. */
static int part(const char **s, const char *end, char mark, int lo, int hi)
{
    if (*s >= end || **s != mark)
        return -1;
    ++*s;
    int v = digits(s, end, 2);
    return v >= lo && v <= hi ? v : -1;
}

/* "T18:00", "T18:00:59", with or without Z, after the day that begins at `day`. */
static bool clock_of(const char *s, const char *end, int64_t day, struct ask_period *out)
{
    int h = part(&s, end, 'T', 0, 23), m = part(&s, end, ':', 0, 59), sec = 0, unit = 60;
    if (h < 0 || m < 0)
        return false;
    if (s < end && *s == ':') {
        sec = part(&s, end, ':', 0, 59);
        unit = 1;
    }
    s += s < end && *s == 'Z';
    out->from = day + h * 3600 + m * 60 + sec;
    out->to = out->from + unit;
    return sec >= 0 && s == end;
}

static bool calendar(const char *s, const char *end, struct ask_period *out)
{
    int year = digits(&s, end, 4), month = 0, day = 0;
    if (year < 1)
        return false;
    if (s == end) {
        out->from = days_of(year, 1, 1) * DAY;
        out->to = days_of(year + 1, 1, 1) * DAY;
        return true;
    }
    month = part(&s, end, '-', 1, 12);
    if (month < 0)
        return false;
    if (s == end) {
        out->from = days_of(year, month, 1) * DAY;
        out->to = days_of(year, month, days_in(year, month)) * DAY + DAY;
        return true;
    }
    day = part(&s, end, '-', 1, days_in(year, month));
    if (day < 0)
        return false;
    out->from = days_of(year, month, day) * DAY;
    out->to = out->from + DAY;
    return s == end || clock_of(s, end, out->from, out);
}

static int64_t floor_day(int64_t t)
{
    return (t - (t % DAY + DAY) % DAY) / DAY;
}

/* The same day and hour so many months before; 31 May, three months ago, is the last of February. */
static bool months_before(int64_t now, int64_t n, int64_t *out)
{
    int64_t year = 0, today = floor_day(now);
    int month = 0, day = 0;
    civil_of(today, &year, &month, &day);
    int64_t months = year * 12 + month - 1 - n;
    if (months < 12)
        return false;
    year = months / 12;
    month = (int)(months % 12) + 1;
    day = day < days_in(year, month) ? day : days_in(year, month);
    *out = days_of(year, month, day) * DAY + (now - today * DAY);
    return true;
}

static bool ago(const char *s, size_t len, int64_t now, struct ask_period *out)
{
    int64_t n = 0;
    if (len < 2 || len > 6)
        return false;
    for (size_t i = 0; i + 1 < len; i++) {
        if (!ask_is_digit(s[i]))
            return false;
        n = 10 * n + (s[i] - '0');
    }
    now -= (now % 60 + 60) %
           60; /* whole minutes: the pages of one search have one filter, found again */
    out->ago = true;
    out->from = now;
    switch (s[len - 1] | 0x20) {
    case 'd': out->from -= n * DAY; break;
    case 'w': out->from -= n * 7 * DAY; break;
    case 'm':
        if (!months_before(now, n, &out->from))
            return false;
        break;
    case 'y':
        if (!months_before(now, 12 * n, &out->from))
            return false;
        break;
    default: return false;
    }
    out->to = out->from + 1;
    return true;
}

bool ask_date(const char *s, size_t len, int64_t now, struct ask_period *out)
{
    const int64_t first = days_of(1, 1, 1) * DAY, last = days_of(YEAR_MAX, 12, 31) * DAY;
    now = now < first ? first : now > last ? last : now; /* a clock gone mad overflows nothing */
    *out = (struct ask_period){0, 0, false};
    bool yesterday = ask_is_word(s, len, "yesterday");
    if (yesterday || ask_is_word(s, len, "today")) {
        out->from = (floor_day(now) - yesterday) * DAY;
        out->to = out->from + DAY;
        return true;
    }
    return calendar(s, s + len, out) || ago(s, len, now, out);
}
