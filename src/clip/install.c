/* install.c - models as folders on disk: copying one in, checking that it is still what it was.
 *
 * An import is made in a folder beside its place and renamed there when every file is on the disk, so a model
 * is either complete or not there. Each copy is read back for its sum: what eyeshine.json records is what lies there.
 * Only what belongs to a model is copied: a repository's other weights (.bin, .onnx) would double it. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fs.h"
#include "base/json.h"
#include "clip/clip.h"
#include "clip/config.h"

enum { FILES_MAX = 32, NAME_LEN = 96, MANIFEST_MAX = 1 << 20 };
static const char MANIFEST[] = "eyeshine.json";

/* A plain name of a file in the model's folder, not a way out of it. */
static bool plain_name(const char *name)
{
    return *name && *name != '.' && !strchr(name, '/') && strlen(name) < NAME_LEN;
}

/* eyeshine.json of a folder. NULL with err->code EYE_ENOTFOUND if there is none. */
static struct json *read_manifest(const char *dir, struct eye_err *err)
{
    char *path = fs_join(dir, MANIFEST, err);
    if (!path)
        return NULL;
    struct json *root = json_parse_file(path, MANIFEST_MAX, err);
    free(path);
    return root;
}

/* ---- checking ---- */

struct check {
    const char *dir;
    void (*report)(void *ctx, const char *file, bool ok, const char *note);
    void *ctx;
    size_t files, bad;
};

static const char *check_file(const char *path, const struct json *entry)
{
    struct hash have, want;
    uint64_t bytes = 0;
    struct eye_err err;
    if (hash_from_hex(json_get_str(entry, "sha256", ""), &want, NULL))
        return "eyeshine.json has no proper sum for it";
    int code = hash_file(path, &have, &bytes, &err);
    if (code)
        return code == EYE_ENOTFOUND ? "is missing" : "cannot be read";
    if (hash_cmp(&have, &want) == 0)
        return NULL;
    int64_t size = json_get_int(entry, "bytes", (int64_t)bytes);
    return size == (int64_t)bytes ? "has other contents than it should"
                                  : "has another size than it should";
}

static int check_member(void *ctx, const char *name, const struct json *entry)
{
    struct check *check = ctx;
    const char *note = "eyeshine.json names a file outside of the model";
    if (plain_name(name)) {
        char *path = fs_join(check->dir, name, NULL);
        if (!path)
            return EYE_ENOMEM;
        note = check_file(path, entry);
        free(path);
    }
    check->files++;
    check->bad += note != NULL;
    if (check->report)
        check->report(check->ctx, name, !note, note ? note : "");
    return 0;
}

static int check_opens(const char *dir, struct eye_err *err)
{
    struct eye_err local = {0, ""};
    struct clip *clip = clip_open(dir, &local);
    if (!clip)
        return eye_fail(err, local.code ? local.code : EYE_EINTERNAL, "%s", local.msg);
    clip_close(clip);
    return 0;
}

int clip_verify(const char *dir,
                void (*report)(void *ctx, const char *file, bool ok, const char *note), void *ctx,
                struct eye_err *err)
{
    struct check check = {.dir = dir, .report = report, .ctx = ctx};
    struct eye_err local = {0, ""};
    struct json *root = read_manifest(dir, &local);
    if (!root && local.code != EYE_ENOTFOUND)
        return eye_fail(err, local.code, "%s", local.msg);
    int code = json_each(json_get(root, "files"), check_member, &check);
    json_free(root);
    if (code)
        return eye_fail(err, code, "%s: not enough memory to check the model", dir);
    if (check.bad)
        return eye_fail(
            err, EYE_EFORMAT,
            "%s: %zu of %zu files are not what eyeshine.json says: the model is damaged or "
            "was changed; import it again",
            dir, check.bad, check.files);
    return check_opens(dir, err);
}

/* ---- copying ---- */

struct import_file {
    char name[NAME_LEN];
    struct hash sum;
    uint64_t bytes;
};

struct import {
    const char *from, *to;
    char *temp;            /* the folder being made, beside `to` */
    struct json *manifest; /* of the source; NULL if it has none */
    struct import_file files[FILES_MAX];
    size_t nfiles;
    uint64_t bytes;
};

/* What besides the configuration and the weights that are used belongs to a model. */
static bool belongs(const char *name)
{
    static const char *const NAMES[] = {"vocab.txt",
                                        "vocab.json",
                                        "merges.txt",
                                        "tokenizer.json",
                                        "tokenizer_config.json",
                                        "special_tokens_map.json",
                                        "preprocessor_config.json",
                                        "text_config.json",
                                        "config.json",
                                        "open_clip_config.json",
                                        "README.md",
                                        "NOTICE"};
    for (size_t i = 0; i < sizeof(NAMES) / sizeof(NAMES[0]); i++)
        if (strcmp(name, NAMES[i]) == 0)
            return true;
    return strncasecmp(name, "LICENSE", 7) == 0 || strncasecmp(name, "LICENCE", 7) == 0;
}

