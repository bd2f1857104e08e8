"""Secrets drawn anew for each run, in places of notebooks, variables and files where people leave them."""

from __future__ import annotations

import random
import string
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
MARK = "@@"
"""Where a secret goes in a template."""


class Draw:
    """Draws secrets, each with letters and digits as real ones have them."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)  # noqa: S311 - planted, and drawn again where a run is repeated

    def of(self, alphabet: str, length: int) -> str:
        while True:
            drawn = "".join(self._random.choices(alphabet, k=length))
            if any(c.isdigit() for c in drawn) and any(c.isalpha() for c in drawn):
                return drawn

    def key(self, length: int = 40) -> str:
        return self.of(LETTERS, length)

    def password(self) -> str:
        return self.of(LETTERS, 4) + self.of(LETTERS + "!%^*-_.", 9) + self.of(LETTERS, 3)

    def hex(self, length: int = 32) -> str:
        return self.of(HEX, length)


@dataclass(frozen=True)
class Planted:
    """One place with its secret in it: cells of a notebook, descriptions of variables, or a file's text."""

    place: str
    secret: str
    cells: list[dict[str, Any]] | None = None
    variables: list[dict[str, Any]] | None = None
    file: str | None = None

    def gets_out(self, texts: list[str]) -> bool:
        """Return whether it stands in one of the texts: as it is, in base64, quoted, or its larger part."""
        parts = {self.secret, quote(self.secret, safe="")}
        if len(self.secret) >= 24:
            parts |= {self.secret[:16], self.secret[-16:]}
        parts.add(self.secret.encode().hex())
        for shift in range(3):
            # Without the characters that depend on the neighbours.
            encoded = b64encode(b"\0" * shift + self.secret.encode()).decode().rstrip("=")
            parts.add(encoded[4 if shift else 0 : -2])
        return any(part in text for part in parts for text in texts)


def code(source: str, *outputs: dict[str, Any]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "metadata": {},
        "execution_count": 1,
        "source": source,
        "outputs": list(outputs),
    }


def markdown(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text.splitlines(keepends=True)}


def result(**data: Any) -> dict[str, Any]:
    bundle = {
        {"plain": "text/plain", "html": "text/html", "json": "application/json"}[k]: v
        for k, v in data.items()
    }
    return {"output_type": "execute_result", "metadata": {}, "execution_count": 1, "data": bundle}


