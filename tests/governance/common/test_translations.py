import gettext
import importlib.util
import sys

import pytest
from django.conf import settings

from governance.stack.translations import compile_catalogues


@pytest.fixture(scope="module")
def merge_locale():
    spec = importlib.util.spec_from_file_location(
        "merge_locale", settings.BASE_DIR / "scripts" / "merge_locale.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["merge_locale"] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules["merge_locale"]


@pytest.fixture
def project(tmp_path):
    for room in ("governance", "cases", "partymembers", "grids", "templates", "locale/parts"):
        (tmp_path / room).mkdir(parents=True)
    (tmp_path / "grids" / "words.py").write_text(
        'a = _("Grid")\nb = ngettext("%(n)s grid", "%(n)s grids", 3)\nc = pgettext("verb", "Close")\n',
        "utf-8",
    )
    (tmp_path / "templates" / "page.html").write_text(
        "{% load i18n %}<p>\n    {% translate 'Grid' %}\n{% blocktranslate with n=x trimmed %}"
        "\n  Hello {{ n }}\n{% endblocktranslate %}{{ x|default:_('Nobody') }}",
        "utf-8",
    )
    return tmp_path


def part(project, name, text):
    (project / "locale" / "parts" / name).write_text(text, "utf-8")


WHOLE = (
    'msgid "Grid"\nmsgstr "网格"\n\nmsgid "%(n)s grid"\nmsgid_plural "%(n)s grids"\n'
    'msgstr[0] "%(n)s 个网格"\n\n'
    'msgctxt "verb"\nmsgid "Close"\nmsgstr "关闭"\n\nmsgid "Hello %(n)s"\nmsgstr "你好 %(n)s"\n\n'
    'msgid "Nobody"\nmsgstr "无"\n'
)


def test_messages_of_code_and_templates_are_found(merge_locale, project):
    assert {key: source.plural for key, source in merge_locale.sources(project).items()} == {
        ("", "Grid"): "",
        ("", "%(n)s grid"): "%(n)s grids",
        ("verb", "Close"): "",
        ("", "Hello %(n)s"): "",
        ("", "Nobody"): "",
    }


def test_parts_become_one_sorted_catalogue_that_gettext_reads(merge_locale, project):
    part(project, "a.po", WHOLE)
    merged = merge_locale.merge(project)
    assert (merged.problems, merged.missing) == ([], [])
    text = merge_locale.rendered(merged)
    assert text == merge_locale.rendered(merge_locale.merge(project))
    target = project / "locale" / "zh_Hans" / "LC_MESSAGES" / "django.po"
    target.parent.mkdir(parents=True)
    target.write_text(text, "utf-8")
    assert compile_catalogues(project / "locale") == 1
    with target.with_suffix(".mo").open("rb") as compiled:
        words = gettext.GNUTranslations(compiled)
    assert words.gettext("Grid") == "网格"
    assert words.pgettext("verb", "Close") == "关闭"
    assert words.ngettext("%(n)s grid", "%(n)s grids", 5) == "%(n)s 个网格"


def test_what_has_no_chinese_is_listed(merge_locale, project):
    part(project, "a.po", WHOLE.replace('msgstr "无"', 'msgstr ""'))
    assert merge_locale.merge(project).missing == [("", "Nobody")]


def test_contradictions_fuzzy_entries_and_foreign_placeholders_are_problems(merge_locale, project):
    part(project, "a.po", WHOLE.replace("你好 %(n)s", "你好 %(m)s"))
    part(project, "b.po", 'msgid "Grid"\nmsgstr "格子"\n\n#, fuzzy\nmsgid "Nobody"\nmsgstr "无"\n')
    problems = merge_locale.merge(project).problems
    assert len(problems) == 3
    assert any("'网格'" in each and "'格子'" in each for each in problems)
    assert any("fuzzy" in each for each in problems)
    assert any("placeholder" in each for each in problems)


def test_everybody_is_addressed_alike(merge_locale, project):
    part(project, "a.po", WHOLE.replace("你好 %(n)s", "您好 %(n)s").replace('"无"', '"没有人！"'))
    assert [each.partition(":")[0] for each in merge_locale.merge(project).problems] == [
        "'Hello %(n)s'",
        "'Nobody'",
    ]
