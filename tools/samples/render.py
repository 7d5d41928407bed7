"""Render the sample pictures that no free package ships: bags, a stairwell, a watch, a monogram, signs.

usage: blender -b --python tools/samples/render.py -- NAME|all [OUT_FOLDER]      (Blender 3.4, Cycles on the CPU)
Each scene is a function below, built from nothing; the pictures are ours (CC0-1.0).
"""
import math
import os
import random
import sys

import bmesh
import bpy
from mathutils import Vector

SERIF = "/usr/share/fonts/truetype/dejavu/DejaVuSerif-Bold.ttf"
SANS = "/usr/share/fonts/truetype/dejavu/DejaVuSans-Bold.ttf"
SIZE, SAMPLES = 384, 36


# ---- materials ----

def material(name, colour, rough=0.5, metal=0.0, bump=0.0, scale=60.0, emit=0.0, sheen=0.0, mottle=0.0):
    m = bpy.data.materials.new(name)
    m.use_nodes = True
    nodes, links = m.node_tree.nodes, m.node_tree.links
    shader = nodes["Principled BSDF"]
    shader.inputs["Base Color"].default_value = (*colour, 1)
    shader.inputs["Roughness"].default_value = rough
    shader.inputs["Metallic"].default_value = metal
    shader.inputs["Sheen"].default_value = sheen
    if emit:
        shader.inputs["Emission"].default_value = (*colour, 1)
        shader.inputs["Emission Strength"].default_value = emit
    if bump or mottle:
        coord = nodes.new("ShaderNodeTexCoord")
        noise = nodes.new("ShaderNodeTexVoronoi" if bump and not mottle else "ShaderNodeTexNoise")
        noise.inputs["Scale"].default_value = scale
        links.new(coord.outputs["Object"], noise.inputs["Vector"])
        out = noise.outputs["Distance" if noise.bl_idname.endswith("Voronoi") else "Fac"]
        if bump:
            b = nodes.new("ShaderNodeBump")
            b.inputs["Strength"].default_value = bump
            b.inputs["Distance"].default_value = 0.02
            links.new(out, b.inputs["Height"])
            links.new(b.outputs["Normal"], shader.inputs["Normal"])
        if mottle:
            ramp = nodes.new("ShaderNodeValToRGB")
            ramp.color_ramp.elements[0].position, ramp.color_ramp.elements[1].position = 0.3, 0.7
            ramp.color_ramp.elements[0].color = (*[c * (1 - mottle) for c in colour], 1)
            ramp.color_ramp.elements[1].color = (*colour, 1)
            links.new(out, ramp.inputs["Fac"])
            links.new(ramp.outputs["Color"], shader.inputs["Base Color"])
    return m


def gold():
    return material("gold", (0.83, 0.58, 0.22), rough=0.22, metal=1)


# ---- shapes ----

def finish(obj, mat, bevel=0.0, smooth=True, subdivide=0):
    if mat:
        obj.data.materials.append(mat)
    if bevel:
        mod = obj.modifiers.new("bevel", "BEVEL")
        mod.width, mod.segments, mod.limit_method = bevel, 6, "ANGLE"
    if subdivide:
        mod = obj.modifiers.new("subdivide", "SUBSURF")
        mod.levels = mod.render_levels = subdivide
    if smooth and hasattr(obj.data, "polygons"):
        for p in obj.data.polygons:
            p.use_smooth = True
        obj.data.use_auto_smooth = True
        obj.data.auto_smooth_angle = math.radians(40)
    return obj


def box(size, at, mat, bevel=0.0, rotate=(0, 0, 0)):
    bpy.ops.mesh.primitive_cube_add(size=1, location=at, rotation=rotate)
    obj = bpy.context.object
    obj.scale = size
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    return finish(obj, mat, bevel)


def cylinder(radius, depth, at, mat, rotate=(0, 0, 0), bevel=0.0, sides=96):
    bpy.ops.mesh.primitive_cylinder_add(radius=radius, depth=depth, location=at, rotation=rotate, vertices=sides)
    return finish(bpy.context.object, mat, bevel)


def ball(radius, at, mat):
    bpy.ops.mesh.primitive_uv_sphere_add(radius=radius, location=at, segments=48, ring_count=24)
    return finish(bpy.context.object, mat)


