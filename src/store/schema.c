/* schema.c - tables of library.db.
 *
 * picture is content (one row a SHA-256), file is a place where that content, or a failure, was seen: exactly one of the
 * two, so "the last word on a path" is one row by construction. Paths are BLOBs: they are bytes, compare as bytes,
 * and everything below a folder is the range ['a/', 'a0').
 *
 * What follows from a change is done by triggers, in the transaction of the change and whoever makes it: a picture that
 * loses its last file goes, its embeddings go with it, and model.vectors / model.changes count. Never use
 * INSERT OR REPLACE here: it deletes without triggers.
 *
 * embedding is keyed by model << 40 | picture. Reading one model is one sequential pass in picture order, and
 * a table with a rowid keeps rows up to nearly a page whole. WITHOUT ROWID over (model, picture) was dropped: such tables are
 * index trees, which move all but a quarter of a page of a row to overflow pages of its own (1 KiB vectors took
 * a 4 KiB page each) and have rows in inner nodes. Pages are 8 KiB: 7 vectors of 512 numbers, 12 % lost; with 4 KiB 25 %.
 *
 * Jobs are rows because they outlive the process: counts and items change in the transaction that they tell of. Version 2 only
 * adds, so what version 1 wrote can be read as it is (by a library that is opened for reading); the first open
 * for writing brings it up. */
#include "store/schema.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

