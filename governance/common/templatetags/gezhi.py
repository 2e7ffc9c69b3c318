"""The parts of a page: `{% load gezhi %}`. What each tag takes is told in docs/frontend.md."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from html import escape
from typing import Any

from django import template
from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.forms import BaseForm, BoundField, CheckboxInput, CheckboxSelectMultiple, RadioSelect, Textarea
from django.forms.widgets import FileInput, HiddenInput, Select
from django.http import QueryDict
from django.template import loader
from django.templatetags.static import static
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from governance.common import formats

register = template.Library()

for _filter in (
    formats.duration,
    formats.masked_phone,
    formats.masked_name,
    formats.rate,
    formats.points_delta,
    formats.local_time,
    formats.due_time,
    formats.ago,
    formats.distance,
):
    register.filter(_filter.__name__, _filter)

LIGHTS = {
    "green": "green",
    "yellow": "yellow",
    "red": "red",
    "paused": "grey",
    "ended": "ended",
    "grey": "grey",
}


@register.simple_tag
def html_lang() -> str:
    """The value of `<html lang>`."""
    return formats.html_language()


@register.simple_tag
def icon(name: str, label: str = "", **attributes: str) -> SafeString:
    """A symbol of static/icons.svg; without a label it is decoration. `class=` adds classes."""
    classes = " ".join(filter(None, ["i", attributes.get("class", "")]))
    return _symbol(name, str(label), classes)


def _symbol(name: str, label: str, classes: str) -> SafeString:
    href = f"{static('icons.svg')}#{name}"
    if label:
        return format_html(
            '<svg class="{}" role="img" aria-label="{}"><use href="{}"/></svg>', classes, label, href
        )
    return format_html('<svg class="{}" aria-hidden="true"><use href="{}"/></svg>', classes, href)


@register.simple_tag
def optional_url(name: str, *args: object, **kwargs: object) -> str:
    """The address of a URL name, or nothing where the portal has no such page."""
    try:
        return reverse(name, args=args or None, kwargs=kwargs or None)
    except NoReverseMatch:
        return ""


@register.simple_tag
def light(tone: str, text: str, boxed: bool = False, **attributes: str) -> SafeString:
    """A light: shape, word, colour. Tones: green, yellow, red, paused, ended; the word is never left out."""
    classes = " ".join(filter(None, ["light", "boxed" if boxed else "", attributes.get("class", "")]))
    return format_html('<span class="{}" data-light="{}">{}</span>', classes, LIGHTS.get(tone, "grey"), text)


def light_words(tone: str, left: timedelta | None) -> str:
    """What a light says of a clock: time left, time late, paused or ended."""
    if tone == "paused":
        return _("Suspended")
    if tone == "ended" or left is None:
        return _("Ended")
    span = formats.duration(left)
    if left < timedelta(0):
        return _("Late %(span)s") % {"span": span}
    return _("%(span)s left") % {"span": span}


@register.simple_tag
def clock_light(tone: str, left: timedelta | None, boxed: bool = False, **attributes: str) -> SafeString:
    """A light that says how much of a clock is left; a negative span is late."""
    return light(tone, light_words(tone, left), boxed, **attributes)


@register.simple_tag
def clock_bar(tone: str, percent: float | None, label: str = "") -> SafeString:
    """How much of a clock is used, 0 to 100; drawn by <progress>, so that no inline style is needed."""
    used = max(0, min(100, round(percent or 0)))
    words = label or _("%(percent)s%% of the time limit used") % {"percent": used}
    return format_html(
        '<progress class="bar" data-light="{}" value="{}" max="100" aria-label="{}"></progress>',
        LIGHTS.get(tone, "grey"),
        used,
        words,
    )


@register.simple_tag
def badge(text: str, tone: str = "", icon_name: str = "") -> SafeString:
    """A short fact. Tones: none (grey), info, green, yellow, red, accent."""
    symbol = icon(icon_name) if icon_name else ""
    if tone:
        return format_html('<span class="badge" data-tone="{}">{}{}</span>', tone, symbol, text)
    return format_html('<span class="badge">{}{}</span>', symbol, text)


@register.simple_tag
def delta(value: float | None, unit: str = "points", good: str = "na", label: str = "") -> SafeString:
    """A difference: an arrow for its direction, a tone for good or bad; `good` is "up", "down" or "na"."""
    if value is None:
        why = _("Not compared: too few orders in the earlier period (under 30, or a tenth of this one).")
        return format_html('<span>{}<b class="delta" data-dir="none" title="{}"></b></span>', label, why)
    direction = "flat" if round(float(value), 2) == 0 else ("up" if value > 0 else "down")
    verdict = "na" if good == "na" or direction == "flat" else ("yes" if good == direction else "no")
    size = formats.points_delta(value) if unit == "points" else f"{formats.two_decimals(abs(value))}%"
    spoken = {"up": _("up"), "down": _("down"), "flat": _("unchanged")}[direction]
    return format_html(
        '<span>{}<b class="delta" data-dir="{}" data-good="{}"><span class="sr">{} </span>{}</b></span>',
        label,
        direction,
        verdict,
        spoken,
        size,
    )


def _kind(bound: BoundField) -> str:
    widget = bound.field.widget
    kinds: list[tuple[type | tuple[type, ...], str]] = [
        (HiddenInput, "hidden"),
        ((RadioSelect, CheckboxSelectMultiple), "choices"),
        (CheckboxInput, "check"),
        (FileInput, "file"),
        (Textarea, "textarea"),
        (Select, "select"),
    ]
    return next((kind for types, kind in kinds if isinstance(widget, types)), "input")


@register.inclusion_tag("components/field.html")
def field(bound: BoundField, **options: Any) -> dict[str, object]:
    """A form field with label, help and error. Options: label, hint, hide_label, any attribute."""
    kind = _kind(bound)
    field_id = bound.id_for_label or bound.auto_id or bound.html_name
    label = options.pop("label", bound.label)
    hint = options.pop("hint", bound.help_text)
    hide_label = options.pop("hide_label", False)
    described = [f"{field_id}-error"] if bound.errors else []
    described += [f"{field_id}-hint"] if hint else []
    attributes = {name.replace("_", "-"): value for name, value in options.items()}
    classes = [bound.field.widget.attrs.get("class", ""), attributes.pop("class", "")]
    if kind not in {"check", "choices", "hidden"}:
        classes.insert(0, "input")
    attributes["class"] = " ".join(filter(None, classes))
    if bound.errors:
        attributes["aria-invalid"] = "true"
    attributes["aria-describedby"] = " ".join(described)
    widget = bound.as_widget(attrs={name: value for name, value in attributes.items() if value != ""})
    return {
        "bound": bound,
        "kind": kind,
        "widget": widget,
        "field_id": field_id,
        "label": label,
        "hint": hint,
        "hide_label": hide_label,
        "optional": not bound.field.required and kind not in {"check", "hidden"},
    }


@register.inclusion_tag("components/error_summary.html")
def error_summary(form: BaseForm | None, kept: str = "") -> dict[str, object]:
    """The banner above a refused form: how many places are wrong, each a link, and what has been kept."""
    if form is None or not form.is_bound or not form.errors:
        return {"shown": False}
    places = [
        {"id": form[name].id_for_label or form[name].auto_id, "label": form[name].label, "errors": errors}
        for name, errors in form.errors.items()
        if name in form.fields
    ]
    general = form.non_field_errors()
    return {
        "shown": True,
        "first": formats.orders_missing(len(places)) if places else "",
        "kept": kept or _("What you entered is still here."),
        "places": places,
        "general": general,
    }


@register.simple_tag(takes_context=True)
def query(context: template.Context, **changes: object) -> str:
    """The current address's query string with some parameters changed; None or "" removes one."""
    request = context.get("request")
    params = request.GET.copy() if request is not None else QueryDict(mutable=True)
    for name, value in changes.items():
        if value is None or value == "":
            params.pop(name, None)
        elif isinstance(value, list | tuple):
            params.setlist(name, [str(each) for each in value])
        else:
            params[name] = str(value)
    encoded = params.urlencode()
    return f"?{encoded}" if encoded else "?"


