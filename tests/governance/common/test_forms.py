import pytest
from django import forms
from django.template import engines
from django.utils import translation

from governance.common.errors import Invalid
from governance.common.forms import BaseForm


class Report(BaseForm):
    topic = forms.ChoiceField(label="Topic", choices=[("", "…"), ("a", "A")])
    note = forms.CharField(label="Note", required=False, help_text="One sentence will do.")
    phone = forms.CharField(label="Phone", error_messages={"required": "Own words."})
    agree = forms.BooleanField(label="Agree", required=False)


def render(text, **context):
    with translation.override("en"):
        return engines["django"].from_string("{% load gezhi %}" + text).render(context)


def test_what_is_missing_is_said_in_our_words():
    with translation.override("en"):
        errors = Report({}).errors
        assert {name: list(map(str, each)) for name, each in errors.items()} == {
            "topic": ["Please choose one."],
            "phone": ["Own words."],
        }


def test_a_domain_error_stands_at_its_field_or_above_the_form():
    form = Report({"topic": "a", "phone": "1"})
    assert form.is_valid()
    form.add_domain_error(Invalid("No such phone.", field="phone"))
    form.add_domain_error(Invalid("Too late.", field="elsewhere"))
    assert form.errors == {"phone": ["No such phone."], "__all__": ["Too late."]}


def test_a_wrong_field_is_tied_to_its_error_and_hint():
    form = Report({"topic": "", "note": "<b>", "phone": "1"})
    text = render("{% field form.topic %}", form=form)
    assert 'aria-invalid="true"' in text
    assert 'aria-describedby="id_topic-error"' in text
    assert 'id="id_topic-error"' in text
    note = render("{% field form.note maxlength=20 data_counter='c' %}", form=form)
    assert 'aria-describedby="id_note-hint"' in note
    assert 'maxlength="20"' in note
    assert 'data-counter="c"' in note
    assert "(optional)" in note
    assert "&lt;b&gt;" in note
    assert "aria-invalid" not in note


def test_required_fields_and_checkboxes_are_not_marked_optional():
    assert "(optional)" not in render("{% field form.phone %}{% field form.agree %}", form=Report())


def test_the_summary_counts_and_links():
    text = render("{% error_summary form %}", form=Report({}))
    assert "2 things are missing or wrong." in text
    assert 'href="#id_topic"' in text
    assert 'role="alert"' in text
    assert render("{% error_summary form %}", form=Report()).strip() == ""
    assert render("{% error_summary form %}", form=None).strip() == ""


def test_one_wrong_place_needs_no_list():
    text = render("{% error_summary form %}", form=Report({"topic": "a"}))
    assert "1 thing is missing or wrong." in text
    assert "<ul>" not in text


class Limits(BaseForm):
    name = forms.CharField(max_length=3)
    amount = forms.DecimalField(max_value=480, min_value=1, decimal_places=1)


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"name": "四个字了"}, {"name": "At most 3 characters; these are 4. Please shorten it."}),
        ({"name": "a\x00"}, {"name": "There is an unreadable character in it. Please type it anew."}),
        ({"amount": "481"}, {"amount": "At most 480, please."}),
        ({"amount": "0"}, {"amount": "At least 1, please."}),
        ({"amount": "1.25"}, {"amount": "Too many digits after the point: at most 1."}),
    ],
)
def test_limits_are_told_in_our_words(typed, told):
    with translation.override("en"):
        errors = Limits({"name": "a", "amount": "2"} | typed).errors
        assert {name: " ".join(map(str, each)) for name, each in errors.items()} == told
