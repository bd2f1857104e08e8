"""No secret leaves, and nothing else is touched."""

import re
import secrets as drawing
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.planted import PLACES, Draw, plant
from tether_jupyter.context.notebook import pieces
from tether_jupyter.context.secrets import Masker, mask
from tether_jupyter.context.variables import render
from tether_jupyter.core.redact import MASK
from tether_jupyter.errors import Internal


def sent(planted):
    """Return the texts that a place gives at the widest level, masked together."""
    masker = Masker()
    texts = [piece.text for piece in pieces({"cells": planted.cells or []}, reach="all", level="values")]
    texts += [render(variable, "values") for variable in masker.mask_variables(planted.variables or [])]
    texts += [planted.file] if planted.file else []
    return masker.mask_all(texts)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_a_secret_does_not_get_out_of(place):
    seed = drawing.randbits(32)
    planted = PLACES[place](place, Draw(seed))
    done = sent(planted)
    assert not planted.gets_out(done.texts), f"seed {seed}: {done.texts}"


def test_there_are_more_than_forty_places():
    assert len(plant(1)) > 80


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('password="hunter2x"', f'password="{MASK}"'),
        ("export DB_PASSWORD=swordfish # no", f"export DB_PASSWORD={MASK} # no"),
        ("postgresql://ann:hunter2x@db/x", f"postgresql://ann:{MASK}@db/x"),
        ("{'user': 'ann', 'api_key': 'abc123def456'}", f"{{'user': 'ann', 'api_key': '{MASK}'}}"),
        ("password: hunter2x\nuser: ann", f"password: {MASK}\nuser: ann"),
        ('k = ("ab12cd34"\n  "ef56")', 'k = ("ab12cd34"\n  "ef56")'),
        ('pw_key = ("ab12cd34"\n  "ef56")', 'pw_key = ("ab12cd34"\n  "ef56")'),
        ('api_key = ("ab12cd34"\n  "ef56")', f'api_key = ("{MASK}"\n  "{MASK}")'),
        (
            "   user  password\n0   ann  hunter2x\n1   bob  fish",
            f"   user  password\n0   ann  {MASK}\n1   bob  {MASK}",
        ),
        ("a,password\nx,hunter2x\n\nb,c", f"a,password\nx,{MASK}\n\nb,c"),
    ],
)
def test_the_name_and_the_shape_stay(text, masked):
    assert mask(text).text == masked


def test_a_value_without_quotes_goes_to_its_end_however_long_it_is():
    assert mask(f"run --token={Draw(5).key(5000)} --x").text == f"run --token={MASK} --x"


def test_a_private_key_keeps_its_first_and_last_line():
    text = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nIBAAKC\n-----END RSA PRIVATE KEY-----"
    assert mask(text).text == f"-----BEGIN RSA PRIVATE KEY-----\n{MASK}\n-----END RSA PRIVATE KEY-----"


def test_a_private_key_that_is_cut_off_goes_too():
    body = Draw(7).key(64)
    done = mask(f"-----BEGIN PRIVATE KEY-----\n{body}\n{body}\nand words; with signs!").text
    assert body not in done
    assert done.endswith("words; with signs!")


