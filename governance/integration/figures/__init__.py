"""Figures for other systems: the numbers of the dashboard's pages, and the orders that each counts."""
