"""The demo city: a real division's names, drawn boundaries, invented people, orders made by the actions."""
