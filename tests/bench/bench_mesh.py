"""What a picture of the head that ships costs on the processor, stage by stage. Prints; asserts nothing.

python tests/bench/bench_mesh.py [--frames 120] [--threads N]

A head that talks, turns and blinks. Then the same head, with the same pictures and points uploaded for each
frame, by OpenGL on the processor (moderngl on EGL, four samples) and by pyrender, where they are installed.
Times are wall clock; "cpu" adds up all threads, and tells more on a machine that is busy.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy loads
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("PYOPENGL_PLATFORM", "egl")

import argparse
import time
from collections.abc import Callable

import numpy as np

from voxrig.avatar.figure import Figure
from voxrig.avatar.glb_figure import load
from voxrig.render.camera import Camera, framed
from voxrig.render.mesh import Mesh
from voxrig.render.posing import Posing
from voxrig.rigs.native import NATIVE
from voxrig.types import Array


def main() -> None:
    parser = argparse.ArgumentParser(description="time pictures of a mesh head")
    parser.add_argument("--frames", type=int, default=120)
    parser.add_argument("--threads", type=int, default=0, help="0: all")
    options = parser.parse_args()
    import numba

    if options.threads:
        numba.set_num_threads(options.threads)
    figure, take = load(), talk(options.frames)
    load_ = f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "?"
    print(f"{len(figure.points):,} vertices, {len(figure.faces):,} triangles, {len(figure.shapes)} shapes;")
    print(f"{numba.get_num_threads()} threads, load {load_}")
    for size in (256, 512, 1024):
        for antialias in (True, False):
            ours(figure, take, size, antialias)
    for name, theirs in (("moderngl, EGL, 4 samples", _moderngl), ("pyrender, EGL", _pyrender)):
        try:
            draw = theirs(figure, framed(figure), 512)
        except Exception as error:  # whatever a driver may say
            print(f"{name:28s} passed over: {type(error).__name__}: {str(error)[:80]}")
            continue
        report(f"{name:28s} 512", take, draw)


def talk(frames: int) -> Array:
    """(t, c): lips, jaw, a blink, a turning head."""
    t = np.arange(frames) / 30
    out = np.zeros((frames, len(NATIVE)), np.float32)
    out[:, NATIVE.index("jawOpen")] = 0.25 + 0.25 * np.sin(t * 11)
    out[:, NATIVE.index("mouthFunnel")] = 0.3 + 0.3 * np.sin(t * 7)
    out[:, NATIVE.index("mouthSmileLeft")] = out[:, NATIVE.index("mouthSmileRight")] = 0.3
    out[:, NATIVE.index("eyeBlinkLeft")] = np.maximum(np.sin(t * 3), 0) ** 16
    out[:, NATIVE.index("headYaw")] = 0.15 * np.sin(t)
    return out


def report(name: str, take: Array, draw: Callable[[Array], object]) -> None:
    for values in take[:3]:
        draw(values)
    took, cpu = [], []
    for values in take:
        wall, used = time.perf_counter(), time.process_time()
        draw(values)
        took.append(time.perf_counter() - wall)
        cpu.append(time.process_time() - used)
    wall_, low = 1000 * np.mean(took), 1000 * np.quantile(took, 0.1)
    print(
        f"{name:32s}{1000 / wall_:7.0f} fps {wall_:7.2f} ms, best tenth {low:6.2f} ms, "
        f"cpu {1000 * np.mean(cpu):6.2f} ms",
        flush=True,
    )


def ours(figure: Figure, take: Array, size: int, antialias: bool) -> None:
    mesh = Mesh(figure, framed(figure), (size, size), antialias=antialias)
    report(f"ours, {'4 samples' if antialias else '1 sample':22s}{size:5d}", take, mesh.draw)
    stages: dict[str, Callable[[Array], object]] = {
        "pose": mesh._posing.pose,
        "openings": lambda values: mesh._openings.update(
            mesh._posing.points, mesh._posing.normals, mesh._posing.turns(values)[2]
        ),
        "light": lambda values: mesh._light(),
        "pixels": lambda values: mesh._paint(),
    }
    sums = dict.fromkeys(stages, 0.0)
    used = dict.fromkeys(stages, 0.0)
    for values in take:
        for name, stage in stages.items():
            wall, cpu = time.perf_counter(), time.process_time()
            stage(values)
            sums[name] += time.perf_counter() - wall
            used[name] += time.process_time() - cpu
    parts = (f"{n} {1000 * s / len(take):.2f} ({1000 * used[n] / len(take):.2f})" for n, s in sums.items())
    print(f"    ms (cpu): {', '.join(parts)}", flush=True)


_VERTEX = """
#version 330
uniform mat4 view; uniform mat4 projection;
in vec3 point; in vec3 normal; in vec2 uv; out vec3 n; out vec2 t;
void main() { n = normal; t = uv; gl_Position = projection * view * vec4(point, 1.0); }
"""
_FRAGMENT = """
#version 330
uniform sampler2D picture; uniform vec4 colour; uniform float cut; in vec3 n; in vec2 t; out vec4 o;
void main() {
    vec4 c = texture(picture, t) * colour;
    if (c.a < cut) discard;
    float d = max((dot(normalize(n), vec3(.47, .52, .71)) + .3) / 1.3, 0.0);
    o = vec4(pow(c.rgb * (d + .3), vec3(1.0 / 2.2)), 1.0);
}
"""


def _moderngl(figure: Figure, camera: Camera, size: int) -> Callable[[Array], object]:
    import moderngl

    gl = moderngl.create_context(standalone=True, backend="egl")
    print(f"    {gl.info['GL_RENDERER']}")
    program = gl.program(vertex_shader=_VERTEX, fragment_shader=_FRAGMENT)
    posing = Posing(figure)
    points, normals = (gl.buffer(reserve=figure.points.nbytes) for _ in range(2))
    uvs = gl.buffer(np.ascontiguousarray(figure.uvs).tobytes())
    parts = []
    for i, material in enumerate(figure.materials):
        index = gl.buffer(np.ascontiguousarray(figure.faces[figure.material == i]).tobytes())
        array = gl.vertex_array(
            program, [(points, "3f", "point"), (normals, "3f", "normal"), (uvs, "2f", "uv")], index
        )
        picture = material.picture if material.picture is not None else np.full((1, 1, 4), 255, np.uint8)
        texture = gl.texture(picture.shape[1::-1], 4, np.ascontiguousarray(picture).tobytes())
        texture.build_mipmaps()
        parts.append((array, texture, material))
    drawn = gl.framebuffer([gl.renderbuffer((size, size), samples=4)], gl.depth_renderbuffer((size, size), 4))
    flat = gl.framebuffer([gl.renderbuffer((size, size))])
    near, far = 0.05, 5.0
    f = 1 / np.tan(camera.fov / 2)
    projection = np.zeros((4, 4), np.float32)
    projection[0, 0] = projection[1, 1] = f
    projection[2, 2:] = (near + far) / (near - far), 2 * near * far / (near - far)
    projection[3, 2] = -1
    program["view"].write(camera.view().T.tobytes())
    program["projection"].write(projection.T.tobytes())
    gl.enable(moderngl.DEPTH_TEST)

    def draw(values: Array) -> object:
        posing.pose(values)
        points.write(posing.points.tobytes())
        normals.write(posing.normals.tobytes())
        drawn.use()
        drawn.clear(0.2, 0.22, 0.26, 1.0)
        for array, texture, material in parts:
            (gl.disable if material.double_sided else gl.enable)(moderngl.CULL_FACE)
            texture.use()
            program["colour"].value = tuple(float(part) for part in material.colour)
            program["cut"].value = material.cutout
            array.render()
        gl.copy_framebuffer(flat, drawn)
        return flat.read(components=3)

    return draw


def _pyrender(figure: Figure, camera: Camera, size: int) -> Callable[[Array], object]:
    setattr(np, "infty", np.inf)  # noqa: B010  # as it is called there
    import pyrender

    posing = Posing(figure)
    renderer = pyrender.OffscreenRenderer(size, size)
    pose = np.linalg.inv(camera.view().astype(np.float64))

    def draw(values: Array) -> object:
        posing.pose(values)
        scene = pyrender.Scene(ambient_light=(0.3, 0.3, 0.3))
        parts = []
        for i, material in enumerate(figure.materials):
            colour = material.colour if material.picture is None else material.picture.mean((0, 1)) / 255
            look = pyrender.MetallicRoughnessMaterial(baseColorFactor=np.asarray(colour, float))
            index = figure.faces[figure.material == i]
            parts.append(pyrender.Primitive(posing.points, posing.normals, indices=index, material=look))
        scene.add(pyrender.Mesh(parts))
        scene.add(pyrender.PerspectiveCamera(camera.fov), pose=pose)
        scene.add(pyrender.DirectionalLight(intensity=3.0), pose=pose)
        return renderer.render(scene)[0]

    return draw


if __name__ == "__main__":
    main()
