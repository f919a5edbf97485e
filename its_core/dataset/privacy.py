"""Local paths, the login and the host name removed from what is published.

They say nothing about the data, name a person or a machine, and differ between equal builds.
"""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Any

# "/home/alice/x.png" and "C:\\data\\x.png" but not the path of a URL: no word, colon, dot or slash stands before it.
_ABSOLUTE = re.compile(r"(?<![\w:/.…*])(?:/|[A-Za-z]:\\)(?:[^\s/\\:'\",;()\[\]]+[/\\])+")


def without_local_paths(value: Any) -> Any:
    """The same JSON value with the folders of absolute local paths replaced by ``…/``, and without this host's name."""
    match value:
        case dict():
            return {name: without_local_paths(each) for name, each in value.items()}
        case list() | tuple():
            return [without_local_paths(each) for each in value]
        case str():
            return _shortened(value)
        case _:
            return value


def _shortened(text: str) -> str:
    if "/" not in text and "\\" not in text:
        return _without_host(text)
    text = text.replace("file://", "")
    for root in {str(Path.cwd()), str(Path.home())}:
        if len(root) > 1:
            text = text.replace(f"{root}/", "…/")
    return _without_host(_ABSOLUTE.sub("…/", text))


def _without_host(text: str) -> str:
    host = socket.gethostname()
    return re.sub(rf"\b{re.escape(host)}\b", "…", text) if host and host != "localhost" else text
