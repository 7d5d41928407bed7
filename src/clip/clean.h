/* clean.h - the clean-up that open_clip gives a text before splitting it: ftfy.fix_text, HTML's character
 * references, white space. In place; failure is sticky in the text (cps.h). */
#ifndef CLIP_CLEAN_H
#define CLIP_CLEAN_H

#include "clip/cps.h"

/* The whole of it but lower-casing: fix, unescape twice, one space between words, none around. */
void clean_text(struct cps *t);

/* ftfy 6.3's fix_text with its default settings. */
void clean_fix(struct cps *t);
/* Python's html.unescape: &amp; &#8217; and names without semicolon. */
void clean_unescape(struct cps *t);
/* Only references that end in a semicolon, and the capital names that ftfy knows. */
void clean_unescape_strict(struct cps *t);
/* UTF-8 that was read in another encoding and became "cafÃ©": ftfy's fix_encoding. */
void clean_mojibake(struct cps *t);
/* What Windows-1252 has for a C1 control character, or the character itself. */
uint32_t clean_c1(uint32_t c);

#endif
