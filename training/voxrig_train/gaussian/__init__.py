"""Fits a head of Gaussians to pictures of one person. See docs/gaussian.md."""
