"""Makes the picture of the README from a portal that runs with the demo city.

    make up                                                     in one terminal
    .venv/bin/python scripts/screenshots.py                     in another; --base for another port

Needs what the browser tests need: `make lint` installs Playwright, and a Chromium is on the machine.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
IMAGES = ROOT / "docs" / "images"
#: Largest picture that the repository takes (bytes).
LARGEST = 300 * 1024
FLAGS = ["--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--force-color-profile=srgb"]
CHROMIUM = ("chromium", "chromium-browser", "google-chrome")


def sign_in(page: Page, base: str, username: str, password: str) -> None:
    """Sign in as one of the demo's accounts; raises SystemExit where that fails."""
    page.goto(f"{base}/login/")
    page.fill("input[name=username]", username)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]:not([data-reveal])")
    page.wait_for_load_state("networkidle")
    if "/login/" in page.url:
        raise SystemExit(f"screenshots: cannot sign in as {username}; does the demo city run at {base}?")


def small_png(picture: bytes) -> bytes:
    """The picture with 256 colours at most, which nobody sees on a page of flat areas."""
    drawn = Image.open(BytesIO(picture)).convert("RGB")
    out = BytesIO()
    drawn.quantize(colors=256, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).save(
        out, "PNG", optimize=True
    )
    return out.getvalue()


def take(browser: Browser, base: str, account: tuple[str, str], path: str, name: str) -> Path:
    """One page at 1440 × 900 pixels, in Chinese, as an account of the demo sees it."""
    page = browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
    sign_in(page, base, *account)
    page.goto(f"{base}{path}")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1500)  # charts and map draw themselves after their data is there
    picture = small_png(page.screenshot())
    page.close()
    if len(picture) > LARGEST:
        raise SystemExit(f"screenshots: {name} has {len(picture)} bytes, {LARGEST} at most")
    IMAGES.mkdir(exist_ok=True)
    target = IMAGES / name
    target.write_bytes(picture)
    return target


def main(arguments: list[str] | None = None) -> int:
    """Take the pictures; returns the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--base", default="http://127.0.0.1:8000", help="where the portal is")
    parser.add_argument("--username", default="official", help="whose dashboard")
    parser.add_argument("--password", default="Gezhi-demo-2026", help="as `make up` prints it")
    options = parser.parse_args(arguments)
    program = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    if program is None:
        raise SystemExit("screenshots: there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        account = (options.username, options.password)
        made = take(browser, options.base, account, "/dashboard/", "dashboard.png")
        browser.close()
    print(f"{made.relative_to(ROOT)}: {made.stat().st_size // 1024} KB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
