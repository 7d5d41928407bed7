/* Answers of a server, honest and hostile. */
#include "fake.h"

#define LIST                                                                                       \
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "                               \
    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define OBJECT(key)                                                                                \
    "<Contents><Key>" key "</Key><LastModified>2009-10-12T17:50:30.000Z</LastModified>"            \
    "<ETag>&quot;e&quot;</ETag><Size>434234</Size><Owner><ID>x</ID><Key>no</Key></Owner></"        \
    "Contents>"

/* In pieces of `step` bytes. NULL when it was refused. */
static struct object_xml *read_all(const char *text, size_t step)
{
    struct object_xml *x = object_xml_new(NULL);
    bool ok = true;
    for (size_t n = strlen(text), at = 0; ok && at < n; at += step)
        ok = object_xml_feed(x, text + at, n - at < step ? n - at : step, false);
    if (ok && object_xml_finish(x))
        return x;
    object_xml_free(x);
    return NULL;
}

static void pages(void **state)
{
    (void)state;
    static const char text[] =
        LIST "<Name>b</Name><IsTruncated>true</IsTruncated><NextContinuationToken>1ue+/=</"
             "NextContinuationToken>" OBJECT("a&amp;b c")
                 OBJECT("<![CDATA[x<y]]>") "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes></"
                                           "ListBucketResult>";
    for (size_t step = 1; step < sizeof text; step += step < 8 ? 1 : 97) {
        struct object_xml *x = read_all(text, step);
        assert_non_null(x);
        assert_int_equal(object_xml_count(x), 2);
        assert_string_equal(object_xml_at(x, 0).key, "a&b c");
        assert_string_equal(object_xml_at(x, 1).key, "x<y");
        assert_int_equal(object_xml_at(x, 0).size, 434234);
        assert_int_equal(object_xml_at(x, 0).mtime_ns, object_stamp(1255369830, "e", 1));
        assert_true(object_xml_more(x));
        assert_string_equal(object_xml_next(x), "1ue+/=");
        object_xml_free(x);
    }
}

/* MinIO names the encoding at the end, AWS at the beginning. */
static void encoded_keys(void **state)
{
    (void)state;
    struct object_xml *x = read_all(
        LIST OBJECT("a%2Bb+c%0A") "<EncodingType>url</EncodingType></ListBucketResult>", 1000);
    assert_non_null(x);
    assert_string_equal(object_xml_at(x, 0).key, "a+b c\n");
    assert_false(object_xml_more(x));
    object_xml_free(x);
    x = read_all(LIST "<EncodingType>url</EncodingType>" OBJECT("%C3%A4") "</ListBucketResult>",
                 1000);
    assert_string_equal(object_xml_at(x, 0).key, "\xc3\xa4");
    object_xml_free(x);
    x = read_all(LIST OBJECT("a%2Bb+c") "</ListBucketResult>",
                 1000); /* a server that does not encode */
    assert_string_equal(object_xml_at(x, 0).key, "a%2Bb+c");
    object_xml_free(x);
    assert_null(
        read_all(LIST OBJECT("a%00b") "<EncodingType>url</EncodingType></ListBucketResult>", 1000));
    assert_null(
        read_all(LIST OBJECT("a%zz") "<EncodingType>url</EncodingType></ListBucketResult>", 1000));
}

static void errors(void **state)
{
    (void)state;
    static const struct {
        const char *text, *code;
    } cases[] = {
        {"<Error><Code>NoSuchKey</Code><Message>secret</Message></Error>", "NoSuchKey"},
        {"<s:Error xmlns:s='u'><s:Code>SlowDown</s:Code></s:Error>", "SlowDown"},
        {"<Error><Details><Code>Inner</Code></Details></Error>", ""},
        {"<Error><Code>AKIA1234SECRET</Code></Error>", ""},
        {"<Error><Code>No Such</Code></Error>", ""},
        {"<Error><Code>NoSuchKey", ""},
        {"<html><Code>NoSuchKey</Code></html>", ""},
        {"not xml", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct object_xml *x = object_xml_new(NULL);
        object_xml_feed(x, cases[i].text, strlen(cases[i].text), false);
        assert_string_equal(object_xml_error(x), cases[i].code);
        assert_false(object_xml_finish(x));
        object_xml_free(x);
    }
}

static void hostile(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "x",
        LIST,
        LIST "</Other>",
        LIST OBJECT("a"),
        LIST "<Contents><Key>a</Key></Contents></ListBucketResult>",
        LIST "<Contents><Size>1</Size><LastModified>2009-10-12T17:50:30.000Z</LastModified></"
             "Contents></ListBucketResult>",
        LIST "<Contents><Key>a</Key><Size>-1</Size><LastModified>2009-10-12T17:50:30.000Z</"
             "LastModified></Contents></ListBucketResult>",
        LIST "<Contents><Key>a</Key><Size>99999999999999999999</"
             "Size><LastModified>2009-10-12T17:50:30Z</LastModified></Contents></ListBucketResult>",
        LIST "<Contents><Key>a</Key><Size>1</Size><LastModified>yesterday</LastModified></"
             "Contents></ListBucketResult>",
        "<!DOCTYPE l [<!ENTITY a \"aaaa\">]><ListBucketResult>&a;</ListBucketResult>",
        "<!DOCTYPE l SYSTEM \"file:///etc/passwd\"><ListBucketResult></ListBucketResult>",
        LIST "&undefined;</ListBucketResult>",
        LIST "\xff\xfe</ListBucketResult>",
        "<html>Welcome</html>",
        LIST "</ListBucketResult><more/>",
        LIST "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a></a></a></a></a></a></a></a></a></"
             "a></a></a></a></a></a></a></a></ListBucketResult>",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (read_all(bad[i], 100))
            fail_msg("%zu was taken: %s", i, bad[i]);
}

static void endless(void **state)
{
    (void)state;
    char block[4096];
    memset(block, 'k', sizeof block);
    struct object_xml *x = object_xml_new(NULL); /* a key */
    assert_true(object_xml_feed(x, LIST "<Contents><Key>", strlen(LIST "<Contents><Key>"), false));
    int n = 0;
    while (n < 100 && object_xml_feed(x, block, sizeof block, false))
        n++;
    assert_true(n < 3);
    object_xml_free(x);
    x = object_xml_new(NULL); /* blanks */
    memset(block, ' ', sizeof block);
    assert_true(object_xml_feed(x, LIST, strlen(LIST), false));
    for (n = 0; n < 100000 && object_xml_feed(x, block, sizeof block, false); n++)
        ;
    assert_true(n <= OBJECT_XML_MAX / (int)sizeof block);
    object_xml_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages),   cmocka_unit_test(encoded_keys), cmocka_unit_test(errors),
        cmocka_unit_test(hostile), cmocka_unit_test(endless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