static const char *const migrations[SCHEMA_VERSION] = {
    /* 0 -> 1 */
    "CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;"

    "CREATE TABLE model("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  fingerprint BLOB NOT NULL UNIQUE CHECK(length(fingerprint) = 32),"
    "  name TEXT NOT NULL,"
    "  dim INTEGER NOT NULL CHECK(dim BETWEEN 1 AND 4096),"
    "  vectors INTEGER NOT NULL DEFAULT 0," /* rows of embedding */
    "  changes INTEGER NOT NULL DEFAULT 0)" /* only grows */
    "  STRICT;"

    "CREATE TABLE root("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  path BLOB NOT NULL UNIQUE,"
    "  offline INTEGER NOT NULL DEFAULT 0,"
    "  last_scan INTEGER NOT NULL DEFAULT 0)"
    "  STRICT;"

    "CREATE TABLE mount("
    "  root INTEGER NOT NULL REFERENCES root(id),"
    "  rel BLOB NOT NULL,"
    "  PRIMARY KEY(root, rel)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE picture("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT CHECK(id < 1099511627776)," /* 1 << 40 */
    "  hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32),"
    "  size INTEGER NOT NULL,"
    "  width INTEGER NOT NULL,"
    "  height INTEGER NOT NULL,"
    "  format TEXT NOT NULL,"
    "  taken_at INTEGER," /* seconds since 1970; NULL: unknown */
    "  camera TEXT,"
    "  lat REAL, lon REAL,"
    "  added_at INTEGER NOT NULL)"
    "  STRICT;"

    "CREATE TABLE file("
    "  root INTEGER NOT NULL REFERENCES root(id),"
    "  rel BLOB NOT NULL,"
    "  picture INTEGER REFERENCES picture(id)," /* NULL: a failure, told below */
    "  size INTEGER NOT NULL,"
    "  mtime_ns INTEGER NOT NULL,"
    "  code INTEGER,"
    "  reason TEXT,"
    "  failed_at INTEGER,"
    "  attempts INTEGER NOT NULL DEFAULT 0," /* failed ones since the last success */
    "  PRIMARY KEY(root, rel),"
    "  CHECK((picture IS NULL) = (code IS NOT NULL))) STRICT, WITHOUT ROWID;"
    "CREATE INDEX file_picture ON file(picture);"

    "CREATE TABLE embedding(id INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;"

    "CREATE TRIGGER file_gone AFTER DELETE ON file"
    "  WHEN OLD.picture IS NOT NULL"
    "  AND NOT EXISTS(SELECT 1 FROM file WHERE picture = OLD.picture)"
    "  BEGIN DELETE FROM picture WHERE id = OLD.picture; END;"
    "CREATE TRIGGER file_changed AFTER UPDATE OF picture ON file"
    "  WHEN OLD.picture IS NOT NULL AND OLD.picture IS NOT NEW.picture"
    "  AND NOT EXISTS(SELECT 1 FROM file WHERE picture = OLD.picture)"
    "  BEGIN DELETE FROM picture WHERE id = OLD.picture; END;"
    "CREATE TRIGGER picture_gone AFTER DELETE ON picture"
    "  BEGIN DELETE FROM embedding"
    "    WHERE id IN (SELECT (model.id << 40) | OLD.id FROM model); END;"
    "CREATE TRIGGER embedding_new AFTER INSERT ON embedding"
    "  BEGIN UPDATE model SET vectors = vectors + 1, changes = changes + 1"
    "    WHERE id = NEW.id >> 40; END;"
    "CREATE TRIGGER embedding_changed AFTER UPDATE ON embedding"
    "  BEGIN UPDATE model SET changes = changes + 1 WHERE id = NEW.id >> 40; END;"
    "CREATE TRIGGER embedding_gone AFTER DELETE ON embedding"
    "  BEGIN UPDATE model SET vectors = vectors - 1, changes = changes + 1"
    "    WHERE id = OLD.id >> 40; END;"

    "PRAGMA application_id = 0x45796573;"
    "PRAGMA user_version = 1;",

    /* 1 -> 2: roots for single files and for uploads, jobs, keys */
    "ALTER TABLE root ADD COLUMN files_only INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE root ADD COLUMN uploads INTEGER NOT NULL DEFAULT 0;"

    "CREATE TABLE job("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  kind INTEGER NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  title BLOB NOT NULL," /* may be a path */
    "  note TEXT NOT NULL DEFAULT '',"
    "  total INTEGER NOT NULL DEFAULT 0,"
    "  done INTEGER NOT NULL DEFAULT 0,"
    "  indexed INTEGER NOT NULL DEFAULT 0,"
    "  duplicates INTEGER NOT NULL DEFAULT 0,"
    "  unchanged INTEGER NOT NULL DEFAULT 0,"
    "  removed INTEGER NOT NULL DEFAULT 0,"
    "  failed INTEGER NOT NULL DEFAULT 0,"
    "  items INTEGER NOT NULL DEFAULT 0," /* the last seq given */
    "  created_at INTEGER NOT NULL,"
    "  added_at INTEGER NOT NULL," /* when a file came last */
    "  finished_at INTEGER,"
    "  version INTEGER NOT NULL)"
    "  STRICT;"
    "CREATE INDEX job_unfinished ON job(kind, id) WHERE finished_at IS NULL;"
    "CREATE INDEX job_finished ON job(id) WHERE finished_at IS NOT NULL;"

    "CREATE TABLE job_item("
    "  job INTEGER NOT NULL REFERENCES job(id) ON DELETE CASCADE,"
    "  seq INTEGER NOT NULL,"
    "  parent INTEGER NOT NULL DEFAULT 0," /* seq of the zip that it came in */
    "  name BLOB NOT NULL,"
    "  state INTEGER NOT NULL,"
    "  picture INTEGER NOT NULL DEFAULT 0,"
    "  size INTEGER NOT NULL,"
    "  place BLOB," /* below the uploads folder, while there is something to be done there */
    "  reason TEXT NOT NULL DEFAULT '',"
    "  code INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY(job, seq)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX job_item_state ON job_item(job, state, seq);"
    "CREATE INDEX job_item_left ON job_item(job, seq) WHERE place IS NOT NULL AND state <> 0;"

    "CREATE TABLE api_key("
    "  id INTEGER PRIMARY KEY AUTOINCREMENT,"
    "  name TEXT NOT NULL,"
    "  hash BLOB NOT NULL UNIQUE CHECK(length(hash) = 32),"
    "  scope INTEGER NOT NULL,"
    "  created_at INTEGER NOT NULL,"
    "  used_at INTEGER)"
    "  STRICT;"

    "PRAGMA user_version = 2;",

    /* 2 -> 3: a log of changed vectors and the segments that hold them, facets to filter by, perceptual hashes */
    "ALTER TABLE picture ADD COLUMN phash INTEGER;" /* 64 bits; NULL: never looked at; 0: the picture has none */
    "ALTER TABLE picture ADD COLUMN mosaic BLOB;"
    "CREATE INDEX picture_unseen ON picture(id) WHERE phash IS NULL;"
    "ALTER TABLE model ADD COLUMN log_from INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE model ADD COLUMN switches INTEGER NOT NULL DEFAULT 0;" /* of segments */
    "UPDATE model SET log_from = changes;"

    /* What happened to a model's vectors, by the number that model.changes had then: all that came after log_from, and of what
     * came before only deletions that a segment must still be told of. */
    "CREATE TABLE vector_log("
    "  model INTEGER NOT NULL,"
    "  change INTEGER NOT NULL,"
    "  picture INTEGER NOT NULL,"
    "  gone INTEGER NOT NULL,"
    "  PRIMARY KEY(model, change)) STRICT, WITHOUT ROWID;"

    /* Files of the quantised index; a file without a row here is litter. Each holds nothing that came after change `upto`, and
     * together they hold all that was live at the largest of these. */
    "CREATE TABLE segment("
    "  name TEXT PRIMARY KEY," /* below LIBRARY/index/ */
    "  model INTEGER NOT NULL,"
    "  upto INTEGER NOT NULL,"
    "  rows INTEGER NOT NULL,"
    "  bytes INTEGER NOT NULL) STRICT, WITHOUT ROWID;"

    /* One row: grows with each commit that may change what a filter lets pass. */
    "CREATE TABLE state(one INTEGER PRIMARY KEY CHECK(one = 1), generation INTEGER NOT NULL) "
    "STRICT;"
    "INSERT INTO state(one, generation) VALUES(1, 1);"

    /* What a filter asks for is a range of one of these; all of them hold all that is asked (sqlite_filter_facets.c). Together
     * some 150 bytes a picture (docs/PERFORMANCE.md, "Filters"). Most pictures are JPEGs: the others are told from them. */
    "CREATE INDEX picture_taken ON picture(taken_at) WHERE taken_at IS NOT NULL;"
    "CREATE INDEX picture_added ON picture(added_at);"
    "CREATE INDEX picture_width ON picture(width);"
    "CREATE INDEX picture_height ON picture(height);"
    "CREATE INDEX picture_area ON picture(width * height);"
    "CREATE INDEX picture_shape ON picture((width > height) - (width < height));"
    "CREATE INDEX picture_camera ON picture(camera) WHERE camera IS NOT NULL;"
    "CREATE INDEX picture_format ON picture(format) WHERE format <> 'jpeg';"
    "CREATE INDEX picture_place ON picture(lat, lon) WHERE lat IS NOT NULL;"
    "CREATE INDEX file_modified ON file(mtime_ns, picture) WHERE picture IS NOT NULL;"

    "DROP TRIGGER embedding_new;"
    "DROP TRIGGER embedding_changed;"
    "DROP TRIGGER embedding_gone;"
    "CREATE TRIGGER embedding_new AFTER INSERT ON embedding"
    "  BEGIN UPDATE model SET vectors = vectors + 1, changes = changes + 1"
    "    WHERE id = NEW.id >> 40;"
    "  INSERT INTO vector_log(model, change, picture, gone)"
    "    SELECT id, changes, NEW.id & 1099511627775, 0 FROM model WHERE id = NEW.id >> 40; END;"
    "CREATE TRIGGER embedding_changed AFTER UPDATE ON embedding"
    "  BEGIN UPDATE model SET changes = changes + 2 WHERE id = NEW.id >> 40;"
    "  INSERT INTO vector_log(model, change, picture, gone)"
    "    SELECT id, changes - 1, OLD.id & 1099511627775, 1 FROM model WHERE id = OLD.id >> 40;"
    "  INSERT INTO vector_log(model, change, picture, gone)"
    "    SELECT id, changes, NEW.id & 1099511627775, 0 FROM model WHERE id = NEW.id >> 40; END;"
    "CREATE TRIGGER embedding_gone AFTER DELETE ON embedding"
    "  BEGIN UPDATE model SET vectors = vectors - 1, changes = changes + 1"
    "    WHERE id = OLD.id >> 40;"
    "  INSERT INTO vector_log(model, change, picture, gone)"
    "    SELECT id, changes, OLD.id & 1099511627775, 1 FROM model WHERE id = OLD.id >> 40; END;"

    "PRAGMA user_version = 3;",
};

