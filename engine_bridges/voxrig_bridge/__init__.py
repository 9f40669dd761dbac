"""Live protocols as pure codecs, values to bytes and back. Imports only voxrig.types and voxrig.rigs."""
