"""Outputs are reduced by what they are."""

import json
import struct
from base64 import b64encode

import pytest

from tether_jupyter.context import outputs
from tether_jupyter.context.outputs import MOST_ALL, MOST_OUTPUTS, reduced
from tether_jupyter.context.pictures import size


def shown(*found, **keys):
    return reduced(list(found), **keys).text


def bundle(kind="display_data", **data):
    mimes = {
        "plain": "text/plain",
        "html": "text/html",
        "md": "text/markdown",
        "latex": "text/latex",
        "png": "image/png",
        "svg": "image/svg+xml",
        "json": "application/json",
        "js": "application/javascript",
    }
    return {"output_type": kind, "data": {mimes.get(key, key): value for key, value in data.items()}}


def of(mime, value, **more):
    found = bundle(**more)
    found["data"][mime] = value
    return found


FRAME = """\
<div>
<style scoped>
    .dataframe tbody tr th { vertical-align: top; }
</style>
<table border="1" class="dataframe">
  <thead>
    <tr style="text-align: right;"><th></th><th>price</th><th>a &amp; b</th></tr>
    <tr><th>id</th><th></th><th></th></tr>
  </thead>
  <tbody>
ROWS
  </tbody>
</table>
<p>1000 rows × 2 columns</p>
</div>"""
ROWS = "\n".join(f"<tr><th>{n}</th><td>{n}.5</td><td>word {n}</td></tr>" for n in range(60))


def test_a_frame_is_its_shape_and_head():
    assert shown(bundle(html=FRAME.replace("ROWS", ROWS), plain="    price\n")).split("\n") == [
        "[table, 1,000 rows × 2 columns]",
        "id | price | a & b",
        *(f"{n} | {n}.5 | word {n}" for n in range(5)),
        "[… 995 more rows]",
    ]


def test_more_rows_come_at_the_level_of_values_and_none_at_that_of_schemas():
    frame = bundle(html=FRAME.replace("ROWS", ROWS))
    assert "19 | 19.5 | word 19" in shown(frame, level="values")
    assert shown(frame, level="schema") == "[table, 1,000 rows × 2 columns]\nid | price | a & b"


def test_a_table_without_a_shape_is_counted():
    source = "<table><tr><th>a</th><th>b</th></tr>" + "<tr><td>1</td><td>2</td></tr>" * 500 + "</table>"
    assert shown(bundle(html=source)).split("\n")[0] == "[table, 500 rows × 2 columns]"


def test_a_wide_table_and_a_long_cell_are_cut_and_say_so():
    cells = "".join(f"<th>column {n}</th>" for n in range(100))
    long = "<td>" + "x" * 100 + "</td>" + "<td>1</td>" * 99
    lines = shown(bundle(html=f"<table><tr>{cells}</tr><tr>{long}</tr></table>")).split("\n")
    assert lines[1].endswith("column 29 | … 70 more")
    assert lines[2].startswith("x" * 59 + "… | 1")


def test_a_printed_frame_is_its_shape_and_head():
    text = "     a  b\n" + "\n".join(f"{n:4} {n:2} {n:2}" for n in range(60)) + "\n\n[60 rows x 2 columns]"
    lines = shown(bundle(plain=text)).split("\n")
    assert lines[:3] == ["[table, 60 rows × 2 columns]", "     a  b", "   0  0  0"]
    assert lines[-1] == "[… 55 more rows]"


def test_a_data_resource_is_its_shape_and_head():
    value = {
        "schema": {"fields": [{"name": "a"}, {"name": "b"}]},
        "data": [{"a": n, "b": "x"} for n in range(100)],
    }
    lines = shown(of("application/vnd.dataresource+json", value, html="<table></table>", plain="a")).split(
        "\n"
    )
    assert lines[:3] == ["[table, 100 rows × 2 columns]", "a | b", "0 | x"]


def test_what_only_looks_like_a_table_is_text():
    assert shown(bundle(html="<table>", plain="words")) == "words"
    assert shown(bundle(html="<table><tr></tr></table><p>words</p>")) == "words"


def png(width, height):
    return b64encode(
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + struct.pack(">II", width, height) + b"\0" * 600
    ).decode()


JPEG = (
    b"\xff\xd8\xff\xe0\0\x10"
    b"JFIF\0" + b"\0" * 9 + b"\xff\xc0\0\x11\x08" + struct.pack(">HH", 48, 64) + b"\0" * 9
)
WEBP = b"RIFF\0\0\0\0WEBPVP8X\n\0\0\0\0\0\0\0" + (63).to_bytes(3, "little") + (47).to_bytes(3, "little")


