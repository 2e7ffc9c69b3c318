"""Addresses of figures and exports."""

from __future__ import annotations

from django.urls import URLPattern, path

from .exports.views import ExportFile, Exports, OneExport
from .figures.party import PartyFigures
from .figures.views import FigureOrders, Figures, Formulas

urlpatterns: list[URLPattern] = [
    path("figures/", Figures.as_view(), name="figures"),
    path("figures/formulas/", Formulas.as_view(), name="formulas"),
    path("figures/orders/", FigureOrders.as_view(), name="figure_orders"),
    path("exports/", Exports.as_view(), name="exports"),
    path("exports/<str:id>/", OneExport.as_view(), name="export"),
    path("exports/<str:id>/file/", ExportFile.as_view(), name="export_file"),
    path("party-figures/", PartyFigures.as_view(), name="party_figures"),
]
