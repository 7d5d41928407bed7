/* catalogue.c - the OpenCLIP models known by name: open_clip's own list (model/pretrained tag), those this program runs
 * and a few well-known ones that it does not.
 *
 * Sources, read on 2026-11-23: names and repositories from open_clip 3.3.0 (open_clip/pretrained.py), dimensions from
 * its model configurations, recall from docs/openclip_retrieval_results.csv of mlfoundations/open_clip at commit 89fb801
 * (the table's last change is of November 2023; zero-shot, text -> image R@5, Flickr30k and COCO 5k test sets; OpenAI's
 * rows stand there without "-quickgelu"). 0: no figure published there. Bytes: parameters of docs/model_profile.csv
 * at four bytes each, so rounded, and half of it for a repository that stores fp16. Licences: PRETRAINED.md and the
 * repositories' cards; read the card before you use a model for money. */
#include "clip/clip.h"

/* clang-format off */
static const struct clip_catalogue_entry CATALOGUE[] = {
    /* name, repository, licence, bytes, dimensions, pixels, Flickr30k, COCO, supported */
    {"ViT-B-32/laion2b_s34b_b79k", "laion/CLIP-ViT-B-32-laion2B-s34B-b79K", "MIT", 605120000, 512, 224, 88.38, 65.43, true},
    {"ViT-B-32/datacomp_xl_s13b_b90k", "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K", "MIT", 605120000, 512, 224, 84.92, 62.35, true},
    {"ViT-B-32-256/datacomp_s34b_b86k", "laion/CLIP-ViT-B-32-256x256-DataComp-s34B-b86K", "MIT", 605160000, 512, 256, 87.22, 65.43, true},
    {"ViT-B-32-quickgelu/openai", "timm/vit_base_patch32_clip_224.openai", "MIT", 605120000, 512, 224, 83.56, 55.94, true},
    {"ViT-B-32-quickgelu/laion400m_e32", "timm/vit_base_patch32_clip_224.laion400m_e32", "MIT", 605120000, 512, 224, 85.46, 60.89, true},
    {"ViT-B-32-quickgelu/metaclip_400m", "timm/vit_base_patch32_clip_224.metaclip_400m", "CC-BY-NC-4.0", 605120000, 512, 224, 85.58, 61.79, true},
    {"ViT-B-32-quickgelu/metaclip_fullcc", "timm/vit_base_patch32_clip_224.metaclip_2pt5b", "CC-BY-NC-4.0", 605120000, 512, 224, 87.66, 64.11, true},
    {"ViT-B-16/laion2b_s34b_b88k", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", "MIT", 598480000, 512, 224, 90.38, 67.70, true},
    {"ViT-B-16/datacomp_xl_s13b_b90k", "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K", "MIT", 598480000, 512, 224, 88.34, 65.95, true},
    {"ViT-B-16/laion400m_e32", "timm/vit_base_patch16_clip_224.laion400m_e32", "MIT", 598480000, 512, 224, 88.28, 63.62, true},
    {"ViT-B-16-quickgelu/openai", "timm/vit_base_patch16_clip_224.openai", "MIT", 598480000, 512, 224, 85.72, 58.42, true},
    {"ViT-B-16-quickgelu/dfn2b", "apple/DFN2B-CLIP-ViT-B-16", "Apple Sample Code", 598480000, 512, 224, 0.00, 0.00, true},
    {"ViT-B-16-quickgelu/metaclip_400m", "timm/vit_base_patch16_clip_224.metaclip_400m", "CC-BY-NC-4.0", 598480000, 512, 224, 89.60, 65.36, true},
    {"ViT-B-16-quickgelu/metaclip_fullcc", "timm/vit_base_patch16_clip_224.metaclip_2pt5b", "CC-BY-NC-4.0", 598480000, 512, 224, 90.82, 67.18, true},
    {"ViT-B-16-plus-240/laion400m_e32", "timm/vit_base_patch16_plus_clip_240.laion400m_e31", "MIT", 833520000, 640, 240, 88.88, 66.19, true},
    {"ViT-L-14/laion2b_s32b_b82k", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", "MIT", 1710480000, 768, 224, 92.86, 71.08, true},
    {"ViT-L-14/datacomp_xl_s13b_b90k", "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K", "MIT", 1710480000, 768, 224, 91.74, 70.03, true},
    {"ViT-L-14/laion400m_e32", "timm/vit_large_patch14_clip_224.laion400m_e32", "MIT", 1710480000, 768, 224, 90.94, 68.03, true},
    {"ViT-L-14-quickgelu/openai", "timm/vit_large_patch14_clip_224.openai", "MIT", 1710480000, 768, 224, 87.24, 61.06, true},
    {"ViT-L-14-336-quickgelu/openai", "timm/vit_large_patch14_clip_336.openai", "MIT", 1711760000, 768, 336, 89.00, 61.62, true},
    {"ViT-L-14-quickgelu/dfn2b", "apple/DFN2B-CLIP-ViT-L-14", "Apple Sample Code", 1710480000, 768, 224, 92.80, 73.81, true},
    {"ViT-L-14-quickgelu/metaclip_400m", "timm/vit_large_patch14_clip_224.metaclip_400m", "CC-BY-NC-4.0", 1710480000, 768, 224, 92.28, 68.62, true},
    {"ViT-L-14-quickgelu/metaclip_fullcc", "timm/vit_large_patch14_clip_224.metaclip_2pt5b", "CC-BY-NC-4.0", 1710480000, 768, 224, 93.66, 71.41, true},
    {"ViT-H-14/laion2b_s32b_b79k", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", "MIT", 3944440000, 1024, 224, 94.18, 73.38, true},
    {"ViT-H-14-quickgelu/dfn5b", "apple/DFN5B-CLIP-ViT-H-14", "Apple Sample Code", 3944440000, 1024, 224, 95.26, 78.05, true},
    {"ViT-H-14-378-quickgelu/dfn5b", "apple/DFN5B-CLIP-ViT-H-14-378", "Apple Sample Code", 3946840000, 1024, 378, 95.98, 79.20, true},
    {"ViT-H-14-quickgelu/metaclip_fullcc", "timm/vit_huge_patch14_clip_224.metaclip_2pt5b", "CC-BY-NC-4.0", 3944440000, 1024, 224, 94.64, 73.23, true},
    {"ViT-g-14/laion2b_s12b_b42k", "laion/CLIP-ViT-g-14-laion2B-s12B-b42K", "MIT", 5466720000, 1024, 224, 93.64, 72.38, true},
    {"ViT-g-14/laion2b_s34b_b88k", "laion/CLIP-ViT-g-14-laion2B-s34B-b88K", "MIT", 5466720000, 1024, 224, 94.16, 73.34, true},
    {"ViT-bigG-14/laion2b_s39b_b160k", "laion/CLIP-ViT-bigG-14-laion2B-39B-b160k", "MIT", 10158280000, 1280, 224, 94.98, 74.90, true},

    {"ViT-B-16-SigLIP/webli", "timm/ViT-B-16-SigLIP", "Apache-2.0", 812640000, 768, 224, 92.30, 72.44, false},
    {"ViT-B-16-SigLIP-384/webli", "timm/ViT-B-16-SigLIP-384", "Apache-2.0", 813800000, 768, 384, 94.16, 73.66, false},
    {"ViT-L-16-SigLIP-384/webli", "timm/ViT-L-16-SigLIP-384", "Apache-2.0", 2609920000, 1024, 384, 95.36, 76.57, false},
    {"ViT-SO400M-14-SigLIP-384/webli", "timm/ViT-SO400M-14-SigLIP-384", "Apache-2.0", 3511840000, 1152, 384, 96.10, 76.78, false},
    {"ViT-B-32-SigLIP2-256/webli", "timm/ViT-B-32-SigLIP2-256", "Apache-2.0", 0, 768, 256, 0.00, 0.00, false},
    {"ViT-B-16-SigLIP2/webli", "timm/ViT-B-16-SigLIP2", "Apache-2.0", 0, 768, 224, 0.00, 0.00, false},
    {"ViT-SO400M-14-SigLIP2/webli", "timm/ViT-SO400M-14-SigLIP2", "Apache-2.0", 0, 1152, 224, 0.00, 0.00, false},
    {"MobileCLIP-S1/datacompdr", "apple/MobileCLIP-S1-OpenCLIP", "Apple (see repository)", 0, 512, 256, 0.00, 0.00, false},
    {"MobileCLIP-S2/datacompdr", "apple/MobileCLIP-S2-OpenCLIP", "Apple (see repository)", 0, 512, 256, 0.00, 0.00, false},
    {"MobileCLIP-B/datacompdr_lt", "apple/MobileCLIP-B-LT-OpenCLIP", "Apple (see repository)", 0, 512, 224, 0.00, 0.00, false},
    {"MobileCLIP2-S0/dfndr2b", "timm/MobileCLIP2-S0-OpenCLIP", "Apple (see repository)", 0, 512, 256, 0.00, 0.00, false},
    {"MobileCLIP2-S4/dfndr2b", "timm/MobileCLIP2-S4-OpenCLIP", "Apple (see repository)", 0, 768, 256, 0.00, 0.00, false},
    {"xlm-roberta-base-ViT-B-32/laion5b_s13b_b90k", "laion/CLIP-ViT-B-32-xlm-roberta-base-laion5B-s13B-b90k", "MIT", 1464480000, 512, 224, 86.28, 63.44, false},
    {"convnext_base_w/laion2b_s13b_b82k_augreg", "laion/CLIP-convnext_base_w-laion2B-s13B-b82K-augreg", "MIT", 717560000, 640, 256, 91.44, 67.86, false},
    {"convnext_large_d_320/laion2b_s29b_b131k_ft_soup", "laion/CLIP-convnext_large_d_320.laion2B-s29B-b131K-ft-soup", "MIT", 1407080000, 768, 320, 93.94, 72.51, false},
    {"EVA02-L-14-336/merged2b_s6b_b61k", "timm/eva02_large_patch14_clip_336.merged2b_s6b_b61k", "MIT", 1712320000, 768, 336, 94.32, 71.72, false},
};
/* clang-format on */

const struct clip_catalogue_entry *clip_catalogue(size_t *n)
{
    *n = sizeof(CATALOGUE) / sizeof(CATALOGUE[0]);
    return CATALOGUE;
}
