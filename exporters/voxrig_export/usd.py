"""USD: a take as UsdSkel blend shapes, for Omniverse, Houdini, Maya, Blender, Unreal and usdview.

With an avatar the file holds its meshes, the shapes that the take moves, and the animation::

    /Face                SkelRoot, the default prim
    /Face/Skeleton       one joint that stays where it is; UsdSkel asks for a skeleton
    /Face/Animation      SkelAnimation: blendShapes (names) and blendShapeWeights (one row a frame)
    /Face/Materials      a plain colour for each material
    /Face/<mesh>         Mesh, with its BlendShapes below it, bound by name

Without one, with the mesh ``none``, or where the avatar that ships has no shape of the rig, it holds the
animation alone, as the default prim ``/Animation``: make it the ``skel:animationSource`` of a character.

Time codes are frame numbers and ``timeCodesPerSecond`` is the rate, so frame i stands at i whatever the
rate; between time samples USD goes in straight lines. Metres, +Y up. Skinned meshes stand in their rest
pose. Pictures stay behind, since a USD file holds none: a material keeps the colour that tints them.

``Usda`` is text, ``Usdc`` binary. Both need the package usd-core.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from voxrig.avatar.glb_parts import Moved, Part, parts
from voxrig.avatar.glb_targets import binds, faces, listed
from voxrig.errors import FormatError
from voxrig.types import Array
from voxrig_export.glb import avatar, shared_keys
from voxrig_export.take import Take, Writer

NO_MESH = "none"
"""The ``Options.mesh`` that asks for the animation alone."""


class Usda(Writer):
    """Writes USD as text when the take is whole."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._scene = out, Scene(take)

    def write(self, values: Array, start: int) -> None:
        """Keep rows (t, c), of which the first is frame ``start``."""
        self._scene.keep(values)

    def finish(self, count: int) -> None:
        """Write the layer of ``count`` frames."""
        self._out.write(self._scene.layer(count).ExportToString().encode())


class Usdc(Writer):
    """Writes USD as a binary crate when the take is whole. The library wants a path, so it is made beside."""

    def __init__(self, out: BinaryIO, take: Take) -> None:
        self._out, self._scene, self._folder = out, Scene(take), take.folder

    def write(self, values: Array, start: int) -> None:
        """Keep rows (t, c), of which the first is frame ``start``."""
        self._scene.keep(values)

    def finish(self, count: int) -> None:
        """Write the layer of ``count`` frames."""
        layer = self._scene.layer(count)
        with tempfile.TemporaryDirectory(prefix=".voxrig-", dir=self._folder) as scratch:
            path = Path(scratch, "take.usdc")
            _export(layer, path)
            with path.open("rb") as made:
                shutil.copyfileobj(made, self._out)


class Scene:
    """The rows of a take while they come, and the USD layer that they make. Raises FormatError."""

    def __init__(self, take: Take) -> None:
        if importlib.util.find_spec("pxr") is None:
            raise FormatError("usd needs the package usd-core; pip install 'voxrig[usd]'")
        self._take, self._rows = take, [np.zeros((0, len(take.rig)), np.float32)]
        self._parts = _avatar(take)

    def keep(self, values: Array) -> None:
        """Append rows (t, c)."""
        self._rows.append(np.array(values, np.float32))

    def layer(self, count: int) -> Any:
        """An Sdf.Layer in memory with the first ``count`` frames."""
        from pxr import Sdf, Usd, UsdGeom

        layer = Sdf.Layer.CreateAnonymous(".usda")  # held here: a stage's own layer ends with the stage
        stage = Usd.Stage.Open(layer)
        UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
        UsdGeom.SetStageMetersPerUnit(stage, 1)
        stage.SetTimeCodesPerSecond(float(self._take.fps))
        stage.SetFramesPerSecond(float(self._take.fps))
        stage.SetStartTimeCode(0)
        stage.SetEndTimeCode(max(count - 1, 0))
        stage.SetMetadata("comment", f"voxrig take on rig {self._take.rig.name}")
        names = [self._take.options.names.get(name, name) for name in self._take.rig.curves]
        if self._parts:
            root = _character(stage, self._parts, names)
            _animate(stage, "/Face/Animation", names, self._values(), self._take.options.tolerance)
        else:
            root = _animate(stage, "/Animation", names, self._values(), self._take.options.tolerance)
        stage.SetDefaultPrim(root)
        return layer

    def _values(self) -> Array:
        return np.ascontiguousarray(np.concatenate(self._rows))


