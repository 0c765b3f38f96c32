import pytest

from fetalnet.core.errors import InputError
from fetalnet.core.geometry import MmPerPixel
from fetalnet.core.scale.scale import NO_SCALE, ScaleOrigin
from fetalnet.sources.scale_table import accepted_scale, read_scale_table


@pytest.fixture
def table(tmp_path):
    def write(text):
        path = tmp_path / "sizes.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        return path

    return write


def test_that_further_columns_are_allowed_in_any_order(table):
    scales = read_scale_table(table("examination,pixel_size_mm,filename\n000,0.07,a.png\n001, 0.1 ,b.png\n"))
    assert scales.of("a.png").mm_per_pixel == MmPerPixel(0.07, 0.07)
    assert scales.of("b.png").mm_per_pixel == MmPerPixel(0.1, 0.1)
    assert scales.of("a.png").origin is ScaleOrigin.GIVEN
    assert scales.of("c.png") == NO_SCALE


def test_that_a_spreadsheet_s_byte_order_mark_does_no_harm(table):
    scales = read_scale_table(table("\ufefffilename,pixel_size_mm\r\na.png,0.07\r\n"))
    assert scales.of("a.png").mm_per_pixel == MmPerPixel(0.07, 0.07)


@pytest.mark.parametrize("text", ["a.png;0,154", "a.png;0.154", 'a.png;"0,154"'])
def test_that_a_spreadsheet_with_decimal_commas_is_read(table, text):
    scales = read_scale_table(table(f"filename;pixel_size_mm\r\n{text}\r\n"))
    assert scales.of("a.png").mm_per_pixel == MmPerPixel(0.154, 0.154)
    assert read_scale_table(table('filename,pixel_size_mm\na.png,"0,154"\n')).scales == scales.scales


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "no column filename"),
        ("name,pixel_size_mm\na.png,0.1\n", "no column filename"),
        ("filename,size\na.png,0.1\n", "no column pixel_size_mm"),
        ("filename,pixel_size_mm\na.png,1,54\n", "Line 2 .* more values"),
        ("filename;pixel_size_mm\na.png;1.000,5\n", "Line 2 .* no number"),
        ("filename,pixel_size_mm\na.png,0.1\nb.png,wide\n", "Line 3 .* no number"),
        ("filename,pixel_size_mm\na.png\n", "Line 2 .* no number"),
        ("filename,pixel_size_mm\n,0.1\n", "Line 2 .* names no file"),
        ("filename,pixel_size_mm\na.png,0\n", "Line 2 .* above 0"),
        ("filename,pixel_size_mm\na.png,-0.1\n", "Line 2 .* above 0"),
        ("filename,pixel_size_mm\na.png,nan\n", "Line 2 .* above 0"),
        ("filename,pixel_size_mm\na.png,0.1\na.png,0.2\n", "Line 3 .* second"),
        (b"filename,pixel_size_mm\n\xff\xfe,0.1\n", "UTF-8"),
    ],
)
def test_that_a_malformed_table_is_one_sentence(table, text, sentence):
    with pytest.raises(InputError, match=sentence):
        read_scale_table(table(text))


def test_that_a_missing_table_is_one_sentence(tmp_path):
    with pytest.raises(InputError, match=r"Cannot read the scale table none\.csv"):
        read_scale_table(tmp_path / "none.csv")


def test_that_an_implausible_size_is_refused_until_a_person_accepts_it(table):
    path = table("filename,pixel_size_mm\na.png,15\n")
    refused = read_scale_table(path).of("a.png")
    assert refused.mm_per_pixel is None
    assert "a.png" in refused.note
    assert read_scale_table(path, accept_implausible=True).of("a.png").mm_per_pixel == MmPerPixel(15, 15)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_that_even_an_accepted_scale_is_above_zero(value):
    with pytest.raises(InputError, match="above 0"):
        accepted_scale(value)
