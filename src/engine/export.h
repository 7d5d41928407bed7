/* export.h - what an export looks like, for export.c and import.c; docs/EXPORT.md tells it to others. */
#ifndef ENGINE_EXPORT_H
#define ENGINE_EXPORT_H

#include "engine/engine.h"

enum {
    EXPORT_FORMAT = 1,
    EXPORT_LINE_MAX = 16 << 20, /* bytes: a picture with some 100,000 files */
    EXPORT_DIM_MAX = 4096
};

struct export_root {
    int64_t id; /* in this export */
    char *path; /* absolute, where it was */
    char *name; /* short, each once */
    bool files_only;
};

struct export_head {
    char program[32], model[256];
    struct hash fingerprint;
    int dim;
    struct export_root *roots; /* [nroots], by id */
    size_t nroots;
};

struct export_file {
    size_t root; /* index in the head's roots */
    char *rel;
    int64_t mtime_ns;
};

/* A line: a picture, or the end. */
struct export_line {
    bool end;
    uint64_t pictures, files; /* end: how many there were */
    struct store_picture picture;
    bool embedded;
    struct export_file *files_of; /* [nfiles] of the picture */
    size_t nfiles;
};

/* ---- export_read.c: one line as text; release also after a failure. EYE_EFORMAT tells what is wrong with it. ---- */
int export_head_read(const char *text, size_t len, struct export_head *head, struct eye_err *err);
void export_head_release(struct export_head *head);
/* vector: [head->dim], filled if the picture has one. */
int export_line_read(const struct export_head *head, const char *text, size_t len,
                     struct export_line *line, uint16_t *vector, struct eye_err *err);
void export_line_release(struct export_line *line);

/* ---- import_roots.c: where an export's roots are here ---- */
struct import_root {
    char *path; /* absolute, here */
    bool there; /* it is a folder, just now */
};
struct import_roots {
    eye_lib *lib;
    struct import_root *of;   /* [head->nroots] */
    struct store_root *known; /* all roots of the library */
    size_t nknown;
};
/* Inside a transaction. EYE_EINVAL: a map names no root of the export. */
int import_roots_open(struct import_roots *roots, eye_lib *lib, struct store *s,
                      const struct export_head *head, const eye_root_map *map, size_t nmap,
                      struct eye_err *err);
void import_roots_close(struct import_roots *roots, size_t n);

#endif
