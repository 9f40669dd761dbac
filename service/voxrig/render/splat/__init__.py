"""Faces made of Gaussians: soft ellipsoids that ride on the triangles of a figure. Needs the extra render."""

from voxrig.render.splat.cloud import Cloud, bind, rest
from voxrig.render.splat.gaussians import Bases, Gaussians
from voxrig.render.splat.growth import sprout
from voxrig.render.splat.raster import CpuRaster
from voxrig.render.splat.splat import DEVICES, Splat

__all__ = ["DEVICES", "Bases", "Cloud", "CpuRaster", "Gaussians", "Splat", "bind", "rest", "sprout"]