def _avatar(take: Take) -> list[Part]:
    """The meshes of the avatar; none for an animation alone. Raises FormatError."""
    rig, options = take.rig, take.options
    if options.mesh == NO_MESH:
        return []
    try:
        glb = avatar(options.avatar)
    except FormatError:
        if options.avatar is None:  # none ships with this copy
            return []
        raise
    have = faces(glb, options.mesh)
    found = {face.node: Moved(tuple(binds(glb, face, rig, options.names)), face.rest) for face in have}
    if any(moved.binds for moved in found.values()):
        return parts(glb, found)
    if options.avatar is None:
        return []
    names = tuple(dict.fromkeys(name for face in have for name in face.targets if name))
    raise FormatError(
        f"no morph target of {options.avatar} is a curve of rig {rig.name};"
        f" looked for {listed(rig.curves)}; found {listed(names)}"
    )


def _animate(stage: Any, path: str, names: list[str], values: Array, tolerance: float | None) -> Any:
    """A SkelAnimation prim with one time sample for each frame that is kept."""
    from pxr import UsdSkel, Vt

    animation = UsdSkel.Animation.Define(stage, path)
    animation.CreateBlendShapesAttr(names)
    weights = animation.CreateBlendShapeWeightsAttr()
    for index in shared_keys(values, tolerance) if len(values) else ():
        weights.Set(Vt.FloatArray.FromNumpy(values[index]), int(index))
    return animation.GetPrim()


def _character(stage: Any, meshes: list[Part], names: list[str]) -> Any:
    """The SkelRoot with skeleton, materials and meshes, each bound to the animation by name."""
    from pxr import Gf, Sdf, Usd, UsdGeom, UsdSkel, Vt

    root = UsdSkel.Root.Define(stage, "/Face")
    Usd.ModelAPI(root).SetKind("component")
    skeleton = UsdSkel.Skeleton.Define(stage, "/Face/Skeleton")
    skeleton.CreateJointsAttr(["root"])
    skeleton.CreateBindTransformsAttr([Gf.Matrix4d(1)])
    skeleton.CreateRestTransformsAttr([Gf.Matrix4d(1)])
    binding = UsdSkel.BindingAPI.Apply(skeleton.GetPrim())
    binding.CreateAnimationSourceRel().SetTargets([Sdf.Path("/Face/Animation")])
    taken = {"Skeleton", "Animation", "Materials"}
    for part in meshes:
        path = f"/Face/{_identifier(part.name, taken)}"
        mesh = _mesh(stage, path, part)
        binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
        binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
        binding.CreateGeomBindTransformAttr(Gf.Matrix4d(1))
        binding.CreateJointIndicesPrimvar(constant=True, elementSize=1).Set([0])
        binding.CreateJointWeightsPrimvar(constant=True, elementSize=1).Set([1.0])
        _shapes(stage, path, part, names, binding)
    corners = np.concatenate([part.reach for part in meshes])
    extent = np.stack([corners.min(0), corners.max(0)])
    UsdGeom.Boundable(root).CreateExtentAttr(Vt.Vec3fArray.FromNumpy(extent))
    return root.GetPrim()


