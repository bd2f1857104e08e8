"""Which file is meant: names, repositories, quantisations and files, and what is listed where several fit."""

import pytest

from tether_jupyter.errors import InvalidRequest, NotFound
from tether_jupyter.llm.models import catalogue
from tether_jupyter.llm.models.choice import HubFile, Target, choices, file_names, local_name, parse, pick

SUM = "0" * 64


def offer(*names):
    return choices([HubFile(name, 10**9 * size, SUM) for size, name in enumerate(names, 1)])


class TestWhatIsTyped:
    @pytest.mark.parametrize("known", catalogue.SUGGESTIONS, ids=lambda known: known.name)
    def test_every_name_of_the_list_is_known_and_well_made(self, known):
        assert parse(f" {known.name.upper()} ") == Target(known.repo, known.file, known.name)
        assert parse(f"{known.repo}:{known.file}").repo == known.repo
        assert pick(offer(known.file, "other-q2_k.gguf"), known.file, known.repo).files[0].path == known.file
        assert 0 < known.size < known.memory
        assert known.license in ("apache-2.0", "mit")

    def test_the_list_is_short_and_names_nothing_twice(self):
        names = {known.name for known in catalogue.SUGGESTIONS}
        assert 6 <= len(catalogue.SUGGESTIONS) == len(names) <= 8

    @pytest.mark.parametrize(
        ("text", "target"),
        [
            ("owner/Repo-GGUF", Target("owner/Repo-GGUF", None)),
            ("owner/Repo:q8_0", Target("owner/Repo", "q8_0")),
            ("owner/Repo:folder/a-Q8_0.gguf", Target("owner/Repo", "folder/a-Q8_0.gguf")),
            ("hf.co/owner/Repo:Q8_0", Target("owner/Repo", "Q8_0")),
            ("https://huggingface.co/owner/Repo", Target("owner/Repo", None)),
            ("https://huggingface.co/owner/Repo/", Target("owner/Repo", None)),
            ("https://huggingface.co/o/R/blob/main/a.gguf", Target("o/R", "a.gguf")),
            ("https://huggingface.co/o/R/resolve/main/d/a.gguf?download=true", Target("o/R", "d/a.gguf")),
        ],
    )
    def test_a_repository_comes_in_many_forms(self, text, target):
        assert parse(text) == target

    @pytest.mark.parametrize("text", ["gpt-4", "qwen", "demo"])
    def test_an_unknown_name_is_answered_with_the_list(self, text):
        with pytest.raises(NotFound, match=r"It has: qwen2\.5-coder-0\.5b, .*OWNER/REPO"):
            parse(text)

    @pytest.mark.parametrize(
        "text",
        [
            *("", " ", "a/b/c", "../b", "a/..", "/etc/passwd", "a/b:../c", "a/b:/c", "a b/c", "a/b:c d"),
            *("a/b?x=1", "https://evil.example/a/b", "http://169.254.169.254/a", "a/b#c", "-a/b", "a/b:c?d"),
            *("é/b", "a\nb/c", "a/b\0"),
        ],
    )
    def test_what_makes_no_sense_is_refused(self, text):
        with pytest.raises((InvalidRequest, NotFound)):
            parse(text)


class TestTheChoice:
    @pytest.mark.parametrize(
        ("name", "quant"),
        [
            ("m-Q4_K_M.gguf", "Q4_K_M"),
            ("m.q4_k_m.gguf", "Q4_K_M"),
            ("m_IQ3_XXS.gguf", "IQ3_XXS"),
            ("Q8_0.gguf", "Q8_0"),
            ("m-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"),
            ("m-BF16.gguf", "BF16"),
            ("m.f16.gguf", "F16"),
            ("m-mxfp4.gguf", "MXFP4"),
            ("d/m-Q2_K-00001-of-00001.gguf", "Q2_K"),
            ("m-7b.gguf", None),
            ("m-Q4_K_M-v2.gguf", None),
        ],
    )
    def test_a_quantisation_is_read_from_the_name(self, name, quant):
        assert offer(name)[0].quant == quant

    def test_the_usual_one_is_taken_where_none_is_named(self):
        assert pick(offer("m-Q8_0.gguf", "m-Q4_K_M.gguf", "m-Q4_K_S.gguf"), None, "o/r").quant == "Q4_K_M"

    def test_the_only_one_is_taken_whatever_it_is(self):
        assert pick(offer("m.gguf"), None, "o/r").stem == "m"

    @pytest.mark.parametrize("wanted", ["q8_0", "Q8_0", "m-Q8_0.gguf", "d/m-Q8_0.gguf", "m-Q8_0", "d/m-Q8_0"])
    def test_it_is_found_by_quantisation_name_or_path(self, wanted):
        assert pick(offer("d/m-Q8_0.gguf", "m-Q4_K_M.gguf"), wanted, "o/r").quant == "Q8_0"

    def test_without_the_usual_one_what_there_is_is_listed_with_sizes(self):
        with pytest.raises(InvalidRequest) as refused:
            pick(offer("m-Q8_0.gguf", "m-Q6_K.gguf"), None, "o/r")
        assert "o/r:Q8_0  (1.00 GB)" in refused.value.message
        assert "o/r:Q6_K  (2.00 GB)" in refused.value.message

    def test_an_unknown_quantisation_is_answered_with_what_there_is(self):
        with pytest.raises(NotFound, match=r"has no 'Q9_9'"):
            pick(offer("m-Q8_0.gguf"), "Q9_9", "o/r")

    def test_several_of_one_kind_are_listed_by_file(self):
        with pytest.raises(InvalidRequest) as refused:
            pick(offer("a-Q4_K_M.gguf", "b-Q4_K_M.gguf"), None, "o/r")
        assert "o/r:a-Q4_K_M.gguf" in refused.value.message
        assert "o/r:b-Q4_K_M.gguf" in refused.value.message

    def test_a_long_list_ends(self):
        with pytest.raises(InvalidRequest, match="and 70 more"):
            pick(offer(*[f"m{n}-Q8_0.gguf" for n in range(100)]), None, "o/r")

    def test_a_repository_without_models_says_so(self):
        with pytest.raises(NotFound, match="no GGUF model"):
            pick(offer("model.safetensors", "mmproj-f16.gguf", "imatrix.gguf"), None, "o/r")


class TestSplitModels:
    NAMES = tuple(f"m-Q4_K_M-{n:05d}-of-00003.gguf" for n in (2, 3, 1))

    def test_a_set_is_one_choice_in_order(self):
        found = pick(offer(*self.NAMES), None, "o/r")
        assert [file.path for file in found.files] == sorted(self.NAMES)
        assert found.size == 6 * 10**9

    def test_any_of_its_files_names_it(self):
        assert len(pick(offer(*self.NAMES), self.NAMES[0], "o/r").files) == 3

    def test_half_a_set_is_no_choice(self):
        assert offer(*self.NAMES[:2]) == []

    def test_a_whole_file_is_preferred_to_pieces_of_the_same(self):
        assert len(pick(offer(*self.NAMES, "m-Q4_K_M.gguf"), None, "o/r").files) == 1

    def test_its_files_are_numbered_here_as_well(self):
        found = offer(*self.NAMES)[0]
        assert file_names("x", found)[0] == "x-00001-of-00003.gguf"


@pytest.mark.parametrize("path", ["a+b.gguf", "a@b.gguf", "a..b.gguf", "x" * 150 + ".gguf"])
def test_a_name_that_is_no_good_here_is_refused(path):
    with pytest.raises(InvalidRequest, match="cannot be a file's name here"):
        local_name(offer(path)[0], Target("o/r", None))
