/* duplicates_put.c - groups of duplicates as text, as JSON, and as a list of files to be deleted.
 *
 * The list is what makes this dangerous, so a file is on it only if the one that stays is there at this moment: a regular file of
 * the size that was indexed, and not the same file under another name (a link, or one folder mounted twice: to delete "the
 * copy" would delete the last one). Similar pictures are other pictures and are never on it. */
#include <sys/stat.h>

#include "base/json.h"
#include "cli/duplicates.h"

const char *dup_kind_name(eye_dup_kind kind)
{
    return kind == EYE_DUP_SAME ? "same" : kind == EYE_DUP_NEAR ? "near" : "similar";
}

void dup_printer_init(struct dup_printer *p, const struct dup_args *args)
{
    *p = (struct dup_printer){.args = args, .last_kind = -1};
    buf_init(&p->line, (size_t)1 << 30);
}

void dup_printer_release(struct dup_printer *p)
{
    buf_release(&p->line);
}

/* ---- JSON ---- */

static void put_member_json(struct json_writer *w, const eye_dup_member *m)
{
    jw_object(w);
    jw_kint(w, "id", m->id);
    cli_json_path(w, m->path);
    jw_kbool(w, "offline", m->offline);
    jw_kint(w, "size", (int64_t)m->size);
    jw_kint(w, "width", m->width);
    jw_kint(w, "height", m->height);
    jw_kstr(w, "format", m->format);
    jw_kstr(w, "hash", m->hash);
    jw_key(w, "distance");
    if (m->distance >= 0)
        jw_int(w, m->distance);
    else
        jw_null(w);
    jw_knum(w, "cosine", (double)m->cosine, 6);
    jw_object_end(w);
}

static int put_json(struct dup_printer *p, const eye_dup_group *g)
{
    struct json_writer w;
    jw_init(&w, &p->line);
    jw_object(&w);
    jw_kstr(&w, "kind", dup_kind_name(g->kind));
    jw_kint(&w, "id", g->members[0].id);
    jw_key(&w, "members");
    jw_array(&w);
    for (size_t i = 0; i < g->n; i++)
        put_member_json(&w, &g->members[i]);
    jw_array_end(&w);
    jw_object_end(&w);
    return cli_put_json(&p->line);
}

/* ---- text ---- */

static void put_heading(struct dup_printer *p, eye_dup_kind kind)
{
    static const char *const headings[] = {"The same bytes in several files",
                                           "One picture, stored differently",
                                           "Other pictures of much the same"};
    if (p->last_kind != (int)kind)
        printf("%s%s:\n", p->last_kind < 0 ? "" : "\n", headings[kind]);
    p->last_kind = (int)kind;
}

static void put_facts(const eye_dup_member *m, eye_dup_kind kind, bool first)
{
    char bytes[24];
    cli_human_bytes(m->size, bytes);
    printf("%d x %d %s, %s", m->width, m->height, m->format, bytes);
    if (kind == EYE_DUP_NEAR && !first)
        printf(", %d bits", m->distance);
    if (kind != EYE_DUP_SAME && !first)
        printf(", %.3f", (double)m->cosine);
}

static void put_text(struct dup_printer *p, const eye_dup_group *g)
{
    put_heading(p, g->kind);
    for (size_t i = 0; i < g->n; i++) {
        const eye_dup_member *m = &g->members[i];
        fputs(i ? "    " : "\n  ", stdout);
        cli_put_path(stdout, m->path);
        if (i == 0 || g->kind != EYE_DUP_SAME) {
            fputs("  (", stdout);
            put_facts(m, g->kind, i == 0);
            fputs(m->offline ? ", offline)" : ")", stdout);
        } else if (m->offline) {
            fputs("  (offline)", stdout);
        }
        putchar('\n');
    }
}

/* ---- files that may go ---- */

static bool is_there(const eye_dup_member *m, struct stat *st)
{
    return !m->offline && stat(m->path, st) == 0 && S_ISREG(st->st_mode) &&
           (uint64_t)st->st_size == m->size;
}

static int put_null(struct dup_printer *p, const eye_dup_group *g)
{
    struct stat kept, st;
    bool sure = is_there(&g->members[0], &kept);
    p->left_out += !sure;
    for (size_t i = 1; i < g->n && sure; i++) {
        const eye_dup_member *m = &g->members[i];
        if (!is_there(m, &st) || (st.st_dev == kept.st_dev && st.st_ino == kept.st_ino))
            continue;
        if (fwrite(m->path, 1, strlen(m->path) + 1, stdout) == 0)
            return CLI_FAILED;
    }
    return 0;
}

int dup_put(void *printer, const eye_dup_group *g)
{
    struct dup_printer *p = printer;
    dup_show_progress(false, NULL, 0, 0);
    p->groups++;
    for (size_t i = 1; i < g->n; i++) {
        p->spare++;
        p->bytes += g->members[i].offline ? 0 : g->members[i].size;
    }
    if (p->args->json)
        return put_json(p, g);
    if (p->args->null)
        return put_null(p, g);
    put_text(p, g);
    return cli_stopped() ? 1 : 0;
}

static void say_unknown(uint64_t unknown)
{
    char pictures[48];
    if (unknown)
        cli_say(
            "%s not compared: indexed by an older version, and the files cannot be read just now",
            cli_count(unknown, "picture", pictures));
}

int dup_sum_up(const struct dup_printer *p, uint64_t unknown, bool quiet)
{
    char bytes[24], groups[48], files[48];
    if (!quiet)
        say_unknown(unknown);
    if (p->left_out)
        cli_say("%s %s left out: the file that would stay is not there, or was changed "
                "since it was indexed",
                cli_count(p->left_out, "group", groups), p->left_out == 1 ? "is" : "are");
    if (p->groups == 0 && !quiet)
        cli_say("nothing found");
    if (p->groups == 0)
        return CLI_PARTLY;
    cli_human_bytes(p->bytes, bytes);
    if (!p->args->json && !p->args->null)
        printf("\n%s; without the others beside the first of each: %s, %s less\n",
               cli_count(p->groups, "group", groups), cli_count(p->spare, "file", files), bytes);
    return CLI_OK;
}

void dup_show_progress(bool quiet, const char *what, uint64_t done, uint64_t total)
{
    static bool drawn;
    if (quiet || (!total && !drawn) || !cli_tty(stderr))
        return;
    if (total)
        fprintf(stderr, "\r%s: %llu of %llu\x1b[K", what, (unsigned long long)done,
                (unsigned long long)total);
    else
        fputs("\r\x1b[K", stderr);
    drawn = total != 0;
    fflush(stderr);
}
