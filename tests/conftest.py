"""What all tests share: the folders of real peers and of contract suites are importable by their names."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
