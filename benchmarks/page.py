"""The page of a version with many clips in a real browser: milliseconds until it is painted, and until a filter is.

    python benchmarks/page.py                 # prints a line
    python benchmarks/page.py --clips 1000 --rounds 5

Debian's chromium, headless. The first paint is the browser's own measure (Paint Timing). A filter's time runs from the
choice in its list until the frame after the one in which the cards changed.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from statistics import median

from exports import publish_many
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

_PAINT = "return performance.getEntriesByName('first-contentful-paint')[0]?.startTime"
_READY = "return document.documentElement.dataset.ready === 'true'"
_FILTER = """
const [value, done] = arguments, list = document.getElementById("filter-split"), start = performance.now();
list.value = value;
list.dispatchEvent(new Event("input", {bubbles: true}));
list.dispatchEvent(new Event("change", {bubbles: true}));
requestAnimationFrame(() => requestAnimationFrame(() => done([
  performance.now() - start, document.getElementById("count").textContent])));
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    paints, filters = [], []
    with tempfile.TemporaryDirectory() as folder:
        url = publish_many(Path(folder), arguments.clips)
        with webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver")) as browser:
            for _ in range(arguments.rounds):
                browser.get("about:blank")
                browser.get(f"file://{url}/index.html")
                WebDriverWait(browser, 60).until(lambda each: each.execute_script(_READY))
                paints.append(WebDriverWait(browser, 60).until(lambda each: each.execute_script(_PAINT)))
                for value in ("test", "val", ""):
                    took_ms, shown = browser.execute_async_script(_FILTER, value)
                    filters.append(took_ms)
            print(f"after the last filter: {shown}")
    print(f"{arguments.clips:,} clips, {arguments.rounds} rounds, median and worst:")
    print(f"first contentful paint {median(paints):.0f} ms, {max(paints):.0f} ms")
    print(f"a filter {median(filters):.0f} ms, {max(filters):.0f} ms")


if __name__ == "__main__":
    main()