struct found {
    int64_t application, version, tables;
};

/* One statement, so that all three are of the same moment: another process may be creating the library just now. */
static int look(struct store *s, struct found *f, struct eye_err *err)
{
    struct query q;
    query_open(&q, s,
               "SELECT (SELECT count(*) FROM sqlite_schema),"
               " (SELECT application_id FROM pragma_application_id),"
               " (SELECT user_version FROM pragma_user_version)");
    int rc = query_step(&q, err);
    if (rc <= 0)
        return rc ? rc : EYE_ENOTFOUND;
    *f = (struct found){.tables = query_get_int(&q, 0),
                        .application = query_get_int(&q, 1),
                        .version = query_get_int(&q, 2)};
    query_done(&q);
    return 0;
}

static bool is_empty(const struct found *f)
{
    return f->tables == 0 && f->application == 0 && f->version == 0;
}

static int judge(struct store *s, const struct found *f, struct eye_err *err)
{
    if (f->application != SCHEMA_APPLICATION)
        return eye_fail(err, EYE_EFORMAT, "%s is a database of some other program, not a library",
                        s->path);
    if (f->version > SCHEMA_VERSION)
        return eye_fail(err, EYE_EFORMAT,
                        "%s was made by a newer eyeshine (layout %d, this one knows %d): "
                        "use the newer program",
                        s->path, (int)f->version, (int)SCHEMA_VERSION);
    if (f->version < 1)
        return eye_fail(err, EYE_EFORMAT, "%s is damaged: its layout has no version", s->path);
    return 0;
}

