/* test_restore_hostile.c - backups that are damaged or made to harm: each is refused with a sentence, and nothing of it is left behind.
 *
 * A good backup is taken apart, changed, and put together again with hashes that fit: only what a test is about is wrong. */
#include "engine/backup_fixture.h"

#include "base/json.h"
#include "engine/backup.h"

enum { PARTS = 16 };

struct part {
    char name[300];
    char *bytes;
    size_t len;
};

struct zip {
    struct part parts[PARTS];
    size_t n;
};

static struct part *zip_part(struct zip *z, const char *name)
{
    for (size_t i = 0; i < z->n; i++)
        if (!strcmp(z->parts[i].name, name))
            return &z->parts[i];
    fail_msg("no part %s", name);
    return NULL;
}

static void zip_set(struct part *p, const char *name, const void *bytes, size_t len)
{
    snprintf(p->name, sizeof p->name, "%s", name);
    free(p->bytes);
    p->bytes = malloc(len + 1);
    memcpy(p->bytes, bytes, len);
    p->bytes[len] = '\0';
    p->len = len;
}

/* A new part as the `at`-th. */
static void zip_insert(struct zip *z, size_t at, const char *name, const char *text)
{
    assert_true(z->n < PARTS && at <= z->n);
    memmove(&z->parts[at + 1], &z->parts[at], (z->n - at) * sizeof *z->parts);
    z->n++;
    z->parts[at].bytes = NULL;
    zip_set(&z->parts[at], name, text, strlen(text));
}

static void zip_load(struct fx *fx, const char *name, struct zip *z)
{
    char path[600];
    struct zip_part part;
    struct stat st;
    int rc, fd = fs_open_regular(bx_path(fx, name, path), &st, &fx->err);
    struct zip_reader *r = zip_open(fd, &fx->err);
    assert_non_null(r);
    memset(z, 0, sizeof *z);
    while ((rc = zip_next(r, &part, &fx->err)) == 1) {
        char *bytes = malloc((size_t)part.size + 1);
        FX_OK(fx, zip_read(r, &part, 0, bytes, (size_t)part.size, &fx->err));
        zip_set(&z->parts[z->n++], part.name, bytes, (size_t)part.size);
        free(bytes);
    }
    FX_OK(fx, rc);
    zip_close(r);
    close(fd);
}

static void zip_unload(struct zip *z)
{
    for (size_t i = 0; i < z->n; i++)
        free(z->parts[i].bytes);
}

static int to_file(void *ctx, const void *bytes, size_t len)
{
    return fwrite(bytes, 1, len, ctx) != len;
}

static void zip_save(struct fx *fx, const char *name, const struct zip *z)
{
    char path[600];
    FILE *f = fopen(bx_path(fx, name, path), "wb");
    struct zip_writer *w = zip_new(to_file, f, &fx->err);
    assert_non_null(w);
    for (size_t i = 0; i < z->n; i++)
        FX_OK(fx, zip_add_bytes(w, z->parts[i].name, z->parts[i].bytes, z->parts[i].len, &fx->err));
    FX_OK(fx, zip_finish(w, &fx->err));
    zip_free(w);
    assert_int_equal(fclose(f), 0);
}

/* Sums and manifest as they would be for these parts, had eyeshine written them. */
static void zip_settle(struct fx *fx, struct zip *z, const struct backup_manifest *from)
{
    struct buf sums, manifest;
    struct hash hash;
    struct backup_manifest m = *from;
    buf_init(&sums, 1 << 20);
    buf_init(&manifest, 1 << 20);
    m.uploads = m.upload_bytes = 0;
    for (size_t i = 0; i + 2 < z->n; i++) {
        hash_bytes(z->parts[i].bytes, z->parts[i].len, &hash);
        FX_OK(fx, backup_sum_line(&hash, z->parts[i].name, &sums, &fx->err));
        if (i == 0) {
            m.database_hash = hash;
            m.database_bytes = z->parts[i].len;
        } else {
            m.uploads++;
            m.upload_bytes += z->parts[i].len;
        }
    }
    hash_bytes(sums.data, sums.len, &m.sums_hash);
    m.sums_bytes = sums.len;
    zip_set(&z->parts[z->n - 2], BACKUP_SUMS, sums.data, sums.len);
    FX_OK(fx, backup_manifest_write(&m, &manifest, &fx->err));
    zip_set(&z->parts[z->n - 1], BACKUP_MANIFEST, manifest.data, manifest.len);
    buf_release(&sums);
    buf_release(&manifest);
}

