"""The real division files are tested where they lie beside the checkout."""

from pathlib import Path

from hypothesis import HealthCheck, settings

DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "divisions"

collect_ignore = [] if DATA.is_dir() else ["importing/test_real_divisions.py"]

# A machine that runs several tests at once may pause any example; the suite's own time limit guards speed.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")
