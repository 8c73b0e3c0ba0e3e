"""All paths that the long campaigns take, by name."""

from file_paths import FILE_PATHS
from lake_paths import LAKE_PATHS
from lytics_paths import LYTICS_PATHS
from push_paths import PUSH_PATHS

PATHS = {path.name: path for path in [*FILE_PATHS, *LAKE_PATHS, *PUSH_PATHS, *LYTICS_PATHS]}