def tube(points, radius, mat, closed=False):
    curve = bpy.data.curves.new("tube", "CURVE")
    curve.dimensions, curve.bevel_depth, curve.bevel_resolution = "3D", radius, 6
    line = curve.splines.new("NURBS" if not closed else "POLY")
    line.points.add(len(points) - 1)
    for p, co in zip(line.points, points):
        p.co = (*co, 1)
    line.use_cyclic_u = closed
    if not closed:
        line.use_endpoint_u, line.order_u = True, 4
    obj = bpy.data.objects.new("tube", curve)
    bpy.context.collection.objects.link(obj)
    curve.materials.append(mat)
    return obj


def profile(width, depth, height, taper, pillow, mat, rings=14, around=48, power=3.2):
    """A soft bag: superellipse rings from bottom to top; `pillow` bulges the middle, `taper` narrows the top."""
    mesh = bpy.data.meshes.new("bag")
    bm = bmesh.new()
    loops = []
    for r in range(rings + 1):
        t = r / rings
        swell = (1 - abs(2 * t - 1) ** 2.2) * pillow
        w = width / 2 * (1 - taper * t) * (1 + 0.15 * swell)
        d = depth / 2 * (0.25 + swell) * (1 - 0.3 * taper * t)
        loop = []
        for k in range(around):
            a = 2 * math.pi * k / around
            c, s = math.cos(a), math.sin(a)
            x = w * math.copysign(abs(c) ** (2 / power), c)
            y = d * math.copysign(abs(s) ** (2 / power), s)
            loop.append(bm.verts.new((x, y, height * t)))
        loops.append(loop)
    for a, b in zip(loops, loops[1:]):
        for k in range(around):
            bm.faces.new((a[k], a[(k + 1) % around], b[(k + 1) % around], b[k]))
    bm.faces.new(list(reversed(loops[0])))
    bm.faces.new(loops[-1])
    bm.to_mesh(mesh)
    bm.free()
    obj = bpy.data.objects.new("bag", mesh)
    bpy.context.collection.objects.link(obj)
    return finish(obj, mat, subdivide=2)


def words(text, size, at, mat, rotate=(math.pi / 2, 0, 0), font=SANS, depth=0.01, bevel=0.0):
    curve = bpy.data.curves.new(text, "FONT")
    curve.body, curve.size, curve.extrude, curve.bevel_depth = text, size, depth, bevel
    curve.align_x = curve.align_y = "CENTER"
    curve.font = bpy.data.fonts.load(font)
    curve.materials.append(mat)
    obj = bpy.data.objects.new(text, curve)
    obj.location, obj.rotation_euler = at, rotate
    bpy.context.collection.objects.link(obj)
    return obj


# ---- stage ----

