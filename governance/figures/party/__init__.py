"""Figures of the Party's side: dual check-in, wishes, service and points."""
