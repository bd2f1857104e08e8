"""The chat template of the model: the last message alone, with its marks (`marks.question`) set in Jinja.

What renders templates without Python's own string methods, as llama-server does, leaves the marks out: the
model answers there, but chooses worse.
"""

from __future__ import annotations

from . import marks

TEMPLATE = (
    """
{%- set at = namespace(text='', gap='', start=-1, lines=0, seen=[]) %}
{%- macro put(word) %}
{%- if word|length <= $DIGITS and word|int ~ '' == word and not at.lines
    or word[0] not in '0123456789' and ' ' ~ word|lower ~ ' ' not in ' $UNMARKED ' %}
{%- if word not in at.seen and at.seen|length < $MOST %}{% set at.seen = at.seen + [word] %}{% endif %}
{%- if word in at.seen %}{% set at.gap = '<|w' ~ (at.seen.index(word) + 1) ~ '|>' %}{% endif %}
{%- endif %}
{{- at.gap ~ word }}{% set at.gap = '' %}
{%- endmacro %}
{%- for message in messages %}{% if loop.last %}
{%- if message['content'] is string %}{% set at.text = message['content'] %}
{%- else %}{% for part in message['content'] %}{% set at.text = at.text ~ part['text'] %}{% endfor %}
{%- endif %}
{{- '<|im_start|>user\n' }}
{%- if at.text|length > $LONGEST or ''.isidentifier is not defined %}{{ at.text }}{% else %}
{%- set at.lines = at.text.count('\n') %}
{%- for piece in at.text.split(' ') %}
{%- set at.gap = '' if loop.first else ' ' %}
{%- if piece.isidentifier() %}{{ put(piece) }}{% else %}
{%- for c in piece ~ ' ' %}
{%- if c in '$LETTERS' or c > '~' and c not in '$QUOTES' %}
{%- if at.start < 0 %}{% set at.start = loop.index0 %}{% endif %}
{%- else %}
{%- if at.start >= 0 %}{{ put(piece[at.start:loop.index0]) }}{% set at.start = -1 %}{% endif %}
{%- if not loop.last %}{{ at.gap ~ c }}{% set at.gap = '' %}{% endif %}
{%- if c == '\n' %}{% set at.lines = at.lines - 1 %}{% endif %}
{%- endif %}
{%- endfor %}
{{- at.gap }}
{%- endif %}
{%- endfor %}
{{- '\n' }}{% for word in at.seen %}{{ '<|w' ~ loop.index ~ '|>' }}{% endfor %}
{%- endif %}
{{- '<|im_end|>\n' }}
{%- endif %}{% endfor %}
{%- if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}""".lstrip("\n")
    .replace("$LONGEST", str(marks.LONGEST))
    .replace("$LETTERS", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")
    .replace("$QUOTES", marks.QUOTES)
    .replace("$UNMARKED", " ".join(sorted(marks.UNMARKED)))
    .replace("$DIGITS", str(marks.DIGITS))
    .replace("$MOST", str(marks.MOST))
)