def _mesh(stage: Any, path: str, part: Part) -> Any:
    """A Mesh prim of triangles with its normals, texture coordinates and colour."""
    from pxr import Sdf, UsdGeom, Vt

    mesh = UsdGeom.Mesh.Define(stage, path)
    mesh.CreatePointsAttr(Vt.Vec3fArray.FromNumpy(part.points))
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray.FromNumpy(np.full(len(part.triangles), 3, np.int32)))
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(part.triangles.astype(np.int32).ravel()))
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateExtentAttr(Vt.Vec3fArray.FromNumpy(part.reach))
    mesh.CreateDoubleSidedAttr(part.material.double_sided)
    if part.normals is not None:
        mesh.CreateNormalsAttr(Vt.Vec3fArray.FromNumpy(part.normals))
        mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    if part.uv is not None:
        primvars = UsdGeom.PrimvarsAPI(mesh)
        st = primvars.CreatePrimvar("st", Sdf.ValueTypeNames.TexCoord2fArray, UsdGeom.Tokens.vertex)
        st.Set(Vt.Vec2fArray.FromNumpy(part.uv))
    _paint(stage, mesh, part)
    return mesh


def _paint(stage: Any, mesh: Any, part: Part) -> None:
    """Binds the material to the mesh, made once for all parts that share it."""
    from pxr import Gf, Sdf, UsdShade

    look = part.material
    path = f"/Face/Materials/Material_{look.index}"
    material = UsdShade.Material.Get(stage, path)
    if not material:
        stage.DefinePrim("/Face/Materials", "Scope")
        material = UsdShade.Material.Define(stage, path)
        shader = UsdShade.Shader.Define(stage, f"{path}/Surface")
        shader.CreateIdAttr("UsdPreviewSurface")
        for name in ("roughness", "metallic", "opacity"):
            shader.CreateInput(name, Sdf.ValueTypeNames.Float).Set(getattr(look, name))
        shader.CreateInput("diffuseColor", Sdf.ValueTypeNames.Color3f).Set(Gf.Vec3f(*look.colour))
        material.CreateSurfaceOutput().ConnectToSource(shader.ConnectableAPI(), "surface")
    mesh.CreateDisplayColorAttr([Gf.Vec3f(*look.colour)])
    UsdShade.MaterialBindingAPI.Apply(mesh.GetPrim()).Bind(material)


def _shapes(stage: Any, path: str, part: Part, names: list[str], binding: Any) -> None:
    """BlendShape prims below a mesh, for the curves that move it."""
    from pxr import UsdSkel, Vt

    taken: set[str] = set()
    tokens, targets = [], []
    for shape in part.shapes:
        name = names[shape.curve]
        blend = UsdSkel.BlendShape.Define(stage, f"{path}/{_identifier(name, taken)}")
        blend.CreateOffsetsAttr(Vt.Vec3fArray.FromNumpy(shape.offsets))
        blend.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(shape.vertices))
        blend.CreateNormalOffsetsAttr(Vt.Vec3fArray.FromNumpy(shape.normals))
        tokens.append(name)
        targets.append(blend.GetPath())
    if tokens:
        binding.CreateBlendShapesAttr(tokens)
        binding.CreateBlendShapeTargetsRel().SetTargets(targets)


def _identifier(name: str, taken: set[str]) -> str:
    """The name as a prim may have it, with a number if another has it already; ``taken`` remembers it."""
    from pxr import Tf

    plain: str = Tf.MakeValidIdentifier(name)
    free, number = plain, 2
    while free in taken:
        free, number = f"{plain}_{number}", number + 1
    taken.add(free)
    return free


def _export(layer: Any, path: Path) -> None:
    """Write a layer to a path. Raises OSError, which the library only tells in words."""
    from pxr import Tf

    try:
        done, said = layer.Export(str(path)), ""
    except Tf.ErrorException as error:
        done, said = False, str(error)
    if not done:
        kinds = (errno.EFBIG, errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS, errno.EIO)
        code = next((kind for kind in kinds if os.strerror(kind) in said), errno.EIO)
        raise OSError(code, os.strerror(code))
