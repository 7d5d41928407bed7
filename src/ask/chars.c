/* chars.c - blanks, letters, numbers: what a line is made of.
 *
 * isalpha and strtod are not asked, because they answer by the locale of the program that we are linked into. */
#include "ask/ask.h"

#include "base/utf8.h"

/* Tabs, line ends and what Unicode calls white space: an ideographic space is what the space bar gives in Japanese. */
size_t ask_blank(const char *s, size_t left)
{
    uint32_t c = 0;
    if (left == 0)
        return 0;
    if (*s == ' ' || (*s >= '\t' && *s <= '\r'))
        return 1;
    if ((unsigned char)*s < 0x80)
        return 0;
    size_t n = utf8_step(s, left, &c);
    bool blank = c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) ||
                 c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
    return blank ? n : 0;
}

bool ask_is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool ask_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ask_is_word(const char *s, size_t len, const char *lower)
{
    size_t i = 0;
    for (; i < len && lower[i]; i++)
        if ((s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]) != lower[i])
            return false;
    return i == len && !lower[i];
}

size_t ask_number(const char *s, size_t left, double *out)
{
    double digits = 0, scale = 1;
    size_t n = 0, seen = 0;
    for (; n < left && ask_is_digit(s[n]); n++, seen++)
        digits = 10 * digits + (s[n] - '0');
    if (n + 1 < left && s[n] == '.' && ask_is_digit(s[n + 1]))
        for (n++; n < left && ask_is_digit(s[n]); n++, seen++)
            if (seen < 15) { /* one rounding, by the division; digits after that say nothing */
                digits = 10 * digits + (s[n] - '0');
                scale *= 10;
            }
    if (seen)
        *out = digits / scale;
    return seen ? n : 0;
}