/* Switching to WAL takes the file alone for a moment, and SQLite gives up at once rather than wait. */
static int switch_to_wal(struct store *s, struct eye_err *err)
{
    int rc = SQLITE_OK;
    for (int i = 0; i < 600; i++) {
        rc = store_exec_raw(s, "PRAGMA journal_mode = WAL");
        if ((rc & 0xff) != SQLITE_BUSY)
            break;
        usleep(50 * 1000);
    }
    return rc == SQLITE_OK ? 0 : store_fail(s, rc, err);
}

/* Inside a transaction, looking again: another process may have been quicker. */
static int migrate(struct store *s, struct eye_err *err)
{
    struct found f = {0};
    int rc = sqlite_begin(s, err);
    if (rc)
        return rc;
    rc = look(s, &f, err);
    if (!rc && !is_empty(&f))
        rc = judge(s, &f, err);
    for (int64_t v = f.version; !rc && v < SCHEMA_VERSION; v++)
        rc = store_exec(s, migrations[v], err);
    if (!rc)
        return sqlite_commit(s, err);
    sqlite_rollback(s);
    return rc;
}

static int probe(struct store *s, const char *const *probes, size_t n, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++) {
        int rc = store_exec_raw(s, probes[i]);
        if (rc == SQLITE_ERROR)
            return eye_fail(err, EYE_EFORMAT, "%s is damaged (%s): restore a backup", s->path,
                            sqlite3_errmsg(s->db));
        if (rc != SQLITE_OK)
            return store_fail(s, rc, err);
    }
    return 0;
}

