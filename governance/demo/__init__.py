"""The demo city: a real division's names, drawn boundaries, invented people, and orders made by the actions."""