static struct backup_manifest manifest_of(struct fx *fx, struct zip *z)
{
    struct backup_manifest m;
    struct part *p = zip_part(z, BACKUP_MANIFEST);
    FX_OK(fx, backup_manifest_read(p->bytes, p->len, &m, &fx->err));
    return m;
}

/* bad.zip is refused, for this reason; by a check as well unless it takes the database to see it. */
static void assert_refused(struct fx *fx, const char *why, bool check_sees)
{
    char path[600];
    if (check_sees)
        assert_int_equal(eye_backup_check(bx_path(fx, "bad.zip", path), NULL, &fx->err),
                         EYE_EFORMAT);
    int rc = bx_restore_rc(fx, "bad.zip", "far/new");
    if (rc != EYE_EFORMAT || !strstr(fx->err.msg, why) || !strstr(fx->err.msg, "bad.zip"))
        fail_msg("%d: %s, not \"%s\"", rc, fx->err.msg, why);
    assert_string_equal(bx_names(fx), "bad.zip lib photos x.zip ");
    assert_int_equal(mkdir(bx_path(fx, "empty", path), 0700), 0);
    assert_int_equal(bx_restore_rc(fx, "bad.zip", "empty"), EYE_EFORMAT);
    assert_int_equal(rmdir(path), 0); /* it is as empty as before */
}

/* ---- the parts ---- */

static void test_paths_that_lead_elsewhere(void **state)
{
    static const char *const names[] = {
        "uploads/../../evil.jpg",
        "uploads/..",
        "uploads//etc/evil.jpg",
        "uploads/a/./b.jpg",
        "uploads/a/",
        "uploads/",
        "../evil.jpg",
        "/etc/evil.jpg",
        "evil.jpg",
        "uploads.hex/2e2e2fff", /* ../ and no UTF-8 */
        "uploads.hex/61",       /* "a", which needs no hex */
        "uploads.hex/ff00",
        "uploads.hex/f",
        "uploads.hex/FF",
        "uploads.hex/",
        "library.db-wal",
        "index/x.seg",
        ".eyeshine-work",
    };
    struct fx *fx = bx_new(state);
    struct zip good;
    bx_backup(fx, "x.zip");
    zip_load(fx, "x.zip", &good);
    struct backup_manifest m = manifest_of(fx, &good);
    zip_unload(&good);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct zip z;
        zip_load(fx, "x.zip", &z);
        zip_insert(&z, 1, names[i], "evil");
        zip_settle(fx, &z, &m);
        zip_save(fx, "bad.zip", &z);
        assert_refused(fx, "leads out of the uploads folder or cannot be a file there", true);
        zip_unload(&z);
    }
    fx_free(fx);
}

static void test_parts_that_are_in_each_others_way(void **state)
{
    struct fx *fx = bx_new(state);
    struct zip z;
    bx_backup(fx, "x.zip");
    zip_load(fx, "x.zip", &z);
    struct backup_manifest m = manifest_of(fx, &z);
    zip_insert(&z, 1, "uploads/one.bmp", "again"); /* before the real one */
    zip_settle(fx, &z, &m);
    zip_save(fx, "bad.zip", &z);
    assert_refused(fx, "twice, or not where it should be", true);
    zip_set(&z.parts[1], "uploads/zzz.bmp", "order", 5);
    zip_settle(fx, &z, &m);
    zip_save(fx, "bad.zip", &z);
    assert_refused(fx, "twice, or not where it should be", true);
    zip_set(&z.parts[1], "uploads/a.jpg", "file", 4);
    zip_insert(&z, 2, "uploads/a.jpg/b.jpg", "in a file");
    zip_settle(fx, &z, &m);
    zip_save(fx, "bad.zip", &z);
    assert_refused(fx, "a file where its folder should be", false);
    zip_unload(&z);
    fx_free(fx);
}

static void test_parts_that_are_missing(void **state)
{
    struct fx *fx = bx_new(state);
    bx_backup(fx, "x.zip");
    static const char *const gone[] = {BACKUP_DATABASE, BACKUP_SUMS, BACKUP_MANIFEST,
                                       "uploads/one.bmp"};
    for (size_t i = 0; i < 4; i++) {
        struct zip z;
        zip_load(fx, "x.zip", &z);
        struct part *p = zip_part(&z, gone[i]);
        free(p->bytes);
        memmove(p, p + 1, (size_t)(&z.parts[--z.n] - p) * sizeof *p);
        zip_save(fx, "bad.zip", &z);
        assert_refused(fx,
                       i < 3 ? "its parts are not those that a backup has"
                             : "what it holds is not what its manifest says",
                       true);
        zip_unload(&z);
    }
    struct zip none = {.n = 0};
    zip_save(fx, "bad.zip", &none);
    assert_refused(fx, "its parts are not", true);
    fx_free(fx);
}

