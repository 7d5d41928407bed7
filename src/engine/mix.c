/* mix.c - one query from several terms: the vector, and what a score means for it.
 *
 * v = sum(w_i u_i) / L with L = |sum(w_i u_i)|, so a picture whose cosines with the terms are c_i scores sum(w_i c_i) / L.
 * A calibration says which score is a fair match; for a mix it is the score of a picture that is a fair match for each term
 * that is wanted, and has nothing to do with each that is not:
 *
 *   midpoint = (sum of w_i midpoint_i over w_i > 0  +  sum of w_i unrelated_i over w_i < 0) / L
 *   floor    = (sum of w_i floor_i    over w_i > 0  +  sum of w_i unrelated_i over w_i < 0) / L
 *   scale    = (sum of w_i scale_i    over w_i > 0) / L, of |w_i| over all if none is wanted
 *
 * where midpoint_i, floor_i and scale_i are those of words or of pictures, as the term is, and unrelated_i = midpoint_i - 4
 * scale_i, a similarity of 2 %, but not below 0. (The floor in its place was tried: with two terms taken away, pictures that
 * show none of the three came out at 77 %.) Two equal terms give what one gives.
 * One term that is wanted is passed through as it is, to the bit, whatever its weight: then eye_find and eye_search agree. */
#include <math.h>

#include "engine/search.h"

static const double WEIGHT_MAX = 10;
static const double CANCELLED = 1e-3; /* of sum |w_i|: what is left is rounding */

static int check(const eye_term *terms, size_t n, struct eye_err *err)
{
    for (size_t i = 0; i < n; i++) {
        double w = (double)terms[i].weight;
        if (!isfinite(w) || w < -WEIGHT_MAX || w > WEIGHT_MAX) {
            return eye_fail(err, EYE_EINVAL, "a term's weight is a number from -10 to 10");
        }
        if (fpclassify(w) == FP_ZERO) {
            return eye_fail(err, EYE_EINVAL,
                            "a term's weight cannot be 0: leave the term out instead");
        }
    }
    return 0;
}

static double unrelated(const struct clip_calibration *c)
{
    double score = (double)c->midpoint - 4 * (double)c->scale;
    return score > 0 ? score : 0;
}

static void calibrate(const eye_term *terms, size_t n, const struct clip_info *info, double length,
                      struct clip_calibration *cal)
{
    double midpoint = 0, floor_ = 0, scale = 0, scale_of_all = 0;
    bool measured = true;
    for (size_t i = 0; i < n; i++) {
        const struct clip_calibration *c =
            terms[i].query.words ? &info->text_cal : &info->image_cal;
        double w = (double)terms[i].weight;
        midpoint += w * (w > 0 ? (double)c->midpoint : unrelated(c));
        floor_ += w * (w > 0 ? (double)c->floor : unrelated(c));
        scale += w > 0 ? w * (double)c->scale : 0;
        scale_of_all += fabs(w) * (double)c->scale;
        measured = measured && c->measured;
    }
    *cal = (struct clip_calibration){.midpoint = (float)(midpoint / length),
                                     .scale = (float)((scale > 0 ? scale : scale_of_all) / length),
                                     .floor = (float)(floor_ / length),
                                     .measured = measured};
}

/* v [dim] of length 1; returns sum |w_i| and *length, |sum(w_i u_i)|. */
static double add_up(const eye_term *terms, size_t n, const float *u, size_t dim, float *v,
                     double *length)
{
    double weights = 0, square = 0;
    for (size_t i = 0; i < n; i++) {
        weights += fabs((double)terms[i].weight);
    }
    for (size_t k = 0; k < dim; k++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (double)terms[i].weight * (double)u[i * dim + k];
        }
        v[k] = (float)sum;
        square += sum * sum;
    }
    *length = sqrt(square);
    for (size_t k = 0; k<dim && * length> 0; k++) {
        v[k] = (float)((double)v[k] / *length);
    }
    return weights;
}

int eng_mix(const eye_term *terms, size_t n, const float *u, size_t dim,
            const struct clip_info *info, float *v, struct clip_calibration *cal,
            struct eye_err *err)
{
    double length;
    int rc = check(terms, n, err);
    if (rc < 0) {
        return rc;
    }
    if (n == 1 && terms[0].weight > 0) {
        memcpy(v, u, dim * sizeof *v);
        *cal = terms[0].query.words ? info->text_cal : info->image_cal;
        return 0;
    }
    double weights = add_up(terms, n, u, dim, v, &length);
    if (!(length > CANCELLED * weights)) {
        return eye_fail(err, EYE_EINVAL,
                        "the terms cancel each other out: nothing is left to search for");
    }
    calibrate(terms, n, info, length, cal);
    return 0;
}
