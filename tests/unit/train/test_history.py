import numpy as np
import pytest
from PIL import Image

from lorabench.errors import UserError
from lorabench.train.history import History, Row, draw, read, smooth

HEADER = "step,epoch,loss,lr,seconds,validation_loss,device\n"


def rows(count):
    return [Row(n + 1, n // 5 + 1, 1 / (n + 1), 1e-3, n / 10) for n in range(count)]


def test_a_step_is_in_the_file_as_soon_as_it_is_done(tmp_path):
    path = tmp_path / "train_log.csv"
    history = History(path, [])
    history.add(Row(1, 1, 0.5, 2e-3, 0.25))
    assert path.read_text() == f"{HEADER}1,1,0.500000,0.002,0.25,,\n"
    history.add(Row(2, 1, 0.5, 2e-3, 0.5, 0.25))
    assert path.read_text().endswith("2,1,0.500000,0.002,0.50,0.250000,\n")
    history.close()


def test_what_trained_is_read_and_an_older_log_does_not_say_it(tmp_path):
    path = tmp_path / "train_log.csv"
    History(path, [Row(1, 1, 0.5, 2e-3, 0.25, device="cpu")]).close()
    assert [row.device for row in read(path)] == ["cpu"]
    path.write_text("step,epoch,loss,lr,seconds\n1,1,0.5,0.002,0.25\n")
    assert [row.device for row in read(path)] == [""]


def test_going_on_drops_rows_after_the_state(tmp_path):
    path = tmp_path / "train_log.csv"
    killed = History(path, [])
    for row in rows(7):
        killed.add(row)
    killed.close()
    History(path, rows(4)).close()
    assert [line.split(",")[0] for line in path.read_text().splitlines()[1:]] == [
        "1",
        "2",
        "3",
        "4",
    ]


def test_what_is_written_is_read_but_a_line_that_is_cut_short(tmp_path):
    path = tmp_path / "train_log.csv"
    History(path, rows(3)).close()
    assert [row.step for row in read(path)] == [1, 2, 3]
    path.write_text(path.read_text()[:-7])
    assert [row.step for row in read(path)] == [1, 2]
    path.write_text(HEADER)
    assert read(path) == []


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("4,1,0.5", "line 5 has 3 fields, and there are 7 columns"),
        ("4,1,much,0.001,0.3,,", "line 5: loss should be a number, not 'much'"),
        ("4,,0.5,0.001,0.3,,", "line 5: epoch should be a number, not ''"),
        ("4.5,1,0.5,0.001,0.3,,", "invalid literal for int"),
    ],
)
def test_a_line_that_somebody_changed_is_named_and_may_be_deleted(tmp_path, line, said):
    path = tmp_path / "train_log.csv"
    History(path, rows(3)).close()
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(
        UserError, match=rf"train_log\.csv: .*{said}.*correct the line, or delete it"
    ):
        read(path)


def test_smoothing_keeps_a_constant_to_its_ends():
    assert np.allclose(smooth(np.full(20, 3.0), 7), 3)
    assert np.allclose(smooth(np.arange(5.0), 3), [0.5, 1, 2, 3, 3.5])


def test_the_curve_is_drawn_for_any_number_of_steps_and_any_name(tmp_path, recwarn):
    for count in (1, 2, 300):
        draw(rows(count), tmp_path / "loss.png", "style_猫ポニュ")
        with Image.open(tmp_path / "loss.png") as image:
            assert image.format == "PNG" and image.width > 600
    assert not [w for w in recwarn if "Glyph" in str(w.message)]