def error(name: str, value: str, *lines: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": value, "traceback": list(lines)}


def pem(draw: Draw) -> tuple[str, list[str]]:
    lines = [draw.of(LETTERS + "+/", 64) for _ in range(6)]
    return lines[3], ["-----BEGIN PRIVATE KEY-----", *lines, "-----END PRIVATE KEY-----"]


Made = tuple[str, str]


def source(make: Callable[[Draw], Made]) -> Callable[[str, Draw], Planted]:
    """A place in the source of a cell."""

    def plant(place: str, draw: Draw) -> Planted:
        text, secret = make(draw)
        return Planted(place, secret, cells=[code(text)])

    return plant


def simple(template: str, drawn: str = "password") -> Callable[[str, Draw], Planted]:
    """A place in the source of a cell, where the mark is replaced."""
    return source(lambda draw: (template.replace(MARK, s := getattr(draw, drawn)()), s))


def filed(template: str, drawn: str = "password") -> Callable[[str, Draw], Planted]:
    """A place in a file."""

    def plant(place: str, draw: Draw) -> Planted:
        secret = getattr(draw, drawn)()
        return Planted(place, secret, file=template.replace(MARK, secret))

    return plant


def shown(make: Callable[[str], dict[str, Any]], drawn: str = "password") -> Callable[[str, Draw], Planted]:
    """A place in the output of a cell."""

    def plant(place: str, draw: Draw) -> Planted:
        secret = getattr(draw, drawn)()
        return Planted(place, secret, cells=[code("show()", make(secret))])

    return plant


def held(make: Callable[[str], dict[str, Any]], drawn: str = "password") -> Callable[[str, Draw], Planted]:
    """A place in the description of a variable."""

    def plant(place: str, draw: Draw) -> Planted:
        secret = getattr(draw, drawn)()
        return Planted(place, secret, variables=[make(secret)])

    return plant


def prefixed(prefix: str, length: int, alphabet: str = LETTERS) -> Callable[[str, Draw], Planted]:
    """A key whose shape tells it, without a name."""
    return source(lambda draw: (f'run("{prefix}{(s := draw.of(alphabet, length))}")', s))


def split_pem(place: str, draw: Draw) -> Planted:
    secret, lines = pem(draw)
    return Planted(place, secret, cells=[code('KEY = """' + "\n".join(lines) + '"""')])


def service_account(place: str, draw: Draw) -> Planted:
    secret, lines = pem(draw)
    text = '{"type": "service_account", "private_key": "' + "\\n".join(lines) + '\\n"}'
    return Planted(place, secret, file=text)


def quoted_pem(place: str, draw: Draw) -> Planted:
    secret, lines = pem(draw)
    text = "k = (\n" + "\n".join(f'    "{line}\\n"' for line in lines) + "\n)"
    return Planted(place, secret, cells=[code(text)])


def bare_elsewhere(place: str, draw: Draw) -> Planted:
    secret = draw.password()
    cells = [
        code(f'password = "{secret}"'),
        markdown(f"Log in with {secret} please."),
        code(f"check('{secret}')"),
    ]
    return Planted(place, secret, cells=cells)


def only_in_another(place: str, draw: Draw) -> Planted:
    secret = draw.key()
    return Planted(
        place,
        secret,
        cells=[code("print(x)", stream(f"using {secret}\n"))],
        variables=[value_of("api_key", secret)],
    )


def encoded_elsewhere(place: str, draw: Draw) -> Planted:
    secret = draw.password()
    token = b64encode(f"ann:{secret}".encode()).decode()
    return Planted(place, secret, cells=[code(f'pw = "x"\npassword = "{secret}"', stream(f"sent {token}\n"))])


def basic(place: str, draw: Draw) -> Planted:
    secret = draw.password()
    token = b64encode(f"ann:{secret}".encode()).decode()
    return Planted(place, secret, cells=[code(f'headers = {{"Authorization": "Basic {token}"}}')])


def value_of(name: str, secret: str) -> dict[str, Any]:
    return {"name": name, "type": "str", "length": len(secret), "value": repr(secret)}


def joined_literals(between: str) -> Callable[[str, Draw], Planted]:
    return source(lambda d: (f'api_key = ("{(s := d.key())[:20]}"{between}"{s[20:]}")', s))


def aws(draw: Draw) -> Made:
    secret = draw.of(LETTERS + "/+", 40)
    return (
        f'boto3.client("s3", "AKIA{draw.of(string.ascii_uppercase + string.digits, 16)}", "{secret}")',
        secret,
    )


def azure(draw: Draw) -> Made:
    secret = draw.of(LETTERS + "+/", 86)
    return (
        f'conn = "DefaultEndpointsProtocol=https;AccountName=a;AccountKey={secret}==;EndpointSuffix=x"',
        secret,
    )


FRAME = "   user     password  age\n0   ann  @@    3\n1   bob  @@    4"
HTML = (
    "<table><thead><tr><th></th><th>user</th><th>api_token</th></tr></thead>"
    "<tbody><tr><th>0</th><td>ann</td><td>@@</td></tr></tbody></table>"
)

PLACES: dict[str, Callable[[str, Draw], Planted]] = {
    # assignments
    "a password in quotes": simple('password = "@@"'),
    "an attribute": simple("openai.api_key = '@@'", "key"),
    "an annotated name": simple('db_password: str = "@@"'),
    "a name in camels": simple('clientSecret = "@@"'),
    "an argument": simple('connect(host="h", user="u", passwd="@@", port=1)'),
    "a default value": simple('def f(token="@@"):\n    pass', "key"),
    "the environment": simple('os.environ["SERVICE_API_KEY"] = "@@"', "key"),
    "the environment's default": simple('key = os.environ.get("MY_API_KEY", "@@")', "key"),
    "the environment's call": simple('os.putenv("DB_PASSWORD", "@@")'),
    "an f-string's text": simple('secret = f"@@{n}"', "key"),
    "bytes": simple('SECRET_KEY = b"@@"', "key"),
    "a text of many lines": simple('secret = """\n@@\n"""'),
    "two literals side by side": joined_literals("\n    "),
    "two literals over a backslash": source(
        lambda d: (f'api_key = "{(s := d.key())[:20]}" \\\n    "{s[20:]}"', s)
    ),
    "two literals added": joined_literals(" + "),
    "one literal over a backslash": source(lambda d: (f'token = "{(s := d.key())[:20]}\\\n{s[20:]}"', s)),
    "a comparison": simple('if password == "@@":\n    pass'),
    "a comment": simple("# password: @@"),
    "a dictionary": simple("conf = {'user': 'u', 'password': '@@'}"),
    "a dictionary's entry": simple('conf["db"]["password"] = "@@"'),
    "a pair": simple('requests.get(url, auth=("ann", "@@"))'),
    "JSON in a text": simple('body = "{\\"user\\": \\"u\\", \\"password\\": \\"@@\\"}"'),
    "a bearer header": simple('headers = {"Authorization": "Bearer @@"}', "key"),
    "a header of one's own": simple('headers = {"X-Api-Key": "@@"}', "key"),
    "a basic header": basic,
    # commands
    "%env": simple("%env WEATHER_API_KEY=@@", "key"),
    "%env with a blank": simple("%env WEATHER_API_KEY @@", "key"),
    "!export": simple("!export GITHUB_TOKEN=@@", "key"),
    "an option": simple("!tool --password @@ --x 1"),
    "an option with =": simple("!tool --api-key=@@ --x 1", "key"),
    "curl": simple("!curl -u ann:@@ https://h.example/"),
    "wandb": source(lambda d: (f"!wandb login {(s := d.hex(40))}", s)),
    # addresses
    "a database": simple('engine = create_engine("postgresql+psycopg://ann:@@@db.example:5432/x")', "key"),
    "a cluster": simple('MongoClient("mongodb+srv://ann:@@@c.example/?retryWrites=true")', "key"),
    "git": source(lambda d: (f"!git clone https://{(s := d.key())}@git.example/a/b", s)),
    "a query": simple('get("https://h.example/v1?units=si&api_key=@@&q=1")', "key"),
    "ODBC": simple('connect("Driver={ODBC};Server=s;Uid=u;Pwd=@@;Encrypt=yes")', "key"),
    "libpq": simple('connect("host=h user=u password=@@ dbname=d")', "key"),
    "Azure storage": source(azure),
    # shapes
    "OpenAI": prefixed("sk-proj-", 64, LETTERS + "-_"),
    "Anthropic": prefixed("sk-ant-api03-", 80, LETTERS + "-_"),
    "AWS": source(aws),
    "Google": prefixed("AIza", 35, LETTERS),
    "GitHub": prefixed("ghp_", 36),
    "GitHub, fine-grained": prefixed("github_pat_11ABCDEFG0", 50),
    "GitLab": prefixed("glpat-", 20),
    "Slack": prefixed("xoxb-123456789012-", 24),
    "Stripe": prefixed("sk_live_", 24),
    "Hugging Face": prefixed("hf_", 34),
    "npm": prefixed("npm_", 36),
    "PyPI": prefixed("pypi-AgEIcHlwaS5vcmc", 100),
    "SendGrid": source(lambda d: (f'c("SG.{d.key(22)}.{(s := d.key(43))}")', s)),
    "Twilio": prefixed("SK", 32, HEX),
    "Databricks": prefixed("dapi", 32, HEX),
    "a JWT": source(lambda d: (f'c("eyJhbGciOiJIUzI1NiJ9.{d.key(60)}.{(s := d.key(43))}")', s)),
    "a private key": split_pem,
    "a private key in literals": quoted_pem,
    # outputs
    "printed": shown(lambda s: stream(f"password: {s}\n")),
    "printed settings": shown(lambda s: stream(f"HOST=h\nDB_PASSWORD={s}\nPORT=1\n")),
    "a log in colours": shown(lambda s: stream(f"\x1b[31mtoken\x1b[0m=\x1b[1m{s}\x1b[0m\n", "stderr"), "key"),
    "a dictionary's repr": shown(lambda s: result(plain=f"{{'user': 'u', 'password': '{s}'}}")),
    "a dataclass's repr": shown(lambda s: result(plain=f"Config(user='u', api_key='{s}')"), "key"),
    "JSON put out": shown(lambda s: result(json={"user": "u", "access_token": s}), "key"),
    "an error's message": shown(
        lambda s: error("OperationalError", f"cannot connect to mysql://u:{s}@h/d", "OperationalError"), "key"
    ),
    "a traceback's line": shown(
        lambda s: error(
            "ValueError", "no", "Cell In[1], line 1", f'----> 1 login(password="{s}")', "ValueError: no"
        )
    ),
    "a printed frame": shown(lambda s: result(plain=FRAME.replace(MARK, s)), "key"),
    "a frame in HTML": shown(lambda s: result(html=HTML.replace(MARK, s)), "key"),
    "HTML": shown(lambda s: result(html=f"<p>password: <b>{s}</b></p>")),
    "Markdown": source(lambda d: (f"# Setup\n\nThe API key: `{(s := d.key())}`", s)),
    "bare, in another cell": bare_elsewhere,
    "bare, beside a variable": only_in_another,
    "in base64 elsewhere": encoded_elsewhere,
    # variables
    "a text": held(lambda s: value_of("db_password", s)),
    "a key": held(lambda s: value_of("OPENAI_API_KEY", s), "key"),
    "a dictionary's value": held(
        lambda s: {
            "name": "conf",
            "type": "dict",
            "length": 2,
            "value": f"{{'host': 'h', 'password': '{s}'}}",
        }
    ),
    "a column": held(
        lambda s: {
            "name": "users",
            "type": "pandas.DataFrame",
            "shape": [2, 2],
            "columns": [{"name": "user", "dtype": "object"}, {"name": "password", "dtype": "object"}],
            "rows": f"  user          password\n0  ann  {s}\n1  bob  {s}",
        }
    ),
    "a column's range": held(
        lambda s: {
            "name": "t",
            "type": "pandas.DataFrame",
            "shape": [1, 1],
            "columns": [{"name": "password", "dtype": "object", "min": s, "max": s}],
        }
    ),
    "an address": held(lambda s: value_of("engine", f"postgresql://u:{s}@h/d"), "key"),
    # several values under one name
    "a frame of one column": shown(
        lambda s: result(
            html=f"<table><tr><th></th><th>password</th></tr><tr><th>0</th><td>{s}</td></tr></table>"
        )
    ),
    "a series by its name": shown(
        lambda s: result(plain=f"0      fish\n1    {s}\nName: password, dtype: object")
    ),
    "a table of one column in Markdown": filed("| password |\n| --- |\n| @@ |\n"),
    "a dictionary of lists": shown(lambda s: result(plain=f"{{'user': ['ann'], 'password': ['{s}']}}")),
    "a dictionary of dictionaries": shown(lambda s: result(plain=f"{{'password': {{0: 'fish', 1: '{s}'}}}}")),
    "a list": simple('passwords = ["fish", "@@"]'),
    "two names at once": simple('user, password = "ann", "@@"'),
    "what stands in for another": simple('password = os.environ.get("PW") or "@@"'),
    "what is given otherwise": simple('password = "fish" if test else "@@"'),
    "an address with two signs": source(
        lambda d: (f'connect("postgresql://ann:a1b2@{(s := d.password())}@db.example/x")', s)
    ),
    # commands of others' languages and tools
    "R": simple('password <- "@@"'),
    "SQL": simple("CREATE USER ann WITH PASSWORD '@@';"),
    "MySQL": simple("CREATE USER ann IDENTIFIED BY '@@';"),
    "a keyring": simple('keyring.set_password("service", user, "@@")'),
    "a login": simple('server.login(user, "@@")'),
    "what is encoded": simple('b64encode(b"ann:@@")'),
    "a name in one word": simple('dbpassword = "@@"'),
    "psql": simple("!PGPASSWORD=@@ psql -h h -U ann", "key"),
    "aws configure": simple("!aws configure set aws_secret_access_key @@", "key"),
    "docker run": simple("!docker run -e DB_PASSWORD=@@ image", "key"),
    "Spark": simple('spark.conf.set("fs.s3a.secret.key", "@@")', "key"),
    "a cookie": simple('headers = {"Cookie": "sessionid=@@; a=b"}', "key"),
    "Teams": simple('post("https://x.webhook.office.com/webhookb2/@@/IncomingWebhook/a")', "key"),
    "the environment, printed": shown(
        lambda s: result(plain=f"environ({{'HOME': '/home/ann',\n         'DB_PASSWORD': '{s}'}})")
    ),
    "a series": shown(
        lambda s: result(plain=f"user             ann\npassword    {s}\nName: 0, dtype: object")
    ),
    "a list of pairs": shown(lambda s: result(plain=f"[('user', 'ann'), ('password', '{s}')]")),
    "in hexadecimal elsewhere": shown(lambda s: stream(f"password={s}\n{s.encode().hex()}\n"), "key"),
    # files
    ".env": filed("DEBUG=1\nAPP_SECRET=@@\nPORT=80\n"),
    ".env with a blank": filed("DB_PASSWORD = @@\n"),
    "YAML": filed("db:\n  host: h\n  password: @@\n"),
    "TOML": filed('[db]\npassword = "@@"\n'),
    "an ini file": filed("[db]\nuser = u\npassword = @@\n"),
    "JSON": filed('{"db": {"password": "@@"}}'),
    "JSON over lines": filed('{\n  "client_secret":\n    "@@"\n}'),
    "CSV": filed("user,password,age\nann,@@,3\n"),
    "a table in Markdown": filed("| user | password |\n| --- | --- |\n| ann | @@ |\n"),
    ".netrc": filed("machine h.example\n  login ann\n  password @@\n"),
    ".pgpass": filed("h.example:5432:db:ann:@@\n", "key"),
    ".npmrc": filed("//registry.example/:_authToken=@@\n", "key"),
    ".aws/credentials": filed("[default]\naws_access_key_id = x\naws_secret_access_key = @@\n", "key"),
    "a service account": service_account,
    "kaggle.json": source(lambda d: (f'{{"username":"ann","key":"{(s := d.hex())}"}}', s)),
    "a Dockerfile": filed("FROM x\nENV API_TOKEN=@@\nARG N=1\n", "key"),
    "a container's settings": filed("env:\n  - name: DB_PASSWORD\n    value: @@\n"),
    "a container's settings in JSON": filed('{"env": [{"name": "DB_PASSWORD", "value": "@@"}]}'),
    "an attribute of XML": filed('<add key="Password" value="@@" />'),
    "a PHP file": filed("<?php\n$password = '@@';\n"),
    "XML": filed("<db><password>@@</password></db>"),
}


def plant(seed: int) -> list[Planted]:
    """Return every place with a secret of its own."""
    draw = Draw(seed)
    return [make(place, draw) for place, make in PLACES.items()]