/* ---- the manifest ---- */

static void test_manifests_that_lie(void **state)
{
    struct fx *fx = bx_new(state);
    bx_backup(fx, "x.zip");
    for (int i = 0; i < 9; i++) {
        struct zip z;
        zip_load(fx, "x.zip", &z);
        struct backup_manifest m = manifest_of(fx, &z);
        const char *why = "its database does not have the pictures";
        switch (i) {
        case 0: m.pictures++; break;
        case 1: m.files--; break;
        case 2: m.failures = 0; break;
        case 3: m.roots = 77; break;
        case 4: m.layout = 2, why = "does not have the layout"; break;
        case 5: m.layout = 99, why = "a newer eyeshine"; break;
        case 6: m.format = 2, why = "a newer eyeshine"; break;
        case 7: m.fingerprint.bytes[3] ^= 1, why = "does not have the model"; break;
        default: snprintf(m.model, sizeof m.model, "other"), why = "does not have the model";
        }
        zip_settle(fx, &z, &m);
        zip_save(fx, "bad.zip", &z);
        assert_refused(fx, why, i == 5 || i == 6);
        zip_unload(&z);
    }
    fx_free(fx);
}

static void test_manifests_that_do_not_fit(void **state)
{
    struct fx *fx = bx_new(state);
    struct buf text;
    bx_backup(fx, "x.zip");
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 7; i++) {
        struct zip z;
        zip_load(fx, "x.zip", &z);
        struct part *p = zip_part(&z, BACKUP_MANIFEST);
        struct backup_manifest m = manifest_of(fx, &z);
        const char *why = "what it holds is not what its manifest says";
        switch (i) {
        case 0: m.database_bytes++; break;
        case 1: m.upload_bytes--; break;
        case 2: m.uploads = 1ull << 40; break;
        case 3: m.sums_bytes += 66; break;
        case 4: m.sums_hash.bytes[0] ^= 1, why = "the bytes of SHA256SUMS"; break;
        case 5: m.database_hash.bytes[31] ^= 1, why = "the bytes of library.db"; break;
        default: m.format = 0, why = "not that of a backup";
        }
        buf_clear(&text);
        FX_OK(fx, backup_manifest_write(&m, &text, &fx->err));
        zip_set(p, BACKUP_MANIFEST, text.data, text.len);
        zip_save(fx, "bad.zip", &z);
        assert_refused(fx, why, true);
        zip_unload(&z);
    }
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "{\"eyeshine_backup\":1}",
                                        "{\"eyeshine_backup\":1,\"layout\":3}",
                                        "{\"eyeshine_backup\":1,\"layout\":-3}",
                                        "\0\0\0"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct zip z;
        zip_load(fx, "x.zip", &z);
        zip_set(zip_part(&z, BACKUP_MANIFEST), BACKUP_MANIFEST, texts[i], strlen(texts[i]));
        zip_save(fx, "bad.zip", &z);
        assert_refused(fx, "anifest", true);
        zip_unload(&z);
    }
    buf_release(&text);
    fx_free(fx);
}

/* ---- the bytes ---- */

static void test_databases_that_are_none(void **state)
{
    struct fx *fx = bx_new(state);
    struct zip z;
    bx_backup(fx, "x.zip");
    zip_load(fx, "x.zip", &z);
    struct backup_manifest m = manifest_of(fx, &z);
    struct part *db = zip_part(&z, BACKUP_DATABASE);
    uint32_t other = 0x31323334;
    memcpy(db->bytes + 68, &other, 4); /* application_id: another program's */
    zip_settle(fx, &z, &m);
    zip_save(fx, "bad.zip", &z);
    int rc = bx_restore_rc(fx, "bad.zip", "new");
    assert_int_equal(rc, EYE_EFORMAT);
    assert_non_null(strstr(fx->err.msg, "some other program"));
    assert_non_null(strstr(fx->err.msg, "bad.zip: "));
    zip_set(zip_part(&z, BACKUP_DATABASE), BACKUP_DATABASE, "no database at all, just text", 29);
    zip_settle(fx, &z, &m);
    zip_save(fx, "bad.zip", &z);
    assert_int_equal(bx_restore_rc(fx, "bad.zip", "new"), EYE_EFORMAT);
    zip_set(zip_part(&z, BACKUP_DATABASE), BACKUP_DATABASE, "", 0);
    zip_settle(fx, &z, &m);
    zip_save(fx, "bad.zip", &z);
    assert_int_not_equal(bx_restore_rc(fx, "bad.zip", "new"), 0);
    assert_string_equal(bx_names(fx), "bad.zip lib photos x.zip ");
    zip_unload(&z);
    fx_free(fx);
}

