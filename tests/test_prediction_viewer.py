"""The viewer: one file without a network, which a real browser shows, turns and scrubs."""

import json
import pathlib
import re
import shutil
import subprocess

import cv2
import numpy as np
import pytest
from standing_person import STANDING

from tf_advpose import drawing
from tf_advpose.prediction import viewer
from tf_advpose.prediction.poses import RECORD

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WINDOW = (1000, 600)
# What a user does; what is then seen is left in the page for the test to read.
VISIT = """
<script>
const errors = [];
window.addEventListener("error", (event) => errors.push(event.message));
const WANTED = ["230,120,0", "0,114,210", "200,40,160"];
function colours(canvas) {
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return Object.fromEntries(WANTED.map((name) => {
    const colour = name.split(",").map(Number);
    let count = 0, x = 0;
    for (let at = 0; at < data.length; at += 4) {
      const other = colour.some((value, part) => Math.abs(data[at + part] - value) > 6);
      if (other || data[at + 3] < 255) continue;
      count += 1;
      x += (at / 4) % canvas.width / canvas.width;
    }
    return [name, count ? {count, x: x / count} : null];
  }));
}
const visit = [];
function note(step) {
  visit.push({step, title: element("title").textContent, picture: state.picture, turn: state.turn,
              zoom: state.zoom, photo: colours(photo), space: colours(space)});
}
function drag(x, y) {
  const at = (type, clientX, clientY) =>
    space.dispatchEvent(new PointerEvent(type, {clientX, clientY, pointerId: 1, bubbles: true}));
  at("pointerdown", 700, 300);
  at("pointermove", 700 + x, 300 + y);
  at("pointerup", 700 + x, 300 + y);
}
window.addEventListener("load", () => setTimeout(() => {
  note("start");
  drag(-360, 0);
  note("turned half round");
  element("front").click();
  space.dispatchEvent(new WheelEvent("wheel", {deltaY: -700, cancelable: true}));
  note("zoomed");
  element("front").click();
  scrub.value = 1;
  scrub.dispatchEvent(new Event("input"));
  setTimeout(() => {
    note("scrubbed");
    document.dispatchEvent(new KeyboardEvent("keydown", {key: "ArrowRight"}));
    note("next");
    element("play").click();
    note(element("play").textContent);
    const result = document.createElement("pre");
    result.id = "result";
    result.textContent = JSON.stringify({visit, errors});
    document.body.append(result);
  }, 200);
}, 200));
</script>
"""


def records(count: int) -> np.ndarray:
    """People like `STANDING` beside each other, seen at 4 m."""
    found = np.zeros(count, RECORD)
    for number, record in enumerate(found):
        record["joints_3d"] = STANDING
        record["joints_3d_absolute"] = STANDING + [600 * number, 0, 4000]
        record["joints_2d"] = STANDING[:, :2] / 10 + [150 + 60 * number, 100]
        record["confidence"] = 0.9
    return found


def picture(colour) -> np.ndarray:
    return np.full((200, 300, 3), colour, np.uint8)


@pytest.fixture(scope="module")
def page(tmp_path_factory) -> pathlib.Path:
    """Three pictures, of one person, two and nobody; titles that could break a page."""
    written = viewer.Viewer()
    written.add("</script><b>ü.jpg", picture((90, 90, 90)), records(1))
    written.add("two.jpg", picture((200, 40, 160)), records(2))
    written.add("nobody.jpg", picture((90, 90, 90)), records(0))
    path = tmp_path_factory.mktemp("viewer") / "viewer.html"
    written.write(path)
    return path


def browser(*arguments: str) -> subprocess.CompletedProcess:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        pytest.skip(f"no browser here: none of {', '.join(BROWSERS)}")
    command = [found, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    command += [f"--window-size={WINDOW[0]},{WINDOW[1]}", "--virtual-time-budget=5000"]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=120)


def test_it_asks_for_nothing_from_a_network(page):
    text = page.read_text(encoding="utf-8")
    assert viewer.DATA_PLACE not in text
    assert not re.findall(r"https?://|//cdn|@import|<link|<script src|fetch\(|XMLHttpRequest", text)
    assert text.count("</script>") == 1, "a title ended the script"


def test_a_browser_shows_turns_zooms_and_scrubs(page):
    visited = page.with_name("visited.html")
    visited.write_text(page.read_text(encoding="utf-8").replace("</body>", VISIT + "</body>"), "utf-8")
    result = browser("--dump-dom", visited.as_uri())
    found = re.search(r'<pre id="result">(.*?)</pre>', result.stdout, re.DOTALL)
    assert found, result.stdout[-2000:] + result.stderr[-2000:]
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    said = json.loads(text)
    assert said["errors"] == []
    start, turned, zoomed, scrubbed, following, playing = said["visit"]
    right, left, magenta = "230,120,0", "0,114,210", "200,40,160"

    assert start["title"] == "</script><b>ü.jpg: 1 person (1 of 3)"
    for canvas in ("photo", "space"):
        assert start[canvas][right]["x"] < 0.5 < start[canvas][left]["x"], canvas
        assert min(start[canvas][side]["count"] for side in (right, left)) > 200
    assert turned["turn"] == 180 and turned["space"][left]["x"] < 0.5 < turned["space"][right]["x"]
    assert turned["photo"] == start["photo"]
    assert zoomed["zoom"] > 1.9 and zoomed["space"][left]["count"] > 2 * start["space"][left]["count"]
    assert scrubbed["title"] == "two.jpg: 2 people (2 of 3)"
    assert scrubbed["space"][left]["count"] > 1.4 * start["space"][left]["count"]
    assert start["photo"][magenta] is None and scrubbed["photo"][magenta]["count"] > 10_000
    assert following["title"] == "nobody.jpg: 0 people (3 of 3)"
    assert following["space"][left] is None and following["photo"][left] is None
    assert playing["step"] == "Pause"


def test_its_screenshot_has_picture_and_skeleton_side_by_side(page, tmp_path):
    browser(f"--screenshot={tmp_path / 'shot.png'}", page.as_uri())
    shot = cv2.imread(str(tmp_path / "shot.png"))[..., ::-1]
    assert shot.shape[:2] == WINDOW[::-1]
    for half in np.split(shot, 2, axis=1):
        for side in (drawing.RIGHT, drawing.LEFT):
            assert (np.abs(half.astype(int) - side).max(axis=-1) < 8).sum() > 150
    assert (shot[:500, 502:] == 255).all(axis=-1).mean() > 0.8, "the skeleton stands on white"


def test_of_many_pictures_it_shows_some_evenly():
    written = viewer.Viewer(most=4)
    for number in range(19):
        written.add(str(number), picture(0)[:9, :9], records(1))
    data = written.data()
    assert [shown["title"] for shown in data["pictures"]] == ["0", "8", "16"]
    assert data["every"] == 8
