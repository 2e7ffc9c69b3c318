"""Tests of the pages of service."""
