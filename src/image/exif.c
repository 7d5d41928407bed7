/* exif.c - the few EXIF facts that people search by, through libexif.
 *
 * libexif reads at most 64 KiB of a block and checks its offsets; what it hands out is still
 * foreign: each entry's format, count and size are checked here before a byte is looked at, dates
 * and angles must be possible ones, text becomes valid UTF-8. A broken block never fails a
 * picture: it only tells less. */
#include "image/codec.h"

#include <math.h>

#include <libexif/exif-data.h>

#include "base/utf8.h"

enum { EXIF_MAX = 65536, TEXT_MAX = 64 };

/* ---- text ---- */

/* Copy of an ASCII entry into out [cap], up to its first NUL; "" when absent. */
static void entry_text(ExifEntry *e, char *out, size_t cap)
{
    out[0] = '\0';
    if (!e || e->format != EXIF_FORMAT_ASCII || !e->data)
        return;
    size_t n = e->size < cap - 1 ? e->size : cap - 1;
    memcpy(out, e->data, n);
    out[n] = '\0';
}

static size_t trimmed(const char **text)
{
    const char *s = *text ? *text : "";
    while (*s == ' ' || *s == '\t')
        s++;
    size_t n = strlen(s);
    while (n > 0 && (s[n - 1] == ' ' || s[n - 1] == '\t'))
        n--;
    *text = s;
    return n;
}

/* Append printable UTF-8; whatever is not becomes '?'. */
static void append_text(char *out, size_t cap, const char *text, size_t len)
{
    size_t at = strlen(out);
    for (size_t i = 0; i < len;) {
        const char *s = text + i;
        uint32_t point = 0;
        size_t n = utf8_step(s, len - i, &point);
        bool printable = n > 0 && point >= 0x20 && (point < 0x7f || point > 0x9f);
        size_t add = printable ? n : 1;
        if (at + add >= cap)
            break;
        if (printable)
            memcpy(out + at, s, n);
        else
            out[at] = '?';
        at += add;
        i += n ? n : 1;
    }
    out[at] = '\0';
}

void image_exif_camera(const char *make, const char *model, char *out, size_t cap)
{
    size_t n = trimmed(&make), m = trimmed(&model);
    out[0] = '\0';
    bool doubled = n > 0 && m >= n && strncasecmp(make, model, n) == 0;
    if (n > 0 && !doubled)
        append_text(out, cap, make, n);
    if (n > 0 && !doubled && m > 0)
        append_text(out, cap, " ", 1);
    append_text(out, cap, model, m);
    size_t len = strlen(out);
    if (len > 0 && out[len - 1] == ' ')
        out[len - 1] = '\0';
}

/* ---- dates ---- */

/* `n` decimal digits at s; -1 if one is none. */
static int digits(const char *s, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (s[i] < '0' || s[i] > '9')
            return -1;
        v = v * 10 + (s[i] - '0');
    }
    return v;
}

/* Days from 1970-01-01 to a date of the Gregorian calendar, y >= 1: whole 400-year cycles begin
 * on March 1st. */
static int64_t days_from_civil(int y, int m, int d)
{
    y -= m <= 2;
    int cycle = y / 400, in_cycle = y % 400;
    int in_year = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    int day = in_cycle * 365 + in_cycle / 4 - in_cycle / 100 + in_year;
    return (int64_t)cycle * 146097 + day - 719468;
}

static bool valid_date(int y, int mo, int d, int h, int mi, int s)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (y < 1 || mo < 1 || mo > 12 || d < 1)
        return false;
    bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;
    int last = days[mo - 1] + (mo == 2 && leap);
    return d <= last && h >= 0 && h <= 23 && mi >= 0 && mi <= 59 && s >= 0 && s <= 60;
}

/* Seconds east of UTC of "+02:00"; 0 when it is no such thing. */
static int64_t parse_offset(const char *s)
{
    if (!s || (s[0] != '+' && s[0] != '-') || strlen(s) < 6 || s[3] != ':')
        return 0;
    int h = digits(s + 1, 2), m = digits(s + 4, 2);
    if (h < 0 || h > 15 || m < 0 || m > 59)
        return 0;
    return (s[0] == '-' ? -1 : 1) * (int64_t)(h * 3600 + m * 60);
}

int64_t image_exif_time(const char *date, const char *offset)
{
    if (!date || strlen(date) < 19)
        return INT64_MIN;
    int y = digits(date, 4), mo = digits(date + 5, 2), d = digits(date + 8, 2);
    int h = digits(date + 11, 2), mi = digits(date + 14, 2), s = digits(date + 17, 2);
    if (!valid_date(y, mo, d, h, mi, s))
        return INT64_MIN;
    return days_from_civil(y, mo, d) * 86400 + h * 3600 + mi * 60 + s - parse_offset(offset);
}

static ExifEntry *entry_of(ExifData *data, ExifIfd ifd, int tag)
{
    return exif_content_get_entry(data->ifd[ifd], (ExifTag)tag);
}