static char *slurp(struct fx *fx, const char *name, size_t *len)
{
    char path[600];
    struct buf b;
    buf_init(&b, 64 << 20);
    FX_OK(fx, fs_read_all(bx_path(fx, name, path), &b, &fx->err));
    return buf_detach(&b, len);
}

static void test_cut_short(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600];
    size_t len;
    bx_backup(fx, "x.zip");
    char *bytes = slurp(fx, "x.zip", &len);
    for (size_t keep = 0; keep < len; keep += keep < len - 900 ? 40009 : 61) {
        fx_write(fx, bx_path(fx, "bad.zip", path), bytes, keep);
        assert_int_equal(eye_backup_check(path, NULL, &fx->err), EYE_EFORMAT);
    }
    fx_write(fx, path, bytes, len - 1);
    assert_refused(fx, "cut short", true);
    free(bytes);
    fx_free(fx);
}

/* A flipped bit is seen, or is one that means nothing: what comes back is the same then. */
static void test_flipped_bits(void **state)
{
    struct fx *fx = bx_new(state);
    char path[600];
    size_t len, seen = 0, tried = 0;
    bx_backup(fx, "x.zip");
    char *bytes = slurp(fx, "x.zip", &len);
    for (size_t at = 0; at < len; at += at < 100 || at > len - 2600 ? 7 : 5003) {
        bytes[at] = (char)(bytes[at] ^ 1 << at % 8);
        fx_write(fx, bx_path(fx, "bad.zip", path), bytes, len);
        bytes[at] = (char)(bytes[at] ^ 1 << at % 8);
        tried++;
        if (bx_restore_rc(fx, "bad.zip", "new") != 0) {
            seen++;
            assert_string_equal(bx_names(fx), "bad.zip lib photos x.zip ");
            continue;
        }
        char command[1400];
        snprintf(command, sizeof command, "diff -r %s/lib/uploads %s/new/uploads", fx->dir,
                 fx->dir);
        assert_int_equal(system(command), 0);
        fx_rm(bx_path(fx, "new", path));
    }
    free(bytes);
    assert_true(seen > tried / 2);
    fx_free(fx);
}

/* A link in a zip is a file with its target as text: it comes out as that, and only if that was backed up. */
static void test_links_and_foreign_zips(void **state)
{
    struct fx *fx = bx_new(state);
    char command[1400];
    bx_backup(fx, "x.zip");
    snprintf(command, sizeof command,
             "cd %s && python3 -c 'import zipfile\n"
             "a = zipfile.ZipFile(\"x.zip\"); b = zipfile.ZipFile(\"bad.zip\", \"w\")\n"
             "for i in a.infolist():\n"
             "    j = zipfile.ZipInfo(i.filename); data = a.read(i)\n"
             "    if i.filename == \"uploads/one.bmp\":\n"
             "        j.external_attr = 0o120777 << 16; data = b\"/etc/passwd\"\n"
             "    b.writestr(j, data)\n"
             "b.close()'",
             fx->dir);
    assert_int_equal(system(command), 0);
    assert_refused(fx, "what it holds is not what its manifest says", true);
    snprintf(command, sizeof command,
             "cd %s && python3 -c 'import zipfile\n"
             "a = zipfile.ZipFile(\"x.zip\"); b = zipfile.ZipFile(\"bad.zip\", \"w\", "
             "zipfile.ZIP_DEFLATED)\n"
             "for i in a.infolist(): b.writestr(i.filename, a.read(i))\n"
             "b.writestr(\"bomb\", b\"0\" * 100000000)\n"
             "b.close()'",
             fx->dir);
    assert_int_equal(system(command), 0);
    assert_refused(fx, "compressed", true);
    snprintf(command, sizeof command, "cd %s && head -c 5000 /dev/urandom >bad.zip", fx->dir);
    assert_int_equal(system(command), 0);
    assert_refused(fx, "not a zip", true);
    fx_free(fx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_that_lead_elsewhere),
        cmocka_unit_test(test_parts_that_are_in_each_others_way),
        cmocka_unit_test(test_parts_that_are_missing),
        cmocka_unit_test(test_manifests_that_lie),
        cmocka_unit_test(test_manifests_that_do_not_fit),
        cmocka_unit_test(test_databases_that_are_none),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_flipped_bits),
        cmocka_unit_test(test_links_and_foreign_zips),
    };
    return cmocka_run_group_tests(tests, fx_group_setup, fx_group_teardown);
}
