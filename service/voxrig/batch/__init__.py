"""Many recordings to curve files: resumable, on all cores of a machine or of a Ray cluster.

Knows nothing of file formats or of the command line: what opens a curve file is handed in.
"""
