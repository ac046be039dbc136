"""What stands over the graph: it makes do with the room that there is."""

from __future__ import annotations

from gui.canvas import overlays
from gui.canvas.camera import FIT_MARGIN_Y
from gui.canvas.scene import Scene
from gui.theme import DARK


def test_the_legend_takes_two_lines_before_it_leaves_anything_out(scene: Scene) -> None:
    wide, narrow, least = (
        overlays.legend_lines(overlays.fills_of(scene), width, DARK) for width in (900.0, 330.0, 220.0)
    )
    assert [len(lines) for lines in (wide, narrow, least)] == [1, 2, 1]
    assert [entry for line in narrow for entry in line] == wide[0]
    assert all(overlays.legend_width(line) <= 330 - 32 for line in narrow)
    assert least == [wide[0][:3]]
    assert overlays._draw_legend(narrow, 1.0, DARK).height() > overlays._draw_legend(wide, 1.0, DARK).height()


def test_the_legend_says_what_stripes_are_where_there_are_any(scene: Scene) -> None:
    for width in (900.0, 220.0):
        plain, odd = (overlays.legend_lines(overlays.fills_of(scene), width, DARK, odd=each) for each in (False, True))
        more = [entry for line in odd for entry in line if entry not in [each for line in plain for each in line]]
        assert [(text, kind) for _, text, kind in more] == [("NaN or infinite", "odd")]
    assert overlays._draw_legend(odd, 1.0, DARK).toImage() != overlays._draw_legend(plain, 1.0, DARK).toImage()


def test_in_a_low_canvas_the_legend_takes_one_line(scene: Scene) -> None:
    lines = overlays.legend_lines(overlays.fills_of(scene), 330.0, DARK, most=1)
    assert lines == [overlays.legend_lines(overlays.fills_of(scene), 220.0, DARK)[0]]


def test_no_fitted_graph_is_below_the_legend(scene: Scene) -> None:
    lines = overlays.legend_lines(overlays.fills_of(scene), 330.0, DARK)
    assert len(lines) == overlays.MOST_LINES
    assert overlays.legend_size(lines).height() + overlays.LEGEND_FOOT <= FIT_MARGIN_Y