static void read_date(ExifData *data, struct image_meta *meta)
{
    char date[TEXT_MAX] = "", offset[TEXT_MAX] = "";
    entry_text(entry_of(data, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME_ORIGINAL), offset, sizeof offset);
    entry_text(entry_of(data, EXIF_IFD_EXIF, EXIF_TAG_DATE_TIME_ORIGINAL), date, sizeof date);
    int64_t t = image_exif_time(date, offset);
    if (t == INT64_MIN) {
        entry_text(entry_of(data, EXIF_IFD_EXIF, EXIF_TAG_OFFSET_TIME), offset, sizeof offset);
        entry_text(entry_of(data, EXIF_IFD_0, EXIF_TAG_DATE_TIME), date, sizeof date);
        t = image_exif_time(date, offset);
    }
    if (t != INT64_MIN)
        meta->taken_at = t;
}

/* ---- place ---- */

/* Degrees, minutes, seconds as three rationals; false when they are not, or are more than `max`
 * degrees. */
static bool read_angle(ExifData *data, ExifByteOrder order, int tag, int ref_tag, char negative,
                       double max, double *out)
{
    static const double unit[3] = {1, 60, 3600};
    char ref[TEXT_MAX] = "";
    ExifEntry *e = entry_of(data, EXIF_IFD_GPS, tag);
    entry_text(entry_of(data, EXIF_IFD_GPS, ref_tag), ref, sizeof ref);
    if (!e || !e->data || e->format != EXIF_FORMAT_RATIONAL || e->components < 3 || e->size < 24)
        return false;
    double v = 0;
    for (int i = 0; i < 3; i++) {
        ExifRational r = exif_get_rational(e->data + 8 * i, order);
        if (r.denominator == 0 && r.numerator != 0)
            return false;
        v += r.denominator ? (double)r.numerator / (double)r.denominator / unit[i] : 0;
    }
    if (!isfinite(v) || v > max || ref[0] == '\0')
        return false;
    *out = ref[0] == negative ? -v : v;
    return true;
}

static void read_place(ExifData *data, ExifByteOrder order, struct image_meta *meta)
{
    double lat, lon;
    if (read_angle(data, order, EXIF_TAG_GPS_LATITUDE, EXIF_TAG_GPS_LATITUDE_REF, 'S', 90, &lat) &&
        read_angle(data, order, EXIF_TAG_GPS_LONGITUDE, EXIF_TAG_GPS_LONGITUDE_REF, 'W', 180,
                   &lon)) {
        meta->has_gps = true;
        meta->lat = lat;
        meta->lon = lon;
    }
}

/* ---- all ---- */

static void read_facts(ExifData *data, struct image_meta *meta)
{
    char make[TEXT_MAX] = "", model[TEXT_MAX] = "";
    ExifByteOrder order = exif_data_get_byte_order(data);
    ExifEntry *e = entry_of(data, EXIF_IFD_0, EXIF_TAG_ORIENTATION);
    if (e && e->data && e->format == EXIF_FORMAT_SHORT && e->components >= 1 && e->size >= 2) {
        int orientation = exif_get_short(e->data, order);
        if (orientation >= 1 && orientation <= 8)
            meta->orientation = orientation;
    }
    entry_text(entry_of(data, EXIF_IFD_0, EXIF_TAG_MAKE), make, sizeof make);
    entry_text(entry_of(data, EXIF_IFD_0, EXIF_TAG_MODEL), model, sizeof model);
    image_exif_camera(make, model, meta->camera, sizeof meta->camera);
    read_date(data, meta);
    read_place(data, order, meta);
}

void image_exif_read(const uint8_t *data, size_t len, struct image_meta *meta)
{
    static const uint8_t head[6] = "Exif\0";
    if (len >= 6 && memcmp(data, head, 6) == 0) {
        data += 6;
        len -= 6;
    }
    if (len < 8 || (memcmp(data, "II*\0", 4) != 0 && memcmp(data, "MM\0*", 4) != 0))
        return;
    if (len > EXIF_MAX - sizeof head)
        len = EXIF_MAX - sizeof head;
    uint8_t *block = malloc(sizeof head + len);
    ExifData *exif = exif_data_new();
    if (block && exif) {
        memcpy(block, head, sizeof head);
        memcpy(block + sizeof head, data, len);
        exif_data_unset_option(exif, EXIF_DATA_OPTION_IGNORE_UNKNOWN_TAGS);
        exif_data_unset_option(exif, EXIF_DATA_OPTION_FOLLOW_SPECIFICATION);
        exif_data_set_option(exif, EXIF_DATA_OPTION_DONT_CHANGE_MAKER_NOTE);
        exif_data_load_data(exif, block, (unsigned)(sizeof head + len));
        read_facts(exif, meta);
    }
    if (exif)
        exif_data_unref(exif);
    free(block);
}
