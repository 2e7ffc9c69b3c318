"""Addresses of figures and exports."""

from __future__ import annotations

from django.urls import URLPattern, path

from .figures.party import PartyFigures
from .figures.views import FigureOrders, Figures, Formulas

urlpatterns: list[URLPattern] = [
    path("figures/", Figures.as_view(), name="figures"),
    path("figures/formulas/", Formulas.as_view(), name="formulas"),
    path("figures/orders/", FigureOrders.as_view(), name="figure_orders"),
    path("party-figures/", PartyFigures.as_view(), name="party_figures"),
]