@register.simple_tag
def json_data(value: object, element_id: str) -> SafeString:
    """JSON for a script, in a hidden element: unlike `json_script` it survives being swapped in by htmx."""
    text = json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
    return format_html('<div hidden id="{}">{}</div>', element_id, text)


@register.simple_tag
def filled(template_name: str, rows: Iterable[Any], **constants: object) -> SafeString:
    """A template for each row of a long list, quickly: it is rendered once and its holes are filled.

    The rows' `cells` (dictionaries with the same keys) go where the template prints these keys, escaped as
    ever. Conditions in it may ask `constants` only, since they are decided once for all rows.
    """
    rows = list(rows)
    if not rows:
        return SafeString("")
    shape = _shape(template_name, get_language(), tuple(rows[0].cells), tuple(constants.items()))
    return SafeString(
        "".join(
            shape % {name: value if isinstance(value, SafeString) else escape(str(value))
                     for name, value in row.cells.items()}
            for row in rows
        )
    )  # fmt: skip


def _shape(
    template_name: str, language: str | None, names: tuple[str, ...], constants: tuple[tuple[str, Any], ...]
) -> str:
    """The template's text with `%(name)s` for each cell."""
    marks = {name: SafeString(f"\0{name}\0") for name in names}
    text = loader.get_template(template_name).render(marks | dict(constants))
    return re.sub(r"\0(\w+)\0", r"%(\1)s", text.replace("%", "%%"))


@register.simple_tag
def constant(template_name: str) -> SafeString:
    """A part that is the same on every page of a language: dialogs that wait, scripts, style sheets.

    It is rendered once, without the page's context: whatever it prints of a person or an order stays empty.
    """
    return _constant(template_name, get_language())


def _constant(template_name: str, language: str | None) -> SafeString:
    return SafeString(loader.get_template(template_name).render({}))


if not settings.DEBUG:  # where templates change while they are read
    _shape = lru_cache(maxsize=64)(_shape)
    _constant = lru_cache(maxsize=128)(_constant)
    _symbol = lru_cache(maxsize=1024)(_symbol)


@register.filter
def item_of(mapping: Mapping[Any, Any] | None, key: object) -> Any:
    """The value at a key that the template computed; None where there is none."""
    return None if mapping is None else mapping.get(key)


@register.inclusion_tag("components/sparkline.html")
def sparkline(values: Sequence[float | None], label: str = "") -> dict[str, object]:
    """A line of up to some dozens of values, drawn by the server; gaps (None) are skipped."""
    return {"points": spark_points(values), "label": label}


def spark_points(values: Iterable[float | None]) -> list[tuple[float, float]]:
    """Where a sparkline's values stand in a box of 102 × 30, highest value on top."""
    known = [(index, float(value)) for index, value in enumerate(values) if value is not None]
    if not known:
        return []
    low, high = min(v for _i, v in known), max(v for _i, v in known)
    last = max(1, known[-1][0])
    span = (high - low) or 1.0
    flat = high == low
    return [
        (round(2 + 96 * index / last, 1), 15.0 if flat else round(26 - 22 * (value - low) / span, 1))
        for index, value in known
    ]
