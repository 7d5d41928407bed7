/* test_lex.c - what is a word and what is not: everything a person would type without a grammar in mind stays words. */
#include "describe.h"

static void test_plain_words(void **state)
{
    (void)state;
    static const char *const plain[] = {
        "two dogs in snow",
        "what's this?",
        "50% off",
        "C++",
        "c++ code",
        "café",
        "犬 雪",
        "\xf0\x9f\x90\xb6 \xf0\x9f\x8e\x84",
        "black & white",
        "t-shirt",
        "a well-known x-ray",
        "batman: the movie",
        "12:30",
        "the 12:30 train",
        "16:9",
        "4:3 screen",
        "2: the sequel",
        "http://example.org/a?b=c#d",
        "see https://x.org",
        "std::vector",
        ":-)",
        "so happy :)",
        ":D",
        "-_-",
        "a -> b",
        "x --> y",
        "sunset -- beach",
        "--verbose",
        "+/- 5",
        "<3",
        "i <3 cats",
        "a<b",
        "people>dogs",
        "5 > 3",
        "width > 2000",
        "me@home.org",
        "meet @ noon",
        "@",
        "#",
        "#1,",
        "#wedding",
        "no. #4b",
        "cat (sleeping)",
        "(old) photo",
        "photo (1)",
        "()",
        "(",
        ")",
        "((",
        "f(x)",
        "(not dogs)",
        "(dogs or cats)",
        "cats and dogs",
        "cats or dogs",
        "and",
        "or",
        "not",
        "not dogs",
        "not",
        "dogs not cats",
        "AND",
        "to be or not to be",
        "5\" screen",
        "5'11\"",
        "rock'n'roll",
        "it\\s",
        "*",
        "**bold**",
        "a*b",
        "what?!",
        "...",
        "a/b",
        "C:\\photos",
        "c:/photos",
        "$100",
        "50:50",
        "2:30pm",
        "1.2.3:x",
        "key=value",
        "a;b",
        "[x]",
        "{y}",
        "~",
        "`ls`",
        "|",
        "x|y",
        "=",
        "1",
        "2024",
        "2024-05-31",
        "1,5",
        "camera:",
        "format: png",
        "name: x",
        "Tom & Jerry: the best",
        "\xe2\x80\x9c",
        "it\xe2\x80\x99s",
        "\xe2\x80\x94 dash",
        "作者:张三",
        "naïve:é",
        "a:)",
        "x:/",
        "10%:off",
        "note:",
        "2:",
        ":",
        "::",
        "a::b",
        ":2",
        "e\xcc\x81t\xc3\xa9",
        "rock 'n' roll",
        "a man with a t-shirt",
        "9:30 train",
        "what is this?",
        "dogs and cats",
        "Re:Zero",
        "batman:begins now",
        "Bob:the builder",
        "localhost:8000",
        "file:///tmp/a.jpg",
        "mailto:me@home.org",
        "i<3you",
        "x>5",
        "a (b) c) d",
        "\xd9\x82\xd8\xb7\xd8\xa9 \xd9\x88 \xd9\x83\xd9\x84\xd8\xa8?",
        "\xe4\xb8\xa4\xe5\x8f\xaa\xe7\x8b\x97\xef\xbc\x9a\xe9\x9b\xaa",
    };
    struct buf b;
    int wrong = 0;
    buf_init(&b, 1 << 20);
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        char expected[256];
        snprintf(expected, sizeof expected, "[%s]", plain[i]);
        if (strcmp(meaning(&b, plain[i]), expected) != 0) {
            print_error("%s: %s\n", plain[i], b.data);
            wrong++;
        }
    }
    buf_release(&b);
    assert_int_equal(wrong, 0);
}

static void test_blanks(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"", ""},
        {" \t\r\n\v\f ", ""},
        {"  two   dogs\tin \n snow ", "[two dogs in snow]"},
        {"犬\xe3\x80\x80雪", "[犬 雪]"}, /* ideographic space */
        {"a\xc2\xa0"
         "b\xe2\x80\x89"
         "c",
         "[a b c]"}, /* no-break, thin */
        {"+\xe3\x80\x80犬", "[犬]"},
    };
    CHECK_ROWS(rows);
}

