"""The decoder that docs/flutter-react-native.md shows gives the golden tags. Needs: apt-get install nodejs"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.arm

PAGE = Path(__file__).resolve().parents[2] / "docs" / "flutter-react-native.md"
MAIN = """
const cases = JSON.parse(require('fs').readFileSync(0, 'utf8'))
const scores = (photo) => photo.scores ?? photo.stored.map((value) => (value - photo.zero_point) * photo.scale)
console.log(JSON.stringify(cases.map((each) => each.photos.map((photo) => decode(scores(photo), each.manifest)))))
"""


def test_the_page_shows_a_decoder_that_gives_the_golden_tags(data: Path) -> None:
    assert shutil.which("node"), "no node; apt-get install nodejs"
    (source,) = re.findall(r"^```js\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    golden = (data / "golden_decoding.json").read_text(encoding="utf-8")
    done = subprocess.run(["node", "-e", source + MAIN], input=golden, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    cases = json.loads(golden)
    expected = [
        [[{"tag": tag["tag"], "score": tag["score"]} for tag in photo["tags"]] for photo in case["photos"]]
        for case in cases
    ]
    assert json.loads(done.stdout) == expected