ORDINARY = """\
token = tokenizer(x)
key=lambda r: r[0]
password = getpass()
password = getpass.getpass("Enter password: ")
password = input("Password: ")
api_key = os.environ["OPENAI_API_KEY"]
api_key = os.getenv("OPENAI_API_KEY", "")
api_key = os.environ.get("OPENAI_API_KEY", None)
client = OpenAI(api_key=settings.api_key)
client = OpenAI(api_key=os.environ.get("API_KEY"))
json.dumps(x, sort_keys=True, key="value")
sorted(labels, key=model.config.label2id.get)
tokenizer.pad_token = tokenizer.eos_token
eos_token = "</s>"; bos_token="<s>"; mask_token = "[MASK]"
max_tokens=4096, num_tokens = 128, token_type_ids=token_type_ids2
def login(user: str, password: str, token: str | None = None) -> str:
    secret: SecretStr = Field(...)
password: str
token: Optional[str] = None
df.merge(other, on="key"); df["key"] = df["first_key"] + "_" + df["second_key"]
df[["password", "username"]]
for key, value in d.items(): print("key:", key, "token=", token)
if key == "enter": pass
sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
cache_key = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
commit = "da39a3ee5e6b4b0d3255bfef95601890afd80709"
uuid = "123e4567-e89b-12d3-a456-426614174000"
key = "123e4567-e89b-12d3-a456-426614174000"
primary_key = "customer_id_2024"
f"postgresql://{user}:{password}@{host}/{db}"
"postgresql://user:password@localhost/db"
f"Bearer {token}"
headers = {"Authorization": f"Bearer {api_key}"}
api_key = "YOUR_API_KEY"
api_key="<your key here>"
OPENAI_API_KEY=your-key-here
export TOKEN=${OTHER_TOKEN}
password = "••••••••"
password = "********"
http://localhost:8888/a@b
https://example.com/search?q=a&key=name&sort=asc
git@github.com:owner/repo.git
ssh-rsa AAAAB3NzaC1yc2EAAAADAQAB ann@host
from sklearn.metrics.pairwise import pairwise_distances
sk-container-id-1 sk-toggleable__label-arrow sk-estimator-id-12
Basic usage and bearer tokens: use a token that is valid. The secret is to keep the key simple.
password must have at least 8 characters
monkey = "banana2"; turkey: "x1y2z3"; hockey_team = "a1b2c3d4e5"
author = "Ann Example"; authority = "x"; compass = "N"; passenger = "Ann123"; bypass = "yes1"
assert signature == inspect.signature(f)
dict(zip(keys, values)); keys = ["a1", "b2"]; Keys: a1, b2
np.random.seed(1234567890); SEED = 42
api_version = "2024-02-15-preview"; model = "gpt-4o-mini-2024-07-18"
   key  value
0  a1b  10
1  c2d  20
id | token | count
1 | hello | 3
2 | world2 | 4
password.strip() == "", token.text = "Hello", key.name = "abc1"
value: token.lemma_, password.txt: 3 lines
for name, value in [("password", "required"), ("token", "optional")]: pass
environment = {"name": "password", "value": None}; inputs(name="token", value="text")
SELECT key, value FROM t WHERE token = 'word' AND password IS NULL
x <- c("key", "token"); summary(password)
password_field = driver.find_element(By.ID, "password_1"); submit_key = Keys.ENTER
word,token_id,key
hello,15496,a
password = get_password(user, host)
tokens = tokenizer(text)
tokens = ["hello", "w0rld22"]; keys = ["user_id_1", "user_id_2"]; user_keys = ["user_1", "user_2"]
user, password = get_credentials("bob"), os.environ["DB_PASSWORD_1"]
user, password = line.split(":"); user, token = pair
passwords = [row["pw_1"] for row in rows]; passwords = [ask("name1") for _ in range(3)]
password = values["k1"] if values["k1"] == "live1" else None
password = get_password() or getpass("Again1: ")
password: str|bytes32
secret: Vec<u8>,
db_password = first,second
df.dtypes.to_dict() == {'password': dtype('O'), 'age': dtype('int64')}
"password": {"type": "string", "description": "The password of the user"}
{"password": ["This field is required."], "secret": {"name": "db-1", "region": "eu-west-1"}}
SECRETS = ("OPENAI_API_KEY", "JWT_SECRET", "DATABASE_URL")
pw = 3.5e-07; pw = x1; passwords: see (the "Settings 2") page
    , password
    , age22
type Form =
  | Password
  | Checkbox2
def login(
    password,
    hostname2,
Name: password, dtype: object
""".splitlines()


@pytest.mark.parametrize("line", ORDINARY)
def test_ordinary_code_stays_as_it_is(line):
    assert mask(line).text == line


def test_ordinary_code_stays_as_it_is_beside_other_code():
    whole = "\n".join(ORDINARY)
    assert mask(whole).text == whole
    assert mask(whole).found == []


def test_a_secret_is_masked_wherever_else_it_stands_bare():
    done = Masker().mask_all(
        ['password = "k9Qx-77"', "I typed k9Qx-77, and it works", "url/k9Qx-77/x", "k9Qx-777 is another"]
    )
    assert done.texts == [
        f'password = "{MASK}"',
        f"I typed {MASK}, and it works",
        f"url/{MASK}/x",
        "k9Qx-777 is another",
    ]


def test_a_word_that_somebody_uses_as_a_password_stays_elsewhere():
    text = 'engine = "postgresql://postgres:postgres@h/db"\nimport postgres'
    assert mask(text).text == f'engine = "postgresql://postgres:{MASK}@h/db"\nimport postgres'


