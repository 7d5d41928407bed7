/* doctor.c - eye_doctor: look at this machine, the model, the library, and say what to do about what is wrong.
 *
 * Each check stands alone: one that fails does not keep the next from running. */
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/cpu.h"
#include "engine/engine.h"

enum { LOW_DISK_MIB = 512, LOW_MEMORY_MIB = 512, LOW_FILES = 256, MIB = 1 << 20 };

struct doctor {
    const eye_options *options;
    struct eng_places places;
    void (*fn)(void *ctx, eye_check_state state, const char *name, const char *text);
    void *ctx;
};

static void tell(struct doctor *d, eye_check_state state, const char *name, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void tell(struct doctor *d, eye_check_state state, const char *name, const char *fmt, ...)
{
    char text[EYE_ERR_MSG_MAX + 512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    d->fn(d->ctx, state, name, text);
}

/* ---- the machine ---- */

static void check_cpu(struct doctor *d)
{
    enum cpu_level level = cpu_level(), best = cpu_level_max();
    int n = cpu_count();
    if (level < best) {
        tell(d, EYE_CHECK_NOTE, "processor",
             "%d processors, %s kernels, though %s would work: unset EYESHINE_CPU", n,
             cpu_level_name(level), cpu_level_name(best));
    } else if (level == CPU_PORTABLE) {
        tell(d, EYE_CHECK_NOTE, "processor",
             "%d processors without AVX2: everything works, several times slower", n);
    } else {
        tell(d, EYE_CHECK_OK, "processor", "%d processors, %s kernels", n, cpu_level_name(level));
    }
}

static void check_memory(struct doctor *d)
{
    long pages = sysconf(_SC_AVPHYS_PAGES), all = sysconf(_SC_PHYS_PAGES);
    long size = sysconf(_SC_PAGESIZE);
    if (pages < 0 || all < 0 || size <= 0) {
        tell(d, EYE_CHECK_NOTE, "memory", "cannot be told on this system");
        return;
    }
    long total = (long)((double)all * (double)size / MIB);
    tell(d, total < LOW_MEMORY_MIB ? EYE_CHECK_BAD : EYE_CHECK_OK, "memory",
         total < LOW_MEMORY_MIB ? "%ld MiB: indexing needs some 400; use fewer --threads"
                                : "%ld MiB",
         total);
}

static void check_files(struct doctor *d)
{
    struct rlimit lim;
    if (getrlimit(RLIMIT_NOFILE, &lim) != 0 || lim.rlim_cur == RLIM_INFINITY) {
        tell(d, EYE_CHECK_OK, "open files", "no limit");
    } else if (lim.rlim_cur < LOW_FILES) {
        tell(d, EYE_CHECK_BAD, "open files",
             "at most %llu: raise it with `ulimit -n 1024`, deep folders need a descriptor a level",
             (unsigned long long)lim.rlim_cur);
    } else {
        tell(d, EYE_CHECK_OK, "open files", "at most %llu", (unsigned long long)lim.rlim_cur);
    }
}

/* ---- the decoder ---- */

/* A 2 x 2 BMP, 24 bits: header 14 + 40 bytes, rows padded to 8. */
static int tiny_picture(void)
{
    static const uint8_t bmp[70] = {'B', 'M', 70, 0, 0,  0, 0, 0, 0, 0,   54, 0, 0, 0,   40,
                                    0,   0,   0,  2, 0,  0, 0, 2, 0, 0,   0,  1, 0, 24,  0,
                                    0,   0,   0,  0, 16, 0, 0, 0, 0, 0,   0,  0, 0, 0,   0,
                                    0,   0,   0,  0, 0,  0, 0, 0, 0, 255, 0,  0, 0, 255, 0};
    int fd = memfd_create("eyeshine-doctor", MFD_CLOEXEC);
    if (fd >= 0 && write(fd, bmp, sizeof bmp) != (ssize_t)sizeof bmp) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static void check_decoder(struct doctor *d)
{
    struct image_limits limits = eng_limits(d->options);
    const struct image_prep prep = {2, 2, IMAGE_SHORTEST, IMAGE_BICUBIC, {0, 0, 0}, true};
    struct image img = {0, 0, NULL};
    struct image_meta meta;
    struct eye_err why = {0};
    int fd = tiny_picture();
    struct decoder_pool *pool = fd >= 0 ? decoder_open(1, &limits, &why) : NULL;
    if (!pool || decoder_decode(pool, fd, &prep, &img, &meta, &why) < 0) {
        tell(d, EYE_CHECK_BAD, "decoder",
             "pictures cannot be decoded in the sandbox here: %s; containers may need a seccomp "
             "profile that allows seccomp and prctl",
             fd < 0 ? "no memory file" : why.msg);
    } else {
        tell(d, EYE_CHECK_OK, "decoder", "works, in its sandbox");
    }
    image_release(&img);
    if (pool) {
        decoder_close(pool);
    }
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- the model ---- */

struct bad_file {
    char text[512];
};

static void on_model_file(void *ctx, const char *file, bool ok, const char *note)
{
    struct bad_file *bad = ctx;
    if (!ok && !bad->text[0]) {
        snprintf(bad->text, sizeof bad->text, "%s: %s", file, note ? note : "differs");
    }
}

static void check_model(struct doctor *d, const char *spec)
{
    struct eye_err why = {0};
    struct bad_file bad = {""};
    char *folder = eng_model_folder(&d->places, spec, &why);
    struct clip *clip = folder ? clip_open(folder, &why) : NULL;
    if (!clip) {
        tell(d, EYE_CHECK_BAD, "model", "%s", why.msg);
    } else if (clip_verify(folder, on_model_file, &bad, &why) < 0) {
        tell(d, EYE_CHECK_BAD, "model", "%s in %s is damaged: %s; install it again", spec, folder,
             bad.text[0] ? bad.text : why.msg);
    } else {
        const struct clip_info *info = clip_info(clip);
        tell(d, EYE_CHECK_OK, "model", "%s (%s; %d numbers a picture) in %s", spec,
             info->image_arch, info->dim, folder);
        if (!info->text_cal.measured) {
            tell(d, EYE_CHECK_NOTE, "calibration",
                 "%s brought none: similarities and the relevance line are guesses", spec);
        }
    }
    clip_close(clip);
    free(folder);
}

/* ---- the library ---- */

static void check_disk(struct doctor *d, const char *dir)
{
    struct statvfs fs;
    if (statvfs(dir, &fs) != 0) {
        return;
    }
    double mib = (double)fs.f_bavail * (double)fs.f_frsize / MIB;
    if (mib < LOW_DISK_MIB) {
        tell(d, EYE_CHECK_BAD, "disk", "%.0f MiB free below %s: make room before indexing", mib,
             dir);
    } else {
        tell(d, EYE_CHECK_OK, "disk", "%.1f GiB free below %s", mib / 1024, dir);
    }
}

static int on_root(void *ctx, const eye_root *root)
{
    struct doctor *d = ctx;
    struct eye_err path; /* as text */
    eye_fail(&path, 0, "%s", root->path);
    if (root->offline) {
        tell(d, EYE_CHECK_NOTE, "folder",
             "%s is offline: its %llu files stay in the library; connect it, or `eyeshine remove` "
             "it",
             path.msg, (unsigned long long)root->files);
    } else {
        tell(d, root->failures ? EYE_CHECK_NOTE : EYE_CHECK_OK, "folder",
             root->failures ? "%s: %llu files, %llu failed: see `eyeshine failures`"
                            : "%s: %llu files",
             path.msg, (unsigned long long)root->files, (unsigned long long)root->failures);
    }
    return 0;
}

static void check_originals(struct doctor *d, eye_lib *lib)
{
    eye_originals o;
    if (eye_originals_get(lib, &o, NULL) == 0 && o.place) {
        tell(d, o.reachable ? EYE_CHECK_OK : EYE_CHECK_BAD, "originals",
             o.reachable ? "%s can be reached" : "%s cannot be reached: %s", o.place, o.trouble);
    }
}

static void check_database(struct doctor *d, eye_lib *lib)
{
    uint64_t findings = 0;
    struct eye_err why = {0};
    eye_status st;
    if (eye_verify(lib, false, NULL, NULL, &findings, &why) < 0) {
        tell(d, EYE_CHECK_BAD, "database", "%s", why.msg);
    } else if (findings) {
        tell(d, EYE_CHECK_BAD, "database", "%llu findings: `eyeshine verify` lists them",
             (unsigned long long)findings);
    } else if (eye_status_get(lib, &st, &why) == 0) {
        tell(d, EYE_CHECK_OK, "database", "%llu pictures, %llu files, no findings",
             (unsigned long long)st.pictures, (unsigned long long)st.files);
        if (st.embedded < st.pictures) {
            tell(d, EYE_CHECK_NOTE, "vectors",
                 "%llu pictures have none of the model in use: `eyeshine index` embeds them",
                 (unsigned long long)(st.pictures - st.embedded));
        }
    }
}

/* A server counts and checks by itself: here it is only asked how it is. */
static bool check_server(struct doctor *d, eye_lib *lib)
{
    eye_remote r;
    eye_status st;
    struct eye_err why = {0};
    if (eye_remote_get(lib, &r, &why) < 0) {
        tell(d, EYE_CHECK_BAD, "server", "%s", why.msg);
        return false;
    }
    if (!r.reachable) {
        tell(d, EYE_CHECK_BAD, "server", "%s: %s", r.name, r.trouble);
        return false;
    }
    tell(d, EYE_CHECK_OK, "server", "%s, Milvus %s", r.name, r.version);
    if (!r.there) {
        tell(d, EYE_CHECK_NOTE, "collection",
             "none there yet; `eyeshine --store %s index FOLDER` makes it", r.name);
        return false;
    }
    tell(d, r.loaded ? EYE_CHECK_OK : EYE_CHECK_NOTE, "collection",
         "%s, index %s over %llu of %llu rows", r.state, r.index[0] ? r.index : "none",
         (unsigned long long)r.indexed, (unsigned long long)r.rows);
    if (eye_status_get(lib, &st, &why) < 0) {
        tell(d, EYE_CHECK_BAD, "database", "%s", why.msg);
        return false;
    }
    tell(d, EYE_CHECK_OK, "database", "%llu pictures, %llu files", (unsigned long long)st.pictures,
         (unsigned long long)st.files);
    return true;
}

static void check_library(struct doctor *d, char **spec)
{
    struct eye_err why = {0};
    eye_options o = *d->options;
    o.create = false;
    o.model = NULL; /* checked on its own */
    if (!o.library && !o.store) {
        tell(d, EYE_CHECK_NOTE, "library", "none was named");
        return;
    }
    eye_lib *lib = eye_open(&o, &why);
    if (!lib) {
        bool none = why.code == EYE_ENOTFOUND;
        tell(d, none ? EYE_CHECK_NOTE : EYE_CHECK_BAD, "library",
             none ? "%s: none there yet; `eyeshine index FOLDER` makes it" : "%s: %s",
             o.library ? o.library : "node", why.msg);
        return;
    }
    tell(d, EYE_CHECK_OK, lib->remote ? "node folder" : "library", "%s", lib->dir);
    check_disk(d, lib->dir);
    check_originals(d, lib);
    bool good = true;
    if (lib->remote) {
        good = check_server(d, lib);
    } else {
        check_database(d, lib);
    }
    if (good) {
        eye_roots(lib, on_root, d, NULL);
    }
    struct store *s = *spec || !good ? NULL : eng_store_get(lib, NULL);
    if (s) {
        *spec = eng_model_spec(lib, s, NULL);
        eng_store_put(lib, s);
    }
    eye_close(lib);
}

int eye_doctor(const eye_options *options,
               void (*fn)(void *ctx, eye_check_state state, const char *name, const char *text),
               void *ctx, struct eye_err *err)
{
    struct doctor d = {options, {NULL, NULL}, fn, ctx};
    int rc = eng_places_init(&d.places, options, err);
    if (rc < 0) {
        return rc;
    }
    char *spec = options->model ? mem_strdup(options->model, err) : NULL;
    check_cpu(&d);
    check_memory(&d);
    check_files(&d);
    check_decoder(&d);
    check_library(&d, &spec);
    check_model(&d, spec ? spec : ENG_STARTER);
    free(spec);
    eng_places_release(&d.places);
    return 0;
}
