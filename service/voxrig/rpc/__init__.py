"""The service: voxrig's own API and NVIDIA's, on one port. Nothing imports it but the command line."""