def test_a_masker_remembers_and_another_does_not():
    masker = Masker()
    masker.mask_all(['password = "k9Qx-77"'])
    assert masker.mask_all(["k9Qx-77"]).texts == [MASK]
    assert Masker().mask_all(["k9Qx-77"]).texts == ["k9Qx-77"]


def test_what_was_found_is_told_by_kind_and_never_itself():
    done = mask('password = "k9Qx-77"\nkey = "AKIAIOSFODNN7EXAMPLE"\nk9Qx-77')
    assert done.found == [{"kind": "API key", "count": 1}, {"kind": "password", "count": 2}]


def test_many_secrets_are_all_masked_wherever_they_stand():
    draw = Draw(3)
    found = [draw.key(20) for _ in range(300)]
    text = "\n".join(f'password = "{one}"' for one in found)
    assert not any(
        one in shown for one in found for shown in Masker().mask_all([text, " ".join(found)]).texts
    )


def test_masking_twice_is_masking_once():
    for planted in plant(5):
        once = sent(planted).texts
        assert Masker().mask_all(once).texts == once


def test_a_variable_with_the_name_of_a_secret_has_no_value():
    given = {"name": "db_password", "type": "str", "value": "'hunter2x'", "length": 8}
    assert Masker().mask_variables([given]) == [{**given, "value": f"'{MASK}'"}]
    assert given["value"] == "'hunter2x'"


def test_a_hubs_rules_see_the_text_first():
    def project(text):
        return text.replace("Falcon", "[project]")

    done = mask("Falcon has EMP-12345 and EMP-6", [project, ("staff number", r"EMP-(?P<secret>\d{5})")])
    assert done.text == f"[project] has EMP-{MASK} and EMP-6"
    assert done.found == [{"kind": "rule", "count": 1}, {"kind": "staff number", "count": 1}]


def raising(text):
    raise ValueError(f"cannot read {text}")


@pytest.mark.parametrize("rule", [raising, lambda _: None, ("broken", "("), ("no pattern", 3), "no rule"])
def test_a_rule_that_fails_lets_nothing_out(rule):
    with pytest.raises(Internal, match="nothing was sent") as caught:
        mask("k9Qx-77", [rule])
    assert "k9Qx-77" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


PARTS = [
    "a1\ud800",
    "password",
    "=",
    '"',
    "'",
    "\\",
    "\n",
    "key",
    ":",
    "(",
    "-----BEGIN PRIVATE KEY-----",
    "x1",
    " ",
    "|",
    ",",
]


@settings(deadline=None, max_examples=150)
@given(st.lists(st.one_of(st.text(), st.sampled_from(PARTS)), max_size=40).map("".join))
def test_any_text_is_masked_without_an_exception_and_only_shrinks_to_masks(text):
    done = mask(text)
    pattern = "(?s)" + "(?:.*?)".join(map(re.escape, done.text.split(MASK)))
    assert MASK in done.text or done.text == text
    assert MASK in text or re.fullmatch(pattern, text) or "PRIVATE" in text


UNITS = [
    "key", "password=", "password='", 'password="x\n', "password:\\", "://", "://a:",
    "-----BEGIN PRIVATE KEY-----", "-eyJ", "eyJaaaaaaaa.", "-sk-", "'", '"', "\\", "a.b", "?key",
    "password\n", " password  x\n",
    "a | password | c\n", "user,password\n", "password = (", "password = '''", "auth(", "mysql ", "Bearer ",
    "1:1:",
    "AKIAABCDEFGHIJKLMNOP ", "api_key='abcdef123456'\n", "key='a' 'b' ",
    "'password': [", "passwords = ['a1b2c3', ", "password={'password': {", "password = f(",
    "password = (x or ", "password = g[", "password, ", "a, password = b, ", "password = x or 'a1' if ",
    "get('x', password=",
    "0    a1b2c3\nName: password, dtype: str\n", "0    a1b2c3\n", "password: a,b&c1;", "://a:b@c", "://a:@@@@",
    "password: A[", "'password' [str]\n[", ",password\n",
]  # fmt: skip


def lines_run(text):
    """Return how many lines of Python masking a text takes."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        mask(text)
    finally:
        sys.settrace(before)
    return count


@pytest.mark.parametrize("unit", UNITS)
def test_work_grows_no_faster_than_the_text(unit):
    mask(unit * 10)
    short, long = (lines_run(unit * (length // len(unit))) for length in (2_000, 8_000))
    # Four times the text; what grows with its square takes sixteen times as long.
    assert long <= 8 * short + 2_000
