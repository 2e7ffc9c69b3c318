"""Tests of the writes around people."""
