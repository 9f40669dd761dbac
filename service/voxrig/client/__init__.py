"""A voxrig server from Python: whole recordings, and speech as it is spoken.

with voxrig.connect("faces.example.org:52000", key="…") as client:
    frames = client.animate("line.wav", rig="metahuman", fps=30)
    pictures = client.render("line.wav", View(size=(360, 640), background="green"))
"""

from .aio import AsyncClient, AsyncLiveStream, connect_async
from .blocking import Client, LiveStream, connect
from .dialogue import Block, Header, Notice, Part, Picture, Summary
from .offer import Description
from .wish import View

__all__ = [
    "AsyncClient",
    "AsyncLiveStream",
    "Block",
    "Client",
    "Description",
    "Header",
    "LiveStream",
    "Notice",
    "Part",
    "Picture",
    "Summary",
    "View",
    "connect",
    "connect_async",
]
