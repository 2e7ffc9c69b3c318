"""The real division files are tested where they lie beside the checkout."""

from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "divisions"

collect_ignore = [] if DATA.is_dir() else ["importing/test_real_divisions.py"]
