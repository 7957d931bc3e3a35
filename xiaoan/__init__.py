"""小安 (xiaoan): exam answers on the 电力安全工作规程, checked against one's own question bank."""

__version__ = "0.1.0"