@pytest.mark.parametrize(
    ("mime", "payload"),
    [
        ("image/png", png(64, 48)),
        ("image/gif", b64encode(b"GIF89a" + struct.pack("<HH", 64, 48)).decode()),
        ("image/jpeg", b64encode(JPEG).decode()),
        ("image/webp", b64encode(WEBP).decode()),
        ("image/svg+xml", '<?xml version="1.0"?><svg xmlns="x" width="64pt" height="48pt"><path/></svg>'),
    ],
)
def test_the_size_of_a_picture_is_in_its_head(mime, payload):
    assert size(mime, payload) == (64, 48)
    assert shown(of(mime, payload)) == f"[{mime}, 64x48]"


@pytest.mark.parametrize("payload", ["", "AAAA", "not base64 at all!", "/9j/" * 30, "UklGR" * 20])
def test_a_picture_that_is_none_is_only_named(payload):
    for mime in ("image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"):
        done = reduced([of(mime, payload)], sees=True)
        assert done.images == []
        assert done.text == f"[{mime}]"


def test_only_so_many_pictures_go_along_and_none_at_the_level_of_schemas():
    found = [bundle(png=png(1, 1)) for _ in range(6)]
    assert len(reduced(found, sees=True).images) == 4
    assert reduced(found, sees=True, level="schema").images == []
    assert reduced(found, sees=True).text.count("[image/png, 1x1]") == 6


def test_what_a_picture_says_about_itself_stays():
    assert shown(bundle(png=png(1, 1), plain="<Figure size 640x480 with 1 Axes>")) == "[image/png, 1x1]"
    assert (
        shown(bundle(png=png(1, 1), plain="Decision tree of depth 3"))
        == "Decision tree of depth 3\n[image/png, 1x1]"
    )


PLOTLY = {
    "data": [{"type": "bar", "x": list(range(1000))}, {"type": "bar"}, {"y": [1]}],
    "layout": {"title": {"text": "<b>Sales</b>"}, "xaxis": {"title": {"text": "Year"}}, "yaxis": 3},
}
VEGA = {
    "layer": [{"mark": {"type": "line"}, "encoding": {"x": {"field": "year"}, "y": {"field": "sum"}}}],
    "title": "T",
}


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            of("application/vnd.plotly.v1+json", PLOTLY),
            '[Plotly chart: 2 bar, 1 scatter; title "Sales"; x Year]',
        ),
        (of("application/vnd.plotly.v1+json", "broken"), "[Plotly chart]"),
        (of("application/vnd.vegalite.v5+json", VEGA), '[Vega-Lite chart: line; x year, y sum; title "T"]'),
        (of("application/vnd.vega.v5+json", []), "[Vega chart]"),
        (of("application/vnd.bokehjs_exec.v0+json", ""), "[Bokeh chart]"),
        (
            of("application/vnd.jupyter.widget-view+json", {}, plain="IntSlider(value=3)"),
            "[widget: IntSlider(value=3)]",
        ),
        (of("application/vnd.jupyter.widget-view+json", {}, plain="<C object at 0x7f>"), "[widget]"),
        (bundle(html="<div><iframe srcdoc='leaflet'></iframe></div>"), "[map of folium or Leaflet]"),
        (bundle(html='<div class="plotly-graph-div"></div>'), "[Plotly chart]"),
        (bundle(js="alert(1)"), "[JavaScript]"),
        (of("application/geo+json", {"type": "Point"}), "[GeoJSON map]"),
        (of("application/x-own", {"a": 1}), "[application/x-own]"),
        (of("application/pdf", "JVBER"), "[application/pdf]"),
    ],
)
def test_what_is_no_text_is_one_line(found, line):
    assert shown(found) == line


SAID = "Jane Doe, born 1961-03-04"


@pytest.mark.parametrize(
    ("found", "line"),
    [
        (
            of("application/vnd.jupyter.widget-view+json", {}, plain=f"HTML(value='<b>{SAID}</b>')"),
            "[widget]",
        ),
        (bundle(plain=f"Map(patient='{SAID}')"), "[text, 1 line]"),
        (bundle(plain=f"Output(\n'{SAID}')"), "[text, 2 lines]"),
        (bundle(plain=f"<clinic.Patient object {SAID}>"), "[text, 1 line]"),
        (bundle(plain=f"Figure('{SAID}')", png=png(1, 1)), "[image/png, 1x1]"),
        (
            of(
                "application/vnd.plotly.v1+json",
                {"data": [{"type": "bar"}], "layout": {"title": SAID, "xaxis": {"title": "Year"}}},
            ),
            "[Plotly chart: 1 bar; x Year]",
        ),
        (
            of("application/vnd.vegalite.v5+json", {**VEGA, "title": SAID}),
            "[Vega-Lite chart: line; x year, y sum]",
        ),
    ],
)
def test_at_the_level_of_schemas_an_object_says_nothing_of_its_data(found, line):
    assert shown(found, level="schema") == line
    assert shown(found, level="samples") != line or found["data"].get("image/png")


