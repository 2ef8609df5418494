"""Units of memory and storage, and the largest object, in bytes."""

from typing import Final

MIB: Final = 1024**2
GIB: Final = 1024**3
#: Largest data of an object in Kubernetes. The API server accepts 1 MiB in a ConfigMap and etcd
#: 1.5 MiB in a request; the rest is for metadata.
MAX_OBJECT_BYTES: Final = 900 * 1024