static void test_terms(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"two dogs + snow - people", "[two dogs] [snow] -[people]"},
        {"two dogs +snow -people", "[two dogs] [snow] -[people]"},
        {"-people", "-[people]"},
        {"+ a", "[a]"},
        {"-t-shirt x", "-[t-shirt x]"},
        {"\"black & white\" 2:beach 0.5:@me.jpg", "[black & white] 2[beach] 0.5@[me.jpg]"},
        {"a \"b c\" d", "[a] [b c] [d]"},
        {"\"a\"\"b\"", "[a] [b]"},
        {"\"cat\", \"dog\".", "[cat] [dog]"},
        {"\"cat\".5", "[cat] [.5]"},
        {"\"a \\\" b \\\\ c \\d\"", "[a \" b \\ c \\d]"},
        {"\"- not: a sign\"", "[- not: a sign]"},
        {"\"  kept   as it is \"", "[  kept   as it is ]"},
        {"\xe2\x80\x9c"
         "black & white\xe2\x80\x9d cat",
         "[black & white] [cat]"},
        {"\xe2\x80\x9cno end", "[\xe2\x80\x9cno end]"},
        {"@me.jpg", "@[me.jpg]"},
        {"@/a/b(1).jpg dogs", "@[/a/b(1).jpg] [dogs]"},
        {"@\"my pictures/a \\\"b\\\".jpg\"", "@[my pictures/a \"b\".jpg]"},
        {"-@\"a b\" x", "-@[a b] [x]"},
        {"#17", "#17"},
        {"#17 #18 - #19", "#17 #18 -#19"},
        {"#9007199254740991", "#9007199254740991"},
        {"2:red", "2[red]"},
        {"2:red car 0.5:\"a b\"", "2[red car] 0.5[a b]"},
        {"-2:#17", "-2#17"},
        {"- 2:red", "-2[red]"},
        {"10:red .5:blue 1:green 2.0:é", "10[red] 0.5[blue] [green] 2[é]"},
        {"a 2:b", "[a] 2[b]"},
        {"a2:b", "[a2:b]"},
        {"2:http://x", "2[http://x]"},
        {"2:@ home", "2[@ home]"},
        {"2:#x", "2[#x]"},
        {"dogs -", "[dogs]"},
        {"dogs +", "[dogs]"},
        {"- + dogs", "[dogs]"},
        {"+ - dogs", "-[dogs]"},
        {"a - + b", "[a] [b]"},
        {"-", "[-]"},
        {" + ", "[+]"},
        {"+ -", "[+ -]"},
        {"- + ", "[- +]"},
    };
    CHECK_ROWS(rows);
}

static void test_errors(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"a \"b c",
         "! 2+1 this quote has no end: put another \" behind the last word, or take it out"},
        {"@\"b c",
         "! 1+1 this quote has no end: put another \" behind the last word, or take it out"},
        {"path:\"b c",
         "! 5+1 this quote has no end: put another \" behind the last word, or take it out"},
        {"\"b\\\"",
         "! 0+1 this quote has no end: put another \" behind the last word, or take it out"},
        {"a \"\"", "! 2+2 there is nothing in these quotes"},
        {"\" \"", "! 0+3 there is nothing in these quotes"},
        {"@\"\" x", "! 0+3 there is no name behind @"},
        {"#0", "! 0+2 no picture has this number; as words it needs quotes: \"#0\""},
        {"x #9007199254740992",
         "! 2+17 no picture has this number; as words it needs quotes: \"#9007199254740992\""},
        {"0:red", "! 0+2 a weight is more than 0 and at most 10; as words it needs quotes"},
        {"a 10.5:red", "! 2+5 a weight is more than 0 and at most 10; as words it needs quotes"},
        {"2:-red", "! 0+3 the sign comes before the weight: -2:"},
        {"2:+\"a b\"", "! 0+3 the sign comes before the weight: +2:"},
        {"2:format:png", "! 0+2 a weight is for words and pictures; filters hold or don't"},
        {"2:(format:png)", "! 0+2 a weight is for words and pictures; filters hold or don't"},
        {"caf\xe9", "! 3+1 here is no text in UTF-8"},
    };
    CHECK_ROWS(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_words),
        cmocka_unit_test(test_blanks),
        cmocka_unit_test(test_terms),
        cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
