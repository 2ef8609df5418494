"""Units of memory and storage, in bytes."""

from typing import Final

MIB: Final = 1024**2
GIB: Final = 1024**3