def light(kind, at, energy, size=1.0, colour=(1, 1, 1), target=(0, 0, 0)):
    data = bpy.data.lights.new("light", kind)
    data.energy, data.color = energy, colour
    if kind == "AREA":
        data.size = size
    else:
        data.shadow_soft_size = size
    obj = bpy.data.objects.new("light", data)
    obj.location = at
    obj.rotation_euler = (Vector(target) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(obj)


def camera(at, target, lens=70, focus=None):
    data = bpy.data.cameras.new("camera")
    data.lens = lens
    if focus:
        data.dof.use_dof, data.dof.focus_distance, data.dof.aperture_fstop = True, focus[0], focus[1]
    obj = bpy.data.objects.new("camera", data)
    obj.location = at
    obj.rotation_euler = (Vector(target) - Vector(at)).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(obj)
    bpy.context.scene.camera = obj


def world(colour, strength):
    w = bpy.data.worlds.new("world")
    w.use_nodes = True
    w.node_tree.nodes["Background"].inputs[0].default_value = (*colour, 1)
    w.node_tree.nodes["Background"].inputs[1].default_value = strength
    bpy.context.scene.world = w


def backdrop(colour=(0.86, 0.86, 0.87)):
    """A seamless studio sweep."""
    mat = material("paper", colour, rough=0.8)
    mesh = bpy.data.meshes.new("sweep")
    bm = bmesh.new()
    rows = [(-8, 0)] + [(3 + 2 * math.sin(a), 2 - 2 * math.cos(a)) for a in [i * math.pi / 24 for i in range(13)]] + [(5, 9)]
    loops = [[bm.verts.new((x, y, z)) for x in (-12, 12)] for y, z in rows]
    for a, b in zip(loops, loops[1:]):
        bm.faces.new((a[0], a[1], b[1], b[0]))
    bm.to_mesh(mesh)
    obj = bpy.data.objects.new("sweep", mesh)
    bpy.context.collection.objects.link(obj)
    return finish(obj, mat)


def studio(target=(0, 0, 0.6), key=220):
    world((1, 1, 1), 0.35)
    backdrop()
    light("AREA", (-3, -3.5, 4), key, 2.5, target=target)
    light("AREA", (3.5, -2, 2.5), key * 0.45, 3, target=target)
    light("AREA", (0, 1.5, 4.5), key * 0.5, 2, target=target)


def product_shot(target=(0, 0, 0.6), key=420):
    """Bright and white, as shops show their goods."""
    world((1, 1, 1), 0.6)
    backdrop((1, 1, 1))
    light("AREA", (-3, -3.5, 4), key, 2.5, target=target)
    light("AREA", (3.5, -2, 2.5), key * 0.6, 3, target=target)
    light("AREA", (0, 1.5, 4.5), key * 0.5, 2, target=target)


# ---- the pictures ----

def clutch(colour, turn=0.0):
    leather = material("leather", colour, rough=0.38, bump=0.18, scale=70)
    seam = material("seam", tuple(min(1, c * 1.25 + 0.05) for c in colour), rough=0.6)
    parts = [profile(2.1, 0.62, 1.2, 0.04, 0.75, leather, power=6)]
    # the flap: an envelope that folds over the front
    mesh = bpy.data.meshes.new("flap")
    bm = bmesh.new()
    grid = []
    for r in range(13):
        t = r / 12
        row = []
        for k in range(25):
            u = k / 24 * 2 - 1
            drop = 0.72 * (1 - abs(u) ** 1.6 * 0.72)
            x = u * 1.04
            y = -0.12 - 0.205 * math.sin(min(1, t * 1.15) * math.pi / 2) * (1 - 0.55 * abs(u) ** 4) if t > 0 else 0.08
            row.append(bm.verts.new((x, y, 1.23 - drop * max(0, t - 0.02))))
        grid.append(row)
    for a, b in zip(grid, grid[1:]):
        for k in range(24):
            bm.faces.new((a[k], b[k], b[k + 1], a[k + 1]))
    bm.to_mesh(mesh)
    flap = bpy.data.objects.new("flap", mesh)
    bpy.context.collection.objects.link(flap)
    solid = flap.modifiers.new("solid", "SOLIDIFY")
    solid.thickness = 0.035
    parts.append(finish(flap, leather, subdivide=2))
    edge = [(u * 1.02, -0.345 + 0.19 * abs(u) ** 4, 1.225 - 0.70 * (1 - abs(u) ** 1.6 * 0.72)) for u in [i / 20 * 2 - 1 for i in range(21)]]
    parts.append(tube(edge, 0.011, seam))
    parts += [cylinder(0.1, 0.05, (0, -0.39, 0.56), gold(), rotate=(math.pi / 2, 0, 0), bevel=0.015),
              ball(0.055, (0, -0.425, 0.56), gold())]
    root = bpy.data.objects.new("clutch", None)
    bpy.context.collection.objects.link(root)
    for p in parts:
        p.parent = root
    root.rotation_euler = (math.radians(-8), 0, turn)
    root.location = (0, 0, 0.02)
    return root


def pink_clutch():
    product_shot(key=330)
    clutch((0.9, 0.15, 0.35), turn=0.2)
    camera((0, -5.6, 2.8), (0, 0, 0.5), 58)


def pink_clutch_pale():
    product_shot(key=300)
    clutch((0.95, 0.35, 0.50), turn=-0.3)
    camera((0, -5.4, 3.0), (0, 0, 0.45), 64)


def purse(colour, handle=1.0):
    leather = material("leather", colour, rough=0.42, bump=0.22, scale=55, mottle=0.0)
    dark = material("strap", tuple(c * 0.55 for c in colour), rough=0.4, bump=0.15, scale=70)
    brass = gold()
    parts = [profile(2.0, 0.95, 1.35, 0.16, 0.72, leather, power=4.5)]
    parts.append(box((1.7, 0.5, 0.05), (0, 0, 1.36), dark, 0.02))
    for y in (-0.2, 0.2):
        arc = [(-0.55, y, 1.15), (-0.58, y * 1.3, 1.6), (-0.42, y * 1.2, 2.05 * handle), (0, y, 2.3 * handle),
               (0.42, y * 1.2, 2.05 * handle), (0.58, y * 1.3, 1.6), (0.55, y, 1.15)]
        parts.append(tube(arc, 0.05, dark))
    for x in (-0.55, 0.55):
        parts.append(box((0.16, 0.03, 0.55), (x, -0.40, 1.05), dark, 0.02, rotate=(math.radians(-14), 0, 0)))
        bpy.ops.mesh.primitive_torus_add(major_radius=0.085, minor_radius=0.018, location=(x, -0.33, 1.30), rotation=(math.pi / 2, 0, 0))
        parts.append(finish(bpy.context.object, brass))
        parts.append(box((0.22, 0.03, 0.16), (x, -0.475, 0.86), brass, 0.02))
    parts.append(box((0.34, 0.06, 0.26), (0, -0.46, 1.0), brass, 0.03, rotate=(math.radians(-10), 0, 0)))
    stitch = material("stitch", (0.78, 0.62, 0.42), rough=0.7)
    for i in range(44):
        x = -0.88 + i * 0.041
        parts.append(box((0.024, 0.012, 0.008), (x, -0.285 - 0.24 * (1 - (x / 1.0) ** 6), 0.22), stitch))
    return parts


def brown_purse():
    studio(key=240)
    for p in purse((0.105, 0.040, 0.014)):
        p.rotation_euler.z += 0.0
    camera((1.9, -6.6, 2.1), (0, 0, 1.05), 80)


def red_handbag():
    studio(key=240)
    purse((0.55, 0.02, 0.03), handle=0.9)
    camera((-2.2, -6.4, 1.8), (0, 0, 1.0), 80)


def dark_stairwell():
    """Looking up a narrow staircase at night."""
    world((0.2, 0.25, 0.4), 0.01)
    brick = material("brick", (0.22, 0.12, 0.09), rough=0.9, bump=0.3, scale=12, mottle=0.4)
    stone = material("stone", (0.27, 0.26, 0.25), rough=0.85, bump=0.2, scale=14, mottle=0.3)
    for i in range(16):
        box((1.9, 0.34, 0.20 * (i + 1)), (0, i * 0.30, 0.10 * (i + 1)), stone, 0.012)
    box((0.2, 9, 9), (-1.03, 2.6, 3), brick)
    box((0.2, 9, 9), (1.03, 2.6, 3), brick)
    box((2.2, 0.2, 5), (0, 6.2, 5), brick)
    box((0.8, 0.1, 1.7), (0, 5.6, 4.05), material("door", (0.03, 0.03, 0.035), rough=0.6))
    ball(0.07, (0.55, 5.3, 5.25), material("lamp", (1.0, 0.75, 0.4), emit=12))
    light("POINT", (0.5, 5.1, 5.2), 130, 0.1, (1.0, 0.7, 0.36))
    light("AREA", (0, -2.5, 4.5), 60, 1.2, (0.55, 0.68, 1.0), target=(0, 2, 1))
    camera((0, -2.3, 1.3), (0, 3.6, 2.25), 30)


def watch_face(brand, sub, dial, case, strap, hand_colour):
    dial_m = material("dial", dial, rough=0.35)
    ink = material("ink", hand_colour, rough=0.4)
    strap_m = material("strap", strap, rough=0.5, bump=0.25, scale=60)
    cylinder(1.0, 0.32, (0, 0, 0), case, bevel=0.07)
    bpy.ops.mesh.primitive_torus_add(major_radius=0.93, minor_radius=0.075, location=(0, 0, 0.16), major_segments=96)
    finish(bpy.context.object, case)
    cylinder(0.88, 0.02, (0, 0, 0.165), dial_m)
    for i in range(60):
        a = i * math.pi / 30
        long = i % 5 == 0
        r = 0.76 if long else 0.80
        obj = box((0.035 if long else 0.010, 0.13 if long else 0.05, 0.012), (r * math.sin(a), r * math.cos(a), 0.185), ink)
        obj.rotation_euler.z = -a
    words(brand, 0.27, (0, 0.36, 0.18), ink, rotate=(0, 0, 0), depth=0.004)
    words(sub, 0.085, (0, 0.19, 0.18), ink, rotate=(0, 0, 0), depth=0.004)
    for angle, length, width, z in ((-math.radians(304), 0.46, 0.055, 0.20), (-math.radians(50), 0.68, 0.038, 0.215)):
        obj = box((width, length, 0.012), (length * 0.42 * -math.sin(angle), length * 0.42 * math.cos(angle), z), ink)
        obj.rotation_euler.z = angle
    obj = box((0.012, 0.86, 0.008), (0.28 * -math.sin(-2.6), 0.28 * math.cos(-2.6), 0.23), material("second", (0.7, 0.05, 0.03)))
    obj.rotation_euler.z = -2.6
    cylinder(0.045, 0.03, (0, 0, 0.23), case)
    box((0.2, 0.13, 0.01), (0.56, 0, 0.18), material("window", (0.95, 0.95, 0.93)))
    words("23", 0.11, (0.56, 0, 0.187), material("date", (0.02, 0.02, 0.02)), rotate=(0, 0, 0), depth=0.001)
    cylinder(0.09, 0.16, (1.10, 0, 0), case, rotate=(0, math.pi / 2, 0), bevel=0.015, sides=24)
    for s in (-1, 1):
        for x in (-0.52, 0.52):
            box((0.16, 0.5, 0.2), (x, s * 1.02, -0.04), case, 0.05, rotate=(s * -0.25, 0, 0))
        for k in range(7):
            t = k / 6
            box((0.88 - 0.12 * t, 0.36, 0.10), (0, s * (1.24 + 0.30 * k * math.cos(0.10 * k)), -0.10 - 0.018 * k * k), strap_m, 0.03,
                rotate=(-s * (0.10 + 0.055 * k), 0, 0))


def watch_iwc():
    world((0.8, 0.85, 1.0), 0.25)
    box((30, 30, 0.2), (0, 0, -0.95), material("table", (0.16, 0.10, 0.07), rough=0.35, bump=0.05, scale=5))
    steel = material("steel", (0.72, 0.72, 0.74), rough=0.16, metal=1)
    watch_face("IWC", "SCHAFFHAUSEN", (0.012, 0.018, 0.045), steel, (0.10, 0.05, 0.03), (0.92, 0.92, 0.90))
    light("AREA", (-3, 2.5, 5), 300, 2.5)
    light("AREA", (3.5, -3, 4), 130, 3)
    camera((0.9, -3.3, 5.6), (0, -0.02, 0.05), 78)


def watch_plain():
    studio(target=(0, 0, 0))
    steel = material("rose gold", (0.80, 0.50, 0.36), rough=0.2, metal=1)
    watch_face("classic", "automatic", (0.93, 0.92, 0.89), steel, (0.30, 0.15, 0.07), (0.05, 0.05, 0.06))
    for obj in list(bpy.context.collection.objects):
        if obj.type in ("MESH", "FONT") and obj.name != "sweep":
            obj.location.z += 0.95
    camera((-0.7, -3.6, 6.0), (0, 0, 0.9), 72)


def quilt(mat, half=3.0, cell=0.62, steps=240):
    """A wall of quilted leather in the plane y = 0.1: cushions between diagonal seams."""
    mesh = bpy.data.meshes.new("quilt")
    bm = bmesh.new()
    rows = []
    for j in range(steps + 1):
        row = []
        for i in range(steps + 1):
            x, z = (2 * i / steps - 1) * half, (2 * j / steps - 1) * half
            swell = abs(math.sin(math.pi * (x + z) / (2 * cell)) * math.sin(math.pi * (x - z) / (2 * cell))) ** 0.45
            row.append(bm.verts.new((x, 0.1 - 0.13 * swell, z)))
        rows.append(row)
    for a, b in zip(rows, rows[1:]):
        for i in range(steps):
            bm.faces.new((a[i], a[i + 1], b[i + 1], b[i]))
    bm.to_mesh(mesh)
    obj = bpy.data.objects.new("quilt", mesh)
    bpy.context.collection.objects.link(obj)
    return finish(obj, mat)


def ysl_monogram():
    world((1, 1, 1), 0.15)
    leather = material("leather", (0.012, 0.011, 0.012), rough=0.34, bump=0.1, scale=70)
    quilt(leather)
    metal = gold()
    # interlaced: each letter lies a little before or behind its neighbour where they cross
    words("Y", 1.55, (-0.26, -0.14, 0.52), metal, font=SERIF, depth=0.045, bevel=0.012)
    words("S", 1.75, (0.02, -0.22, -0.05), metal, font=SERIF, depth=0.045, bevel=0.012)
    words("L", 1.55, (0.32, -0.30, -0.56), metal, font=SERIF, depth=0.045, bevel=0.012)
    light("AREA", (-3, -4, 3), 260, 2)
    light("AREA", (3, -3, -1), 90, 2)
    light("AREA", (0.5, -5, 5), 120, 1.5)
    camera((0.5, -6.0, 0.35), (0.03, 0, -0.03), 75)


def shop_front(glow):
    world((0.3, 0.4, 0.7), 0.10)
    wall = material("wall", (0.30, 0.10, 0.07), rough=0.9, bump=0.4, scale=7, mottle=0.45)
    box((9, 0.3, 6), (0, 0.35, 2), wall)
    frame = material("frame", (0.05, 0.06, 0.07), rough=0.4)
    box((4.3, 0.2, 2.9), (0, 0.15, 1.75), frame, 0.03)
    box((4.0, 0.1, 2.6), (0, 0.06, 1.75), material("paper", (0.80, 0.70, 0.52), rough=0.8, emit=0.0), 0.01)
    box((9, 6, 0.2), (0, -2.6, -0.1), material("pavement", (0.2, 0.2, 0.21), rough=0.7, bump=0.2, scale=20))
    for x in (-2.05, 0, 2.05):
        light("SPOT", (x, -1.2, 4.2), glow, 0.1, (1, 0.86, 0.66), target=(x * 0.7, 0.2, 1.7))


def coming_soon():
    shop_front(160)
    board = material("board", (0.55, 0.015, 0.02), rough=0.5)
    white = material("white", (0.95, 0.94, 0.90), rough=0.5)
    box((3.5, 0.12, 1.75), (0, -0.10, 1.78), white, 0.03)
    box((3.34, 0.14, 1.59), (0, -0.11, 1.78), board, 0.03)
    words("COMING", 0.66, (0, -0.20, 2.12), white, depth=0.02)
    words("SOON", 0.66, (0, -0.20, 1.45), white, depth=0.02)
    camera((0.5, -6.4, 1.5), (0, 0, 1.75), 62)


def coming_soon_window():
    shop_front(60)
    black = material("ink", (0.02, 0.02, 0.02), rough=0.6)
    box((3.6, 0.06, 2.2), (0, -0.03, 1.75), material("poster", (0.97, 0.97, 0.95), rough=0.7), 0.01)
    words("coming", 0.80, (0, -0.08, 2.15), black, depth=0.006, font=SERIF)
    words("soon", 0.80, (0, -0.08, 1.40), black, depth=0.006, font=SERIF)
    camera((-0.9, -6.0, 1.6), (0, 0, 1.75), 60)


SCENES = {
    "pink-clutch": pink_clutch,
    "pink-clutch-pale": pink_clutch_pale,
    "brown-purse": brown_purse,
    "red-handbag": red_handbag,
    "dark-stairwell": dark_stairwell,
    "watch-iwc": watch_iwc,
    "watch": watch_plain,
    "ysl-monogram": ysl_monogram,
    "coming-soon-sign": coming_soon,
    "coming-soon-window": coming_soon_window,
}


def render(name, folder):
    bpy.ops.wm.read_factory_settings(use_empty=True)
    random.seed(7)
    SCENES[name]()
    scene = bpy.context.scene
    scene.render.engine = "CYCLES"
    scene.cycles.samples = int(os.environ.get("SAMPLES", SAMPLES))
    scene.cycles.use_denoising = False  # Debian builds Blender without a denoiser
    scene.cycles.seed = 7
    scene.cycles.use_adaptive_sampling, scene.cycles.adaptive_threshold = True, 0.04
    scene.cycles.max_bounces, scene.cycles.sample_clamp_indirect = 4, 3.0
    scene.render.threads_mode, scene.render.threads = "FIXED", int(os.environ.get("THREADS", "1"))
    size = int(os.environ.get("SIZE", SIZE))
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.view_settings.view_transform = "Filmic"
    scene.view_settings.look = "Medium High Contrast"
    scene.render.image_settings.file_format = "JPEG"
    scene.render.image_settings.quality = 88
    scene.render.filepath = os.path.join(folder, name + ".jpg")
    bpy.ops.render.render(write_still=True)


def main():
    args = sys.argv[sys.argv.index("--") + 1:]
    folder = os.path.abspath(args[1] if len(args) > 1 else "samples")
    for name in SCENES if args[0] == "all" else args[0].split(","):
        render(name, folder)


main()
