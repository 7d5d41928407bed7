/* test_value.c - each filter: what its values mean, and the sentence when they mean nothing. */
#include <math.h>

#include "describe.h"

static void test_words(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"path:*2024*", " | path=*2024*"},
        {"path:/home/me/a.jpg", " | path=/home/me/a.jpg"},
        {"PATH:\"a b/[cd]\"", " | path=a b/[cd]"},
        {"name:beach", " | name=beach"},
        {"name:\"two dogs\"", " | name=two dogs"},
        {"camera:\"canon eos\"", " | camera=canon eos"},
        {"name:a:b", " | name=a:b"},
        {"name:\xe7\x8a\xac", " | name=\xe7\x8a\xac"},
        {"root:2", " | root=2"},
        {"folder:9007199254740991", " | root=9007199254740991"},
        {"format:png", " | format=png"},
        {"format:JPG", " | format=jpeg"},
        {"format:tif", " | format=tiff"},
        {"format:heif", " | format=heic"},
        {"orientation:Portrait", " | orientation=p"},
        {"orientation:landscape", " | orientation=l"},
        {"orientation:square", " | orientation=s"},
        {"has:gps", " | gps=y"},
        {"gps:yes", " | gps=y"},
        {"gps:no", " | gps=n"},
        {"-has:gps", " | (not gps=y)"},
        {"box:47.1,8.2,47.6,9", " | box=47.1,8.2,47.6,9"},
        {"box:-90,-180,90,180", " | box=-90,-180,90,180"},
        {"box:-10.5,170,10,-170", " | box=-10.5,170,10,-170"},
    };
    CHECK_ROWS(rows);
}

static void test_sizes(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"width>2000", " | width=2001..0"},
        {"width>=2000", " | width=2000..0"},
        {"width:>=2000", " | width=2000..0"},
        {"width<2000", " | width=0..1999"},
        {"width<=2000", " | width=0..2000"},
        {"width:2000", " | width=2000..2000"},
        {"width:1000..2000", " | width=1000..2000"},
        {"width:1000..", " | width=1000..0"},
        {"width:..2000", " | width=0..2000"},
        {"height>10 height<20", " | (all height=11..0 height=0..19)"},
        {"mp>8", " | mp=8..0"},
        {"mp>=8", " | mp=8..0"},
        {"mp<8.5", " | mp=0..8.5"},
        {"mp:8..12", " | mp=8..12"},
        {"mp:12", " | mp=11.5..12.5"},
        {"mp:0.3", " | mp=0.25..0.35"},
        {"mp:0", " | mp=0..0.5"},
    };
    CHECK_ROWS(rows);
}

/* "more" and "less" do not hold of the number itself. */
static void test_edges(void **state)
{
    (void)state;
    eye_ask *ask = eye_ask_parse("mp>8", NOW, NULL, NULL);
    assert_true(eye_ask_where(ask)->filter->min_megapixels > 8);
    eye_ask_free(ask);
    ask = eye_ask_parse("mp>=8", NOW, NULL, NULL);
    assert_true(eye_ask_where(ask)->filter->min_megapixels <= 8);
    eye_ask_free(ask);
    ask = eye_ask_parse("mp<8", NOW, NULL, NULL);
    assert_true(eye_ask_where(ask)->filter->max_megapixels < 8);
    eye_ask_free(ask);
    ask = eye_ask_parse("mp:12", NOW, NULL, NULL);
    assert_true(eye_ask_where(ask)->filter->min_megapixels <= 11.5);
    assert_true(eye_ask_where(ask)->filter->max_megapixels < 12.5);
    eye_ask_free(ask);
    ask = eye_ask_parse("score>0.25", NOW, NULL, NULL);
    assert_true(eye_ask_min_score(ask) > 0.25f && eye_ask_min_score(ask) < 0.2501f);
    eye_ask_free(ask);
    ask = eye_ask_parse("score>=0.25 score>-1", NOW, NULL, NULL);
    assert_true(eye_ask_min_score(ask) >= 0.25f && eye_ask_min_score(ask) <= 0.25f);
    assert_null(eye_ask_where(ask));
    eye_ask_free(ask);
}