/* A library whose tables are not all there would fail later and less clearly. */
static int check_tables(struct store *s, struct eye_err *err)
{
    static const char *const probes[] = {
        "SELECT key, value FROM setting LIMIT 0",
        "SELECT id, fingerprint, name, dim, vectors, changes FROM model LIMIT 0",
        "SELECT id, path, offline, last_scan FROM root LIMIT 0",
        "SELECT root, rel FROM mount LIMIT 0",
        "SELECT id, hash, size, width, height, format, taken_at, camera, lat, lon, added_at "
        "FROM picture LIMIT 0",
        "SELECT root, rel, picture, size, mtime_ns, code, reason, failed_at, attempts "
        "FROM file INDEXED BY file_picture LIMIT 0",
        "SELECT id, vector FROM embedding LIMIT 0",
    };
    static const char *const probes2[] = {
        "SELECT files_only, uploads FROM root LIMIT 0",
        "SELECT id, kind, state, title, note, total, done, indexed, duplicates, unchanged, removed,"
        " failed, items, created_at, added_at, finished_at, version FROM job LIMIT 0",
        "SELECT job, seq, parent, name, state, picture, size, place, reason, code"
        " FROM job_item INDEXED BY job_item_state LIMIT 0",
        "SELECT id, name, hash, scope, created_at, used_at FROM api_key LIMIT 0",
    };
    static const char *const probes3[] = {
        "SELECT phash, mosaic FROM picture INDEXED BY picture_unseen WHERE phash IS NULL LIMIT 0",
        "SELECT log_from, switches FROM model LIMIT 0",
        "SELECT model, change, picture, gone FROM vector_log LIMIT 0",
        "SELECT model, upto, name, rows, bytes FROM segment LIMIT 0",
        "SELECT generation FROM state LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_taken WHERE taken_at IS NOT NULL LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_added LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_width WHERE width > 0 LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_height WHERE height > 0 LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_area WHERE width * height > 0 LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_shape LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_camera WHERE camera IS NOT NULL LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_format WHERE format <> 'jpeg' LIMIT 0",
        "SELECT id FROM picture INDEXED BY picture_place WHERE lat IS NOT NULL LIMIT 0",
        "SELECT picture FROM file INDEXED BY file_modified WHERE picture IS NOT NULL LIMIT 0",
    };
    int64_t triggers = 0;
    int rc = probe(s, probes, sizeof probes / sizeof *probes, err);
    if (!rc && s->version >= 2)
        rc = probe(s, probes2, sizeof probes2 / sizeof *probes2, err);
    if (!rc && s->version >= 3)
        rc = probe(s, probes3, sizeof probes3 / sizeof *probes3, err);
    if (rc)
        return rc;
    struct query q;
    query_open(&q, s, "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'");
    rc = query_one_int(&q, &triggers, err);
    if (!rc && triggers < 6)
        rc = eye_fail(err, EYE_EFORMAT, "%s is damaged (%d of 6 triggers): restore a backup",
                      s->path, (int)triggers);
    return rc;
}

int schema_ready(struct store *s, bool create, struct eye_err *err)
{
    struct found f = {0};
    int rc = look(s, &f, err);
    if (rc)
        return rc;
    if (is_empty(&f) && (!create || s->read_only))
        return eye_fail(err, EYE_ENOTFOUND, "%s is empty: there is no library yet", s->path);
    rc = is_empty(&f) ? 0 : judge(s, &f, err);
    if (rc)
        return rc;
    if (is_empty(&f)) {
        /* The page size must be known before the first page is written. */
        rc = store_exec(s, "PRAGMA page_size = 8192", err);
        rc = rc ? rc : switch_to_wal(s, err);
    }
    s->version = (int)f.version;
    if (!rc && f.version < SCHEMA_VERSION && !s->read_only) {
        rc = migrate(s, err);
        s->version = SCHEMA_VERSION;
    }
    return rc ? rc : check_tables(s, err);
}
