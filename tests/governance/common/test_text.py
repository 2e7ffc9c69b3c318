import pytest

from governance.common.text import bigrams, spreadsheet_safe


@pytest.mark.parametrize("text", ["=1+1", "+86", "-5", "@SUM(A1)", "\t=1", "\r=1", "  =1", "\u3000=1", "＝1"])
def test_formulas_are_made_inert(text):
    assert spreadsheet_safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "路灯不亮", "3 栋-2 单元", "a=b", "'=1"])
def test_other_text_stays_as_it_is(text):
    assert spreadsheet_safe(text) == text


def test_bigrams_of_chinese_overlap():
    assert bigrams("路灯不亮") == ["路灯", "灯不", "不亮"]


def test_bigrams_fold_case_and_width_and_stop_at_punctuation():
    assert bigrams("ＡB，3栋") == ["ab", "3栋"]
    assert bigrams("灯_灯 灯") == ["灯"]
    assert bigrams("路灯路灯") == ["路灯", "灯路"]
    assert bigrams(" ，。") == []