def test_html_is_its_text():
    source = """<style>p {color: red}</style><script>var a = "<p>no</p>";</script><!-- <p>no</p> -->
    <h1>A  title</h1><p>First<br>second &lt;b&gt; <i>third</i></p>
    <ul><li>one</li><li>two</li></ul><svg><text>no</text></svg>"""
    assert shown(bundle(html=source, plain="<IPython.core.display.HTML object>")).split("\n") == [
        "A title", "First", "second <b> third", "one", "two",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "source", ["<script>" * 20_000, "<!--" * 20_000, "<" * 50_000, "<table>" * 9_000, "<a b='" * 9_000]
)
def test_html_that_never_ends_is_read_all_the_same(source):
    assert len(shown(bundle(html=source))) < MOST_ALL


def test_the_plain_text_is_taken_before_html_that_is_no_table():
    assert shown(bundle(html="<pre>words</pre>", plain="words")) == "words"
    assert (
        shown(bundle(md="**a**", html="<b>a</b>", plain="<IPython.core.display.Markdown object>")) == "**a**"
    )
    assert shown(bundle(latex="$x^2$", plain="x**2")) == "$x^2$"
    assert shown(bundle(json={"a": [1]}, plain="<IPython.core.display.JSON object>")) == '{"a": [1]}'


def test_an_object_that_has_only_an_address_still_shows():
    assert shown(bundle(plain="<my.thing.Model at 0x7f00>")) == "<my.thing.Model at 0x7f00>"


def test_streams_that_take_turns_are_one_text():
    found = [
        {"output_type": "stream", "name": ("stdout", "stderr")[n % 2], "text": f"line {n}\n"}
        for n in range(100)
    ]
    lines = shown(*found).split("\n")
    assert lines[0] == "line 0"
    assert lines[-1] == "line 99"
    assert "[… 55 lines left out …]" in lines
    assert shown(found[1]) == "[stderr]\nline 1"


def test_a_long_text_loses_its_middle_and_says_so():
    text = shown(bundle(plain="\n".join(f"word {n}" for n in range(10_000))))
    assert len(text) <= outputs.MOST_TEXT + 100
    assert text.startswith("word 0\n")
    assert text.endswith("word 9999")
    assert "left out" in text


def test_many_outputs_are_counted():
    text = shown(*(bundle(plain=f"value {n}") for n in range(MOST_OUTPUTS + 40)))
    assert text.endswith("[40 more outputs left out]")


BASE64 = b64encode(bytes(range(256)) * 20).decode()
WRAPPED = "\n".join(BASE64[at : at + 76] for at in range(0, len(BASE64), 76))


@pytest.mark.parametrize(
    "found",
    [
        {"output_type": "stream", "text": f"b'{BASE64}'"},
        {"output_type": "stream", "text": WRAPPED},
        bundle(plain=repr(WRAPPED)),
        bundle(md=f"![x](data:image/png;base64,{BASE64})"),
        bundle(html=f'<p>see <img src="data:image/png;base64,{BASE64}"></p>'),
        bundle(json={"image": BASE64}),
        bundle(plain=BASE64.replace("+", "-").replace("/", "_")),
        {"output_type": "error", "ename": "E", "evalue": BASE64, "traceback": [BASE64]},
    ],
)
def test_base64_is_gone_everywhere(found):
    text = shown(found)
    assert len(text) < 700
    assert not any(BASE64[at : at + 40] in text for at in range(0, len(BASE64), 40))


@pytest.mark.parametrize(
    "text",
    [
        "-" * 400,
        "=" * 400,
        "word " * 99 + "end",
        "/usr/lib/" * 10,
        "ACGT" * 30,
        "a_name_of_many_words_" * 6,
        "_" * 300,
    ],
)
def test_what_is_no_base64_stays(text):
    assert shown({"output_type": "stream", "text": text}) == text.strip()


@pytest.mark.parametrize(
    "found", [None, 3, "text", {}, {"a": 1}, [None, 3, [], {}], [{"output_type": "stream"}]]
)
def test_what_is_no_output_is_nothing(found):
    assert reduced(found) == outputs.Reduced()


def test_a_value_nested_too_deeply_is_named():
    value = []
    for _ in range(50_000):
        value = [value]
    assert shown(bundle(json=value, plain="<x.y object at 0x1>")) == "[application/json]"
    assert json.dumps({"a": 1}) == shown(bundle(json={"a": 1}))
