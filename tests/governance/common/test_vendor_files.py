import json

from django.conf import settings

ROOT = settings.BASE_DIR


def pairs():
    lines = (ROOT / "scripts" / "vendor_files.txt").read_text("utf-8").splitlines()
    return [
        tuple(side.strip() for side in line.split("->"))
        for line in lines
        if line and not line.startswith("#")
    ]


def test_every_served_file_comes_from_a_locked_package_and_goes_to_the_ignored_folder():
    locked = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert len(pairs()) > 5
    for source, target in pairs():
        assert "/".join(source.split("/")[:2]) in locked
        assert target.startswith("static/vendor/")


def test_the_lock_pins_contents_and_names_no_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = {name: each for name, each in lock["packages"].items() if name}
    assert all("integrity" in each for each in packages.values())
    assert not any("resolved" in each for each in packages.values())