static int add_file(struct import *import, const char *name, struct eye_err *err)
{
    for (size_t i = 0; i < import->nfiles; i++)
        if (strcmp(import->files[i].name, name) == 0)
            return 0;
    if (!plain_name(name) || import->nfiles == FILES_MAX)
        return eye_fail(err, EYE_ELIMIT,
                        "%s: a model of more than %d files, or \"%s\" is no name for one",
                        import->from, FILES_MAX, name);
    char *path = fs_join(import->from, name, err);
    if (!path)
        return EYE_ENOMEM;
    struct stat st;
    int failed = stat(path, &st) != 0;
    int code = failed ? eye_fail_errno(err, errno, "%s: cannot look at the file", path) : 0;
    free(path);
    if (code || !S_ISREG(st.st_mode))
        return code;
    struct import_file *file = &import->files[import->nfiles++];
    snprintf(file->name, sizeof(file->name), "%s", name);
    import->bytes += (uint64_t)st.st_size;
    return 0;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* The configuration and weights that opening reads, and what else belongs. */
static int list_files(struct import *import, struct eye_err *err)
{
    struct config config;
    int code = config_load(import->from, &config, err);
    if (code)
        return code;
    code = add_file(import, base_name(config.weights), err);
    for (size_t i = 0; i < CONFIG_FILES_MAX && config.files[i] && !code; i++)
        code = add_file(import, base_name(config.files[i]), err);
    config_release(&config);
    DIR *dir = code ? NULL : opendir(import->from);
    if (!code && !dir)
        return eye_fail_errno(err, errno, "%s: cannot list the folder", import->from);
    for (struct dirent *e; dir && !code && (e = readdir(dir));)
        if (belongs(e->d_name))
            code = add_file(import, e->d_name, err);
    if (dir)
        closedir(dir);
    return code;
}

/* The folder that `path`, which ends in no slash, lies in. Yours to free. */
static char *parent_of(const char *path, struct eye_err *err)
{
    char *copy = mem_strdup(path, err);
    if (!copy)
        return NULL;
    char *slash = strrchr(copy, '/');
    if (!slash)
        memcpy(copy, ".", 2); /* `to` is not empty */
    else
        slash[slash == copy ? 1 : 0] = '\0';
    return copy;
}

static int check_space(const struct import *import, const char *parent, struct eye_err *err)
{
    struct statvfs fs;
    if (statvfs(parent, &fs) != 0)
        return eye_fail_errno(err, errno, "%s: cannot see how much room there is", parent);
    uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize, need = import->bytes + MANIFEST_MAX;
    if (room >= need)
        return 0;
    return eye_fail(
        err, EYE_EIO,
        "%s: the model needs %llu MB, but only %llu MB are free there; make room or choose "
        "another folder",
        parent, (unsigned long long)(need / 1000000), (unsigned long long)(room / 1000000));
}

/* The folder to work in, on the disk where `to` will lie. */
static int make_temp(struct import *import, struct eye_err *err)
{
    char *parent = parent_of(import->to, err);
    if (!parent)
        return EYE_ENOMEM;
    int code = fs_mkdirs(parent, err);
    if (!code)
        code = check_space(import, parent, err);
    char *temp = code ? NULL : fs_join(parent, ".eyeshine-import-XXXXXX", err);
    if (!code && !temp)
        code = EYE_ENOMEM;
    if (!code && !mkdtemp(temp))
        code = eye_fail_errno(err, errno, "%s: cannot make a folder there", parent);
    free(parent);
    if (code)
        free(temp);
    else
        import->temp = temp;
    return code;
}

static int copy_file(struct import *import, struct import_file *file, struct eye_err *err)
{
    char *from = fs_join(import->from, file->name, err),
         *to = fs_join(import->temp, file->name, err);
    int code = from && to ? fs_copy(from, to, err) : EYE_ENOMEM;
    if (!code)
        code = hash_file(to, &file->sum, &file->bytes, err);
    const struct json *known = json_get(json_get(import->manifest, "files"), file->name);
    const char *hex = json_get_str(known, "sha256", NULL);
    struct hash want;
    if (!code && hex && (hash_from_hex(hex, &want, NULL) || hash_cmp(&want, &file->sum) != 0))
        code = eye_fail(err, EYE_EFORMAT,
                        "%s is not what the model's eyeshine.json says: it is damaged", from);
    free(from);
    free(to);
    return code;
}

static void write_calibration(struct json_writer *w, const char *name, const struct json *cal)
{
    jw_key(w, name);
    jw_object(w);
    jw_knum(w, "midpoint", json_get_num(cal, "midpoint", 0), 9);
    jw_knum(w, "scale", json_get_num(cal, "scale", 0), 9);
    jw_knum(w, "floor", json_get_num(cal, "floor", 0), 9);
    jw_object_end(w);
}

static void write_files(struct json_writer *w, const struct import *import)
{
    jw_key(w, "files");
    jw_object(w);
    for (size_t i = 0; i < import->nfiles; i++) {
        char hex[HASH_HEX_LEN + 1];
        hash_to_hex(&import->files[i].sum, hex);
        jw_key(w, import->files[i].name);
        jw_object(w);
        jw_kstr(w, "sha256", hex);
        jw_kint(w, "bytes", (int64_t)import->files[i].bytes);
        jw_object_end(w);
    }
    jw_object_end(w);
}

/* eyeshine.json of the copy: name, licence, revision and calibration of the source's if it has one. */
static int write_manifest(const struct import *import, struct eye_err *err)
{
    char weights[HASH_HEX_LEN + 1];
    hash_to_hex(&import->files[0].sum, weights);
    weights[12] = '\0';
    struct buf out;
    buf_init(&out, MANIFEST_MAX);
    struct json_writer w;
    jw_init(&w, &out);
    jw_object(&w);
    jw_kstr(&w, "name", json_get_str(import->manifest, "name", base_name(import->to)));
    jw_kstr(&w, "revision", json_get_str(import->manifest, "revision", weights));
    jw_kstr(&w, "licence", json_get_str(import->manifest, "licence", ""));
    write_files(&w, import);
    const struct json *cal = json_get(import->manifest, "calibration");
    const struct json *text = json_get(cal, "text"), *image = json_get(cal, "image");
    if (text && image) {
        jw_key(&w, "calibration");
        jw_object(&w);
        write_calibration(&w, "text", text);
        write_calibration(&w, "image", image);
        jw_object_end(&w);
    }
    jw_object_end(&w);
    char *path = fs_join(import->temp, MANIFEST, err);
    int code =
        w.code ? eye_fail(err, w.code, "%s: cannot put eyeshine.json together", import->to) : 0;
    if (!path)
        code = EYE_ENOMEM;
    if (!code)
        code = buf_putc(&out, '\n', err);
    if (!code)
        code = fs_write_atomic(path, out.data, out.len, 0644, err);
    free(path);
    buf_release(&out);
    return code;
}

/* rename(2) that never replaces, also where the file system knows no RENAME_NOREPLACE: a model's folder is not empty,
 * and onto such a folder rename refuses. */
static int rename_new(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    return errno == EINVAL || errno == ENOSYS ? rename(from, to) : -1;
}

/* The finished folder to its place, in one step. */
static int put_in_place(struct import *import, struct eye_err *err)
{
    if (rename_new(import->temp, import->to) != 0) {
        if (errno == EEXIST || errno == ENOTEMPTY)
            return eye_fail(err, EYE_EEXIST,
                            "%s is there already; choose another name or remove it first",
                            import->to);
        return eye_fail_errno(err, errno, "%s: cannot move the model there", import->to);
    }
    free(import->temp);
    import->temp = NULL;
    char *parent = parent_of(import->to, NULL);
    int fd = parent ? open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (fd >= 0) {
        fsync(fd); /* it is there either way; this only makes it outlive a power cut sooner */
        close(fd);
    }
    free(parent);
    return 0;
}

/* What a failed import has made so far: plain files in one folder. */
static void remove_temp(struct import *import)
{
    DIR *dir = import->temp ? opendir(import->temp) : NULL;
    for (struct dirent *e; dir && (e = readdir(dir));)
        unlinkat(dirfd(dir), e->d_name, 0); /* "." and ".." refuse */
    if (dir)
        closedir(dir);
    if (import->temp)
        rmdir(import->temp);
    free(import->temp);
    import->temp = NULL;
}

static int import_files(struct import *import, struct eye_err *err)
{
    int code = list_files(import, err);
    if (!code)
        code = make_temp(import, err);
    for (size_t i = 0; i < import->nfiles && !code; i++)
        code = copy_file(import, &import->files[i], err);
    if (!code)
        code = write_manifest(import, err);
    if (!code)
        code = check_opens(import->temp, err);
    return code ? code : put_in_place(import, err);
}

static int import_to(const char *from, const char *to, struct eye_err *err)
{
    struct stat st;
    struct import import = {.from = from, .to = to};
    if (lstat(to, &st) == 0)
        return eye_fail(err, EYE_EEXIST,
                        "%s is there already; choose another name or remove it first", to);
    int code = check_opens(from, err);
    if (code)
        return code;
    struct eye_err local = {0, ""};
    import.manifest = read_manifest(from, &local);
    if (!import.manifest && local.code != EYE_ENOTFOUND)
        return eye_fail(err, local.code, "%s", local.msg);
    code = import_files(&import, err);
    remove_temp(&import);
    json_free(import.manifest);
    return code;
}

int clip_import(const char *from, const char *to, struct eye_err *err)
{
    char *place = mem_strdup(to, err);
    if (!place)
        return EYE_ENOMEM;
    for (size_t n = strlen(place); n > 1 && place[n - 1] == '/';)
        place[--n] = '\0';
    int code = *place ? import_to(from, place, err)
                      : eye_fail(err, EYE_EINVAL, "the imported model needs a folder to go to");
    free(place);
    return code;
}
