/* no_xar.c - linked into the image's program only (mk/deploy.mk).
 *
 * There libarchive is static, so that libxml2 and ICU's data (33 MB) stay out of the image: only its "xar" format wants them, and
 * eyeshine reads and writes zips alone. The linker still finds that format named in libarchive's table of all formats,
 * which nothing of ours reaches; this stands in for it and refuses, as libarchive does where it was built without libxml2. */
#include <archive.h>
#include <errno.h>

int archive_write_set_format_xar(struct archive *a);

int archive_write_set_format_xar(struct archive *a)
{
    archive_set_error(a, ENOSYS, "the xar format is not part of this build");
    return ARCHIVE_FATAL;
}
