"""The chat template of the model: the last message alone, with names and marks (`marks.question`) in Jinja.

What renders templates without Python's own string methods, as llama-server does, leaves the marks out: the
model answers there, but chooses worse.
"""

from __future__ import annotations

from . import marks, told

TEMPLATE = (
    """
{%- set at = namespace(text='', asked='', begin=-1, below=0, names=[], sizes=[], known=' ', said='', meant='',
                       gap='', start=-1, lines=0, seen=[]) %}
{%- macro mean(word) %}
{%- set at.meant = '' %}
{%- for name in at.names %}
{%- if not at.meant and name|lower == word|lower %}{% set at.meant = name %}{% endif %}
{%- endfor %}
{%- for name in at.names %}
{%- for one, many in [(name|lower, word|lower), (word|lower, name|lower)] %}
{%- if not at.meant and (many in [one ~ 's', one ~ 'es'] or one.endswith('y') and many == one[:-1] ~ 'ies') %}
{%- set at.meant = name %}
{%- endif %}
{%- endfor %}
{%- endfor %}
{{- at.meant or word }}
{%- endmacro %}
{%- macro put(word) %}
{%- if word|length <= $DIGITS and word|int ~ '' == word and not at.lines
    or word[0] not in '0123456789' and ' ' ~ word|lower ~ ' ' not in ' $UNMARKED ' %}
{%- if word not in at.seen and at.lines < at.below and ' ' ~ word|lower ~ ' ' in at.known %}
{%- set word = mean(word) %}
{%- endif %}
{%- if word not in at.seen and at.seen|length < $MOST and ' ' ~ word|lower ~ ' ' not in ' $UNMARKED ' %}
{%- set at.seen = at.seen + [word] %}
{%- endif %}
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
{%- if '</' in at.text %}{% set at.begin = at.text.find('\n', at.text.rfind('</')) %}{% endif %}
{%- for line in at.text[:at.begin].split('\n') if at.begin >= 0 %}
{%- set name = line.strip().split(':')[0] %}
{%- if ':' in line and name.isidentifier() and name not in at.names and at.names|length < $NAMES %}
{%- set at.names = at.names + [name] %}{% set at.sizes = at.sizes + [(name|length, name)] %}
{%- set low = name|lower %}
{%- set at.known = at.known ~ low ~ ' ' ~ low ~ 's ' ~ low ~ 'es ' ~ low[:-1] ~ 'ies ' %}
{%- set at.known = at.known ~ low[:-1] ~ ' ' ~ low[:-2] ~ ' ' ~ low[:-3] ~ 'y ' %}
{%- endif %}
{%- endfor %}
{%- if at.names %}
{%- set at.asked = at.text[at.begin:] ~ ' ' %}
{%- for size, name in at.sizes|sort(reverse=true) %}
{%- set at.said = '' %}
{%- if '_' in name or name.isupper() %}{% set at.said = name.replace('_', ' ') %}
{%- else %}
{%- for c in name %}
{%- set at.said = at.said ~ (' ' ~ c|lower if c.isupper() and not loop.first else c) %}
{%- endfor %}
{%- endif %}
{%- if ' ' in at.said and at.said|lower in at.asked|lower %}
{%- for form in [at.said, at.said.lower(), at.said.capitalize(), at.said.title()] %}
{%- for before in $BEFORE %}{% for after in $AFTER %}
{%- set at.asked = at.asked.replace(before ~ form ~ after, before ~ name ~ after) %}
{%- endfor %}{% endfor %}
{%- endfor %}
{%- endif %}
{%- endfor %}
{%- set at.asked = at.asked[:-1] %}
{%- set at.text = at.text[:at.begin] ~ at.asked %}{% set at.below = at.asked.count('\n') %}
{%- endif %}
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
    .replace("$NAMES", str(told.MOST))
    .replace("$BEFORE", repr(list(told.BEFORE)))
    .replace("$AFTER", repr(told.AFTER))
    .replace("$LONGEST", str(marks.LONGEST))
    .replace("$LETTERS", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")
    .replace("$QUOTES", marks.QUOTES)
    .replace("$UNMARKED", " ".join(sorted(marks.UNMARKED)))
    .replace("$DIGITS", str(marks.DIGITS))
    .replace("$MOST", str(marks.MOST))
)
