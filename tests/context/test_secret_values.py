"""All of what a name gives away is masked: each of several values, to its end, and not its neighbour."""

import pytest

from tether_jupyter.context.secrets import mask
from tether_jupyter.core.redact import MASK

COLUMNS = [
    " | password\n0 | @1\n1 | @2",
    "| password |\n| --- |\n| @1 |\n| @2 |",
    ",password\n0,@1\n1,@2",
    "\tpassword\n0\t@1\n1\t@2",
    "┌──────────┐\n│ password │\n│ ---      │\n│ str      │\n╞══════════╡\n│ @1 │\n│ @2   │\n└───┘",
    "0       @1\n1    @2\nName: password, dtype: object",
    "a b  x        @1\n     y    @2\n      ...   \nName: db_password, Length: 90, dtype: str\n",
    "2024-01-01    @1\nFreq: D, Name: password, dtype: object",
    "0    @1\nName: password, dtype: category\nCategories (2, object): ['@1' < '@2']",
    'shape: (2,)\nSeries: \'password\' [str]\n[\n\t"@1"\n\t"@2"\n]',
]
BRACKETS = [
    "{'user': ['ann', 'bob'], 'password': ['@1', '@2']}",
    "{'age': {0: 12345}, 'password': {0: '@1', 1: '@2'}}",
    '{"password":{"0":"@1","2024-01-02":"@2"},"age":{"0":3}}',
    '{\\"password\\": [\\"@1\\", \\"@2\\"]}',
    "{'password': [['@1'], ['@2']]}",
    "{'password': array(['@1', '@2'], dtype=object)}",
    "{'password': ('@1', None, '@2')}",
    "{'password': {Timestamp('2024-01-01 00:00:00'): '@1', nan: '@2'}}",
    'passwords = ["@1",  # the first\n    "@2"]',
    'passwords = {"ann": "@1", "bob": "@2"}',
    'df["password"] = pd.Series(["@1", "@2"])',
    'db_passwords = np.array(["@1", f"{x}", "@2"])',
    'credentials = {"hosts": ["db.example.com"], "region": "eu-west-1", "password": ["@1", "@2"]}',
]


@pytest.mark.parametrize("text", [*COLUMNS, *BRACKETS])
def test_every_secret_under_one_name_is_masked_and_nothing_else(text):
    planted = text.replace("@1", "hunter2x").replace("@2", "Tr0ub4dor&3")
    assert mask(planted).text == text.replace("@1", MASK).replace("@2", MASK)


@pytest.mark.parametrize(
    "text",
    [
        'user, password = "bob", "@"',
        'password, user = "@", "bob"',
        'user, self.password, host = ("bob",\n    "@",  # mine\n    get("x", 3))',
        '(user, password) = ["bob", "@"]',
        'const [user, password] = ["bob", "@"];',
        'connect(host,\n    user, password="@", port="5432x")',
        'password = os.environ.get("PW") or "@"',
        'password = (\n    os.environ.get("PW")\n    or "@"\n)',
        'password = settings.password or load(path)["x1y2z3"] or "@"',
        'password = "" if prod == "live1" else "@"',
        'password = get(user) if user != "ann1" else "@"',
        'db_password = prod and "@"',
        'const password = process.env.PW || "@";',
        'password = os.environ.get("PW", "@")',
        'password = str(os.getenv("PW", default="@"))',
        'connect(password=conf.get("pw") or "@", host="db1.example")',
        'conf = {"password": env("PW") or "@", "host": "db1.example"}',
        'pw: Annotated[str, 1] = "@"',
        'pw = "@"',
        'password: Annotated[str, Field(min_length=8)] = "@"',
        'password: Optional[Union[str, bytes]] = "@"',
    ],
)
def test_the_literal_that_a_name_gets_is_masked_and_not_its_neighbour(text):
    assert mask(text.replace("@", "Tr0ub4dor&3")).text == text.replace("@", MASK)


@pytest.mark.parametrize(
    "text",
    [
        "db:\n  password: @\n  host: h",
        "[db]\npassword = @\nuser = u",
        "password=@  # mine",
        "  password: @\r\n",
        "export password=@",
    ],
)
@pytest.mark.parametrize(
    "secret",
    ["a&Xk39dkfQ77", "s3cr,et9876", "Tr0ub4dor&3xyz", "Xk39dk;fQ77", "Xk39<dkfQ77>x", "9a|Xk39dkfQ77"],
)
def test_a_value_without_quotes_goes_to_the_end_of_its_line_whatever_signs_it_has(text, secret):
    assert mask(text.replace("@", secret)).text == text.replace("@", MASK)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("postgresql://bob:S3cr3t@2024@h/db", f"postgresql://bob:{MASK}@h/db"),
        ("postgresql://bob:p@ssw0rd@h", f"postgresql://bob:{MASK}@h"),
        ("https://bob:S3cr3t@h/~ann@x?to=b@c", f"https://bob:{MASK}@h/~ann@x?to=b@c"),
        ('"redis://:S3cr3t@h", "ann@example.com"', f'"redis://:{MASK}@h", "ann@example.com"'),
    ],
)
def test_the_password_of_an_address_goes_to_the_last_sign_before_its_host(text, masked):
    assert mask(text).text == masked
