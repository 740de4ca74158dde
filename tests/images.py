"""The screenshots in the README, taken from the demo: `make images`."""

import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parent.parent
CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
FOLDER = ROOT / "docs/images"
PORT, PARTY_PORT = 9410, 9411
OWNER, SHOP = "pieter@vandijk.example", "Tuincentrum De Linde"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def main() -> None:
    """Start the demo, take the screenshots and stop the demo."""
    command = [sys.executable, "manage.py", "demo", "--port", str(PORT), "--party-port", str(PARTY_PORT)]
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as demo,
        sync_playwright() as playwright,
    ):
        try:
            password = password_of(demo)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            page = browser.new_page(viewport={"width": 1280, "height": 1000}, color_scheme="light")
            sign_in(page, password)
            page.goto(f"http://localhost:{PORT}/instellingen/api/")
            save(page, FOLDER / "api-instellingen.png")
            page.goto(f"http://127.0.0.1:{PARTY_PORT}/")
            page.get_by_text("Koppelen met").click()
            page.wait_for_url("**/authorize?**")
            save(page, FOLDER / "toestemming.png")
        finally:
            demo.terminate()


def password_of(demo: "subprocess.Popen[str]") -> str:
    """Wait until the demo is ready, and return the password that it prints."""
    assert demo.stdout is not None
    for line in demo.stdout:
        if match := re.match(r"wachtwoord\s+(\S+)", line):
            return match[1]
    raise SystemExit("The demo did not start.")


def sign_in(page: Page, password: str) -> None:
    page.goto(f"http://localhost:{PORT}/inloggen/")
    page.get_by_label("E-mailadres").fill(OWNER)
    page.get_by_label("Wachtwoord", exact=True).fill(password)
    page.get_by_role("button", name="Inloggen", exact=True).click()
    page.wait_for_url("**/instellingen/**")
    page.goto(f"http://localhost:{PORT}/instellingen/verkoper/")
    page.get_by_role("button", name=SHOP).click()
    page.wait_for_url("**/instellingen/**")


def save(page: Page, path: Path) -> None:
    """Save the visible part of the page, as a PNG with few colours so that it stays small."""
    path.parent.mkdir(exist_ok=True)
    Image.open(BytesIO(page.screenshot())).quantize(64).save(path, optimize=True)


if __name__ == "__main__":
    main()
