import pytest
from django import forms
from django.utils import translation

from governance.common.errors import Invalid
from governance.common.phones import MobileField, is_mobile, normalise_mobile


@pytest.mark.parametrize(
    "written",
    ["13800000000", " 138 0000 0000", "+86 138-0000-0000", "008613800000000", "１３８００００００００"],
)
def test_a_mobile_number_becomes_eleven_digits(written):
    assert normalise_mobile(written) == "13800000000"
    assert is_mobile(written)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("138000000", "This has 9 digits; a mobile number has 11."),
        ("1380000000a", "A mobile number has digits only."),
        ("", "A mobile number has digits only."),
        ("12000000000", "No mobile number begins like this. Please check the first digits."),
    ],
)
def test_a_wrong_number_says_what_is_wrong(written, said):
    with translation.override("en"), pytest.raises(Invalid) as refused:
        normalise_mobile(written)
    assert str(refused.value.message) == said
    assert not is_mobile(written)


class Contact(forms.Form):
    phone = MobileField()
    other = MobileField(required=False)


def test_the_field_cleans_and_refuses():
    good = Contact({"phone": "138 0000 0000", "other": ""})
    assert good.is_valid()
    assert good.cleaned_data == {"phone": "13800000000", "other": ""}
    bad = Contact({"phone": "138"})
    assert bad.errors.as_data()["phone"][0].code == "invalid_phone"
    assert 'inputmode="tel"' in str(Contact()["phone"])
