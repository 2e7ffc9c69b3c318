"""Every part on one page, with sample data: for developers, off unless DEBUG or STYLEGUIDE is set."""

from __future__ import annotations

from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .forms import BaseForm
from .pagination import CursorPage
from .phones import MobileField


class SampleForm(BaseForm):
    """One field of each kind."""

    topic = forms.ChoiceField(label=_("Topic"), choices=[("", "…"), ("a", "A"), ("b", "B")])
    note = forms.CharField(label=_("Description"), required=False, widget=forms.Textarea(attrs={"rows": 2}))
    phone = MobileField(label=_("Phone"), help_text=_("Only those who handle it see the number."))
    kind = forms.ChoiceField(label=_("Kind"), choices=[("x", "X"), ("y", "Y")], widget=forms.RadioSelect)
    agree = forms.BooleanField(label=_("Keep me informed"), required=False)
    file = forms.FileField(label=_("File"), required=False)


def _square(west: float, south: float, size: float = 0.01) -> list[list[list[float]]]:
    east, north = west + size, south + size
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _boundaries() -> dict[str, object]:
    """Six squares in two rows."""
    features = [
        {
            "type": "Feature",
            "geometry": {
                "type": "Polygon",
                "coordinates": _square(105.40 + 0.01 * (n % 3), 28.86 + 0.01 * (n // 3)),
            },
            "properties": {
                "name": f"第{n + 1}网格",
                "label": f"{84 + 2 * n}.17%",
                "k": n,
                "worst": n == 0,
                "url": "#",
            },
        }
        for n in range(6)
    ]
    return {"type": "FeatureCollection", "features": features}


def _charts() -> dict[str, object]:
    days = list(range(1, 21))
    return {
        "trend": {
            "labels": [str(day) for day in days],
            "series": [
                {"name": "上报", "kind": "bar", "unit": "", "values": [300 + day * 37 % 220 for day in days]},
                {"name": "结案", "kind": "bar", "unit": "", "values": [280 + day * 31 % 200 for day in days]},
                {
                    "name": "按期结案率",
                    "kind": "line",
                    "unit": "%",
                    "values": [86.8 if day == 11 else 90 + day * 7 % 5 for day in days],
                },
            ],
            "note": {"index": 10, "text": "11 · 86.80%"},
            "partial_last": True,
        },
        "bars": {"labels": ["暴露垃圾", "机动车乱停", "楼道堆物"], "values": [1128, 936, 811], "unit": ""},
    }


def _context(at: datetime) -> dict[str, Any]:
    bound = SampleForm({"topic": "", "note": "南门人行道", "phone": "138000000", "kind": "x"})
    bound.is_valid()
    return {
        "at": at,
        "free": SampleForm(),
        "bound": bound,
        "spans": [timedelta(minutes=24), timedelta(minutes=72), timedelta(hours=29), timedelta(days=3)],
        "left": timedelta(minutes=8),
        "late": timedelta(minutes=-24),
        "spark": [1.0, 2.0, 1.5, 4.0, 3.0, 5.5],
        "page": CursorPage(rows=[], next_cursor="n", previous_cursor="p", total=1000, is_total_capped=True),
        "boundaries": _boundaries(),
        "points": [{"lat": 28.866, "lng": 105.415, "light": "red", "label": "261120-000187"}],
        "charts": _charts(),
        "stages": [
            SimpleNamespace(name=name, step=step, light=light, percent=percent, words=words, word="")
            for name, step, light, percent, words in [
                ("受理", "done", "green", 37, "11/30 分"),
                ("派单", "now", "yellow", 80, "32/40 分"),
                ("签收", "next", "grey", 0, "15 分"),
            ]
        ],
        "whole": SimpleNamespace(light="green", percent=35, words="1时17分"),
        "photo": SimpleNamespace(
            url="/static/img/login.svg", alt="", caption="陈某某 11-13 10:19", stamp="±6 米"
        ),
        "map_tiles": getattr(settings, "MAP_TILES", ""),
    }


def styleguide(request: HttpRequest, page: str = "desktop") -> HttpResponse:
    """The guide: /styleguide/, /styleguide/phone/, /styleguide/login/."""
    if not (settings.DEBUG or getattr(settings, "STYLEGUIDE", False)):
        raise Http404
    templates = {
        "desktop": "styleguide/desktop.html",
        "phone": "styleguide/phone.html",
        "login": "registration/login.html",
        "print": "styleguide/print.html",
    }
    if page not in templates:
        raise Http404
    if request.GET.get("toast"):
        messages.success(request, _("Saved."))
    return render(request, templates[page], _context(timezone.now()))


urlpatterns = [
    path("", styleguide, name="styleguide"),
    path("<slug:page>/", styleguide, name="styleguide_page"),
]