static void test_times(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"taken:2024", " | taken=2024-01-01..2025-01-01"},
        {"taken:2024-05-31", " | taken=2024-05-31..2024-06-01"},
        {"taken:2023..2024-02", " | taken=2023-01-01..2024-03-01"},
        {"taken:2023..", " | taken=2023-01-01.."},
        {"taken:..2023", " | taken=..2024-01-01"},
        {"taken>2023", " | taken=2024-01-01.."},
        {"taken>=2023", " | taken=2023-01-01.."},
        {"taken<2023", " | taken=..2023-01-01"},
        {"taken<=2023", " | taken=..2024-01-01"},
        {"after:2023-05", " | taken=2023-05-01.."},
        {"before:2023-05", " | taken=..2023-05-01"},
        {"after:yesterday", " | taken=2024-05-31.."},
        {"modified:today", " | modified=2024-06-01..2024-06-02"},
        {"added:7d", " | added=2024-05-25T12:00:00.."},
        {"added>7d", " | added=2024-05-25T12:00:01.."},
        {"added<7d", " | added=..2024-05-25T12:00:00"},
        {"added:14d..7d", " | added=2024-05-18T12:00:00..2024-05-25T12:00:01"},
        {"modified:2024-05-31T18:00", " | modified=2024-05-31T18:00:00..2024-05-31T18:01:00"},
    };
    CHECK_ROWS(rows);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"name:\"\"", "! 6+0 'name' needs something to look for"},
        {"path:\" \"", "! 6+1 'path' needs something to look for"},
        {"name>x", "! 0+6 'name' cannot be compared: write name:x; as words it needs quotes"},
        {"root:a",
         "! 5+1 'root' is the number of a folder, like root:2 (eyeshine status); a part of the "
         "path is path:a"},
        {"root:0",
         "! 5+1 'root' is the number of a folder, like root:2 (eyeshine status); a part of the "
         "path is path:0"},
        {"format:jpe",
         "! 7+3 'format' is jpeg, png, webp, gif, tiff, bmp, heic or avif, not 'jpe'"},
        {"x format:p\xc3\xa9",
         "! 9+3 'format' is jpeg, png, webp, gif, tiff, bmp, heic or avif, not 'p\xc3\xa9'"},
        {"orientation:tall", "! 12+4 'orientation' is landscape, portrait or square, not 'tall'"},
        {"has:date", "! 4+4 'has' is only has:gps, not 'date'"},
        {"gps:maybe", "! 4+5 'gps' is yes or no, not 'maybe'"},
        {"width:big", "! 6+3 'width' is compared with a number up to 1000000, like width>2000 or "
                      "width:1000..2000"},
        {"width:1000001", "! 6+7 'width' is compared with a number up to 1000000, like width>2000 "
                          "or width:1000..2000"},
        {"height:1..x", "! 7+4 'height' is compared with a number up to 1000000, like height>2000 "
                        "or height:1000..2000"},
        {"height>1..2", "! 7+4 'height' is compared with a number up to 1000000, like height>2000 "
                        "or height:1000..2000"},
        {"width:..", "! 6+2 'width' is compared with a number up to 1000000, like width>2000 or "
                     "width:1000..2000"},
        {"width>1.5", "! 6+3 pixels come whole"},
        {"width<1", "! 6+1 no picture is that small: sizes begin at 1"},
        {"width:0", "! 6+1 no picture is that small: sizes begin at 1"},
        {"width:9..8", "! 6+4 this range runs backwards: the smaller number comes first"},
        {"mp:x", "! 3+1 'mp' is compared with a number up to 100000, like mp>8 or mp:8..12"},
        {"mp<0", "! 3+1 no picture is that small"},
        {"box:1,2,3",
         "! 4+5 'box' is south,west,north,east in degrees, like box:47.2,5.9,55.1,15.0"},
        {"box:1,2,3,4,",
         "! 4+8 'box' is south,west,north,east in degrees, like box:47.2,5.9,55.1,15.0"},
        {"box:1,2,91,4", "! 4+8 degrees of latitude end at 90, of longitude at 180"},
        {"box:1,-181,3,4", "! 4+10 degrees of latitude end at 90, of longitude at 180"},
        {"box:3,2,1,4", "! 4+7 the box's south lies north of its north: south,west,north,east"},
        {"score<0.2", "! 0+9 a score has a least value only: score>0.2"},
        {"score:0.2", "! 0+9 a score has a least value only: score>0.2"},
        {"score>20%", "! 6+3 a score is a number from -1 to 1, like score>0.2"},
        {"score>1.1", "! 6+3 a score is a number from -1 to 1, like score>0.2"},
        {"taken:5/2024",
         "! 6+6 '5/2024' is no date: write 2024, 2024-05, 2024-05-31, today, yesterday, "
         "or how long ago: 7d, 3w, 2m, 1y"},
        {"after>2024",
         "! 0+10 'after' cannot be compared: write after:2024; as words it needs quotes"},
        {"before:party",
         "! 7+5 'party' is no date: write 2024, 2024-05, 2024-05-31, today, yesterday, or "
         "how long ago: 7d, 3w, 2m, 1y"},
        {"taken:2024..2023", "! 6+10 this range runs backwards: the earlier date comes first"},
        {"taken:..",
         "! 6+2 '..' is no date: write 2024, 2024-05, 2024-05-31, today, yesterday, or how "
         "long ago: 7d, 3w, 2m, 1y"},
    };
    CHECK_ROWS(rows);
}

static void test_too_long(void **state)
{
    (void)state;
    char line[5 + 4097 + 1] = "path:";
    struct eye_err err;
    eye_span where;
    memset(line + 5, 'a', 4097);
    line[5 + 4096] = '\0';
    eye_ask *ask = eye_ask_parse(line, NOW, &where, &err);
    assert_non_null(ask);
    eye_ask_free(ask);
    line[5 + 4096] = 'a';
    assert_null(eye_ask_parse(line, NOW, &where, &err));
    assert_string_equal(err.msg, "this is longer than 4096 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),  cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_edges),  cmocka_unit_test(test_times),
        cmocka_unit_test(test_errors), cmocka_unit_test(test_too_long),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
