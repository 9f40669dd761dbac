"""Frames to pictures: a mesh head, a head of 3D Gaussians, a photo that speaks. Needs the extra render."""
