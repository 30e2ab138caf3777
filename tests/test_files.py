"""Files that are complete under their names, and readable."""

import json

import numpy as np
import pytest

from tf_advpose.files import write_json


def test_lists_of_numbers_take_a_line_each_and_nothing_changes(tmp_path):
    values = {
        "errors": np.arange(500).tolist(),
        "nested": [[1, 2.5, None], [True, -1e-9]],
        "names": ["a [b  c]", "[\n1,  2]", 'with "quotes" [3,\n 4]'],
        "mixed": [1, "two", []],
        "empty": {},
    }
    write_json(tmp_path / "values.json", values)
    text = (tmp_path / "values.json").read_text()
    assert json.loads(text) == values
    assert "[0, 1, 2, 3, " in text and len(text.splitlines()) < 25


def test_a_number_that_json_lacks_leaves_no_file(tmp_path):
    with pytest.raises(ValueError, match="JSON"):
        write_json(tmp_path / "values.json", {"error": float("nan")})
    assert not list(tmp_path.iterdir())
