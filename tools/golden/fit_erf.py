"""The coefficients of v_erf in src/tensor/simd.h: erf(x) = x P(x^2) / Q(x^2) for |x| <= 3.95.

Linearised least squares, with weights raised where the error is largest (Lawson) until the error is about level. Prints
P and Q as float32 and the largest error when evaluated in float32. Needs numpy: run by hand, never by `make test`.
"""
import math

import numpy as np

EDGE, DEGREE_P, DEGREE_Q, SCALE = 3.95, 5, 5, 16.0

x = np.cos(np.linspace(0, math.pi / 2, 4000)) * EDGE
x = x[x > 1e-4]
want = np.array([math.erf(v) for v in x])
t = x * x / SCALE
weight, q, best = np.ones_like(x), np.ones_like(x), (9.0, None, None)
columns = np.concatenate(
    [x[:, None] * t[:, None] ** np.arange(DEGREE_P + 1), -want[:, None] * t[:, None] ** np.arange(1, DEGREE_Q + 1)], axis=1
)
for _ in range(400):
    w = np.sqrt(weight) / q
    c, *_ = np.linalg.lstsq(columns * w[:, None], want * w, rcond=None)
    p_c, q_c = c[: DEGREE_P + 1], np.concatenate([[1.0], c[DEGREE_P + 1 :]])
    q = np.polyval(q_c[::-1], t)
    error = np.abs(x * np.polyval(p_c[::-1], t) / q - want)
    if error.max() < best[0]:
        best = (error.max(), p_c.copy(), q_c.copy())
    weight *= error / error.max() + 1e-3
    weight /= weight.max()

p32 = [np.float32(v / SCALE**i) for i, v in enumerate(best[1])]
q32 = [np.float32(v / SCALE**i) for i, v in enumerate(best[2])]
z = np.linspace(-6, 6, 400001).astype(np.float32)
zc = np.clip(z, np.float32(-EDGE), np.float32(EDGE))
zz = zc * zc
num, den = np.full_like(zz, p32[-1]), np.full_like(zz, q32[-1])
for v in p32[-2::-1]:
    num = num * zz + v
for v in q32[-2::-1]:
    den = den * zz + v
exact = np.array([math.erf(float(v)) for v in z])
print("P", [float(v) for v in p32])
print("Q", [float(v) for v in q32])
print("largest error: %.2g fitted, %.2g in float32" % (best[0], np.abs(zc * num / den - exact).max()))
