/* bpe_data.c - the merges of CLIP's byte-pair encoding, carried in the program so that no file can be missing.
 * The assembler reads the file itself: a C array of 1.4 MB took gcc a second and 300 MB. The path counts from the
 * project's root, where make runs the compiler. */
#include "clip/bpe.h"

__asm__(".section .rodata\n"
        ".global bpe_data\n"
        ".hidden bpe_data\n"
        ".global bpe_data_end\n"
        ".hidden bpe_data_end\n"
        ".balign 16\n"
        "bpe_data:\n"
        ".incbin \"models/clip-bpe/bpe_simple_vocab_16e6.txt.gz\"\n"
        "bpe_data_end:\n"
        ".byte 0\n"
        ".previous\n");
