"""Imports into the orders' rooms: the catalogue of matters, and the orders of another system."""
